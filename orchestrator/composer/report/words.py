"""Facts in the words of a reader: seconds, sizes, moments, reasons."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from shared_knowledge.vocabulary import Medium, Money, PhotoSpec, Spec, VideoSpec, WhyNot

__all__ = ["WHY_NOT", "clock", "count", "in_step", "listed", "moment", "seconds", "size", "what"]

WHY_NOT = {
    WhyNot.DURATION: "cannot make this length",
    WhyNot.ASPECT_RATIO: "cannot make this shape",
    WhyNot.RESOLUTION: "cannot make this size",
    WhyNot.LANGUAGE: "does not speak this language",
    WhyNot.REFERENCE: "cannot follow a reference",
    WhyNot.AUDIO: "cannot add sound",
    WhyNot.QUALITY: "below the quality asked for",
    WhyNot.NO_KEY: "no key for it here",
    WhyNot.NO_ADAPTER: "not connected yet",
    WhyNot.RETIRED: "no longer offered",
    WhyNot.UNPRICED: "has no known price",
    WhyNot.AVOIDED: "set aside by your wishes",
    WhyNot.RESTING: "resting after errors",
    WhyNot.REGION: "not offered in this region",
    WhyNot.PROMPT_TOO_LONG: "takes only shorter prompts",
    WhyNot.OVER_BUDGET: "over the budget",
}


def seconds(length_s: float) -> str:
    """15 s, 2.5 s."""
    return f"{round(length_s, 2):g} s"


def in_step(amounts: Iterable[Money]) -> Callable[[Money], str]:
    """How to write amounts of one table: all with as many decimals as the finest needs, so sums add up."""
    finest = max((len(amount.usd.rstrip("0").partition(".")[2]) for amount in amounts), default=2)
    return lambda amount: f"${amount.usd[: len(amount.usd) - 6 + max(2, finest)]}"


def clock(at_s: float) -> str:
    """0:07, 1:05."""
    whole = int(at_s)
    return f"{whole // 60}:{whole % 60:02d}"


def size(size_bytes: int) -> str:
    """512 B, 84 kB, 3.1 MB."""
    if size_bytes < 1000:
        return f"{size_bytes} B"
    if size_bytes < 1_000_000:
        return f"{size_bytes / 1000:.0f} kB"
    return f"{size_bytes / 1_000_000:.1f} MB"


def moment(at: datetime) -> str:
    """2026-11-20 09:30 UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def count(number: int, one: str, many: str = "") -> str:
    """1 photo, 3 photos."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def listed(items: Iterable[str]) -> str:
    """a, b and c."""
    *most, last = [*items] or [""]
    return f"{', '.join(most)} and {last}" if most else last


def what(spec: Spec) -> str:
    """What a task makes, in two or three words."""
    if isinstance(spec, PhotoSpec):
        return f"{spec.intent.value.capitalize()} photo"
    if spec.medium is Medium.VOICE:
        return f"Voice in {spec.language}"
    assert isinstance(spec, VideoSpec)
    return f"Clip of {seconds(spec.duration_s)}"
