"""Briefs from afar: taken as they are, played for a test key, and never a way to the files of this machine."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from practice import Practice
    from warm import Warm

PHOTO = "one square photo of a red bicycle"


@pytest.fixture
def hand_in(warm: Warm, tmp_path: Path, sandbox: Practice) -> Callable[..., Any]:
    """Hands in a brief where every vendor could be reached, at the sandbox."""

    def by(brief: str, tenant: str, use: str | None = None, *, agree: bool = False) -> Any:
        given = {"brief": brief, "tenant": tenant, "use": use, "agree": agree}
        environ = {"AGENTES_HOME": str(tmp_path / "home"), "AGENTES_SANDBOX_URL": sandbox.url}
        ended = warm.run(
            call="afar:hand_in",
            args=given,
            path=[Path(__file__).parent],
            env={**os.environ, **environ},
            timeout_s=120,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.json

    return by


def test_a_live_key_buys_and_a_test_key_plays_the_same_brief_for_nothing(hand_in, sandbox):
    live = hand_in(PHOTO, "acme")
    assert (live["state"], len(sandbox.ledger())) == ("done", 1)
    played = hand_in(PHOTO, "acme~test")
    assert (played["state"], len(sandbox.ledger())) == ("done", 1)
    (asset,) = played["result"]["assets"]
    assert (asset["platform"], Decimal(asset["cost_usd"])) == ("draft_picture", 0)
    assert Path(played["folder"], "manifest.json").is_file()


def test_a_test_key_that_names_a_vendor_gets_nothing_from_there(hand_in, sandbox):
    played = hand_in(PHOTO, "acme~test", use="openai_images")
    assert played["state"] == "failed"
    assert sandbox.ledger() == []


def test_a_file_of_this_machine_is_no_reference_for_anybody_elsewhere(hand_in, sandbox, tmp_path):
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"x")
    told = hand_in(f"5 s vertical video, animate {secret}", "acme")
    assert told["state"] == "failed"
    assert "cannot be used from elsewhere" in told["why"]
    assert sandbox.ledger() == []


def test_an_unclear_brief_is_told_by_the_end_of_its_job(hand_in, sandbox):
    told = hand_in("hello there", "acme")
    assert told["state"] == "failed"
    assert told["why"]
    assert sandbox.ledger() == []


def test_what_a_brief_leaves_open_waits_for_a_yes_before_it_is_paid_for(hand_in, sandbox):
    asks = "one square photo of a red bicycle, made with Midjourney"
    waits = hand_in(asks, "acme")
    assert waits["state"] == "awaiting_approval"
    assert "Midjourney" in " ".join(waits["asked"])
    assert sandbox.ledger() == []
    played = hand_in(asks, "acme~test")
    assert played["state"] == "done", "what costs nothing need not wait"
    agreed = hand_in(asks, "acme", agree=True)
    assert (agreed["state"], len(sandbox.ledger())) == ("done", 1)
