"""What is left when the facts are taken out: the subject, the scene, and what belongs to one asset alone."""

from __future__ import annotations

import re
from dataclasses import dataclass

from orchestrator.brief.chunks import OPENERS, Chunk, cut_chunks, tail, trimmed
from orchestrator.brief.expand import Draft
from orchestrator.brief.fields import CREATIVE
from orchestrator.brief.groups import Wanted
from orchestrator.brief.page import Page

__all__ = ["Picture", "imagine"]

_LONGEST_SUBJECT = 9
_KEPT_LEADS = ("with", "from", "about")


@dataclass(frozen=True, slots=True)
class Picture:
    """The creative words of a brief, cleaned and put where they belong."""

    subject: str
    scene: str
    details: tuple[str, ...]
    subjects: tuple[str, ...]
    palette: tuple[str, ...]


def imagine(page: Page, wanted: Wanted, drafts: list[Draft], labels: list[str]) -> Picture:
    """Sorts the creative words: what it is about, what is around it, what is one task's own."""
    chunks = cut_chunks(page, wanted, labels)
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


def _tasks_of(chunk: Chunk, drafts: list[Draft]) -> list[int]:
    """The tasks these words are for alone; none if they are for all that can be seen."""
    own = [n for n, draft in enumerate(drafts) if chunk.owner in {draft.source, draft.group}]
    exact = [n for n in own if drafts[n].source is chunk.owner]
    own = exact or own
    if not own:
        return []
    seen = [draft for draft in drafts if draft.medium != "voice"]
    if drafts[own[0]].medium == "voice":
        return own if len(drafts) > len(own) and not _speaks_of_all(chunk) else []
    others = [
        draft for draft in seen if draft.group is not chunk.owner and chunk.owner not in draft.group.depends
    ]
    several = bool(others) and len(own) < len(seen)
    return own if several or any(drafts[n].count > 1 for n in own) else []


def _speaks_of_all(chunk: Chunk) -> bool:
    return chunk.lead in {"about", "of"}


def _heads(page: Page, chunks: list[Chunk]) -> list[Chunk]:
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


def _skip_frame(page: Page, chunk: Chunk) -> None:
    """ "Campaign for a flower shop", "teaser about …": the frame is not what it is about."""
    at = chunk.first
    frames = [page.end(at, name) for name in ("creative", "naming") if page.has(at, name)]
    if not frames or page.has(at, "colour", "background"):
        return
    after = max(frames)
    if after < chunk.end and page.has(after, "of", "for", "about", "with"):
        rest = trimmed(page, after, chunk.end)
        if rest.end > rest.first:
            chunk.subject_first, chunk.lead = rest.first, rest.lead


def _phrase_end(page: Page, chunk: Chunk) -> int:
    """The noun phrase at the start of a chunk: up to a preposition that does not belong to it."""
    at = chunk.subject_first
    if (page.has(at, "place") and not page.has(at, "of", "how")) or (
        page.has(at + 1, "it") and not page.has(at + 1, "demonstrative")
    ):
        return at
    while at < chunk.end and at - chunk.subject_first < _LONGEST_SUBJECT:
        if at > chunk.subject_first and not page.has(chunk.subject_first, "how") and _parts_phrase(page, at):
            break
        at += 1
    while at > chunk.subject_first:
        place = tail(page, at)
        if place is None or place <= chunk.subject_first:
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


def _rank(page: Page, chunk: Chunk) -> float:
    """How much the place of a chunk says that it names the subject."""
    rank = float(OPENERS.get(chunk.lead, 1))
    if chunk.owner is None:
        rank -= 1.5
    if page.segment_start(chunk.first) == chunk.start and chunk.lead not in {"of", "about"}:
        rank -= 0.25
    if all(
        page.has(at, "manner", "colour", "background", "creative")
        for at in range(chunk.subject_first, chunk.end)
    ):
        rank -= 3
    if chunk.owner is not None and chunk.owner.medium == "voice" and chunk.lead not in OPENERS:
        rank -= 3
    if any(page.has(at, "written", "onscreen") for at in range(chunk.first, chunk.end)):
        rank -= 3
    if any(
        page.has(at, "medium") and page.value(at, "medium") == "copy" for at in range(chunk.first, chunk.end)
    ):
        rank -= 2
    facts = {mark.kind for mark in page.owner[chunk.subject_first : chunk.subject_end] if mark is not None}
    if facts - {"shown", "time"}:
        rank -= 2.5
    return rank


def _subject(page: Page, chunk: Chunk) -> str:
    return _plain(page.words_in(chunk.subject_first, chunk.subject_end))


def _has_one_subject(heads: list[Chunk], drafts: list[Draft]) -> bool:
    """Whether several pictures and clips are all said to be of one thing."""
    seen = {id(draft.group) for draft in drafts if draft.medium != "voice"}
    named = {id(chunk.owner) for chunk in heads if chunk.lead in {"of", "about"} and chunk.owner is not None}
    return len(seen) > 1 and len(named) < 2


def _own_subject(page: Page, heads: list[Chunk], draft: Draft, subject: str) -> str:
    """What one asset shows: what it is said to be of, or what the whole brief is about."""
    own = [
        chunk
        for chunk in heads
        if chunk.owner in {draft.source, draft.group} and chunk.lead in {"of", "about"}
    ]
    return _subject(page, own[0]) if own else subject


def _without_subject(page: Page, chunks: list[Chunk], main: Chunk | None) -> list[Chunk]:
    rest: list[Chunk] = []
    for chunk in chunks:
        if chunk is not main:
            rest.append(chunk)
            continue
        after = trimmed(page, main.subject_end, main.end)
        if page.has(main.subject_end, "for", "with", "from", "place", "without", "demonstrative", "about"):
            after.first = main.subject_end
        if after.end > after.first:
            after.owner, after.lead, after.rest = main.owner, main.lead, True
            rest.append(after)
    return rest


def _words(page: Page, chunk: Chunk) -> str:
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
