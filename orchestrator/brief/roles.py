"""What a media word does where it stands: ask, look back, name an input, or only belong to the subject."""

from __future__ import annotations

from orchestrator.brief.films import has_own_shape, is_within_timed, makes_up_film
from orchestrator.brief.groups import Anchor, Group, Wanted
from orchestrator.brief.nouns import Noun
from orchestrator.brief.page import Page

__all__ = ["is_question", "role_of"]

_NEW = frozenset({"count", "article", "vague", "another"})
_OPEN = frozenset({"start", "ask", "series", "then", "but", "mark"})
_KNOWN = frozenset({"definite", "possessive", "demonstrative", "each"})
_VISUAL = frozenset({"photo", "video"})
_SOUND = frozenset({"audio", "audios", "sound", "ton", "son", "sonido", "som"})


def role_of(page: Page, wanted: Wanted, noun: Noun) -> str:
    """One of: request, generic, back, input, subject, cancel, for."""
    if page.has(noun.at, "scene") and noun.medium == "video" and is_within_timed(page, wanted, noun):
        return "subject"
    if page.has(noun.at, "scene") and noun.medium == "video":
        return "request"
    if makes_up_film(page, wanted, noun):
        return "request"
    told = _role_by_context(page, wanted, noun)
    if told:
        return told
    if noun.medium == "generic":
        if noun.governor == "for":
            return "for"
        return "generic" if noun.governor in _OPEN | {"and", "word"} else "subject"
    if noun.ordinal:
        return _role_of_ordinal(wanted, noun)
    if noun.determiner in _KNOWN:
        return _role_of_known(page, wanted, noun)
    if noun.medium == "voice":
        return _role_of_voice(page, wanted, noun)
    if noun.determiner in _NEW:
        return _role_of_new(page, wanted, noun)
    return _role_of_bare(page, wanted, noun)


def _role_by_context(page: Page, wanted: Wanted, noun: Noun) -> str:
    """The role that the words around give it, whatever kind of word it is; empty where they give none."""
    prior = _prior(wanted, noun)
    if is_question(page, noun.at) or _is_modifier(page, noun):
        return "subject"
    if noun.governor == "cancel" and prior:
        return "cancel"
    if noun.governor in {"without", "cancel", "instead"}:
        return "subject"
    taken_away = noun.determiner == "definite" and noun.medium != "photo"
    if (taken_away and page.has(noun.governor_at, "takes_away")) or _is_dropped(page, noun):
        return "cancel" if prior else "subject"
    if _is_own_work(page, noun):
        return "for"
    if noun.existing or _is_owned(page, noun):
        known = noun.determiner in {"definite", "demonstrative"} and not noun.existing
        return "back" if known and prior else "input"
    return "for" if noun.network and noun.weak and _tells_where(wanted, noun) else ""


def _tells_where(wanted: Wanted, noun: Noun) -> bool:
    """ "for stories", "en mis stories", "un vídeo de TikTok": the network only tells where it will be shown."""
    if noun.determiner in _NEW:
        return False
    last = wanted.anchors[-1] if wanted.anchors else None
    beside = last is not None and last.end == noun.governor_at and last.role in {"request", "back", "for"}
    return (noun.governor in {"for", "place"} and bool(wanted.groups)) or (noun.governor == "of" and beside)


def is_question(page: Page, at: int) -> bool:
    """ "How do I export a video?": a question about something else asks for nothing to be made."""
    sentence = page.sentence_range(at)
    first = page.skip(sentence.start, "chat")
    return page.has(first, "offtopic") and any(page.tokens[place].text == "?" for place in sentence)


def _prior(wanted: Wanted, noun: Noun) -> Group | None:
    return wanted.latest(noun.medium)


def _is_modifier(page: Page, noun: Noun) -> bool:
    """ "video camera", "photo studio": the word only qualifies the next one."""
    if noun.end >= page.size or page.segment[noun.end] != page.segment[noun.at]:
        return False
    return page.has(noun.end, "tail") and not (noun.network and not noun.weak)


def _is_own_work(page: Page, noun: Noun) -> bool:
    """ "je prépare un diaporama : donne-moi …": what the person makes, and asks something else for."""
    return page.before(noun.first, "doing") is not None and any(
        page.has(at, "ask") for at in range(noun.end, page.size)
    )


def _is_dropped(page: Page, noun: Noun) -> bool:
    """ "das Video brauchen wir nicht mehr", "the clip is no longer needed": said after the word."""
    end = page.segment_end(noun.at)
    return noun.determiner in _KNOWN and any(
        page.has(place, "cancel")
        and not page.has(place, "without", "instead")
        and page.skip(page.end(place, "cancel"), "chat") >= end
        for place in range(noun.end, min(end, noun.end + 4))
    )


