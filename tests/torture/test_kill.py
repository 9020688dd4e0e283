"""Workers are killed at every moment, and nothing is bought twice, lost or left over.

The proof in full is `kill.py`: pairs and triples, two databases, every moment by name. By default there is
one kill for each state of the world that it could leave behind: for a job as a whole around a picture that
costs nothing, and with every kind of provider for the stretch in which money moves.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from kill import Wishes, prove
from kill_work import Plan, Ruling, Worker

if TYPE_CHECKING:
    from collections.abc import Callable

    from warm import Warm

    Judge = Callable[[Sequence[Plan]], list[Ruling]]

KINDS = ("openai_images", "runway", "kling", "elevenlabs")
LOST = "booked, unanswered http start"


@pytest.fixture
def judge(warm: Warm, tmp_path: Path) -> Judge:
    """A bench for some plans, in a process of its own."""

    def all_of(plans: Sequence[Plan]) -> list[Ruling]:
        return Worker(warm, Path(tempfile.mkdtemp(dir=tmp_path)), plans).wait(timeout_s=140)

    return all_of


def _insist(rulings: Sequence[Ruling], at_least: int) -> None:
    wrong = [ruling.shown() for ruling in rulings if ruling.wrong]
    assert not wrong, "\n".join(wrong)
    assert not [ruling.kills for ruling in rulings if ruling.missed]
    assert len(rulings) >= at_least, "there is less to kill than there was: does anybody still watch?"


def test_a_job_is_killed_at_every_moment(judge: Judge) -> None:
    _insist(judge([Plan("draft_picture")]), at_least=40)


@pytest.mark.parametrize("kind", KINDS)
def test_a_purchase_is_killed_at_every_moment(judge: Judge, kind: str) -> None:
    rulings = judge([Plan(kind, scope="purchase")])
    _insist(rulings, at_least=14)
    assert any(ruling.kills[0].startswith(LOST) for ruling in rulings)


@pytest.mark.parametrize("kind", ["openai_images", "runway"])
def test_who_buys_before_writing_is_caught(judge: Judge, kind: str) -> None:
    (ruling,) = judge([Plan(f"{kind}, naive", (f"{LOST} {kind}",))])
    assert any(fault.startswith("I1") for fault in ruling.wrong), ruling


def test_who_trusts_a_list_that_lags_is_caught_and_who_waits_is_not(judge: Judge) -> None:
    lost = (f"{LOST} kling",)
    trusted, waited = judge(
        [Plan("kling, whose list lags and is trusted", lost), Plan("kling, whose list lags", lost)]
    )
    assert any(fault.startswith("I1") for fault in trusted.wrong), trusted
    assert not waited.wrong
    assert waited.end == "done"


@pytest.mark.torture
def test_the_proof_in_full() -> None:
    proof = prove(Wishes(seed=int(os.environ.get("KILL_SEED", "1"))))
    assert not proof.wrong, "\n".join(proof.wrong)
    assert proof.sees
    assert proof.plans >= 6_000
