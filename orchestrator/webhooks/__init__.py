"""Webhooks: what we tell receivers about their jobs, and what vendors tell us about our orders."""
