"""Which media words ask for something, and which are the subject, an input, or a look back."""

from __future__ import annotations

from dataclasses import dataclass, field

from orchestrator.brief.nouns import Noun, find_nouns
from orchestrator.brief.numerals import number_at
from orchestrator.brief.page import Mark, Page

__all__ = ["Anchor", "Group", "Wanted", "find_groups", "is_question"]

_NEW = frozenset({"count", "article", "vague", "another"})
_OPEN = frozenset({"start", "ask", "series", "then", "but", "mark"})
_KNOWN = frozenset({"definite", "possessive", "demonstrative", "each"})
_VISUAL = frozenset({"photo", "video"})
_REACH = 10
_MOST = 50
_CLITICS = ("ala", "alas", "alo", "alos", "arla", "arlas", "arlo", "arlos", "tela", "telas", "irla", "irlas")
_PLURAL_CLITICS = tuple(ending for ending in _CLITICS if ending.endswith("s"))


@dataclass(slots=True, eq=False)
class Group:
    """Assets asked for together: what was said of all of them, and of parts of them."""

    medium: str
    at: int
    count: int = 1
    counted: bool = False
    vague: bool = False
    weak: bool = False
    noun: Noun | None = None
    network: str = ""
    versions: int = 0
    facts: dict[str, list[Mark]] = field(default_factory=dict)
    depends: list[Group] = field(default_factory=list)
    scripts: list[Mark] = field(default_factory=list)
    apart: bool = False
    animated: bool = False
    from_guess: bool = False


@dataclass(slots=True, eq=False)
class Anchor:
    """A place in the text that facts can hold on to."""

    at: int
    first: int
    end: int
    role: str
    medium: str
    group: Group | None = None
    part: Group | None = None
    noun: Noun | None = None


@dataclass(slots=True)
class Wanted:
    """All groups and anchors of a brief, and the doubts met on the way."""

    groups: list[Group] = field(default_factory=list)
    anchors: list[Anchor] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    joined: bool = False

    def latest(self, medium: str, before: int | None = None) -> Group | None:
        for group in reversed(self.groups):
            if group.medium == medium and (before is None or group.at < before):
                return group
        return None

    def add(self, group: Group, noun: Noun | None = None, *, first: int, end: int) -> Group:
        self.groups.append(group)
        self.anchors.append(Anchor(group.at, first, end, "request", group.medium, group, None, noun))
        return group

    def remove(self, group: Group) -> None:
        self.groups.remove(group)
        self.anchors = [anchor for anchor in self.anchors if anchor.group is not group]
        for other in self.groups:
            if group in other.depends:
                other.depends.remove(group)


def find_groups(page: Page) -> Wanted:
    """Reads every media word in order and opens a group for each that asks for something new."""
    wanted = Wanted()
    nouns = find_nouns(page)
    animations = [
        at
        for at in range(page.size)
        if page.free(at, at + 1) and (page.has(at, "animate") or _turns_into_clip(page, at, nouns))
    ]
    events: list[tuple[int, Noun | None]] = [(noun.at, noun) for noun in nouns]
    events += [(at, None) for at in animations if not any(noun.first <= at < noun.end for noun in nouns)]
    for at, noun in sorted(events, key=lambda event: event[0]):
        if noun is not None and noun not in nouns:
            continue
        if noun is None:
            _animate(page, wanted, at, nouns)
        else:
            _read(page, wanted, noun)
    _recount(page, wanted)
    _narrate(page, wanted)
    return wanted


def _turns_into_clip(page: Page, at: int, nouns: list[Noun]) -> bool:
    """"transforma a foto num vídeo", "conviértela en video"."""
    if not page.has(at, "turn"):
        return False
    stop = min(page.sentence_range(at).stop, at + _REACH)
    return any(noun.medium == "video" and at < noun.at < stop and noun.governor == "place" for noun in nouns)


def _recount(page: Page, wanted: Wanted) -> None:
    """"faz 2 fotos … na verdade faz 4": a bare number after a correction counts the same thing anew."""
    for at in range(page.size):
        number = number_at(page, at) if page.free(at, at + 1) and not page.has(at, "article") else None
        if number is None or not 0 < number.value == int(number.value) <= _MOST or not _stands_alone(page, at, number.end):
            continue
        said = [place for place in range(page.sentence_range(at).start, at) if page.has(place, "correction")]
        groups = [group for group in wanted.groups if group.at < (said[0] if said else 0)]
        if said and groups and not any(said[0] < anchor.at < at for anchor in wanted.anchors):
            groups[-1].count, groups[-1].counted, groups[-1].vague = int(number.value), True, False


