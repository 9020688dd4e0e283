"""Every media word in order: which open a group of assets, and which speak of one again."""

from __future__ import annotations

from orchestrator.brief.animating import animate, set_in_motion, turns_into_clip
from orchestrator.brief.films import has_own_shape
from orchestrator.brief.groups import Anchor, Group, Wanted
from orchestrator.brief.media_words import find_nouns
from orchestrator.brief.nouns import Noun
from orchestrator.brief.numerals import number_at
from orchestrator.brief.page import Page
from orchestrator.brief.roles import role_of

__all__ = ["find_groups"]

_OPEN = frozenset({"start", "ask", "series", "then", "but", "mark"})
_MOST = 50


def find_groups(page: Page) -> Wanted:
    """Reads every media word in order and opens a group for each that asks for something new."""
    wanted = Wanted()
    nouns = find_nouns(page)
    animations = [
        at
        for at in range(page.size)
        if page.free(at, at + 1) and (page.has(at, "animate") or turns_into_clip(page, at, nouns))
    ]
    events: list[tuple[int, Noun | None]] = [(noun.at, noun) for noun in nouns]
    events += [(at, None) for at in animations if not any(noun.first <= at < noun.end for noun in nouns)]
    for at, noun in sorted(events, key=lambda event: event[0]):
        if noun is not None and noun not in nouns:
            continue
        if noun is None:
            animate(page, wanted, at, nouns)
        else:
            _read(page, wanted, noun)
    _recount(page, wanted)
    set_in_motion(page, wanted)
    _narrate(page, wanted)
    return wanted


def _recount(page: Page, wanted: Wanted) -> None:
    """ "faz 2 fotos … na verdade faz 4": a bare number after a correction counts the same thing anew."""
    for at in range(page.size):
        number = number_at(page, at) if page.free(at, at + 1) else None
        if number is None or not 0 < number.value == int(number.value) <= _MOST:
            continue
        if _is_enough(page, at, number.end) or _is_sentence(page, at, number.end):
            _count_anew(page, wanted, at, int(number.value))
            continue
        if page.has(at, "article") or not _stands_alone(page, at, number.end):
            continue
        said = [place for place in range(page.sentence_range(at).start, at) if page.has(place, "correction")]
        groups = [group for group in wanted.groups if group.at < (said[0] if said else 0)]
        if said and groups and not any(said[0] < anchor.at < at for anchor in wanted.anchors):
            groups[-1].count, groups[-1].counted, groups[-1].vague = int(number.value), True, False


def _is_enough(page: Page, first: int, end: int) -> bool:
    """ "3 will do", "due bastano", "es reichen drei": how many are wanted after all."""
    if page.has(end, "enough"):
        after = page.end(end, "enough")
        return (
            after >= page.size
            or page.segment[after] != page.segment[first]
            or page.has(after, "chat", "and", "but", "for")
        )
    alone = end >= page.size or page.segment[end] != page.segment[first]
    return alone and page.before(first, "enough") is not None


def _is_sentence(page: Page, first: int, end: int) -> bool:
    """ "Ich brauche Fotos. Drei Stück.": a number that is a sentence of its own, but no heading of a list."""
    sentence = page.sentence_range(first)
    if first != page.skip(sentence.start, "only", "chat", "approx") or first == 0:
        return False
    return (
        page.skip(end, "chat") < page.size
        and page.tokens[page.skip(end, "chat")].text in {".", "!"}
        and (page.skip(end, "chat") + 1 == sentence.stop)
    )


def _count_anew(page: Page, wanted: Wanted, at: int, count: int) -> None:
    """Gives the assets spoken of last their new number, unless other assets stand between."""
    told = [anchor for anchor in wanted.anchors if anchor.at < at and anchor.group is not None]
    group = told[-1].group if told else None
    if group is not None and group.medium != "voice" and (group.counted or group.vague):
        group.count, group.counted, group.vague = count, True, False


def _stands_alone(page: Page, first: int, end: int) -> bool:
    if (first > 0 and page.tokens[first - 1].text in ":/") or page.before(
        first, "up_to", "budget", "of", "instead"
    ) is not None:
        return False
    return (
        end >= page.size
        or page.segment[end] != page.segment[first]
        or page.has(end, "chat", "instead", "and")
    )


def _narrate(page: Page, wanted: Wanted) -> None:
    """ "un vídeo narrado en español": a clip told to be spoken over asks for a voice."""
    if not wanted.latest("video") or wanted.latest("voice"):
        return
    for at in range(page.size):
        if (
            page.has(at, "narrated")
            and page.free(at, at + 1)
            and page.before(at, "without", "shun", "instead") is None
        ):
            wanted.add(Group("voice", at), first=at, end=page.end(at, "narrated"))
            return


