"""The answer of a model, read strictly: one JSON object of the shape that was asked for, or nothing at all."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

__all__ = [
    "LONGEST_SCENE",
    "LONGEST_SCRIPT",
    "LONGEST_STYLE",
    "Answer",
    "AssetAnswer",
    "Nonsense",
    "is_answer",
    "read_answer",
]

LONGEST_SCENE, LONGEST_SCRIPT, LONGEST_STYLE = 300, 1500, 60
_MOST_ASSETS, _MOST_SHOTS = 12, 24
_LONGEST = 60_000
_FENCED = re.compile(r"\A(?:<think>.*?</think>\s*)?```(?:json)?\s*(\{.*\})\s*```\Z", re.DOTALL)
_THOUGHT = re.compile(r"\A<think>.*?</think>\s*", re.DOTALL)

_Scene = Annotated[str, StringConstraints(max_length=4 * LONGEST_SCENE)]
_Script = Annotated[str, StringConstraints(max_length=4 * LONGEST_SCRIPT)]


class Nonsense(ValueError):
    """The answer is not what was asked for; says where, and never what stood there."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class AssetAnswer(_Strict):
    """What is written for one asset."""

    id: Annotated[str, StringConstraints(pattern=r"^(?:photo|video|voice)-\d{1,3}$")]
    scene: _Scene | None = None
    shots: Annotated[list[_Scene], Field(max_length=_MOST_SHOTS)] | None = None
    script: _Script | None = None
    style: _Scene | None = None


class Answer(_Strict):
    """What is written for all of them."""

    assets: Annotated[list[AssetAnswer], Field(max_length=_MOST_ASSETS)]


def read_answer(text: str) -> Answer:
    """The answer, or Nonsense with the place that is not as it was asked for."""
    if len(text) > _LONGEST:
        raise Nonsense("it is too long")
    bare = text.strip()
    fenced = _FENCED.match(bare)
    bare = fenced[1] if fenced else _THOUGHT.sub("", bare)
    if not bare:
        raise Nonsense("it holds no words")
    try:
        answer = Answer.model_validate_json(bare.encode("utf-8", "replace"))
    except ValidationError as error:
        places = {
            ".".join(str(step)[:30] for step in each["loc"]) or "the whole"
            for each in error.errors(include_input=False, include_url=False)
        }
        raise Nonsense(f"not as asked for: {', '.join(sorted(places)[:3])}") from None
    ids = [asset.id for asset in answer.assets]
    if len(ids) != len(set(ids)):
        raise Nonsense("it speaks of one asset twice")
    return answer


def is_answer(text: str) -> bool:
    """Whether a text has the shape that was asked for."""
    try:
        read_answer(text)
    except Nonsense:
        return False
    return True
