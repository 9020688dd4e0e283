"""What can be done with a job that is in our keeping: look, list, change, approve, cancel, follow."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from time import monotonic

from orchestrator.faces.web.answered import (
    STATUS,
    Cancelled,
    Changed,
    JobRow,
    JobStanding,
    Page,
    page_of,
)
from orchestrator.faces.web.asked import Approval, EventsQuery, JobChange, SortedPageQuery
from orchestrator.faces.web.calls import Answer, Call, aside, good
from orchestrator.faces.web.checks import check_callback
from orchestrator.faces.web.errors import Refusal, bad_input
from orchestrator.faces.web.operations import Operation
from orchestrator.faces.web.standing import job_of, row_of, standing_of
from orchestrator.store.database import Transaction
from orchestrator.store.jobs import Event
from shared_knowledge.errors import BadRequest
from shared_knowledge.vocabulary import Job, JobState

__all__ = ["OPERATIONS"]

_LOOKS_EVERY_S = 0.5
_BREATHES_EVERY_S = 15.0
_STREAM_LASTS_S = 3600.0
_STREAMS_OF_ONE_TENANT = 20
_CHANGEABLE = {JobState.QUEUED, JobState.AWAITING_APPROVAL, JobState.PAUSED}
_STANDSTILLS = {JobState.IN_DOUBT, JobState.PAUSED}
_EXAMPLE_STANDING = {
    "job_id": "job_abc123def456",
    "status": "COMPLETED",
    "state": "done",
    "progress": 100,
    "created_at": "2026-02-04T10:30:00Z",
    "ended_at": "2026-02-04T10:34:47Z",
    "preset": None,
    "batch_id": None,
    "metadata": {"customer_id": "cust_123"},
    "result": {
        "video_url": "https://api.example.com/jobs/job_abc123def456/assets/film.mp4?expires=1770287687&signature=5f…",
        "cost_estimate": 2.5,
        "quality_score": 0.92,
        "processing_time_seconds": 287,
        "cost_usd": "2.500000",
        "assets": [],
        "shortfalls": [],
    },
    "error": None,
    "approval": None,
    "erased_at": None,
}
_streams: Counter[str] = Counter()


async def _standing(call: Call) -> Answer:
    return good(await aside(lambda: standing_of(call, job_of(call))))


async def _list(call: Call) -> Answer:
    query: SortedPageQuery = call.query
    jobs, total = await aside(
        call.service.studio.page,
        call.tenant,
        query.sort,
        skip=(query.page - 1) * query.limit,
        most=query.limit,
    )
    items = tuple(map(row_of, jobs))
    return good(Page[JobRow](items=items, pagination=page_of(query.page, query.limit, total)))


async def _change(call: Call) -> Answer:
    asked: JobChange = call.asked
    given = asked.model_fields_set
    if not given:
        raise bad_input(body="Must change something: metadata or callback_url")
    job = await aside(job_of, call)
    service = call.service
    if "callback_url" in given:
        check_callback(call, asked.callback_url, "callback_url")
        if job.state not in _CHANGEABLE:
            raise Refusal(
                409, f"The callback can be changed while a job is PENDING; it is {STATUS[job.state]}"
            )

    def ask(transaction: Transaction) -> str | None:
        if "metadata" in given:
            service.shelf.change(transaction, job.id, asked.metadata)
        if "callback_url" not in given:
            return None
        service.shelf.call_nobody_back(transaction, job.id)
        if asked.callback_url is None:
            return None
        return service.outbox.call_back(transaction, call.tenant, job.id, asked.callback_url)

    secret = await service.database.write(ask)
    return good(await aside(lambda: _changed(call, job, secret)))


def _changed(call: Call, job: Job, secret: str | None) -> Changed:
    shelf = call.service.shelf
    return Changed(
        job_id=job.id,
        status=STATUS[job.state],
        metadata=shelf.extras(job.id).metadata,
        callback_url=shelf.callback(job.id),
        callback_secret=secret,
    )


async def _cancel(call: Call) -> Answer:
    job = await aside(job_of, call)
    if job.state.over:
        raise Refusal(409, f"Job already ended: it is {STATUS[job.state]}", code="JOB_ENDED")
    try:
        job = await call.service.studio.cancel(job.id)
    except BadRequest as error:
        raise Refusal(409, str(error), code="JOB_ENDED") from None
    return good(Cancelled(job_id=job.id, status=STATUS[job.state], reason=job.why))


async def _approve(call: Call) -> Answer:
    asked: Approval = call.asked
    job = await aside(job_of, call)
    if job.state is not JobState.AWAITING_APPROVAL:
        raise Refusal(
            409, f"Job does not wait for an approval: it is {STATUS[job.state]}", code="NOT_WAITING"
        )
    if asked.quote is not None and (job.quote is None or job.quote.hash != asked.quote):
        raise Refusal(409, "The job waits with another quote than that", code="QUOTE_CHANGED")
    try:
        await call.service.studio.approve(job.id, asked.approve)
    except BadRequest as error:
        raise Refusal(409, str(error), code="NOT_WAITING") from None
    return good(await aside(lambda: standing_of(call, job_of(call))), 202)


# ── following ──────────────────────────────────────────────────────────────────────────────────


async def _events(call: Call) -> Answer:
    query: EventsQuery = call.query
    job = await aside(job_of, call)
    after = query.after or 0
    last = call.headers.get("last-event-id")
    if last is not None:
        if not (last.isascii() and last.isdecimal() and len(last) <= 15):
            raise bad_input(**{"Last-Event-ID": "Must be the id of an event"})
        after = int(last)
    if _streams[call.tenant] >= _STREAMS_OF_ONE_TENANT:
        raise Refusal(429, "Too many streams are open", code="TOO_MANY_STREAMS", retry_after_s=30)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return Answer(200, kind="text/event-stream", headers=headers, stream=_told(call, job.id, after))


async def _told(call: Call, job_id: str, after: int) -> AsyncIterator[bytes]:
    """Every event of a job, once, until it has ended; a breath where nothing happens."""
    studio, tenant = call.service.studio, call.tenant
    until, breath = monotonic() + _STREAM_LASTS_S, monotonic()
    _streams[tenant] += 1
    try:
        yield b"retry: 2000\n\n"
        while monotonic() < until:
            state = (await aside(studio.of, tenant, job_id)).state
            news = await aside(studio.events, job_id, after)
            for number, event in news:
                after = number
                yield _line(number, event)
            if not news and (state.over or state in _STANDSTILLS):
                yield f'event: end\ndata: {{"job_id":"{job_id}","status":"{STATUS[state]}"}}\n\n'.encode()
                return
            if news:
                breath = monotonic()
                continue
            if monotonic() - breath > _BREATHES_EVERY_S:
                breath = monotonic()
                yield b": still here\n\n"
            await asyncio.sleep(_LOOKS_EVERY_S)
    finally:
        _streams[tenant] -= 1
        if not _streams[tenant]:
            del _streams[tenant]


def _line(number: int, event: Event) -> bytes:
    return f"id: {number}\nevent: {event.what}\ndata: {event.model_dump_json(exclude_none=True)}\n\n".encode()


OPERATIONS = (
    Operation(
        name="getPipeline",
        method="GET",
        path="/pipeline/{job_id}",
        tag="Jobs",
        summary="Get job status",
        do=_standing,
        scope="jobs:read",
        answers={200: JobStanding},
        shown=_EXAMPLE_STANDING,
    ),
    Operation(
        name="listJobs",
        method="GET",
        path="/jobs",
        tag="Jobs",
        summary="List jobs",
        about="Newest first, unless `sort` says otherwise: `created_at`, `-created_at`, `status` or `-status`.",
        do=_list,
        scope="jobs:read",
        query=SortedPageQuery,
        answers={200: Page[JobRow]},
    ),
    Operation(
        name="getJob",
        method="GET",
        path="/jobs/{job_id}",
        tag="Jobs",
        summary="Get job status (the same as /pipeline/{job_id})",
        do=_standing,
        scope="jobs:read",
        answers={200: JobStanding},
        shown=_EXAMPLE_STANDING,
    ),
    Operation(
        name="updateJob",
        method="PUT",
        path="/jobs/{job_id}",
        tag="Jobs",
        summary="Update job",
        about="`metadata` at any time, `callback_url` while the job is PENDING. What is left out stays; null takes it "
        "away.",
        do=_change,
        scope="jobs:write",
        asks=JobChange,
        answers={200: Changed},
        refuses=(409,),
        examples={"metadata": {"metadata": {"project": "Q2_2026_Campaign"}}},
    ),
    Operation(
        name="cancelJob",
        method="DELETE",
        path="/jobs/{job_id}",
        tag="Jobs",
        summary="Cancel job",
        about="Stops a job that has not ended. What was made or charged by then stays in the ledger.",
        do=_cancel,
        scope="jobs:write",
        answers={200: Cancelled},
        refuses=(409,),
    ),
    Operation(
        name="approveJob",
        method="POST",
        path="/jobs/{job_id}/approve",
        tag="Jobs",
        summary="Say yes or no to the quote a job waits with",
        do=_approve,
        scope="jobs:write",
        asks=Approval,
        may_ask_nothing=True,
        answers={202: JobStanding},
        refuses=(409,),
        examples={"yes": {"approve": True}},
    ),
    Operation(
        name="followJob",
        method="GET",
        path="/jobs/{job_id}/events",
        tag="Jobs",
        summary="Follow a job as it goes (server-sent events)",
        about="Begins with the first event, or after the one that `Last-Event-ID` or `after` names. The last one is "
        "called `end`.",
        do=_events,
        scope="jobs:read",
        query=EventsQuery,
        answers={200: "text/event-stream"},
    ),
)
