"""The agent that gets voices made."""
