"""Whether the service can work: what is wrong is said in words, and is not looked at more often than it needs."""

from __future__ import annotations

from http.client import HTTPConnection
from pathlib import Path

import pytest

from agentes.media.shelf import Shelf
from orchestrator.watch.health import check_disk, check_shelf, kept_for_a_while
from orchestrator.watch.window import open_window
from shared_knowledge.errors import BadRequest, Broken


def test_a_disk_without_room_is_said_before_it_is_full(tmp_path: Path):
    assert "MB free" in check_disk(tmp_path / "not" / "there" / "yet", least_mb=1)
    with pytest.raises(Broken, match="MB are free"):
        check_disk(tmp_path, least_mb=1 << 40)


def test_a_shelf_that_cannot_be_written_is_said(tmp_path: Path):
    assert check_shelf(Shelf(tmp_path / "shelf", tmp_path / "desks")) == str(tmp_path / "shelf")
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(Broken, match="The shelf cannot be written to"):
        check_shelf(Shelf(blocked / "shelf", tmp_path))


def test_a_check_is_made_once_in_a_while_and_its_verdict_stands_meanwhile():
    time, made, broken = [0.0], [], [False]

    def check() -> str:
        made.append(time[0])
        if broken[0]:
            raise Broken("The shelf is gone.")
        return "here"

    kept = kept_for_a_while(check, 30.0, lambda: time[0])
    kept()
    kept()
    broken[0] = True
    time[0] = 31
    for _ in range(2):
        with pytest.raises(Broken, match="gone"):
            kept()
    broken[0] = False
    time[0] = 62
    kept()
    assert made == [0.0, 31, 62]


def test_a_worker_shows_its_figures_at_a_window_of_its_own():
    with open_window("127.0.0.1", 0, lambda: b"agentes_up 1\n") as port:
        line = HTTPConnection("127.0.0.1", port, timeout=5)
        for path, status, body in (
            ("/metrics", 200, b"agentes_up 1\n"),
            ("/health", 200, b'{"status":"healthy"}'),
            ("/else", 404, b""),
        ):
            line.request("GET", path)
            answer = line.getresponse()
            assert (answer.status, answer.read()) == (status, body)
            line.close()
        with pytest.raises(BadRequest, match="cannot be shown"), open_window("127.0.0.1", port, bytes):
            pass
