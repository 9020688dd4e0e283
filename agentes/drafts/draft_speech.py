"""A voice without a studio: espeak-ng in its own process, at a narrator's pace, in some hundred languages."""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import JsonValue

from agentes.contract import Done, File
from agentes.media import child, ffmpeg, loudness
from agentes.media.sentences import Sentence, sentences, words
from shared_knowledge.errors import Broken, Unsuitable
from shared_knowledge.vocabulary import Order, VoiceIntent, VoiceSpec

__all__ = ["Adapter", "languages"]

_LEAD_S, _TAIL_S = 0.05, 0.2
_PAUSE_S, _LONG_PAUSE_S = 0.38, 0.65
_SLOWEST, _FASTEST = 0.72, 1.5
_LONGEST_SCRIPT = 20_000
_DEADLINE_S = 120.0
_MUCH_SILENCE = 0.35
_GRACE_S = 0.01

# espeak-ng's pace by language, set so that it reads about as fast as a narrator does: some 150 English,
# 155 Portuguese, 120 Polish or 135 German words a minute, 240 Chinese characters.
_PACE = {
    "en": 147,
    "pt": 146,
    "es": 145,
    "fr": 132,
    "de": 128,
    "it": 146,
    "nl": 134,
    "pl": 146,
    "ja": 175,
    "zh": 172,
}
_PACE_ELSEWHERE = 145

# Tags that espeak-ng spells otherwise, and what is meant where no country is named.
_SPELT = {
    "en": "en-us",
    "pt": "pt-br",
    "pt-pt": "pt",
    "es-es": "es",
    "zh": "cmn",
    "zh-hk": "yue",
    "zh-mo": "yue",
    "no": "nb",
    **dict.fromkeys(("es-mx", "es-ar", "es-co", "es-cl", "es-pe", "es-ve", "es-us", "es-uy"), "es-419"),
}
# Accents it does not have, and the nearest one it has.
_NEAREST = {
    **dict.fromkeys(("en-au", "en-nz", "en-ie", "en-za", "en-in"), "en-gb"),
    **dict.fromkeys(("pt-ao", "pt-mz", "pt-cv"), "pt"),
    "fr-ca": "fr-fr",
}


class _Timbre(NamedTuple):
    """How a voice is made bearable: which variant, how it moves, and what is taken off its tin."""

    variant: str
    pitch: int
    range: int
    tone: str


# The equalisers bring the long-term spectrum of each variant near that of human speech (Byrne 1994).
_MAN = _Timbre(
    "m7",
    48,
    62,
    "equalizer=f=165:t=q:w=1.2:g=4,equalizer=f=800:t=q:w=1.2:g=-2,equalizer=f=2500:t=q:w=1.5:g=-3",
)
_WOMAN = _Timbre(
    "f2",
    47,
    62,
    "equalizer=f=270:t=q:w=0.9:g=4,equalizer=f=1000:t=q:w=1.1:g=-5,equalizer=f=2200:t=q:w=1.2:g=-4,"
    "equalizer=f=4000:t=q:w=1.6:g=-8",
)
_ROOM = "aecho=0.95:0.9:13|23|37:0.07|0.05|0.03"
_EVEN_OUT = "acompressor=threshold=-20dB:ratio=2:attack=8:release=150"

_SPEAKER = re.compile(r"\s*([^\W\d_][\w .'’-]{0,30}?)\s*[::]\s+")


class _Line(NamedTuple):
    """A sentence to be said, by whom."""

    sentence: Sentence
    timbre: _Timbre


class Adapter:
    """Reads scripts aloud on this machine: real sound, real timing, free."""

    async def start(self, desk: Path, order: Order) -> Done:
        """Writes `speech.wav`, and says when each sentence and word of the script is spoken."""
        spec = order.spec
        assert isinstance(spec, VoiceSpec)
        lines = _lines(spec)
        raw = desk / "speech.raw.wav"
        try:
            said = await _say(_question(spec, lines, raw), spec)
            _insist(spec, said)
            await _polish(raw, desk / "speech.wav", lines, spec, said)
        finally:
            raw.unlink(missing_ok=True)
        marks: list[JsonValue] = list(_marks(spec.script, lines, said))
        return Done(File("speech.wav"), warnings=tuple(_honest(spec, said)), measured={"marks": marks})


