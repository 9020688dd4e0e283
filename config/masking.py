"""Hiding: no text that went through a Mask shows a value the Mask was told about.

A value hides in many coats. What a Mask knows it finds plain, percent-encoded, escaped for JSON,
Python or HTML, in base64 at any offset (a user:password pair is one base64 text), and cut short:
twelve characters in a row are already too many.
"""

from __future__ import annotations

import json
import re
import threading
from binascii import b2a_base64
from typing import NamedTuple
from urllib.parse import quote, quote_plus

__all__ = ["Mask", "cover"]

_TELLING = 12
_BLOCK = 6
_EVERYWHERE = 6
_DERIVED = 8
_BASE64_URL = str.maketrans("+/", "-_")
_PERCENT = re.compile("%[0-9A-F]{2}")


def cover(name: str) -> str:
    """What stands where a value stood."""
    return f"[{name} hidden]"


class _Form(NamedTuple):
    text: str
    covered: str
    blocks: tuple[str, ...]


class Mask:
    """Remembers values, and hides them in any text it is shown."""

    def __init__(self) -> None:
        self._forms: tuple[_Form, ...] = ()
        self._values: set[str] = set()
        self._lock = threading.Lock()

    def add(self, value: str, name: str) -> None:
        """From now on this value, in all its coats, reads as its name."""
        with self._lock:
            if value in self._values:
                return
            self._values.add(value)
            together = (*self._forms, *(_form(text, cover(name)) for text in _coats(value)))
            self._forms = tuple(sorted(together, key=lambda form: len(form.text), reverse=True))

    def __call__(self, text: str) -> str:
        for form in self._forms:
            # Any telling slice is longer than two blocks less one, so it holds a whole block:
            # looking for blocks finds every slice, and costs little where there is none.
            for number, block in enumerate(form.blocks):
                if block in text:
                    text = _hide_slices(text, form, number)
            if not form.blocks and form.text in text:
                text = _hide_whole(text, form)
        return text


def _form(text: str, covered: str) -> _Form:
    starts = range(0, len(text) - _BLOCK + 1, _BLOCK) if len(text) >= _TELLING else ()
    return _Form(text, covered, tuple(text[at : at + _BLOCK] for at in starts))


def _coats(value: str) -> set[str]:
    from html import escape

    escaped = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]}
    percent = {quote(value), quote(value, safe=""), quote_plus(value)}
    percent |= {_PERCENT.sub(lambda match: match[0].lower(), form) for form in percent}
    derived = escaped | percent | {escape(value)} | _base64_forms(value.encode())
    return {value} | {form for form in derived if len(form) >= _DERIVED}


def _base64_forms(raw: bytes) -> set[str]:
    forms = set()
    for offset in range(3):
        encoded = b2a_base64(bytes(offset) + raw, newline=False).decode()
        first = (offset * 8 + 5) // 6
        last = (offset + len(raw)) * 8 // 6
        forms.add(encoded[first:last])
    forms.add(b2a_base64(raw, newline=False).decode())
    return forms | {form.translate(_BASE64_URL) for form in forms}


def _hide_whole(text: str, form: _Form) -> str:
    if len(form.text) >= _EVERYWHERE:
        return text.replace(form.text, form.covered)
    return re.sub(rf"(?<![^\W_]){re.escape(form.text)}(?![^\W_])", lambda _: form.covered, text)


def _hide_slices(text: str, form: _Form, number: int) -> str:
    block = form.blocks[number]
    start = text.find(block)
    while start >= 0:
        left, right = _grow(text, start, form.text, number * _BLOCK)
        if right - left >= _TELLING:
            text = text[:left] + form.covered + text[right:]
            start = text.find(block, left + len(form.covered))
        else:
            start = text.find(block, start + 1)
    return text


def _grow(text: str, start: int, form: str, at: int) -> tuple[int, int]:
    left, right = start, start + _BLOCK
    before, after = at, at + _BLOCK
    while left and before and text[left - 1] == form[before - 1]:
        left, before = left - 1, before - 1
    while right < len(text) and after < len(form) and text[right] == form[after]:
        right, after = right + 1, after + 1
    return left, right
