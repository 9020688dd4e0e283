"""What Google's doors have in common: errors by status, and the envelope of generateContent, both ways."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from agentes.sandbox.kernel.calls import Answer, Call
from agentes.sandbox.kernel.fake import Fake, Trouble
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.money import Money
from shared_knowledge.platform_facts import Unit
from shared_knowledge.tariff import bill

__all__ = ["GeminiFake", "complaint", "require", "said"]

_ERRORS = {500: "INTERNAL", 502: "UNAVAILABLE", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED"}
_RPC = "type.googleapis.com/google.rpc."


def said(code: int, word: str, message: str, *details: Mapping[str, Any], in_list: bool = False) -> Answer:
    """An error in Google's shape; some of its doors wrap it in a list of one."""
    told = {"error": {"code": code, "message": message, "status": word, "details": list(details)}}
    return Answer.of([told] if in_list else told, code)


def complaint(trouble: Trouble, *, status: int = 0, retry_after_s: float | None = None) -> Answer:
    """What every door of Google's says alike."""
    match trouble:
        case Trouble.THROTTLED:
            quota = {"quotaId": "GenerateRequestsPerMinutePerProjectPerModel", "quotaValue": "10"}
            details = [{"@type": f"{_RPC}QuotaFailure", "violations": [quota]}]
            if retry_after_s is not None:
                details.append({"@type": f"{_RPC}RetryInfo", "retryDelay": f"{retry_after_s:g}s"})
            return said(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted.", *details)
        case Trouble.RETIRED:
            words = "The model is not found for this API version, or is not supported for generateContent."
            return said(404, "NOT_FOUND", words)
        case Trouble.BROKEN | Trouble.FAILED:
            code = status or 500
            return said(code, _ERRORS.get(code, "INTERNAL"), "An internal error has occurred.", in_list=True)
        case Trouble.NOT_FOUND | Trouble.EXPIRED:
            return said(404, "NOT_FOUND", "Requested entity was not found.")
        case _:
            return said(400, "INVALID_ARGUMENT", "Request contains an invalid argument.")


def require(condition: object, why: str) -> None:
    """Goes on only if what the manual asks for is so."""
    if not condition:
        raise ValueError(why)


class GeminiFake(Fake):
    """What the doors of generateContent have in common: the envelope going in and the one coming out."""

    refused_afterwards: tuple[str, ...] = ()
    refused_as = "PROHIBITED_CONTENT"

    def complain(
        self, trouble: Trouble, call: Call, *, status: int = 0, retry_after_s: float | None = None
    ) -> Answer:
        """Keys are refused with 400, an empty purse is a daily quota, content is refused with 200."""
        match trouble:
            case Trouble.BAD_KEY if self.key(call):
                reason = {
                    "@type": f"{_RPC}ErrorInfo",
                    "reason": "API_KEY_INVALID",
                    "domain": "googleapis.com",
                }
                return said(
                    400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", reason
                )
            case Trouble.BAD_KEY:
                return said(403, "PERMISSION_DENIED", "Method doesn't allow unregistered callers.")
            case Trouble.OUT_OF_CREDIT:
                quota = {"quotaId": "GenerateRequestsPerDayPerProjectPerModel", "quotaValue": "0"}
                failure = {"@type": f"{_RPC}QuotaFailure", "violations": [quota]}
                words = "You exceeded your current quota, please check your plan and billing details."
                return said(429, "RESOURCE_EXHAUSTED", words, failure)
            case Trouble.REFUSED:
                return self._refusal(call.params.get("model", ""), call)
            case _:
                return complaint(trouble, status=status, retry_after_s=retry_after_s)

    def key(self, call: Call) -> str | None:
        """The API key has a header of its own."""
        return call.headers.get("x-goog-api-key")

    def request(self, call: Call) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """The parts and the wishes of a request; its names may be in either style."""
        body = _camel(call.json)
        require(
            set(body) <= {"contents", "generationConfig", "safetySettings"}, f"unknown name in {set(body)}"
        )
        contents = body["contents"]
        require(len(contents) == 1 and contents[0].get("role", "user") == "user", "one content, of the user")
        parts, wishes = contents[0]["parts"], body["generationConfig"]
        require(wishes.get("candidateCount", 1) == 1, "one candidate only")
        seed = wishes.get("seed", 0)
        require(type(seed) is int and -(2**31) <= seed < 2**31, "seed is an int32")
        require(any(part.get("text") for part in parts), "no text")
        return parts, wishes

    def answer(self, call: Call, model: str, counted: Mapping[str, int], candidate: dict[str, Any]) -> Answer:
        """Books what was counted and sends the candidate; counted by `sent TEXT`, `made IMAGE` and so on."""
        number = self.house.new_id()
        self.house.book(call, model=model, usd=self._charge(model, counted), number=number)
        sent = {name.partition(" ")[2]: n for name, n in counted.items() if name.startswith("sent ")}
        made = {name.partition(" ")[2]: n for name, n in counted.items() if name.startswith("made ")}
        usage: dict[str, Any] = {
            "promptTokenCount": sum(sent.values()),
            "totalTokenCount": sum(counted.values()),
            "promptTokensDetails": [{"modality": m, "tokenCount": n} for m, n in sent.items()],
            **self.traffic(),
        }
        if made:
            usage["candidatesTokenCount"] = sum(made.values())
            usage["candidatesTokensDetails"] = [{"modality": m, "tokenCount": n} for m, n in made.items()]
        if counted.get("thought"):
            usage["thoughtsTokenCount"] = counted["thought"]
        told = {
            "candidates": [{"index": 0, **candidate}],
            "usageMetadata": usage,
            "modelVersion": model,
            "responseId": number,
        }
        return Answer.of(told)

    def traffic(self) -> dict[str, str]:
        """How this door names the kind of traffic."""
        return {"serviceTier": "standard"}

    def _charge(self, model: str, counted: Mapping[str, int]) -> Money:
        units = {
            "sent TEXT": Unit.TEXT_IN, "sent IMAGE": Unit.IMAGE_IN, "thought": Unit.TEXT_OUT,
            "made TEXT": Unit.TEXT_OUT, "made IMAGE": Unit.IMAGE_OUT, "made AUDIO": Unit.AUDIO_OUT,
        }  # fmt: skip
        used: dict[Unit, int] = {}
        for name, tokens in counted.items():
            used[units[name]] = used.get(units[name], 0) + tokens
        known = Catalogue.load().platform(self.house.platform).model(model)
        today = datetime.fromtimestamp(self.house.now(), UTC).date()
        return (bill(known, {u: n for u, n in used.items() if n}, today) if known else None) or Money(0)

    def _refusal(self, model: str, call: Call) -> Answer:
        tokens = min(len(call.body) // 4, 4096)
        usage = {"promptTokenCount": tokens, "totalTokenCount": tokens, **self.traffic()}
        told: dict[str, Any] = {
            "usageMetadata": usage,
            "modelVersion": model,
            "responseId": self.house.new_id(),
        }
        if model in self.refused_afterwards:
            ending = {"finishReason": self.refused_as, "finishMessage": "Unable to show what was generated."}
            return Answer.of({"candidates": [{"index": 0, "content": {}, **ending}], **told})
        return Answer.of({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, **told})


def _camel(value: Any) -> Any:
    """The same names in Google's own style; it takes both."""
    if isinstance(value, list):
        return [_camel(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {re.sub(r"_([a-z])", lambda m: m[1].upper(), name): _camel(each) for name, each in value.items()}
