"""What it takes to accept a job over HTTP, beside a plain FastAPI application that writes one row for each request.

Both are asked by 32 callers at once over kept connections; both answer 202 when their row is on the disk. Ours
checks the key, the rate, the room of the tenant and the Idempotency-Key, and writes the job with the answer it
promised; the peer checks the shape of the body, commits a row in a thread, and no more. Ours must accept 1.2 times
as many in a second, and its slowest of a hundred may not be slower. They take turns; the median is compared. The
jobs are left for workers that are not there, so that nothing but accepting is measured.

    python benchmarks/accept.py [--turns N] [--seconds S] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import Any, NamedTuple
from uuid import uuid4

CALLERS = 32
TIMES_AS_MANY = 1.2
TENANTS = 900
JOBS_OF_A_TENANT = 45
READY_WITHIN_S = 60.0

ASKED = {
    "video_url": "https://example.com/video.mp4",
    "voice_text": "Sample narration for the bench",
    "voice_language": "en",
    "music_style": "upbeat",
    "metadata": {"customer_id": "cust_123", "project": "Q1_2026_Campaign"},
}


class Turn(NamedTuple):
    """What came of one turn: accepted in a second, and what the slowest of a hundred waited."""

    a_second: float
    p99_ms: float


class Server:
    """One of the two, in a process of its own."""

    def __init__(self, kind: str, folder: Path) -> None:
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = int(found.getsockname()[1])
        environ = {**os.environ, "AGENTES_HOME": str(folder), "PYTHONPATH": str(Path(__file__).parents[1])}
        words = [sys.executable, __file__, "--serve", kind, "--port", str(self.port)]
        self._process = subprocess.Popen(words, env=environ, cwd=folder, start_new_session=True)

    async def is_ready(self) -> None:
        until = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.close()
                return
            await asyncio.sleep(0.1)
        sys.exit("a server did not come up")

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(30)


# ── the two ────────────────────────────────────────────────────────────────────────────────────


def serve_ours(port: int) -> None:
    """The service as it is, with nobody to do the jobs."""
    from uvicorn import Server as Uvicorn

    from orchestrator.dispatch.here import Here
    from orchestrator.faces.web.serve import configured

    Here.start = lambda *_, **__: None  # type: ignore[assignment,method-assign]
    config = configured("orchestrator.faces.web.serve:served")
    config.host, config.port = "127.0.0.1", port
    Uvicorn(config).run()


def serve_plain(port: int) -> None:
    """FastAPI as its tutorial shows it: a model, a thread, a commit."""
    import uvicorn
    from fastapi import FastAPI
    from pydantic import BaseModel, Field
    from starlette.concurrency import run_in_threadpool

    class Asked(BaseModel):
        video_url: str = Field(max_length=2000)
        voice_text: str | None = None
        voice_language: str | None = None
        music_style: str | None = None
        metadata: dict[str, str] = {}

    here = threading.local()
    file = Path(os.environ["AGENTES_HOME"]) / "plain.db"

    def connection() -> sqlite3.Connection:
        if not hasattr(here, "connection"):
            here.connection = sqlite3.connect(file, isolation_level=None, timeout=30)
            for setting in ("journal_mode = wal", "synchronous = full"):
                here.connection.execute(f"pragma {setting}")
            here.connection.execute(
                "create table if not exists jobs (id text primary key, body text, at real)"
            )
        found: sqlite3.Connection = here.connection
        return found

    def write(job: str, body: str) -> None:
        connection().execute("insert into jobs values (?, ?, ?)", (job, body, time.time()))

    app = FastAPI()

    async def run(asked: Asked) -> dict[str, str]:
        job = f"job_{uuid4().hex[:12]}"
        await run_in_threadpool(write, job, asked.model_dump_json())
        return {"job_id": job, "status": "PENDING"}

    run.__annotations__["asked"] = Asked  # it is defined in here, where no name of the module leads
    app.post("/pipeline/run", status_code=202)(run)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", access_log=False)


# ── the callers ────────────────────────────────────────────────────────────────────────────────


def requests_of(keys: Sequence[str]) -> Iterator[bytes]:
    """One request after the other, so many with each key."""
    body = json.dumps(ASKED).encode()
    for key in keys:
        for _ in range(JOBS_OF_A_TENANT):
            yield (
                f"POST /pipeline/run HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
                f"Content-Type: application/json\r\nIdempotency-Key: {uuid4().hex}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n"
            ).encode() + body


async def turn(port: int, requests: Iterator[bytes], seconds: float) -> Turn:
    """Asks for so long, with all callers at once."""
    waited: list[float] = []
    began = time.perf_counter()

    async def caller() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() - began < seconds:
            request = next(requests, None)
            if request is None:
                sys.exit("there are not enough tenants for a turn of that length")
            asked = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
            if b" 202 " not in head[:20]:
                sys.exit(f"refused: {head[:200]!r}")
            waited.append(time.perf_counter() - asked)
        writer.close()

    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    return Turn(len(waited) / (time.perf_counter() - began), quantiles(waited, n=100)[98] * 1000)


def keys_in(folder: Path) -> list[str]:
    """A key for each of many tenants, made where the service will look for them."""
    script = (
        "import asyncio, json\n"
        "from orchestrator import assembly\n"
        "async def make():\n"
        "    keys = assembly.keys()\n"
        f"    made = [keys.create(f'bench {{n}}', 'enterprise', tenant=f'bench-{{n}}') for n in range({TENANTS})]\n"
        "    return [new.key for new in await asyncio.gather(*made)]\n"
        "print(json.dumps(asyncio.run(make())))\n"
    )
    environ = {**os.environ, "AGENTES_HOME": str(folder), "PYTHONPATH": str(Path(__file__).parents[1])}
    made = subprocess.run([sys.executable, "-c", script], env=environ, check=True, capture_output=True)
    found: list[str] = json.loads(made.stdout)
    return found


async def race(folder: Path, turns: int, seconds: float) -> dict[str, list[Turn]]:
    """Lets them take turns."""
    (folder / "ours").mkdir()
    (folder / "plain").mkdir()
    requests = requests_of(keys_in(folder / "ours"))
    servers = {kind: Server(kind, folder / kind) for kind in ("ours", "plain")}
    told: dict[str, list[Turn]] = {kind: [] for kind in servers}
    try:
        for server in servers.values():
            await server.is_ready()
        for number in range(turns + 1):
            for kind, server in servers.items():
                came = await turn(server.port, requests, seconds)
                if number:  # the first is for warming up
                    told[kind].append(came)
    finally:
        for server in servers.values():
            server.stop()
    return told


def main() -> int:
    """Measures, tells, and says with its exit code whether the goals are met."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--turns", type=int, default=5)
    asked.add_argument("--seconds", type=float, default=1.5)
    asked.add_argument("--json", action="store_true")
    asked.add_argument("--serve", choices=("ours", "plain"), help=argparse.SUPPRESS)
    asked.add_argument("--port", type=int, help=argparse.SUPPRESS)
    said = asked.parse_args()
    if said.serve:
        {"ours": serve_ours, "plain": serve_plain}[said.serve](said.port)
        return 0
    with tempfile.TemporaryDirectory(prefix="accept-") as folder:
        told = asyncio.run(race(Path(folder), said.turns, said.seconds))
    found = {kind: Turn(*map(median, zip(*turns, strict=True))) for kind, turns in told.items()}
    more, slower = (
        found["ours"].a_second / found["plain"].a_second,
        found["ours"].p99_ms / found["plain"].p99_ms,
    )
    tell(found, more, slower, as_json=said.json)
    return 0 if more >= TIMES_AS_MANY and slower <= 1 else 1


def tell(found: dict[str, Turn], more: float, slower: float, *, as_json: bool) -> None:
    """The figures, for a person or a program."""
    if as_json:
        told: dict[str, Any] = {kind: came._asdict() for kind, came in found.items()}
        print(json.dumps({**told, "as_many": more, "p99": slower}))
        return
    print(f"{'accepting':<12}{'a second':>10}{'p99 ms':>9}")
    for kind, came in found.items():
        print(f"{kind:<12}{came.a_second:>10,.0f}{came.p99_ms:>9.1f}")
    print(f"\nas many as plain FastAPI     {more:>8.2f}  at least {TIMES_AS_MANY}")
    print(f"p99, against plain FastAPI   {slower:>8.2f}  at most 1")


if __name__ == "__main__":
    sys.exit(main())
