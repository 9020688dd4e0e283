"""The agent that gets pictures made."""