def _is_owned(page: Page, noun: Noun) -> bool:
    """ "a video we already have", "on a déjà la vidéo": it exists already."""
    if page.before(noun.first, "have") is not None:
        return True
    end = min(page.segment_end(noun.at), noun.end + 6)
    for place in range(noun.end, end):
        if page.has(place, "medium", "without"):
            return False
        if page.has(place, "have", "attached"):
            return True
    return False


def _role_of_ordinal(wanted: Wanted, noun: Noun) -> str:
    prior = wanted.latest(noun.medium)
    if prior and (prior.count > 1 or prior.vague or noun.ordinal == 9):
        return "back"
    return "subject" if noun.governor in {"of", "about", "for"} else "request"


def _role_of_known(page: Page, wanted: Wanted, noun: Noun) -> str:
    given = any(anchor.role == "input" and anchor.medium == noun.medium for anchor in wanted.anchors)
    if given and not _prior(wanted, noun):
        return "input"
    if noun.determiner == "demonstrative" and not _prior(wanted, noun):
        return "subject" if noun.governor in {"of", "about"} else "input"
    if _prior(wanted, noun):
        return "back"
    if noun.governor in {"ask", "then", "series"} or (
        noun.medium == "voice" and noun.governor in {"with", "and", "start"}
    ):
        return "request"
    if noun.governor == "start" and noun.determiner == "definite":
        if _asks_something_else(page, noun):
            return "subject"
        return "request" if not noun.weak or not wanted.groups else "subject"
    if noun.governor == "and" and noun.determiner == "definite" and wanted.groups and not noun.weak:
        return "request"
    if noun.governor in {"animate", "use", "from"}:
        return "input"
    return "for" if noun.governor == "for" else "subject"


def _asks_something_else(page: Page, noun: Noun) -> bool:
    """ "el vídeo de la boda dura 3 horas, ¿cómo hago una copia?": a question about it, with no fact for a plan."""
    sentence = page.sentence_range(noun.at)
    asks = any(page.tokens[place].text == "?" for place in sentence) and any(
        page.has(place, "offtopic") for place in sentence
    )
    return asks and not any(
        mark.first in sentence for mark in page.of("duration", "ratio", "shape", "reference")
    )


def _role_of_voice(page: Page, wanted: Wanted, noun: Noun) -> str:
    if noun.governor in {"about", "copy"} or (noun.governor == "of" and noun.determiner in {"article", ""}):
        return "subject" if noun.weak or noun.governor == "copy" or wanted.groups else "for"
    if noun.governor == "for":
        return "for"
    if not noun.weak:
        return "request"
    described = _is_described_voice(page, noun)
    if described or noun.only or (page.has(noun.end, "only")):
        return "request"
    if noun.determiner in _NEW and noun.governor in _OPEN | {"and"}:
        return "request"
    if noun.governor == "with":
        return "request" if page.word(noun.at) not in _SOUND else "subject"
    if noun.determiner == "" and noun.governor in {"start", "ask", "and", "series"}:
        return "request" if not wanted.latest("video") or page.word(noun.at) not in _SOUND else "subject"
    return "subject"


def _is_described_voice(page: Page, noun: Noun) -> bool:
    """ "a warm female voice", "voz de homem": nobody describes a voice that is not wanted."""
    around = range(noun.first, min(page.segment_end(noun.at), noun.end + 3))
    return any(page.has(place, "gender", "manner", "accent_word") for place in around) or any(
        page.has(place, "language") and abs(place - noun.at) < 3 for place in around
    )


def _is_in_scene(page: Page, wanted: Wanted, noun: Noun) -> bool:
    """ "a photo of a crew that films a video": part of what the picture before it shows."""
    if noun.determiner != "article" or noun.governor not in {"ask", "word", "animate", "place"}:
        return False
    last = wanted.anchors[-1] if wanted.anchors else None
    if last is None or last.role not in {"request", "back"} or page.segment[last.at] != page.segment[noun.at]:
        return False
    if page.has(noun.governor_at, "turn"):
        return False
    between = range(last.end, noun.first)
    joined = any(page.has(at, "and", "then", "but", "plus") for at in between)
    return not joined and last.end < noun.first and page.has(last.end, "of", "about")


