"""The report a person opens from disk: the film, and everything they may want to know about it."""

from orchestrator.composer.report.cards import Still
from orchestrator.composer.report.page import REPORT, render_report, write_report

__all__ = ["REPORT", "Still", "render_report", "write_report"]
