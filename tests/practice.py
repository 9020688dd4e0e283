"""A sandbox that runs in a thread of its own, so that tests may talk to it with any client, waiting or not."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from agentes.sandbox.kernel.sandbox import Sandbox
from agentes.sandbox.kernel.witness import Seen

__all__ = ["Practice"]

T = TypeVar("T")


class Practice:
    """The sandbox as a test sees it."""

    def __init__(self, **wishes: Any) -> None:
        self._sandbox = Sandbox(**wishes)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._live, name="sandbox", daemon=True)
        self._ready = threading.Event()
        self._over = asyncio.Event()

    def open(self) -> None:
        """Begins to listen."""
        self._thread.start()
        assert self._ready.wait(20), "the sandbox did not open"

    def close(self) -> None:
        """Hangs up, and waits until nothing of it is left."""
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(20)
        assert not self._thread.is_alive(), "the sandbox did not close"

    @property
    def url(self) -> str:
        """Its address; a platform's is this, a slash and the platform's id."""
        return self._sandbox.url

    @property
    def seen(self) -> list[Seen]:
        """Every call to a platform since the last reset."""
        return self._do(lambda: list(self._sandbox.seen))

    def ledger(self) -> list[dict[str, Any]]:
        """The billing book."""
        return self._do(lambda: [entry.document() for entry in self._sandbox.ledger.entries])

    def fault(self, platform: str, on: str, do: str, nth: int = 1, times: int = 1) -> None:
        """Plants a fault."""
        told = {"platform": platform, "on": on, "do": do, "nth": nth, "times": times}
        self._do(lambda: self._sandbox.plant(told))

    def reset(self) -> None:
        """Forgets everything."""
        self._do(self._sandbox.reset)

    def _do(self, work: Callable[[], T]) -> T:
        """Does something in the sandbox's own thread, where nothing else happens meanwhile."""

        async def working() -> T:
            return work()

        return asyncio.run_coroutine_threadsafe(working(), self._loop).result(20)

    def _live(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._listen())

    async def _listen(self) -> None:
        async with self._sandbox:
            self._ready.set()
            await self._over.wait()
