"""Bad input: a clear, specific sentence that says what to do, the right exit code, nothing made."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from typed import Ask


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["make", ""], "empty"),
        (["make", "   \n\t "], "empty"),
        (["make", "\u200b\u200d\ufeff"], ""),
        (["make", "🌶️🔥😍"], ""),
        (["make", "@nowhere.txt"], "cannot be read"),
        (["make", "a photo of a candle", "--budget", "1_000"], "--budget"),
        (["make", "a photo of a candle", "--budget", "nan"], "--budget"),
        (["make", "a photo of a candle", "--budget", "-1"], "--budget"),
        (["make", "a photo of a candle", "--quality", "ultra"], "ultra"),
        (["make", "a photo of a candle", "--use", "nobody"], "nobody"),
        (["make", "a photo of a candle", "--use", "photo="], "not a platform"),
        (["make", "a photo of a candle", "--avoid", "song=runway"], "not a medium"),
        (["make", "a photo of a candle", "--use", "dalle3"], "openai_images"),
        (["make", "a photo of a candle", "--on-refusal", "shrug"], "elsewhere"),
        (["make", "can you fix the formula in cell B7 of my spreadsheet"], ""),
        (["make", "animate nowhere.jpg, 4 seconds, vertical"], "nowhere.jpg"),
        (["make", f"animate {'a' * 300}.jpg, 4 seconds, vertical"], "no such file"),
        (["make", "a photo of a candle", "--from", "job_none"], "no job"),
        (["plan"], "no brief"),
        (["plan", "a photo of a candle", "--today", "tomorrow"], "--today"),
        (["plan", "a photo of a candle", "--assume-keys", "nobody"], "nobody"),
        (["plan", "--batch", "nowhere.jsonl"], "cannot be read"),
        (["costs", "--by", "moon"], "platform"),
        (["show", "job_none"], "no job"),
        (["resume", "job_none"], "no job"),
        (["cancel", "job_none"], "no job"),
        (["dance"], "dance"),
    ],
)
def test_is_refused_in_words(ask: Ask, tmp_path: Path, words: list[str], says: str):
    ran = ask(tmp_path, *words)
    assert ran.code == 2, (ran.out, ran.err)
    assert says.lower() in " ".join(ran.err.lower().split())
    assert "Traceback" not in ran.err
    assert {entry.name for entry in tmp_path.iterdir()} <= {"home"}


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("picture.bin", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8),
        ("huge.txt", b"a photo of a candle " * 520_000),
        ("long.txt", b"a photo of a candle " * 2_000),
        ("zeros.txt", bytes(300)),
    ],
)
def test_files_that_are_no_brief_are_refused(ask: Ask, tmp_path: Path, name: str, raw: bytes):
    (tmp_path / name).write_bytes(raw)
    for words, given in ((["make", f"@{name}"], b""), (["make", "-"], raw)):
        ran = ask(tmp_path, *words, stdin=given)
        assert ran.code == 2, ran.err
        assert len(ran.err) < 2_000
        assert "Traceback" not in ran.err


def test_a_folder_that_cannot_be_used_is_refused_before_any_work(ask: Ask, tmp_path: Path):
    (tmp_path / "taken").write_text("a file, not a folder")
    ran = ask(tmp_path, "make", "a square photo of a candle", "--draft", "--out", "taken/inside")
    assert ran.code == 2
    assert "--out" in ran.err
    assert ask(tmp_path, "runs", "--json").json == []


def test_a_home_that_cannot_be_used_is_said(ask: Ask, tmp_path: Path):
    (tmp_path / "home").write_text("a file where the home should be")
    ran = ask(tmp_path, "make", "a square photo of a candle", "--draft")
    assert ran.code in {2, 4}
    assert "AGENTES_HOME" in ran.err
    assert "Traceback" not in ran.err


def test_an_error_with_json_is_one_json_value(ask: Ask, tmp_path: Path):
    ran = ask(tmp_path, "make", "", "--json")
    assert (ran.code, ran.json["error"]["type"]) == (2, "UnclearBrief")


def test_a_batch_goes_on_after_a_bad_brief(ask: Ask, tmp_path: Path):
    lines = [
        {"id": "a", "brief": "a photo of a candle"},
        {"id": "b", "brief": ""},
        {"id": "c", "brief": "@x"},
    ]
    lines.append({"id": "d", "brief": "two square photos of a mug"})
    (tmp_path / "briefs.jsonl").write_text("\n".join(json.dumps(line) for line in lines), "utf-8")
    ran = ask(tmp_path, "plan", "--batch", "briefs.jsonl")
    told = [json.loads(line) for line in ran.out.splitlines()]
    assert [line["id"] for line in told] == ["a", "b", "c", "d"]
    assert told[1]["plan"] is None
    assert told[3]["plan"]["understanding"]["tasks"][0]["count"] == 2


def test_a_paid_plan_without_a_terminal_needs_a_yes(ask: Ask, tmp_path: Path):
    """The quote is shown, nothing is sent, and the sentence says how to agree."""
    ran = ask(
        tmp_path, "make", "a square photo of a candle", "--json", OPENAI_API_KEY="sk-canary-0123456789abcdef"
    )
    assert ran.code == 2
    assert "--yes" in ran.err
    assert "0123456789abcdef" not in ran.out + ran.err
    assert ask(tmp_path, "runs", "--json").json == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_folder_is_refused(ask: Ask, tmp_path: Path):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    ran = ask(tmp_path, "make", "a square photo of a candle", "--draft", "--out", "locked/out")
    assert ran.code == 2
    assert "write" in ran.err
