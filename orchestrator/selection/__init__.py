"""Who makes what: offers for every task, the cheapest first, and one honest quote for the whole plan.

Pure functions: the same plan, catalogue and circumstances always give the same quote.
"""

from orchestrator.selection.quoting import check_budget, quote
from orchestrator.selection.weighing import Circumstances, offers

__all__ = ["Circumstances", "check_budget", "offers", "quote"]
