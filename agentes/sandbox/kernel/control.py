"""The sandbox's own pages, below `/_sandbox`: the billing book, the faults, what was seen, and a key for Google."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from importlib import resources
from typing import TYPE_CHECKING, Any

from agentes.sandbox.kernel.calls import Answer
from agentes.sandbox.kernel.faults import BadFault
from agentes.sandbox.kernel.google_token import TokenCounter

if TYPE_CHECKING:
    from agentes.sandbox.kernel.sandbox import Sandbox
    from agentes.sandbox.kernel.witness import Seen

__all__ = ["Control"]

_SECRET = re.compile(r"(?i)auth|key|token|secret|cookie|signature|credential")
_MOST_SHOWN = 200
_MOST_TEXT = 2000


class Control:
    """Answers what is asked of the sandbox itself."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._tokens = TokenCounter()

    async def answer(self, method: str, path: str, origin: str, body: bytes) -> Answer:
        """The page of that path."""
        if path != "/" and not path.startswith("/_sandbox/"):
            return Answer.of({"error": self._nowhere(method, path)}, 404)
        match "GET" if method == "HEAD" else method, path.removeprefix("/_sandbox"):
            case "GET", "/":
                return _page()
            case "GET", "/ledger":
                return Answer.of(self._ledger())
            case "GET", "/faults":
                return Answer.of(self._sandbox.faults.pending())
            case "POST", "/faults":
                return self._plant(body)
            case "POST", "/reset":
                self._sandbox.reset()
                return Answer.of({"reset": True})
            case "GET", "/seen":
                return Answer.of(self._seen())
            case "GET", "/state":
                return Answer.of(self._state(origin))
            case "GET", "/service_account.json":
                return await self._tokens.service_account(origin)
            case "POST", "/token":
                return await self._tokens.token(origin, body)
        return Answer.of({"error": self._nowhere(method, path)}, 404)

    def has_run_out(self, key: str) -> bool:
        """Whether a key is one of our own access tokens, and too old."""
        return self._tokens.has_run_out(key)

    def _nowhere(self, method: str, path: str) -> str:
        if path.startswith("/_sandbox"):
            return f"The sandbox has no {method} {path}."
        names = ", ".join(self._sandbox.platforms)
        return f"{path} belongs to no platform: the first step of a path is one of {names}."

    def _plant(self, body: bytes) -> Answer:
        try:
            return Answer.of({"planted": self._sandbox.plant(json.loads(body))})
        except BadFault as error:
            return Answer.of({"error": str(error)}, 400)
        except ValueError:
            return Answer.of({"error": "The body is not JSON: send one fault, or a list of them."}, 400)

    def _ledger(self) -> list[dict[str, Any]]:
        return [entry.document() for entry in self._sandbox.ledger.entries]

    def _seen(self) -> list[dict[str, Any]]:
        """The newest calls, newest first; what may be a key is hidden."""
        return [_shown(seen) for seen in list(self._sandbox.seen)[: -_MOST_SHOWN - 1 : -1]]

    def _state(self, origin: str) -> dict[str, Any]:
        """All that the page shows."""
        sandbox = self._sandbox
        return {
            "url": origin,
            "seed": sandbox.seed,
            "latency_s": sandbox.latency_s,
            "charged_usd": sandbox.ledger.total().usd,
            "platforms": [
                {
                    "id": platform,
                    "played": sandbox.has(platform),
                    "calls": sum(seen.platform == platform for seen in sandbox.seen),
                    "booked": sum(entry.platform == platform for entry in sandbox.ledger.entries),
                    "charged_usd": sandbox.ledger.total(platform).usd,
                }
                for platform in sandbox.platforms
            ],
            "ledger": self._ledger(),
            "faults": sandbox.faults.pending(),
            "seen": self._seen(),
        }


def _page() -> Answer:
    text = (resources.files("agentes.sandbox.kernel") / "page.html").read_text(encoding="utf-8")
    return Answer.text(text, mime="text/html", cache_control="no-store")


def _shown(seen: Seen) -> dict[str, Any]:
    return {
        "at": seen.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "platform": seen.platform,
        "method": seen.method,
        "path": seen.path,
        "query": _masked(seen.query),
        "headers": _masked(seen.headers),
        "body": _as_text(seen.body),
        "size_bytes": len(seen.body),
        "kind": seen.kind,
        "status": seen.status,
        "fault": seen.fault,
        "why": seen.why,
    }


def _masked(named: Mapping[str, str]) -> dict[str, str]:
    return {name: "•••" if _SECRET.search(name) else text for name, text in named.items()}


def _as_text(body: bytes) -> str:
    """The beginning of a body, for a person."""
    text = body[: _MOST_TEXT * 4].decode("utf-8", "replace")
    printable = sum(letter.isprintable() or letter in "\r\n\t" for letter in text)
    if printable < len(text) * 0.9:
        return ""
    return text if len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT]} …"
