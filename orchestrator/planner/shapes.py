"""The shape, size and quality of every picture and clip: stated, borrowed from a relative, or a default."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import gcd
from typing import NamedTuple

from orchestrator.brief.reading import Reading
from orchestrator.planner.groups import Wanted
from orchestrator.planner.notes import Notes
from shared_knowledge.vocabulary import Brief, Medium, PhotoIntent, Quality, pixels

__all__ = ["Shape", "qualities", "shapes"]

_SHORT_SIDE = {Quality.DRAFT: 720, Quality.STANDARD: 720, Quality.HIGH: 1080}
_STEEPEST = 8.0
_LONGEST_SIDE = 4096
_RATIO = re.compile(r"(?a:(\d{1,5}(?:\.\d{1,3})?):(\d{1,5}(?:\.\d{1,3})?))")
_SIZE = re.compile(r"(?a:(?<!\d)(\d{2,5})\s*(?:px)?\s*[x×*]\s*(\d{2,5})(?!\d))", re.IGNORECASE)


class Shape(NamedTuple):
    """A canvas: its ratio, its pixels, and whether the brief stated them."""

    ratio: str
    width: int
    height: int
    size_is_stated: bool = False


def qualities(wanted: list[Wanted], brief: Brief, notes: Notes) -> dict[str, Quality]:
    """The quality of every asset: the option's, else the brief's, else standard."""
    chosen = {}
    for one in wanted:
        quality = brief.quality or one.asked.quality
        if quality is None:
            notes.assume("No quality was given for {tasks}: standard.", one.id)
        chosen[one.id] = quality or Quality.STANDARD
    return chosen


# What says "upright" or "lying" of a picture in the six languages, by its stem.
_LEANS = {
    "4:5": ("vertical", "upright", "portrait", "retrato", "ritratto", "hoch", "de pé", "hauteur"),
    "3:2": (
        "horizont",
        "orizzont",
        "landscape",
        "widescreen",
        "paisa",
        "apaisad",
        "deitad",
        "paysage",
        "quer",
    ),
}


def shapes(
    wanted: list[Wanted],
    reading: Reading,
    made_from: Mapping[str, tuple[str, ...]],
    kinds: Mapping[str, PhotoIntent],
    quality: Mapping[str, Quality],
    notes: Notes,
) -> dict[str, Shape]:
    """The canvas of every picture and clip."""
    seen = [one for one in wanted if one.medium is not Medium.VOICE]
    stated = {one.id: ratio for one in seen if (ratio := _stated(one, notes))}
    clips = [one for one in seen if one.medium is Medium.VIDEO]
    ratios: dict[str, str] = dict(stated)
    for clip in clips:
        relatives = [*made_from[clip.id], *(other.id for other in clips)]
        ratios[clip.id] = _borrowed(clip.id, relatives, stated, "16:9", notes)
    for photo in (one for one in seen if one.medium is Medium.PHOTO):
        if kinds[photo.id] is PhotoIntent.THUMBNAIL:
            ratios[photo.id] = _borrowed(photo.id, [], stated, "16:9", notes)
            continue
        grown = [clip.id for clip in clips if photo.id in made_from[clip.id]]
        relatives = [*grown, *(clip.id for clip in clips)]
        lean = _lean(photo, reading)
        if lean and photo.id not in stated:
            ratios[photo.id] = lean
            notes.assume(f"No exact ratio was given for {{tasks}}: {lean}.", photo.id)
        else:
            ratios[photo.id] = _borrowed(photo.id, relatives, ratios, "1:1", notes)
    return {one.id: _canvas(one, ratios[one.id], quality[one.id], reading, notes) for one in seen}


def _lean(one: Wanted, reading: Reading) -> str | None:
    """The usual ratio of a picture that is only said to stand upright, or to lie."""
    said = " ".join(
        span.text for span in reading.coverage if span.means == f"{one.field}.aspect_ratio"
    ).casefold()
    return next((ratio for ratio, words in _LEANS.items() if any(word in said for word in words)), None)


def _stated(one: Wanted, notes: Notes) -> str | None:
    said = one.asked.aspect_ratio
    if said is None:
        return None
    size = _SIZE.fullmatch(said)
    ratio = _reduced(int(size[1]), int(size[2])) if size and int(size[1]) and int(size[2]) else said
    sides = _RATIO.fullmatch(ratio)
    across, down = (float(sides[1]), float(sides[2])) if sides else (0.0, 0.0)
    if not across or not down or max(across / down, down / across) > _STEEPEST:
        notes.cannot_meet(f"{one.field}.aspect_ratio", f"{one.id}: nothing can be made in the shape {said}.")
        return None
    return ratio


def _borrowed(task: str, relatives: list[str], known: Mapping[str, str], otherwise: str, notes: Notes) -> str:
    """Its own ratio, or that of its nearest relative that has one, or a default; said when not its own."""
    if task in known:
        return known[task]
    relative = next((name for name in relatives if name in known), None)
    if relative is None:
        notes.assume(f"No ratio was given for {{tasks}}: {otherwise}.", task)
        return otherwise
    notes.assume(f"No ratio was given for {{tasks}}: {known[relative]}, like {relative}.", task)
    return known[relative]


def _canvas(one: Wanted, ratio: str, quality: Quality, reading: Reading, notes: Notes) -> Shape:
    size = _stated_size(one, reading)
    if size and max(size) > _LONGEST_SIDE:
        notes.cannot_meet(
            f"{one.field}.aspect_ratio",
            f"{one.id}: {size[0]}x{size[1]} is larger than the {_LONGEST_SIDE} pixels a side may have.",
        )
    elif size and _reduced(*size) == _reduced_ratio(ratio):
        odd = 1 if one.medium is Medium.VIDEO else 0
        return Shape(ratio, size[0] + (size[0] & odd), size[1] + (size[1] & odd), size_is_stated=True)
    short_side = _SHORT_SIDE[quality]
    notes.assume(f"No size in pixels was given for {{tasks}}: {short_side} on the short side.", one.id)
    return Shape(ratio, *pixels(ratio, short_side))


def _stated_size(one: Wanted, reading: Reading) -> tuple[int, int] | None:
    field = f"{one.field}.aspect_ratio"
    texts = [one.asked.aspect_ratio or "", *(span.text for span in reading.coverage if span.means == field)]
    found = next((size for text in texts if (size := _SIZE.search(text))), None)
    return (int(found[1]), int(found[2])) if found and min(int(found[1]), int(found[2])) >= 64 else None


def _reduced(across: int, down: int) -> str:
    shared = gcd(across, down)
    return f"{across // shared}:{down // shared}"


def _reduced_ratio(ratio: str) -> str:
    across, down = ratio.split(":")
    return _reduced(int(across), int(down)) if across.isdigit() and down.isdigit() else ratio
