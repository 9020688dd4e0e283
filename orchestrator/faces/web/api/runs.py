"""Asking for work: a film to be narrated, a brief, a preset, many at once, or only what it would cost."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from orchestrator.access import TIERS, insist_on_room
from orchestrator.faces.web.answered import (
    STATUS,
    Accepted,
    BatchAccepted,
    BatchStanding,
    Page,
    PlanAnswer,
    PresetShown,
    page_of,
)
from orchestrator.faces.web.asked import (
    Batch,
    BatchVideo,
    BriefRun,
    NarrationRun,
    PageQuery,
    PlanAsked,
    PresetRun,
    Run,
    VideoBatch,
    choices,
)
from orchestrator.faces.web.calls import Answer, Call, aside, good
from orchestrator.faces.web.checks import check_callback, check_platforms, check_preset, check_video
from orchestrator.faces.web.errors import bad_input, forbidden, not_found
from orchestrator.faces.web.lots import draw_name
from orchestrator.faces.web.operations import Operation
from orchestrator.store.database import Transaction
from orchestrator.store.service import Customs, Extras, Habits
from shared_knowledge.errors import BadRequest
from shared_knowledge.presets import preset, presets
from shared_knowledge.vocabulary import Brief, Job, Narration

__all__ = ["OPERATIONS"]

_USUALLY_S = 300
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_EXAMPLE_RUN = {
    "video_url": "https://example.com/video.mp4",
    "voice_text": "Sample narration",
    "voice_language": "en",
    "music_style": "upbeat",
    "preset": "brand_campaign",
    "callback_url": "https://yourserver.com/callback",
    "metadata": {"customer_id": "cust_123", "project": "Q1_2026_Campaign"},
}
_EXAMPLE_BRIEF = {
    "brief": "15-second vertical video of a ceramic mug, Portuguese voice-over, a hero photo",
    "budget_usd": "2.00",
}
_EXAMPLE_ACCEPTED = {
    "job_id": "job_abc123def456",
    "status": "PENDING",
    "estimated_duration_seconds": 300,
    "created_at": "2026-02-04T10:30:00Z",
    "callback_secret": None,
}


class _Wanted(NamedTuple):
    """One job that is asked for: its brief and what hangs on it."""

    id: str
    brief: Brief
    extras: Extras
    callback_url: str | None


# ── one ────────────────────────────────────────────────────────────────────────────────────────


async def _run(call: Call) -> Answer:
    habits = await call.service.shelf.habits(call.tenant)
    wanted = _as_settled(_wanted(call, call.asked), habits.customs)
    wanted = wanted._replace(brief=await _with_its_past(call, wanted.brief))
    said: list[Answer] = []

    def also(transaction: Transaction, jobs: Sequence[Job]) -> None:
        insist_on_room(transaction, call.caller)
        secret = _hang(call, transaction, wanted)
        said.append(good(_accepted(jobs[0], _soon_s(habits), secret), 202))
        call.keep_promise(transaction, said[-1])

    await _take_in(call, [wanted], also)
    return said[-1]  # an ask may be run again, and only what it said last was kept


async def _take_in(
    call: Call, wanted: Sequence[_Wanted], also: Callable[[Transaction, Sequence[Job]], None]
) -> None:
    await call.service.studio.accept_many(
        {each.id: each.brief for each in wanted}, tenant=call.tenant, key=call.caller.key_id, also=also
    )


def _hang(call: Call, transaction: Transaction, wanted: _Wanted) -> str | None:
    """Writes what belongs to a job beside it; the secret of its callback, if that is new."""
    if wanted.extras != Extras(job=wanted.id):
        call.service.shelf.hang(transaction, wanted.extras)
    if wanted.callback_url is None:
        return None
    return call.service.outbox.call_back(transaction, call.tenant, wanted.id, wanted.callback_url)


def _accepted(job: Job, soon_s: int, secret: str | None) -> Accepted:
    return Accepted(
        job_id=job.id,
        status=STATUS[job.state],
        estimated_duration_seconds=soon_s,
        created_at=job.created_at,
        callback_secret=secret,
    )


def _soon_s(habits: Habits) -> int:
    """After how long a job may have ended."""
    return max(1, round(_USUALLY_S if habits.pace_s is None else habits.pace_s))


def _wanted(call: Call, run: Run, *, batch: str | None = None, place: str = "") -> _Wanted:
    """The job a request means; every name and address in it looked at, none of them called."""
    check_callback(call, run.callback_url, f"{place}callback_url")
    job_id = draw_name("job")
    chosen: str | None = None
    match run:
        case NarrationRun():
            check_video(call, run.video_url, f"{place}video_url")
            chosen = run.preset
            check_preset(chosen, f"{place}preset")
            brief = _narrated(run)
        case PresetRun():
            chosen = run.preset
            check_preset(chosen, f"{place}preset")
            brief = _bought(call, run, _preset_words(run, place), place)
        case BriefRun():
            brief = _bought(call, run, run.brief, place)
            brief = brief.model_copy(update={"accepted_quote": run.quote, "from_job": run.from_job})
    extras = Extras(job=job_id, batch=batch, preset=chosen, metadata=run.metadata)
    return _Wanted(job_id, brief, extras, run.callback_url)


async def _with_its_past(call: Call, brief: Brief, place: str = "") -> Brief:
    """The brief with the words of the job that it changes, which must be a job of the caller's."""
    if brief.from_job is None:
        return brief
    try:
        return await aside(call.service.studio.changing, call.tenant, brief)
    except BadRequest:
        raise bad_input(**{f"{place}from_job": "Must be the id of a job of yours that had a brief"}) from None


