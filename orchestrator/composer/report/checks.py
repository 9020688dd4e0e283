"""What was asked for beside what was measured, file by file."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.composer.manifest import DeliveredFilm, Delivery
from orchestrator.composer.report.words import seconds, size
from shared_knowledge.vocabulary import Asset, Film, PhotoSpec, Spec, VideoSpec, VoiceSpec

__all__ = ["Check", "Checked", "check_all"]


@dataclass(frozen=True, slots=True)
class Check:
    """One measurement; `ok` is None where nothing in particular was asked for."""

    what: str
    wanted: str
    measured: str
    ok: bool | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """One file and its measurements."""

    file: str
    checks: tuple[Check, ...]

    @property
    def passed(self) -> int:
        return sum(check.ok is True for check in self.checks)

    @property
    def failed(self) -> int:
        return sum(check.ok is False for check in self.checks)


_Rule = tuple[str, Callable[[float], bool]]
_SOUND: Mapping[str, _Rule] = {
    "lufs": ("−16 ± 1 LUFS", lambda lufs: abs(lufs + 16) <= 1),
    "true_peak_dbtp": ("no clipping", lambda peak: peak < 0),
    "silence_share": ("can be heard", lambda share: share < 0.9),
}
_SIGHT: Mapping[str, _Rule] = {
    "black_share": ("not black", lambda share: share < 0.1),
    "frozen_share": ("it moves", lambda share: share < 0.9),
}
_LABELS = {
    "lufs": ("Loudness", "LUFS"),
    "true_peak_dbtp": ("True peak", "dBTP"),
    "sample_rate": ("Sample rate", "Hz"),
    "audio_s": ("Sound lasts", "s"),
    "has_audio": ("Has sound", ""),
    "faststart": ("Plays while it loads", ""),
    "subtitles": ("Caption tracks", ""),
    "comment": ("Says of itself", ""),
}
_TOLD_ELSEWHERE = frozenset(
    {"mime", "medium", "title", "size_bytes", "width", "height", "duration_s", "fps", "frames"}
)
_UNITS = {"s": "s", "ms": "ms", "lufs": "LUFS", "dbtp": "dBTP", "db": "dB", "hz": "Hz", "share": "%"}


def check_all(delivery: Delivery) -> tuple[Checked, ...]:
    """The checks of the film first, then of each piece."""
    checked: list[Checked] = []
    if delivery.film:
        name = delivery.name(delivery.film.path) or "film"
        checked.append(Checked(name, tuple(_film(delivery.film, delivery.plan.film))))
    specs = {task.id: task.spec for task in delivery.plan.tasks}
    for asset in delivery.assets:
        spec = specs.get(asset.task)
        checks = (*_asset(asset, spec), *_measured(asset.measured, {}))
        checked.append(Checked(delivery.name(asset.path) or asset.task, checks))
    return tuple(checked)


def _film(film: DeliveredFilm, wanted: Film | None) -> Iterator[Check]:
    lasting = wanted.duration_s if wanted else None
    frame_s = 1 / film.fps if film.fps else 0.04
    if lasting is None:
        yield Check("Length", "as its parts", seconds(film.duration_s))
    else:
        near = abs(film.duration_s - lasting) <= frame_s / 2
        yield Check("Length", seconds(lasting), seconds(film.duration_s), near)
    if film.frames is not None:
        frames = round(lasting * film.fps) if lasting is not None else None
        same = film.frames == frames if frames is not None else None
        yield Check("Frames", "" if frames is None else str(frames), str(film.frames), same)
    if wanted:
        yield _picture(film.width, film.height, wanted.width, wanted.height)
        yield Check("Frame rate", f"{wanted.fps} fps", f"{film.fps:g} fps", abs(film.fps - wanted.fps) < 0.01)
        if wanted.captions and wanted.voices:
            yield Check("Captions", "present", "present" if film.captions else "none", bool(film.captions))
    heard = wanted is None or bool(wanted.voices or wanted.over)
    yield from _measured(film.measured, {**_SOUND, **_SIGHT} if heard else _SIGHT)


def _asset(asset: Asset, spec: Spec | None) -> Iterator[Check]:
    if isinstance(spec, PhotoSpec | VideoSpec) and asset.width and asset.height:
        if spec.size_is_stated:
            yield _picture(asset.width, asset.height, spec.width, spec.height)
        else:
            yield _shape(asset.width, asset.height, spec)
    if asset.duration_s is not None:
        yield _length(asset.duration_s, 1 / asset.fps if asset.fps else 0.04, spec)
    yield Check("Size", "", size(asset.size_bytes))


def _length(lasts_s: float, frame_s: float, spec: Spec | None) -> Check:
    measured = seconds(lasts_s)
    if isinstance(spec, VideoSpec):
        return Check(
            "Length", seconds(spec.duration_s), measured, lasts_s >= spec.duration_s - frame_s - 0.05
        )
    if isinstance(spec, VoiceSpec) and spec.at_most_s is not None:
        most = f"at most {seconds(spec.at_most_s)}"
        return Check("Length", most, measured, lasts_s <= spec.at_most_s + 0.05)
    return Check("Length", "", measured)


def _picture(width: int, height: int, wanted_width: int, wanted_height: int) -> Check:
    same = (width, height) == (wanted_width, wanted_height)
    return Check("Picture", f"{wanted_width} × {wanted_height}", f"{width} × {height}", same)


def _shape(width: int, height: int, spec: PhotoSpec | VideoSpec) -> Check:
    near = abs(width / height / (spec.width / spec.height) - 1) <= 0.02
    return Check("Picture", spec.aspect_ratio, f"{width} × {height}", near or None)


def _measured(measured: Mapping[str, Any], rules: Mapping[str, _Rule]) -> Iterator[Check]:
    for key in (
        *(key for key in rules if key in measured),
        *sorted(measured.keys() - rules.keys() - _TOLD_ELSEWHERE),
    ):
        value = measured[key]
        label, unit = _label(key)
        said = _said(value, unit)
        if key in rules and isinstance(value, int | float):
            wanted, good = rules[key]
            yield Check(label, wanted, said, good(float(value)))
        elif said:
            yield Check(label, "", said)


def _label(key: str) -> tuple[str, str]:
    stem, _, last = key.rpartition("_")
    unit = _UNITS.get(last, "") if stem else ""
    return _LABELS.get(key, ((stem if unit else key).replace("_", " ").capitalize(), unit))


def _said(value: Any, unit: str) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case int() | float() if not math.isfinite(value):
            return "none"
        case int() | float() if unit == "%":
            return f"{100 * value:.0f} %"
        case int() | float():
            return f"{round(value, 2):g} {unit}".strip().replace("-", "−", 1)
        case str():
            return value
        case _:
            return ""
