"""The film of clips in one pass: joined to the frame, captions in the picture, the voice at −16 LUFS."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from agentes.media import ffmpeg, probe
from agentes.media.join import DRAFT, seen
from agentes.media.loudness import Loudness
from orchestrator.composer import sound
from orchestrator.composer.finishing import Reel, Rendered, finish
from orchestrator.composer.timeline import Voiced, lay
from shared_knowledge.errors import Unsuitable
from shared_knowledge.vocabulary import Film, Size

__all__ = ["Rendered", "Voiced", "render"]


async def render(
    film: Film,
    clips: Sequence[Path],
    voices: Sequence[Voiced],
    into: Path,
    *,
    fonts: Path,
    family: str,
    title: str = "",
) -> Rendered:
    """Makes the film `into`, exact to the frame, and its captions beside it as `.srt`."""
    pictures = await asyncio.gather(*(probe.measure(clip) for clip in clips))
    recordings = await asyncio.gather(*(probe.measure(voice.path) for voice in voices))
    if not all(picture.frames for picture in pictures):
        raise Unsuitable("One of the clips of the film holds no moving pictures.")
    if not all(recording.has_audio for recording in recordings):
        raise Unsuitable("One of the voices of the film holds no sound.")
    timeline = lay(film, pictures, voices, recordings)

    async def mix(into: Path, ceiling_dbtp: float) -> Loudness | None:
        return await sound.mix(
            timeline,
            clips,
            pictures,
            [voice.path for voice in voices],
            into,
            ceiling_dbtp=ceiling_dbtp,
            deadline_s=180 + 30 * timeline.lasts_s,
        )

    reel = Reel(
        inputs=tuple(part for clip in clips for part in ("-i", ffmpeg.local(clip))),
        count=len(clips),
        shown=seen(timeline.cuts, pictures, Size(film.width, film.height), film.fps),
        mix=mix,
        draft=any((part.comment or "").startswith(DRAFT) for part in (*pictures, *recordings)),
    )
    return await finish(film, timeline, reel, into, fonts=fonts, family=family, title=title)