def _as_settled(wanted: _Wanted, customs: Customs) -> _Wanted:
    """The same job under what its tenant has settled for all."""
    if customs == Customs():
        return wanted
    return wanted._replace(brief=_settled(wanted.brief, customs))


def _settled(brief: Brief, customs: Customs) -> Brief:
    budgets = [budget for budget in (brief.budget, customs.budget) if budget is not None]
    own = {
        "use": brief.use or choices(customs.use),
        "avoid": tuple(dict.fromkeys((*brief.avoid, *choices(customs.avoid)))),
        "budget": min(budgets, default=None),
        "brand": customs.brand,
    }
    return brief.model_copy(update=own)


def _narrated(run: NarrationRun) -> Brief:
    # What was asked has passed the very same checks.
    narration = Narration.model_construct(**{name: getattr(run, name) for name in Narration.model_fields})
    return Brief(text=narration.in_words, narration=narration)


def _bought(call: Call, run: BriefRun | PresetRun | PlanAsked, text: str, place: str = "") -> Brief:
    for name in ("use", "avoid"):
        check_platforms(call, getattr(run, name), f"{place}{name}")
    return Brief(
        text=text,
        budget=run.budget_usd,
        quality=run.quality,
        draft=run.draft,
        use=choices(run.use),
        avoid=choices(run.avoid),
        on_refusal=run.on_refusal,
        on_doubt=run.on_doubt,
        approval=run.approval,
    )


def _preset_words(run: PresetRun, place: str) -> str:
    try:
        return preset(run.preset).words(run.subject, run.voice_language)
    except BadRequest as error:
        raise bad_input(**{f"{place}subject": str(error)}) from None


# ── many ───────────────────────────────────────────────────────────────────────────────────────


async def _batch(call: Call) -> Answer:
    tier = TIERS[call.caller.tier]
    if not tier.may_batch:
        raise forbidden("Your tier does not support batch processing", "TIER_TOO_LOW")
    batch_id = draw_name("batch")
    asked: Batch = call.asked
    if isinstance(asked, VideoBatch):
        for number, video in enumerate(asked.videos):
            check_video(call, video.url, f"videos[{number}].url")
        runs: Sequence[Any] = [_video(asked, video) for video in asked.videos]
        name = "videos"
    else:
        runs, name = asked.runs, "runs"
    if tier.burst is not None and len(runs) > tier.burst:
        raise bad_input(**{name: f"Must be at most {tier.burst} on your tier: each counts as a request"})
    await call.admit(len(runs) - 1)
    habits = await call.service.shelf.habits(call.tenant)
    wanted = [
        _as_settled(_wanted(call, run, batch=batch_id, place=f"{name}[{number}]."), habits.customs)
        for number, run in enumerate(runs)
    ]
    for number, each in enumerate(wanted):
        brief = await _with_its_past(call, each.brief, f"{name}[{number}].")
        wanted[number] = each._replace(brief=brief)
    soon_s = _soon_s(habits)
    said: list[Answer] = []

    def also(transaction: Transaction, jobs: Sequence[Job]) -> None:
        insist_on_room(transaction, call.caller, len(jobs))
        secrets = [_hang(call, transaction, each) for each in wanted]
        accepted = tuple(_accepted(job, soon_s, secret) for job, secret in zip(jobs, secrets, strict=True))
        said.append(good(BatchAccepted(batch_id=batch_id, total=len(accepted), jobs=accepted), 202))
        call.keep_promise(transaction, said[-1])

    await _take_in(call, wanted, also)
    return said[-1]  # an ask may be run again, and only what it said last was kept


