"""The courier: delivers what falls due, tries again by the schedule, and never waits for one receiver alone."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import uuid4

from orchestrator.store.database import Database
from orchestrator.webhooks.events import written
from orchestrator.webhooks.lanes import Lane, Lanes, Letter, Received
from orchestrator.webhooks.signing import headers_of
from shared_knowledge.errors import AgentesError, Broken

__all__ = ["Courier", "Sender"]

_LANES_OF_ONE_TENANT = 8
_WIDEST = 4
_ASIDE_MOST = 4
_TURN_S = 5.0
_LOOKS_EVERY_S = 0.5
_KEPT = timedelta(days=30)
_SWEEPS_EVERY_S = 3600.0
_TROUBLE_PAUSE_S = 2.0

_log = logging.getLogger(__name__)


class Sender(Protocol):
    """Whoever carries one letter to its address; no receiver's doing is an exception."""

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> Awaitable[Received]: ...


@dataclass(eq=False)
class _Turn:
    """One turn in a lane. One that waits long for a receiver steps aside, and its place is somebody else's."""

    lane: Lane
    begun: float
    aside: bool = False


class Courier:
    """Delivers. Any number of couriers may work on one outbox; no two are ever in the same lane.

    At most `at_once` lanes have a turn, as many again whose receivers have just failed, and a few times as
    many whose receivers let us wait; in each, few letters are under way. What a finished job came to is asked
    of `describe` once, before its letter is first written.
    """

    def __init__(
        self,
        database: Database,
        send: Sender,
        *,
        describe: Callable[[str], Mapping[str, Any]] | None = None,
        at_once: int = 32,
        lease_s: float = 90.0,
        brisk_s: float = 1.0,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        jitter: Callable[[], float] = lambda: random.uniform(0.9, 1.1),  # noqa: S311 - no secret
    ) -> None:
        self._lanes = Lanes(database, me=f"courier_{uuid4().hex}", lease_s=lease_s, now=now, jitter=jitter)
        self._send = send
        self._describe = describe
        self._now = now
        self._at_once = at_once
        self._lease_s = lease_s
        self._brisk_s = brisk_s
        self._turns: dict[_Turn, asyncio.Task[None]] = {}
        self._woken = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def run(self) -> None:
        """Delivers whatever falls due, until it is cancelled; what is under way then goes out again later."""
        self._loop = asyncio.get_running_loop()
        swept = -_SWEEPS_EVERY_S
        try:
            while True:
                self._woken.clear()
                try:
                    if time.monotonic() - swept > _SWEEPS_EVERY_S:
                        swept = time.monotonic()
                        await self._lanes.sweep(self._now() - _KEPT)
                    await self._begin_turns()
                except Broken as trouble:
                    _log.warning("webhooks wait for the database: %s", trouble.what)
                    await asyncio.sleep(_TROUBLE_PAUSE_S)
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOKS_EVERY_S):
                        await self._woken.wait()
        finally:
            await self._put_down()

    def wake(self) -> None:
        """Something is due now; may be called from any thread, and before there is anybody to wake."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed: whoever runs next looks by itself
                self._loop.call_soon_threadsafe(self._woken.set)

    async def deliver_due(self) -> datetime | None:
        """Delivers all that is due now, and says when the next will be; None if nothing waits."""
        try:
            while True:
                self._woken.clear()
                if not await self._begin_turns():
                    return self._lanes.next_due()
                await self._woken.wait()
        finally:
            await self._put_down()

    async def _begin_turns(self) -> bool:
        """Begins a turn in every lane that is due and has room; whether anything is under way."""
        due = await asyncio.to_thread(self._lanes.next_due)
        if due is not None and due <= self._now():
            for failing in (False, True):
                kin = [turn for turn in self._turns if turn.lane.failing is failing and not turn.aside]
                room = self._at_once - len(kin)
                if room > 0:
                    for lane in await self._lanes.claim(room, each=_LANES_OF_ONE_TENANT, failing=failing):
                        self._begin(_Turn(lane, time.monotonic()))
        return bool(self._turns)

    def _begin(self, turn: _Turn) -> None:
        def ended(task: asyncio.Task[None]) -> None:
            del self._turns[turn]
            self._woken.set()
            if not task.cancelled() and (error := task.exception()) is not None:
                _log.error("a turn of webhooks ended in trouble: %s", error)

        task = asyncio.create_task(self._take(turn), name=f"webhooks {turn.lane.name}")
        self._turns[turn] = task
        task.add_done_callback(ended)

    async def _put_down(self) -> None:
        left = list(self._turns.values())
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _take(self, turn: _Turn) -> None:
        """One turn: a letter at first, more at once while they are received, none where one hangs."""
        chains = _by_job(turn.lane.letters)
        width = 1
        try:
            while chains and time.monotonic() - turn.begun < _TURN_S:
                wave, chains = chains[:width], chains[width:]
                went_well = await asyncio.gather(*(self._chain(turn, chain) for chain in wave))
                if None in went_well:
                    return
                width = min(2 * width, _WIDEST) if all(went_well) else 1
        except Broken as trouble:
            _log.warning("a letter's fate could not be written down; it will go out again: %s", trouble.what)
        finally:
            with suppress(Broken):  # then the lane is free when its time is up
                await self._lanes.leave(turn.lane)

    async def _chain(self, turn: _Turn, letters: Sequence[Letter]) -> bool | None:
        """The letters of one job in their order; None if nothing more should be sent here in this turn."""
        for letter in letters:
            if time.monotonic() - turn.begun > self._lease_s / 2:
                return None
            received = await self._patiently(turn, letter)
            if not await self._lanes.mark(turn.lane, letter, received):
                return None
            if not received.ok:
                return None if received.status is None else False
        return True

    async def _patiently(self, turn: _Turn, letter: Letter) -> Received:
        """Delivers; whoever lets us wait does so without taking the place of another."""
        sending = asyncio.create_task(self._deliver(letter))
        try:
            await asyncio.wait({sending}, timeout=self._brisk_s)
            if not sending.done() and not turn.aside and self._aside < _ASIDE_MOST * self._at_once:
                turn.aside = True
                self._woken.set()
            return await sending
        finally:
            sending.cancel()

    @property
    def _aside(self) -> int:
        return sum(turn.aside for turn in self._turns)

    async def _deliver(self, letter: Letter) -> Received:
        told = letter.told if letter.whole else await self._completed(letter)
        body = written(letter.event, letter.endpoint, told, letter.at)
        headers = headers_of(
            body,
            message=letter.message,
            delivery=letter.id,
            event=letter.event,
            sent_at=int(self._now().timestamp()),
            secrets=letter.secrets,
        )
        return await self._send(letter.url, headers, body)

    async def _completed(self, letter: Letter) -> Mapping[str, Any]:
        """What is told of a finished job, with what it came to; where that cannot be read now, without."""
        if self._describe is None or letter.job is None:
            return letter.told
        try:
            result = await asyncio.to_thread(self._describe, letter.job)
        except AgentesError as trouble:
            _log.warning("the result of %s is told without its details: %s", letter.job, trouble.what)
            return letter.told
        told = {**letter.told, "result": dict(result), "cost": result.get("cost_estimate")}
        await self._lanes.complete(letter, told)
        return told


def _by_job(letters: Sequence[Letter]) -> list[list[Letter]]:
    """Letters about one job follow one another; those about different jobs need not wait for each other."""
    chains: dict[str, list[Letter]] = {}
    for letter in letters:
        chains.setdefault(letter.job or letter.id, []).append(letter)
    return list(chains.values())
