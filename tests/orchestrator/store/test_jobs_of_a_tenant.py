"""A tenant's jobs, page by page, and nobody else's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from orchestrator.store.jobs import Jobs, Ordering
from shared_knowledge.errors import BadRequest
from shared_knowledge.vocabulary import Brief, JobState

if TYPE_CHECKING:
    from orchestrator.store.database import Database, Transaction

BRIEF = Brief(text="a photo of a cup")


@pytest.fixture
async def jobs(database: Database) -> Jobs:
    """Four jobs of one tenant, a minute apart, and one of another."""
    minutes = iter(datetime(2026, 11, 20, tzinfo=UTC) + timedelta(minutes=n) for n in range(99))
    jobs = Jobs(database, now=lambda: next(minutes))
    for name in ("a", "b", "c", "d"):
        await jobs.add(f"job_{name}", BRIEF, f"/tmp/{name}", tenant="acme")
    await jobs.add("job_e", BRIEF, "/tmp/e", tenant="acme~test")
    await jobs.move("job_b", JobState.DONE)
    await jobs.move("job_c", JobState.RUNNING)
    return jobs


@pytest.mark.parametrize(
    ("order", "found"),
    [
        ("created_at", "abcd"),
        ("-created_at", "dcba"),
        ("status", "bdac"),
        ("-status", "cdab"),
    ],
)
def test_in_the_order_that_was_asked_for(jobs: Jobs, order: Ordering, found: str) -> None:
    page, count = jobs.page("acme", order, skip=0, most=10)
    assert ["job_" + name for name in found] == [job.id for job in page]
    assert count == 4
    assert all(job.tenant == "acme" for job in page)


def test_one_page_after_the_other(jobs: Jobs) -> None:
    pages = [jobs.page("acme", "created_at", skip=skip, most=3)[0] for skip in (0, 3, 6)]
    assert [[job.id[-1] for job in page] for page in pages] == [["a", "b", "c"], ["d"], []]


def test_a_job_of_somebody_else_does_not_exist(jobs: Jobs) -> None:
    assert jobs.of("acme", "job_a").id == "job_a"
    for tenant, job in (("acme", "job_e"), ("acme~test", "job_a"), ("acme", "job_"), ("acme", "job_none")):
        with pytest.raises(BadRequest, match="There is no job"):
            jobs.of(tenant, job)


async def test_what_is_written_with_a_job_is_written_or_neither_is(jobs: Jobs) -> None:
    def refuses(transaction: Transaction) -> None:
        raise BadRequest("too many at once")

    with pytest.raises(BadRequest, match="too many"):
        await jobs.add("job_f", BRIEF, "/tmp/f", tenant="acme", also=refuses)
    assert not jobs.knows("job_f")
