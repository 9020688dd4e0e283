"""What can be looked at and listened to: the pieces, the storyboard, the captions."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import quote as percent_encoded

from orchestrator.composer.manifest import Delivery
from orchestrator.composer.report.words import clock, seconds, size, what
from shared_knowledge.vocabulary import Asset, PhotoSpec, Plan, Shot, Task, VideoSpec, VoiceSpec

__all__ = ["Card", "Cue", "ShotCard", "Still", "address", "cards", "cues", "storyboard", "webvtt"]

_CUE = re.compile(
    r"(?a:(\d+):(\d\d):(\d\d)[,.](\d{3}))[ \t]*-->[ \t]*(?a:(\d+:\d\d:\d\d)[,.](\d{3}))[^\n]*\n"
    r"((?:[^\n]+\n?)+)"
)


class Still(NamedTuple):
    """One frame of the contact sheet: what it is called, where the small picture lies, when it is seen."""

    label: str
    path: str
    at_s: float | None = None


@dataclass(frozen=True, slots=True)
class Cue:
    """One caption: when it appears, and its words."""

    at_s: float
    clock: str
    start: str
    end: str
    text: str


@dataclass(frozen=True, slots=True)
class Card:
    """One file of the delivery, ready to be shown."""

    task: str
    what: str
    medium: str
    src: str
    mime: str
    alt: str
    facts: str
    maker: str
    words: str
    lang: str
    width: int
    height: int
    poster: str
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShotCard:
    """One shot of the storyboard, with its picture where there is one."""

    label: str
    scene: str
    lang: str
    src: str
    at_s: float | None
    when: str


def address(delivery: Delivery, path: str) -> str:
    """How the page points at a file of its own folder; empty for a file that lies elsewhere."""
    if path.startswith("data:image/"):
        return path
    name = delivery.name(path)
    return percent_encoded(name, safe="/") if name else ""


def cards(delivery: Delivery) -> tuple[Card, ...]:
    """The pieces of the plan that were made, in the order of the plan."""
    tasks = {task.id: task for task in delivery.plan.tasks}
    return tuple(_card(delivery, asset, tasks.get(asset.task)) for asset in delivery.assets)


def storyboard(delivery: Delivery, stills: Sequence[Still]) -> tuple[ShotCard, ...]:
    """The contact sheet: the stills of the film, or the shots of the plan where there are none yet."""
    told = _told(delivery.plan)
    if not stills:
        return tuple(
            ShotCard(shot.label, shot.scene, lang, "", None, f"{clock(at)} · {seconds(shot.duration_s)}")
            for shot, lang, at in told
        )
    sheet = []
    for still in stills:
        found = next((one for one in told if one[0].label == still.label), None)
        if found:
            told.remove(found)
        shot, lang, at_s = found or (None, delivery.plan.brief_language, None)
        at_s = at_s if still.at_s is None else still.at_s
        when = [clock(at_s)] if at_s is not None else []
        when += [seconds(shot.duration_s)] if shot else []
        sheet.append(
            ShotCard(
                label=still.label,
                scene=shot.scene if shot else "",
                lang=lang,
                src=address(delivery, still.path),
                at_s=at_s,
                when=" · ".join(when),
            )
        )
    return tuple(sheet)


def cues(srt: str) -> tuple[Cue, ...]:
    """The captions of an SRT file; what is no caption is passed over."""
    found = []
    for hours, minutes, secs, millis, end, end_millis, text in _CUE.findall(srt.replace("\r\n", "\n")):
        at_s = int(hours) * 3600 + int(minutes) * 60 + int(secs) + int(millis) / 1000
        start = f"{int(hours):02d}:{minutes}:{secs}.{millis}"
        words = " ".join(text.split())
        found.append(Cue(at_s, clock(at_s), start, f"{end.zfill(8)}.{end_millis}", words))
    return tuple(found)


def webvtt(captions: Sequence[Cue]) -> str:
    """The same captions as an address a player takes as a text track, even when opened from disk."""
    if not captions:
        return ""
    blocks = (f"{cue.start} --> {cue.end}\n{_plain(cue.text)}\n" for cue in captions)
    text = "\n".join(("WEBVTT\n", *blocks))
    return f"data:text/vtt;charset=utf-8;base64,{b64encode(text.encode('utf-8', 'replace')).decode()}"


def _plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _told(plan: Plan) -> list[tuple[Shot, str, float]]:
    """Every shot of the plan with its language and when it begins, clip after clip as the film has them."""
    told, at_s = [], 0.0
    clips = plan.film.clips if plan.film else ()
    for task in sorted(plan.tasks, key=lambda task: clips.index(task.id) if task.id in clips else len(clips)):
        if isinstance(task.spec, VideoSpec):
            for shot in task.spec.shots:
                told.append((shot, task.spec.language, at_s))
                at_s += shot.duration_s
    return told


def _card(delivery: Delivery, asset: Asset, task: Task | None) -> Card:
    spec = task.spec if task else None
    facts = []
    if asset.width and asset.height:
        facts.append(f"{asset.width} × {asset.height}")
    if asset.duration_s is not None:
        facts.append(seconds(asset.duration_s))
    words = spec.script if isinstance(spec, VoiceSpec) else spec.subject if spec else ""
    shown = f"{spec.subject}. {spec.scene}".strip(". ") if isinstance(spec, PhotoSpec) else words
    return Card(
        task=asset.task,
        what=what(spec) if spec else asset.medium.value.capitalize(),
        medium=asset.medium.value,
        src=address(delivery, asset.path),
        mime=asset.mime,
        alt=shown or asset.task,
        facts=" · ".join((*facts, size(asset.size_bytes))),
        maker=f"{asset.platform} {asset.model}".strip(),
        words=words,
        lang=spec.language if spec else delivery.plan.brief_language,
        width=asset.width or 0,
        height=asset.height or 0,
        poster=_poster(delivery, asset.task),
        warnings=asset.warnings,
    )


def _poster(delivery: Delivery, task: str) -> str:
    """The first picture this task asked a colleague for."""
    asked = (one.asset for one in delivery.delegations if one.delegation.asked_by == task and one.asset)
    return next((address(delivery, asset.path) for asset in asked if asset.medium == "photo"), "")
