"""Two hundred want the same money at the same time: exactly those get it for whom there is enough."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from racing import SERIES, WAYS, Kind, Violation, control, run_races
from warm import Warm

from orchestrator.store.sql import _queries

ROUNDS = 50
SAMPLE = 2
ON_A_SERVER = 500
IN_A_FILE = {"coroutines": ROUNDS, "threads": 10, "processes": 10}
ALL = [pytest.param(way, kind, id=f"{kind.name.lower()}-{way}") for way, kind in SERIES]
OTHERS = [param for param in ALL if param.values[1] is not Kind.ONE_BUDGET]


@pytest.fixture
def ledger_file(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'ledger.db'}"


@pytest.mark.parametrize("way", WAYS)
def test_two_hundred_racers_get_exactly_what_the_budget_holds(way: str, ledger_file: str, warm: Warm):
    totals = run_races(ledger_file, way, Kind.ONE_BUDGET, IN_A_FILE[way], warm)
    assert totals.outcomes.total() == 200 * IN_A_FILE[way]
    assert totals.outcomes["admitted"]
    assert totals.outcomes["refused"]


def test_whoever_checks_first_and_spends_then_is_caught(ledger_file: str):
    told = control(ledger_file)
    admitted, fit = re.search(r"'admitted': (\d+)", told), re.search(r"but (\d+) fit", told)
    assert admitted, told
    assert fit, told
    assert int(admitted[1]) > int(fit[1])


def test_whoever_settles_twice_is_caught(ledger_file: str, warm: Warm, monkeypatch: pytest.MonkeyPatch):
    careless = _queries()["move_order"].replace("and state = :was", "")
    monkeypatch.setitem(_queries(), "move_order", careless)
    with pytest.raises(Violation):
        run_races(ledger_file, "threads", Kind.SETTLED_TWICE, 1, warm)


@pytest.mark.parametrize(("way", "kind"), OTHERS)
def test_whatever_they_race_for_no_micro_dollar_is_lost_or_lent(
    way: str, kind: Kind, ledger_file: str, warm: Warm
):
    totals = run_races(ledger_file, way, kind, SAMPLE, warm)
    assert totals.outcomes["admitted"] or totals.outcomes["first"] == 40 * SAMPLE
    assert totals.looks >= SAMPLE


@pytest.mark.parametrize("way", WAYS)
def test_a_server_decides_no_differently(way: str, postgres: str, warm: Warm):
    totals = run_races(postgres, way, Kind.ONE_BUDGET, SAMPLE, warm)
    assert totals.outcomes.total() == 200 * SAMPLE


@pytest.mark.torture
@pytest.mark.parametrize(("way", "kind"), ALL)
def test_fifty_rounds_in_a_file(way: str, kind: Kind, ledger_file: str, warm: Warm):
    assert run_races(ledger_file, way, kind, ROUNDS, warm).races == ROUNDS


@pytest.mark.torture
@pytest.mark.parametrize(("way", "kind"), ALL)
def test_fifty_rounds_on_a_server(way: str, kind: Kind, postgres: str, warm: Warm):
    rounds = ON_A_SERVER if (way, kind) == ("processes", Kind.ONE_BUDGET) else ROUNDS
    assert run_races(postgres, way, kind, rounds, warm).races == rounds
