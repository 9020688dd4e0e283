"""The catalogue: every platform and model we know, at what price on which day, and what became of the rest.

One file in `platforms/` is one platform, and the folder listing is the list. `retired.toml` remembers
the names that are gone. A mistake in any of them is reported with its file and line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

import tomli
from pydantic import BaseModel, Field, ValidationError

from shared_knowledge.errors import BadRequest, Broken
from shared_knowledge.platform_facts import Model, Platform, plain
from shared_knowledge.toml_lines import line_of
from shared_knowledge.vocabulary import Frozen, Medium

__all__ = ["Catalogue", "Explanation", "Gone"]

_HERE = Path(__file__).parent
_T = TypeVar("_T", bound=BaseModel)


class Gone(Frozen):
    """Names that nobody can use any more, or that are called differently here."""

    names: tuple[str, ...] = Field(min_length=1)
    what: str
    since: date | None = None
    why: str
    instead: tuple[str, ...] = ()
    successor: str | None = None
    source: str = ""


class _Register(Frozen):
    retired: tuple[Gone, ...]
    renamed: dict[str, str]


class Explanation(Frozen):
    """What a name means here: how we know it, since when it is gone, and what to say instead."""

    name: str
    kind: Literal["platform", "model", "brand", "renamed", "retired", "unknown"]
    sentence: str
    platform: str | None = None
    since: date | None = None
    instead: tuple[str, ...] = ()


class Catalogue:
    """Everything in the files, read once and checked."""

    def __init__(self, platforms: tuple[Platform, ...], register: _Register) -> None:
        self.platforms = platforms
        self.gone = register.retired
        self._by_id = {platform.id: platform for platform in platforms}
        self._renamed = {plain(old): new for old, new in register.renamed.items()}
        self._gone = {plain(name): gone for gone in register.retired for name in gone.names}

    @staticmethod
    def load(folder: Path | None = None) -> Catalogue:
        """The catalogue of the package, read once; or that of another folder, read afresh."""
        return _own() if folder is None else Catalogue._read(folder)

    @classmethod
    def _read(cls, folder: Path) -> Self:
        found = [_read_platform(path) for path in sorted((folder / "platforms").glob("*.toml"))]
        order = list(Medium)
        found.sort(key=lambda platform: (order.index(platform.medium), platform.local, platform.id))
        path = folder / "retired.toml"
        return cls(tuple(found), _checked(_Register, path, *_parsed(path)))

    def platform(self, platform_id: str) -> Platform:
        """The platform of that id; any other name is explained in a BadRequest."""
        found = self._by_id.get(platform_id)
        if found is None:
            raise BadRequest(self.explain(platform_id).sentence, todo="`agentes platforms` lists them all.")
        return found

    def of(self, medium: Medium) -> tuple[Platform, ...]:
        """The platforms of a medium, those on this machine last."""
        return tuple(platform for platform in self.platforms if platform.medium is medium)

    def models(self, medium: Medium | None = None) -> Iterator[tuple[Platform, Model]]:
        """Every model of a medium, or of all, with the platform that serves it."""
        for platform in self.platforms:
            if medium is None or platform.medium is medium:
                for model in platform.models:
                    yield platform, model

    def changes_after(self, today: date) -> date | None:
        """The next day on which a price or the life of a model changes."""
        days = [
            day
            for _, model in self.models()
            for day in (
                model.retires_on,
                *(price.valid_from for price in model.prices),
                *(_day_after(price.valid_until) for price in model.prices),
            )
            if day is not None and day > today
        ]
        return min(days, default=None)

    def named(self, name: str) -> str | None:
        """The platform id a name stands for: the id itself, or an older spelling of it."""
        return name if name in self._by_id else self._renamed.get(plain(name))

    def successor(self, brand: str) -> str | None:
        """The brand that carries on what a retired one was, if somebody does."""
        gone = self._gone.get(plain(brand))
        return gone.successor if gone else None

    def explain(self, name: str) -> Explanation:
        """What a name means here, whether it lives, is gone, or was never known."""
        word = plain(name)
        if name in self._by_id:
            sentence = f"{name} is {self._by_id[name].name} ({self._by_id[name].medium})."
            return Explanation(name=name, kind="platform", platform=name, sentence=sentence)
        if word in self._renamed:
            new = self._renamed[word]
            sentence = f"{name} is called {new} here."
            return Explanation(name=name, kind="renamed", platform=new, instead=(new,), sentence=sentence)
        if word in self._gone:
            return _obituary(name, self._gone[word])
        hosts = tuple(f"{p.id}:{m.id}" for p, m in self.models() if plain(m.id) == word)
        if hosts:
            sentence = f"{name} is a model; write {_or(hosts)}."
            return Explanation(name=name, kind="model", sentence=sentence, instead=hosts)
        carriers = self.carriers(name)
        if carriers:
            sentence = f"{name} is a brand, not a platform; it is reached through {_or(carriers)}."
            return Explanation(name=name, kind="brand", sentence=sentence, instead=carriers)
        return self._guess(name)

    def carriers(self, brand: str) -> tuple[str, ...]:
        """The platforms on which a brand's models are served, or which belong to it."""
        return tuple(
            platform.id
            for platform in self.platforms
            if platform.belongs_to(brand) or any(model.made_by(brand) for model in platform.models)
        )

    def _guess(self, name: str) -> Explanation:
        from difflib import get_close_matches

        own = {plain(platform_id): platform_id for platform_id in self._by_id}
        meant = {**{word: word for word in self._gone}, **self._renamed, **own}
        near = tuple(dict.fromkeys(meant[w] for w in get_close_matches(plain(name), meant, n=3, cutoff=0.7)))
        hint = f" Did you mean {_or(near)}?" if near else ""
        sentence = f"There is no platform called {name[:60]!r}.{hint}"
        return Explanation(name=name, kind="unknown", sentence=sentence, instead=near)