def _read(page: Page, wanted: Wanted, noun: Noun) -> None:
    role = role_of(page, wanted, noun)
    if role == "request" and noun.medium not in {"music", "copy"}:
        merged = _merged(page, wanted, noun)
        if merged is None:
            _open(page, wanted, noun)
            return
        role = "back"
        _update(page, merged, noun)
    back = wanted.latest(noun.medium) if role == "back" else None
    if role == "cancel":
        _cancel(wanted, noun)
    wanted.anchors.append(Anchor(noun.at, noun.first, noun.end, role, noun.medium, back, None, noun))


def _open(page: Page, wanted: Wanted, noun: Noun) -> None:
    vague = noun.vague or (noun.plural and noun.count is None and noun.determiner != "each")
    group = Group(
        noun.medium,
        noun.at,
        count=noun.count if noun.count is not None else 1,
        counted=noun.count is not None and (noun.determiner == "count" or noun.count > 1),
        vague=vague,
        weak=noun.weak,
        noun=noun,
        network=noun.network,
    )
    if noun.governor == "or" and wanted.groups:
        wanted.doubts.append("medium")
        wanted.anchors.append(Anchor(noun.at, noun.first, noun.end, "subject", noun.medium, noun=noun))
        return
    if vague and noun.network and noun.weak:
        group.vague = noun.vague
    wanted.add(group, noun, first=noun.first, end=noun.end)


def _merged(page: Page, wanted: Wanted, noun: Noun) -> Group | None:
    """The group this word speaks of again, if it opens no new one."""
    prior = wanted.latest(noun.medium)
    if prior is None:
        return None
    if noun.medium == "voice":
        new = (
            noun.determiner == "count" and noun.count is not None and not noun.weak
        ) or noun.determiner == "another"
        return None if new else prior
    if noun.governor in _OPEN and not prior.counted and prior.count == 1 and _is_just_one(page, noun):
        return prior
    if noun.determiner in {"count", "another"}:
        if _is_correction(page, noun):
            return prior
        return prior if _enumerates(page, wanted, prior, noun) else None
    if noun.network and noun.weak and noun.determiner == "":
        return prior
    if noun.determiner == "article" and prior.vague and page.has(noun.end, "every", "each"):
        return prior
    if noun.determiner == "article":
        return (
            prior
            if _enumerates(page, wanted, prior, noun)
            or (
                noun.network
                and noun.weak
                and not prior.counted
                and not prior.network
                and noun.governor != "and"
            )
            else None
        )
    if _is_numbered(page, noun):
        return prior if prior.count > 1 else None
    if _is_next_in_list(page, prior, noun):
        return None
    if prior.count > 1 or prior.vague:
        return prior
    following = noun.end < page.size and page.segment[noun.end] == page.segment[noun.at]
    tells_more = following and page.has(noun.end, "of", "about", "with")
    return None if tells_more or noun.governor == "and" else prior


def _is_next_in_list(page: Page, prior: Group, noun: Noun) -> bool:
    """ "video A 15 s, video B 30 s": bare words, each with a length or ratio of its own."""
    if noun.determiner or prior.noun is None or prior.count > 1:
        return False
    same = page.sentence[prior.at] == page.sentence[noun.at]
    return same and has_own_shape(page, noun) and has_own_shape(page, prior.noun)


def _is_just_one(page: Page, noun: Noun) -> bool:
    """ "a poster for the sale, just one image", "une seule image": how many, not one more."""
    if (
        noun.count != 1
        or noun.determiner == "another"
        or (noun.end < page.size and page.has(noun.end, "of", "about", "with"))
    ):
        return False
    return any(
        page.has(at, "only")
        or (page.has(at, "number") and page.value(at, "number") == "1" and page.end(at, "number") > at + 1)
        for at in range(noun.first, noun.at)
    )


def _is_numbered(page: Page, noun: Noun) -> bool:
    return noun.end < page.size and page.tokens[noun.end].text.lstrip("#").isdecimal()


def _enumerates(page: Page, wanted: Wanted, prior: Group, noun: Noun) -> bool:
    """ "3 photos: one photo of the shop, one photo of the team …": parts of what was counted."""
    if prior.count <= 1 or (noun.count or 1) >= prior.count or prior.noun is None:
        return False
    between = range(prior.noun.end, noun.first)
    opened = any(page.tokens[at].text in ":(" and page.owner[at] is None for at in between)
    named = sum(
        (anchor.noun.count or 1)
        for anchor in wanted.anchors
        if anchor.group is prior and anchor.noun is not None and anchor.noun is not prior.noun
    )
    return opened and named + (noun.count or 1) <= prior.count


def _is_correction(page: Page, noun: Noun) -> bool:
    first = page.sentence_range(noun.at).start
    return any(page.has(place, "correction") for place in range(first, noun.at))


def _update(page: Page, group: Group, noun: Noun) -> None:
    if noun.count is not None and noun.determiner == "count" and _is_correction(page, noun):
        group.count, group.counted, group.vague = noun.count, True, False
    group.network = group.network or noun.network


def _cancel(wanted: Wanted, noun: Noun) -> None:
    group = wanted.latest(noun.medium)
    if group:
        wanted.remove(group)