def _role_of_new(page: Page, wanted: Wanted, noun: Noun) -> str:
    if _is_in_scene(page, wanted, noun):
        return "subject"
    if noun.governor == "and":
        return "subject" if _follows_subject(wanted, noun) else "request"
    if (
        noun.weak
        and noun.medium == "photo"
        and noun.determiner == "article"
        and _is_listed_view(page, wanted, noun)
    ):
        return "subject"
    if noun.governor in _OPEN | {"or", "slash", "cancel"}:
        return "request"
    if noun.governor == "animate":
        return "input"
    if noun.governor == "word":
        return _role_after_word(page, wanted, noun)
    if _is_piece(wanted, noun) or _is_turned_into(page, noun):
        return "request"
    if noun.governor == "from" and page.has(noun.governor_at, "pronoun"):
        return "request"
    return "for" if noun.governor in {"for", "place", "with", "use", "from"} else "subject"


def _is_piece(wanted: Wanted, noun: Noun) -> bool:
    """ "a film of three clips": the clips are what is made, the film is what they become."""
    last = wanted.anchors[-1] if wanted.anchors else None
    several = (
        noun.medium == "video" and (noun.count or 1) > 1 and not noun.weak and noun.determiner == "count"
    )
    whole = (
        last is not None
        and last.role == "request"
        and last.medium == "video"
        and last.end == noun.governor_at
    )
    return several and whole and noun.governor in {"of", "from", "with"}


def _is_turned_into(page: Page, noun: Noun) -> bool:
    """ "turn that photo into a 5 s video"."""
    if noun.governor != "place" or noun.medium not in _VISUAL:
        return False
    return any(page.has(at, "turn") for at in range(page.segment_start(noun.at), noun.governor_at))


def _is_listed_view(page: Page, wanted: Wanted, noun: Noun) -> bool:
    """A shot or close-up named inside the description of a clip."""
    video = wanted.latest("video")
    return (
        video is not None and page.sentence[video.at] == page.sentence[noun.at] and noun.governor == "start"
    )


def _role_after_word(page: Page, wanted: Wanted, noun: Noun) -> str:
    same_sentence = [
        anchor
        for anchor in wanted.anchors
        if anchor.role in {"request", "back"} and page.sentence[anchor.at] == page.sentence[noun.at]
    ]
    if not same_sentence or _is_made_from(wanted.anchors[-1], noun):
        return "request"
    same_segment = any(page.segment[anchor.at] == page.segment[noun.at] for anchor in same_sentence)
    return "request" if noun.determiner == "count" and not same_segment else "subject"


def _is_made_from(last: Anchor, noun: Noun) -> bool:
    """ "make from this picture a clip": what it is made from stands right before it."""
    source = last.noun
    touches = last.role in {"back", "input"} and source is not None and last.end == noun.first
    return (
        touches
        and source is not None
        and last.medium != noun.medium
        and source.governor in {"from", "use", "of", "with"}
    )


def _follows_subject(wanted: Wanted, noun: Noun) -> bool:
    """Whether the media word just before this "and" was no request itself."""
    if not wanted.anchors:
        return False
    last = wanted.anchors[-1]
    return (
        last.role in {"subject", "input"}
        and last.end >= noun.governor_at
        and noun.determiner in {"", "article"}
    )


def _role_of_bare(page: Page, wanted: Wanted, noun: Noun) -> str:
    if noun.governor in {"of", "about", "place", "from", "use", "copy", "each", "word", "animate"}:
        return "for" if noun.governor in {"place", "use", "from"} else "subject"
    if noun.governor in {"for", "with"}:
        return "for"
    if noun.governor in {"and", "or", "slash", "nor"}:
        return _role_of_joined(page, wanted, noun)
    if noun.governor in {"ask", "series", "then"}:
        return "request"
    if noun.weak and wanted.groups and not noun.network:
        return "request" if not _prior(wanted, noun) and has_own_shape(page, noun) else "subject"
    if noun.plural and noun.medium == "photo" and noun.only and wanted.latest("video"):
        return "subject"
    if noun.network and noun.weak and noun.medium == "video":
        return "request"
    return "request"


def _role_of_joined(page: Page, wanted: Wanted, noun: Noun) -> str:
    """A bare word after "and": it shares the role of a media word just before, or must stand alone."""
    last = wanted.anchors[-1] if wanted.anchors else None
    if last and last.end >= noun.governor_at:
        return (
            last.role
            if last.role in {"request", "for", "input", "generic"}
            else "request"
            if last.role == "back"
            else "subject"
        )
    if noun.weak or not wanted.groups:
        return "subject" if noun.weak else "request"
    after = noun.end
    ends = after >= page.size or page.segment[after] != page.segment[noun.at]
    return (
        "request"
        if ends or page.has(after, "of", "about", "for", "place") or page.owner[after]
        else "subject"
    )
