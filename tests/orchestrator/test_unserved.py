"""A preferred brand that cannot do its part is asked about, and nobody else is asked about."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from orchestrator import planner, selection
from orchestrator.brief import read
from orchestrator.selection import Circumstances
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.vocabulary import Brief, Choice, Quote

ALL = Catalogue.load()
READY = frozenset(platform.id for platform in ALL.platforms if not platform.local)
DAY = date(2026, 11, 21)


def quoted(
    text: str, *, ready: frozenset[str] = READY, draft: bool = False, use: tuple[Choice, ...] = ()
) -> Quote:
    plan = planner.plan(read(text), Brief(text=text))
    wishes = plan.understanding.platform
    around = Circumstances(
        today=DAY,
        ready=ready,
        draft=draft,
        use=use,
        prefer=wishes.prefer,
        avoid=wishes.avoid,
        budget=plan.budget,
    )
    return selection.quote(plan, ALL, around, datetime(2026, 11, 21, 12, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("a photo of a cat, with ElevenLabs", "“elevenlabs” makes voices, not pictures"),
        ('a voice-over by Runway saying "hello"', "“runway” makes pictures and clips, not voices"),
        ("a 12 s square video of a cat with Veo", "“veo” cannot make video-1 (aspect_ratio)"),
        ("a 10 s video of a cat with Luma", "unpriced"),
        ("a 10 s video of a cat by Sora", "was shut down"),
        ("a photo of a cat with Midjourney", "no official public API"),
    ],
)
def test_a_brand_that_cannot_is_asked_about(text: str, asked: str) -> None:
    for quote in (quoted(text), quoted(text, ready=frozenset()), quoted(text, draft=True)):
        (question,) = quote.questions
        assert asked in question
        assert question.endswith("?")


@pytest.mark.parametrize(
    "text",
    [
        "a 10 s video of a cat with Pika",
        "a 10 s vertical video of a cat with Runway, a photo of it, and a voice-over saying “hello”",
        "two 10 s videos of a cat, avoid Runway",
        "a photo of a cat by DALL-E 3",
        "a photo of a cat",
    ],
)
def test_a_brand_that_can_is_not(text: str) -> None:
    assert quoted(text).questions == ()


def test_a_key_that_is_missing_is_asked_about_only_where_somebody_else_would_be_paid() -> None:
    text = "a 10 s vertical video of a cat with Runway"
    (question,) = quoted(text, ready=frozenset({"kling"})).questions
    assert question == "“runway” cannot be used now for video-1 (no_key): should kling make it?"
    assert quoted(text, ready=frozenset()).questions == ()
    assert quoted(text, draft=True).questions == ()


def test_an_option_decides_for_its_medium() -> None:
    text = "a photo of a cat with Midjourney"
    assert quoted(text, use=(Choice(platform="openai_images"),)).questions == ()
    assert len(quoted(text, use=(Choice(platform="elevenlabs"),)).questions) == 1
