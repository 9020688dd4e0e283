"""The service's own room."""
