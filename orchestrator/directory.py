"""Who is there: the platforms of the catalogue, the keys that are set, the adapters that are built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from typing import Any

from config.secrets import KeyState, SecretManager
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.errors import BadRequest
from shared_knowledge.platform_facts import Model, Platform

__all__ = ["Directory", "PlatformRow"]

_PLACES = ("_LOCATION", "_REGION")


@dataclass(frozen=True)
class PlatformRow:
    """One platform as it stands right now."""

    id: str
    medium: str
    is_local: bool
    models: tuple[Model, ...]
    keys: Mapping[str, KeyState]
    why_not: tuple[str, ...]

    @property
    def ready(self) -> bool:
        """Whether it can be used now."""
        return not self.why_not

    def document(self) -> dict[str, Any]:
        """The platform as a program reads it."""
        return {
            "platform": self.id,
            "medium": self.medium,
            "models": [_model(model) for model in self.models],
            "secrets": list(self.keys),
            "ready": self.ready,
            "why_not": list(self.why_not),
        }


class Directory:
    """The catalogue, seen with the keys of this machine."""

    def __init__(
        self,
        catalogue: Catalogue,
        secrets: SecretManager,
        *,
        assume_keys: str | None = None,
        resting: Callable[[], frozenset[str]] = frozenset,
    ) -> None:
        self._catalogue = catalogue
        self._secrets = secrets
        self._assumed = self._ids(assume_keys)
        self._resting = resting

    @cached_property
    def ready(self) -> frozenset[str]:
        """The platforms whose keys are there, or are assumed to be; local ones need none."""
        return frozenset(
            platform.id
            for platform in self._catalogue.platforms
            if platform.id in self._assumed or (not platform.local and self._lacks(platform) == ())
        )

    @cached_property
    def adapters(self) -> frozenset[str]:
        """The platforms that can be performed; assumed keys assume the adapter as well."""
        return self._assumed | frozenset(p.id for p in self._catalogue.platforms if _has_adapter(p))

    @property
    def resting(self) -> frozenset[str]:
        """The platforms that nobody should be sent to right now: they failed too often, or refused the key."""
        return self._resting()

    def rows(self) -> list[PlatformRow]:
        """Every platform, with its keys masked and what it lacks."""
        return [self._row(platform) for platform in self._catalogue.platforms]

    def _row(self, platform: Platform) -> PlatformRow:
        missing_adapter = () if _has_adapter(platform) else ("no adapter in this version",)
        priced = platform.local or any(model.prices for model in platform.models)
        unpriced = () if priced else ("none of its models has a known price, so it is never chosen",)
        at_rest = ("resting after failures",) if platform.id in self.resting else ()
        return PlatformRow(
            id=platform.id,
            medium=platform.medium,
            is_local=platform.local,
            models=platform.models,
            keys=self._keys(platform),
            why_not=(*self._lacks(platform), *missing_adapter, *unpriced, *at_rest),
        )

    def _lacks(self, platform: Platform) -> tuple[str, ...]:
        return tuple(
            f"{name} is {'not set' if state.state == 'missing' else state.why or state.state}"
            for name, state in self._keys(platform).items()
            if not state.ready
        )

    @cached_property
    def locations(self) -> Mapping[str, str]:
        """Where each platform that asks for a place is used, as far as it was set."""
        places = {
            platform.id: self._secrets.plain(secret.name, *secret.older)
            for platform in self._catalogue.platforms
            for secret in platform.secrets
            if not secret.hidden and secret.name.endswith(_PLACES)
        }
        return {platform: place for platform, place in places.items() if place}

    def _keys(self, platform: Platform) -> Mapping[str, KeyState]:
        hidden = [(secret.name, *secret.older) for secret in platform.secrets if secret.hidden]
        plain = [(secret.name, *secret.older) for secret in platform.secrets if not secret.hidden]
        return self._secrets.validate(hidden, plain=plain)

    def _ids(self, assume_keys: str | None) -> frozenset[str]:
        if assume_keys is None:
            return frozenset()
        if assume_keys == "all":
            return frozenset(platform.id for platform in self._catalogue.platforms if not platform.local)
        names = [name.strip() for name in assume_keys.split(",") if name.strip()]
        if not names:
            raise BadRequest(
                "--assume-keys names no platform.", todo="Write all, or ids such as runway,kling."
            )
        return frozenset(self._catalogue.platform(name).id for name in names)


def _has_adapter(platform: Platform) -> bool:
    room = "agentes.drafts" if platform.local else f"agentes.{platform.medium}_agent.api_integrations"
    return find_spec(f"{room}.{platform.id}") is not None


def _model(model: Model) -> dict[str, Any]:
    return {
        "model": model.id,
        "abilities": model.abilities,
        "prices": [
            {
                "unit": price.unit,
                "usd": f"{price.usd:f}",
                **price.model_dump(
                    mode="json",
                    include={
                        "valid_from",
                        "valid_until",
                        "source",
                        "seen_on",
                        "quality",
                        "resolution",
                        "audio",
                    },
                ),
            }
            for price in model.prices
        ],
        "retires_on": model.retires_on.isoformat() if model.retires_on else None,
    }
