"""Captions: the script in short, balanced lines, each on screen while its words are spoken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil

from agentes.media.sentences import Word, sentences, width, words
from shared_knowledge.vocabulary import Frozen

__all__ = ["Caption", "Mark", "columns", "marks_of", "srt", "subtitle"]

_MOST_COLUMNS = 42
_MOST_LINES = 2
_LEAST_S = 1.0
_LINGER_S = 0.35
_BRIDGED_S = 0.6
_GAP_S = 0.04
_CLOSERS = ",;:.!?…—–-)»”\"'，、；：。！？）」』”’"


class Mark(Frozen):
    """When a stretch of the script is spoken, counted from the beginning of the recording."""

    kind: str
    offset: int
    length: int
    start_s: float
    end_s: float


class Caption(Frozen):
    """Up to two lines, and when they are on screen."""

    start_s: float
    end_s: float
    lines: tuple[str, ...]


class _Spoken(Frozen):
    """A word, when it is said, and whether it ends a sentence."""

    text: str
    joined: bool
    start_s: float
    end_s: float
    ends: bool = False


def columns(frame_width: int, frame_height: int) -> int:
    """How many columns a line of captions may take on a canvas; wide characters take two."""
    return max(min(_MOST_COLUMNS, int(28 * frame_width / min(frame_width, frame_height))), 16)


def subtitle(
    script: str, marks: Sequence[Mark], *, starts_s: float, lasts_s: float, most_columns: int, until_s: float
) -> tuple[Caption, ...]:
    """The captions of one recording that begins at `starts_s` of a film that ends at `until_s`.

    Without marks the words are spread over the recording by their length.
    """
    spoken = _timed(script, marks) if marks else _spread(script, lasts_s)
    apart = [_blocks(sentence, most_columns) for sentence in _by_sentence(spoken)]
    blocks = _companied(apart, most_columns, lasts_s)
    shown = [
        Caption(
            start_s=starts_s + block[0].start_s,
            end_s=starts_s + block[-1].end_s,
            lines=_lines(block, most_columns),
        )
        for block in blocks
    ]
    return tuple(_unhurried(shown, until_s))


def srt(captions: Sequence[Caption]) -> str:
    """The captions as a SubRip file."""
    cues = (
        f"{number}\n{_clock(caption.start_s)} --> {_clock(caption.end_s)}\n{chr(10).join(caption.lines)}\n"
        for number, caption in enumerate(captions, 1)
    )
    return "\n".join(cues)


def _clock(at_s: float) -> str:
    ms = round(at_s * 1000)
    return f"{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d},{ms % 1000:03d}"


def marks_of(script: str, told: Sequence[tuple[float, float, str]]) -> tuple[Mark, ...]:
    """The times a voice platform gives for its words, laid on the script; none where they do not fit it."""
    marks: list[Mark] = []
    at = 0
    for start_s, end_s, word in told:
        found = script.find(word, at)
        if found < 0:
            return ()
        at = found + len(word)
        marks.append(Mark(kind="word", offset=found, length=len(word), start_s=start_s, end_s=end_s))
    for sentence in sentences(script):
        inside = [m for m in marks if m.kind == "word" and sentence.start <= m.offset < sentence.end]
        if inside:
            length = sentence.end - sentence.start
            times = {"start_s": inside[0].start_s, "end_s": inside[-1].end_s}
            marks.append(Mark(kind="sentence", offset=sentence.start, length=length, **times))
    return tuple(marks)


# ── when each word is said ─────────────────────────────────────────────────────────────────────


def _timed(script: str, marks: Sequence[Mark]) -> list[_Spoken]:
    said = {mark.offset: mark for mark in marks if mark.kind == "word"}
    spoken: list[_Spoken] = []
    for sentence in (mark for mark in marks if mark.kind == "sentence"):
        end = sentence.offset + sentence.length
        at_s = sentence.start_s
        here: list[_Spoken] = []
        for word in words(script, sentence.offset, end):
            mark = said.get(word.start)
            start_s, at_s = (mark.start_s, mark.end_s) if mark else (at_s, at_s)
            here.append(_spoken(script, word, start_s, at_s))
        if here:
            spoken += [*here[:-1], here[-1].model_copy(update={"ends": True, "end_s": sentence.end_s})]
    return spoken


def _spread(script: str, lasts_s: float) -> list[_Spoken]:
    """Proportional timing: a word takes as long as it is wide, a sentence ends in a breath."""
    found = [(sentence, words(script, sentence.start, sentence.end)) for sentence in sentences(script)]
    weights = [sum(width(word.text) + 1 for word in inside) + 3 for _, inside in found]
    if not weights:
        return []
    unit_s = lasts_s / sum(weights)
    spoken, at_s = [], 0.0
    for _, inside in found:
        for word in inside:
            start_s, at_s = at_s, at_s + (width(word.text) + 1) * unit_s
            spoken.append(_spoken(script, word, start_s, at_s, ends=word is inside[-1]))
        at_s += 3 * unit_s
    return spoken


def _spoken(script: str, word: Word, start_s: float, end_s: float, *, ends: bool = False) -> _Spoken:
    joined = word.start > 0 and not script[word.start - 1].isspace()
    return _Spoken(text=word.text, joined=joined, start_s=start_s, end_s=end_s, ends=ends)


# ── what stands together ───────────────────────────────────────────────────────────────────────


_Block = Sequence[_Spoken]


def _by_sentence(spoken: Sequence[_Spoken]) -> Iterator[list[_Spoken]]:
    sentence: list[_Spoken] = []
    for word in spoken:
        sentence.append(word)
        if word.ends:
            yield sentence
            sentence = []
    if sentence:
        yield sentence


def _blocks(sentence: Sequence[_Spoken], most_columns: int) -> list[_Block]:
    """A sentence in as few captions as hold it, of like size, parted at commas where it can be."""
    room = most_columns * _MOST_LINES
    count = ceil(_columns(sentence) / (room * 0.92))
    while True:
        blocks = _parted(sentence, count)
        if count >= len(sentence) or all(_fits(block, most_columns) for block in blocks):
            return blocks
        count += 1


def _parted(row: Sequence[_Spoken], count: int) -> list[_Block]:
    """A row of words in `count` parts, the breaks where the parts come out most alike."""
    if count <= 1 or len(row) <= 1:
        return [row]
    share = _columns(row) / count
    before = 0
    best, best_cost = 1, float("inf")
    for place in range(1, len(row) - count + 2):
        before = _columns(row[:place])
        bonus = 0.3 if row[place - 1].text[-1] in _CLOSERS else 0.0
        orphan = 0.15 if width(row[place - 1].text) <= 2 and not bonus else 0.0
        cost = abs(before - share) / share - bonus + orphan
        if cost < best_cost:
            best, best_cost = place, cost
    return [row[:best], *_parted(row[best:], count - 1)]


def _fits(block: _Block, most_columns: int) -> bool:
    return all(width(line) <= most_columns for line in _lines(block, most_columns))


def _lines(block: _Block, most_columns: int) -> tuple[str, ...]:
    """One line if it fits, else two of like length; only a word too long for any line overflows."""
    whole = _text(block)
    if width(whole) <= most_columns or len(block) == 1:
        return (whole,)
    return tuple(_text(part) for part in _parted(block, _MOST_LINES))


def _text(row: Sequence[_Spoken]) -> str:
    return "".join(
        word.text if word.joined or number == 0 else f" {word.text}" for number, word in enumerate(row)
    )


def _columns(row: Sequence[_Spoken]) -> int:
    return width(_text(row))


# ── how long it stays ──────────────────────────────────────────────────────────────────────────


def _companied(apart: Sequence[Sequence[_Block]], most_columns: int, lasts_s: float) -> list[_Block]:
    """All blocks; a sentence too brief to be read alone shares the screen with the next, where both fit."""
    starts = [sentence[0][0].start_s for sentence in apart]
    kept: list[_Block] = []
    brief = False
    for sentence, after_s in zip(apart, [*starts[1:], lasts_s], strict=True):
        whole = len(sentence) == 1
        if brief and whole and _fits(both := [*kept[-1], *sentence[0]], most_columns):
            kept[-1] = both
        else:
            kept += sentence
        brief = whole and after_s - kept[-1][0].start_s < _LEAST_S + _GAP_S
    return kept


def _unhurried(shown: Sequence[Caption], until_s: float) -> Iterator[Caption]:
    """The captions without flicker: short gaps bridged, each long enough to read, none overlapping."""
    starts = [caption.start_s for caption in shown]
    limits = [*(start_s - _GAP_S for start_s in starts[1:]), until_s]
    for number in reversed(range(1, len(shown))):
        # One that would vanish too soon comes a little early, if the one before has time to give.
        early = min(starts[number], limits[number] - _LEAST_S)
        if early >= starts[number - 1] + _LEAST_S + _GAP_S:
            starts[number], limits[number - 1] = early, early - _GAP_S
    for number, caption in enumerate(shown):
        start_s, limit_s = starts[number], limits[number]
        end_s = caption.end_s + _LINGER_S
        if number < len(shown) - 1 and limit_s - end_s < _BRIDGED_S:
            end_s = limit_s
        end_s = min(max(end_s, start_s + _LEAST_S), limit_s)
        if end_s > start_s:
            yield Caption(start_s=start_s, end_s=end_s, lines=caption.lines)
