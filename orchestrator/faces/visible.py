"""Words of strangers on a terminal: what would steer it, or turn a line around, is shown as a mark and not obeyed."""

from __future__ import annotations

__all__ = ["visible"]

_MARK = "\N{REPLACEMENT CHARACTER}"
_STEERING = (*range(0x20), *range(0x7F, 0xA0), 0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F))
_TURNING = tuple(range(0x2066, 0x206A))
_SHOWN = dict.fromkeys((*_STEERING, *_TURNING), _MARK) | {ord("\n"): "\n", ord("\t"): "\t", ord("\r"): " "}


def visible(text: str) -> str:
    """The same text, letter for letter, with nothing in it that a terminal would act on."""
    return text if text.isprintable() else text.translate(_SHOWN)
