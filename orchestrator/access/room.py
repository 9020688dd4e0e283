"""Room: how many jobs of one tenant may be under way when it sends another."""

from __future__ import annotations

from orchestrator.access.caller import Caller
from orchestrator.access.tiers import TIERS
from orchestrator.store.database import Transaction
from shared_knowledge.errors import NeedsPerson

__all__ = ["TooManyJobs", "insist_on_room"]


class TooManyJobs(NeedsPerson):
    """A tenant has as many jobs under way as its tier allows; nothing was begun."""

    def __init__(self, tier: str, limit: int) -> None:
        super().__init__(
            f"The tier {tier} has room for {limit} jobs at a time, and there would be more.",
            todo="Wait until one has ended, or cancel one.",
        )
        self.limit = limit


def insist_on_room(transaction: Transaction, caller: Caller, jobs: int = 1) -> None:
    """Raises TooManyJobs if there was no room for the first of these `jobs`, which this transaction has written.

    The others of a batch wait in line for their turn. Nobody else writes during a transaction, so what is
    counted here stays true until it is kept.
    """
    limit = TIERS[caller.tier].concurrent_jobs
    row = transaction.row("under_way", tenant=caller.tenant, most=limit + jobs)
    if row is not None and row["n"] - jobs >= limit:
        raise TooManyJobs(caller.tier, limit)
