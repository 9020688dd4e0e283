"""From pictures and a mix to the finished film: drawn on and encoded once, then listened to and corrected."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from agentes.media import ffmpeg, grading, loudness, probe, quality, tracks
from agentes.media.child import Limits
from agentes.media.join import DRAFT
from agentes.media.loudness import Loudness
from agentes.media.probe import Probed
from orchestrator.composer import lettering
from orchestrator.composer.captions import Caption, srt
from orchestrator.composer.timeline import Timeline
from shared_knowledge.errors import Broken
from shared_knowledge.vocabulary import Film, Frozen, MusicStyle, Size

__all__ = ["Reel", "Rendered", "finish"]

# The audio encoder adds a little to the peaks; what it adds beyond this is taken back afterwards.
_HEADROOM_DB = 0.7
_MOST_ROUNDS = 3
_TOLERANCE_LU = 0.7
_ENCODED = ("-c:a", "aac", "-b:a", "160k", "-ar", str(loudness.RATE))

# The names mp4 wants for languages.
_THREE_LETTERS = {
    "ar": "ara", "bg": "bul", "ca": "cat", "cs": "ces", "da": "dan", "de": "deu", "el": "ell", "en": "eng",
    "es": "spa", "fi": "fin", "fr": "fra", "he": "heb", "hi": "hin", "hu": "hun", "id": "ind", "it": "ita",
    "ja": "jpn", "ko": "kor", "nl": "nld", "no": "nor", "pl": "pol", "pt": "por", "ro": "ron", "ru": "rus",
    "sv": "swe", "th": "tha", "tr": "tur", "uk": "ukr", "vi": "vie", "zh": "zho",
}  # fmt: skip


class Rendered(Frozen):
    """The finished film, its captions as a file, what was measured in it, and what should be known."""

    path: Path
    srt: Path | None
    found: Probed
    measured: quality.Measured
    grade: grading.Grade
    seen: grading.Seen
    draft: bool
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Reel:
    """What a film is made of: where its pictures come from, how they become `[seen]`, and how it is mixed.

    `limits` hold back a child that reads what came from outside.
    """

    inputs: tuple[str, ...]
    count: int
    shown: str
    mix: Callable[[Path, float], Awaitable[Loudness | None]]
    draft: bool = False
    limits: Limits | None = None


async def finish(
    film: Film, timeline: Timeline, reel: Reel, into: Path, *, fonts: Path, family: str, title: str = ""
) -> Rendered:
    """Makes the film `into`, exact to the frame, and its captions beside it as `.srt`."""
    if not into.parent.is_dir():
        raise Broken(
            f"{into.name} cannot be written: there is no such file or folder as the one it belongs in.",
            todo=f"Make {into.parent} again, then resume the job.",
        )
    with tempfile.TemporaryDirectory(prefix="film-", dir=into.parent) as room:
        bench = _Bench(film, timeline, reel, Path(room), into)
        warnings = await bench.make(fonts, family, _tags(title, draft=reel.draft))
    found = await probe.measure(into)
    if found.frames != timeline.frames:
        raise Broken(
            f"The film came out with {found.frames} frames instead of {timeline.frames}.",
            todo="Please report this sentence.",
        )
    measured = await quality.measure(into, found)
    seen = grading.Seen(
        blur=await grading.sharpness(into, found),
        sound_wanted=bool(timeline.voices) or film.music is not MusicStyle.NONE,
        captions_wanted=film.captions,
        spoken_s=round(sum(voice.lasts_s for voice in timeline.voices), 2),
        captioned_s=round(sum(caption.end_s - caption.start_s for caption in timeline.captions), 2),
    )
    return Rendered(
        path=into,
        srt=_written(into.with_suffix(".srt"), timeline.captions),
        found=found,
        measured=measured,
        grade=grading.grade(found, measured, seen),
        seen=seen,
        draft=reel.draft,
        warnings=(*timeline.warnings, *warnings),
    )


class _Bench:
    """Where one film is made: its reel, and a room for what is only needed on the way."""

    def __init__(self, film: Film, timeline: Timeline, reel: Reel, room: Path, into: Path) -> None:
        self._film, self._timeline, self._reel, self._into = film, timeline, reel, into
        self._room, self._sound = room, room / "sound.wav"
        self._deadline_s = 180 + 30 * timeline.lasts_s

    async def make(self, fonts: Path, family: str, tags: str) -> list[str]:
        """Mixes, draws, encodes, then listens to the result; returns what should be known about it."""
        warnings = []
        level = await self._mix(loudness.CEILING_DBTP - _HEADROOM_DB)
        if level is not None and level.silent:
            warnings.append("The sound of the film is silence.")
        shown, undrawn = await lettering.drawable(
            self._timeline.captions, self._room, fonts=fonts, family=family
        )
        if undrawn:
            warnings.append(
                f"No font here draws {undrawn[:12]}: the captions are a subtitle track, not in the picture."
            )
        await self._encode(self._drawing(shown, fonts, family), tags, heard=level is not None)
        if level is not None and not level.silent:
            await self._correct()
        # The muxer switches the first track of every kind on, whatever it is told.
        tracks.switch_off_subtitles(self._into)
        return warnings

    async def _mix(self, ceiling_dbtp: float) -> Loudness | None:
        return await self._reel.mix(self._sound, ceiling_dbtp)

    def _drawing(self, captions: Sequence[Caption], fonts: Path, family: str) -> str:
        """The filter that puts captions into the picture, or leaves it as it is."""
        if not captions:
            return "null"
        script = self._room / "captions.ass"
        size = Size(self._film.width, self._film.height)
        drawn = lettering.ass(
            captions, frame_width=size.width, frame_height=size.height, fonts=fonts, family=family
        )
        script.write_text(drawn, encoding="utf-8")
        return lettering.burnt(script, fonts)

    async def _encode(self, drawing: str, tags: str, *, heard: bool) -> None:
        """Every frame is decoded, drawn on and encoded once."""
        film, reel = self._film, self._reel
        about = self._room / "tags.txt"
        about.write_text(tags, encoding="utf-8")
        beside, maps = [about], ["-map", "[film]"]
        if heard:
            maps += ["-map", f"{reel.count + len(beside)}:a", *_ENCODED]
            beside.append(self._sound)
        if soft := _written(self._room / "captions.srt", self._timeline.captions):
            maps += ["-map", f"{reel.count + len(beside)}:s", "-c:s", "mov_text"]
            beside.append(soft)
        language = _THREE_LETTERS.get(film.language.split("-")[0].lower(), "und")
        await self._write(
            [*reel.inputs, *_read(beside)],
            [
                *("-filter_complex", f"{reel.shown};[seen]{drawing}[film]", *maps),
                *(
                    "-frames:v",
                    str(self._timeline.frames),
                    "-c:v",
                    "libx264",
                    "-preset",
                    "veryfast",
                    "-crf",
                    "19",
                ),
                *("-profile:v", "high", "-pix_fmt", "yuv420p", "-threads", "4"),
                *(*ffmpeg.BITEXACT, "-map_metadata", str(reel.count)),
                *("-metadata:s:a", f"language={language}", "-metadata:s:s", f"language={language}"),
            ],
        )

    async def _correct(self) -> None:
        """Listens to the film as it will be heard; what the audio encoder overshot is taken back."""
        for quieter_db in range(1, _MOST_ROUNDS + 1):
            level = await loudness.measure(self._into, deadline_s=self._deadline_s)
            near = abs(level.lufs - loudness.TARGET_LUFS) <= _TOLERANCE_LU
            if near and level.true_peak_dbtp <= loudness.CEILING_DBTP:
                return
            await self._mix(loudness.CEILING_DBTP - _HEADROOM_DB - quieter_db)
            await self._write(
                _read([self._into, self._sound]),
                [
                    *("-map", "0:v", "-map", "1:a", "-map", "0:s?", "-c", "copy", *_ENCODED),
                    *(*ffmpeg.BITEXACT, "-map_metadata", "0"),
                ],
            )

    async def _write(self, inputs: Sequence[str], args: Sequence[str]) -> None:
        await ffmpeg.run(
            [*inputs, *args, *("-movflags", "+faststart")],
            deadline_s=self._deadline_s,
            into=self._into,
            form="mp4",
            limits=self._reel.limits,
        )


def _read(paths: Sequence[Path]) -> list[str]:
    return [part for path in paths for part in ("-i", ffmpeg.local(path))]


def _tags(title: str, *, draft: bool) -> str:
    """What the file says about itself; the words go in by file, never on a command line."""
    comment = f"{DRAFT}: composed on this machine from draft parts" if draft else ""
    tags = {"title": title, "comment": comment}
    lines = [f"{name}=" + re.sub(r"[=;#\\\n]", r"\\\g<0>", value) for name, value in tags.items() if value]
    return "\n".join([";FFMETADATA1", *lines, ""])


def _written(path: Path, captions: Sequence[Caption]) -> Path | None:
    if not captions:
        path.unlink(missing_ok=True)
        return None
    path.write_text(srt(captions), encoding="utf-8")
    return path
