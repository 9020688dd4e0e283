"""However requests come, a tenant never gets more at once than the burst, nor more in its minute than the rate."""

from __future__ import annotations

import asyncio
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.access import TIERS, UNLIMITED, Caller, LimiterHere, SharedLimiter, Standing, open_limiter
from orchestrator.access.limiter import Level, draw
from orchestrator.store.database import open_database
from shared_knowledge.errors import BadRequest

FREE, PRO = TIERS["free"], TIERS["pro"]
MINUTE_MS = 60_000
visits = st.lists(
    st.tuples(st.one_of(st.just(0), st.integers(0, 2_000), st.integers(0, 150_000)), st.integers(1, 5)),
    max_size=60,
)


def a_caller(tier: str, tenant: str = "acme") -> Caller:
    return Caller(tenant=tenant, key_id="key_1", tier=tier, scopes=frozenset(), is_test=False)


class TestTheTable:
    def test_it_is_the_one_that_was_promised(self):
        assert {name: tuple(tier) for name, tier in TIERS.items()} == {
            "free": (10, 5, 2, False),
            "pro": (100, 50, 10, True),
            "enterprise": (None, None, 50, True),
        }


class TestTheBucket:
    @settings(max_examples=150, deadline=None)
    @given(visits, st.sampled_from([FREE, PRO]))
    def test_burst_and_rate_hold_over_every_span_of_time(self, visits, tier):
        now_ms, level, let_through = 5, None, []
        for pause_ms, cost in visits:
            now_ms += pause_ms
            level, wait_ms = draw(level, tier, cost, now_ms)
            if not wait_ms:
                let_through.append((now_ms, cost))
            assert 0 <= level.tokens <= tier.burst * MINUTE_MS
            assert 0 <= level.used <= tier.requests_a_minute
        for at, (begins, _) in enumerate(let_through):
            passed = 0
            for moment, cost in let_through[at:]:
                passed += cost
                assert passed <= tier.burst + tier.requests_a_minute * (moment - begins) / MINUTE_MS

    @settings(max_examples=150, deadline=None)
    @given(visits, st.integers(1, 5))
    def test_who_waits_as_told_is_let_through_and_not_a_moment_sooner(self, visits, cost):
        now_ms, level = 5, None
        for pause_ms, each in visits:
            now_ms += pause_ms
            level, _ = draw(level, FREE, each, now_ms)
        after, wait_ms = draw(level, FREE, cost, now_ms)
        if wait_ms:
            assert draw(after, FREE, cost, now_ms + wait_ms)[1] == 0
            assert draw(after, FREE, cost, now_ms + wait_ms - 1)[1] > 0

    def test_who_keeps_to_the_rate_is_never_refused(self):
        level = None
        for request in range(200):
            level, wait_ms = draw(level, FREE, 1, request * 6_000)
            assert wait_ms == 0

    def test_a_lower_tier_takes_effect_at_once(self):
        level, _ = draw(None, PRO, 1, 0)
        assert draw(level, FREE, 5, 0)[0].tokens == 0


