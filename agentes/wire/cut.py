"""What an answer that was cut off had already said: every value that stands there to its last character."""

from __future__ import annotations

import json

__all__ = ["said_in_full"]

_DEEPEST = 32
_CLOSES = {"{": "}", "[": "]"}


def said_in_full(cut: bytes) -> bytes:
    """The longest beginning of a JSON object that was said in full, with its brackets closed; b"{}" if none was.

    A string counts from its closing quote on, a number or a word from what follows it.
    """
    try:
        text = cut.decode("utf-8", "ignore")
        whole = _longest(text)
        return whole.encode() if isinstance(json.loads(whole), dict) else b"{}"
    except (ValueError, RecursionError):
        return b"{}"


def _longest(text: str) -> str:
    open_ones: list[str] = []
    upto, closing = 0, ""
    in_string, escaped, is_value = False, False, False
    for at, letter in enumerate(text):
        if in_string:
            in_string = escaped or letter != '"'
            escaped = letter == "\\" and not escaped
            ends = at + 1 if is_value and not in_string else 0
        elif letter == '"':
            in_string, ends = True, 0
        elif letter in _CLOSES:
            open_ones.append(_CLOSES[letter])
            is_value, ends = letter == "[", 0
        elif letter in "}]":
            if not open_ones or open_ones.pop() != letter:
                break
            ends = at + 1
        elif letter == ",":
            is_value, ends = open_ones[-1:] == ["]"], at
        else:
            is_value, ends = is_value or letter == ":", 0
        if len(open_ones) > _DEEPEST:
            break
        if ends:
            upto, closing = ends, "".join(reversed(open_ones))
    return text[:upto] + closing