@cache
def _own() -> Catalogue:
    return Catalogue._read(_HERE)


# ── reading files ──────────────────────────────────────────────────────────────────────────────


def _read_platform(path: Path) -> Platform:
    told, text = _parsed(path)
    sources = told.pop("sources", {})
    for index, model in enumerate(_tables(told.get("models"))):
        for number, price in enumerate(_tables(model.get("prices"))):
            name = price.get("source")
            if name not in sources:
                place = ("models", index, "prices", number)
                raise _broken(path, text, place, f"the source {name!r} is not one of [sources]")
            model["prices"][number] = {**sources[name], **price, "source": sources[name].get("source", name)}
    return _checked(Platform, path, {"id": path.stem, **told}, text)


def _tables(value: Any) -> list[dict[str, Any]]:
    return value if isinstance(value, list) and all(isinstance(row, dict) for row in value) else []


def _parsed(path: Path) -> tuple[dict[str, Any], str]:
    try:
        text = path.read_text(encoding="utf-8")
        return tomli.loads(text, parse_float=Decimal), text
    except OSError as trouble:
        raise Broken(f"{_shown(path)} cannot be read: {trouble.strerror}.", todo=_REINSTALL) from trouble
    except UnicodeDecodeError as trouble:
        raise Broken(f"{_shown(path)} is not UTF-8 text.", todo=_REINSTALL) from trouble
    except tomli.TOMLDecodeError as trouble:
        line = re.search(r"line (\d+)", str(trouble))
        number = int(line[1]) if line else len(text.splitlines())
        raise Broken(f"{_shown(path)}, line {number}: {trouble}.", todo=_REINSTALL) from trouble


def _checked(kind: type[_T], path: Path, told: dict[str, Any], text: str) -> _T:
    try:
        return kind.model_validate(told)
    except ValidationError as trouble:
        first = trouble.errors(include_url=False, include_input=False)[0]
        raise _broken(path, text, first["loc"], first["msg"]) from None


def _broken(path: Path, text: str, place: tuple[str | int, ...], what: str) -> Broken:
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")
    line = line_of(text, place)
    return Broken(f"{_shown(path)}, line {line}: {where or 'the file'}: {what}.", todo=_REINSTALL)


_REINSTALL = "Correct the file, or install Agentes again if you did not touch it."


def _shown(path: Path) -> str:
    """The path as a reader of the repository knows it."""
    root = path.parent.parent if path.parent.name == "platforms" else path.parent
    return path.relative_to(root.parent).as_posix()


# ── words ──────────────────────────────────────────────────────────────────────────────────────


def _or(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _obituary(name: str, gone: Gone) -> Explanation:
    when = f" on {gone.since}" if gone.since else ""
    instead = f" Use {_or(gone.instead)} instead." if gone.instead else ""
    sentence = f"{gone.what} {gone.why}{when}.{instead}"
    return Explanation(name=name, kind="retired", since=gone.since, instead=gone.instead, sentence=sentence)


def _day_after(day: date | None) -> date | None:
    return date.fromordinal(day.toordinal() + 1) if day is not None else None
