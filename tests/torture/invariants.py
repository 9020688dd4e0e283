"""What must hold whatever died when, judged from the vendors' book and from what lies on the disk.

I1 nothing is bought twice. I2 every charge is booked or set aside. I3 no cap is ever passed. I4 what is
called done can be opened. I5 nothing is left over. I6 every job ends, or waits for a person. I7 a job ends
once. I8 asked again, it answers the same. I9 no key is in anything that was written.
"""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from agentes.media import ffmpeg
from shared_knowledge.money import Money

__all__ = ["Knows", "Scene", "always", "at_rest", "in_the_end", "unchanged"]

Row = Mapping[str, Any]
Knows = Literal["always", "if bought", "never"]
"""Whether it can be known, of an order that was sent and not answered, what became of it."""

_OPEN = {"reserved", "sending", "submitted", "ready", "stored", "in_doubt", "needs_review"}
_MAY_BE_CHARGED = _OPEN - {"reserved"}
_ENDED = {"done", "partial", "failed", "cancelled"}
_CHUNK = 6


@dataclass(frozen=True)
class Scene:
    """Everything there is after a death or an end: files, tables, and the vendors' book."""

    home: Path
    out: Path
    jobs: Sequence[Row]
    orders: Sequence[Row]
    budgets: Sequence[Row]
    holds: Sequence[Row]
    outcomes: Sequence[Row]
    events: Sequence[Row]
    threads: Sequence[str]
    book: Sequence[Row]
    said: bytes = b""

    @property
    def state(self) -> str:
        """How the job stands; nothing where there is none."""
        return str(self.jobs[0]["state"]) if self.jobs else ""

    @property
    def is_at_rest(self) -> bool:
        """Whether it has ended, or waits for a person."""
        return self.state in {*_ENDED, "in_doubt"}


# ── at every moment ────────────────────────────────────────────────────────────────────────────


def always(scene: Scene) -> Iterator[str]:
    """What is wrong although something was killed just now."""
    yield from _bought_once(scene)
    yield from _covered(scene)
    yield from _capped(scene)
    yield from _silent(scene)


def _bought_once(scene: Scene) -> Iterator[str]:
    """No vendor failed, so no piece has more than one purchase, and none has one that was never sent."""
    bought = Counter(entry["platform"] for entry in scene.book)
    for platform, count in bought.items():
        sent = [order for order in scene.orders if order["platform"] == platform and order["sent_at"]]
        pieces = {(order["job"], order["task"], order["piece"]) for order in sent}
        if count > len(sent):
            yield f"I1: {count} purchases at {platform}, {len(sent)} orders were sent there"
        if count > len(pieces):
            yield f"I1: {count} purchases at {platform} for {len(pieces)} pieces"
    if len(scene.jobs) > 1:
        yield f"I1: one brief became {len(scene.jobs)} jobs"


def _covered(scene: Scene) -> Iterator[str]:
    for platform in {entry["platform"] for entry in scene.book}:
        charged = sum(Money.dollars(entry["usd"]) for entry in scene.book if entry["platform"] == platform)
        mine = [order for order in scene.orders if order["platform"] == platform]
        booked = sum(order["cost"] or 0 for order in mine if order["state"] in ("settled", "failed_charged"))
        aside = sum(order["price"] for order in mine if order["state"] in _MAY_BE_CHARGED)
        if charged > booked + aside:
            yield f"I2: {platform} charged {charged}, of which {booked} is booked and {aside} set aside"
    unheld = {o["id"] for o in scene.orders if o["state"] in _OPEN} - {h["order_id"] for h in scene.holds}
    if unheld:
        yield f"I2: {len(unheld)} open orders hold no money"


def _capped(scene: Scene) -> Iterator[str]:
    ended = sum(order["cost"] or 0 for order in scene.orders if order["state"] not in _OPEN)
    spent: Counter[str] = Counter()
    for budget in scene.budgets:
        held = sum(hold["amount"] for hold in scene.holds if hold["budget"] == budget["id"])
        name = str(budget["id"]).partition(":")[0]
        spent[name] += budget["spent"]
        if budget["reserved"] + budget["spent"] > budget["cap"]:
            yield f"I3: {name} has {budget['reserved']} + {budget['spent']} over its cap of {budget['cap']}"
        if budget["reserved"] != held:
            yield f"I3: {name} sets {budget['reserved']} aside, its holds are {held}"
    for name, amount in spent.items():
        if amount != ended:
            yield f"I3: {name} has spent {amount}, its orders cost {ended}"


def _silent(scene: Scene) -> Iterator[str]:
    for file in _files(scene.home, scene.out):
        if _sings(file.read_bytes()):
            yield f"I9: a key is in {file.relative_to(scene.home.parent)}"
    rows = (*scene.jobs, *scene.orders, *scene.outcomes, *scene.events)
    if _sings(scene.said) or _sings(json.dumps([dict(row) for row in rows]).encode()):
        yield "I9: a key was said"


def _sings(written: bytes) -> bool:
    return any(note in written for note in _notes())


@cache
def _notes() -> tuple[bytes, ...]:
    """Twelve letters of the key in a row hold one of these, and so does any base64 of it."""
    from kill_kinds import CANARY

    key = CANARY.encode()
    plain = [key[at : at + _CHUNK] for at in range(0, len(key) - _CHUNK + 1, _CHUNK)]
    return (*plain, *(base64.b64encode(b"." * shift + key)[4:24] for shift in range(3)))


# ── when nothing moves any more ────────────────────────────────────────────────────────────────


