"""A child process on a short lead: its own group, a deadline, and limits it cannot pass."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from shared_knowledge.errors import Broken

__all__ = ["Ended", "Limits", "run"]

_KEPT_OF_LOG = 256 * 1024
_KEPT_OF_OUTPUT = 64 * 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """What the kernel lets a child use; None leaves it alone."""

    cpu_s: int | None = None
    memory_mb: int | None = None
    file_mb: int | None = None

    def around(self, argv: Sequence[str]) -> list[str]:
        """The same command behind a shell that first lowers its own limits."""
        # A limit that this system does not know, or that already stands lower, is left as it is.
        lowered = [
            f"ulimit -{letter} {amount} 2>/dev/null || :"
            for letter, amount in (
                ("t", self.cpu_s),
                ("v", None if self.memory_mb is None else self.memory_mb * 1024),
                ("f", None if self.file_mb is None else self.file_mb * 2048),
            )
            if amount is not None
        ]
        if not lowered:
            return list(argv)
        return ["/bin/sh", "-c", "\n".join([*lowered, 'exec "$@"']), "sh", *argv]


@dataclass(frozen=True)
class Ended:
    """How a child ended, and what it said."""

    code: int
    out: bytes
    log: str
    late: bool = False

    @property
    def signal_name(self) -> str | None:
        """The signal that ended it, if one did."""
        return signal.Signals(-self.code).name if self.code < 0 else None


async def run(
    argv: Sequence[str],
    *,
    deadline_s: float,
    limits: Limits | None = None,
    feed: bytes | AsyncIterator[bytes] | None = None,
    env: dict[str, str] | None = None,
) -> Ended:
    """Runs a command to its end; nothing of it is left alive after the deadline or a cancellation."""
    try:
        process = await asyncio.create_subprocess_exec(
            *(limits or Limits()).around(argv),
            stdin=asyncio.subprocess.DEVNULL if feed is None else asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            env=None if env is None else {**os.environ, **env},
        )
    except OSError as error:
        raise Broken(
            f"{argv[0]} cannot be started: {error.strerror}.",
            todo="Reinstall the package, or run `agentes doctor`.",
        ) from error
    assert process.stdout is not None
    assert process.stderr is not None
    late, over = False, False
    out, log = bytearray(), bytearray()
    # Both pipes are read until they close, whatever happens: a child whose pipe is full cannot end.
    around = [
        asyncio.create_task(_keep(process.stdout, out, first=_KEPT_OF_OUTPUT)),
        asyncio.create_task(_keep(process.stderr, log, last=_KEPT_OF_LOG)),
    ]
    feeding = None if feed is None else asyncio.create_task(_pour(process, feed))
    try:
        async with asyncio.timeout(deadline_s):
            if feeding is not None:
                await feeding
            await process.wait()
            over = True
    except TimeoutError:
        late = True
    finally:
        if not over:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        if feeding is not None:
            feeding.cancel()
            around.append(feeding)
        await asyncio.gather(process.wait(), *around, return_exceptions=True)
    return Ended(process.returncode or 0, bytes(out), log.decode("utf-8", "replace"), late)


async def _keep(
    stream: asyncio.StreamReader, kept: bytearray, *, first: int | None = None, last: int | None = None
) -> None:
    while chunk := await stream.read(64 * 1024):
        if first is None or len(kept) < first:
            kept += chunk
        if last is not None and len(kept) > last:
            del kept[: len(kept) - last]


async def _pour(process: asyncio.subprocess.Process, feed: bytes | AsyncIterator[bytes]) -> None:
    stdin = process.stdin
    assert stdin is not None
    # A child that dies early closes the pipe; its exit code tells the story better than we could.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        if isinstance(feed, bytes):
            stdin.write(feed)
            await stdin.drain()
        else:
            async for chunk in feed:
                stdin.write(chunk)
                await stdin.drain()
        stdin.close()
        await stdin.wait_closed()
