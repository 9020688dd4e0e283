"""What it costs to bring a big answer to the disk, against httpx as one would use it.

A 20 MB picture that comes as base64 inside JSON may take 8 MB of memory more than a small answer, and
0.8 times the CPU of `httpx`, `json` and `b64decode`. A 200 MB download may take 8 MB more; its CPU,
with a digest, is shown beside that of httpx streaming to a file. Every figure is of a fresh process;
ours and the peer's take turns, and what is compared is the median.

    python benchmarks/memory.py [--rounds N] [--picture MB] [--clip MB] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

MB = 1_000_000
MOST_MB = 8.0
MOST_CPU = 0.8
PICTURE_MB, CLIP_MB = 20, 200
PNG = b"\x89PNG\r\n\x1a\n"
MP4 = b"\0\0\0\x20ftypisom"


class Spent(NamedTuple):
    """What one fresh process used beyond what it used at rest."""

    memory_mb: float
    cpu_s: float


class Row(NamedTuple):
    """One job, done by us and by the peer."""

    name: str
    ours: Spent
    peer: Spent
    most_cpu: float | None

    @property
    def ratio(self) -> float:
        return self.ours.cpu_s / self.peer.cpu_s

    @property
    def good(self) -> bool:
        cheap = self.most_cpu is None or self.ratio <= self.most_cpu
        return cheap and self.ours.memory_mb <= MOST_MB


def main() -> int:
    """Measures, prints a table, and answers 1 if a goal was missed."""
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("--rounds", type=int, default=5, help="how often each is measured (default 5)")
    asked.add_argument("--picture", type=int, default=PICTURE_MB, help="MB of the picture inside JSON")
    asked.add_argument("--clip", type=int, default=CLIP_MB, help="MB of the download")
    asked.add_argument("--json", action="store_true", help="print JSON instead of a table")
    asked.add_argument("--do", nargs=2, metavar=("JOB", "URL"), help=argparse.SUPPRESS)
    options = asked.parse_args()
    if options.do:
        print(json.dumps(spent_on(JOBS[options.do[0]], options.do[1])))
        return 0
    rows = measure(options.rounds, options.picture, options.clip)
    if options.json:
        print(json.dumps([{**row._asdict(), "ratio": row.ratio, "good": row.good} for row in rows]))
    else:
        print_table(rows)
    return 0 if all(row.good for row in rows) else 1


def measure(rounds: int, picture_mb: int, clip_mb: int) -> list[Row]:
    """The rows of both jobs."""
    with serving(picture_mb * MB, clip_mb * MB) as url:
        spent: dict[str, list[Spent]] = {job: [] for job in JOBS}
        for _ in range(rounds):
            for job, taken in spent.items():
                taken.append(in_a_fresh_process(job, url))
    middle = {job: Spent(*map(median, zip(*taken, strict=True))) for job, taken in spent.items()}
    return [
        Row(f"{picture_mb} MB in JSON", middle["inline, ours"], middle["inline, peer"], MOST_CPU),
        Row(f"{clip_mb} MB download", middle["download, ours"], middle["download, peer"], None),
    ]


def in_a_fresh_process(job: str, url: str) -> Spent:
    """What a new Python spends on the job."""
    command = (sys.executable, __file__, "--do", job, url)
    with tempfile.TemporaryDirectory() as folder:
        environ = os.environ | {"TMPDIR": folder}
        said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder, env=environ)
    return Spent(*json.loads(said.stdout))


# ── inside the fresh process ───────────────────────────────────────────────────────────────────

Job = Callable[[str, Path], Coroutine[Any, Any, Path]]


def spent_on(job: Job, url: str) -> Spent:
    """Does the job small, to load what it needs, then in earnest; the difference is what it costs."""

    async def both() -> Spent:
        with tempfile.TemporaryDirectory() as folder:
            await job(f"{url}/small", Path(folder) / "small")
            peak = reset_peak_mb()
            begun = time.process_time()
            made = await job(f"{url}/big", Path(folder) / "big")
            spent = Spent(peak_mb() - peak, time.process_time() - begun)
            assert made.stat().st_size > 100_000
            return spent

    return asyncio.run(both())


def reset_peak_mb() -> float:
    """Forgets the highest memory so far, where the system can; what it is from now on."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return peak_mb()


