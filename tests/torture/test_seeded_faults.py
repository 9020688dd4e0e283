"""Seeds decide what goes wrong in a purchase; rules that know nothing of the product decide what must follow.

make torture                  # every seed of the usual many
SEEDS=4711 make torture       # one seed again
SEEDS=0-19999 make torture    # more of them
"""

from __future__ import annotations

import pytest
from fault_runs import Tally, asked_seeds, run

from agentes.wire import once
from agentes.wire.once import Once
from shared_knowledge.cost_tracker import CostTracker
from shared_knowledge.errors import Unavailable, Unreachable
from shared_knowledge.vocabulary import Money

_A_SAMPLE = range(40)
_USUAL = 7000
_AT_ONCE = 500


def _lots() -> list[range]:
    seeds = asked_seeds(_USUAL)
    return [seeds[start : start + _AT_ONCE] for start in range(0, len(seeds), _AT_ONCE)]


def test_a_sample_of_seeds_keeps_the_rules() -> None:
    tally = run(_A_SAMPLE)
    assert not tally.wrong, tally.words()
    assert tally.struck >= 50
    assert {told.platform for told in tally.told} >= {"runway", "elevenlabs", "openai_images"}


@pytest.mark.torture
@pytest.mark.parametrize("seeds", _lots(), ids=lambda seeds: f"{seeds[0]}-{seeds[-1]}")
def test_every_seed_keeps_the_rules(seeds: range) -> None:
    tally = run(seeds)
    assert not tally.wrong, f"{tally.words()}\nOne seed again: SEEDS=<seed> make torture"


def _said(tally: Tally) -> str:
    return " ".join(what for wrong in tally.wrong.values() for what in wrong)


def test_who_sends_again_what_may_be_booked_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The judge is judged: a product that takes a lost answer for one that never left must not pass."""

    def careless(self: Once, what: str) -> Unreachable:
        return Unreachable(what)

    monkeypatch.setattr(once.Once, "_doubt", careless)
    said = _said(run(_A_SAMPLE))
    assert "was sent again after" in said
    assert "2 times" in said


@pytest.mark.torture
def test_who_lets_go_of_what_may_be_booked_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CostTracker, "doubt", CostTracker.drop)
    said = _said(run(_A_SAMPLE))
    assert "and it ended failed_free" in said
    assert "where it must be held in doubt" in said


@pytest.mark.torture
def test_who_goes_elsewhere_while_in_doubt_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(self: Once, what: str) -> Unavailable:
        return Unavailable(what, charged=Money(0))

    monkeypatch.setattr(once.Once, "_doubt", careless)
    assert "was asked although order" in _said(run(_A_SAMPLE))


@pytest.mark.torture
def test_who_books_too_little_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    settle = CostTracker.settle

    async def stingy(self, order, cost):  # type: ignore[no-untyped-def]
        return await settle(self, order, type(cost)(int(cost) // 2))

    monkeypatch.setattr(CostTracker, "settle", stingy)
    assert "and the vendor took" in _said(run(_A_SAMPLE))
