"""How many jobs run side by side, and what a tenant or a key may spend: limits that no race gets past."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from orchestrator.access import TIERS, Keys, Tenants, TooManyJobs, UnknownKey, insist_on_room
from orchestrator.store.book import SqlBook
from orchestrator.store.database import Transaction
from orchestrator.store.jobs import Jobs
from shared_knowledge.caps import Limits
from shared_knowledge.cost_tracker import CostTracker
from shared_knowledge.errors import BadRequest, OverBudget
from shared_knowledge.vocabulary import Brief, JobState, Money, Order, PhotoSpec

CEILING = Money(100_000_000)
BRIEF = Brief(text="a candle")


async def begin(jobs, caller, number) -> bool:
    try:
        also = lambda t: insist_on_room(t, caller)  # noqa: E731
        await jobs.add(f"job_{number}", BRIEF, f"/tmp/{number}", tenant=caller.tenant, also=also)
    except TooManyJobs:
        return False
    return True


class TestRoom:
    @pytest.mark.parametrize("tier", TIERS)
    async def test_no_race_gets_more_jobs_under_way_than_the_tier_allows(
        self, database, elsewhere, acme, tier
    ):
        caller = acme.model_copy(update={"tier": tier})
        jobs = [Jobs(database), Jobs(elsewhere)]
        begun = await asyncio.gather(*(begin(jobs[n % 2], caller, n) for n in range(60)))
        assert sum(begun) == TIERS[tier].concurrent_jobs
        assert len(jobs[0].latest(100)) == TIERS[tier].concurrent_jobs

    async def test_what_has_ended_or_waits_for_a_person_makes_room(self, database, acme):
        jobs = Jobs(database)
        states = (JobState.DONE, JobState.FAILED, JobState.CANCELLED, JobState.AWAITING_APPROVAL)
        for number, state in enumerate(states):
            assert await begin(jobs, acme, number)
            await jobs.move(f"job_{number}", state)
        assert await begin(jobs, acme, 10)
        await jobs.move("job_10", JobState.RUNNING)
        assert await begin(jobs, acme, 11)
        assert not await begin(jobs, acme, 12)
        assert await begin(jobs, acme.model_copy(update={"tenant": "acme~test"}), 13)

    async def test_a_batch_is_taken_in_where_its_first_job_has_room(self, database, acme):
        pro, jobs = acme.model_copy(update={"tier": "pro"}), Jobs(database)

        async def batch(name: str, many: int) -> None:
            def ask(transaction: Transaction) -> None:
                for number in range(many):
                    jobs.put(transaction, f"{name}_{number}", BRIEF, "/tmp/x", tenant=pro.tenant)
                insist_on_room(transaction, pro, many)

            await jobs.write(ask)

        for number in range(9):
            assert await begin(jobs, pro, number)
        await batch("many", 40)
        with pytest.raises(TooManyJobs, match="room for 10 jobs") as refused:
            await batch("few", 2)
        assert (refused.value.limit, bool(refused.value.todo)) == (10, True)
        assert not await begin(jobs, pro, 9)
        assert len(jobs.latest(100)) == 49


@pytest.fixture
async def key(database, clock):
    made = await Keys(database, clock.now).create("Shop", "pro", tenant="acme", usd_a_day=Money(900_000))
    for job, tenant in (("job_1", "acme"), ("job_2", "acme~test"), ("job_3", "local")):
        await Jobs(database, clock.now).add(job, BRIEF, "/tmp/x", tenant=tenant, key=made.key_id)
    return made


@pytest.fixture
def tenants(database, clock):
    return Tenants(database, clock.now)


def tracker_of(database, clock, tenants, **limits):
    told = Limits.model_validate({"a_day": Money(10_000_000), **limits})
    return CostTracker(SqlBook(database), told, own=tenants.caps, now=clock.now)


def an_order(
    task: str, key: str | None, *, price: int = 400_000, job: str = "job_1", tenant: str = "acme"
) -> Order:
    return Order(
        id=f"ord_{task}",
        job=job,
        tenant=tenant,
        key=key,
        task=task,
        piece=1,
        attempt=1,
        platform="runway",
        model="gen4_turbo",
        price=Money(price),
        prompt="a candle",
        spec=PhotoSpec(subject="candle"),
    )


class TestLimitsOfOnesOwn:
    async def test_a_keys_limit_holds_beside_that_of_the_settings(self, database, clock, tenants, key):
        tracker = tracker_of(database, clock, tenants, by_key={"*": Money(5_000_000)})
        for task in ("a", "b"):
            await tracker.place(an_order(task, key.key_id), CEILING)
        with pytest.raises(OverBudget, match=rf"set for key {key.key_id}, for 2026-11-21, leaves \$0\.10"):
            await tracker.place(an_order("c", key.key_id), CEILING)
        assert await tracker.afford(an_order("d", key.key_id), CEILING) == Money(100_000)

    async def test_one_that_is_set_at_noon_knows_of_the_morning(self, database, clock, tenants, key):
        tracker = tracker_of(database, clock, tenants)
        await tracker.place(an_order("a", None), CEILING)
        await tenants.change("acme", usd_a_day=Money(500_000))
        with pytest.raises(OverBudget, match=r"set for tenant acme, .* leaves \$0\.10"):
            await tracker.place(an_order("b", None), CEILING)
        await tenants.change("acme", usd_a_day="none")
        await tracker.place(an_order("c", None), CEILING)
        await tenants.change("acme", usd_a_day=Money(0))
        with pytest.raises(OverBudget, match=r"leaves \$0\.00"):
            await tracker.place(an_order("d", None, price=1), CEILING)

    async def test_it_can_only_lower_what_the_settings_allow(self, database, clock, tenants, key):
        await tenants.change("acme", usd_a_day=Money(9_000_000))
        tracker = tracker_of(database, clock, tenants, by_tenant={"acme": Money(300_000)})
        with pytest.raises(OverBudget, match="AGENTES_MAX_USD_PER_TENANT"):
            await tracker.place(an_order("a", None), CEILING)

    async def test_it_is_for_one_day(self, database, clock, tenants, key):
        await tenants.change("acme", usd_a_day=Money(400_000))
        tracker = tracker_of(database, clock, tenants)
        await tracker.place(an_order("a", None), CEILING)
        clock.pass_by(86_400)
        await tracker.place(an_order("b", None), CEILING)

    async def test_no_race_gets_past_it(self, database, elsewhere, clock, tenants, key):
        await tenants.change("acme", usd_a_day=Money(2_000_000))
        trackers = [tracker_of(each, clock, Tenants(each)) for each in (database, elsewhere)]
        placed = await asyncio.gather(
            *(trackers[n % 2].place(an_order(f"t{n}", None), CEILING) for n in range(40)),
            return_exceptions=True,
        )
        assert sum(isinstance(one, Order) for one in placed) == 5
        assert {type(one) for one in placed} == {Order, OverBudget}

    async def test_who_is_no_tenant_of_the_service_has_no_such_purse(self, database, clock, tenants, key):
        tracker = tracker_of(database, clock, tenants)
        await tracker.place(an_order("a", None, job="job_3", tenant="local"), CEILING)
        await tracker.place(an_order("b", None, job="job_2", tenant="acme~test", price=0), CEILING)
        for budget in ("own-tenant:local:2026-11-21", "own-tenant:acme~test:2026-11-21"):
            assert database.read(lambda t, budget=budget: t.row("budget", id=budget)) is None


class TestTenants:
    async def test_a_tier_moves_with_all_its_keys_and_is_noted(self, database, clock, tenants, key):
        keys = Keys(database, clock.now)
        changed = await tenants.change("acme", tier="enterprise")
        assert (changed.name, changed.tier, changed.usd_a_day) == ("acme", "enterprise", None)
        assert (await keys.check(key.key)).tier == "enterprise"
        deeds, _ = keys.audit("acme")
        assert (deeds[0].what, deeds[0].note) == ("tenant.changed", "tier enterprise, no limit of its own")

    async def test_who_is_not_there_cannot_be_moved(self, tenants):
        with pytest.raises(BadRequest, match="no tenant 'globex'"):
            await tenants.change("globex", tier="pro")
        with pytest.raises(BadRequest, match="no tier"):
            await tenants.change("globex", tier="gold")
        with pytest.raises(BadRequest):
            tenants.get("globex")

    def test_a_missing_key_is_a_bad_request(self):
        assert issubclass(UnknownKey, BadRequest)


class TestUsage:
    async def test_it_adds_up_by_day_and_key_and_says_what_the_ledger_says(
        self, database, clock, tenants, key
    ):
        keys = Keys(database, clock.now)
        tracker = tracker_of(database, clock, tenants)
        for _ in range(3):
            await keys.check(key.key)
        order = await tracker.place(an_order("a", key.key_id), CEILING)
        await tracker.place(an_order("b", key.key_id), CEILING)
        await tracker.write_off(await tracker.sending(order), Money(390_000), "charged and lost")
        today = clock.now().date()
        usage = await keys.usage("acme", today - timedelta(days=1), today)
        (row,) = usage.rows
        assert (row.day, row.key_id, row.requests, row.jobs) == (today, key.key_id, 3, 1)
        assert (row.spent, row.reserved) == (Money(390_000), Money(400_000))
        assert (usage.requests, usage.jobs, usage.spent) == (3, 1, Money(390_000))
        other = await keys.usage("acme~test", today, today)
        assert (other.requests, other.jobs, other.spent) == (0, 1, Money(0))
        assert (await keys.usage("acme", today - timedelta(9), today - timedelta(1))).rows == ()

    async def test_days_in_the_wrong_order_or_too_many_are_refused(self, database, clock):
        today = clock.now().date()
        for since in (today + timedelta(1), today - timedelta(366)):
            with pytest.raises(BadRequest, match="wrong order, or too many"):
                await Keys(database, clock.now).usage("acme", since, today)
