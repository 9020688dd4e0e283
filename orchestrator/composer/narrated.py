"""A film over a given one: its own sound behind the voice, music beneath, captions of what is said.

A voice that is a little too long is spoken up to a tenth faster; one that is longer still keeps its
pace, and the last picture stands until it has ended. Either is said in the warnings.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from agentes.media import ffmpeg, fonts, loudness, probe
from agentes.media.child import Limits
from agentes.media.join import DRAFT, Cut
from agentes.media.loudness import Loudness
from agentes.media.music.bed import write_bed
from orchestrator.composer.captions import Caption, Mark, columns, subtitle
from orchestrator.composer.finishing import Reel, Rendered, finish
from orchestrator.composer.given import shown, untrusted
from orchestrator.composer.timeline import BETWEEN_S, LEAD_S, TAIL_S, Laid, Timeline, Voiced
from shared_knowledge.errors import Unsuitable
from shared_knowledge.vocabulary import Asset, Film, MusicStyle

__all__ = ["FASTEST", "lay_over", "render_over"]

FASTEST = 1.1
_LEAST_LEAD_S, _LEAST_TAIL_S = 0.1, 0.2
_MOST_GAIN_DB = 20.0
_FADE_S = 0.08
# How far behind what leads: the film's own sound and the music under a voice, and music under a film that is heard.
_OWN_DB, _MUSIC_DB, _UNDER_OWN_DB = -4.0, -8.0, -10.0
_DUCKED = "sidechaincompress=threshold=0.02:ratio=3:attack=30:release=500"
_DECODING = Limits(cpu_s=4 * 3600, memory_mb=8192)


@dataclass(frozen=True)
class _Stem:
    """One thing that is heard: its file, how loud it is, and what is done to it before it is mixed."""

    path: Path
    level: Loudness
    graph: str = "anull"

    def gain_db(self, below_db: float = 0.0) -> float:
        return min(loudness.TARGET_LUFS - self.level.lufs, _MOST_GAIN_DB) + below_db


async def render_over(
    film: Film, given: Asset, voices: Sequence[Voiced], into: Path, *, seed: int = 0
) -> Rendered:
    """Makes the film `into` over a given one, with its captions beside it as `.srt`."""
    recordings = [await probe.measure(voice.path) for voice in voices]
    if not all(recording.has_audio for recording in recordings):
        raise Unsuitable("One of the voices of the film holds no sound.")
    timeline, tempo = lay_over(
        film, given.duration_s or 0, voices, [one.duration_s or 0 for one in recordings]
    )
    with tempfile.TemporaryDirectory(prefix="stems-", dir=into.parent) as room:
        own = await _own_sound(given, Path(room) / "own.wav")
        spoken = [
            await _spoken(voice, place, tempo) for voice, place in zip(voices, timeline.voices, strict=True)
        ]
        music = await _music(film.music, timeline.lasts_s, Path(room) / "music.wav", seed)

        async def mix(sound: Path, ceiling_dbtp: float) -> Loudness | None:
            return await _mix(timeline, own, spoken, music, sound, ceiling_dbtp)

        reel = Reel(
            inputs=untrusted(Path(given.path)),
            count=1,
            shown=shown(film, given, timeline.frames),
            mix=mix,
            draft=any((recording.comment or "").startswith(DRAFT) for recording in recordings),
            limits=_DECODING,
        )
        made = await finish(film, timeline, reel, into, fonts=fonts.FOLDER, family=fonts.TEXT_FAMILY)
    notes = (
        []
        if made.found.has_audio
        else ["Nothing is heard in the film: it came without sound, and none was asked for."]
    )
    return made.model_copy(update={"warnings": (*made.warnings, *notes)})


# ── when ───────────────────────────────────────────────────────────────────────────────────────


def lay_over(
    film: Film, given_s: float, voices: Sequence[Voiced], lengths_s: Sequence[float]
) -> tuple[Timeline, float]:
    """Lays voices over a film of that length: what happens when, and how much faster than recorded they speak."""
    speech_s = sum(lengths_s) + BETWEEN_S * max(len(lengths_s) - 1, 0)
    room_s = given_s - _LEAST_LEAD_S - _LEAST_TAIL_S
    shown_frames = max(round(given_s * film.fps), 1)
    frames, tempo, warnings = shown_frames, 1.0, []
    if speech_s > room_s > 0 and speech_s <= room_s * FASTEST:
        tempo = speech_s / room_s
        warnings.append(
            f"The voice is spoken {100 * (tempo - 1):.0f} % faster, so that it ends before the film."
        )
    elif lengths_s and speech_s > room_s:
        frames = max(ceil((LEAD_S + speech_s + TAIL_S) * film.fps), shown_frames)
        held_s = (frames - shown_frames) / film.fps
        warnings.append(
            f"The words take {speech_s:.1f} s and the film lasts {given_s:.1f} s: "
            f"its last picture stands still for {held_s:.1f} s."
        )
    total_s, speech_s = frames / film.fps, speech_s / tempo
    at_s = min(LEAD_S, max(total_s - speech_s - _LEAST_TAIL_S, _LEAST_LEAD_S)) if lengths_s else 0.0
    laid = []
    for length_s in lengths_s:
        laid.append(Laid(start_s=at_s, lasts_s=length_s / tempo))
        at_s += (length_s + BETWEEN_S) / tempo
    timeline = Timeline(
        fps=film.fps,
        frames=frames,
        cuts=(Cut(clip=0, start=0, frames=frames, held=frames - shown_frames),),
        voices=tuple(laid),
        captions=tuple(_captions(film, voices, laid, tempo, total_s)) if film.captions else (),
        warnings=tuple(warnings),
    )
    return timeline, tempo


def _captions(
    film: Film, voices: Sequence[Voiced], laid: Sequence[Laid], tempo: float, total_s: float
) -> Iterator[Caption]:
    for number, (voice, place) in enumerate(zip(voices, laid, strict=True)):
        until_s = laid[number + 1].start_s - 0.04 if number + 1 < len(laid) else total_s
        yield from subtitle(
            voice.script,
            [_sooner(mark, tempo) for mark in voice.marks],
            starts_s=place.start_s,
            lasts_s=place.lasts_s,
            most_columns=columns(film.width, film.height),
            until_s=min(until_s, total_s),
        )


def _sooner(mark: Mark, tempo: float) -> Mark:
    return mark.model_copy(update={"start_s": mark.start_s / tempo, "end_s": mark.end_s / tempo})


# ── what is heard ──────────────────────────────────────────────────────────────────────────────


async def _own_sound(given: Asset, into: Path) -> _Stem | None:
    """The film's own sound, in step with its pictures; None where there is none, or nothing to hear in it."""
    if not given.measured.get("has_audio"):
        return None
    step = f"aresample={loudness.RATE}:async=1:first_pts=0,aformat=channel_layouts=stereo"
    await ffmpeg.run(
        [*untrusted(Path(given.path)), "-map", "0:a:0", "-af", step, "-c:a", "pcm_s16le", *ffmpeg.BITEXACT],
        deadline_s=120 + (given.duration_s or 0),
        into=into,
        form="wav",
        limits=_DECODING,
    )
    level = await loudness.measure(into, deadline_s=120 + (given.duration_s or 0))
    fade_s = max((given.duration_s or 0) - _FADE_S, 0)
    return None if level.silent else _Stem(into, level, f"afade=t=out:st={fade_s:.4f}:d={_FADE_S}")