def _stands_alone(page: Page, first: int, end: int) -> bool:
    if first > 0 and page.tokens[first - 1].text in ":/" or page.before(first, "up_to", "budget", "of", "instead") is not None:
        return False
    return end >= page.size or page.segment[end] != page.segment[first] or page.has(end, "chat", "instead", "and")


def _narrate(page: Page, wanted: Wanted) -> None:
    """"un vídeo narrado en español": a clip told to be spoken over asks for a voice."""
    if not wanted.latest("video") or wanted.latest("voice"):
        return
    for at in range(page.size):
        if page.has(at, "narrated") and page.free(at, at + 1) and page.before(at, "without", "shun", "instead") is None:
            wanted.add(Group("voice", at), first=at, end=page.end(at, "narrated"))
            return


def _read(page: Page, wanted: Wanted, noun: Noun) -> None:
    role = _role(page, wanted, noun)
    if role == "request" and noun.medium not in {"music", "copy"}:
        merged = _merged(page, wanted, noun)
        if merged is None:
            _open(page, wanted, noun)
            return
        role = "back"
        _update(page, merged, noun)
    back = wanted.latest(noun.medium) if role == "back" else None
    if role in {"cancel"}:
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


def _role(page: Page, wanted: Wanted, noun: Noun) -> str:
    """request, back, input, subject, cancel or for."""
    if is_question(page, noun.at):
        return "subject"
    if _is_modifier(page, noun):
        return "subject"
    if noun.governor == "cancel" and wanted.latest(noun.medium):
        return "cancel"
    if noun.governor in {"without", "cancel", "instead"}:
        return "subject"
    if noun.determiner == "definite" and noun.medium != "photo" and page.has(noun.governor_at, "takes_away"):
        return "cancel" if _prior(wanted, noun) else "subject"
    if _is_dropped(page, noun):
        return "cancel" if wanted.latest(noun.medium) else "subject"
    if noun.existing or _is_owned(page, noun):
        return "back" if noun.determiner in {"definite", "demonstrative"} and _prior(wanted, noun) and not noun.existing else "input"
    if noun.network and noun.weak and _tells_where(wanted, noun):
        return "for"
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


def _tells_where(wanted: Wanted, noun: Noun) -> bool:
    """"for stories", "en mis stories", "un vídeo de TikTok": the network only tells where it will be shown."""
    if noun.determiner in _NEW:
        return False
    last = wanted.anchors[-1] if wanted.anchors else None
    beside = last is not None and last.end == noun.governor_at and last.role in {"request", "back", "for"}
    return noun.governor in {"for", "place"} and bool(wanted.groups) or noun.governor == "of" and beside


def is_question(page: Page, at: int) -> bool:
    """"How do I export a video?": a question about something else asks for nothing to be made."""
    sentence = page.sentence_range(at)
    first = page.skip(sentence.start, "chat")
    asks = any(page.tokens[place].text == "?" for place in sentence)
    return asks and first < page.size and page.has(first, "offtopic")


def _prior(wanted: Wanted, noun: Noun) -> Group | None:
    return wanted.latest(noun.medium)


def _is_modifier(page: Page, noun: Noun) -> bool:
    """"video camera", "photo studio": the word only qualifies the next one."""
    if noun.end >= page.size or page.segment[noun.end] != page.segment[noun.at]:
        return False
    return page.has(noun.end, "tail") and not (noun.network and not noun.weak)


def _is_dropped(page: Page, noun: Noun) -> bool:
    """"das Video brauchen wir nicht mehr", "the clip is no longer needed": said after the word."""
    end = page.segment_end(noun.at)
    return noun.determiner in _KNOWN and any(
        page.has(place, "cancel") and not page.has(place, "without", "instead") and page.skip(page.end(place, "cancel"), "chat") >= end
        for place in range(noun.end, min(end, noun.end + 4))
    )


