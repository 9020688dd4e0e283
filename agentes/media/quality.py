"""What can be measured in a finished file: how loud, how silent, how black, how frozen it is."""

from __future__ import annotations

import re
from pathlib import Path

from agentes.media import ffmpeg, headers, loudness
from agentes.media.child import Limits
from agentes.media.probe import Probed
from shared_knowledge.errors import Unsuitable
from shared_knowledge.vocabulary import Frozen, Medium

__all__ = ["Measured", "measure"]

_BLACK = "blackdetect=d=0.1:pic_th=0.98:pix_th=0.06"
_FROZEN = "freezedetect=n=-60dB:d=0.5"
_SILENT = "silencedetect=n=-50dB:d=0.3"
_METER = "ebur128=peak=true:framelog=verbose"
_FROM_TO = {
    "black": re.compile(r"black_start:(\S+) black_end:(\S+)"),
    "silence": re.compile(r"silence_start: (\S+)(?:.*?silence_end: (\S+))?", re.DOTALL),
    "frozen": re.compile(r"freeze_start: (\S+)(?:.*?freeze_end: (\S+))?", re.DOTALL),
}


class Measured(Frozen):
    """What was measured; shares go from 0 to 1, and None means that there is no such track."""

    lufs: float | None = None
    true_peak_dbtp: float | None = None
    silence_share: float | None = None
    black_share: float | None = None
    frozen_share: float | None = None


async def measure(path: Path, found: Probed) -> Measured:
    """Watches and listens to a file from end to end; one that does not decode is `Unsuitable`."""
    if found.medium is Medium.PHOTO or not found.duration_s:
        return Measured()
    graph: list[str] = []
    maps: list[str] = []
    sparing: tuple[str, ...] = ()
    if found.medium is Medium.VIDEO:
        # Small, few and rough frames are enough to see black or standstill, and cost less.
        sparing = ("-skip_loop_filter", "all")
        graph.append(f"[0:V:0]fps=10,scale=160:-2:flags=area,{_BLACK},{_FROZEN}[v]")
        maps += ["-map", "[v]"]
    if found.has_audio:
        graph.append(f"[0:a:0]{_SILENT},{_METER}[a]")
        maps += ["-map", "[a]"]
    kind = headers.sniff(path)
    assert kind is not None
    source = ffmpeg.untrusted(path, headers.demuxer_of(kind))
    ended = await ffmpeg.examine(
        [*sparing, *source, "-filter_complex", ";".join(graph), *maps, "-f", "null", "-"],
        deadline_s=60 + 4 * found.duration_s,
        limits=Limits(cpu_s=120 + round(2 * found.duration_s), memory_mb=4096),
    )
    if ended.code or ended.late:
        raise Unsuitable(f"The file ({found.mime}) is damaged: it cannot be played to its end.")
    log = ended.log
    sound = loudness.heard(log) if found.has_audio else None
    seen = found.medium is Medium.VIDEO
    length_s = found.duration_s
    return Measured(
        lufs=sound.lufs if sound else None,
        true_peak_dbtp=sound.true_peak_dbtp if sound else None,
        silence_share=_share("silence", log, found.audio_s or length_s) if sound else None,
        black_share=_share("black", log, length_s) if seen else None,
        frozen_share=_share("frozen", log, length_s) if seen else None,
    )


def _share(what: str, log: str, length_s: float) -> float:
    stretches = _FROM_TO[what].findall(log)
    lasted_s = sum((float(end) if end else length_s) - max(float(start), 0.0) for start, end in stretches)
    return round(min(max(lasted_s / length_s, 0.0), 1.0), 3)
