"""What is left when the facts are taken out: the subject, the scene, and what belongs to one asset alone."""

from __future__ import annotations

import re
from dataclasses import dataclass

from orchestrator.brief.expand import Draft
from orchestrator.brief.groups import Anchor, Group, Wanted
from orchestrator.brief.labels import CREATIVE, LINK
from orchestrator.brief.lexicon import Tag, lexicon
from orchestrator.brief.page import Page
from orchestrator.brief.tokens import Kind

__all__ = ["Picture", "imagine"]

_LONGEST_SUBJECT = 9
_LEADS = (
    "article", "definite", "possessive", "demonstrative", "of", "about", "with", "for", "and", "or", "but", "then",
    "ask", "chat", "have", "it", "each", "all", "only", "every", "range_to", "from", "correct", "approx", "any", "nor",
)  # fmt: skip
_DETERMINERS = ("article", "definite", "possessive", "demonstrative")
_KEPT_LEADS = ("with", "from", "about")
_TAILS = (
    "article", "definite", "possessive", "demonstrative", "of", "with", "for", "and", "or", "but", "then",
    "about", "nor", "range_to", "each", "chat", "it", "have", "every", "says",
)  # fmt: skip
_OPENERS = {"of": 4, "about": 4, "possessive": 3, "for": 2, "article": 2, "definite": 2}


@dataclass(frozen=True, slots=True)
class Picture:
    """The creative words of a brief, cleaned and put where they belong."""

    subject: str
    scene: str
    details: tuple[str, ...]
    subjects: tuple[str, ...]
    palette: tuple[str, ...]


@dataclass(slots=True)
class _Chunk:
    """Creative words that stand together, and the words before them that say what they are."""

    start: int
    first: int
    end: int
    lead: str = ""
    owner: Group | None = None
    listed: bool = False
    rest: bool = False
    subject_first: int = 0
    subject_end: int = 0


def imagine(page: Page, wanted: Wanted, drafts: list[Draft], labels: list[str]) -> Picture:
    """Sorts the creative words: what it is about, what is around it, what is one task's own."""
    chunks = _chunks(page, wanted, labels)
    for chunk in chunks:
        chunk.owner = _owner(page, wanted, chunk)
    heads = _heads(page, chunks)
    main = max(heads, key=lambda chunk: (_rank(page, chunk), -chunk.start), default=None)
    if main is not None and _rank(page, main) < -0.5:
        main = None
    subject = _subject(page, main) if main is not None else ""
    scene: list[str] = []
    details: dict[int, list[str]] = {number: [] for number in range(len(drafts))}
    whole = _has_one_subject(heads, drafts)
    for chunk in _without_subject(page, chunks, main):
        tasks = [] if whole and chunk.rest else _tasks_of(chunk, drafts)
        words = _words(page, chunk)
        if not words:
            continue
        if not tasks:
            scene.append(words)
        for number in tasks:
            details[number].append(f"({words})" if chunk.listed and drafts[number].count > 1 else words)
    return Picture(
        subject=subject,
        scene=_told(scene),
        details=tuple(_told(details[number]) for number in range(len(drafts))),
        subjects=tuple(_own_subject(page, heads, draft, subject) for draft in drafts),
        palette=_palette(page, labels),
    )


def _chunks(page: Page, wanted: Wanted, labels: list[str]) -> list[_Chunk]:
    """Runs of creative words within a segment; a list in brackets or after a colon is one."""
    chunks: list[_Chunk] = []
    at = 0
    while at < page.size:
        listed = _list_from(page, labels, at) if _is_after_several(wanted, at) else at
        if listed > at:
            chunks.append(_Chunk(at, at, listed, listed=True))
            at = listed
            continue
        end = at
        while end < page.size and page.segment[end] == page.segment[at] and _is_creative(page, labels, end):
            end += 1
        if any(labels[place] == CREATIVE and page.tokens[place].is_word for place in range(at, end)):
            chunks.append(_trimmed(page, at, end))
        at = max(end, at + 1)
    return [chunk for chunk in chunks if chunk.end > chunk.first and _says_something(page, labels, chunk)]


def _is_creative(page: Page, labels: list[str], at: int) -> bool:
    if page.tokens[at].kind is Kind.LINE:
        return False
    mark = page.owner[at]
    if mark is not None and mark.kind in {"voice", "money"}:
        return False
    return labels[at] == CREATIVE or (labels[at] == LINK and page.tokens[at].is_word)


def _is_after_several(wanted: Wanted, at: int) -> bool:
    before = [group for group in wanted.groups if group.at < at]
    return bool(before) and max(before[-1].count, before[-1].versions) > 1


