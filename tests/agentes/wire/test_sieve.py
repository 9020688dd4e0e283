"""The sieve keeps all of an answer but its long strings, wherever the pieces are cut."""

from __future__ import annotations

import json
import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentes.wire.said import Unintelligible
from agentes.wire.sieve import LONG, Sieve, Stretch, TooBig, find_text, read_stretch

LONG_TEXT = "iVBORw0KGgo" + "A/+b" * (LONG // 4)


def sieved(raw: bytes, cuts: list[int] | None = None) -> Sieve:
    sieve = Sieve()
    places = sorted({0, *(cut % (len(raw) + 1) for cut in cuts or []), len(raw)})
    for start, end in pairwise(places):
        sieve.feed(raw[start:end])
    return sieve


def restored(sieve: Sieve, raw: bytes) -> bytes:
    kept = bytes(sieve.kept)
    for name, (start, end) in sieve.long.items():
        assert kept.count(name.encode()) == 1
        kept = kept.replace(name.encode(), raw[start:end])
    return kept


@pytest.mark.parametrize("length", [0, LONG - 1, LONG, LONG + 1, LONG + 5000])
def test_only_what_is_longer_than_the_limit_falls_through(length: int) -> None:
    raw = json.dumps({"b64": "x" * length, "id": "img_1"}).encode()
    sieve = sieved(raw, [10, 100, 70_000])
    assert len(sieve.long) == (length > LONG)
    assert json.loads(sieve.kept)["id"] == "img_1"
    assert restored(sieve, raw) == raw


def test_strings_of_one_length_and_beginning_are_told_apart() -> None:
    raw = json.dumps({"a": LONG_TEXT, "b": [LONG_TEXT, "short"]}).encode()
    sieve = sieved(raw)
    kept = json.loads(sieve.kept)
    assert kept["a"] != kept["b"][0]
    assert kept["a"].startswith("iVBORw0KGgo")
    assert kept["b"][1] == "short"
    assert len(sieve.kept) < 300
    assert restored(sieve, raw) == raw


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["\\", '"', '\\"', "/\\\\"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(
    value=json_values,
    filler=st.sampled_from(["x", "\\", '"', "é", '\\"', "ab\\n"]),
    cuts=st.lists(st.integers(0, 1 << 20), max_size=12),
    tail=st.sampled_from(["", "\\", '"', '\\"']),
)
def test_no_cut_and_no_escape_confuses_it(value: Any, filler: str, cuts: list[int], tail: str) -> None:
    long = filler * (LONG // len(filler) + 1) + tail
    raw = json.dumps({"before": value, "long": long, "after": value}).encode()
    sieve = sieved(raw, cuts)
    assert restored(sieve, raw) == raw
    kept = json.loads(sieve.kept)
    assert kept["before"] == kept["after"] == value
    stretch = sieve.long[kept["long"]]
    assert json.loads(b'"' + raw[stretch.start : stretch.end] + b'"') == long


@settings(max_examples=60, deadline=None)
@given(raw=st.binary(max_size=400), cuts=st.lists(st.integers(0, 400), max_size=5))
def test_what_is_no_json_comes_out_as_it_went_in(raw: bytes, cuts: list[int]) -> None:
    sieve = sieved(raw, cuts)
    assert bytes(sieve.kept) == raw


def test_too_much_that_must_be_kept_is_too_big() -> None:
    with pytest.raises(TooBig):
        sieved(b'["' + b'","'.join([b"x" * 60_000] * 90) + b'"]')


@pytest.fixture
def answer(tmp_path: Path) -> Path:
    path = tmp_path / "answer"
    told = {"data": [{"b64_json": LONG_TEXT}, {"b64_json": "c2hvcnQ="}], "a/b": {"~": LONG_TEXT}, "n": 7}
    path.write_bytes(json.dumps(told).encode())
    return path


def test_a_pointer_leads_to_a_short_string_or_to_where_a_long_one_lies(answer: Path) -> None:
    assert find_text(answer, "/data/1/b64_json") == "c2hvcnQ="
    for pointer in ("/data/0/b64_json", "/a~1b/~0"):
        found = find_text(answer, pointer)
        assert isinstance(found, Stretch)
        assert b"".join(read_stretch(answer, found)).decode() == LONG_TEXT


@pytest.mark.parametrize(
    "pointer", ["/data/2/b64_json", "/data/x", "/nothing", "/n", "/data", "", "/n/0", "/data/-"]
)
def test_a_pointer_to_nothing_is_unintelligible(answer: Path, pointer: str) -> None:
    with pytest.raises(Unintelligible):
        find_text(answer, pointer)


@pytest.mark.parametrize(
    "raw", [b"", b"<html>", b'{"a": "cut', b"[" * 50_000, b"\xff\xfe", b'{"a": ' * 30_000]
)
def test_what_cannot_be_read_is_unintelligible(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "answer"
    path.write_bytes(raw)
    with pytest.raises(Unintelligible):
        find_text(path, "/a")


def test_a_mutated_answer_is_read_or_refused_and_never_crashes(answer: Path) -> None:
    dice = random.Random(3)
    whole = answer.read_bytes()
    for _ in range(60):
        broken = bytearray(whole)
        for _ in range(dice.randrange(1, 6)):
            broken[dice.randrange(len(broken))] = dice.randrange(256)
        answer.write_bytes(broken[: dice.randrange(len(broken))] if dice.random() < 0.5 else broken)
        try:
            find_text(answer, "/data/0/b64_json")
        except Unintelligible:
            continue
