"""A language model behind `POST /v1/chat/completions`, as OpenAI and those who imitate it take and give it.

It is an obedient one: it words what it is asked to word. The model `plain` knows no JSON mode, as small servers do.
"""

from __future__ import annotations

import json
import re
from typing import Any

from agentes.sandbox.kernel.calls import Answer, Call
from agentes.sandbox.kernel.fake import Fake, Trouble, on
from shared_knowledge.money import Money

__all__ = ["Vendor"]

_FIELDS = {
    "model",
    "messages",
    "stream",
    "temperature",
    "max_tokens",
    "max_completion_tokens",
    "response_format",
}
_BYTES_A_TOKEN = 4
_MICROS_A_TOKEN = 1
_SEEN = {
    "pt": "luz suave da janela, um pano de linho ao fundo",
    "es": "luz suave de ventana, un paño de lino al fondo",
    "fr": "lumière douce de fenêtre, un tissu de lin au fond",
    "de": "weiches Fensterlicht, ein Leinentuch im Hintergrund",
    "it": "luce morbida dalla finestra, un panno di lino sullo sfondo",
    "en": "soft window light, a linen cloth in the background",
}
_OPENS = {
    "pt": "Olhe de perto.",
    "es": "Mire de cerca.",
    "fr": "Regardez de près.",
    "de": "Schauen Sie genau hin.",
    "it": "Guardate da vicino.",
    "en": "Take a closer look.",
}
_TAKES = ("the camera glides in slowly", "fine texture in soft side light", "the camera draws back and rests")


class Vendor(Fake):
    """Chat completions, with the key as a Bearer."""

    refuses_late = True

    @on("start", "POST", "/v1/chat/completions")
    async def complete(self, call: Call) -> Answer:
        """One message of the assistant, and what it counted."""
        asked = call.json
        if asked["model"] == "plain" and "response_format" in asked:
            return _error(400, "'response_format' is not supported by this model.", "unsupported_parameter")
        if unknown := asked.keys() - _FIELDS:
            return _error(400, f"Unknown parameter: '{min(unknown)}'.", "unknown_parameter")
        if call.twist == "fail":
            return self.complain(Trouble.BROKEN, call, status=500)
        words = (
            ""
            if call.twist in ("refuse", "no_output")
            else _worded(json.loads(asked["messages"][-1]["content"]))
        )
        refusal = "I can't help with that." if call.twist == "refuse" else None
        sent = sum(len(each["content"].encode()) for each in asked["messages"]) // _BYTES_A_TOKEN
        received = len(words.encode()) // _BYTES_A_TOKEN + 1
        number = self.house.new_id("chatcmpl-")
        usd = Money((sent + received) * _MICROS_A_TOKEN)
        self.house.book(call, model=asked["model"], usd=usd, number=number)
        message = {"role": "assistant", "content": words or None, "refusal": refusal}
        usage = {"prompt_tokens": sent, "completion_tokens": received, "total_tokens": sent + received}
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        told = {"id": number, "object": "chat.completion", "created": 1_795_000_000, "model": asked["model"]}
        return Answer.of({**told, "choices": [choice], "usage": usage}, x_request_id=number)

    def complain(
        self, trouble: Trouble, call: Call, *, status: int = 0, retry_after_s: float | None = None
    ) -> Answer:
        """`{"error": {"message", "type", "param", "code"}}`."""
        waiting = {} if retry_after_s is None else {"retry_after": f"{retry_after_s:g}"}
        match trouble:
            case Trouble.BAD_KEY:
                return _error(401, "Incorrect API key provided.", "invalid_api_key")
            case Trouble.THROTTLED:
                return _error(429, "Rate limit reached for requests.", "rate_limit_exceeded", **waiting)
            case Trouble.OUT_OF_CREDIT:
                return _error(429, "You exceeded your current quota.", "insufficient_quota")
            case Trouble.RETIRED | Trouble.NOT_FOUND | Trouble.EXPIRED:
                return _error(404, "The model does not exist.", "model_not_found")
            case Trouble.REFUSED:
                return _error(400, "This request was rejected.", "content_policy_violation")
            case Trouble.BAD_REQUEST:
                return _error(400, "We could not parse the JSON body of your request.", None)
            case _:
                return _error(
                    status or 500, "The server had an error while processing your request.", "server_error"
                )


def _worded(asked: dict[str, Any]) -> str:
    """What a willing model writes: every field it was asked for, in the language it was asked in."""
    seen = _SEEN.get(asked["language"][:2], _SEEN["en"])
    assets = []
    for asset in asked["assets"]:
        told: dict[str, Any] = {"id": asset["id"]}
        if "scene" in asset["write"]:
            told["scene"] = seen
        if "shots" in asset["write"]:
            told["shots"] = [_TAKES[number % len(_TAKES)] for number, _ in enumerate(asset["shots"])]
        if "script" in asset["write"]:
            told["script"] = _spoken(asset["now"], asset["language"], asset["characters"])
        if "style" in asset["write"]:
            told["style"] = "warm, close and unhurried"
        assets.append(told)
    return json.dumps({"assets": assets}, ensure_ascii=False)


def _spoken(now: str, language: str, most: int) -> str:
    """The words of today with an opening of its own, and as many of their sentences as there is room for."""
    said = _OPENS.get(language[:2], _OPENS["en"])
    for sentence in re.split(r"(?<=[.!?])\s+", now):
        if len(said) + len(sentence) < most:
            said += f" {sentence}"
    return said


def _error(status: int, message: str, code: str | None, **headers: str) -> Answer:
    told = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return Answer.of({"error": told}, status, **headers)
