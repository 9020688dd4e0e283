"""What makes a style of music, read from `styles.toml`: tempo, key, chords, and who plays what."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Literal

import tomli
from pydantic import Field

from shared_knowledge.vocabulary import Frozen, MusicStyle

__all__ = ["Player", "Style", "style"]


class Player(Frozen):
    """One voice of the band: its sound, what it does, how loud, from where, and from which bar on."""

    sound: str
    role: Literal["pad", "bass", "arpeggio", "strum", "melody", "beat"]
    level_db: float = Field(le=0)
    side: Literal["left", "right", "wide", "centre"]
    octave: int = 0
    steps: str = Field(default="", pattern=r"^[.xXo0-9rfw]{0,16}$")
    from_bar: int = 0


class Style(Frozen):
    """A way of making music: the frame in which a seed decides the rest."""

    bpm: float = Field(gt=40, lt=200)
    root: int
    scale: tuple[int, ...] = Field(min_length=7, max_length=7)
    chords: tuple[tuple[int, ...], tuple[int, ...]]
    notes: int = Field(ge=3, le=5)
    swing: float = Field(ge=0, le=0.5)
    reverb_s: float = Field(gt=0, le=4)
    wet_db: float
    player: tuple[Player, ...] = Field(min_length=2)

    @property
    def bars(self) -> tuple[int, ...]:
        """The scale degree of every bar of the piece."""
        return self.chords[0] + self.chords[1]

    @property
    def bar_s(self) -> float:
        """How long a bar of four beats lasts."""
        return 240 / self.bpm

    def pitch(self, degree: int, octave: int = 0) -> int:
        """A note of the scale as a MIDI number; degrees go on above seven, and below one."""
        return self.root + 12 * (octave + (degree - 1) // 7) + self.scale[(degree - 1) % 7]


@cache
def style(name: MusicStyle) -> Style:
    """The style of that name; every style but `none` has one."""
    text = (resources.files("agentes.media.music") / "styles.toml").read_text("utf-8")
    return Style.model_validate(tomli.loads(text)[name.value])
