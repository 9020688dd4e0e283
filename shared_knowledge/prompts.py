"""Every prompt is written here: our own templates, strict and sandboxed, in which a brief is only ever text.

The templates live in four folders and nowhere else. What a person wrote is handed to them as a value;
nothing that comes from outside is ever compiled.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Literal, NamedTuple

import tomli

from shared_knowledge.errors import BadRequest

if TYPE_CHECKING:
    from jinja2 import Environment

    from shared_knowledge.vocabulary import Medium

__all__ = [
    "Dialect",
    "Prompt",
    "Wording",
    "compose_prompt",
    "fits",
    "manner_of",
    "named_in",
    "render",
    "size_of",
    "tidy",
]

LONGEST = 40_000

_ROOMS = {
    "parts": ("shared_knowledge", "prompt_parts"),
    "photo": ("agentes.photo_agent", "prompts"),
    "video": ("agentes.video_agent", "prompts"),
    "voice": ("agentes.voice_agent", "prompts"),
}
_NAME = re.compile(r"(parts|photo|video|voice)/((?:[a-z_]+/)?[a-z_]+\.j2)")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2029\u2066-\u2069\ud800-\udfff]")
_WORD_END = re.compile(r"(?=\s)|$|(?<=[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3])")

Unit = Literal["characters", "utf-16 units", "bytes", "tokens"]


@dataclass(frozen=True)
class Dialect:
    """How one platform wants to be spoken to: its manner, how much it reads, where "without" is said."""

    name: str
    limit: int | None = None
    unit: Unit = "characters"
    negatives: Literal["in_words", "apart"] = "in_words"


class Prompt(str):
    """A prompt: plain text that also knows, in sentences, what was left out of it to fit."""

    notes: tuple[str, ...]

    def __new__(cls, text: str, notes: Sequence[str] = ()) -> Prompt:
        prompt = super().__new__(cls, text)
        prompt.notes = tuple(notes)
        return prompt


class Wording(NamedTuple):
    """What a person's words in a prompt may be shortened to, and how to write the prompt with them."""

    words: str
    write: Callable[[str, int], str]


def render(template: str, **facts: object) -> str:
    """The text of one of our templates with these facts in it; a fact that looks like code stays text."""
    pieces, length = [], 0
    for piece in _environment().get_template(template).generate(**{k: _plain(v) for k, v in facts.items()}):
        length += len(piece)
        if length > LONGEST:
            raise BadRequest(f"A prompt would pass {LONGEST:,} characters.", todo="Say it in fewer words.")
        pieces.append(piece)
    return "".join(pieces).strip()


def tidy(text: str) -> str:
    """The same words on one flowing line per paragraph, without doubled spaces or stray punctuation."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    paragraphs = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    return re.sub(r" +([.,;:])(?=\s|$)", r"\1", paragraphs)


def compose_prompt(wording: Wording, dialect: Dialect) -> Prompt:
    """The fullest prompt the platform reads: advice goes first, then the end of the person's words."""
    for brevity in (0, 1, 2):
        text = tidy(wording.write(wording.words, brevity))
        if fits(text, dialect):
            return Prompt(text, (_advice_left_out(dialect),) if brevity else ())
    spare = size_of(tidy(wording.write("", 2)), dialect.unit)
    words = _shortened(wording.words, max(0, (dialect.limit or 0) - spare - 2), dialect.unit)
    text = tidy(wording.write(words, 2))
    if not fits(text, dialect):
        text = _shortened(text, dialect.limit or 0, dialect.unit)
    return Prompt(text, (_advice_left_out(dialect), _words_left_out(dialect)))


def fits(text: str, dialect: Dialect) -> bool:
    """Whether the platform reads all of it."""
    return dialect.limit is None or size_of(text, dialect.unit) <= dialect.limit


def size_of(text: str, unit: Unit) -> int:
    """How long a platform that counts in this unit finds the text; tokens are counted on the safe side."""
    if unit == "utf-16 units":
        return len(text.encode("utf-16-le")) // 2
    if unit == "bytes":
        return len(text.encode())
    if unit == "tokens":
        return -(-len(text.encode()) // 3)
    return len(text)


def named_in(words: str, signs: Iterable[str]) -> str | None:
    """The first of these signs that stands in the words as whole words, whatever its case."""
    said = words.casefold()
    there = (sign for sign in signs if sign.casefold() in said)
    return next(
        (sign for sign in there if re.search(rf"(?<!\w){re.escape(sign.casefold())}(?!\w)", said)), None
    )


@cache
def manner_of(medium: Medium | str, name: str) -> str:
    """The manner a dialect name stands for: its own, that of a platform, or else the medium's plainest."""
    path = resources.files("shared_knowledge") / "prompt_parts" / "dialects.toml"
    manners: dict[str, list[str]] = tomli.loads(path.read_text("utf-8"))[str(medium)]
    for manner, spoken_by in manners.items():
        if name == manner or name in spoken_by:
            return manner
    return next(iter(manners))


def _shortened(text: str, limit: int, unit: Unit) -> str:
    """The longest beginning within the limit that ends with a sentence, or else with a word."""
    if size_of(text, unit) <= limit:
        return text
    ends = [0, *(match.start() for match in _WORD_END.finditer(text))]
    fitting = bisect_right(ends, limit, key=lambda end: size_of(text[:end], unit))
    by_word = text[: ends[max(0, fitting - 1)]]
    sentences = [match.end() for match in re.finditer(r"[.!?…](?=\s|$)|[。！？]", by_word)]
    if sentences and sentences[-1] >= 0.6 * len(by_word):
        return by_word[: sentences[-1]]
    return by_word.rstrip(" ,;:–—-")


def _advice_left_out(dialect: Dialect) -> str:
    return f"Advice on style was left out of the prompt to fit {dialect.limit:,} {dialect.unit}."


def _words_left_out(dialect: Dialect) -> str:
    return f"The end of the description was left out to fit {dialect.limit:,} {dialect.unit}."


def _plain(fact: object) -> object:
    """The fact without control characters; only plain values ever reach a template."""
    if isinstance(fact, str):
        return _CONTROL.sub(" ", str(fact))
    if isinstance(fact, dict):
        return {str(name): _plain(value) for name, value in fact.items()}
    if isinstance(fact, (list, tuple)):
        return [_plain(value) for value in fact]
    if fact is None or isinstance(fact, (bool, int, float)):
        return fact
    raise TypeError(f"a template is given plain values, not {type(fact).__name__}")


@cache
def _environment() -> Environment:
    from jinja2 import FunctionLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment(
        loader=FunctionLoader(_source),
        undefined=StrictUndefined,
        # Prompts are text, not HTML; markup is made by the adapter that sends it.
        autoescape=False,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _source(name: str) -> str | None:
    """The text of a template in one of the four folders; None for any other name."""
    known = _NAME.fullmatch(name)
    if not known:
        return None
    package, folder = _ROOMS[known[1]]
    path = resources.files(package).joinpath(folder, *known[2].split("/"))
    return path.read_text("utf-8") if path.is_file() else None
