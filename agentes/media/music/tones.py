"""The instruments: one note of each, as samples, made of a few sines, a plucked string or a burst of noise.

A steady tone is one short cycle, repeated: only its envelope is worked out sample by sample, which
is what makes this quick without any library.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from math import exp, pi, sin
from operator import add, mul, sub

__all__ = ["RATE", "SOUNDS", "play"]

RATE = 24_000

Samples = list[float]
_Make = Callable[[float, float, float], Samples]

_LONGEST_CYCLE = 1200


def play(sound: str, pitch: int, lasts_s: float, *, level: float = 1) -> Samples:
    """One note of an instrument, as loud as asked, with its own ending after it is let go."""
    frequency = 440 * 2 ** ((pitch - 69) / 12)
    return SOUNDS[sound](frequency, lasts_s, level)


@lru_cache(1024)
def _cycle(frequency: float, partials: Sequence[float]) -> Samples:
    """The shortest stretch that can be repeated without a seam, as long as it is in tune."""
    period = RATE / frequency
    turns = min(
        range(1, max(int(_LONGEST_CYCLE / period), 1) + 1),
        key=lambda turn: (round(abs(turn * period - round(turn * period)) / turn / period, 5), turn),
    )
    length = round(turns * period)
    step = 2 * pi * turns / length
    heard = [(number, share) for number, share in enumerate(partials, 1) if number * frequency < 0.45 * RATE]
    cycle = [0.0] * length
    for number, share in heard:
        cycle = [at + share * sin(number * step * place) for place, at in enumerate(cycle)]
    return cycle


def _steady(frequency: float, partials: Sequence[float], level: float, count: int) -> Samples:
    cycle = [level * at for at in _cycle(frequency, partials)]
    return (cycle * (count // len(cycle) + 1))[:count]


@cache
def _held(count: int, attack: int, release: int) -> Samples:
    """Swells in, stays, and fades: round at both ends, so that nothing clicks."""
    attack, release = min(attack, count // 2), min(release, count // 2)
    rise = [sin(pi / 2 * place / attack) ** 2 for place in range(attack)]
    fall = [sin(pi / 2 * (release - place) / release) ** 2 for place in range(release)]
    return [*rise, *([1.0] * (count - attack - release)), *fall]


@cache
def _dying(count: int, half_life_s: float, attack_s: float) -> Samples:
    """Struck, then halving again and again."""
    loss, level, shape = exp(-0.6931 / (half_life_s * RATE)), 1.0, []
    for _ in range(count):
        shape.append(level)
        level *= loss
    attack, release = max(round(attack_s * RATE), 1), min(count // 4, 640)
    shape[:attack] = [at * place / attack for place, at in enumerate(shape[:attack])]
    tail = [place / release for place in range(release, 0, -1)]
    shape[count - release :] = map(mul, shape[count - release :], tail)
    return shape


def _bowed(partials: Sequence[float], attack_s: float, release_s: float) -> _Make:
    def make(frequency: float, lasts_s: float, level: float) -> Samples:
        release = round(release_s * RATE)
        count = round(lasts_s * RATE) + release
        # Two players, hardly apart, breathe where one would stand still.
        one = _steady(frequency * 0.9995, partials, 0.7 * level, count)
        other = _steady(frequency * 1.002, partials, 0.35 * level, count)
        return list(map(mul, map(add, one, other), _held(count, round(attack_s * RATE), release)))

    return make


def _struck(
    bright: Sequence[float], dark: Sequence[float], half_life_s: float, attack_s: float = 0.004
) -> _Make:
    """What is struck is bright at first, and its overtones die before it does."""

    def make(frequency: float, lasts_s: float, level: float) -> Samples:
        count = round(min(6 * half_life_s, lasts_s + 3 * half_life_s) * RATE)
        first = map(mul, _steady(frequency, bright, level, count), _dying(count, half_life_s / 4, attack_s))
        then = map(mul, _steady(frequency, dark, level, count), _dying(count, half_life_s, attack_s))
        return list(map(add, first, then))

    return make


def _plucked(brightness: float, damping: float, longest_s: float) -> _Make:
    """A string, by Karplus and Strong: a burst of noise runs round and grows rounder."""

    def make(frequency: float, lasts_s: float, level: float) -> Samples:
        period = max(round(RATE / frequency), 8)
        chance = random.Random(period)  # noqa: S311
        turn, dull = [], 0.0
        for _place in range(period):
            dull += brightness * (chance.uniform(-1, 1) - dull)
            turn.append(dull)
        middle = sum(turn) / period
        loudest = max(abs(at - middle) for at in turn)
        turn = [level * (at - middle) / loudest for at in turn]
        count = round(min(longest_s, lasts_s + 0.8) * RATE)
        string: Samples = []
        keep = 0.5 * damping ** (period / 100)
        while len(string) < count:
            string += turn
            turn = [keep * (here + before) for here, before in zip(turn, [turn[-1], *turn[:-1]], strict=True)]
        return list(map(mul, string[:count], _held(count, 32, 3200)))

    return make


def _noise(half_life_s: float, colour: Callable[[Samples], Samples], lasts_s: float) -> _Make:
    @cache
    def burst() -> Samples:
        chance = random.Random(7)  # noqa: S311
        count = round(lasts_s * RATE)
        return list(
            map(mul, colour([chance.uniform(-1, 1) for _ in range(count)]), _dying(count, half_life_s, 0.001))
        )

    return lambda _frequency, _lasts_s, level: [level * at for at in burst()]


def _high(samples: Samples) -> Samples:
    return [0.5 * at for at in map(sub, [*samples[1:], 0.0], samples)]


def _middle(samples: Samples) -> Samples:
    """Noise without its lows and its glare, as hands and skins make it."""
    kept, low, slow = [], 0.0, 0.0
    for at in samples:
        low += 0.35 * (at - low)
        slow += 0.06 * (low - slow)
        kept.append(1.6 * (low - slow))
    return kept


def _skin(start: float, end: float, half_life_s: float, lasts_s: float, slap: float) -> _Make:
    """A drum: a tone that falls, and the slap it begins with."""

    @cache
    def hit() -> Samples:
        phase, tone = 0.0, []
        count = round(lasts_s * RATE)
        for place in range(count):
            phase += 2 * pi * (end + (start - end) * exp(-place / (0.035 * RATE))) / RATE
            tone.append(sin(phase))
        struck = list(map(mul, tone, _dying(count, half_life_s, 0.002)))
        for place, at in enumerate(_noise(0.006, _middle, 0.06)(0, 0, 1)):
            struck[place] += slap * at
        return struck

    return lambda _frequency, _lasts_s, level: [level * at for at in hit()]


def _partials(count: int, fall: float, *, odd: float = 1.0) -> tuple[float, ...]:
    """The overtones of a rich tone, each weaker than the last; `odd` weakens the even ones."""
    shares = [number**-fall * (odd if number % 2 == 0 else 1.0) for number in range(1, count + 1)]
    return tuple(share / sum(shares) for share in shares)


def _named() -> Iterator[tuple[str, _Make]]:
    pure, soft, rich = (1.0,), _partials(4, 1.8), _partials(10, 1.25)
    yield "strings", _bowed(_partials(9, 1.5), 0.35, 0.6)
    yield "warm", _bowed(_partials(5, 1.7), 0.25, 0.5)
    yield "air", _bowed(_partials(3, 2.2), 1.6, 2.2)
    yield "horn", _bowed(_partials(6, 1.6), 0.09, 0.35)
    yield "flute", _bowed((0.86, 0.12, 0.02), 0.06, 0.18)
    yield "sub", _bowed((0.9, 0.1), 0.4, 0.9)
    yield "contrabass", _bowed(_partials(6, 1.4), 0.03, 0.18)
    yield "staccato", _struck(_partials(8, 1.3), _partials(5, 1.6), 0.09, 0.012)
    yield "harp", _struck(_partials(6, 1.2), soft, 0.45)
    yield "piano", _struck(_partials(9, 1.2), soft, 0.5)
    yield "rhodes", _struck((0.5, 0.1, 0.3, 0.1), (0.9, 0.1), 0.55)
    yield "vibes", _struck((0.55, 0, 0, 0.45), (0.95, 0.05), 0.6)
    yield "marimba", _struck((0.5, 0, 0, 0.5), pure, 0.14)
    yield "bells", _struck((0.4, 0.1, 0, 0.3, 0, 0.2), (0.8, 0.2), 0.6)
    yield "glass", _struck((0.6, 0, 0.4), (0.9, 0, 0.1), 1.1, 0.03)
    yield "muted", _struck(_partials(8, 1.1), soft, 0.1)
    yield "pluck", _struck(rich, soft, 0.16)
    yield "bass", _struck(_partials(5, 1.3), (0.85, 0.15), 0.35, 0.008)
    yield "upright", _struck(_partials(7, 1.2), (0.8, 0.2), 0.3, 0.012)
    yield "synth_bass", _struck(_partials(12, 1.05), (0.8, 0.2), 0.22, 0.006)
    yield "guitar", _plucked(0.55, 0.9965, 2.4)
    yield "ukulele", _plucked(0.7, 0.985, 0.9)
    yield "kick", _skin(120, 48, 0.07, 0.4, 0.25)
    yield "taiko", _skin(95, 55, 0.2, 1.2, 0.5)
    yield "timpani", _skin(80, 73, 0.35, 1.6, 0.2)
    yield "clap", _noise(0.03, _middle, 0.25)
    yield "brush", _noise(0.05, _middle, 0.3)
    yield "hat", _noise(0.02, _high, 0.12)
    yield "ride", _noise(0.09, _high, 0.5)
    yield "shaker", _noise(0.018, _high, 0.1)


SOUNDS: Mapping[str, _Make] = dict(_named())
