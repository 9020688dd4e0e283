"""Common subjects in other words: a brief may be written in one language and spoken in another."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from importlib import resources
from typing import Any

import tomli

__all__ = ["in_language"]


def in_language(subject: str, written_in: str, spoken_in: str) -> str | None:
    """The subject in the spoken language: itself, its translation, or None where no word list knows it."""
    source, target = written_in.split("-")[0], spoken_in.split("-")[0]
    if not subject or source == target:
        return subject or None
    table = _table()
    if source not in table["cut_before"] or target not in table["cut_before"]:
        return None
    words = f" {_head(subject, table['cut_before'][source])} "
    noun, plural, words = _take_noun(words, source)
    materials, words = _take_materials(words, source)
    left = [
        word for word in words.split() if word not in {_folded(out) for out in table["leave_out"][source]}
    ]
    if not noun or any(word not in _JOINTS for word in left):
        return None
    entry = table["noun"][noun]
    forms = entry.get(spoken_in, entry[target])
    named = forms[1 if plural else 0]
    made_of = [table["material"][material][target] for material in materials]
    return " ".join([*made_of, named] if target == "en" else [named, *made_of])


_JOINTS = frozenset({"de", "di", "e", "y", "et", "und", "and", "of", "aus", "en", "in"})


@cache
def _table() -> dict[str, Any]:
    path = resources.files("agentes.voice_agent.scripts") / "glossary.toml"
    return tomli.loads(path.read_text("utf-8"))


def _folded(text: str) -> str:
    bare = unicodedata.normalize("NFD", text.casefold())
    return "".join(mark for mark in bare if not unicodedata.combining(mark))


def _head(subject: str, cut_before: list[str]) -> str:
    """The words up to the first that leads into a circumstance: "mug" of "mug on a table"."""
    words = re.findall(r"[\w'’-]+", _folded(subject))
    stops = {_folded(stop) for stop in cut_before}
    end = next(
        (at for at, word in enumerate(words) if at and word in stops and not _is_material(words, at)), None
    )
    return " ".join(words[:end])


def _is_material(words: list[str], at: int) -> bool:
    """Whether the words from here on name a material, as in "tasse en céramique"."""
    pair = " ".join(words[at : at + 2])
    return any(
        _folded(form) == pair for material in _table()["material"].values() for form in material.values()
    )


def _take_noun(words: str, language: str) -> tuple[str | None, bool, str]:
    """The longest noun found, whether it was plural, and the words without it."""
    found: tuple[str | None, bool, str] = (None, False, "")
    for name, forms in _table()["noun"].items():
        for index, form in enumerate(forms[language]):
            said = f" {_folded(form)} "
            if said in words and len(said) > len(found[2]):
                plural = forms[language][0] != form and (index == 1 or said.endswith("s "))
                found = (name, plural, said)
    name, plural, said = found
    return name, plural, words.replace(said, " ", 1) if name else words


def _take_materials(words: str, language: str) -> tuple[list[str], str]:
    """The materials named, and the words without them."""
    taken = []
    for name, forms in _table()["material"].items():
        said = f" {_folded(forms[language])} "
        if said in words:
            taken.append(name)
            words = words.replace(said, " ", 1)
    return taken, words
