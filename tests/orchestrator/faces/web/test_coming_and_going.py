"""The service is killed and begun again: what it had taken in is done, and what it signed stays good."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from said_where import said_where
from warm import Child, Warm


class Home:
    """A home in which services come and go."""

    def __init__(self, warm: Warm, folder: Path) -> None:
        self.warm, self.folder = warm, folder
        self.environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "AGENTES_HOME": str(folder / "home")}
        words = ("keys", "create", "--name", "one", "--tier", "pro", "--test", "--json")
        self.key = warm.run(words, cwd=folder, env=self.environ).json["key"]

    def serve(self) -> tuple[Child, str]:
        service = self.warm.spawn(("serve", "--port", "0", "--json"), cwd=self.folder, env=self.environ)
        return service, said_where(service)

    def ask(self, url: str, body: Any = None) -> Any:
        sent = None if body is None else json.dumps(body).encode()
        request = Request(url, sent, {"Authorization": f"Bearer {self.key}"})
        with urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def ended(self, url: str) -> Any:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            said = self.ask(url)
            if said["status"] not in ("PENDING", "PROCESSING"):
                return said
            time.sleep(0.2)
        raise AssertionError(said)


@pytest.fixture
def home(warm: Warm, tmp_path: Path) -> Home:
    return Home(warm, tmp_path)


def test_what_was_taken_in_is_done_after_a_kill(home: Home) -> None:
    service, url = home.serve()
    jobs = [
        home.ask(f"{url}/pipeline/run", {"brief": "a square photo of a candle"})["job_id"] for _ in range(3)
    ]
    service.kill()
    service.wait()
    service, url = home.serve()
    results = [home.ended(f"{url}/pipeline/{job}") for job in jobs]
    assert [said["status"] for said in results] == ["COMPLETED"] * 3, [said["error"] for said in results]
    link = results[0]["result"]["assets"][0]["url"]
    service.kill(signal.SIGTERM)
    assert service.wait(40).returncode == 0
    service, again = home.serve()
    with urlopen(link.replace(url, again), timeout=20) as picture:
        assert picture.read(4) == b"\x89PNG"
    service.kill(signal.SIGINT)
    assert service.wait(40).returncode == 0


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--port", "70000"), "--port 70000 is not possible"),
        (("--workers", "0"), "--workers 0 is not possible"),
        (("--workers", "2"), "PostgreSQL"),
        (("--host", "192.0.2.1"), "cannot listen"),
    ],
)
def test_what_cannot_be_served_is_said(home: Home, words: tuple[str, ...], why: str) -> None:
    ended = home.warm.run(("serve", *words), cwd=home.folder, env=home.environ)
    assert ended.returncode == 2
    assert why in ended.stderr