# ── the script ─────────────────────────────────────────────────────────────────────────────────


def _lines(spec: VoiceSpec) -> tuple[_Line, ...]:
    if len(spec.script) > _LONGEST_SCRIPT:
        raise Unsuitable(
            f"The script has {len(spec.script)} characters; at most {_LONGEST_SCRIPT} can be read."
        )
    first = _WOMAN if spec.gender == "female" else _MAN
    if spec.intent is not VoiceIntent.DIALOGUE:
        return tuple(_Line(sentence, first) for sentence in sentences(spec.script))
    return tuple(_dialogue(spec.script, (first, _MAN if first is _WOMAN else _WOMAN)))


def _dialogue(script: str, timbres: tuple[_Timbre, _Timbre]) -> Iterator[_Line]:
    """Lines that begin with a name and a colon are said by turns; the name is not said."""
    names: list[str] = []
    timbre, begins = timbres[0], True
    for sentence in sentences(script):
        spoken = sentence
        if begins and (named := _SPEAKER.match(sentence.text)) and named.end() < len(sentence.text):
            if named[1] not in names:
                names.append(named[1])
            timbre = timbres[names.index(named[1]) % 2]
            spoken = Sentence(sentence.start + named.end(), sentence.text[named.end() :], sentence.closes)
        begins = sentence.closes
        yield _Line(spoken, timbre)


def _speakable(text: str) -> str:
    return "".join(" " if unicodedata.category(char) in ("Cc", "Cs", "Co") else char for char in text)


# ── the speaking ───────────────────────────────────────────────────────────────────────────────


def _languages(tag: str) -> list[str]:
    """What to ask espeak-ng for, best first."""
    full = _plain(tag)
    short = full.split("-")[0]
    wanted = (_SPELT.get(full), full, _NEAREST.get(full), _SPELT.get(short), short)
    return list(dict.fromkeys(name for name in wanted if name))


def _plain(tag: str) -> str:
    return tag.lower().replace("_", "-")


def _question(spec: VoiceSpec, lines: Sequence[_Line], into: Path) -> dict[str, Any]:
    pace = _PACE.get(_plain(spec.language).split("-")[0], _PACE_ELSEWHERE)
    return {
        "into": str(into),
        "languages": _languages(spec.language),
        "lines": [
            {
                "text": _speakable(line.sentence.text),
                "variant": line.timbre.variant,
                "pitch": line.timbre.pitch,
                "range": line.timbre.range,
                "pause_s": _LONG_PAUSE_S if line.sentence.closes else _PAUSE_S,
            }
            for line in lines
        ],
        "rate": pace,
        "slowest": round(pace * _SLOWEST),
        "fastest": round(pace * _FASTEST),
        "lead_s": _LEAD_S,
        "tail_s": _TAIL_S,
        "goal_s": spec.duration_s,
        "limit_s": None if spec.at_most_s is None else spec.at_most_s - _GRACE_S,
    }


async def languages() -> tuple[str, ...]:
    """Every language the voice speaks, as the library itself tells: the proof that it works here."""
    return tuple((await _ask({"languages": []}))["unknown_language"])


async def _say(question: dict[str, Any], spec: VoiceSpec) -> dict[str, Any]:
    said = await _ask(question)
    if "unknown_language" in said:
        known = ", ".join(said["unknown_language"])
        raise Unsuitable(f"The draft voice does not speak {spec.language}. It speaks {known}.")
    return said


async def _ask(question: dict[str, Any]) -> dict[str, Any]:
    program = Path(__file__).with_name("espeak.py")
    ended = await child.run(
        [sys.executable, "-P", str(program)],
        feed=json.dumps(question).encode(),
        deadline_s=_DEADLINE_S,
        limits=child.Limits(cpu_s=int(_DEADLINE_S), memory_mb=2048),
    )
    if ended.code or ended.late:
        why = ended.signal_name or " ".join(ended.log.strip().splitlines()[-1:]) or "no answer"
        raise Broken(f"espeak-ng stopped: {why}.", todo="Reinstall espeakng-loader, or run `agentes doctor`.")
    answer: dict[str, Any] = json.loads(ended.out)
    return answer


