"""Several pieces in one file: clips cut to the frame, takes of a voice with a breath between them."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path

from agentes.media import ffmpeg, loudness, probe
from agentes.media.probe import Probed
from shared_knowledge.errors import Unsuitable
from shared_knowledge.vocabulary import Frozen, Size, VideoSpec

__all__ = ["DRAFT", "Cut", "cuts", "heard", "join_clips", "join_speech", "seen"]

_BREATH_S = 0.3
_SAME_SHAPE = 0.02
DRAFT = "draft"


class Cut(Frozen):
    """Which clip is on screen, from which frame, for how many, and how many of those stand still."""

    clip: int
    start: int
    frames: int
    held: int = 0


def cuts(lengths_s: Sequence[float], fps: int, frames: int | None = None) -> tuple[Cut, ...]:
    """Lays clips one after the other over exactly `frames`: the last is trimmed, or its last frame held."""
    total = sum(round(length_s * fps) for length_s in lengths_s) if frames is None else frames
    laid: list[Cut] = []
    start = 0
    for clip, length_s in enumerate(lengths_s):
        length = min(round(length_s * fps), total - start)
        if length > 0:
            laid.append(Cut(clip=clip, start=start, frames=length))
            start += length
    if not laid:
        raise Unsuitable("The clips have no frames to show.")
    held = total - start
    return (*laid[:-1], laid[-1].model_copy(update={"frames": laid[-1].frames + held, "held": held}))


def seen(laid: Sequence[Cut], clips: Sequence[Probed], size: Size, fps: int) -> str:
    """The part of a filter graph that shows the cuts, of inputs 0 to n, as `[seen]`."""
    parts = []
    for number, cut in enumerate(laid):
        # Changing the frame rate may lose a frame at the end; there are always some copies to fill in.
        parts.append(
            f"[{cut.clip}:V:0]setpts=PTS-STARTPTS,fps={fps}{_fitted(clips[cut.clip], size)},setsar=1,"
            f"format=yuv420p,tpad=stop_mode=clone:stop={cut.held + fps},trim=end_frame={cut.frames},"
            f"setpts=PTS-STARTPTS[v{number}]"
        )
    shown = "".join(f"[v{number}]" for number in range(len(laid)))
    return ";".join([*parts, f"{shown}concat=n={len(laid)}:v=1:a=0[seen]"])


def heard(laid: Sequence[Cut], clips: Sequence[Probed], fps: int) -> str | None:
    """The part of a filter graph with the clips' own sound as `[heard]`; None if they are all silent."""
    if not any(clips[cut.clip].has_audio for cut in laid):
        return None
    parts = []
    for number, cut in enumerate(laid):
        samples = _samples(cut.start + cut.frames, fps) - _samples(cut.start, fps)
        source = (
            f"[{cut.clip}:a:0]asetpts=PTS-STARTPTS,aresample={loudness.RATE}:async=1,"
            if clips[cut.clip].has_audio
            else f"anullsrc=r={loudness.RATE}:cl=stereo,"
        )
        parts.append(
            f"{source}aformat=sample_fmts=fltp:channel_layouts=stereo,apad,atrim=end_sample={samples}[a{number}]"
        )
    listened = "".join(f"[a{number}]" for number in range(len(laid)))
    return ";".join([*parts, f"{listened}concat=n={len(laid)}:v=0:a=1[heard]"])


async def join_clips(pieces: Sequence[Path], spec: VideoSpec, into: Path) -> Path:
    """One clip of the very size, rate and number of frames that `spec` asks for."""
    clips = await asyncio.gather(*(probe.measure(piece) for piece in pieces))
    for piece, clip in zip(pieces, clips, strict=True):
        if not clip.frames:
            raise Unsuitable(f"{piece.name} is no clip: it holds no moving pictures.")
    frames = round(spec.duration_s * spec.fps)
    if len(pieces) == 1 and _is_exact(clips[0], spec, frames):
        await asyncio.to_thread(shutil.copyfile, pieces[0], into)
        return into
    laid = cuts([clip.duration_s or 0.0 for clip in clips], spec.fps, frames)
    sound = heard(laid, clips, spec.fps)
    graph = seen(laid, clips, Size(spec.width, spec.height), spec.fps) + (f";{sound}" if sound else "")
    draft = any((clip.comment or "").startswith(DRAFT) for clip in clips)
    await ffmpeg.run(
        [
            *(part for piece in pieces for part in ("-i", ffmpeg.local(piece))),
            *("-filter_complex", graph, "-map", "[seen]", "-frames:v", str(frames)),
            *("-c:v", "libx264", "-preset", "veryfast", "-crf", "17", "-profile:v", "high", "-threads", "4"),
            *(("-map", "[heard]", "-c:a", "aac", "-b:a", "160k") if sound else ()),
            *ffmpeg.BITEXACT,
            *(("-metadata", f"comment={DRAFT}: joined from draft pieces") if draft else ()),
            *("-movflags", "+faststart"),
        ],
        deadline_s=120 + 20 * spec.duration_s,
        into=into,
        form="mp4",
    )
    return into


async def join_speech(pieces: Sequence[Path], into: Path) -> Path:
    """One recording of several takes, with a breath between them, at the loudness of a single voice."""
    inputs = [part for piece in pieces for part in ("-i", ffmpeg.local(piece))]
    last = len(pieces) - 1
    takes = [
        f"[{number}:a:0]aresample={loudness.RATE},aformat=sample_fmts=fltp:channel_layouts=mono"
        + (f",apad=pad_dur={_BREATH_S}" if number < last else "")
        + f"[t{number}]"
        for number in range(len(pieces))
    ]
    names = "".join(f"[t{number}]" for number in range(len(pieces)))
    graph = ";".join([*takes, f"{names}concat=n={len(pieces)}:v=0:a=1[mix]"])
    await loudness.level(inputs, graph, into, target_lufs=loudness.ONE_VOICE_LUFS)
    return into


def _is_exact(clip: Probed, spec: VideoSpec, frames: int) -> bool:
    same_size = (clip.width, clip.height) == (spec.width, spec.height)
    same_time = clip.frames == frames and abs((clip.fps or 0) - spec.fps) < 0.01
    return same_size and same_time and clip.mime == "video/mp4" and bool(clip.faststart)


def _samples(frame: int, fps: int) -> int:
    return round(frame * loudness.RATE / fps)


def _fitted(clip: Probed, size: Size) -> str:
    """How a clip comes to fill the frame: scaled where the shapes agree, else with bars around it."""
    assert clip.width is not None
    assert clip.height is not None
    if (clip.width, clip.height) == size:
        return ""
    shape = clip.width * size.height / (clip.height * size.width)
    if abs(shape - 1) <= _SAME_SHAPE:
        return f",scale={size.width}:{size.height}:flags=bicubic"
    return (
        f",scale={size.width}:{size.height}:flags=bicubic:force_original_aspect_ratio=decrease"
        f":force_divisible_by=2,pad={size.width}:{size.height}:(ow-iw)/2:(oh-ih)/2"
    )
