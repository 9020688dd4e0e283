"""The sandbox at the command line: it says where it is, and plays until it is asked to end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from contextlib import AsyncExitStack
from typing import Any

from agentes.sandbox.kernel.sandbox import Sandbox
from shared_knowledge.errors import BadRequest

__all__ = ["play"]

_LONGEST_LATENCY_S = 3600


async def play(port: int, latency_s: float, seed: int, *, as_json: bool) -> int:
    """Opens the sandbox, announces it, and closes it on Ctrl-C or SIGTERM: that is how it ends well."""
    if not 0 <= port <= 65535:
        raise BadRequest(f"--port {port} is not possible.", todo="Write a number from 0 to 65535.")
    if not 0 <= latency_s <= _LONGEST_LATENCY_S:
        raise BadRequest(
            f"--latency {latency_s:g} is not possible.",
            todo=f"Write seconds, from 0 to {_LONGEST_LATENCY_S}.",
        )
    over = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    async with AsyncExitStack() as stack:
        try:
            sandbox = await stack.enter_async_context(Sandbox(port, latency_s, seed))
        except OSError as error:
            why = os.strerror(error.errno).lower() if error.errno else str(error)
            raise BadRequest(
                f"The sandbox cannot listen on port {port}: {why}.",
                todo="Choose another with --port, or any free one with --port 0.",
            ) from error
        _announce(sandbox.document(), as_json=as_json)
        await over.wait()
    return 0


def _announce(sandbox: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(sandbox), flush=True)
        return
    print(f"The sandbox plays the vendors at {sandbox['url']}; open it in a browser to see what it sees.")
    print(f"\n    export AGENTES_SANDBOX_URL={sandbox['url']}\n")
    if sandbox["not_played"]:
        print(f"Not played: {', '.join(sandbox['not_played'])}.")
    print('Every key is good there, but for "bad-key". Ctrl-C ends it.', flush=True)
