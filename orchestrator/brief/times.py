"""How long: seconds in every wording, and the times that are something else."""

from __future__ import annotations

from orchestrator.brief.numerals import Number, is_below_nothing, number_at
from orchestrator.brief.page import Page
from orchestrator.brief.tokens import Kind

__all__ = ["find_times"]

_FRACTIONS = {"half_minute": 30.0, "quarter_minute": 15.0, "three_quarters_minute": 45.0}
_PARTS = {"half": 30.0, "quarter": 15.0, "three_quarters": 45.0}
_HOUR_S = 3600.0
_HOURS = {"half_hour": _HOUR_S / 2, "hour_long": _HOUR_S}
_SECOND_SIGNS = frozenset('"″”')
_MINUTE_SIGNS = frozenset("'′’")
_LONGEST_S = 3_600.0


def find_times(page: Page) -> None:
    """Claims every duration as `duration`, and deadlines, decades, hours and dates as `time`."""
    at = 0
    while at < page.size:
        at = max(at + 1, _time_at(page, at)) if page.free(at, at + 1) else at + 1
    _without_unit(page)


def _time_at(page: Page, at: int) -> int:
    for category, seconds in _FRACTIONS.items():
        if page.has(at, category):
            return _claim(page, at, page.end(at, category), seconds)
    if page.has(at, "minute_and_half"):
        number = number_at(page, at - 1)
        whole = number.value if number and number.end == at else 1.0
        first = at - 1 if number and number.end == at else at
        return _claim(page, first, page.end(at, "minute_and_half"), whole * 60 + 30)
    if page.has(at, "minute") and page.has(page.end(at, "minute"), "and"):
        return _minutes(page, at, at, 1.0) if _part_of_minute(page, page.end(at, "minute") + 1) else at
    if page.has(at, "length_in_s"):
        seconds = float(page.value(at, "length_in_s"))
        return _claim(page, at, at + 1, seconds) if seconds < _HOUR_S else _long(page, at, at + 1, seconds)
    for category, seconds in _HOURS.items():
        if page.has(at, category):
            return _long(page, at, page.end(at, category), seconds)
    clock = _clock(page, at)
    if clock:
        return clock
    if page.has(at, "article") and not page.has(at, "number"):
        after = page.end(at, "article")
        if page.has(after, "minute"):
            return _minutes(page, at, after, 1.0)
        if page.has(after, "hour"):
            return _hours(page, at, after, 1.0)
        return at
    number = number_at(page, at)
    return _measured(page, at, number) if number else at


def _measured(page: Page, first: int, number: Number) -> int:
    """A number, perhaps the first of several, with its unit."""
    values, end = [number], number.end
    ranged = page.before(first, "range_from") is not None
    while not _unit(page, end) and len(values) < 5:
        link = _link(page, end)
        following = number_at(page, link[0]) if link else None
        if link is None or following is None:
            return first
        ranged = ranged or link[1]
        values.append(following)
        end = following.end
    unit = _unit(page, end)
    if unit is None:
        return first
    if unit == "longer":
        last = page.end(end, "longer")
        if len(values) == 1 and page.has(end, "hour"):
            return _hours(page, first, end, number.value)
        page.claim("time", first, last)
        return last
    if len(values) == 1:
        if unit == "minute" and page.has(end, "minute_and_half"):
            return _claim(page, first, page.end(end, "minute_and_half"), number.value * 60 + 30)
        if unit == "minute":
            return _minutes(page, first, end, number.value)
        last = _claim(page, first, _unit_end(page, end), number.value)
        return _and_another(page, last)
    scale = 60 if unit == "minute" else 1
    last = _unit_end(page, end)
    if ranged:
        return _claim(page, first, last, values[-1].value * scale)
    for place, value in enumerate(values):
        starts = first if place == 0 else values[place - 1].end
        ends = last if place == len(values) - 1 else value.end
        _claim(page, starts, ends, value.value * scale)
    return last


def _hours(page: Page, first: int, unit_at: int, hours: float) -> int:
    """ "a video of 2 hours", "1 h 30 min of narration": hours are a length only beside the asset they measure."""
    end = max(page.end(unit_at, name) for name in ("hour", "hour_long") if page.has(unit_at, name))
    joined = page.end(end, "and") if page.has(end, "and") else end
    minutes, last = 0.0, end
    part = page.has(joined, "half") and joined > end
    rest = number_at(page, joined) if joined < page.size else None
    if part:
        minutes, last = 30.0, page.end(joined, "half")
    elif rest and rest.value < 60 and _unit(page, rest.end) == "minute":
        minutes, last = rest.value, _unit_end(page, rest.end)
    elif rest and rest.value < 60 and page.tokens[end].glued:
        minutes, last = rest.value, rest.end
    return _long(page, first, last, hours * _HOUR_S + minutes * 60)


