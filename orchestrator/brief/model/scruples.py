"""What a model wrote is text from a stranger: here it is told why a piece of it is not taken."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

from orchestrator.brief.hostile import find_hostile
from orchestrator.brief.language import scores
from orchestrator.brief.lexicon import LANGUAGES
from orchestrator.brief.page import lay_out
from orchestrator.brief.text import clean, fold
from orchestrator.brief.tokens import tokenise
from shared_knowledge.errors import UnclearBrief
from shared_knowledge.speech_pace import predicted_s
from shared_knowledge.vocabulary import VoiceSpec

__all__ = ["flaw_in", "flaw_in_script"]

_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_ADDRESS = re.compile(r"(?i)\w:/|www\.|\b(?:mailto|data|javascript|file):|@\w|\b[\w-]{2,}\.[a-z]{2,}\b")
_MARKUP = re.compile(r"[<>{}\[\]|\\`^~#*=]|\$\(")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_TOO_LONG_FOR_A_WORD = re.compile(r"[^\s-]{41,}")
_OUT_OF_CHARACTER = re.compile(
    r"(?i)\b(?:as an? (?:ai|assistant)|language model|system prompt|i(?:'|’)?m sorry|i am sorry|i can(?:no|'|’)t|"
    r"i am unable|api[ _-]?keys?|passwords?|credentials|modelo de linguagem|modelo de lenguaje|não posso|no puedo|"
    r"modèle de langage|je ne peux pas|sprachmodell|ich kann (?:das|dabei|ihnen) nicht|modello linguistico|non posso)\b"
)
_MOST_SUBJECT_LETTERS = 5
_MAY_VARY = 1.15
_FILLS = 0.6


def flaw_in(text: str, *, most: int, brief: str, unwanted: Collection[str]) -> str | None:
    """Why these words are not taken; None if nothing speaks against them."""
    if not 1 <= len(text) <= most:
        return f"it has {len(text):,} characters, and 1 to {most:,} were asked for"
    if any(unicodedata.category(letter) in _INVISIBLE for letter in text):
        return "it holds characters that cannot be seen"
    if _ADDRESS.search(text):
        return "it names an address"
    if _MARKUP.search(text) or _TOO_LONG_FOR_A_WORD.search(text):
        return "it is not plain text"
    if _OUT_OF_CHARACTER.search(text):
        return "it speaks of itself, or of secrets"
    stated = set(_NUMBER.findall(brief))
    if invented := [number for number in _NUMBER.findall(text) if number not in stated]:
        return f"it states {invented[0]}, which the brief does not"
    told = fold(text)
    if named := [thing for thing in unwanted if re.search(rf"\b{re.escape(fold(thing))}\b", told)]:
        return f"it shows what the brief does not want ({named[0]})"
    try:
        if find_hostile(lay_out(clean(text))):
            return "it tries to change the rules of this program"
    except UnclearBrief:
        return "it holds no words"
    return None


def flaw_in_script(script: str, spec: VoiceSpec, *, subject: str, brief_language: str) -> str | None:
    """Why these words are not spoken: another language, another length, or about something else."""
    language = spec.language.split("-")[0]
    if language not in LANGUAGES:
        return f"nobody here can tell whether it is in {spec.language}"
    votes = scores(tokenise(clean(script)))
    if votes[language] <= 0 or votes[language] < max(votes.values()):
        return f"it is not in {spec.language}"
    room_s = spec.duration_s or spec.at_most_s
    lasts_s = predicted_s(script, spec.language)
    if room_s is not None:
        most_s = room_s * _MAY_VARY if spec.duration_s else room_s
        least_s = min(_FILLS * room_s, predicted_s(spec.script, spec.language))
        if not least_s <= lasts_s <= most_s:
            return f"it would take about {lasts_s:.0f} s, and there are {room_s:g} s"
    words = [word for word in re.findall(r"\w+", fold(subject)) if len(word) > 3]
    same_tongue = language == brief_language.split("-")[0]
    if same_tongue and words and not any(word[:_MOST_SUBJECT_LETTERS] in fold(script) for word in words):
        return f"it does not name {subject}"
    return None
