"""The kinds of providers that differ in what can be known after a crash, each with a small job of its own.

And beside them, workers that make the classical mistakes: they prove that the harness can see.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from invariants import Knows

from shared_knowledge.vocabulary import Brief, Choice, Medium

__all__ = ["CANARY", "KINDS", "Kind"]

CANARY = "cnry/Zq8+Lw3Xv9Tb5Kd=Rm2Hs7"


@dataclass(frozen=True)
class Kind:
    """A kind of provider: a job for it, its keys, what can be known of a lost order, what else goes wrong."""

    name: str
    brief: Brief
    keys: tuple[str, ...] = ()
    knows: Knows = "always"
    faults: tuple[Mapping[str, Any], ...] = ()
    mistake: Callable[[], None] | None = None

    def environ(self, home: Path, sandbox: str, database: str | None) -> dict[str, str]:
        """What the worker finds in its environment."""
        return {
            "AGENTES_HOME": str(home),
            "AGENTES_SANDBOX_URL": sandbox,
            **({"AGENTES_DATABASE_URL": database} if database else {}),
            **dict.fromkeys(self.keys, CANARY),
        }


def _brief(text: str, platform: str, model: str | None = None) -> Brief:
    return Brief(text=text, use=(Choice(platform=platform, model=model),))


_PHOTO = "one square photo of a red bicycle"
_CLIP = "5 s vertical video of a red bicycle"
_VOICE = "voice-over in English: 'Good morning.'"


# ── mistakes ───────────────────────────────────────────────────────────────────────────────────


def _buy_then_write() -> None:
    """Nothing is written down before the vendor has answered."""
    from agentes.steps import Steps

    async def send(self: Any, prepared: Any) -> None:
        answer = await self.line.start(prepared)
        self.order = await self._tracker.sending(prepared)
        await self.write_down(answer)

    Steps._send = send  # type: ignore[method-assign]


def _trust_the_list() -> None:
    """What a list does not show was never bought, whenever it is asked."""
    from agentes import purchase
    from agentes.search import Nowhere

    async def look_for(line: Any, facts: Any, order: Any, **_: Any) -> Any:
        return await line.find(order) or Nowhere(proven=True)

    purchase.look_for = look_for  # type: ignore[attr-defined]


# ── kinds ──────────────────────────────────────────────────────────────────────────────────────

_OPENAI = Kind("openai_images", _brief(_PHOTO, "openai_images"), ("OPENAI_API_KEY",), "never")
_RUNWAY = Kind("runway", _brief(_CLIP, "runway", "gen4.5"), ("RUNWAYML_API_SECRET",), "never")
_KLING = Kind("kling", _brief(_CLIP, "kling"), ("KLING_ACCESS_KEY", "KLING_SECRET_KEY"), "if bought")
_ELEVEN = Kind("elevenlabs", _brief(_VOICE, "elevenlabs"), ("ELEVENLABS_API_KEY",), "if bought")
_DRAFT = Kind("draft_picture", _brief(_PHOTO, "draft_picture"))
_FILM = Kind(
    "a film",
    Brief(
        text="4 s vertical video of our ceramic mug, English voice-over 'Good morning.', one hero photo",
        use=(
            Choice(platform="openai_images", medium=Medium.PHOTO),
            Choice(platform="kling", medium=Medium.VIDEO),
            Choice(platform="elevenlabs", medium=Medium.VOICE),
        ),
    ),
    (*_OPENAI.keys, *_KLING.keys, *_ELEVEN.keys),
    "never",
)
_LAGS = ({"platform": "kling", "on": "find", "do": "lag:30", "nth": 1, "times": 99},)

KINDS = {
    kind.name: kind
    for kind in (
        *(_OPENAI, _RUNWAY, _KLING, _ELEVEN, _DRAFT, _FILM),
        replace(_OPENAI, name="openai_images, naive", mistake=_buy_then_write),
        replace(_RUNWAY, name="runway, naive", mistake=_buy_then_write),
        replace(_KLING, name="kling, whose list lags", faults=_LAGS),
        replace(_KLING, name="kling, whose list lags and is trusted", faults=_LAGS, mistake=_trust_the_list),
    )
}
