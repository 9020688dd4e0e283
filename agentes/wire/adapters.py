"""An adapter is found by its name: the folder listing is the list, and another package may bring more."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from typing import cast

from agentes.contract import Platform as Adapter
from shared_knowledge.errors import Unavailable
from shared_knowledge.platform_facts import Platform

__all__ = ["adapter_of"]

_ELSEWHERE = "agentes.platforms"


def adapter_of(facts: Platform) -> Adapter:
    """The adapter of that name, from this house or from a package that brings one; Unavailable if there is none."""
    name = f"agentes.{facts.medium.value}_agent.api_integrations.{facts.id}"
    try:
        return cast(Adapter, import_module(name).Adapter())
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
    for entry in entry_points(group=_ELSEWHERE, name=facts.id):
        return cast(Adapter, entry.load()())
    raise Unavailable(f"{facts.id} has no adapter in this version.", platform=facts.id)