def _list_from(page: Page, labels: list[str], at: int) -> int:
    """Where the list that starts here ends: "(heart, swan, tulip)" or ": sea, cliffs, gulls"."""
    if at == 0 or page.tokens[at - 1].text not in "(:" or page.owner[at - 1] is not None:
        return at
    closes = ")" if page.tokens[at - 1].text == "(" else ""
    parts, end = 1, at
    while end < page.size and page.sentence[end] == page.sentence[at]:
        token = page.tokens[end]
        if token.text == closes or token.text in ".;!":
            break
        if token.text in ",;/" or page.has(end, "and"):
            parts += page.tokens[end - 1].text not in ",;/"
        elif not (_is_creative(page, labels, end) and token.is_word):
            return at
        end += 1
    if end < page.size and closes and page.tokens[end].text != closes:
        return at
    while end > at and not page.tokens[end - 1].is_word:
        end -= 1
    short = end - at <= 5 * parts
    return end if parts > 1 and short else at


def _trimmed(page: Page, start: int, end: int) -> _Chunk:
    chunk, determined = _Chunk(start, start, end), False
    while chunk.first < end:
        tags = _tags(page, chunk.first)
        names = [name for name in (_DETERMINERS if determined else _LEADS) if name in tags]
        if not names or ("ask" in tags and chunk.first > start and not chunk.lead):
            break
        after = max(tags[name].end for name in names)
        determined = any(name in names for name in _DETERMINERS)
        chunk.lead = max((*names, chunk.lead), key=lambda name: _OPENERS.get(name, 1 if name else 0))
        chunk.first = min(after, end)
    while chunk.end > chunk.first:
        place = _tail(page, chunk.end)
        if place is None or place < chunk.first:
            break
        chunk.end = place
    return chunk


def _tags(page: Page, at: int) -> dict[str, Tag]:
    """What the word here can mean, even within a longer phrase."""
    if page.tags[at] or page.hidden[at]:
        return page.tags[at]
    return lexicon(page.language_of(at)).tags(page.tokens, at)


def _tail(page: Page, end: int) -> int | None:
    """Where the connecting word starts that stands before `end`; a preposition counts if more follows."""
    goes_on = end < page.size and page.segment[end] == page.segment[end - 1] and page.tokens[end].is_word
    place = page.before(end, *_TAILS, *(("place",) if goes_on or page.owner[min(end, page.size - 1)] else ()))
    return None if place is None or page.has(place, "number") else place


def _says_something(page: Page, labels: list[str], chunk: _Chunk) -> bool:
    """Whether any word here is neither a connecting word nor one that every brief holds."""
    return any(
        labels[at] == CREATIVE
        and (page.hidden[at] or not page.has(at, "common", "have", "ask", "correct", "deadline", "existing", "attached"))
        for at in range(chunk.first, chunk.end)
    )


def _owner(page: Page, wanted: Wanted, chunk: _Chunk) -> Group | None:
    """The asset these words stand beside: within its phrase, or after it in the same sentence."""
    here = [
        anchor
        for anchor in wanted.anchors
        if anchor.group is not None
        and anchor.role in {"request", "back", "part"}
        and page.sentence[anchor.at] == page.sentence[chunk.first]
        and (anchor.medium != "voice" or page.segment[anchor.end - 1] == page.segment[chunk.start])
    ]
    inside = [anchor for anchor in here if anchor.first <= chunk.first < anchor.end]
    before = [anchor for anchor in here if anchor.first <= chunk.first]
    nearest = (inside or before)[-1:] or _ahead(page, here, chunk)
    return (nearest[0].part or nearest[0].group) if nearest else None


def _ahead(page: Page, here: list[Anchor], chunk: _Chunk) -> list[Anchor]:
    return [anchor for anchor in here if page.segment[anchor.at] == page.segment[chunk.first]][:1]


def _tasks_of(chunk: _Chunk, drafts: list[Draft]) -> list[int]:
    """The tasks these words are for alone; none if they are for all that can be seen."""
    own = [n for n, draft in enumerate(drafts) if chunk.owner in {draft.source, draft.group}]
    exact = [n for n in own if drafts[n].source is chunk.owner]
    own = exact or own
    if not own:
        return []
    seen = [draft for draft in drafts if draft.medium != "voice"]
    if drafts[own[0]].medium == "voice":
        return own if len(drafts) > len(own) and not _speaks_of_all(chunk) else []
    others = [draft for draft in seen if draft.group is not chunk.owner and chunk.owner not in draft.group.depends]
    several = bool(others) and len(own) < len(seen)
    return own if several or any(drafts[n].count > 1 for n in own) else []


def _speaks_of_all(chunk: _Chunk) -> bool:
    return chunk.lead in {"about", "of"}


def _heads(page: Page, chunks: list[_Chunk]) -> list[_Chunk]:
    """The chunks that can hold a subject, each knowing where its noun phrase ends."""
    heads = []
    for chunk in chunks:
        if chunk.listed or page.hidden[chunk.first]:
            continue
        chunk.subject_first = chunk.first
        _skip_frame(page, chunk)
        chunk.subject_end = _phrase_end(page, chunk)
        if chunk.subject_end > chunk.subject_first:
            heads.append(chunk)
    return heads


def _skip_frame(page: Page, chunk: _Chunk) -> None:
    """"Campaign for a flower shop", "teaser about …": the frame is not what it is about."""
    at = chunk.first
    frames = [page.end(at, name) for name in ("creative", "naming") if page.has(at, name)]
    if not frames or page.has(at, "colour", "background"):
        return
    after = max(frames)
    if after < chunk.end and page.has(after, "of", "for", "about", "with"):
        rest = _trimmed(page, after, chunk.end)
        if rest.end > rest.first:
            chunk.subject_first, chunk.lead = rest.first, rest.lead