def _is_owned(page: Page, noun: Noun) -> bool:
    """"a video we already have", "on a déjà la vidéo": it exists already."""
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
    if noun.determiner == "demonstrative" and not _prior(wanted, noun):
        return "subject" if noun.governor in {"of", "about"} else "input"
    if _prior(wanted, noun):
        return "back"
    if noun.governor in {"ask", "then", "series"} or (noun.medium == "voice" and noun.governor in {"with", "and", "start"}):
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
    """"el vídeo de la boda dura 3 horas, ¿cómo hago una copia?": a question about it, with no fact for a plan."""
    sentence = page.sentence_range(noun.at)
    asks = any(page.tokens[place].text == "?" for place in sentence) and any(page.has(place, "offtopic") for place in sentence)
    return asks and not any(mark.first in sentence for mark in page.of("duration", "ratio", "shape", "reference"))


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


_SOUND = frozenset({"audio", "audios", "sound", "ton", "son", "sonido", "som"})


def _is_described_voice(page: Page, noun: Noun) -> bool:
    """"a warm female voice", "voz de homem": nobody describes a voice that is not wanted."""
    around = range(noun.first, min(page.segment_end(noun.at), noun.end + 3))
    return any(page.has(place, "gender", "manner", "accent_word") for place in around) or any(
        page.has(place, "language") and abs(place - noun.at) < 3 for place in around
    )


def _role_of_new(page: Page, wanted: Wanted, noun: Noun) -> str:
    if noun.governor == "and":
        return "subject" if _follows_subject(wanted, noun) else "request"
    if noun.weak and noun.medium == "photo" and noun.determiner == "article" and _is_listed_view(page, wanted, noun):
        return "subject"
    if noun.governor in _OPEN | {"or", "slash", "cancel"}:
        return "request"
    if noun.governor == "animate":
        return "input"
    if noun.governor == "word":
        return _role_after_word(page, wanted, noun)
    if _is_piece(wanted, noun) or _is_turned_into(page, noun):
        return "request"
    return "for" if noun.governor in {"for", "place", "with", "use", "from"} else "subject"


def _is_piece(wanted: Wanted, noun: Noun) -> bool:
    """"a film of three clips": the clips are what is made, the film is what they become."""
    last = wanted.anchors[-1] if wanted.anchors else None
    several = noun.medium == "video" and (noun.count or 1) > 1 and not noun.weak and noun.determiner == "count"
    whole = last is not None and last.role == "request" and last.medium == "video" and last.end == noun.governor_at
    return several and whole and noun.governor in {"of", "from", "with"}


def _is_turned_into(page: Page, noun: Noun) -> bool:
    """"turn that photo into a 5 s video"."""
    if noun.governor != "place" or noun.medium not in _VISUAL:
        return False
    return any(page.has(at, "turn") for at in range(page.segment_start(noun.at), noun.governor_at))


def _is_listed_view(page: Page, wanted: Wanted, noun: Noun) -> bool:
    """A shot or close-up named inside the description of a clip."""
    video = wanted.latest("video")
    return video is not None and page.sentence[video.at] == page.sentence[noun.at] and noun.governor == "start"


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
    """"make from this picture a clip": what it is made from stands right before it."""
    source = last.noun
    touches = last.role in {"back", "input"} and source is not None and last.end == noun.first
    return touches and source is not None and last.medium != noun.medium and source.governor in {"from", "use", "of", "with"}


def _follows_subject(wanted: Wanted, noun: Noun) -> bool:
    """Whether the media word just before this "and" was no request itself."""
    if not wanted.anchors:
        return False
    last = wanted.anchors[-1]
    return last.role in {"subject", "input"} and last.end >= noun.governor_at and noun.determiner in {"", "article"}


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
        return "subject"
    if noun.plural and noun.medium == "photo" and noun.only and wanted.latest("video"):
        return "subject"
    if noun.network and noun.weak and noun.medium == "video":
        return "request"
    return "request"


def _role_of_joined(page: Page, wanted: Wanted, noun: Noun) -> str:
    """A bare word after "and": it shares the role of a media word just before, or must stand alone."""
    last = wanted.anchors[-1] if wanted.anchors else None
    if last and last.end >= noun.governor_at:
        return last.role if last.role in {"request", "for", "input", "generic"} else "request" if last.role == "back" else "subject"
    if noun.weak or not wanted.groups:
        return "subject" if noun.weak else "request"
    after = noun.end
    ends = after >= page.size or page.segment[after] != page.segment[noun.at]
    return "request" if ends or page.has(after, "of", "about", "for", "place") or page.owner[after] else "subject"