def peak_mb() -> float:
    """The most memory this process ever held."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MB
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / MB


async def our_inline(url: str, into: Path) -> Path:
    """The wire: to the disk as it arrives, then out of it."""
    import httpx

    from agentes.wire.guard import Dialler, Guard
    from agentes.wire.network import Network
    from agentes.wire.spool import Spool, bring_out

    spool = Spool(into.with_name("answer"), durable=True, most_bytes=500 * MB)
    async with httpx.AsyncClient(transport=Network(Dialler(Guard(["127.0.0.1"])))) as http:
        light = await spool.take(await http.send(http.build_request("POST", f"{url}.json"), stream=True))
    assert light.json()["data"][0]["b64_json"]
    return await asyncio.to_thread(bring_out, into.with_name("answer"), "/data/0/b64_json", into)


async def peers_inline(url: str, into: Path) -> Path:
    """Three lines of a tutorial."""
    import httpx

    async with httpx.AsyncClient(trust_env=False) as http:
        answer = json.loads((await http.post(f"{url}.json")).content)
    into.write_bytes(base64.b64decode(answer["data"][0]["b64_json"]))
    return into


async def our_download(url: str, into: Path) -> Path:
    """The wire: guarded, measured, weighed, named."""
    from agentes.wire.download import fetch
    from agentes.wire.guard import Dialler, Guard
    from agentes.wire.network import Network
    from shared_knowledge.vocabulary import Medium

    guard = Guard(["127.0.0.1"])
    async with Network(Dialler(guard)) as network:
        fetched = await fetch(
            f"{url}.mp4",
            into,
            network=network,
            guard=guard,
            medium=Medium.VIDEO,
            mask=str,
            deadline_s=300,
        )
    return fetched.path


async def peers_download(url: str, into: Path) -> Path:
    """The streaming that httpx documents."""
    import httpx

    async with httpx.AsyncClient(trust_env=False) as http, http.stream("GET", f"{url}.mp4") as response:
        with into.open("wb") as file:
            async for chunk in response.aiter_raw():
                file.write(chunk)
    return into


JOBS: dict[str, Job] = {
    "inline, ours": our_inline,
    "inline, peer": peers_inline,
    "download, ours": our_download,
    "download, peer": peers_download,
}


# ── the other end ──────────────────────────────────────────────────────────────────────────────


@contextmanager
def serving(picture: int, clip: int) -> Iterator[str]:
    """A server in this process with a picture inside JSON and a clip, each small and big."""
    block = os.urandom(MB)

    def pieces(path: str) -> list[bytes]:
        small = path.startswith("/small")
        if path.endswith(".mp4"):
            return [MP4 + bytes(200_000), *[block] * (0 if small else clip // MB)]
        content = PNG + block * (0 if small else picture // MB) + bytes(200)
        encoded = base64.b64encode(content)
        return [b'{"created": 1, "data": [{"b64_json": "', encoded, b'"}], "usage": {"total_tokens": 1}}']

    ready = {
        f"/{size}.{kind}": pieces(f"/{size}.{kind}") for size in ("small", "big") for kind in ("mp4", "json")
    }

    class Page(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header(
                "Content-Type", "application/json" if self.path.endswith("json") else "video/mp4"
            )
            self.send_header("Content-Length", str(sum(map(len, ready[self.path]))))
            self.end_headers()
            for piece in ready[self.path]:
                self.wfile.write(piece)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Says nothing: the table is all there is to read."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def print_table(rows: list[Row]) -> None:
    """One line a job, for a person."""
    print(
        f"{'job':<16}{'memory MB':>10}{'peer':>8}{'limit':>7}{'CPU s':>9}{'peer':>8}{'ratio':>7}{'limit':>7}"
    )
    for row in rows:
        limit = "-" if row.most_cpu is None else f"{row.most_cpu:.2f}"
        print(
            f"{row.name:<16}{row.ours.memory_mb:>10.1f}{row.peer.memory_mb:>8.1f}{MOST_MB:>7.0f}"
            f"{row.ours.cpu_s:>9.3f}{row.peer.cpu_s:>8.3f}{row.ratio:>7.2f}{limit:>7}"
            f"{'' if row.good else '  <- missed'}"
        )


if __name__ == "__main__":
    sys.exit(main())