def _long(page: Page, first: int, end: int, seconds: float) -> int:
    """Claims hours as a length or, where they measure something else, as a time."""
    if _measures_asset(page, first, end) or (seconds <= _LONGEST_S and _stands_alone(page, first, end)):
        return _claim(page, first, end, seconds)
    page.claim("time", first, end)
    return end


def _measures_asset(page: Page, first: int, end: int) -> bool:
    """Whether a clip or a voice stands right before or after these words, and no deadline leads to them."""
    if any(page.has(at, "deadline") for at in range(max(page.segment_start(first), first - 3), first)):
        return False
    ahead = page.skip(end, "of", "long")
    if page.has(ahead, "medium") and not page.value(ahead, "medium").startswith("photo"):
        return True
    joint = page.before(first, "of", "with", "long", "mark")
    noun = page.before(first if joint is None else joint, "medium")
    beside = joint is not None or not page.has(end, "place")
    return beside and noun is not None and not page.value(noun, "medium").startswith("photo")


def _stands_alone(page: Page, first: int, end: int) -> bool:
    """ "Hochzeitsvideo, 1 Stunde": nothing else in its piece of a sentence that asks for a clip or a voice."""
    sentence = page.sentence_range(first)
    told = any(
        page.has(at, "medium") and page.value(at, "medium").rstrip("?+") in {"video", "voice"}
        for at in range(sentence.start, first)
    )
    return (
        told and page.segment_start(first) == first and (end >= page.size or page.segment_end(first) == end)
    )


def _and_another(page: Page, at: int) -> int:
    """ "one of 30 seconds and one of 15": the unit is said once; answers where the last length ends."""
    joint = page.skip(at, "and", "or") if page.has(at, "and", "or") else at
    if joint == at or not page.has(joint, "article", "another"):
        return at
    number = number_at(page, page.skip(joint, "article", "another", "of", "from", "with"))
    if number is None or number.value < 2 or _unit(page, number.end) or not _stops(page, number.end):
        return at
    return _claim(page, number.end - 1, number.end, number.value)


def _without_unit(page: Page) -> None:
    """ "the first of 8 seconds, the second of 15": the unit is said once for both."""
    for mark in page.of("duration"):
        for at in range(mark.end, page.sentence_range(mark.first).stop):
            if not page.has(at, "ordinal") and not page.has(at, "another"):
                continue
            end = max(page.end(at, name) for name in ("ordinal", "another") if page.has(at, name))
            number = number_at(page, page.skip(end, "of", "from", "with", "for"))
            if number is None or number.value < 2 or not page.free(number.end - 1, number.end):
                continue
            if not _unit(page, number.end) and not _counts_something(page, number.end):
                _claim(page, number.end - 1, number.end, number.value)


def _stops(page: Page, at: int) -> bool:
    """Whether the number before this place counts nothing: a mark or the end follows."""
    return at >= page.size or (not page.tokens[at].is_word and page.tokens[at].text not in "%:x×/")


def _link(page: Page, at: int) -> tuple[int, bool] | None:
    """What ties two numbers of one unit: the next number's place, and whether it is a range."""
    if at >= page.size or page.hidden[at]:
        return None
    token = page.tokens[at]
    if token.kind is Kind.NUMBER and token.gap.strip() in {"-", "‐", "‑"}:
        return at, True
    if token.text in {"–", "—", "~"}:
        return at + 1, True
    if page.has(at, "range_to"):
        return page.end(at, "range_to"), True
    if page.has(at, "and"):
        return page.end(at, "and"), False
    if page.has(at, "or"):
        return page.end(at, "or"), True
    if token.text in {",", "/", "+"}:
        after = at + 1
        return (page.end(after, "and") if page.has(after, "and") else after), False
    return None


def _unit(page: Page, at: int) -> str | None:
    if at >= page.size or page.hidden[at]:
        return None
    token = page.tokens[at]
    if token.glued and token.text in _SECOND_SIGNS:
        return "second"
    if token.glued and token.text in _MINUTE_SIGNS:
        twice = at + 1 < page.size and page.tokens[at + 1].glued and page.tokens[at + 1].text == token.text
        return "second" if twice else "minute"
    for unit in ("second", "minute", "longer"):
        if page.has(at, unit) and token.kind is not Kind.LINE:
            following = page.tokens[at + 1] if at + 1 < page.size else None
            if token.word == "m" and not (following and following.glued and following.text[0].isdecimal()):
                continue
            return unit
    return None


def _unit_end(page: Page, at: int) -> int:
    """The place after the unit, its full stop and a second apostrophe included."""
    if page.tokens[at].text in _MINUTE_SIGNS and not page.has(at, "second"):
        return at + 2 if _unit(page, at) == "second" else at + 1
    for unit in ("second", "minute"):
        if page.has(at, unit):
            return page.end(at, unit)
    return at + 1


