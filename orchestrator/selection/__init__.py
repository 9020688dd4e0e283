"""Who makes what: offers for every task, the cheapest whole plan, and one honest quote for it.

Pure functions: the same plan, catalogue and circumstances always give the same quote.
"""

from orchestrator.selection.keeping import unchanged
from orchestrator.selection.quoting import check_budget, quote
from orchestrator.selection.track_record import TrackRecord, track_records
from orchestrator.selection.weighing import offers
from orchestrator.selection.wishes import Circumstances

__all__ = [
    "Circumstances",
    "TrackRecord",
    "check_budget",
    "offers",
    "quote",
    "track_records",
    "unchanged",
]
