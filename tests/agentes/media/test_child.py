"""A child process is fed, heard, bounded and never outlives its caller."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agentes.media import child
from shared_knowledge.errors import Broken

PYTHON = sys.executable


async def _pieces() -> AsyncIterator[bytes]:
    for _ in range(64):
        yield b"x" * 65536


async def test_it_is_fed_and_heard() -> None:
    code = "import sys; print(len(sys.stdin.buffer.read())); print('aside', file=sys.stderr)"
    ended = await child.run([PYTHON, "-c", code], deadline_s=30, feed=_pieces())
    assert (ended.code, ended.out.strip(), ended.log.strip()) == (0, b"4194304", "aside")


async def test_one_that_stops_listening_is_judged_by_its_code() -> None:
    ended = await child.run([PYTHON, "-c", "raise SystemExit(7)"], deadline_s=30, feed=_pieces())
    assert ended.code == 7


async def test_one_that_never_stops_talking_does_not_fill_our_memory() -> None:
    code = "import sys\nwhile True: sys.stderr.write('y' * 65536)"
    ended = await child.run([PYTHON, "-c", code], deadline_s=0.5)
    assert ended.late
    assert len(ended.log) <= 256 * 1024


async def test_its_memory_is_bounded() -> None:
    ended = await child.run(
        [PYTHON, "-c", "x = bytearray(900_000_000)"], deadline_s=30, limits=child.Limits(memory_mb=400)
    )
    assert ended.code != 0
    assert "MemoryError" in ended.log


async def test_its_children_end_with_it(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    code = f"import subprocess as s; p = s.Popen(['sleep', '60']); open({str(note)!r}, 'w').write(str(p.pid)); p.wait()"
    running = asyncio.create_task(child.run([PYTHON, "-c", code], deadline_s=60))
    while not (note.exists() and note.read_text()):
        await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    grandchild = int(note.read_text())
    for _ in range(200):
        if not Path(f"/proc/{grandchild}").exists() or _is_zombie(grandchild):
            return
        await asyncio.sleep(0.01)
    os.kill(grandchild, 9)
    raise AssertionError("the grandchild outlived its group")


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


async def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(Broken, match="/nowhere/at/all"):
        await child.run(["/nowhere/at/all"], deadline_s=1)


async def test_what_goes_wrong_while_feeding_is_raised_as_it_is() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"one"
        raise Broken("The feed broke.")

    with pytest.raises(Broken, match="The feed broke"):
        await child.run([PYTHON, "-c", "import sys; sys.stdin.read()"], deadline_s=30, feed=broken())