def _insist(spec: VoiceSpec, said: dict[str, Any]) -> None:
    if not said["speech_s"]:
        raise Unsuitable("There is nothing to say: the script holds no word that can be spoken.")
    limit_s = spec.at_most_s
    if limit_s is not None and said["lasts_s"] > limit_s:
        count = len(words(spec.script))
        too_many = min(ceil(count * (1 - limit_s / said["lasts_s"])) or 1, count)
        raise Unsuitable(
            f"The script of {count} words takes {said['lasts_s']:.1f} s at the fastest bearable pace; "
            f"at most {limit_s:g} s were asked for.",
            todo=f"Cut about {too_many} words.",
        )


async def _polish(
    raw: Path, into: Path, lines: Sequence[_Line], spec: VoiceSpec, said: dict[str, Any]
) -> None:
    """From the library's bare sound to a voice in a room, at one loudness, as long as asked."""
    padded = (
        f",apad=whole_dur={spec.duration_s:.3f}"
        if _is_short(spec, said)
        else f",atrim=end={said['lasts_s']:.4f}"
    )
    timbres = {line.timbre for line in lines}
    tone = next(iter(timbres)).tone + "," if len(timbres) == 1 else ""
    await loudness.level(
        ["-i", ffmpeg.local(raw)],
        f"[0:a]highpass=f=60,{tone}{_EVEN_OUT},{_ROOM},aresample={loudness.RATE}{padded}[mix]",
        into,
        target_lufs=loudness.ONE_VOICE_LUFS,
        tags=("-metadata", "comment=draft: spoken by espeak-ng on this machine"),
    )


def _is_short(spec: VoiceSpec, said: dict[str, Any]) -> bool:
    return spec.duration_s is not None and said["lasts_s"] < spec.duration_s


# ── what is said about it ──────────────────────────────────────────────────────────────────────


def _marks(script: str, lines: Sequence[_Line], said: dict[str, Any]) -> Iterator[dict[str, JsonValue]]:
    for line, spoken in zip(lines, said["lines"], strict=True):
        sentence, end_s = line.sentence, spoken["end_s"]
        yield _mark("sentence", sentence.start, len(sentence.text), spoken["start_s"], end_s)
        starts: list[tuple[int, int, float]] = []
        for word in words(script, sentence.start, sentence.end):
            heard = [at_s for at, at_s in spoken["words"] if word.start <= sentence.start + at < word.end]
            if heard:
                starts.append((word.start, len(word.text), min(heard)))
        for (start, length, at_s), after in zip(starts, [*starts[1:], None], strict=True):
            yield _mark("word", start, length, at_s, after[2] if after else end_s)


def _mark(kind: str, offset: int, length: int, start_s: float, end_s: float) -> dict[str, JsonValue]:
    return {
        "kind": kind,
        "offset": offset,
        "length": length,
        "start_s": start_s,
        "end_s": max(end_s, start_s),
    }


def _honest(spec: VoiceSpec, said: dict[str, Any]) -> Iterator[str]:
    lasts_s, wanted_s = said["lasts_s"], spec.duration_s
    if wanted_s is not None and lasts_s > wanted_s * 1.03:
        yield f"The script takes {lasts_s:.1f} s at the fastest bearable pace, not {wanted_s:g} s."
    if wanted_s is not None and said["speech_s"] < wanted_s * (1 - _MUCH_SILENCE):
        yield f"The script fills {said['speech_s']:.1f} of {wanted_s:g} s; the rest is silence."
    if spec.style:
        yield "The draft voice has one manner of speaking; the style is left to a real platform."
    if _plain(spec.language) in _NEAREST:
        yield f"The draft voice reads {spec.language} as {said['language']}."
    if said["language"] == "ja" and any("\u4e00" <= char <= "\u9fff" for char in spec.script):
        yield "The draft voice reads kana only: it spells every kanji out."
