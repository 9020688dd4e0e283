"""An adapter is there because its file is there, or because another package says so."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest
from small_house import Adapter, facts_of

from agentes.wire import adapters as adapters_module
from agentes.wire.adapters import adapter_of
from shared_knowledge.errors import Unavailable


def test_an_adapter_is_found_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    assert type(adapter_of(facts_of(id="elevenlabs", medium="voice"))).__module__.endswith("elevenlabs")
    with pytest.raises(Unavailable, match="no adapter"):
        adapter_of(facts_of())

    class Entry:
        def load(self) -> Any:
            return Adapter

    def entries(*, group: str, name: str) -> list[Entry]:
        return [Entry()] if (group, name) == ("agentes.platforms", "tiny") else []

    monkeypatch.setattr(adapters_module, "entry_points", entries)
    assert isinstance(adapter_of(facts_of()), Adapter)


def test_an_adapter_that_lacks_something_of_its_own_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = ModuleType("broken")
    monkeypatch.setitem(sys.modules, "agentes.photo_agent.api_integrations.tiny", broken)
    with pytest.raises(AttributeError):
        adapter_of(facts_of())
