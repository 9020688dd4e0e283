"""Writes the words of a voice-over from a brief's facts, inventing none, to fit the seconds there are."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import resources
from typing import Any, Literal

import tomli

from agentes.voice_agent.scripts.glossary import in_language
from shared_knowledge.prompts import render
from shared_knowledge.speech_pace import pace_of, predicted_s
from shared_knowledge.vocabulary import Frozen

__all__ = ["Facts", "Mood", "Script", "can_write", "mood_of", "write_script", "written_languages"]

Mood = Literal["warm", "lively", "calm", "moody"]

_ONE_SENTENCE_S = 7.5
_FEW_LONG_LINES_S = 35.0
_LONG_LINE = 66
_NAMED_ONCE_S = 20.0
_HEARD = re.compile(r"\w{4,}")
_SLOT = re.compile(r"\{(\w+)\}")


class Facts(Frozen):
    """What the brief says that may be said aloud, and the language it says it in."""

    subject: str = ""
    scene: str = ""
    language: str = "en"
    mood: Mood = "warm"


class Script(Frozen):
    """The words, how long they will take, and whether they name the subject."""

    text: str
    predicted_s: float
    names_subject: bool


class _Line(Frozen):
    says: str
    mood: tuple[Mood, ...] = ()
    beat: int = 0


class _Lines(Frozen):
    opening: tuple[_Line, ...]
    single: tuple[_Line, ...]
    middle: tuple[_Line, ...]
    closing: tuple[_Line, ...]


class _Short(Frozen):
    subject: str
    bare: str
    more: tuple[str, ...]


def write_script(facts: Facts, spoken_in: str, *, at_most_s: float, seed: int) -> Script | None:
    """A script in the spoken language that takes nearly `at_most_s`; None in a language we cannot write."""
    subject = in_language(facts.subject, facts.language, spoken_in)
    scene = facts.scene if facts.language.split("-")[0] == spoken_in.split("-")[0] else ""
    slots = _slots(_speakable(subject or "", 60), _spoken_scene(scene))
    lines = _lines(spoken_in)
    if lines is None:
        short = _neutral().get(_short_name(spoken_in))
        return _short_script(short, slots, spoken_in, at_most_s) if short else None
    desk = _Desk(slots, facts.mood, spoken_in, seed)
    if at_most_s < _ONE_SENTENCE_S:
        return desk.one_sentence(lines, at_most_s)
    return desk.whole(lines, at_most_s)


def can_write(language: str) -> bool:
    """Whether a script can be written in a language, be it long or short."""
    return _lines(language) is not None or _short_name(language) in _neutral()


def written_languages() -> tuple[str, ...]:
    """The languages whose lines are our own; others get a short neutral text."""
    room = resources.files("agentes.voice_agent.scripts")
    stems = (entry.name.removesuffix(".toml") for entry in room.iterdir() if entry.name.endswith(".toml"))
    return tuple(sorted(stem for stem in stems if re.fullmatch(r"[a-z]{2}(-[A-Z]{2})?", stem)))


def mood_of(words: str) -> Mood:
    """The mood that the words of a brief ask for: warm unless they say otherwise."""
    said = set(re.findall(r"[\w'’-]+", words.casefold()))
    moods: tuple[Mood, ...] = ("lively", "moody", "calm")
    return next((mood for mood in moods if said & _word_list(mood)), "warm")


class _Desk:
    """One script being written: the slots, the mood, and an order of lines that the seed decides."""

    def __init__(self, slots: dict[str, str], mood: Mood, language: str, seed: int) -> None:
        self.slots, self.mood, self.language, self.seed = slots, mood, language, seed
        pace = pace_of(language)
        self.pause_s = pace.sentence_pause_s - pace.lead_s

    def usable(self, lines: Iterable[_Line], *, naming: bool = False) -> list[_Line]:
        """The lines of this mood whose slots can be filled, best first; all naming the subject if asked."""
        fit = [line for line in lines if not line.mood or self.mood in line.mood]
        fit = [line for line in fit if all(self.slots.get(slot) for slot in _SLOT.findall(line.says))]
        named = [line for line in fit if _names(line)]
        chosen = named if naming and named else fit
        return sorted(
            chosen,
            key=lambda line: ("{scene}" not in line.says, self._is_plain(line), self._draw(line.says)),
        )

    def one_sentence(self, lines: _Lines, at_most_s: float) -> Script:
        """The single sentence that best fills a few seconds, or the shortest one there is."""
        naming = [self._filled(line) for line in self.usable(lines.single, naming=True)]
        any_line = [self._filled(line) for line in self.usable(lines.single)]
        fitting = [says for says in naming if self._takes_s(says) <= at_most_s]
        fitting = fitting or [says for says in any_line if self._takes_s(says) <= at_most_s]
        full = [says for says in fitting if self._takes_s(says) >= 0.86 * at_most_s]
        longest = max(fitting, key=self._takes_s, default=min(any_line, key=len))
        return self._script([full[0] if full else longest])

    def whole(self, lines: _Lines, at_most_s: float) -> Script:
        """An opening, as many lines as there is time for in the order of the story, and a closing."""
        least_s, most_s = 0.9 * at_most_s, 0.985 * at_most_s
        best = self.one_sentence(lines, at_most_s)
        for opening, closing in self._frames(lines):
            script = self._script([opening, *self._body(lines, opening, closing, most_s), closing])
            if best.predicted_s < script.predicted_s <= most_s:
                best = script
            if best.predicted_s >= least_s:
                break
        return best

    def _frames(self, lines: _Lines) -> Iterator[tuple[str, str]]:
        """Every opening with every closing, those first that do not repeat each other."""
        closings = [self._filled(line) for line in self.usable(lines.closing)]
        for opening in map(self._filled, self.usable(lines.opening, naming=True)):
            for closing in sorted(closings, key=lambda says: self._echo(says, [opening])):
                yield opening, closing

    def _body(self, lines: _Lines, opening: str, closing: str, at_most_s: float) -> list[str]:
        """Lines that fill the time left: first one for each beat, then more; with as few echoes as can be."""
        left_s = at_most_s - self._takes_s(opening) - self._takes_s(closing) - self.pause_s
        candidates = self.usable(lines.middle)
        if left_s > _FEW_LONG_LINES_S:
            candidates.sort(key=lambda line: not _SLOT.search(line.says) and len(line.says) < _LONG_LINE)
        chosen: list[_Line] = []
        for one_per_beat, echoes in ((True, 0), (False, 0), (False, 1), (False, 9)):
            for line in candidates:
                says, cost_s = self._filled(line), self._takes_s(self._filled(line)) + self.pause_s
                told = [opening, closing, *map(self._filled, chosen)]
                taken = line in chosen or (one_per_beat and line.beat in {other.beat for other in chosen})
                if taken or cost_s > left_s or self._echo(says, told) > echoes:
                    continue
                if _names(line) and at_most_s < _NAMED_ONCE_S:
                    continue
                chosen.append(line)
                left_s -= cost_s
        return [self._filled(line) for line in sorted(chosen, key=lambda line: line.beat)]

    def _script(self, lines: list[str]) -> Script:
        text = render("voice/script.j2", lines=lines)
        subject = self.slots["subject"]
        named = bool(subject) and subject.casefold() in text.casefold()
        return Script(text=text, predicted_s=self._takes_s(text), names_subject=named)

    def _is_plain(self, line: _Line) -> bool:
        return self.mood != "warm" and line.mood != (self.mood,)

    def _echo(self, says: str, told: list[str]) -> int:
        """How many words that the ear remembers are already in what was told."""
        light = _word_list("light_words") | set(_HEARD.findall(self.slots["subject"].casefold()))
        words = set(_HEARD.findall(says.casefold())) - light
        return len(words & set(_HEARD.findall(" ".join(told).casefold())))

    def _filled(self, line: _Line) -> str:
        return _SLOT.sub(lambda slot: self.slots[slot[1]], line.says)

    def _takes_s(self, text: str) -> float:
        return predicted_s(text, self.language)

    def _draw(self, says: str) -> str:
        return hashlib.blake2b(f"{self.seed} {says}".encode(), digest_size=8).hexdigest()


def _names(line: _Line) -> bool:
    return "{subject}" in line.says.lower()


def _short_script(short: _Short, slots: dict[str, str], language: str, at_most_s: float) -> Script:
    named = bool(slots["subject"])
    text = short.subject.replace("{subject}", slots["subject"]) if named else short.bare
    if predicted_s(text, language) > at_most_s:
        named, text = False, short.bare
    glue = "" if language.split("-")[0] in {"ja", "zh"} else " "
    for line in short.more:
        if predicted_s(f"{text}{glue}{line}", language) <= at_most_s:
            text = f"{text}{glue}{line}"
    return Script(text=text, predicted_s=predicted_s(text, language), names_subject=named)


def _slots(subject: str, scene: str) -> dict[str, str]:
    return {"subject": subject, "Subject": subject[:1].upper() + subject[1:], "scene": scene}


def _speakable(words: str, longest: int) -> str:
    """The words if a narrator could say them as they are; otherwise nothing."""
    plain = " ".join(words.split()).strip(" .,:;!?")
    strange = re.search(r"[^\w\s,'’&%-]|_|\d{3,}|https?|www", plain)
    return "" if strange or len(plain) > longest or len(plain.split()) > 9 else plain


def _spoken_scene(scene: str) -> str:
    """The part of the scene that is about the picture, not about the camera or the file, if it can be said."""
    silent = _word_list("never_spoken")
    parts = (_speakable(part, 48) for part in re.split(r"[,;.\n()]| [–—-] ", scene))
    told = [part for part in parts if part and not set(re.findall(r"[\w-]+", part.casefold())) & silent]
    whole = ", ".join(told)
    short = whole if len(whole) <= _LONG_LINE else next(iter(told), "")
    return short if len(short.split()) >= 3 else ""


@cache
def _lines(language: str) -> _Lines | None:
    parent = language.split("-")[0]
    known = written_languages()
    own = (
        language if language in known else next((name for name in known if name.split("-")[0] == parent), "")
    )
    return _Lines.model_validate(_toml(own)) if own else None


def _short_name(language: str) -> str:
    parent = language.split("-")[0].lower()
    return {"no": "nb", "nn": "nb", "cmn": "zh"}.get(parent, parent)


@cache
def _neutral() -> dict[str, _Short]:
    return {language: _Short.model_validate(short) for language, short in _toml("neutral").items()}


@cache
def _word_list(name: str) -> frozenset[str]:
    return frozenset(_toml("moods")[name])


@cache
def _toml(name: str) -> dict[str, Any]:
    path = resources.files("agentes.voice_agent.scripts") / f"{name}.toml"
    return tomli.loads(path.read_text("utf-8"))
