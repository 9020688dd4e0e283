"""The queue is fair to tenants, keeps to what their tier allows at once, and holds a job or knows nothing of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from postgres import ask_server

from orchestrator.store.database import Database, Transaction, open_database
from orchestrator.store.jobs import Jobs
from orchestrator.store.queue import Queue, Share
from orchestrator.store.queue_line import QueueLine, set_up_queue
from shared_knowledge.errors import BadRequest
from shared_knowledge.vocabulary import Brief, JobState

STEPS = {"free": 4, "pro": 2, "enterprise": 1}
SHARES = {"free": Share(4, 2), "pro": Share(2, 10), "enterprise": Share(1, 50)}
BRIEF = Brief(text="a candle")
TENANTS = {"ada": "free", "bob": "free", "cem": "pro", "dan": "enterprise"}


class Till:
    """Whoever takes jobs in and whoever takes them out, one at a time."""

    def __init__(self, url: str, database: Database) -> None:
        self.url, self.database, self.queue = url, database, Queue(database, SHARES)
        self.jobs = 0

    def clear(self) -> None:
        ask_server(self.url, "truncate procrastinate_jobs cascade", "delete from queue_shares")

    def enlist(self, tenant: str) -> str:
        self.jobs += 1
        job = f"job_{self.jobs}"

        def ask(transaction: Transaction) -> None:
            add(transaction, job, tenant)
            self.queue.enlist(transaction, job, tenant)

        self.database.ask(ask).result(20)
        return job

    def take(self, *, finish: bool = True) -> str | None:
        """The tenant whose turn it is."""
        look = "select id, lock, args->>'job' from procrastinate_fetch_job_v2(array['jobs']::varchar[], null)"
        ((number, lock, _),) = ask_server(self.url, look)
        if number is None:
            return None
        if finish:
            ask_server(self.url, f"select procrastinate_finish_job_v1({number}, 'succeeded', true)")
        return str(lock).split(":")[1]


def add(transaction: Transaction, job: str, tenant: str) -> None:
    values = {
        "id": job,
        "state": "queued",
        "brief": BRIEF.model_dump_json(),
        "folder": "/tmp/x",
        "key_id": None,
    }
    transaction.run("add_job", **values, tenant=tenant, created_at="2026-11-21T00:00:00+00:00")


@pytest.fixture(scope="module")
def counter(postgres_server) -> Iterator[Till]:
    with postgres_server.database() as url:
        database = open_database(url)
        set_up_queue(url)
        set_up_queue(url)

        def enter(transaction: Transaction) -> None:
            for name, tier in TENANTS.items():
                transaction.run("add_tenant", name=name, tier=tier, created_at="2026-11-21")

        database.ask(enter).result(20)
        yield Till(url, database)
        database.close()


class Fairness:
    """What each tenant got while it waited, compared with whoever waited beside it."""

    def __init__(self) -> None:
        self.waiting: Counter[str] = Counter()
        self.had: dict[frozenset[str], Counter[str]] = {}  # of two, since both wait
        self.known: set[str] = set()
        self.patience: dict[str, int] = {}  # of a newcomer: how many turns of others it must see at most

    def comes(self, tenant: str) -> None:
        others = [name for name, many in self.waiting.items() if many and name != tenant]
        if tenant not in self.known:
            self.patience[tenant] = len(others)
        self.known.add(tenant)
        self.waiting[tenant] += 1
        for other in others:
            self.had.setdefault(frozenset({tenant, other}), Counter())

    def goes(self, tenant: str | None) -> None:
        assert (tenant is None) == (not self.waiting.total())
        if tenant is None:
            return
        self.waiting[tenant] -= 1
        self.patience.pop(tenant, None)
        for newcomer in self.patience:
            self.patience[newcomer] -= 1
            assert self.patience[newcomer] >= 0, newcomer
        for pair, had in list(self.had.items()):
            had[tenant] += tenant in pair
            one, two = (had[name] * STEPS[TENANTS[name]] for name in pair)
            assert abs(one - two) <= sum(STEPS[TENANTS[name]] for name in pair), (pair, had)
            if not all(self.waiting[name] for name in pair):
                del self.had[pair]
        if not self.waiting.total():
            self.known.clear()  # an empty queue has no memory


moves = st.lists(st.sampled_from([*TENANTS, *TENANTS, None]), min_size=8, max_size=40)


def play(till: Till, moves: Sequence[str | None]) -> None:
    till.clear()
    fairness = Fairness()
    for tenant in [*moves, *[None] * (len(moves) + 1)]:
        if tenant is None:
            fairness.goes(till.take())
        else:
            till.enlist(tenant)
            fairness.comes(tenant)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves)
def test_nobody_who_waits_gets_less_than_a_fair_share_and_newcomers_are_next(
    counter: Till, moves: Sequence[str | None]
):
    play(counter, moves)


def test_first_come_first_served_would_not_be_fair(counter: Till, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(counter.queue, "_shares", {name: Share(0, 50) for name in SHARES})
    with pytest.raises(AssertionError):
        play(counter, ["ada"] * 9 + ["dan"] * 9)


def test_a_tier_has_as_many_at_once_as_it_may_and_the_others_go_on(counter: Till):
    counter.clear()
    for tenant in ["ada"] * 6 + ["cem"] * 3:
        counter.enlist(tenant)
    taken = Counter(iter(lambda: counter.take(finish=False), None))
    assert taken == {"ada": 2, "cem": 3}
    assert counter.queue.lengths() == {"doing": 5, "todo": 4}


def test_whoever_waited_while_others_had_their_fill_does_not_wait_again(counter: Till):
    counter.clear()
    for _ in range(12):
        counter.enlist("ada")
    assert [counter.take() for _ in range(4)] == ["ada"] * 4
    for _ in range(3):
        counter.enlist("bob")
    assert [counter.take() for _ in range(6)].count("bob") == 3


async def test_a_job_is_in_the_queue_and_in_the_ledger_or_in_neither(counter: Till):
    counter.clear()
    jobs, queue = Jobs(counter.database), counter.queue

    def enlist_and_fail(transaction: Transaction) -> None:
        queue.enlist(transaction, "job_x", "ada")
        raise BadRequest("no room")

    def enlist(transaction: Transaction) -> None:
        queue.enlist(transaction, "job_x", "ada")

    with pytest.raises(BadRequest, match="no room"):
        await jobs.add("job_x", BRIEF, "/tmp/x", tenant="ada", also=enlist_and_fail)
    assert (jobs.knows("job_x"), queue.lengths(), queue.holds("job_x")) == (False, {}, False)
    await jobs.add("job_x", BRIEF, "/tmp/x", tenant="ada", also=enlist)
    assert (queue.lengths(), queue.holds("job_x")) == ({"todo": 1}, True)
    with pytest.raises(BadRequest, match="waits for a worker already"):
        await queue.put_back("job_x")
    counter.take(finish=False)
    with pytest.raises(BadRequest, match="waits for a worker already"):
        await queue.put_back("job_x")
    counter.clear()
    await jobs.move("job_x", JobState.FAILED, "it was refused")
    await queue.put_back("job_x")
    assert (jobs.state("job_x"), queue.holds("job_x")) == (JobState.QUEUED, True)
    await jobs.move("job_x", JobState.CANCELLED)
    assert not queue.holds("job_x")
    counter.clear()
    with pytest.raises(BadRequest, match="it is cancelled"):
        await queue.put_back("job_x")
    with pytest.raises(BadRequest, match="it is cancelled"):
        await queue.put_back("job_x", answer=True)


def test_where_nobody_works_in_a_queue_there_is_none(postgres: str):
    database = open_database(postgres)
    queue = Queue(database, SHARES)
    assert (queue.holds("job_1"), queue.lengths()) == (False, {})
    database.close()


async def test_a_hint_reaches_every_worker_and_is_no_job(counter: Till) -> None:
    hints: list[tuple[str, str, int]] = []
    heard: list[str] = []

    async def new_job(*, channel: str, payload: str) -> None:
        heard.append(channel)

    lines = [
        QueueLine(counter.url, lambda platform, number, mine=mine: hints.append((platform, number, mine)))
        for mine in range(2)
    ]
    for line in lines:
        await line.open_async()
    listening = [asyncio.create_task(line.listen_notify(new_job, ["procrastinate_any"])) for line in lines]
    try:
        async with asyncio.timeout(20):
            while len({mine for *_, mine in hints}) < len(lines):  # until both have begun to listen
                await counter.queue.pass_on("fal", "764cabcf-b745 4b3e")
                await asyncio.sleep(0.05)
            while not heard:
                ask_server(counter.url, "notify procrastinate_any, 'x'")
                await asyncio.sleep(0.05)
    finally:
        for each in listening:
            each.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
        for line in lines:
            await line.close_async()
    assert {(platform, number) for platform, number, _ in hints} == {("fal", "764cabcf-b745 4b3e")}
    assert set(heard) == {"procrastinate_any"}
