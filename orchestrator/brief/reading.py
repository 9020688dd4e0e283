"""What was read out of a brief: the facts, the creative words, and what became of every span."""

from __future__ import annotations

from typing import Literal

from shared_knowledge.vocabulary import Frozen, Span, Understanding

__all__ = ["Reading"]


class Reading(Frozen):
    """The text, understood: facts for the plan, words for the prompts, and a map of the text.

    `subject` is what it is about, in the brief's own language and without its article or
    possessive ("caneca de cerâmica"); `scene` holds the other creative words; `details` has one
    entry for each of `understanding.tasks`, with the words that belong to that task alone, and so
    has `subjects`: what each asset shows, where the brief speaks of more than one thing; `shunned`
    is what must not be seen whatever the text says, beside what its understanding rules out.
    """

    text: str
    language: str
    understanding: Understanding
    coverage: tuple[Span, ...]
    subject: str = ""
    scene: str = ""
    details: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    palette: tuple[str, ...] = ()
    voice_gender: Literal["female", "male"] | None = None
    voice_style: str = ""
    shunned: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
