"""The faults of a purchase, and what each asks of us: whether it may be sent again, and where the money is.

This is the rule book by which the product is judged, so it takes nothing from the product. A number is a
row of the fault matrix, which `test_fault_rows.py` spells out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["AT_THE_VENDOR", "HARMLESS", "ON_THE_WIRE", "Must", "Rule", "is_told", "rule"]


class Must(StrEnum):
    """What must be seen to follow."""

    GO_ON = "went on"
    AGAIN = "asked again"
    AWAY = "ended free"
    HELD = "held in doubt"
    CHARGED = "written off"


@dataclass(frozen=True)
class Rule:
    """A row, and what may follow when it strikes a purchase, and when it strikes a question about one."""

    row: int
    start: frozenset[Must] = frozenset()
    read: frozenset[Must] = frozenset()

    @property
    def harmless(self) -> bool:
        """Whether it is none of our business."""
        return self.start == frozenset(Must)


HARMLESS = Rule(0, frozenset(Must), frozenset(Must))


def _may(*must: Must) -> frozenset[Must]:
    return frozenset(must)


_LOST = _may(Must.HELD)
_AGAIN = _may(Must.AGAIN)
_WAIT = _may(Must.AGAIN, Must.AWAY)
_AWAY = _may(Must.AWAY)
_ANY_END = _may(Must.AWAY, Must.CHARGED, Must.HELD)
_SOME_END = _ANY_END | _AGAIN  # one look may be two questions
_AS_IT_COMES = _may(Must.GO_ON, Must.CHARGED)
_FINE = (frozenset(Must), frozenset(Must))
_LOST_OR_BAD = _may(Must.HELD, Must.CHARGED, Must.GO_ON)

ON_THE_WIRE: Mapping[str, Rule] = {
    "retry:1": Rule(1, _WAIT, _AGAIN),
    "retry:86400": Rule(1, _WAIT, _AGAIN),
    "retry:Wed, 21 Oct 2015 07:28:00 GMT": Rule(2, _WAIT, _AGAIN),
    "retry:soon": Rule(2, _WAIT, _AGAIN),
    "retry:-5": Rule(2, _WAIT, _AGAIN),
    "retry:1000000000": Rule(2, _WAIT, _AGAIN),
    "status:429": Rule(3, _WAIT, _AGAIN),
    "status:400": Rule(4, _AWAY, _AGAIN),
    "status:422": Rule(4, _AWAY, _AGAIN),
    "status:401": Rule(5, _AWAY, _AGAIN),
    "status:403": Rule(5, _AWAY, _AGAIN),
    "status:402": Rule(6, _AWAY, _AGAIN),
    "status:404": Rule(7, _AWAY, _AGAIN),
    "status:405": Rule(7, _AWAY, _AGAIN),
    "status:410": Rule(7, _AWAY, _AGAIN),
    "status:408": Rule(8, _LOST, _AGAIN),
    "status:409": Rule(8, _LOST, _AGAIN),
    "status:425": Rule(8, _LOST, _AGAIN),
    "status:499": Rule(8, _LOST, _AGAIN),
    "status:500": Rule(9, _LOST, _AGAIN),
    "status:502": Rule(10, _LOST, _AGAIN),
    "status:503": Rule(10, _LOST, _AGAIN),
    "status:504": Rule(10, _LOST, _AGAIN),
    "refused": Rule(11, _WAIT, _AGAIN),
    "rst_before": Rule(12, _may(Must.HELD, Must.AGAIN, Must.AWAY), _AGAIN),
    "rst_in": Rule(12, _LOST, _AGAIN),
    "rst_after": Rule(13, _LOST, _AGAIN),
    "die": Rule(13, _LOST, _AGAIN),
    "hang": Rule(14, _LOST, _AGAIN),
    "drip": Rule(15, _LOST, _AGAIN),
    "rst_mid": Rule(16, _LOST, _AGAIN),
    "half_close": Rule(16, _LOST, _AGAIN),
    "cut": Rule(16, _LOST, _AGAIN),
    "cut:1": Rule(16, _LOST, _AGAIN),
    "cut:12": Rule(16, _LOST, _AGAIN),
    "long": Rule(16, _LOST, _AGAIN),
    "short": Rule(16, _LOST_OR_BAD, _may(Must.AGAIN, Must.CHARGED, Must.GO_ON)),
    "gzip": Rule(17, _LOST, _AGAIN),
    "half_gzip": Rule(17, _LOST, _AGAIN),
    "charset": Rule(17, _LOST, _AGAIN),
    "redirect:301": Rule(18, _AWAY, _AGAIN),
    "redirect:302": Rule(18, _AWAY, _AGAIN),
    "redirect:303": Rule(18, _AWAY, _AGAIN),
    "redirect:307": Rule(18, _LOST, _AGAIN),
    "redirect:308": Rule(18, _LOST, _AGAIN),
    "error200": Rule(19, _ANY_END, _may(Must.AGAIN, Must.CHARGED)),
    "html200": Rule(20, _LOST, _AGAIN),
    "date": Rule(30, *_FINE),
    "latency": Rule(0, *_FINE),
    "bandwidth": Rule(0, *_FINE),
    "slice": Rule(0, *_FINE),
}
"""What our proxy does. After `no_` the same without the vendor ever hearing of it."""

AT_THE_VENDOR: Mapping[str, Rule] = {
    "429": Rule(3, _WAIT, _AGAIN),
    "429:retry_after=2": Rule(1, _WAIT, _AGAIN),
    "500": Rule(9, _LOST, _AGAIN),
    "502": Rule(10, _LOST, _AGAIN),
    "503": Rule(10, _LOST, _AGAIN),
    "reset_before": Rule(13, _LOST, _AGAIN),
    "reset_after": Rule(13, _LOST, _AGAIN),
    "out_of_credit": Rule(6, _AWAY, _AGAIN),
    "retired": Rule(7, _AWAY, _AGAIN),
    "stall:0.02": Rule(0, *_FINE),
    "stall:90000": Rule(14, _LOST, _AGAIN),
    "drip": Rule(15, _LOST, _AGAIN),
    "truncate": Rule(16, _LOST, _AGAIN),
    "html": Rule(20, _LOST, _AGAIN),
    "empty": Rule(20, _LOST, _AGAIN),
    "bad_json": Rule(20, _LOST, _AGAIN),
    "refuse": Rule(21, _ANY_END - {Must.HELD}, _SOME_END - {Must.HELD}),
    "fail": Rule(23, _ANY_END, _SOME_END),
    "stuck": Rule(24, _ANY_END, _AGAIN),
    "no_output": Rule(25, _ANY_END - {Must.AWAY}, _AGAIN),
    "expired": Rule(26, _may(Must.CHARGED), _may(Must.AGAIN, Must.CHARGED)),
    "wrong_size": Rule(27, _AS_IT_COMES, _AS_IT_COMES | _AGAIN),
    "wrong_length": Rule(27, _AS_IT_COMES, _AS_IT_COMES | _AGAIN),
}
"""What the sandbox does in its vendors' own words."""

