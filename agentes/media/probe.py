"""What is in this file, and is it what the task asked for? The first bytes decide, never the name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from agentes.media import ffmpeg, headers
from shared_knowledge.errors import Broken, Unsuitable
from shared_knowledge.file_kinds import Kind
from shared_knowledge.vocabulary import Frozen, Medium, PhotoSpec, Spec, VideoSpec, VoiceSpec

__all__ = ["Probed", "accept", "measure"]

_MOST_PIXELS = 40_000_000
_LONGEST_S = 3 * 3600.0
_DEADLINE_S = 60.0
_RATIO_TOLERANCE = 0.02
_LENGTH_TOLERANCE_S = 0.5
_PACE_TOLERANCE = 0.03
_SMALLEST_SHARE = 0.5


class Probed(Frozen):
    """What was found in a media file; a field is None where it makes no sense for its kind."""

    mime: str
    medium: Medium
    size_bytes: int
    width: int | None = None
    height: int | None = None
    duration_s: float | None = None
    frames: int | None = None
    fps: float | None = None
    video_codec: str | None = None
    pixel_format: str | None = None
    has_audio: bool = False
    audio_codec: str | None = None
    sample_rate: int | None = None
    channels: int | None = None
    audio_s: float | None = None
    faststart: bool | None = None
    subtitles: int = 0
    title: str | None = None
    comment: str | None = None


async def measure(path: Path) -> Probed:
    """Says what a file holds; a file that cannot be read to its end is `Unsuitable`."""
    kind, size = _kind(path)
    if kind.medium is Medium.PHOTO:
        return await _picture(path, kind, size)
    return await _recording(path, kind, size)


async def accept(path: Path, spec: Spec, *, duration_s: float | None = None, exact: bool = False) -> Probed:
    """The measures of a file that is what `spec` asks for; `Unsuitable`, in exact words, if it is not.

    `duration_s` is the length of one piece where a clip was bought in pieces. `exact` asks for the very
    size and number of frames, as our own platforms make them; without it vendors get some room.
    """
    found = await measure(path)
    if found.medium is not spec.medium:
        raise Unsuitable(f"The file is {_a(found.medium)} ({found.mime}), not {_a(spec.medium)}.")
    match spec:
        case PhotoSpec():
            _check_canvas(found, spec, exact=exact)
        case VideoSpec():
            _check_canvas(found, spec, exact=exact)
            _check_length(found, spec, duration_s or spec.duration_s, exact=exact)
        case VoiceSpec():
            _check_speech(found, spec, exact=exact)
    return found


def _kind(path: Path) -> tuple[Kind, int]:
    try:
        size, kind = path.stat().st_size, headers.sniff(path)
    except OSError as error:
        raise Broken(
            f"{path.name} cannot be read: {error.strerror}.", todo="Resume: what is missing is made again."
        ) from error
    if size == 0:
        raise Unsuitable("The file is empty.")
    if kind is None:
        with path.open("rb") as file:
            head = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in file.read(60))
        raise Unsuitable(f"The file is no picture, clip or sound we know: it begins “{head}”.")
    return kind, size


# ── comparing ──────────────────────────────────────────────────────────────────────────────────


def _check_canvas(found: Probed, spec: PhotoSpec | VideoSpec, *, exact: bool) -> None:
    assert found.width is not None
    assert found.height is not None
    have, want = f"{found.width}x{found.height}", f"{spec.width}x{spec.height}"
    if exact:
        if have != want:
            raise Unsuitable(f"The size is {have}; {want} was asked for.")
        return
    ratio = found.width * spec.height / (found.height * spec.width)
    if abs(ratio - 1) > _RATIO_TOLERANCE:
        raise Unsuitable(f"The shape is wrong: {have}, where {spec.aspect_ratio} ({want}) was asked for.")
    if found.width < spec.width * _SMALLEST_SHARE:
        raise Unsuitable(f"The size is {have}, less than half of the {want} that was asked for.")


def _check_length(found: Probed, spec: VideoSpec, wanted_s: float, *, exact: bool) -> None:
    assert found.duration_s is not None
    frames = round(wanted_s * spec.fps)
    if exact and (found.frames != frames or abs((found.fps or 0) - spec.fps) > 0.01):
        raise Unsuitable(
            f"The clip has {found.frames} frames at {found.fps:g} per second; "
            f"{frames} at {spec.fps} were asked for."
        )
    if abs(found.duration_s - wanted_s) > _LENGTH_TOLERANCE_S:
        raise Unsuitable(f"The clip lasts {found.duration_s:.2f} s; {wanted_s:g} s were asked for.")


def _check_speech(found: Probed, spec: VoiceSpec, *, exact: bool) -> None:
    assert found.duration_s is not None
    room_s = 0.02 if exact else _LENGTH_TOLERANCE_S
    if spec.at_most_s is not None and found.duration_s > spec.at_most_s + room_s:
        raise Unsuitable(
            f"The voice lasts {found.duration_s:.2f} s; at most {spec.at_most_s:g} s were asked for."
        )
    if exact and spec.duration_s and abs(found.duration_s / spec.duration_s - 1) > _PACE_TOLERANCE:
        raise Unsuitable(f"The voice lasts {found.duration_s:.2f} s; {spec.duration_s:g} s were asked for.")


def _a(medium: Medium) -> str:
    return {Medium.PHOTO: "a picture", Medium.VIDEO: "a clip", Medium.VOICE: "a sound"}[medium]


# ── pictures ───────────────────────────────────────────────────────────────────────────────────


async def _picture(path: Path, kind: Kind, size: int) -> Probed:
    canvas = headers.picture_size(path, kind)
    if canvas is None or min(canvas) < 1:
        raise Unsuitable(f"The picture's header ({kind.value}) is damaged.")
    if canvas.width * canvas.height > _MOST_PIXELS:
        raise Unsuitable(
            f"The picture is {canvas.width}x{canvas.height}: over {_MOST_PIXELS // 1_000_000} million pixels."
        )
    ended = await ffmpeg.examine(
        [*ffmpeg.untrusted(path, headers.demuxer_of(kind)), "-frames:v", "1", "-f", "null", "-"],
        deadline_s=_DEADLINE_S,
    )
    # The png decoder mentions missing rows, and goes on; jpeg decoders invent what was cut off.
    if ended.code or ended.late or "IEND without all image" in ended.log or _is_cut(path, kind):
        raise Unsuitable(f"The picture ({kind.value}) is damaged: it cannot be decoded to its last row.")
    return Probed(
        mime=kind.value, medium=Medium.PHOTO, size_bytes=size, width=canvas.width, height=canvas.height
    )


def _is_cut(path: Path, kind: Kind) -> bool:
    if kind is not Kind.JPEG:
        return False
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 4096))
        return b"\xff\xd9" not in file.read()


# ── clips and sounds ───────────────────────────────────────────────────────────────────────────


@dataclass
class _Stream:
    """One stream, as the frame list tells it."""

    facts: dict[str, str] = field(default_factory=dict)
    packets: int = 0
    first: int | None = None
    last: int = 0

    @property
    def tick(self) -> Fraction:
        return Fraction(self.facts["tb"])

    @property
    def length(self) -> Fraction:
        return (self.last - max(self.first or 0, 0)) * self.tick


async def _recording(path: Path, kind: Kind, size: int) -> Probed:
    boxes = headers.atoms(path) if headers.demuxer_of(kind) == "mov" else ()
    if boxes and (boxes[-1].start + boxes[-1].length > size or all(box.name != "moov" for box in boxes)):
        raise Unsuitable("The clip is cut off: part of it never arrived.")
    ended = await ffmpeg.examine(
        [
            *ffmpeg.untrusted(path, headers.demuxer_of(kind)),
            *("-map", "0:V:0?", "-map", "0:a:0?", "-map", "0:s?", "-c", "copy", "-f", "framecrc", "-"),
        ],
        deadline_s=_DEADLINE_S,
    )
    if ended.code or ended.late:
        raise Unsuitable(f"The file ({kind.value}) is damaged: it cannot be read to its end.")
    streams = _streams(ended.out.decode("ascii", "replace").splitlines())
    video = next((s for s in streams if s.facts.get("media_type") == "video"), None)
    audio = next((s for s in streams if s.facts.get("media_type") == "audio"), None)
    main = video or audio
    if main is None or not main.packets or main.length <= 0:
        raise Unsuitable(f"The file ({kind.value}) holds neither pictures nor sound.")
    if main.length > _LONGEST_S:
        raise Unsuitable(f"The file lasts {float(main.length):.0f} s, more than {_LONGEST_S:.0f} s.")
    told = _told(ended.log)
    width, height = _dimensions(video, told) if video else (None, None)
    return Probed(
        mime=kind.value,
        medium=Medium.VIDEO if video else Medium.VOICE,
        size_bytes=size,
        width=width,
        height=height,
        duration_s=round(float(main.length), 6),
        frames=video.packets if video else None,
        fps=round(float(video.packets / video.length), 3) if video else None,
        video_codec=video.facts.get("codec_id") if video else None,
        pixel_format=told.get("pixel_format"),
        has_audio=audio is not None and audio.packets > 0,
        audio_codec=audio.facts.get("codec_id") if audio else None,
        sample_rate=int(audio.facts["sample_rate"]) if audio else None,
        channels=_channels(told.get("layout", "")) if audio else None,
        audio_s=round(float(audio.length), 6) if audio else None,
        faststart=_faststart(boxes),
        subtitles=sum(s.facts.get("media_type") == "subtitle" for s in streams),
        title=told.get("title"),
        comment=told.get("comment"),
    )


def _streams(lines: Sequence[str]) -> tuple[_Stream, ...]:
    streams: dict[int, _Stream] = {}
    for line in lines:
        if fact := _FACT.match(line):
            streams.setdefault(int(fact[2]), _Stream()).facts[fact[1]] = fact[3]
        elif not line.startswith("#"):
            number, _, shown, length, *_ = (int(part) for part in line.split(",")[:4])
            stream = streams.setdefault(number, _Stream())
            stream.packets += 1
            stream.first = shown if stream.first is None else min(stream.first, shown)
            stream.last = max(stream.last, shown + length)
    return tuple(streams.values())


_FACT = re.compile(r"#(\w+) (\d+): +(.+)")
_TOLD = re.compile(r"^    (title|comment) +: (.*)$", re.MULTILINE)
_PIXELS = re.compile(r"^  Stream #0:\d+\S*: Video: [^,]+(?:\([^)]*\))?, (\w+)", re.MULTILINE)
_SOUND = re.compile(r"^  Stream #0:\d+\S*: Audio: .*?, \d+ Hz, ([^,\n]+)", re.MULTILINE)
_TURNED = re.compile(r"^ +display ?matrix: rotation of (-?\d+)", re.MULTILINE | re.IGNORECASE)


def _told(log: str) -> dict[str, str]:
    """What only the log says: the tags of the container, pixel format, speakers, rotation."""
    about = log.partition("Stream mapping:")[0]
    told = {tag: value.strip() for tag, value in _TOLD.findall(about.partition("  Stream #")[0])}
    for name, pattern in (("pixel_format", _PIXELS), ("layout", _SOUND), ("turned", _TURNED)):
        if found := pattern.search(about):
            told[name] = found[1]
    return told


def _dimensions(video: _Stream, told: dict[str, str]) -> tuple[int, int]:
    width, height = (int(side) for side in video.facts["dimensions"].split("x"))
    if width * height > _MOST_PIXELS or min(width, height) < 2:
        raise Unsuitable(f"The clip is {width}x{height}, which is no size for a clip.")
    return (height, width) if int(told.get("turned", 0)) % 180 == 90 else (width, height)


def _channels(layout: str) -> int:
    name = layout.split("(")[0].strip()
    named = {"mono": 1, "stereo": 2}.get(name)
    if named is not None:
        return named
    numbers = [int(part) for part in re.findall(r"\d+", name)]
    return sum(numbers) or 1


def _faststart(boxes: Sequence[headers.Atom]) -> bool | None:
    names = [box.name for box in boxes]
    return names.index("moov") < names.index("mdat") if "moov" in names and "mdat" in names else None
