"""When a first look is worth its price: what a vendor has never finished sooner is not asked about sooner."""

from __future__ import annotations

from collections import deque

__all__ = ["Patience"]

_REMEMBERED = 20
_FEW = 3
_A_LITTLE_SOONER = 0.8
_MOST_S = 120.0

_Maker = tuple[str, str]


class Patience:
    """Remembers how long each model of a platform took lately, in this process; knows nothing at first."""

    def __init__(self) -> None:
        self._took_s: dict[_Maker, deque[float]] = {}

    def learn(self, maker: _Maker, took_s: float) -> None:
        """A model of a platform was seen to have finished, so many seconds after it began."""
        if took_s >= 0:  # a clock that was set back teaches nothing
            self._took_s.setdefault(maker, deque(maxlen=_REMEMBERED)).append(took_s)

    def first_look_s(self, maker: _Maker) -> float:
        """How long to wait before the first look: a little less than the quickest of the last ones took."""
        took_s = self._took_s.get(maker, ())
        return min(_MOST_S, _A_LITTLE_SOONER * min(took_s)) if len(took_s) >= _FEW else 0.0