_SAFE = {"runway": (502, 503, 504), "runway_images": (502, 503, 504)}
"""Where a vendor has it in writing that such an answer means: not taken."""


def is_told(platform: str, fault: str, on: str) -> bool:
    """Whether a fault is an answer in the vendor's place that only makes sense if the vendor never heard of it."""
    lost = on == "start" and rule(platform, fault).start == _LOST
    return fault.startswith(("status", "retry", "redirect", "error200")) and not lost


def rule(platform: str, *faults: str) -> Rule:
    """The rule for a fault at a platform; of several at once, any may have its way, but for the harmless."""
    rules = [_rule(platform, fault) for fault in faults]
    if serious := [found for found in rules if not found.harmless]:
        start, read = (
            frozenset().union(*(getattr(each, on) for each in serious)) for on in ("start", "read")
        )
        return Rule(serious[0].row, start, read)
    return rules[0] if rules else HARMLESS


def _rule(platform: str, fault: str) -> Rule:
    name = fault.removeprefix("no_") if fault.removeprefix("no_") in ON_THE_WIRE else fault
    found = ON_THE_WIRE.get(name) or AT_THE_VENDOR[name]
    status = name.removeprefix("status:")
    if status.isdigit() and int(status) in _SAFE.get(platform, ()):
        return Rule(found.row, _WAIT, found.read)
    return found
