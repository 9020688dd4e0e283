"""Gemini speech: the text is spoken exactly as it stands, so how it is to sound travels beside it."""

from __future__ import annotations

import re
from typing import Any

import httpx

from agentes.contract import Done, Inline, Standing
from agentes.voice_agent.wording import delivery_notes
from agentes.wire import google
from agentes.wire.said import Said
from shared_knowledge.errors import Failed, PlatformError
from shared_knowledge.platform_facts import Unit
from shared_knowledge.vocabulary import Order, Task, VoiceIntent, VoiceSpec

__all__ = ["Adapter"]

# Every prebuilt voice reads every language; Google's own voice tables call Kore female and Charon male (2026-11).
_VOICES = {"female": "Kore", "male": "Charon"}
_USUAL_RATE = 24_000


class _Models(Said):
    models: list[Any]


class Adapter:
    """The Gemini speech models at the Developer API."""

    async def start(self, http: httpx.AsyncClient, order: Order) -> Done:
        """Buys the whole text in one take, which is in the answer."""
        response = await http.post(f"/v1beta/models/{order.model}:generateContent", json=_request(order))
        answer = google.Generated.of(response)
        takes = answer.find("audio")
        if len(takes) > 1 or "MAX_TOKENS" in answer.ending:
            raise Failed(
                f"Google's speech is not whole ({len(takes)} parts, {answer.ending}).",
                request_id=answer.response_id,
            )
        sound = Inline(takes[0].pointer, pcm_rate=_rate_in(takes[0].mime))
        return Done(sound, warnings=_cannot_say(order), used=answer.used(Unit.AUDIO_OUT))

    async def standing(self, http: httpx.AsyncClient) -> Standing:
        """The list of models is free, and shown to known keys only."""
        _Models.of(await http.get("/v1beta/models", params={"pageSize": 1}))
        return Standing()

    def explain(self, response: httpx.Response) -> PlatformError | None:
        """Google's error in our words."""
        return google.explain(response)


def _request(order: Order) -> dict[str, Any]:
    spec = _spec(order)
    part = {
        "text": order.prompt,
        "speechMetadata": {"style": delivery_notes(Task(id=order.task, spec=spec))},
    }
    speech = {
        "languageCode": spec.language,
        "voiceConfig": {"voice": _VOICES[spec.gender or "female"]},
    }
    return {
        "contents": [{"role": "user", "parts": [part]}],
        "generationConfig": {"responseModalities": ["AUDIO"], "speechConfig": speech},
    }


def _rate_in(mime: str) -> int:
    """The samples a second a label such as `audio/L16;codec=pcm;rate=24000` names, or the usual ones."""
    named = re.search(r"rate=(\d{4,6})\b", mime)
    return int(named[1]) if named else _USUAL_RATE


def _cannot_say(order: Order) -> tuple[str, ...]:
    if _spec(order).intent is VoiceIntent.DIALOGUE:
        return ("One voice speaks all the turns of the dialogue.",)
    return ()


def _spec(order: Order) -> VoiceSpec:
    assert isinstance(order.spec, VoiceSpec)
    return order.spec