class TestTheFigures:
    async def test_they_count_down_the_minute_and_say_when_to_come_back(self, clock):
        limiter = LimiterHere(clock.seconds, clock.seconds)
        minute_ends = int(clock.seconds()) + 60
        told = [await limiter.admit(a_caller("free")) for _ in range(6)]
        assert told[:5] == [Standing(10, left, minute_ends, None) for left in (9, 8, 7, 6, 5)]
        assert told[5] == Standing(10, 0, minute_ends, 6)
        assert told[5].headers() == {
            "X-RateLimit-Limit": "10",
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": str(minute_ends),
            "Retry-After": "6",
        }
        clock.pass_by(6)
        assert await limiter.admit(a_caller("free")) == Standing(10, 4, minute_ends, None)
        assert "Retry-After" not in told[0].headers()

    async def test_when_the_minute_is_used_up_it_says_when_that_ends(self, clock):
        limiter = LimiterHere(clock.seconds, clock.seconds)
        for _ in range(10):
            await limiter.admit(a_caller("free"))
            clock.pass_by(5.5 if _ else 0)
        clock.pass_by(-10 + 60 - 49.5)  # fifty-odd seconds in, with tokens left
        refused = await limiter.admit(a_caller("free"))
        assert (refused.remaining, refused.retry_after_s) == (0, 10)
        clock.pass_by(10)
        assert (await limiter.admit(a_caller("free"))).remaining == 9

    async def test_without_a_limit_the_figures_are_still_numbers(self, clock):
        for limiter in (LimiterHere(clock.seconds, clock.seconds), SharedLimiter(None, clock.seconds)):
            told = await limiter.admit(a_caller("enterprise"), 1000)
            assert told == Standing(UNLIMITED, UNLIMITED, int(clock.seconds()) + 60, None)
            assert all(value.isdigit() for value in told.headers().values())

    async def test_all_keys_of_a_tenant_draw_from_one_bucket_and_no_other(self, clock):
        limiter = LimiterHere(clock.seconds, clock.seconds)
        mine = a_caller("free")
        other_key = mine.model_copy(update={"key_id": "key_2"})
        told = [await limiter.admit(each) for each in (mine, other_key) * 3]
        assert [one.retry_after_s for one in told] == [None] * 5 + [6]
        for stranger in ("globex", "acme~test"):
            assert (await limiter.admit(a_caller("free", stranger))).remaining == 9

    async def test_a_batch_counts_its_items_and_one_that_never_fits_is_told_so(self, clock):
        limiter = LimiterHere(clock.seconds, clock.seconds)
        assert (await limiter.admit(a_caller("pro"), 30)).remaining == 70
        assert (await limiter.admit(a_caller("pro"), 30)).retry_after_s == 6
        with pytest.raises(BadRequest, match="51 at once") as refused:
            await limiter.admit(a_caller("pro"), 51)
        assert refused.value.todo

    async def test_memory_does_not_grow_with_tenants_that_are_gone(self, clock):
        limiter = LimiterHere(clock.seconds, clock.seconds)
        for number in range(10_000):
            await limiter.admit(a_caller("free", f"t{number}"))
        clock.pass_by(61)
        await limiter.admit(a_caller("free", "new"))
        assert len(limiter._levels) == 1


class TestShared:
    async def test_a_hundred_first_requests_of_one_tenant_never_exceed_the_burst(self, database, elsewhere):
        limiters = [SharedLimiter(database), SharedLimiter(elsewhere)]
        told = await asyncio.gather(*(limiters[n % 2].admit(a_caller("free")) for n in range(100)))
        assert sum(one.retry_after_s is None for one in told) == FREE.burst

    async def test_a_hundred_first_requests_of_one_process_neither(self):
        limiter = LimiterHere()
        told = await asyncio.gather(*(limiter.admit(a_caller("free")) for _ in range(100)))
        assert sum(one.retry_after_s is None for one in told) == FREE.burst

    async def test_the_one_statement_decides_exactly_as_the_arithmetic(self, database, clock):
        here, shared = LimiterHere(clock.seconds, clock.seconds), SharedLimiter(database, clock.seconds)
        for turn in range(120):
            clock.pass_by((turn * 7919 % 97) * (0.3 if turn % 11 else 1.0) * (turn % 3 > 0))
            caller, cost = a_caller("free" if turn % 2 else "pro", f"t{turn % 2}"), 1 + turn * 31 % 5
            assert await shared.admit(caller, cost) == await here.admit(caller, cost), turn

    @pytest.mark.parametrize("jump_s", [3600, -3600])
    async def test_a_clock_that_jumps_locks_nobody_out(self, database, clock, jump_s):
        limiter = SharedLimiter(database, clock.seconds)
        for _ in range(6):
            await limiter.admit(a_caller("free"))
        clock.pass_by(jump_s)
        told = [await limiter.admit(a_caller("free")) for _ in range(6)]
        clock.pass_by(66)
        assert (await limiter.admit(a_caller("free"))).retry_after_s is None
        assert sum(one.retry_after_s is None for one in told) <= FREE.burst

    async def test_machines_whose_clocks_differ_by_seconds_share_one_minute(self, database, clock):
        ahead = SharedLimiter(database, lambda: clock.seconds() + 5)
        behind = SharedLimiter(database, clock.seconds)
        let_through = 0
        for turn in range(50):
            told = await (ahead if turn % 2 else behind).admit(a_caller("free"))
            let_through += told.retry_after_s is None
            clock.pass_by(0.5)
        assert let_through <= FREE.burst + math.ceil(30 * FREE.requests_a_minute / 60)

    def test_which_one_counts_depends_on_who_shares_the_ledger(self, tmp_path):
        database = open_database(tmp_path / "ledger.db")
        assert isinstance(open_limiter(database, shared=True), SharedLimiter)
        assert isinstance(open_limiter(database, shared=False), LimiterHere)
        database.close()

    def test_a_level_is_what_the_table_keeps(self):
        assert Level._fields == ("at_ms", "tokens", "window_ends_ms", "used")