def _merged(page: Page, wanted: Wanted, noun: Noun) -> Group | None:
    """The group this word speaks of again, if it opens no new one."""
    prior = wanted.latest(noun.medium)
    if prior is None:
        return None
    if noun.medium == "voice":
        new = (noun.determiner == "count" and noun.count is not None and not noun.weak) or noun.determiner == "another"
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
        return prior if _enumerates(page, wanted, prior, noun) or (noun.network and noun.weak and not prior.counted and not prior.network and noun.governor != "and") else None
    if _is_numbered(page, noun):
        return prior if prior.count > 1 else None
    if prior.count > 1 or prior.vague:
        return prior
    following = noun.end < page.size and page.segment[noun.end] == page.segment[noun.at]
    tells_more = following and page.has(noun.end, "of", "about", "with")
    return None if tells_more or noun.governor == "and" else prior


def _is_just_one(page: Page, noun: Noun) -> bool:
    """"a poster for the sale, just one image", "une seule image": how many, not one more."""
    if noun.count != 1 or noun.determiner == "another" or (noun.end < page.size and page.has(noun.end, "of", "about", "with")):
        return False
    return any(
        page.has(at, "only") or (page.has(at, "number") and page.value(at, "number") == "1" and page.end(at, "number") > at + 1)
        for at in range(noun.first, noun.at)
    )


def _is_numbered(page: Page, noun: Noun) -> bool:
    return noun.end < page.size and page.tokens[noun.end].text.lstrip("#").isdecimal()


def _enumerates(page: Page, wanted: Wanted, prior: Group, noun: Noun) -> bool:
    """"3 photos: one photo of the shop, one photo of the team …": parts of what was counted."""
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


def _animate(page: Page, wanted: Wanted, at: int, nouns: list[Noun]) -> None:
    """"animate that photo": a clip made from what was named, unless a clip is asked for beside it."""
    sentence = page.sentence_range(at)
    end = page.end(at, "animate" if page.has(at, "animate") else "turn")
    source = _animated_source(page, wanted, at, end, nouns)
    video = wanted.latest("video")
    if video is not None and page.sentence[video.at] == page.sentence[at]:
        if source is not None and source not in video.depends:
            video.depends.append(source)
        return
    if source is None and video is not None:
        return
    group = Group("video", at, animated=True)
    group.noun = next(
        (noun for noun in nouns if noun.medium == "video" and end <= noun.at < sentence.stop and noun.governor in {"place", "ask"}), None
    )
    if source is not None:
        group.depends.append(source)
        group.count = _how_many(page, source, at, end, sentence)
        group.counted = group.count > 1
    if group.noun is not None:
        nouns.remove(group.noun)
        group.count = group.noun.count or group.count
        wanted.add(group, group.noun, first=at, end=group.noun.end)
    else:
        wanted.add(group, None, first=at, end=end)


def _animated_source(page: Page, wanted: Wanted, at: int, end: int, nouns: list[Noun]) -> Group | None:
    photo = wanted.latest("photo", before=at)
    if photo is None:
        return None
    if end > at + 1 and any(page.has(place, "it") for place in range(at, end)):
        return photo
    if any(page.tokens[place].word in {"it", "them"} for place in range(at, end)) or page.word(at).endswith(_CLITICS):
        return photo
    for place in range(end, min(page.sentence_range(at).stop, end + 7)):
        mark = page.owner[place]
        if mark is not None and mark.kind == "reference":
            return None
        if page.has(place, "it") or (place == end and page.tokens[place].gap == "-"):
            return photo
        noun = next((noun for noun in nouns if noun.at == place), None)
        if noun is not None and noun.medium == "photo" and (noun.determiner in _KNOWN or noun.ordinal):
            return photo
    if page.sentence_range(at).stop <= end + 1 or not page.tokens[end].is_word:
        return photo
    before = [noun for noun in nouns if at - 6 <= noun.at < at and page.sentence[noun.at] == page.sentence[at]]
    return photo if any(noun.medium == "photo" and noun.determiner in _KNOWN for noun in before) else None


def _how_many(page: Page, source: Group, at: int, end: int, sentence: range) -> int:
    if any(page.word(place).endswith(_PLURAL_CLITICS) for place in range(at, end)):
        return source.count
    for place in range(end - 1, min(sentence.stop, end + 6)):
        if page.has(place, "ordinal") or page.has(place, "one_of"):
            return 1
        if page.has(place, "plural_it", "each", "all", "every"):
            return source.count
    return 1
