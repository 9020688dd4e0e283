"""How captions look: white letters on a soft dark plate with round corners, clear of the edges."""

from __future__ import annotations

import re
import struct
import unicodedata
from collections.abc import Callable, Iterator, Sequence, Set
from pathlib import Path
from typing import NamedTuple

from agentes.media import ffmpeg
from agentes.media.sentences import width
from orchestrator.composer.captions import Caption
from shared_knowledge.vocabulary import Size

__all__ = ["ass", "burnt", "drawable"]

_LEADING = 1.16
_WIDEST = 0.86
_PLATE = "&H58140F0E"
_ARC = 0.5523
_LATIN = "\u024f"
_NO_GLYPH = re.compile(r"failed to find any fallback with glyph 0x([0-9A-F]+)")


class _Look(NamedTuple):
    """How large letters are and how high the words stand, as shares of the short side and the height."""

    em: float
    lowest: float


# Tall films are watched on phones, whose players lay their buttons over the lowest part.
_TALL, _SQUARE, _WIDE = _Look(0.055, 0.19), _Look(0.05, 0.075), _Look(0.046, 0.08)


class _Face(NamedTuple):
    """A font as the renderer will use it: what it calls the size, and how wide a text is in letter heights."""

    tallness: float
    wide: Callable[[str], float]


def burnt(script: Path, fonts: Path) -> str:
    """The filter that draws an ASS script into the picture."""
    return f"ass=filename={ffmpeg.in_filter(script)}:fontsdir={ffmpeg.in_filter(fonts)}"


async def drawable(
    captions: Sequence[Caption], room: Path, *, fonts: Path, family: str
) -> tuple[tuple[Caption, ...], str]:
    """The captions with signs left out that no font can draw; if those are letters, none, and which."""
    unusual = sorted(
        {char for caption in captions for line in caption.lines for char in line if char > _LATIN}
    )
    if not unusual:
        return tuple(captions), ""
    trial = room / "trial.ass"
    sample = [Caption(start_s=0, end_s=9, lines=("".join(unusual),))]
    trial.write_text(ass(sample, frame_width=640, frame_height=360, fonts=fonts, family=family), "utf-8")
    ended = await ffmpeg.run(
        [
            *("-f", "lavfi", "-i", "color=s=640x360:r=1:d=1"),
            *("-vf", f"setpts=PTS+1/TB,{burnt(trial, fonts)}", "-frames:v", "1", "-f", "null", "-"),
        ],
        deadline_s=60,
    )
    missing = {chr(int(code, 16)) for code in _NO_GLYPH.findall(ended.log)}
    letters = "".join(sorted(char for char in missing if unicodedata.category(char)[0] in "LN"))
    return ((), letters) if letters else (tuple(_without(captions, missing)), "")


def _without(captions: Sequence[Caption], missing: Set[str]) -> Iterator[Caption]:
    for caption in captions:
        lines = (
            " ".join("".join(char for char in line if char not in missing).split()) for line in caption.lines
        )
        if kept := tuple(line for line in lines if line):
            yield caption.model_copy(update={"lines": kept})


def ass(captions: Sequence[Caption], *, frame_width: int, frame_height: int, fonts: Path, family: str) -> str:
    """The captions as a styled ASS script for a frame of that size."""
    face, look = _face(fonts, family), _look(frame_width, frame_height)
    em = min(frame_width, frame_height) * look.em
    size = em * face.tallness
    lines = [
        "[Script Info]",
        "ScriptType: v4.00+",
        f"PlayResX: {frame_width}",
        f"PlayResY: {frame_height}",
        "WrapStyle: 2",
        "ScaledBorderAndShadow: yes",
        "YCbCr Matrix: TV.709",
        "",
        "[V4+ Styles]",
        "Format: Name, Fontname, Fontsize, PrimaryColour, OutlineColour, BackColour, Bold, BorderStyle, "
        "Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding",
        f"Style: Words,{family},{size:.1f},&H00FFFFFF,&H28000000,&H00000000,-1,1,{em * 0.02:.2f},0,5,0,0,0,1",
        f"Style: Plate,{family},{size:.1f},{_PLATE},{_PLATE},&H00000000,0,1,0,0,7,0,0,0,1",
        "",
        "[Events]",
        "Format: Layer, Start, End, Style, Text",
    ]
    for caption in captions:
        widest = max(face.wide(line) for line in caption.lines)
        fitting = min(em, frame_width * _WIDEST / max(widest, 0.1))
        lines += _events(caption, fitting, widest, face.tallness, Size(frame_width, frame_height))
    return "\n".join([*lines, ""])