def at_rest(scene: Scene, lives: int) -> Iterator[str]:
    """What is wrong although it was restarted as often as it may take."""
    if not scene.is_at_rest:
        yield f"I6: after {lives} lives the job is {scene.state or 'not there'}"


def in_the_end(scene: Scene, knows: Knows) -> Iterator[str]:
    """What is wrong although everything is over; a doubt is right only where nobody can know."""
    paid = {entry["platform"] for entry in scene.book}
    doubted = [order for order in scene.orders if order["state"] in ("in_doubt", "needs_review")]
    needless = knows == "always" or (knows == "if bought" and all(o["platform"] in paid for o in doubted))
    if scene.state != "done" and (scene.state != "in_doubt" or needless):
        yield f"I6: it ended {scene.state}: {scene.jobs[0]['why'] if scene.jobs else ''}"
    yield from _opens(scene)
    yield from _nothing_left(scene)
    yield from _ended_once(scene)


def _opens(scene: Scene) -> Iterator[str]:
    if scene.state != "done":
        return
    for outcome in scene.outcomes:
        asset = json.loads(outcome["body"])
        if outcome["kind"] != "asset":
            yield f"I4: the job is done, and {outcome['task']} is a {outcome['kind']}"
        elif (wrong := _wrong(Path(asset["path"]), asset["sha256"], asset["size_bytes"])) is not None:
            yield f"I4: {outcome['task']}: {wrong}"
    manifest = Path(scene.jobs[0]["folder"]) / "manifest.json"
    if not manifest.is_file():
        yield "I4: no manifest was handed over"
        return
    for asset in json.loads(manifest.read_bytes())["assets"]:
        if (wrong := _wrong(Path(asset["path"]), asset["sha256"])) is not None:
            yield f"I4: handed over, {asset['task']}: {wrong}"


def _wrong(file: Path, digest: str, size: int | None = None) -> str | None:
    if not file.is_file():
        return "there is no file"
    content = file.read_bytes()
    if size is not None and len(content) != size:
        return f"{len(content)} bytes, not {size}"
    if hashlib.sha256(content).hexdigest() != digest:
        return "another digest"
    return None if _can_be_opened(digest, str(file)) else "it cannot be opened"


_opened: dict[str, bool] = {}


def _can_be_opened(digest: str, file: str) -> bool:
    """Once for each content: the same bytes open again."""
    if digest not in _opened:
        asked = [ffmpeg.binary(), "-v", "error", "-xerror", "-nostdin", "-i", file, "-f", "null", "-"]
        _opened[digest] = subprocess.run(asked, capture_output=True, check=False).returncode == 0
    return _opened[digest]


def _nothing_left(scene: Scene) -> Iterator[str]:
    still_open = {order["id"] for order in scene.orders if order["state"] in _OPEN}
    desks = scene.home / "desks"
    left = [desk for desk in desks.iterdir() if desk.name not in still_open] if desks.is_dir() else []
    yield from (f"I5: a desk is left, with {_names(desk)}" for desk in left)
    known = {desk for desk in desks.iterdir() if desk.name in still_open} if desks.is_dir() else set()
    for file in _files(scene.home, scene.out):
        if file.suffix == ".part" and not any(file.is_relative_to(desk) for desk in known):
            yield f"I5: {file.relative_to(scene.home.parent)} is left"
    referred = json.dumps([dict(row) for row in (*scene.orders, *scene.outcomes)])
    for file in _files(scene.home / "shelf"):
        if file.stem not in referred:
            yield f"I5: an orphan is on the shelf ({file.suffix})"
    if not still_open and scene.holds:
        yield f"I5: {len(scene.holds)} holds are left, and no order is open"
    if scene.threads:
        yield "I5: the graph remembers a job that is over"
    claimed = {Path(job["folder"]) for job in scene.jobs}
    for folder in scene.out.parent.glob(f"{scene.out.name}*"):
        if folder not in claimed:
            yield f"I5: a folder is left, with {_names(folder)}"
    jobs = {job["id"] for job in scene.jobs}
    yield from (
        f"I5: a lock is left ({lock.suffix})"
        for lock in _files(scene.home / "locks")
        if lock.stem not in jobs
    )


def _ended_once(scene: Scene) -> Iterator[str]:
    told = [event for row in scene.events if (event := json.loads(row["body"]))["what"] == "job"]
    endings = [event["phase"] for event in told if event["phase"] in _ENDED]
    if scene.state in _ENDED and endings != [scene.state]:
        yield f"I7: a job that is {scene.state} told of these endings: {endings}"


def _names(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in _files(folder))


def _files(*folders: Path) -> Iterator[Path]:
    for folder in folders:
        yield from (file for file in folder.rglob("*") if file.is_file())


# ── asked again ────────────────────────────────────────────────────────────────────────────────


def unchanged(before: Scene, after: Scene) -> Iterator[str]:
    """What differs although it was only asked for what is there."""
    views: Mapping[str, Callable[[Scene], Any]] = {
        "jobs": lambda scene: [(job["id"], job["state"], job["folder"]) for job in scene.jobs],
        "orders": lambda scene: [(order["id"], order["state"], order["cost"]) for order in scene.orders],
        "outcomes": lambda scene: [dict(outcome) for outcome in scene.outcomes],
        "purchases": lambda scene: len(scene.book),
        "files": lambda scene: {
            str(file.relative_to(scene.out)): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in _files(scene.out)
        },
    }
    shown = (
        views if before.state == "done" else {name: views[name] for name in ("jobs", "orders", "purchases")}
    )
    for name, view in shown.items():
        if view(before) != view(after):
            yield f"I8: asked again, the {name} are not the same"
