"""Who makes what: offers for every task, the cheapest whole plan, and one honest quote for it.

Pure functions: the same plan, catalogue and circumstances always give the same quote.
"""

from orchestrator.selection.keeping import NO_PAST, UNCHANGED, Past, digests, may_stay, unchanged
from orchestrator.selection.quoting import check_budget, quote
from orchestrator.selection.track_record import TrackRecord, as_text, from_text, track_records
from orchestrator.selection.weighing import offers
from orchestrator.selection.wishes import Circumstances

__all__ = [
    "NO_PAST",
    "UNCHANGED",
    "Circumstances",
    "Past",
    "TrackRecord",
    "as_text",
    "check_budget",
    "digests",
    "from_text",
    "may_stay",
    "offers",
    "quote",
    "track_records",
    "unchanged",
]
