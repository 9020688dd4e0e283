"""A language model is asked one question, in the form every OpenAI-compatible endpoint takes, and answers with text.

Asking may cost money, so a question is sent once. It is put anew, in a plainer form, only where the answer
proves that it was refused as it stood. Nothing in an answer can make this module call anybody else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import httpx

from agentes.wire.guard import Dialler, Guard
from agentes.wire.network import Network
from agentes.wire.once import Call, Once
from agentes.wire.unpacking import unpacked
from config.secrets import Secret
from shared_knowledge.errors import Failed, InDoubt, PlatformError, Unavailable
from shared_knowledge.money import Money

__all__ = ["Chat", "Reply", "is_of_this_machine"]

_DEADLINE_S = 90.0
_CONNECT_S = 5.0
_MOST_BYTES = 256 * 1024
_MOST_TOKENS = 10**7
_UNFIT_FORM = (400, 422)
_IS_THE_FORM = re.compile(
    rb"(?i)response_format|json|temperature|max_\w*tokens|parameter|support|unrecogni|unexpected|extra|unknown field"
)
_UNREADABLE = (LookupError, TypeError, ValueError, RecursionError)


@dataclass(frozen=True)
class Reply:
    """What came back: the text, and how many tokens the endpoint says it counted, if it says so credibly."""

    text: str
    sent_tokens: int | None = None
    received_tokens: int | None = None


def is_of_this_machine(url: str) -> bool:
    """Whether an address leads to this very machine, by its name alone."""
    host = httpx.URL(url).host.rstrip(".").casefold()
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class Chat:
    """One model at one address, which a person has set; nobody else is ever dialled."""

    def __init__(
        self,
        url: str,
        model: str,
        *,
        key: Secret | None = None,
        mask: Callable[[str], str] = str,
        deadline_s: float = _DEADLINE_S,
        network: Callable[[], httpx.AsyncBaseTransport] | None = None,
    ) -> None:
        self._url = url
        self._model = model
        self._key = key
        self._mask = mask
        self._deadline_s = deadline_s
        self._network = network

    async def ask(self, system: str, user: str, *, most_tokens: int) -> Reply:
        """The answer to one question; an error's `charged` is nothing where that is proven, and else unknown."""
        messages = [
            {"role": "system", "content": self._mask(system)},
            {"role": "user", "content": self._mask(user)},
        ]
        refused: PlatformError | None = None
        for form in _forms(most_tokens):
            response = await self._put({"model": self._model, "messages": messages, "stream": False, **form})
            if response.is_success:
                return self._read(response)
            refused = self._refusal(response)
            if response.status_code not in _UNFIT_FORM or not _IS_THE_FORM.search(response.content):
                break
        assert refused is not None
        raise refused

    async def _put(self, body: dict[str, Any]) -> httpx.Response:
        headers = {"Accept-Encoding": "identity"}
        if self._key is not None:
            headers["Authorization"] = f"Bearer {self._key.reveal()}"
        below = self._network() if self._network else Network(Dialler(_only(self._url)), fresh=True)
        line = Once(below, platform=self._model, deadline_s=self._deadline_s)
        async with httpx.AsyncClient(
            transport=line,
            headers=headers,
            timeout=httpx.Timeout(self._deadline_s, connect=_CONNECT_S),
            trust_env=False,
            follow_redirects=False,
        ) as client:
            try:
                return await client.post(
                    f"{self._url}/chat/completions",
                    content=json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"),
                    extensions={"call": Call("start", take=_in_memory)},
                    headers={"Content-Type": "application/json"},
                )
            except InDoubt as lost:
                said = lost.what.partition("did not arrive: ")[2] or "it broke off."
            except PlatformError as unsent:
                unsent.charged = Money(0)
                raise
        # Out here, so that the first error, whose frames have seen the key, is not attached.
        raise InDoubt(f"The answer of {self._model} did not come whole: {said}", platform=self._model)

    def _read(self, response: httpx.Response) -> Reply:
        try:
            told = json.loads(response.content)
            message = told["choices"][0]["message"]
            text, refusal = message.get("content"), message.get("refusal")
            cut = told["choices"][0].get("finish_reason") == "length"
            usage = told.get("usage") if isinstance(told.get("usage"), dict) else {}
        except (*_UNREADABLE, AttributeError):
            raise Failed(f"{self._model} answered with something that is no answer.") from None
        if not isinstance(text, str) or refusal or not text.strip():
            text = ""
        if cut:
            text = ""
        counted = [_tokens(usage.get(name)) for name in ("prompt_tokens", "completion_tokens")]
        return Reply(self._mask(text), *counted)

    def _refusal(self, response: httpx.Response) -> PlatformError:
        status = response.status_code
        free = Money(0) if 300 <= status < 500 and status not in (408, 409, 499) else None
        match status:
            case 401 | 403:
                return Unavailable(f"{self._model} refuses the key ({status}).", because="key", charged=free)
            case 402 | 429:
                return Unavailable(f"{self._model} takes no question now ({status}).", charged=free)
            case 404:
                return Unavailable(
                    f"{self._model} is not there under AGENTES_LLM_URL ({status}).", charged=free
                )
            case _:
                return Failed(f"{self._model} answered {status}.", charged=free)


def _forms(most_tokens: int) -> Iterator[dict[str, Any]]:
    """The best form first; some servers know no JSON mode, some models no temperature or another limit."""
    as_json = {"response_format": {"type": "json_object"}}
    yield {"temperature": 0, "max_tokens": most_tokens, **as_json}
    yield {"temperature": 0, "max_tokens": most_tokens}
    yield {"max_completion_tokens": most_tokens, **as_json}


def _tokens(told: object) -> int | None:
    return told if type(told) is int and 0 < told <= _MOST_TOKENS else None


def _only(url: str) -> Guard:
    """Leads to one place: the one a person has set, be it private or not."""
    read = httpx.URL(url)
    port = read.port or (443 if read.scheme == "https" else 80)
    host = f"[{read.host}]" if ":" in read.host else read.host
    return Guard([f"{host}:{port}"])


async def _in_memory(response: httpx.Response) -> httpx.Response:
    content = b"".join([piece async for piece in unpacked(response, _MOST_BYTES)])
    return httpx.Response(response.status_code, content=content)