def _phrase_end(page: Page, chunk: _Chunk) -> int:
    """The noun phrase at the start of a chunk: up to a preposition that does not belong to it."""
    at = chunk.subject_first
    if (page.has(at, "place") and not page.has(at, "of", "how")) or page.has(at + 1, "it"):
        return at
    while at < chunk.end and at - chunk.subject_first < _LONGEST_SUBJECT:
        if at > chunk.subject_first and not page.has(chunk.subject_first, "how") and _parts_phrase(page, at):
            break
        at += 1
    while at > chunk.subject_first:
        place = _tail(page, at)
        if place is None or place < chunk.subject_first:
            break
        at = place
    return at


def _parts_phrase(page: Page, at: int) -> bool:
    if page.hidden[at]:
        return True
    if page.tokens[at].gap.strip():
        return False
    stays = [page.end(at, name) for name in ("of", "sticks") if page.has(at, name)]
    if stays and not (page.has(at, "place") and page.end(at, "place") > max(stays)):
        return False
    if page.language_of(at) == "en" and page.tokens[at - 1].word.endswith("ing"):
        return False
    return page.has(at, "place", "with", "about", "without", "for", "then", "but", "from", "all")


def _rank(page: Page, chunk: _Chunk) -> float:
    """How much the place of a chunk says that it names the subject."""
    rank = float(_OPENERS.get(chunk.lead, 1))
    if chunk.owner is None:
        rank -= 1.5
    if page.segment_start(chunk.first) == chunk.start and chunk.lead not in {"of", "about"}:
        rank -= 0.25
    if all(page.has(at, "manner", "colour", "background", "creative") for at in range(chunk.subject_first, chunk.end)):
        rank -= 3
    if chunk.owner is not None and chunk.owner.medium == "voice" and chunk.lead not in _OPENERS:
        rank -= 3
    if any(page.has(at, "written", "onscreen") for at in range(chunk.first, chunk.end)):
        rank -= 3
    if any(page.has(at, "medium") and page.value(at, "medium") == "copy" for at in range(chunk.first, chunk.end)):
        rank -= 2
    facts = {mark.kind for mark in page.owner[chunk.subject_first : chunk.subject_end] if mark is not None}
    if facts - {"shown", "time"}:
        rank -= 2.5
    return rank


def _subject(page: Page, chunk: _Chunk) -> str:
    return _plain(page.words_in(chunk.subject_first, chunk.subject_end))


def _has_one_subject(heads: list[_Chunk], drafts: list[Draft]) -> bool:
    """Whether several pictures and clips are all said to be of one thing."""
    seen = {id(draft.group) for draft in drafts if draft.medium != "voice"}
    named = {id(chunk.owner) for chunk in heads if chunk.lead in {"of", "about"} and chunk.owner is not None}
    return len(seen) > 1 and len(named) < 2


def _own_subject(page: Page, heads: list[_Chunk], draft: Draft, subject: str) -> str:
    """What one asset shows: what it is said to be of, or what the whole brief is about."""
    own = [chunk for chunk in heads if chunk.owner in {draft.source, draft.group} and chunk.lead in {"of", "about"}]
    return _subject(page, own[0]) if own else subject


def _without_subject(page: Page, chunks: list[_Chunk], main: _Chunk | None) -> list[_Chunk]:
    rest: list[_Chunk] = []
    for chunk in chunks:
        if chunk is not main:
            rest.append(chunk)
            continue
        after = _trimmed(page, main.subject_end, main.end)
        if page.has(main.subject_end, "for", "with", "from", "place", "without", "demonstrative", "about"):
            after.first = main.subject_end
        if after.end > after.first:
            after.owner, after.lead, after.rest = main.owner, main.lead, True
            rest.append(after)
    return rest


def _words(page: Page, chunk: _Chunk) -> str:
    """The chunk as it was written; "with" and "from" stay, for they say how things stand together."""
    first = chunk.first
    if page.has(chunk.start, "of") and page.segment_start(chunk.start) == chunk.start:
        return _plain(page.words_in(chunk.start, chunk.end))
    kept = page.before(first, *_KEPT_LEADS)
    if kept is not None and kept >= chunk.start and not chunk.listed:
        first = kept if not page.has(kept, "of", "for") else first
    return _plain(page.words_in(first, chunk.end))


def _plain(words: str) -> str:
    return re.sub(r"^[-–—•*]\s+", "", " ".join(words.split()).strip(" .,;:!?–—•*"))


def _told(parts: list[str]) -> str:
    return ", ".join(dict.fromkeys(part for part in parts if part))


def _palette(page: Page, labels: list[str]) -> tuple[str, ...]:
    found = [
        page.value(at, "colour")
        for at in range(page.size)
        if page.has(at, "colour") and labels[at] == CREATIVE and not page.hidden[at]
    ]
    return tuple(dict.fromkeys(found))
