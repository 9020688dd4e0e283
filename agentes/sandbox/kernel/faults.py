"""What is to go wrong, when: faults are planted ahead of time and strike the calls they were meant for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["ALLOWED", "EVENTS", "BadFault", "Fault", "Faults", "Strike"]

EVENTS = ("start", "check", "download", "find", "cancel")

_INSTEAD = ("429", "500", "502", "503", "reset_before", "out_of_credit", "retired")
_TWISTS = ("refuse", "fail", "stuck", "no_output", "expired", "wrong_size", "wrong_length")
_AFTER = ("reset_after", "drip", "truncate", "html", "empty", "bad_json")
_NOT_OF_A_FILE = tuple(twist for twist in _TWISTS if twist != "expired")
_THROTTLED = re.compile(r"429:retry_after=(\d{1,9}(?:\.\d{1,3})?)")
_STALL = re.compile(r"stall:(\d{1,5}(?:\.\d{1,3})?)")
_LAG = re.compile(r"lag:(\d{1,7}(?:\.\d{1,3})?)")

_WITH_SECONDS = (_THROTTLED, _STALL, _LAG)

ALLOWED = (
    *(*_INSTEAD[:1], "429:retry_after=SECONDS", *_INSTEAD[1:]),
    *("stall:SECONDS", *_AFTER, *_TWISTS, "lag:SECONDS"),
)
_FIELDS = ("platform", "on", "do", "nth", "times")


class BadFault(ValueError):
    """A fault that cannot be planted, with a sentence that says what can."""


@dataclass(frozen=True)
class Fault:
    """Strikes the `nth` matching call after it was planted, and `times` in a row."""

    platform: str
    on: str
    do: str
    nth: int = 1
    times: int = 1

    @classmethod
    def read(cls, told: Any, place: str, platforms: Iterable[str]) -> Fault:
        """A fault out of JSON; BadFault names the field and what it may hold."""
        if not isinstance(told, Mapping):
            raise BadFault(
                f"{place} is not an object; write {{'platform': '*', 'on': 'start', 'do': '429'}}."
            )
        for name in told:
            if name not in _FIELDS:
                raise BadFault(f"{place}.{name}: there is no such field; there are {_listed(_FIELDS)}.")
        for name in ("platform", "on", "do"):
            if not isinstance(told.get(name), str):
                raise BadFault(f"{place}.{name} is missing or not text.")
        for name in ("nth", "times"):
            if type(told.get(name, 1)) is not int or not 1 <= told.get(name, 1) <= 1_000_000:
                raise BadFault(f"{place}.{name} is {told[name]!r}; it must be a whole number from 1 on.")
        fault = cls(told["platform"], told["on"], told["do"], told.get("nth", 1), told.get("times", 1))
        fault._insist(place, ("*", *sorted(platforms)))
        return fault

    def _insist(self, place: str, platforms: tuple[str, ...]) -> None:
        if self.platform not in platforms:
            raise BadFault(f"{place}.platform: {self.platform!r} is not one of {_listed(platforms)}.")
        if self.on not in EVENTS:
            raise BadFault(f"{place}.on: {self.on!r} is not one of {_listed(EVENTS)}.")
        plain = self.do in (*_INSTEAD, *_AFTER, *_TWISTS)
        if not plain and not any(word.fullmatch(self.do) for word in _WITH_SECONDS):
            raise BadFault(f"{place}.do: {self.do!r} is not one of {_listed(ALLOWED)}.")
        lags = _LAG.fullmatch(self.do) is not None
        if self.on == "download" and (lags or self.do in _NOT_OF_A_FILE):
            fitting = [do for do in ALLOWED if do not in (*_NOT_OF_A_FILE, "lag:SECONDS")]
            raise BadFault(
                f"{place}.do: {self.do!r} happens to a job, not to a download; there, use {_listed(fitting)}."
            )
        if lags and self.on != "find":
            raise BadFault(f"{place}.do: {self.do!r} happens to a list, so it goes with on: 'find'.")


@dataclass(frozen=True)
class Strike:
    """What happens to one call: instead of its answer, in the vendor's own way, and to its answer."""

    instead: str | None = None
    twist: str | None = None
    after: str | None = None

    @property
    def words(self) -> str:
        """All of it, as it was planted."""
        return " + ".join(part for part in (self.instead, self.twist, self.after) if part)

    @property
    def retry_after_s(self) -> float | None:
        """How long a throttled caller is told to wait."""
        told = _THROTTLED.fullmatch(self.instead or "")
        return float(told[1]) if told else None

    @property
    def lag_s(self) -> float:
        """How old a list is."""
        told = _LAG.fullmatch(self.twist or "")
        return float(told[1]) if told else 0.0

    @property
    def stall_s(self) -> float:
        """How long the answer is held back."""
        told = _STALL.fullmatch(self.after or "")
        return float(told[1]) if told else 0.0


@dataclass
class _Planted:
    fault: Fault
    met: int = 0

    @property
    def is_over(self) -> bool:
        return self.met >= self.fault.nth + self.fault.times - 1


class Faults:
    """Every fault that was planted and is not used up."""

    def __init__(self) -> None:
        self._planted: list[_Planted] = []

    def plant(self, fault: Fault) -> None:
        """From now on, matching calls count towards it."""
        self._planted.append(_Planted(fault))

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self._planted.clear()

    def pending(self) -> list[dict[str, Any]]:
        """What is still to come, with the calls already met."""
        return [
            {
                "platform": each.fault.platform,
                "on": each.fault.on,
                "do": each.fault.do,
                "nth": each.fault.nth,
                "times": each.fault.times,
                "met": each.met,
            }
            for each in self._planted
        ]

    def strike(self, platform: str, on: str) -> Strike:
        """Counts a call, and says what happens to it; of each sort, the fault planted first."""
        instead = twist = after = None
        for each in self._planted:
            if each.fault.platform not in ("*", platform) or each.fault.on != on:
                continue
            each.met += 1
            if each.met < each.fault.nth:
                continue
            do = each.fault.do
            if do in _TWISTS or _LAG.fullmatch(do):
                twist = twist or do
            elif do in _INSTEAD or _THROTTLED.fullmatch(do):
                instead = instead or do
            else:
                after = after or do
        self._planted = [each for each in self._planted if not each.is_over]
        return Strike(instead) if instead else Strike(None, twist, after)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
