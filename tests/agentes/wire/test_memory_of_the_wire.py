"""However big the media, they cost little memory on their way to the disk."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "benchmarks" / "memory.py"


@pytest.fixture(scope="module")
def memory() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("memory_benchmark", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_big_media_take_less_than_eight_megabytes(memory: ModuleType) -> None:
    with memory.serving(20 * memory.MB, 60 * memory.MB) as url:
        inline = memory.in_a_fresh_process("inline, ours", url)
        download = memory.in_a_fresh_process("download, ours", url)
        peer = memory.in_a_fresh_process("inline, peer", url)
    assert inline.memory_mb <= memory.MOST_MB
    assert download.memory_mb <= memory.MOST_MB
    assert peer.memory_mb > 60, "the measure itself is blind"
