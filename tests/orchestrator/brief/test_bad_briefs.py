"""A brief that is no text is refused with a reason and a way out; a good one is read quickly."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from right_answers import cases

from orchestrator.brief import read
from shared_knowledge.errors import UnclearBrief


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "empty"),
        (" \n\t ", "empty"),
        ("\u200b\u2060\ufeff", "no words"),
        ("🎥🎥✨", "no words"),
        ("?!…", "no words"),
        ("a photo " * 2501, "20,000"),
        ("PNG\x00\x01\x02 a photo", "binary"),
        ("\x01\x02\x03\x04 ab", "binary"),
        ("a photo \ud83d of a fox", "surrogates"),
    ],
)
def test_what_is_no_text_is_refused(text: str, what: str) -> None:
    with pytest.raises(UnclearBrief) as refused:
        read(text)
    assert what in refused.value.what
    assert refused.value.todo


def test_the_longest_brief_is_still_read() -> None:
    assert read("a photo of a fox. ".ljust(20_000, "x")).understanding.tasks


def test_invisible_and_decomposed_letters_change_nothing() -> None:
    plain = read("foto de um pão de açúcar, 16:9, sem pessoas")
    odd = read("fo\u200bto de um pa\u0303o de ac\u0327u\u0301car,\u00a016:9, sem pessoas\ufeff")
    assert odd.understanding == plain.understanding
    assert odd.subject == plain.subject == "pão de açúcar"


@pytest.mark.parametrize(
    ("odd", "plain"),
    [
        (
            "a\u200b pho\u200bto of a f\u200dox, 16\u200b:9, bud\u00adget $\u200b2",
            "a photo of a fox, 16:9, budget $2",
        ),
        ("a photo \u202eof a cat\u202c, \u2067square\u2069, max $3", "a photo of a cat, square, max $3"),
        ("a photo\x07 of a\x1b[31m cat\x1b[0m, 1:1", "a photo of a cat, 1:1"),
        ("２ photos of a cat, １６：９, max ＄３", "2 photos of a cat, 16:9, max $3"),
        ("a photo\rof a cat,\u20281:1", "a photo\nof a cat,\n1:1"),
    ],
)
def test_letters_nobody_sees_are_read_past(odd: str, plain: str) -> None:
    reading = read(odd)
    assert reading.understanding == read(plain).understanding
    assert all(odd[span.start : span.end] == span.text for span in reading.coverage)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("asdf qwer zxcv uiop", "photo, a video or a voice"),
        ("What is the capital of Australia?", "what should be made"),
        ("a square 9:16 photo", "do not go together"),
        ("a vertical 16:9 video with voice-over, no voice", "says no to one"),
        ("2 photos. No photos please.", "says no to one"),
        ("Bitte ein Video, oder eigentlich ein Foto, oder beides?", "another medium"),
        ("photo? video? something with pumpkins", "another medium"),
        ("4000 photos of cats", "more than one job makes"),
        (
            " ".join(f"{number} photos of cat {number}, {number} s video." for number in range(2, 40)),
            "which 12",
        ),
        ("a photo of a cat, budget -5 dollars", "below zero"),
        ("a photo of a cat, max. $-3", "below zero"),
        ("a photo, budget 99999999999999999999 dollars", "could not be read"),
        ("a photo, budget infinity dollars", "could not be read"),
        ("a 0 s video of a cat", "no length"),
        ("a -5 s video of a cat", "no length"),
        ("a 100000 s video of a cat", "no length"),
    ],
)
def test_what_cannot_be_settled_is_asked(text: str, asked: str) -> None:
    questions = read(text).questions
    assert any(asked in question for question in questions), questions


@pytest.mark.parametrize(
    "text", ["a photo, budget -5 dollars", "a photo of a cat, budget $0", "a cat photo, max. $-3"]
)
def test_a_budget_of_nothing_or_less_allows_nothing(text: str) -> None:
    assert read(text).understanding.budget_usd == 0


def test_a_job_stays_small_whatever_is_asked() -> None:
    many = read(" ".join(f"{number} photos of cat {number}, {number} s video." for number in range(1, 300)))
    tasks = many.understanding.tasks
    assert len(tasks) <= 12
    assert all(task.count <= 50 for task in tasks)
    assert many.understanding.ambiguous


def test_seventeen_hundred_words_hide_one_wish() -> None:
    chatter = "Hello team, here is some background about the company we run. " * 150
    wanted = read(
        f"{chatter}Please make two square photos of the door. Budget 4 dollars. {chatter}"
    ).understanding
    assert [(task.medium.value, task.count, task.aspect_ratio) for task in wanted.tasks] == [
        ("photo", 2, "1:1")
    ]
    assert wanted.budget_usd == 4


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script> a photo of a cat",
        "'; DROP TABLE jobs; -- a photo of a cat",
        "{{7*7}} ${HOME} %s a photo of $(rm -rf /)",
        "(" * 3000 + " photo",
        "16:9 " * 1500 + "photo",
        "\n" * 3000 + "photo",
        "one hundred " * 700 + "photo",
        "a photo " + "e\u0301\u0301\u0301\u0301\u0301" * 500,
    ],
)
def test_strange_text_is_read_in_good_time(text: str) -> None:
    started = time.process_time()
    assert read(text).understanding.tasks
    assert time.process_time() - started < 3


def test_fifty_briefs_take_less_than_two_seconds() -> None:
    briefs = [case["brief"] for name in ("en", "pt", "de") for case in cases(f"briefs_{name}.jsonl")]
    read("uma foto, ein Video, une voix")
    started = time.perf_counter()
    for brief in briefs[:50]:
        read(brief)
    assert time.perf_counter() - started < 2


def test_the_word_lists_are_loaded_by_the_first_brief_only() -> None:
    code = (
        "import sys, orchestrator.brief, orchestrator.brief.reading;"
        "print([name for name in sys.modules if name.startswith('orchestrator.brief.')])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "['orchestrator.brief.reading']"
