"""How Google's models answer, at whichever door: parts, refusals that are HTTP 200, counted tokens, errors."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

import httpx
from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic_core import from_json

from agentes.wire.said import Said, Unintelligible
from shared_knowledge.errors import Failed, PlatformError, Refused, Unavailable, Unsuitable
from shared_knowledge.platform_facts import Unit

__all__ = ["Found", "Generated", "explain"]

_POLICY = frozenset(
    {
        "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR", "ESCALATION",
        "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION",
    }
)  # fmt: skip
_BAD_KEY = frozenset({"API_KEY_INVALID", "API_KEY_EXPIRED"})
# Doors without a shape for refusals say it in words, with status 400; the words are not documented (2026-11).
_REFUSAL = re.compile(
    r"usage guidelines|responsible ai|safety filter|sensitive words|harmful content", re.IGNORECASE
)
_NO_CREDIT = frozenset({"BILLING_DISABLED", "CONSUMER_SUSPENDED"})
_NO_COUNT = 10_000_000  # no single answer comes to so many tokens
_BY_FAMILY = {
    "TEXT": (Unit.TEXT_IN, Unit.TEXT_OUT),
    "IMAGE": (Unit.IMAGE_IN, Unit.IMAGE_OUT),
    "AUDIO": (Unit.TEXT_IN, Unit.AUDIO_OUT),
}


@dataclass(frozen=True)
class Found:
    """Where a picture or a sound lies in an answer, and what its label says it is."""

    pointer: str
    mime: str


class _Told(Said):
    model_config = ConfigDict(alias_generator=to_camel)


class _Blob(_Told):
    mime_type: str = ""
    content: str = Field("", alias="data")


class _Part(_Told):
    text: str = ""
    thought: bool = False
    inline_data: _Blob | None = None


class _Content(_Told):
    parts: tuple[_Part, ...] = ()


class _Candidate(_Told):
    content: _Content = _Content()
    finish_reason: str = ""
    finish_message: str = ""


class _Feedback(_Told):
    block_reason: str = ""
    block_reason_message: str = ""


class _Count(_Told):
    modality: str = "TEXT"
    token_count: int = 0


class _Usage(_Told):
    prompt_token_count: int = 0
    candidates_token_count: int = 0
    thoughts_token_count: int = 0
    total_token_count: int = 0
    prompt_tokens_details: tuple[_Count, ...] = ()
    candidates_tokens_details: tuple[_Count, ...] = ()


class Generated(_Told):
    """An answer of generateContent, of either door."""

    candidates: tuple[_Candidate, ...] = ()
    prompt_feedback: _Feedback = _Feedback()
    usage_metadata: _Usage = _Usage()
    response_id: str = ""

    def find(self, family: Literal["image", "audio"]) -> tuple[Found, ...]:
        """Its pictures or sounds in order, without those it only thought of; Refused or Failed if there are none."""
        self._raise_if_refused()
        found = tuple(
            Found(f"/candidates/{row}/content/parts/{column}/inlineData/data", part.inline_data.mime_type)
            for row, candidate in enumerate(self.candidates)
            for column, part in enumerate(candidate.content.parts)
            if part.inline_data is not None
            and part.inline_data.content
            and not part.thought
            and part.inline_data.mime_type.startswith(f"{family}/")
        )
        if not found:
            raise Failed(
                f"Google answered without {'a picture' if family == 'image' else 'sound'} ({self.ending}).{self._bill}",
                vendor_says=self._words,
                request_id=self.response_id,
            )
        return found

    @property
    def ending(self) -> str:
        """Why it ended, in Google's word."""
        return ", ".join(candidate.finish_reason for candidate in self.candidates)[:80] or "no candidates"

    def used(self, made: Unit) -> dict[Unit, int]:
        """The tokens it counted, by unit of the price list; what is not broken down counts as text in, or as made."""
        usage = self.usage_metadata
        sent, came = usage.prompt_token_count, usage.candidates_token_count
        counted: dict[Unit, int] = {}
        for details, side in ((usage.prompt_tokens_details, 0), (usage.candidates_tokens_details, 1)):
            for count in details:
                unit = _BY_FAMILY.get(count.modality, _BY_FAMILY["TEXT"])[side]
                counted[unit] = counted.get(unit, 0) + count.token_count
        known_in = sum(count.token_count for count in usage.prompt_tokens_details)
        known_out = sum(count.token_count for count in usage.candidates_tokens_details)
        rest = (
            (Unit.TEXT_IN, sent - known_in),
            (made, came - known_out),
            (Unit.TEXT_OUT, usage.thoughts_token_count),
        )
        for unit, tokens in rest:
            counted[unit] = counted.get(unit, 0) + max(0, tokens)
        return {unit: tokens for unit, tokens in counted.items() if 0 < tokens < _NO_COUNT}

    def _raise_if_refused(self) -> None:
        stopped = [candidate for candidate in self.candidates if candidate.finish_reason in _POLICY]
        reason = self.prompt_feedback.block_reason or (stopped[0].finish_reason if stopped else "")
        if reason:
            raise Refused(
                f"Google's content rules said no ({reason[:80]}).{self._bill}",
                vendor_says=self._words,
                request_id=self.response_id,
            )

    @property
    def _words(self) -> str:
        """Whatever it said in words, shortened."""
        said = [self.prompt_feedback.block_reason_message]
        for candidate in self.candidates:
            said.append(candidate.finish_message)
            said += [part.text for part in candidate.content.parts if not part.thought]
        return " ".join(" ".join(said).split())[:500]

    @property
    def _bill(self) -> str:
        """Whether it counts tokens for nothing is not documented, so the count is kept in words."""
        tokens = self.usage_metadata.total_token_count
        return f" It counted {tokens:,} tokens all the same." if tokens > 0 else ""


