"""The vendors, in a process of their own: what they have booked is the truth, whoever dies."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import traceback
from types import SimpleNamespace
from typing import Any

from shared_time import SharedTime

from agentes.sandbox.kernel import house
from agentes.sandbox.kernel.calls import Answer, Call
from agentes.sandbox.kernel.desk import Desk, Page
from agentes.sandbox.kernel.sandbox import Sandbox
from agentes.sandbox.kernel.witness import Seen

__all__ = ["Vendors"]

_LOOKS_FOR_ITS_PARENT_S = 1.0


class Vendors:
    """A sandbox in a fork of this process, asked over a socket like any other."""

    def __init__(self, time: SharedTime) -> None:
        reading, writing = os.pipe()
        self._pid = os.fork()
        if not self._pid:
            os.close(reading)
            try:
                asyncio.run(_live(time, writing))
            except BaseException:  # noqa: BLE001 - it is told, and the fork ends here
                traceback.print_exc()
            finally:
                os._exit(1)
        os.close(writing)
        with os.fdopen(reading) as told:
            self.url = told.readline().strip()
        self._lines: dict[int, http.client.HTTPConnection] = {}

    def reset(self) -> None:
        """Everything is forgotten."""
        self._ask("POST", "/_sandbox/reset")

    def plant(self, faults: list[dict[str, Any]]) -> None:
        """From now on things go wrong."""
        if faults:
            self._ask("POST", "/_sandbox/faults", faults)

    def book(self) -> list[dict[str, Any]]:
        """Every purchase that was charged."""
        booked: list[dict[str, Any]] = self._ask("GET", "/_sandbox/ledger")
        return booked

    def close(self) -> None:
        """They are gone."""
        self._line().close()
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)

    def _ask(self, method: str, path: str, told: Any = None) -> Any:
        body = None if told is None else json.dumps(told)
        line = self._line()
        line.request(method, path, body)
        answer = line.getresponse()
        said = json.load(answer)
        assert answer.status == 200, said
        return said

    def _line(self) -> http.client.HTTPConnection:
        """Each process has its own: a fork that dies in the middle of a word must not spoil it for the others."""
        port = int(self.url.rpartition(":")[2])
        return self._lines.setdefault(os.getpid(), http.client.HTTPConnection("127.0.0.1", port, timeout=30))


async def _live(time: SharedTime, door: int) -> None:
    class Deadly(Sandbox):
        async def _served(self, desk: Desk, page: Page, call: Call, seen: Seen) -> Answer:
            answer = await super()._served(desk, page, call, seen)
            if call.slip.lines and time.strike():
                raise ConnectionResetError  # nobody is there any more who could be answered
            return answer

    house.time = SimpleNamespace(time=time.now)  # type: ignore[assignment, attr-defined]
    async with Deadly() as sandbox:
        os.write(door, f"{sandbox.url}\n".encode())
        os.close(door)
        parent = os.getppid()
        while os.getppid() == parent:
            await asyncio.sleep(_LOOKS_FOR_ITS_PARENT_S)
