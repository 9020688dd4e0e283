"""The notes: a style and a seed become a piece of sixteen bars that ends where it begins."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

from agentes.media.music.styles import Player, Style

__all__ = ["Note", "notes"]

_STRIKES = {"x": 0.0, "X": 2.5, "o": -5.0}
_TOUCHES = (-1.2, -0.4, 0.4)
_PHRASES = ((0, 6, 8), (0, 4, 10), (2, 6, 12), (0, 8), (0, 3, 6, 12), (4, 8, 14), (0, 10))


class Note(NamedTuple):
    """A sound, when it begins and how long it is held, how high and how strong it is, and whence it comes."""

    sound: str
    at_s: float
    lasts_s: float
    pitch: int
    level_db: float
    side: str


def notes(style: Style, seed: int) -> list[Note]:
    """Every note of the piece; the same style and seed always give the same ones."""
    played: list[Note] = []
    for number, player in enumerate(style.player):
        chance = random.Random(f"{seed} {number} {player.sound}")  # noqa: S311
        part = [
            note
            for bar in range(player.from_bar, len(style.bars))
            for note in _bar(style, player, bar, chance)
        ]
        played += map(_placed, part, range(len(part)))
    return played


def _placed(note: Note, number: int) -> Note:
    """Who sits wide is heard from both sides in turn."""
    return note._replace(side=("left", "right")[number % 2]) if note.side == "wide" else note


def _bar(style: Style, player: Player, bar: int, chance: random.Random) -> Iterator[Note]:
    match player.role:
        case "pad":
            yield from _pad(style, player, bar)
        case "melody":
            yield from _melody(style, player, bar, chance)
        case "bass":
            yield from _bass(style, player, bar)
        case "arpeggio":
            chord = _chord(style, bar)
            for step, sign in _struck(player):
                degree = chord[int(sign) % len(chord)] + 7 * (int(sign) // len(chord))
                level_db = player.level_db + chance.choice(_TOUCHES)
                held_s = style.bar_s / 4
                yield _note(style, player, bar, step, held_s, style.pitch(degree, player.octave), level_db)
        case "strum":
            for step, sign in _struck(player):
                level_db = player.level_db + _STRIKES[sign] + chance.choice(_TOUCHES)
                for string, degree in enumerate(_chord(style, bar)):
                    pitch = style.pitch(degree, player.octave)
                    note = _note(style, player, bar, step, style.bar_s / 2, pitch, level_db)
                    yield note._replace(at_s=note.at_s + 0.012 * string)
        case "beat":
            for step, sign in _struck(player):
                level_db = player.level_db + _STRIKES[sign] + chance.choice(_TOUCHES)
                yield _note(style, player, bar, step, 0.5, 0, level_db)


def _pad(style: Style, player: Player, bar: int) -> Iterator[Note]:
    """A chord held until it changes; the sides sound a little apart."""
    if bar > player.from_bar and style.bars[bar] == style.bars[bar - 1]:
        return
    bars = 1
    while bar + bars < len(style.bars) and style.bars[bar + bars] == style.bars[bar]:
        bars += 1
    for degree in _chord(style, bar):
        pitch = style.pitch(degree, player.octave)
        yield _note(style, player, bar, 0, bars * style.bar_s, pitch, player.level_db)


def _bass(style: Style, player: Player, bar: int) -> Iterator[Note]:
    here, ahead = style.bars[bar], style.bars[(bar + 1) % len(style.bars)]
    struck = list(_struck(player))
    ends = [step for step, _ in struck[1:]] + [16]
    for (step, sign), end in zip(struck, ends, strict=True):
        degree = {"r": here, "x": here, "f": here + 4, "o": here + 7, "w": _towards(here, ahead)}[sign]
        held_s = min(end - step, 6) * style.bar_s / 16
        yield _note(style, player, bar, step, held_s, style.pitch(degree, player.octave), player.level_db)


def _towards(here: int, ahead: int) -> int:
    """The note beside the next root, on the side we come from."""
    return ahead + 1 if ahead < here else ahead - 1


def _melody(style: Style, player: Player, bar: int, chance: random.Random) -> Iterator[Note]:
    """A phrase of two bars, answered by silence or by itself; on the notes of the chord, mostly."""
    if bar % 4 == 3 or chance.random() < 0.15:
        return
    chord = _chord(style, bar)
    phrase = _PHRASES[(bar % 2) * 3 + chance.randrange(3)]
    place = chance.randrange(len(chord))
    for number, step in enumerate(phrase):
        place = max(0, min(len(chord) + 1, place + chance.choice((-1, 0, 1, 1))))
        degree = chord[place % len(chord)] + 7 * (place // len(chord))
        if number % 2 and chance.random() < 0.4:
            degree += chance.choice((-1, 1))
        until = phrase[number + 1] if number + 1 < len(phrase) else 16
        held_s = (until - step) * style.bar_s / 16
        level_db = player.level_db + chance.choice(_TOUCHES)
        yield _note(style, player, bar, step, held_s, style.pitch(degree, player.octave), level_db)


def _chord(style: Style, bar: int) -> tuple[int, ...]:
    """The degrees of a bar's chord: thirds upon its root, laid so that the hand hardly moves."""
    root = style.bars[bar]
    stacked = [root + 2 * number for number in range(style.notes)]
    return tuple(sorted(degree - 7 if degree > 8 else degree for degree in stacked))


def _struck(player: Player) -> Iterator[tuple[int, str]]:
    return ((step, sign) for step, sign in enumerate(player.steps) if sign != ".")


def _note(
    style: Style, player: Player, bar: int, step: int, held_s: float, pitch: int, level_db: float
) -> Note:
    eighth_s = style.bar_s / 8
    late_s = style.swing * eighth_s if step % 4 == 2 else style.swing * eighth_s / 2 if step % 2 else 0.0
    at_s = bar * style.bar_s + step * style.bar_s / 16 + late_s
    return Note(player.sound, at_s, held_s, pitch, level_db, player.side)