class _Error(Said):
    code: int | str = 0
    message: str = ""
    status: str = ""
    details: list[Any] = Field(default_factory=list)

    @property
    def word(self) -> str:
        """Its name: a status of generateContent, or a code of the Interactions route, which is in lower case."""
        return self.status or str(self.code).upper()

    def every(self, field: str) -> frozenset[str]:
        """The texts under a name in the details, and in their violations."""
        details = [detail for detail in self.details if isinstance(detail, dict)]
        lists = [detail.get("violations") for detail in details]
        details += [
            each for some in lists if isinstance(some, list) for each in some if isinstance(each, dict)
        ]
        return frozenset(text for detail in details if isinstance(text := detail.get(field), str))


def explain(response: httpx.Response) -> PlatformError | None:
    """Google's error in our words; None leaves it to the house table."""
    error = _error_in(response)
    if error is None:
        return None
    status, reasons, says = response.status_code, error.every("reason"), error.message[:500]
    if reasons & _BAD_KEY:
        todo = "Is it the right one? GOOGLE_API_KEY is read before GEMINI_API_KEY."
        return Unavailable("Google does not know the key.", because="key", todo=todo, vendor_says=says)
    if reasons & _NO_CREDIT or error.word == "FAILED_PRECONDITION":
        return Unavailable("Google asks for billing to be set up.", because="credit", vendor_says=says)
    if status == 429 and any("PerDay" in quota for quota in error.every("quotaId")):
        # Waiting for midnight in California is nothing a run can do (quotaId …PerDayPerProjectPerModel, seen 2026).
        return Unavailable("Google's quota for the day is used up.", because="credit", vendor_says=says)
    if status == 400 and _REFUSAL.search(says):
        return Refused("Google's content rules said no.", vendor_says=says)
    if status == 400:
        return Unsuitable("Google does not accept the request.", vendor_says=says)
    return None


def _error_in(response: httpx.Response) -> _Error | None:
    try:
        told = from_json(response.content)
        told = told[0] if isinstance(told, list) and len(told) == 1 else told
        return _Error.read(told["error"]) if isinstance(told, dict) and "error" in told else None
    except (ValueError, Unintelligible):
        return None
