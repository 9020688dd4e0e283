"""The judge sees what it is there to see: a scene in order, and one thing wrong with it each time."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from invariants import Scene, always, at_rest, in_the_end, unchanged
from kill_kinds import CANARY
from PIL import Image

Change = Callable[[Scene], Scene]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """A picture was bought for 40 cents, put on the shelf and handed over."""
    home, out = tmp_path / "home", tmp_path / "out"
    (home / "desks").mkdir(parents=True)
    (home / "locks").mkdir()
    (home / "locks" / "job_1.lock").touch()
    out.mkdir()
    Image.new("RGB", (16, 16), "teal").save(out / "photo.png")
    content = (out / "photo.png").read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    shelved = home / "shelf" / digest[:2] / f"{digest}.png"
    shelved.parent.mkdir(parents=True)
    shelved.write_bytes(content)
    asset = {"path": str(shelved), "sha256": digest, "size_bytes": len(content)}
    handed = {"path": str(out / "photo.png"), "sha256": digest, "task": "photo-1"}
    (out / "manifest.json").write_text(json.dumps({"assets": [handed]}))
    return Scene(
        home=home,
        out=out,
        jobs=[{"id": "job_1", "state": "done", "folder": str(out), "why": None}],
        orders=[
            {"id": "ord_1", "job": "job_1", "task": "photo-1", "piece": 1, "platform": "acme"}
            | {
                "state": "settled",
                "sent_at": "12:00",
                "price": 500_000,
                "cost": 400_000,
                "file": shelved.name,
            }
        ],
        budgets=[{"id": "job:job_1", "cap": 1_000_000, "reserved": 0, "spent": 400_000}],
        holds=[],
        outcomes=[{"job": "job_1", "task": "photo-1", "kind": "asset", "body": json.dumps(asset)}],
        events=[{"job": "job_1", "body": json.dumps({"what": "job", "phase": "done"})}],
        threads=[],
        book=[{"platform": "acme", "id": "a-1", "usd": "0.400000"}],
    )


def _faults(scene: Scene) -> list[str]:
    return [*always(scene), *at_rest(scene, 2), *in_the_end(scene, "always")]


def _first(rows: Any, **changes: Any) -> list[dict[str, Any]]:
    return [{**rows[0], **changes}, *rows[1:]]


def test_where_nothing_is_wrong_nothing_is_found(scene: Scene) -> None:
    assert _faults(scene) == []
    assert list(unchanged(scene, scene)) == []


@pytest.mark.parametrize(
    ("sign", "change"),
    [
        ("I1", lambda s: replace(s, book=[*s.book, *s.book])),
        ("I1", lambda s: replace(s, orders=_first(s.orders, sent_at=None))),
        ("I1", lambda s: replace(s, jobs=[*s.jobs, {**s.jobs[0], "id": "job_2"}])),
        ("I2", lambda s: replace(s, orders=_first(s.orders, state="failed_free", cost=None))),
        ("I2", lambda s: replace(s, book=_first(s.book, usd="0.400001"))),
        ("I2", lambda s: replace(s, orders=_first(s.orders, state="sending", cost=None))),
        ("I3", lambda s: replace(s, budgets=_first(s.budgets, cap=399_999))),
        ("I3", lambda s: replace(s, budgets=_first(s.budgets, reserved=1))),
        ("I3", lambda s: replace(s, budgets=_first(s.budgets, spent=0))),
        ("I4", lambda s: replace(s, outcomes=_first(s.outcomes, kind="shortfall"))),
        ("I5", lambda s: replace(s, holds=[{"order_id": "ord_1", "budget": "job:job_1", "amount": 0}])),
        ("I5", lambda s: replace(s, threads=["job_1"])),
        ("I6", lambda s: replace(s, jobs=_first(s.jobs, state="running"))),
        ("I6", lambda s: replace(s, jobs=_first(s.jobs, state="in_doubt"))),
        ("I6", lambda s: replace(s, jobs=[])),
        ("I7", lambda s: replace(s, events=[])),
        ("I7", lambda s: replace(s, events=[*s.events, *s.events])),
        ("I9", lambda s: replace(s, said=f"…{CANARY[3:15]}…".encode())),
        ("I9", lambda s: replace(s, orders=_first(s.orders, why=CANARY))),
    ],
)
def test_what_is_wrong_in_the_tables_is_found(scene: Scene, sign: str, change: Change) -> None:
    assert any(fault.startswith(sign) for fault in _faults(change(scene)))


@pytest.mark.parametrize(
    ("sign", "file", "content"),
    [
        ("I4", "out/photo.png", b"something else"),
        ("I4", "out/photo.png", None),
        ("I4", "out/manifest.json", None),
        ("I5", "out/photo.png.part", b"half"),
        ("I5", "home/desks/ord_1/answer", b"{}"),
        ("I5", "home/shelf/ab/abcdef.png", b"orphan"),
        ("I5", "home/locks/job_2.lock", b""),
        ("I5", "out-2/marker", b"job_2"),
        ("I9", "home/desks/ord_1/answer", base64.b64encode(f"Bearer {CANARY}".encode())),
    ],
)
def test_what_is_wrong_on_the_disk_is_found(
    scene: Scene, sign: str, file: str, content: bytes | None
) -> None:
    place = scene.out.parent / file
    if content is None:
        place.unlink()
    else:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    assert any(fault.startswith(sign) for fault in _faults(scene))


def test_a_file_that_does_not_open_is_found_though_its_digest_is_right(scene: Scene) -> None:
    asset = json.loads(scene.outcomes[0]["body"])
    torn = Path(asset["path"]).read_bytes()[:40]
    place = scene.home / "torn.png"
    place.write_bytes(torn)
    told = {"path": str(place), "sha256": hashlib.sha256(torn).hexdigest(), "size_bytes": len(torn)}
    broken = replace(scene, outcomes=_first(scene.outcomes, body=json.dumps(told)))
    assert any("cannot be opened" in fault for fault in _faults(broken))


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("purchases", lambda s: replace(s, book=[*s.book, *s.book])),
        ("jobs", lambda s: replace(s, jobs=_first(s.jobs, id="job_2"))),
        ("orders", lambda s: replace(s, orders=_first(s.orders, cost=1))),
        ("outcomes", lambda s: replace(s, outcomes=[])),
    ],
)
def test_what_is_different_when_asked_again_is_found(scene: Scene, what: str, change: Change) -> None:
    assert list(unchanged(scene, change(scene))) == [f"I8: asked again, the {what} are not the same"]


@pytest.mark.parametrize(
    ("knows", "bought", "right"),
    [
        ("never", True, True),
        ("if bought", False, True),
        ("if bought", True, False),
        ("always", False, False),
    ],
)
def test_a_doubt_is_right_only_where_nobody_can_know(
    scene: Scene, knows: Any, bought: bool, right: bool
) -> None:
    doubted = replace(
        scene,
        jobs=_first(scene.jobs, state="in_doubt"),
        orders=_first(scene.orders, state="in_doubt", cost=None),
        book=scene.book if bought else [],
    )
    assert any(fault.startswith("I6") for fault in in_the_end(doubted, knows)) is not right
