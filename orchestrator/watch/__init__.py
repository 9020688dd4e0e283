"""Watching over the service: its figures for Prometheus, and whether it can work at all."""
