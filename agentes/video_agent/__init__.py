"""The agent that gets clips made."""
