"""A clip in words: its shots, its camera, and what must not be there."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any

import tomli

from shared_knowledge.prompts import Dialect, Prompt, Wording, compose_prompt, manner_of, named_in, render
from shared_knowledge.vocabulary import Medium, Shot, Task, VideoIntent, VideoSpec

__all__ = ["are_versions", "intent_of", "negative_prompt", "retell_shot", "tell_shots", "write_prompt"]

_SECONDS_A_SHOT = 6
_MOST_SHOTS = 24


def write_prompt(
    task: Task,
    dialect: Dialect,
    *,
    from_s: float = 0.0,
    length_s: float | None = None,
    from_frame: bool = True,
) -> Prompt:
    """The clip, or the stretch of it that one piece covers, in the platform's dialect and limit.

    A further piece is told of the frame it goes on from only where one is given to it: `from_frame`.
    """
    spec = _video(task)
    manner = manner_of(Medium.VIDEO, dialect.name)
    intent = VideoIntent.CONTINUATION if from_s > 0 else spec.intent
    setting = _setting(spec.shots)
    shots = _stretch(spec, from_s, from_s + (length_s or spec.duration_s))
    camera_told = intent is VideoIntent.CONTINUATION or _tells_camera(f"{spec.subject} {setting}")

    def write(words: str, brevity: int) -> str:
        return render(
            f"video/{intent.value}.j2",
            manner=manner,
            brevity=brevity,
            subject=spec.subject,
            words=words.strip(" .,;"),
            shots=shots,
            from_frame=from_frame,
            camera_told=camera_told,
            palette=spec.palette,
            negative=spec.negative if dialect.negatives == "in_words" else (),
            audio=spec.audio,
            ratio=spec.aspect_ratio,
        )

    return compose_prompt(Wording(setting, write), dialect)


def negative_prompt(task: Task) -> str:
    """What must not be in the clip, for platforms that have a field of its own for it."""
    return ", ".join(_video(task).negative)


def intent_of(words: str, *, from_picture: bool, from_clip: bool) -> VideoIntent:
    """The kind of clip that the words of a brief, and what it is made from, ask for."""
    if from_clip:
        return VideoIntent.CONTINUATION
    if from_picture:
        return VideoIntent.IMAGE_TO_VIDEO
    return VideoIntent.B_ROLL if named_in(words, _storyboard()["b_roll_words"]) else VideoIntent.TEXT_TO_VIDEO


def are_versions(words: str) -> bool:
    """Whether several clips are versions of one, to choose from, and not parts of a story."""
    return named_in(words, _storyboard()["version_words"]) is not None


def tell_shots(
    subject: str, setting: str, language: str, lengths_s: Sequence[float]
) -> list[tuple[Shot, ...]]:
    """The shots of each clip of a film, told in the brief's language; every clip adds up to its length."""
    board = _storyboard()
    words = board.get(language.split("-")[0], board["en"])
    counts = [min(_MOST_SHOTS, max(1, -int(-length_s // _SECONDS_A_SHOT))) for length_s in lengths_s]
    roles = iter(_roles(sum(counts)))
    clips = []
    for count, length_s in zip(counts, lengths_s, strict=True):
        each_s = round(length_s / count, 1)
        shots = []
        for number in range(count):
            label, shows = words[next(roles)]
            scene = shows.replace("{subject}", subject) + (board["setting_mark"] + setting if setting else "")
            last = number == count - 1
            seconds = round(length_s - each_s * (count - 1), 3) if last else each_s
            shots.append(Shot(label=label, scene=scene, duration_s=seconds))
        clips.append(tuple(shots))
    return clips


def retell_shot(shot: Shot, subject: str, what: str) -> Shot:
    """The same take with other words for what it shows; its subject, its setting and its length stay."""
    mark = _storyboard()["setting_mark"]
    _, marked, setting = shot.scene.partition(mark)
    told = " - ".join(part.strip() for part in what.split(mark.strip())).rstrip(" .:;,")
    return shot.model_copy(update={"scene": f"{told}: {subject}{marked}{setting}"})


def _roles(count: int) -> list[str]:
    """The takes of a story: it opens, looks around as long as there is time, and closes."""
    board = _storyboard()
    between: list[str] = board["between"]
    if count == 1:
        return [board["only"]]
    middle = [between[number % len(between)] for number in range(count - 2)]
    return [board["opening"], *middle, board["closing"]]


def _stretch(spec: VideoSpec, from_s: float, to_s: float) -> list[dict[str, object]]:
    """The shots seen between two moments, with their seconds counted from the first."""
    told: list[dict[str, object]] = []
    begins_s = 0.0
    for number, shot in enumerate(spec.shots, start=1):
        ends_s = begins_s + shot.duration_s
        seen_s = round(min(ends_s, to_s) - max(begins_s, from_s), 2)
        if seen_s >= 0.3:
            staged = shot.scene.split(_storyboard()["setting_mark"])[0]
            starts_s = max(begins_s, from_s) - from_s
            told.append(
                {
                    "label": shot.label,
                    "what": staged.removesuffix(spec.subject).rstrip(" :"),
                    "seconds": f"{seen_s:g}",
                    "from_s": starts_s,
                    "to_s": starts_s + seen_s,
                    "number": number,
                    "of": len(spec.shots),
                }
            )
        begins_s = ends_s
    return told


def _tells_camera(words: str) -> bool:
    return named_in(words, _storyboard()["camera_words"]) is not None


def _setting(shots: Sequence[Shot]) -> str:
    """The words that all shots of a clip share."""
    tails = {shot.scene.partition(_storyboard()["setting_mark"])[2] for shot in shots}
    return tails.pop() if len(tails) == 1 else ""


def _video(task: Task) -> VideoSpec:
    assert isinstance(task.spec, VideoSpec)
    return task.spec


@cache
def _storyboard() -> dict[str, Any]:
    path = resources.files("agentes.video_agent") / "prompts" / "storyboard.toml"
    return tomli.loads(path.read_text("utf-8"))
