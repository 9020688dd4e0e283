"""The caller's own account: what was used, what is left, and the erasing of everything they sent and had made."""

from __future__ import annotations

import shutil
from collections import Counter
from datetime import UTC, datetime, timedelta

from orchestrator.access import TIERS
from orchestrator.faces.web.answered import STATUS, CustomsShown, Usage, UsageDay, Wiped
from orchestrator.faces.web.asked import CustomsChange, ErasureQuery, UsageQuery
from orchestrator.faces.web.calls import Answer, Call, aside, good
from orchestrator.faces.web.checks import check_platforms
from orchestrator.faces.web.operations import Operation
from orchestrator.store.service import Customs, Erased
from orchestrator.studio import Studio
from shared_knowledge.vocabulary import Money

__all__ = ["OPERATIONS", "take_away"]


async def _usage(call: Call) -> Answer:
    query: UsageQuery = call.query
    caller, service = call.caller, call.service
    today = datetime.now(UTC).date()
    since = today - timedelta(days=query.days - 1)
    used = await service.keys.usage(call.tenant, since, today)
    begun = datetime.combine(since, datetime.min.time(), UTC)
    by_state = await aside(service.shelf.jobs_since, call.tenant, begun)
    jobs: Counter[str] = Counter()
    for state, many in by_state.items():
        jobs[STATUS[state]] += many
    tier = TIERS[caller.tier]
    rows = []
    for day in dict.fromkeys(row.day for row in used.rows):
        of_day = [row for row in used.rows if row.day == day]
        rows.append(
            UsageDay(
                day=day.isoformat(),
                requests=sum(row.requests for row in of_day),
                jobs=sum(row.jobs for row in of_day),
                spent_usd=Money(sum(row.spent for row in of_day)).usd,
                reserved_usd=Money(sum(row.reserved for row in of_day)).usd,
            )
        )
    return good(
        Usage(
            tier=caller.tier,
            environment="test" if caller.is_test else "live",
            since=since.isoformat(),
            until=today.isoformat(),
            requests=used.requests,
            jobs=used.jobs,
            jobs_by_status=dict(jobs),
            spent_usd=used.spent.usd,
            reserved_usd=used.reserved.usd,
            days=tuple(rows),
            limits={
                "requests_per_minute": tier.requests_a_minute,
                "burst": tier.burst,
                "concurrent_jobs": tier.concurrent_jobs,
                "batch": tier.may_batch,
            },
        )
    )


async def _settled(call: Call) -> Answer:
    return good(_shown(await aside(call.service.shelf.customs, call.tenant)))


async def _settle(call: Call) -> Answer:
    asked: CustomsChange = call.asked
    for name in ("use", "avoid"):
        check_platforms(call, getattr(asked, name), name)
    customs = Customs(
        use=asked.use,
        avoid=asked.avoid,
        budget=asked.budget_usd,
        keep_days=asked.retention_days,
        brand=asked.brand,
    )
    await call.service.shelf.settle(call.tenant, customs)
    return good(_shown(customs))


def _shown(customs: Customs) -> CustomsShown:
    return CustomsShown(
        use=customs.use,
        avoid=customs.avoid,
        budget_usd=None if customs.budget is None else customs.budget.usd,
        retention_days=customs.keep_days,
        brand=customs.brand,
    )


async def _erase(call: Call) -> Answer:
    query: ErasureQuery = call.query
    before = query.before or datetime.now(UTC)
    erased = await call.service.shelf.erase(call.tenant, before)
    if query.before is None:
        await call.service.outbox.forget(call.tenant)
    await aside(take_away, call.service.studio, erased)
    return good(Wiped(jobs=erased.jobs, files=len(erased.files), before=before, left=erased.under_way))


def take_away(studio: Studio, erased: Erased) -> None:
    """The files themselves. Whatever cannot be taken away now is nobody's any more, and found by nobody."""
    for folder in erased.folders:
        shutil.rmtree(folder, ignore_errors=True)
    for file in erased.files:
        studio.take_off(file)


OPERATIONS = (
    Operation(
        name="getUsage",
        method="GET",
        path="/me/usage",
        tag="Account",
        summary="What you used, day by day, and what you may use",
        do=_usage,
        scope="usage",
        query=UsageQuery,
        answers={200: Usage},
    ),
    Operation(
        name="getSettings",
        method="GET",
        path="/me/settings",
        tag="Account",
        summary="What is settled for every job of yours",
        do=_settled,
        scope="jobs:read",
        answers={200: CustomsShown},
    ),
    Operation(
        name="putSettings",
        method="PUT",
        path="/me/settings",
        tag="Account",
        summary="Settle it otherwise: platforms, the most a job may cost, how long its content is kept, your brand",
        do=_settle,
        scope="keys",
        asks=CustomsChange,
        answers={200: CustomsShown},
        examples={
            "settings": {
                "avoid": [],
                "budget_usd": "5.00",
                "retention_days": 30,
                "brand": {"palette": ["#0b3d2e"], "look": "matte, morning light"},
            }
        },
    ),
    Operation(
        name="eraseData",
        method="DELETE",
        path="/me/data",
        tag="Account",
        summary="Erase everything you sent and had made",
        about="Of every job that has ended: the brief, the plan, the prompts, the events, the metadata and the files. "
        "With `before`, only of jobs taken before that moment; without it, the webhooks and what was sent to them too. "
        "Days and amounts stay in the ledger, and so do the keys. Jobs that are still under way are named in `left`: "
        "cancel them, and ask again. It asks for the scope `keys`.",
        do=_erase,
        scope="keys",
        query=ErasureQuery,
        answers={200: Wiped},
    ),
)