def _events(caption: Caption, em: float, widest: float, tallness: float, frame: Size) -> Iterator[str]:
    when = f"{_clock(caption.start_s)},{_clock(caption.end_s)}"
    pitch, pad_x, pad_y = em * _LEADING, em * 0.62, em * 0.42
    across, height = widest * em + pad_x * 2, pitch * len(caption.lines) + pad_y * 2
    left, top = (frame.width - across) / 2, frame.height * (1 - _look(*frame).lowest) - height
    fade = r"\fad(90,70)"
    plate = _rounded(across, height, min(em * 0.5, height / 2))
    yield f"Dialogue: 0,{when},Plate,{{\\an7\\pos({left:.1f},{top:.1f}){fade}\\p1}}{plate}{{\\p0}}"
    for number, line in enumerate(caption.lines):
        middle = top + pad_y + pitch * (number + 0.5)
        at = f"{{\\an5\\pos({frame.width / 2:.1f},{middle:.1f})\\fs{em * tallness:.1f}{fade}}}"
        yield f"Dialogue: 1,{when},Words,{at}{_literal(line)}"


def _look(frame_width: int, frame_height: int) -> _Look:
    if frame_height > frame_width * 1.2:
        return _TALL
    return _WIDE if frame_width > frame_height * 1.2 else _SQUARE


def _rounded(across: float, height: float, radius: float) -> str:
    """A rectangle with round corners, in the renderer's drawing language."""
    r, k = radius, radius * (1 - _ARC)
    w, h = across, height
    return (
        f"m {r:.1f} 0 l {w - r:.1f} 0 b {w - k:.1f} 0 {w:.1f} {k:.1f} {w:.1f} {r:.1f} "
        f"l {w:.1f} {h - r:.1f} b {w:.1f} {h - k:.1f} {w - k:.1f} {h:.1f} {w - r:.1f} {h:.1f} "
        f"l {r:.1f} {h:.1f} b {k:.1f} {h:.1f} 0 {h - k:.1f} 0 {h - r:.1f} "
        f"l 0 {r:.1f} b 0 {k:.1f} {k:.1f} 0 {r:.1f} 0"
    )


def _literal(text: str) -> str:
    """Words as words: nothing in them is an instruction to the renderer."""
    return text.replace("\\", "\\\u2060").replace("{", r"\{").replace("}", r"\}")


def _clock(at_s: float) -> str:
    cs = round(at_s * 100)
    return f"{cs // 360_000}:{cs // 6000 % 60:02d}:{cs // 100 % 60:02d}.{cs % 100:02d}"


def _face(fonts: Path, family: str) -> _Face:
    from PIL import ImageFont

    found = _font_file(fonts, family)
    if found is None:
        return _Face(1.2, lambda text: width(text) * 0.6)
    font = ImageFont.truetype(str(found), 100)
    return _Face(_tallness(found), lambda text: font.getlength(text) / 100)


def _font_file(fonts: Path, family: str) -> Path | None:
    """The family's bold face if there is one, else any face of it."""
    from PIL import ImageFont

    faces: dict[str, Path] = {}
    for path in sorted([*fonts.glob("*.ttf"), *fonts.glob("*.otf")]):
        name, style = ImageFont.truetype(str(path), 10).getname()
        if name == family:
            faces.setdefault(style or "", path)
    return faces.get("Bold") or next(iter(faces.values()), None)


def _tallness(font: Path) -> float:
    """Ascent plus descent in letter heights: the renderer takes a font size to mean both together."""
    whole = font.read_bytes()
    tables = {
        whole[at : at + 4]: struct.unpack_from(">I", whole, at + 8)[0]
        for at in range(12, 12 + 16 * struct.unpack_from(">H", whole, 4)[0], 16)
    }
    per_em = struct.unpack_from(">H", whole, tables[b"head"] + 18)[0]
    ascent, descent = struct.unpack_from(">HH", whole, tables[b"OS/2"] + 74)
    return float((ascent + descent) / per_em)
