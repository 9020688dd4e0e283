"""The programs that the integration guide prints run against the service as they stand there.

Only what the guide itself tells its reader to fill in is filled in: the host, the key, and the addresses of
the media. The receiver of webhooks verifies what it hears with the function that the guide prints.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import Request, urlopen

import imageio_ffmpeg
import pytest
from said_where import said_where
from warm import Warm

HOST, KEY, FILM = "https://api.aiprod.ai", "sk_live_xxxxxxxxxxxxxxxx", "https://example.com/video.mp4"
PROGRAMS = Path(__file__).with_name("programs")


def verify_webhook(payload_bytes: bytes, signature: str, secret: str) -> bool:
    """Verify webhook signature"""
    expected_sig = hmac.new(secret.encode(), payload_bytes, hashlib.sha256).hexdigest()

    return hmac.compare_digest(signature, expected_sig)


class Heard(NamedTuple):
    """One webhook as it came."""

    body: bytes
    signature: str


class Place(ThreadingHTTPServer):
    """A place on this machine that hands out a film and hears webhooks."""

    def __init__(self, film: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Visit)
        self.film = film
        self.heard: list[Heard] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Visit(BaseHTTPRequestHandler):
    server: Place

    def do_GET(self) -> None:
        self._say(200, self.server.film, "video/mp4")

    def do_POST(self) -> None:
        payload = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.append(Heard(payload, self.headers["X-AIPROD-Signature"]))
        self._say(200, b'{"ok": true}', "application/json")

    def _say(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Running(NamedTuple):
    """A service that runs, a key for it, and the place where films come from."""

    url: str
    key: str
    place: Place

    def ask(self, path: str, said: Any = None) -> Any:
        sent = None if said is None else json.dumps(said).encode()
        request = Request(f"{self.url}{path}", sent, {"Authorization": f"Bearer {self.key}"})
        with urlopen(request, timeout=20) as answer:
            return json.load(answer)


@pytest.fixture(scope="module")
def running(warm: Warm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """`agentes serve` as a process of its own, as a customer with a test key meets it."""
    folder = tmp_path_factory.mktemp("service")
    place = Place(a_film(folder / "film.mp4"))
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "AGENTES_HOME": str(folder / "home"),
        "AGENTES_ALLOW_PRIVATE_HOSTS": place.url.removeprefix("http://"),
    }
    words = ("keys", "create", "--name", "guide", "--tier", "pro", "--test", "--json")
    key = warm.run(words, cwd=folder, env=environ).json["key"]
    service = warm.spawn(("serve", "--port", "0", "--json"), cwd=folder, env=environ)
    try:
        yield Running(said_where(service), key, place)
    finally:
        service.kill(signal.SIGTERM)
        ended = service.wait(40)
        place.shutdown()
        place.server_close()
        assert ended.returncode == 0, ended.stderr


def a_film(file: Path) -> bytes:
    inputs = ["-f", "lavfi", "-i", "testsrc=size=160x120:rate=10:duration=2"]
    inputs += ["-f", "lavfi", "-i", "sine=frequency=440:duration=2"]
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    subprocess.run(
        [ffmpeg, "-v", "error", "-y", *inputs, "-shortest", "-pix_fmt", "yuv420p", str(file)], check=True
    )
    return file.read_bytes()


def begin(program: str, running: Running, folder: Path) -> subprocess.Popen[str]:
    """A program of the guide, with the host, the key and the film of this test."""
    runner, ending = {
        "python": ([sys.executable], "py"), "node": (["node"], "mjs"), "curl": (["bash"], "sh")
    }[program]  # fmt: skip
    for needed in (runner[0], *(("curl", "jq") if runner == ["bash"] else ())):
        if shutil.which(needed) is None:
            pytest.skip(f"{needed} is not installed")
    if runner == [sys.executable]:
        pytest.importorskip("requests")
    text = (PROGRAMS / f"{program}.txt").read_text("utf-8")
    for printed, ours in ((HOST, running.url), (KEY, running.key), (FILM, f"{running.place.url}/video.mp4")):
        assert printed in text
        text = text.replace(printed, ours)
    file = folder / f"guide.{ending}"
    file.write_text(text, "utf-8")
    return subprocess.Popen(
        [*runner, str(file)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder
    )


def test_the_programs_of_the_guide_run_as_they_are_printed(running: Running, tmp_path: Path) -> None:
    hook = running.ask(
        "/webhooks/register",
        {
            "url": f"{running.place.url}/aiprod-webhook",
            "events": ["job.completed", "job.failed"],
            "active": True,
        },
    )
    programs = [begin(name, running, tmp_path) for name in ("python", "node", "curl")]
    said = [program.communicate(timeout=110)[0] for program in programs]
    assert [program.returncode for program in programs] == [0, 0, 0], said
    for text, result in zip(said, ("Result: ", "Video: ", "Video: "), strict=True):
        assert re.search(r"Job submitted: job_[0-9a-f]{12}", text), text
        assert "COMPLETED" in text
        video = re.search(rf"^{result}(http\S+)$", text, re.MULTILINE)
        assert video, text
        with urlopen(video[1], timeout=20) as film:
            assert film.headers["Content-Type"] == "video/mp4"
            assert film.read(12)[4:8] == b"ftyp"
    jobs = {found for text in said for found in re.findall(r"Job submitted: (\S+)", text)}
    told = heard_of(running.place, jobs)
    for one in told:
        assert verify_webhook(one.body, one.signature, hook["secret"])
        assert not verify_webhook(one.body + b" ", one.signature, hook["secret"])
        event = json.loads(one.body)
        assert (event["event"], event["webhook_id"]) == ("job.completed", hook["webhook_id"])
        assert event["data"]["status"] == "COMPLETED"
        assert event["data"]["result"]["cost_estimate"] == 0
        assert event["data"]["result"]["video_url"].startswith(f"{running.url}/jobs/")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", event["timestamp"])


def heard_of(place: Place, jobs: set[str]) -> list[Heard]:
    """One webhook for each of these jobs, once all have come."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        found = {json.loads(one.body)["data"]["job_id"]: one for one in place.heard}
        if jobs <= found.keys():
            assert len(place.heard) == len(jobs)
            return list(found.values())
        time.sleep(0.1)
    raise AssertionError([one.body for one in place.heard])


def test_a_real_socket_is_treated_as_patiently_and_no_more(running: Running) -> None:
    import socket

    host, port = running.url.removeprefix("http://").split(":")

    def talk(sent: bytes) -> bytes:
        with socket.create_connection((host, int(port)), timeout=10) as line:
            line.sendall(sent)
            line.shutdown(socket.SHUT_WR)
            heard = b""
            while part := line.recv(65_536):
                heard += part
            return heard

    many = b"".join(b"X-%d: y\r\n" % number for number in range(10_000))
    assert talk(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + many + b"\r\n").startswith(
        b"HTTP/1.1 431"
    )
    endless = talk(b"GET /health HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 40_000)
    assert endless.startswith(b"HTTP/1.1 431")
    assert b'"code": "HEADERS_TOO_LARGE"' in endless
    assert talk(b"nonsense\r\n\r\n").startswith(b"HTTP/1.1 400")
    assert talk(b"GET /health HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 400")
    assert talk(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 200")