def _minutes(page: Page, first: int, unit_at: int, minutes: float) -> int:
    """Minutes, and the seconds or the half that may follow them."""
    end = _unit_end(page, unit_at)
    dotted = (
        end + 1 < page.size and page.tokens[end].text == "." and page.sentence[end] == page.sentence[end + 1]
    )
    start = end + 1 if dotted else end
    joined = page.end(start, "and") if page.has(start, "and") else start
    part = _part_of_minute(page, joined) if joined > start else None
    if part:
        return _claim(page, first, part[1], minutes * 60 + part[0])
    rest = number_at(page, joined) if joined < page.size else None
    if rest and rest.value < 60:
        unit = _unit(page, rest.end)
        if unit == "second":
            return _claim(page, first, _unit_end(page, rest.end), minutes * 60 + rest.value)
        loose = rest.value >= 5 and not _counts_something(page, rest.end)
        if (page.tokens[end].glued and not dotted) or loose:
            return _claim(page, first, rest.end, minutes * 60 + rest.value)
    return _claim(page, first, end, minutes * 60)


def _part_of_minute(page: Page, at: int) -> tuple[float, int] | None:
    """ "… and a half", "… und eine Viertelminute": the seconds, and where the words end."""
    for category, seconds in (*_PARTS.items(), *_FRACTIONS.items()):
        for place in (at, page.skip(at, "article")):
            if page.has(place, category):
                return seconds, page.end(place, category)
    return None


def _counts_something(page: Page, at: int) -> bool:
    return (
        at < page.size
        and page.tokens[at].is_word
        and page.owner[at] is None
        and not page.has(at, "and", "for", "place", "with", "of")
    )


def _clock(page: Page, at: int) -> int:
    """ "1:30 min", "0:45": minutes and seconds; other clock times are times of the day."""
    if at + 2 >= page.size:
        return 0
    minutes, colon, seconds = page.tokens[at : at + 3]
    if minutes.kind is not Kind.NUMBER or colon.text != ":" or seconds.kind is not Kind.NUMBER:
        return 0
    if len(seconds.text) != 2 or not seconds.text.isdecimal() or not minutes.text.isdecimal():
        return 0
    if not (colon.glued and seconds.glued) or int(seconds.text) >= 60:
        return 0
    known = f"{minutes.text}:{seconds.text}" in {"9:16", "9:21", "16:10"}
    if known:
        return 0
    end = at + 3
    unit = _unit(page, end)
    if unit == "longer" or int(minutes.text) > 9:
        page.claim("time", at, end)
        return end
    told = unit == "minute" or minutes.text in {"0", "00"} or page.before(at, "mark") is not None
    told = told or (page.has(end, "medium") and not page.value(end, "medium").startswith("photo"))
    if not told and page.segment_end(at) - page.segment_start(at) > 3:
        page.claim("time", at, end)
        return end
    last = _unit_end(page, end) if unit == "minute" else end
    return _claim(page, at, last, int(minutes.text) * 60 + int(seconds.text))


def _claim(page: Page, first: int, end: int, seconds: float) -> int:
    if not page.free(first, end):
        return end
    if _is_era(page, first, end, seconds):
        page.claim("time", first, end)
        return end
    if not 0 < seconds <= _LONGEST_S or is_below_nothing(page, first):
        page.claim("time", first, end, "absurd")
        return end
    mark = page.claim("duration", first, end, number=round(seconds, 2))
    if _is_aside(page, first):
        mark.value = "aside"
    elif page.before(first, "total") is not None or page.has(end, "total"):
        mark.value = "total"
    return end


def _is_era(page: Page, first: int, end: int, seconds: float) -> bool:
    """ "80s disco", "the 90s": a decade, not a length."""
    unit = page.tokens[end - 1]
    if seconds % 10 or unit.word != "s" or not unit.glued or page.language_of(first) != "en":
        return False
    if not 20 <= seconds <= 90:
        return 1_800 <= seconds <= 2_090
    followed = end < page.size and (page.has(end, "era") or page.tokens[end].gap == "-")
    media = page.has(end, "medium") and not page.has(end, "era")
    the = page.before(first, "definite") is not None and not page.has(end, "medium")
    near = range(end, min(page.segment_end(end - 1), end + 3))
    described = page.before(first, "article") is not None and not any(
        page.has(at, "medium", "shape") for at in near
    )
    return (followed and not media) or the or (described and any(page.has(at, "era") for at in near))


def _is_aside(page: Page, first: int) -> bool:
    """Whether these words tell when or how fast something happens, not how long the asset is."""
    start = page.segment_start(first)
    return any(page.has(place, "deadline") for place in range(max(start, first - 3), first))