def _video(batch: VideoBatch, video: BatchVideo) -> NarrationRun:
    """One film of a batch with what the batch says for all."""
    shared = batch.model_dump(exclude={"videos"}, exclude_unset=True)
    own = video.model_dump(exclude={"url"}, exclude_unset=True)
    said = shared | {name: value for name, value in own.items() if value is not None}
    return NarrationRun(video_url=video.url, **said)


async def _batch_standing(call: Call) -> Answer:
    batch_id = call.params["batch_id"]
    found = await aside(call.service.shelf.batch, call.tenant, batch_id) if _ID.fullmatch(batch_id) else ()
    if not found:
        raise not_found("Batch")
    jobs = tuple({"job_id": job_id, "status": STATUS[state]} for job_id, state in found)
    counts = Counter(STATUS[state] for _, state in found)
    return good(BatchStanding(batch_id=batch_id, total=len(found), counts=dict(counts), jobs=jobs))


# ── none ───────────────────────────────────────────────────────────────────────────────────────


async def _plan(call: Call) -> Answer:
    asked: PlanAsked = call.asked
    habits = await call.service.shelf.habits(call.tenant)
    brief = _settled(_bought(call, asked, asked.brief), habits.customs)
    brief = brief.model_copy(update={"may_read_files": False, "from_job": asked.from_job})
    brief = await _with_its_past(call, brief)
    proposal = await aside(call.service.studio.quote, brief, tenant=call.tenant)
    obstacle = None if proposal.obstacle is None else str(proposal.obstacle)
    return good(PlanAnswer.model_validate({**proposal.document(), "obstacle": obstacle}))


async def _presets(call: Call) -> Answer:
    query: PageQuery = call.query
    known = presets()
    first = (query.page - 1) * query.limit
    shown = tuple(
        PresetShown.model_validate(one.model_dump(mode="json")) for one in known[first : first + query.limit]
    )
    page = page_of(query.page, query.limit, len(known))
    return good(Page[PresetShown](items=shown, pagination=page))


OPERATIONS = (
    Operation(
        name="runPipeline",
        method="POST",
        path="/pipeline/run",
        tag="Jobs",
        summary="Submit job",
        about="One of three forms. With `video_url`, your film gets the words of `voice_text` spoken over it, "
        "with captions, and music beneath. With `brief`, plain words become pictures, clips, voices and a film, "
        "within `budget_usd`. With `preset` and `subject`, a ready-made brief is used. The job is taken in at once; "
        "what stands in its way is told by its end.",
        do=_run,
        scope="jobs:write",
        asks=Run,
        answers={202: Accepted},
        examples={"narration": _EXAMPLE_RUN, "brief": _EXAMPLE_BRIEF},
        shown=_EXAMPLE_ACCEPTED,
        keeps_its_promise=True,
        hides=("callback_secret",),
    ),
    Operation(
        name="runBatch",
        method="POST",
        path="/pipeline/batch",
        tag="Jobs",
        summary="Submit batch (Pro and Enterprise)",
        about="Up to 100 films under `videos`, or up to 100 runs of any form under `runs`: all are taken in, or none. "
        "Each counts as a request, so there may be no more of them than your burst. They begin in their order; as many "
        "run at a time as your tier has room for.",
        do=_batch,
        scope="jobs:write",
        asks=Batch,
        answers={202: BatchAccepted},
        examples={"videos": {"videos": [{"url": "https://example.com/a.mp4"}], "voice_text": "Hello"}},
        shown={"batch_id": "batch_abc123def456", "total": 1, "jobs": [_EXAMPLE_ACCEPTED]},
        keeps_its_promise=True,
        hides=("callback_secret",),
    ),
    Operation(
        name="getBatch",
        method="GET",
        path="/pipeline/batch/{batch_id}",
        tag="Jobs",
        summary="Get the status of a batch",
        do=_batch_standing,
        scope="jobs:read",
        answers={200: BatchStanding},
    ),
    Operation(
        name="plan",
        method="POST",
        path="/plan",
        tag="Jobs",
        summary="Understand, choose and price; buy nothing",
        about="The same understanding, choice and price as a run with the same brief. Where it could not be run as it "
        "is, `obstacle` says why. Its `quote.hash` may be given as `quote` to `POST /pipeline/run`.",
        do=_plan,
        scope="jobs:read",
        asks=PlanAsked,
        answers={200: PlanAnswer},
        examples={"brief": _EXAMPLE_BRIEF},
    ),
    Operation(
        name="listPresets",
        method="GET",
        path="/presets",
        tag="Jobs",
        summary="List presets",
        do=_presets,
        scope="jobs:read",
        query=PageQuery,
        answers={200: Page[PresetShown]},
    ),
)
