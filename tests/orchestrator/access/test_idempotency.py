"""The same request under one name is done once, whoever repeats it, however many at once."""

from __future__ import annotations

import asyncio

import pytest

from orchestrator.access import (
    AlreadyAnswered,
    Answer,
    Idempotency,
    TooManyJobs,
    Verdict,
    insist_on_room,
    name_of,
    request_digest,
)
from orchestrator.store.jobs import Jobs
from shared_knowledge.errors import BadRequest
from shared_knowledge.vocabulary import Brief, JobState

BRIEF = Brief(text="a candle")
DAY_S = 24 * 3600


class Front:
    """What a service does with a request: the name, the room and the job, in one transaction."""

    def __init__(self, database, clock) -> None:
        self.jobs = Jobs(database, clock.now)
        self.promises = Idempotency(clock.now)
        self.database = database

    async def accept(self, job_id, caller, name="again", body=b"{}"):
        digest = request_digest("POST", "/pipeline/run", body)

        def also(transaction):
            self.promises.insist(transaction, caller.tenant, name, digest, Answer(202, job_id))
            insist_on_room(transaction, caller)

        try:
            await self.jobs.add(job_id, BRIEF, f"/tmp/{job_id}", tenant=caller.tenant, key="k", also=also)
        except AlreadyAnswered as before:
            return before.begun
        return job_id

    async def begin(self, caller, name="again", digest="d1", answer=None):
        begin = self.promises.begin
        return await self.database.write(lambda t: begin(t, caller.tenant, name, digest, answer))


@pytest.fixture
def front(database, clock):
    return Front(database, clock)


class TestOneJob:
    async def test_fifty_at_once_are_one_job_and_one_answer(self, front, elsewhere, clock, acme):
        fronts = [front, Front(elsewhere, clock)]
        told = await asyncio.gather(*(fronts[n % 2].accept(f"job_{n}", acme) for n in range(50)))
        (made,) = [one for one in told if isinstance(one, str)]
        replays = [one for one in told if not isinstance(one, str)]
        assert {begun.verdict for begun in replays} == {Verdict.REPLAY}
        assert {begun.answer for begun in replays} == {Answer(202, made)}
        assert [job.id for job in front.jobs.latest(100)] == [made]

    async def test_another_body_is_a_conflict_and_makes_no_job(self, front, acme):
        assert await front.accept("job_1", acme) == "job_1"
        begun = await front.accept("job_2", acme, body=b"{ }")
        assert (begun.verdict, begun.answer) == (Verdict.CONFLICT, None)
        assert len(front.jobs.latest(10)) == 1

    async def test_a_name_is_a_tenants_own(self, front, acme):
        globex = acme.model_copy(update={"tenant": "globex"})
        rehearsal = acme.model_copy(update={"tenant": "acme~test"})
        made = [await front.accept(f"job_{n}", who) for n, who in enumerate((acme, globex, rehearsal))]
        assert made == ["job_0", "job_1", "job_2"]

    async def test_after_a_day_it_is_a_new_name(self, front, clock, acme):
        await front.accept("job_1", acme)
        clock.pass_by(DAY_S - 1)
        assert (await front.accept("job_2", acme, body=b"x")).verdict is Verdict.CONFLICT
        clock.pass_by(1)
        assert await front.accept("job_3", acme, body=b"x") == "job_3"
        assert (await front.accept("job_4", acme, body=b"x")).answer == Answer(202, "job_3")

    async def test_what_found_no_room_is_not_remembered(self, front, acme):
        for number in (1, 2):
            await front.accept(f"job_{number}", acme, name=f"name-{number}")
        with pytest.raises(TooManyJobs):
            await front.accept("job_3", acme)
        await front.jobs.move("job_1", JobState.CANCELLED)
        assert await front.accept("job_4", acme) == "job_4"

    async def test_names_that_ran_out_are_swept(self, front, clock, acme, database):
        await front.accept("job_1", acme, name="old")
        clock.pass_by(DAY_S + 1)
        await front.accept("job_2", acme, name="new")
        assert database.read(lambda t: t.row("promise", tenant="acme", key="old")) is None
        assert database.read(lambda t: t.row("promise", tenant="acme", key="new")) is not None


class TestInFlight:
    async def test_who_comes_before_the_answer_is_told_to_wait(self, front, database, acme):
        assert (await front.begin(acme)).verdict is Verdict.FRESH
        assert (await front.begin(acme)).verdict is Verdict.IN_FLIGHT
        assert (await front.begin(acme, digest="d2")).verdict is Verdict.CONFLICT
        await database.write(lambda t: front.promises.finish(t, "acme", "again", Answer(201, "{}")))
        assert (await front.begin(acme)).answer == Answer(201, "{}")

    async def test_what_led_to_nothing_is_given_back_and_what_was_answered_is_not(
        self, front, database, acme
    ):
        await front.begin(acme)
        await database.write(lambda t: front.promises.drop(t, "acme", "again"))
        assert (await front.begin(acme, digest="d2", answer=Answer(200, ""))).verdict is Verdict.FRESH
        await database.write(lambda t: front.promises.drop(t, "acme", "again"))
        assert (await front.begin(acme, digest="d2")).verdict is Verdict.REPLAY

    async def test_a_name_whose_holder_was_killed_is_free_after_a_while(self, front, clock, acme):
        await front.begin(acme)
        clock.pass_by(119)
        assert (await front.begin(acme)).verdict is Verdict.IN_FLIGHT
        clock.pass_by(1)
        assert (await front.begin(acme)).verdict is Verdict.FRESH


class TestNames:
    @pytest.mark.parametrize("name", ["", " ", "a b", "x" * 256, "a\nb", "a\0b", "é", "\x7f"])
    def test_what_cannot_be_one_is_refused(self, name):
        with pytest.raises(BadRequest, match="1 to 255 visible"):
            name_of(name)

    @pytest.mark.parametrize("name", ["x", "x" * 255, "5f1c-…".replace("…", "~!"), '"quoted"'])
    def test_what_can_is_kept_as_it_is(self, name):
        assert name_of(name) == name

    def test_two_requests_are_the_same_if_every_byte_is(self):
        same = request_digest("POST", "/a", b"{}")
        others = [
            ("PUT", "/a", b"{}"),
            ("POST", "/b", b"{}"),
            ("POST", "/a", b"{ }"),
            ("POST", "/a\n{", b"}"),
        ]
        assert same == request_digest("POST", "/a", b"{}")
        assert same not in {request_digest(*other) for other in others}
