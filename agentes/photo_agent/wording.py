"""A picture in words: what is on it, how it is seen, and what must not be there."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

import tomli

from shared_knowledge.prompts import Dialect, Prompt, Wording, compose_prompt, manner_of, named_in, render
from shared_knowledge.vocabulary import Medium, PhotoIntent, PhotoSpec, Task

__all__ = ["intent_of", "is_only_a_kind", "label_of", "negative_prompt", "write_prompt"]


def write_prompt(task: Task, dialect: Dialect) -> Prompt:
    """The picture in the platform's dialect and within its limit, in the brief's own words."""
    spec = _photo(task)
    manner = manner_of(Medium.PHOTO, dialect.name)

    def write(words: str, brevity: int) -> str:
        return render(
            f"photo/{spec.intent.value}.j2",
            manner=manner,
            brevity=brevity,
            subject=spec.subject,
            words=words.strip(" .,;"),
            palette=spec.palette,
            negative=spec.negative if dialect.negatives == "in_words" else (),
            ratio=spec.aspect_ratio,
            shape="tall" if spec.width < spec.height else "wide" if spec.width > spec.height else "square",
        )

    return compose_prompt(Wording(spec.scene, write), dialect)


def negative_prompt(task: Task) -> str:
    """What must not be in the picture, for platforms that have a field of its own for it."""
    return ", ".join(_photo(task).negative)


def intent_of(words: str, *, from_picture: bool) -> PhotoIntent | None:
    """The kind of picture that the words of a brief name; None if they name none."""
    if from_picture:
        return PhotoIntent(_intents()["given"])
    named = (intent for intent, signs in _intents()["words"].items() if named_in(words, signs))
    found = next(named, None)
    return PhotoIntent(found) if found else None


def is_only_a_kind(words: str) -> bool:
    """Whether these few words name a kind of picture and say nothing about what is on it."""
    return len(words.split()) <= 3 and intent_of(words, from_picture=False) is not None


def label_of(intent: PhotoIntent, language: str) -> str:
    """What the kind of picture is called in the language of the brief, or in English."""
    labels = _intents()["labels"]
    label: str = labels.get(language.split("-")[0], labels["en"])[intent.value]
    return label


def _photo(task: Task) -> PhotoSpec:
    assert isinstance(task.spec, PhotoSpec)
    return task.spec


@cache
def _intents() -> dict[str, Any]:
    path = resources.files("agentes.photo_agent") / "prompts" / "intents.toml"
    return tomli.loads(path.read_text("utf-8"))
