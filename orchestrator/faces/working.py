"""A worker at the command line: it works until it is told to stop, and leaves nothing half done."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING

from shared_knowledge.errors import BadRequest

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from orchestrator.dispatch.shift import Shift

    Commands = _SubParsersAction[ArgumentParser]

__all__ = ["do", "teach"]

_AT_ONCE = 4
_MOST_AT_ONCE = 256


def teach(commands: Commands, command: Callable[..., ArgumentParser]) -> None:
    """Adds what can be said to a worker to a command line."""
    worker = command(
        commands,
        "worker",
        "do the jobs of the service, on this machine and any number of others",
        "AGENTES_DATABASE_URL=postgresql://… agentes worker",
        "agentes worker --concurrency 16",
    )
    worker.add_argument(
        "--concurrency",
        type=int,
        default=_AT_ONCE,
        metavar="N",
        help=f"how many jobs at the same time ({_AT_ONCE})",
    )
    worker.add_argument(
        "--metrics", metavar="PLACE", help="show figures for Prometheus at a place such as 127.0.0.1:9101"
    )


def do(said: Namespace) -> None:
    """Works until SIGTERM or Ctrl-C; a second one gives back at once what still runs."""
    import asyncio

    from config.quick_start import settle_down
    from orchestrator import assembly

    if not 1 <= said.concurrency <= _MOST_AT_ONCE:
        raise BadRequest(
            f"--concurrency {said.concurrency} is not possible.",
            todo=f"Write a number from 1 to {_MOST_AT_ONCE}.",
        )
    assembly.set_up_logging()
    shift = assembly.shift(said.concurrency)
    _learn()
    settle_down()
    _say(f"Working, {said.concurrency} at a time. Ctrl-C: what runs comes to a safe point first.")
    with assembly.seen_at(said.metrics):
        asyncio.run(_work(shift))
    _say("Stopped; nothing was lost.")


async def _work(shift: Shift) -> None:
    import asyncio
    import signal

    def leave() -> None:
        _say(f"Leaving; {shift.at_work} still at work." if shift.at_work else "Leaving.")
        shift.leave()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, leave)
    await shift.work()


def _learn() -> None:
    """What takes seconds to import is there before the first job comes."""
    from importlib import import_module

    for name in ("orchestrator.graph", "orchestrator.checkpoints.on_server"):
        import_module(name)


def _say(sentence: str) -> None:
    print(f"agentes: {sentence}", file=sys.stderr, flush=True)