async def _spoken(voice: Voiced, place: Laid, tempo: float) -> _Stem:
    faster = f"atempo={tempo:.6f}," if tempo > 1 else ""
    graph = (
        f"asetpts=PTS-STARTPTS,aresample={loudness.RATE},{faster}atrim=end={place.lasts_s + _FADE_S:.4f},"
        f"adelay=delays={round(place.start_s * loudness.RATE)}S:all=1"
    )
    return _Stem(voice.path, await loudness.measure(voice.path, deadline_s=120 + place.lasts_s), graph)


async def _music(style: MusicStyle, lasts_s: float, into: Path, seed: int) -> _Stem | None:
    if style is MusicStyle.NONE:
        return None
    await write_bed(style, lasts_s, into, seed=seed)
    return _Stem(into, await loudness.measure(into, deadline_s=120 + lasts_s))


async def _mix(
    timeline: Timeline,
    own: _Stem | None,
    spoken: Sequence[_Stem],
    music: _Stem | None,
    into: Path,
    ceiling_dbtp: float,
) -> Loudness | None:
    """Writes the sound of the film, of its very length; None, and no file, if nothing is heard in it."""
    stems = [*spoken, *(stem for stem in (own, music) if stem)]
    if not stems:
        return None
    heard_s = 120 + 2 * timeline.lasts_s
    inputs = [part for stem in stems for part in ("-i", ffmpeg.local(stem.path))]
    graph = ";".join(_graph(timeline, own, spoken, music))
    return await loudness.level(inputs, graph, into, ceiling_dbtp=ceiling_dbtp, deadline_s=heard_s)


def _graph(
    timeline: Timeline, own: _Stem | None, spoken: Sequence[_Stem], music: _Stem | None
) -> Iterator[str]:
    """Whoever leads is as loud as it came; what lies beneath is lower, and steps back further while it is led."""
    end = f"apad,atrim=end_sample={_samples(timeline)}[mix]"
    for number, stem in enumerate(spoken):
        yield _laid(timeline, number, stem, stem.gain_db(), f"voice{number}")
    beds = []
    if own:
        yield _laid(timeline, len(spoken), own, own.gain_db(_OWN_DB if spoken else 0.0), "own")
        beds.append("own")
    if music:
        below_db = _MUSIC_DB if spoken else _UNDER_OWN_DB if own else 0.0
        yield _laid(timeline, len(spoken) + bool(own), music, music.gain_db(below_db), "music")
        beds.append("music")
    if spoken:
        names = "".join(f"[voice{number}]" for number in range(len(spoken)))
        if not beds:
            yield f"{names}amix=inputs={len(spoken)}:normalize=0,{end}"
            return
        yield f"{names}amix=inputs={len(spoken)}:normalize=0,asplit[lead][key]"
        under = "".join(f"[{bed}]" for bed in beds)
        yield f"{under}amix=inputs={len(beds)}:normalize=0:duration=longest[bed]"
    elif len(beds) == 2:
        yield "[own]asplit[lead][key]"
        yield "[music]anull[bed]"
    else:
        yield f"[{beds[0]}]{end}"
        return
    yield f"[bed][key]{_DUCKED}[low]"
    yield f"[lead][low]amix=inputs=2:normalize=0:duration=longest,{end}"


def _laid(timeline: Timeline, number: int, stem: _Stem, gain_db: float, name: str) -> str:
    stereo = f"aresample={loudness.RATE},aformat=sample_fmts=fltp:channel_layouts=stereo"
    return f"[{number}:a:0]{stem.graph},{stereo},apad=whole_len={_samples(timeline)},volume={gain_db:.2f}dB[{name}]"


def _samples(timeline: Timeline) -> int:
    return round(timeline.lasts_s * loudness.RATE)
