"""What is to be said and how: which quotes are scripts, in which language, by what kind of voice."""

from __future__ import annotations

from typing import Literal

from orchestrator.brief.groups import Anchor, Group, Wanted
from orchestrator.brief.language import best, is_european_portuguese, scores
from orchestrator.brief.page import Page
from orchestrator.brief.quotes import Quote

__all__ = ["assign_scripts", "gender", "manner", "region", "script_language"]

_REACH = 8
_REACH_OF_COLON = 24
_SHORTEST = 3


def assign_scripts(page: Page, wanted: Wanted) -> None:
    """Gives every quote that is to be heard to a voice, opening one where a speech verb asks for it."""
    for quote in page.quotes:
        if page.owner[quote.first] is not None:
            continue
        cue = _cue(page, wanted, quote)
        if cue == "shown":
            page.claim("shown", quote.first, quote.end, quote.text)
            continue
        voice = _voice_for(page, wanted, quote, cue)
        if voice is None:
            page.claim("shown", quote.first, quote.end, quote.text)
            continue
        voice.scripts.append(page.claim("script", quote.first, quote.end, quote.text))


def _cue(page: Page, wanted: Wanted, quote: Quote) -> str:
    """spoken, said, shown or nothing: the nearest word about it before the quote."""
    sentence = page.sentence[quote.first]
    start = quote.first
    reach = _REACH_OF_COLON if quote.first and page.tokens[quote.first - 1].text == ":" else _REACH
    while start > 0 and quote.first - start < reach and page.sentence[start - 1] == sentence:
        start -= 1
    for at in range(quote.first - 1, start - 1, -1):
        if page.hidden[at]:
            mark = page.owner[at]
            if mark is not None and mark.kind in {"script", "shown"}:
                break
            continue
        if page.has(at, "onscreen"):
            return "shown"
        if page.has(at, "speak") or (page.has(at, "medium") and page.value(at, "medium").startswith("voice")):
            return "spoken"
        if page.has(at, "says"):
            carried = any(
                page.has(place, "carrier", "written", "onscreen") for place in range(max(0, at - 4), at)
            )
            return "shown" if carried else "said"
        if page.has(at, "carrier", "written", "naming"):
            return "shown"
    after = range(quote.end, min(page.size, quote.end + 5))
    if any(page.has(at, "speak") for at in after):
        return "spoken"
    return ""


def _voice_for(page: Page, wanted: Wanted, quote: Quote, cue: str) -> Group | None:
    voices = [group for group in wanted.groups if group.medium == "voice"]
    if voices:
        if cue or quote.words >= _SHORTEST:
            return _nearest(wanted, voices, quote)
        return None
    videos = any(group.medium == "video" for group in wanted.groups)
    photos = any(group.medium == "photo" for group in wanted.groups)
    if cue == "spoken" or (cue == "said" and (videos or not photos)):
        voice = Group("voice", quote.first, from_guess=cue == "said")
        wanted.add(voice, first=quote.first, end=quote.end)
        return voice
    return None


def _nearest(wanted: Wanted, voices: list[Group], quote: Quote) -> Group:
    before = [
        anchor
        for anchor in wanted.anchors
        if anchor.medium == "voice"
        and anchor.group is not None
        and anchor.at < quote.first
        and anchor.role != "subject"
    ]
    if before:
        owner = before[-1].part or before[-1].group
        if owner is not None:
            return owner
    return voices[0]


def script_language(page: Page, script: str) -> str | None:
    """The language a script is written in; the brief's own where its words do not tell."""
    from orchestrator.brief.text import CleanText
    from orchestrator.brief.tokens import tokenise

    tokens = tokenise(CleanText(script, script, range(len(script)), range(1, len(script) + 1)))
    total = scores(tokens)
    total[page.language] += 1.05
    if not any(token.is_word for token in tokens):
        return None
    return region(page, best(total, page.language))


def region(page: Page, language: str) -> str:
    """Plain Portuguese in a Portuguese brief is that of its country."""
    if language != "pt" or page.language != "pt":
        return language
    european = is_european_portuguese(page.source.text, page.tokens)
    return "pt-PT" if european else "pt-BR"


def gender(page: Page, wanted: Wanted) -> Literal["female", "male"] | None:
    """Whose voice it should be, if the words near a voice say so."""
    for at in _near_voice(page, wanted, "gender"):
        return "female" if page.value(at, "gender") == "female" else "male"
    return None


def manner(page: Page, wanted: Wanted) -> str:
    """How the voice should sound: a few plain English words."""
    found = [page.value(at, "manner") for at in _near_voice(page, wanted, "manner")]
    return ", ".join(dict.fromkeys(found))


def _near_voice(page: Page, wanted: Wanted, category: str) -> list[int]:
    anchors = [anchor for anchor in wanted.anchors if anchor.medium == "voice" and anchor.role != "subject"]
    alone = len(wanted.groups) == 1 and bool(anchors)
    found: list[int] = []
    for at in range(page.size):
        if not page.has(at, category):
            continue
        near = any(
            (page.segment[anchor.at] == page.segment[at] and _is_nearest(page, wanted, anchor, at))
            or (
                page.sentence[anchor.at] == page.sentence[at]
                and 0 < at - anchor.end < 9
                and _speaks(page, wanted, at)
            )
            for anchor in anchors
        )
        if near or alone or page.before(at, "speak") is not None:
            found.append(at)
            if page.owner[at] is None and page.free(at, page.end(at, category)):
                page.claim(
                    "voice", at, page.end(at, category), page.value(at, category), means=f"voice_{category}"
                )
    return found


def _is_nearest(page: Page, wanted: Wanted, voice: Anchor, at: int) -> bool:
    """Whether no other asset stands between a voice and a word behind it."""
    return not any(voice.at < other.at <= at and other.medium != "voice" for other in wanted.anchors)


def _speaks(page: Page, wanted: Wanted, at: int) -> bool:
    """Whether a word in another segment is about the voice, not about the picture beside it."""
    segment = range(page.segment_start(at), page.segment_end(at))
    seen = any(group.medium != "voice" for group in wanted.groups)
    told = any(page.has(place, "gender", "accent_word") for place in segment)
    plain = all(page.has(place, "manner", "and") or not page.tokens[place].is_word for place in segment)
    moody = any(page.has(place, "manner") and page.value(place, "manner") == "dramatic" for place in segment)
    return not seen or told or (plain and not moody)
