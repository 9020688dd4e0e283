"""What a person may give us to be spoken over a film: checked and cleaned before anybody relies on it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from enum import StrEnum
from typing import Any

__all__ = [
    "LONGEST_WORDS",
    "address_of",
    "language_tag",
    "one_of",
    "plain_address",
    "shortened",
    "spoken_words",
]

LONGEST_WORDS = 8_000
_LONGEST_ADDRESS = 2_048

_TAG = re.compile(r"([a-z]{2,3})((?:-[a-z0-9]{2,8}){0,3})", re.ASCII | re.IGNORECASE)
_ISO_639_1 = (
    "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee "
    "el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is "
    "it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms "
    "mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk "
    "sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi "
    "yo za zh zu"
)
_CODES = frozenset(_ISO_639_1.split())
# Signs that turn the direction of a text, or join nothing: heard by nobody, and good for disguises.
_UNHEARD = frozenset("\u200b\u200e\u200f\u2060\ufeff\u061c") | frozenset(
    chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), *range(0xFFF9, 0xFFFC))
)


def address_of(address: str) -> str:
    """The address of a file on the web; ValueError for anything else, such as a file of this machine."""
    if len(address) > _LONGEST_ADDRESS:
        raise ValueError(f"Must be at most {_LONGEST_ADDRESS:,} characters long")
    if not re.match(r"https?://[^\s/?#\x00-\x20]+", address, re.IGNORECASE) or not address.isprintable():
        raise ValueError("Must be an http or https address of a film")
    return address


def plain_address(address: str) -> str:
    """An address without what may be as good as a key: its query, and a name before the host."""
    bare = re.sub(r"//[^/@]*@", "//", re.split(r"[?#]", address, maxsplit=1)[0])
    return bare if len(bare) <= 120 else f"{bare[:117]}…"


def spoken_words(text: str | None) -> str | None:
    """The words as they will be spoken: composed, without signs nobody hears; ValueError if none are left."""
    if text is None:
        return None
    if text.isascii() and text.isprintable():  # nothing in it is to be composed or left out
        words = " ".join(text.split())
    else:
        composed = unicodedata.normalize("NFC", text)
        lines = ("".join(map(_heard, line)).split() for line in composed.splitlines())
        words = "\n".join(" ".join(line) for line in lines if line)
    if not any(letter.isalnum() for letter in words):
        raise ValueError("Must have words to speak, or be left out for a film without a voice")
    if len(words) > LONGEST_WORDS:
        raise ValueError(f"Must be at most {LONGEST_WORDS:,} characters long; these are {len(words):,}")
    return words


def shortened(words: str, most: int) -> str:
    """The beginning of a text, as far as whole words go."""
    line = " ".join(words.split())
    if len(line) <= most:
        return line
    return f"{line[:most].rpartition(' ')[0] or line[:most]}…"


def _heard(letter: str) -> str:
    if letter in _UNHEARD:
        return ""
    return " " if unicodedata.category(letter) in {"Cc", "Cs", "Cn", "Zl", "Zp"} else letter


def language_tag(tag: str) -> str:
    """A language in its usual writing, such as en or pt-BR; ValueError if it names none."""
    found = _TAG.fullmatch(tag.strip().replace("_", "-"))
    if found is None or (len(found[1]) == 2 and found[1].lower() not in _CODES):
        raise ValueError("Must be 2-letter code (e.g., 'en', 'fr')")
    subtags = found[2].split("-")[1:]
    written = ({2: part.upper(), 4: part.title()}.get(len(part), part.lower()) for part in subtags)
    return "-".join([found[1].lower(), *written])


def one_of(names: type[StrEnum], what: str) -> Callable[[Any], Any]:
    """A check that a name is among these; its ValueError names them all."""

    def check(name: Any) -> Any:
        if name is None:
            return names("none")
        if not isinstance(name, str) or name.strip().lower() not in set(names):
            raise ValueError(f"Invalid {what}: {str(name)[:40]!r}. Use one of {', '.join(names)}")
        return names(name.strip().lower())

    return check
