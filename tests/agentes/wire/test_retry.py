"""What may be repeated is, never sooner than asked, never more than a tenth of what is asked in an outage."""

from __future__ import annotations

from collections.abc import Iterable

import httpx
import pytest
from small_house import Hours

from agentes.wire.retry import Budget, Retry
from shared_knowledge.errors import (
    AgentesError,
    Broken,
    Failed,
    InDoubt,
    Refused,
    Throttled,
    Unavailable,
    Unreachable,
    Unsuitable,
)

ASK = httpx.Request("GET", "https://api.tiny.example/v1")


class Below(httpx.AsyncBaseTransport):
    """Raises these one after another, then answers."""

    def __init__(self, *errors: AgentesError) -> None:
        self._errors = iter(errors)
        self.calls = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        for error in self._errors:
            raise error
        return httpx.Response(200)


async def _ask(
    below: Below, hours: Hours, patience_s: float = 100, budget: Budget | None = None
) -> httpx.Response:
    retry = Retry(below, budget or Budget(hours), clock=hours, patience_s=patience_s)
    return await retry.handle_async_request(ASK)


def _unreachable(times: int) -> Iterable[Unreachable]:
    return (Unreachable(f"no {number}") for number in range(times))


async def test_a_good_answer_costs_nothing() -> None:
    below, hours = Below(), Hours()
    assert (await _ask(below, hours)).status_code == 200
    assert (below.calls, hours.waits) == (1, [])


async def test_it_is_tried_four_times_further_and_further_apart() -> None:
    below, hours = Below(*_unreachable(9)), Hours()
    with pytest.raises(Unreachable, match="no 3"):
        await _ask(below, hours)
    assert (below.calls, hours.waits) == (4, [0.5, 1.0, 2.0])


async def test_the_first_answer_counts() -> None:
    below, hours = Below(*_unreachable(2)), Hours()
    assert (await _ask(below, hours)).status_code == 200
    assert below.calls == 3


@pytest.mark.parametrize(
    "error", [InDoubt("?"), Refused("no"), Unavailable("no"), Unsuitable("no"), Failed("no"), Broken("disk")]
)
async def test_nothing_else_is_repeated(error: AgentesError) -> None:
    below, hours = Below(error), Hours()
    with pytest.raises(type(error)):
        await _ask(below, hours)
    assert below.calls == 1


async def test_in_the_middle_of_repeating_too() -> None:
    below, hours = Below(Unreachable("no"), InDoubt("?")), Hours()
    with pytest.raises(InDoubt):
        await _ask(below, hours)
    assert below.calls == 2


async def test_never_sooner_than_asked_and_not_all_at_the_same_moment() -> None:
    below, hours = Below(Throttled("wait", after_s=7), Throttled("wait", after_s=0.1)), Hours()
    await _ask(below, hours)
    assert hours.waits == [pytest.approx(7.7), pytest.approx(1.01)]


async def test_a_wait_longer_than_the_patience_is_not_begun() -> None:
    below, hours = Below(Throttled("wait", after_s=3600)), Hours()
    with pytest.raises(Throttled) as tired:
        await _ask(below, hours, patience_s=60)
    assert (below.calls, hours.waits, tired.value.after_s) == (1, [], 3600)


async def test_patience_is_counted_over_all_tries() -> None:
    below, hours = Below(*(Throttled("wait", after_s=25) for _ in range(9))), Hours()
    with pytest.raises(Throttled):
        await _ask(below, hours, patience_s=60)
    assert below.calls == 3


async def test_in_an_outage_repeats_stay_below_a_tenth() -> None:
    hours = Hours()
    budget, calls, asked = Budget(hours), 0, 600
    for _ in range(asked):
        below = Below(*_unreachable(9))
        with pytest.raises(Unreachable):
            await _ask(below, hours, budget=budget)
        calls += below.calls
        hours.time_s = 1000.0
    assert asked < calls <= 1.1 * asked


async def test_one_lone_call_may_always_be_repeated() -> None:
    hours = Hours()
    budget = Budget(hours)
    for _ in range(20):
        below = Below(*_unreachable(9))
        with pytest.raises(Unreachable):
            await _ask(below, hours, budget=budget)
        assert below.calls == 4
        hours.time_s += 30
