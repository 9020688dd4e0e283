"""What a vendor says is read as promised or not at all, and never repeated in an error."""

from __future__ import annotations

import json
import random
import time
from typing import Any

import httpx
import pytest
from pydantic import Field

from agentes.wire.said import Said, Unintelligible, VendorId, VendorName

CANARY = "cnry-7Qx2mVb9Lk4Tz8Wd3Rp6"


class Output(Said):
    url: str


class Task(Said):
    id: VendorId
    output: tuple[Output, ...] = ()
    progress: float | None = None
    credits: int = Field(default=0, ge=0, le=10**12)


def said(raw: str | bytes) -> Task:
    return Task.of(httpx.Response(200, content=raw))


def test_what_is_promised_is_read_and_the_rest_ignored() -> None:
    raw = '{"id": "tsk_1", "output": [{"url": "https://x", "new": 1}], "progress": 0.5, "credits": 25, "news": {}}'
    whole = Task(id="tsk_1", output=(Output(url="https://x"),), progress=0.5, credits=25)
    assert said(raw) == whole
    assert Task.read(json.loads(raw)) == whole


@pytest.mark.parametrize(
    "told",
    [
        {"id": "../../x"},
        {"id": "a/b"},
        {"id": ""},
        {"id": "x" * 257},
        {"id": ".."},
        {"id": "tsk_1\n"},
        {"id": 7},
        {"id": None},
        {},
        {"id": "a", "credits": -1},
        {"id": "a", "credits": 1.0},
        {"id": "a", "credits": "1_000"},
        {"id": "a", "credits": "٣"},
        {"id": "a", "credits": True},
        {"id": "a", "credits": 10**13},
        {"id": "a", "credits": float("nan")},
        {"id": "a", "credits": float("inf")},
        {"id": "a", "progress": float("nan")},
        {"id": "a", "progress": float("inf")},
        {"id": "a", "progress": "1"},
        {"id": "a", "output": None},
        {"id": "a", "output": [None]},
        {"id": "a", "output": {"url": "x"}},
        [],
        "text",
        None,
    ],
)
def test_what_is_not_as_promised_is_unintelligible_either_way(told: Any) -> None:
    with pytest.raises(Unintelligible, match="not as promised"):
        said(json.dumps(told))
    with pytest.raises(Unintelligible, match="not as promised"):
        Task.read(told)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<html>",
        b'{"id": "a"',
        b'\xef\xbb\xbf{"id": "a"}',
        b'{"id": "\xff"}',
        b'{"id": "a", "progress": 1e400}',
        b'{"id": "a", "credits": 1e999999}',
        '{"id": "a"}'.encode("utf-16"),
        b"[" * 100_000,
        b'{"id": "a", "deep": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    ],
)
def test_what_is_no_json_is_unintelligible(raw: bytes) -> None:
    with pytest.raises(Unintelligible):
        said(raw)


def test_an_error_says_where_and_never_what() -> None:
    with pytest.raises(Unintelligible) as refused:
        said(json.dumps({"id": f"../{CANARY}", "output": [{"url": 7}], "progress": CANARY}))
    assert str(refused.value) == "not as promised: id, output.0.url, progress"
    assert CANARY not in repr(refused.value)


@pytest.mark.parametrize("value", [object(), {1, 2}, {"id": b"x"}])
def test_what_was_never_json_is_unintelligible(value: Any) -> None:
    with pytest.raises(Unintelligible):
        Task.read(value)


@pytest.mark.parametrize("name", ["projects/p/locations/us/operations/1a", "models/veo-3.1", "op"])
def test_a_name_may_have_parts(name: str) -> None:
    class Operation(Said):
        name: VendorName

    assert Operation.read({"name": name}).name == name
    for wrong in (f"../{name}", f"{name}/../x", f"/{name}", f"{name}//x", f"{name}?x=1", f"{name} "):
        with pytest.raises(Unintelligible):
            Operation.read({"name": wrong})


def test_mutated_answers_are_read_or_refused_at_once() -> None:
    dice = random.Random(5)
    whole = b'{"id": "tsk_1", "output": [{"url": "https://x"}], "progress": 0.5, "credits": 25}'
    begun = time.perf_counter()
    for _ in range(500):
        broken = bytearray(whole)
        for _ in range(dice.randrange(1, 8)):
            broken[dice.randrange(len(broken))] = dice.choice(b'{}[]",:\\0e-9 \xff')
        try:
            said(bytes(broken))
        except Unintelligible:
            continue
    assert time.perf_counter() - begun < 5
