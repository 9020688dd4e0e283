"""A word for a picture, a clip or a voice, with the words before it that count and qualify it."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.brief.numerals import number_at
from orchestrator.brief.page import Page
from orchestrator.brief.tokens import Kind

__all__ = ["Noun", "look_left"]

_HEAD_LAST = frozenset({"en", "de"})
_QUALIFIERS = (
    "quality", "shape", "manner", "gender", "language", "colour", "network", "only", "approx", "existing", "carousel",
)  # fmt: skip
_STOPS = (
    "without", "cancel", "instead", "vague", "another", "article", "definite", "possessive", "demonstrative",
    "series", "each", "every", "or", "then", "but", "animate", "ask", "and", "with", "about", "for", "from", "of",
    "place", "all", "nor", "copy", "use",
)  # fmt: skip
_FACTS = frozenset({"duration", "ratio", "shape", "detail", "prefer", "cue"})
_MOST_ADJECTIVES = 4


@dataclass(slots=True, eq=False)
class Noun:
    """A media word: its medium, the start of its phrase, and what stands before that phrase."""

    medium: str
    at: int
    end: int
    first: int
    weak: bool
    plural: bool
    network: str = ""
    count: int | None = None
    vague: bool = False
    determiner: str = ""
    governor: str = "start"
    governor_at: int = 0
    ordinal: int = 0
    existing: bool = False
    only: bool = False
    adjectives: int = 0
    thumbnail: bool = False


def look_left(page: Page, noun: Noun) -> None:
    """Walks back over adjectives and facts to the count or article, and to what governs them."""
    start = page.segment_start(noun.at)
    place = noun.first
    while place > start:
        mark = page.owner[place - 1]
        if mark is not None:
            if mark.kind not in _FACTS or mark.means.startswith("platform.avoid"):
                _governed(noun, "mark", place)
                return
            place = mark.first
            continue
        counted = _count_before(page, place)
        if counted is not None and not (counted[0] == 1 and page.has(counted[1], "article")):
            noun.count, noun.first = counted
            noun.determiner = "count"
            _known_number(page, noun)
            _governor(page, noun, noun.first, start)
            return
        stopped = _stop_before(page, noun, place)
        if stopped is None:
            return
        place = stopped
    noun.first = place
    _governed(noun, "start", place)


def _known_number(page: Page, noun: Noun) -> None:
    """ "the 3 photos", "nos deux clips": counted, and known all the same."""
    for category in ("definite", "possessive", "demonstrative"):
        at = page.before(noun.first, category)
        if at is not None and (noun.count or 0) > 1 and not page.has(at, "all", "of", "from"):
            noun.determiner, noun.first = category, at
            return


def _stop_before(page: Page, noun: Noun, place: int) -> int | None:
    """One step back; None when something was found that ends the phrase."""
    ordinal = page.before(place, "ordinal")
    if ordinal is not None:
        noun.ordinal = int(page.value(ordinal, "ordinal"))
        noun.first = ordinal
        return ordinal
    for category in _QUALIFIERS:
        at = page.before(place, category)
        if at is not None and not page.has(at, "article", "of", "vague"):
            noun.existing = noun.existing or category == "existing"
            noun.only = noun.only or category == "only"
            noun.first = at
            return at
    for category in _STOPS:
        at = page.before(place, category)
        if at is None or (category == "vague" and _is_genitive(page, at)):
            continue
        if category in {
            "article",
            "definite",
            "possessive",
            "demonstrative",
            "vague",
            "another",
            "each",
            "every",
        }:
            _determined(page, noun, category, at, place)
        elif category == "series" and not noun.plural:
            _series(page, noun, at, page.segment_start(noun.at))
        else:
            _governed(noun, category, at)
        return None
    token = page.tokens[place - 1]
    if page.hidden[place - 1] or not token.is_word:
        _governed(noun, "slash" if token.text == "/" else "mark", place)
        return None
    noun.adjectives += 1
    if noun.adjectives > _MOST_ADJECTIVES:
        _governed(noun, "word", place)
        return None
    if page.language_of(place - 1) not in _HEAD_LAST and not noun.count and noun.adjectives > 2:
        _governed(noun, "word", place)
        return None
    noun.first = place - 1
    return place - 1


def _determined(page: Page, noun: Noun, category: str, at: int, end: int) -> None:
    """Notes the article or its like that stands from `at` to `end`, and what governs it."""
    noun.first = at
    noun.determiner = "each" if category == "every" else category
    noun.vague = category == "vague"
    if category in {"article", "another"}:
        noun.count = 1
    start = page.segment_start(noun.at)
    contracted = _contracted(page, at, end)
    versions = page.before(at, "versions") if contracted == "of" else None
    if versions is not None and page.owner[versions] is None and _count_before(page, versions):
        _series(page, noun, versions, start)
    elif contracted == "series":
        _series(page, noun, at, start)
    elif contracted:
        _governed(noun, contracted, at)
    else:
        _governor(page, noun, at, start)


def _is_genitive(page: Page, at: int) -> bool:
    """Whether "des", "dei" or "delle" means "of the": right after a noun, not after a verb or at the start."""
    if not page.has(at, "of") or at == 0 or page.segment[at - 1] != page.segment[at]:
        return False
    return page.before(at, "ask", "and", "with", "then", "or", "chat", "but") is None


def _contracted(page: Page, at: int, end: int) -> str:
    """The preposition that is one word with this article: "da", "num", "al", "du", "nella", "zum"."""
    tags = page.tags[at]
    names = (
        name
        for name in ("series", "ask", "from", "of", "for", "place")
        if name in tags and tags[name].end == end
    )
    return _shared(page, at, next(names, ""))


def _shared(page: Page, at: int, governor: str) -> str:
    """ "preciso duma foto e de um vídeo": the preposition belongs to the verb that asks, so the verb governs."""
    if governor != "of":
        return governor
    if page.has(at, "pronoun"):
        return "start"
    verb = page.before(at, "ask")
    if verb is not None and not page.has(verb, "medium"):
        return "ask"
    start = page.segment_start(at)
    joined = page.before(at, "and") is not None
    asked = any(page.has(place, "ask") for place in range(page.sentence_range(at).start, at))
    return ("and" if joined else "start") if asked and (joined or at == start) else governor


def _governed(noun: Noun, governor: str, at: int) -> None:
    noun.governor, noun.governor_at = governor, at


def _governor(page: Page, noun: Noun, place: int, start: int) -> None:
    """What stands before the article or count: the beginning, a verb, a preposition, a word."""
    while place > start:
        only = page.before(place, "only", "approx", "all", "chat")
        if only is None and page.language_of(place - 1) == "de":
            only = page.before(place, "each")
        if only is None:
            break
        noun.first = place = only
    if place <= start:
        _governed(noun, "start", place)
        return
    if page.before(place, "one_of") is not None:
        _governed(noun, "start", place)
        return
    for category in ("series", *_STOPS):
        at = page.before(place, category)
        if at is not None:
            _governed(noun, _shared(page, at, category), at)
            if category == "series":
                _series(page, noun, at, start)
            elif category in {"of", "with"} and _ends_carousel(page, at):
                _governed(noun, "series", at)
            return
    versions = page.before(place, "versions") if page.language_of(place - 1) == "de" else None
    if versions is not None and page.owner[versions] is None:
        _series(page, noun, versions, start)
        return
    mark = page.owner[place - 1]
    text = page.tokens[place - 1].text
    if mark is not None or page.hidden[place - 1]:
        _governed(noun, "mark", place)
    else:
        _governed(
            noun, "slash" if text == "/" else "word" if page.tokens[place - 1].is_word else "start", place
        )


def _ends_carousel(page: Page, at: int) -> bool:
    """ "carrousel Instagram de": the network stands between the carousel and its pictures."""
    network = page.before(at, "network")
    return page.before(at if network is None else network, "carousel") is not None


def _series(page: Page, noun: Noun, at: int, start: int) -> None:
    noun.first = at
    counted = _count_before(page, at)
    if counted is not None and counted[0] > 1:
        noun.count = (noun.count or 1) * counted[0]
        noun.determiner, noun.first = "count", counted[1]
    _governed(noun, "series", at)
    if counted is None and at > start:
        before = page.before(at, "article", "definite", "another")
        noun.first = at if before is None else before


def _count_before(page: Page, place: int) -> tuple[int, int] | None:
    """The whole number that ends just before this place, and where it starts."""
    times = page.tokens[place - 1]
    at = place - 1
    if times.word in {"x", "×"} or (times.kind is Kind.MARK and times.text == "×"):
        at -= 1
    if times.word[:1] == "x" and times.word[1:].isdecimal():
        return int(times.word[1:][:3]), place - 1
    for first in range(max(0, at - 4), at + 1):
        if not page.free(first, at + 1) or page.has(first, "ordinal"):
            continue
        number = number_at(page, first)
        if number and number.end == at + 1 and number.value == int(number.value) and number.value < 10_000:
            return int(number.value), first
    return None
