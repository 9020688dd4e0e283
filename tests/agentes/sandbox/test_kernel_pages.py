"""What a person sees of the sandbox: the page, which hides what may be a key, and the command that opens it all."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from house import ROOT
from practice import Practice
from tiny_vendor import PLAIN, TinyVendor

from agentes.sandbox.kernel.faults import ALLOWED, BadFault, Fault
from shared_knowledge.catalogue import Catalogue

KEY = "sk-very-secret-000"


@pytest.fixture(scope="module")
def played() -> Iterator[Practice]:
    practice = Practice(fakes={"tiny": TinyVendor})
    practice.open()
    yield practice
    practice.close()


def test_the_page_needs_nothing_from_elsewhere(played: Practice) -> None:
    answer = httpx.get(played.url)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.text == httpx.get(f"{played.url}/_sandbox/").text
    addresses = set(re.findall(r"https?://[^'\"\s<]+", answer.text))
    assert addresses <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<(link|script|img)[^>]+(href|src)=[\"'](?!data:)", answer.text)
    assert "innerHTML" not in answer.text


def test_the_state_tells_all_that_the_page_shows_and_no_key(played: Practice) -> None:
    played.reset()
    headers = {"Authorization": f"Bearer {KEY}", "X-Api-Key": KEY, "X-Shown": "yes"}
    with httpx.Client(verify=PLAIN, base_url=f"{played.url}/tiny", headers=headers) as http:
        http.post("/v1/pictures", json={"width": 32, "height": 32})
        http.post("/v1/form", content=bytes(range(200)), params={"key": KEY, "alt": "sse"})
        http.get("/v1/clips/none")
    played.fault("*", "find", "429", nth=3)
    state = httpx.get(f"{played.url}/_sandbox/state").json()
    assert state["charged_usd"] == "0.010000"
    assert [entry["model"] for entry in state["ledger"]] == ["tiny-1"]
    assert [fault["do"] for fault in state["faults"]] == ["429"]
    newest, form, picture = state["seen"]
    assert (newest["status"], newest["kind"], newest["platform"]) == (404, "check", "tiny")
    assert (form["query"], form["body"], form["size_bytes"]) == ({"key": "•••", "alt": "sse"}, "", 200)
    assert form["why"] == "ValueError: the body is not multipart/form-data"
    assert json.loads(picture["body"]) == {"width": 32, "height": 32}
    assert (picture["headers"]["authorization"], picture["headers"]["x-shown"]) == ("•••", "yes")
    assert {row["id"] for row in state["platforms"]} == {
        p.id for p in Catalogue.load().platforms if not p.local
    }
    assert KEY not in json.dumps(state)
    assert state["seen"] == httpx.get(f"{played.url}/_sandbox/seen").json()


def test_there_are_no_other_pages(played: Practice) -> None:
    for method, path in (
        ("GET", "/_sandbox/else"),
        ("GET", "/ledger"),
        ("POST", "/_sandbox/ledger"),
        ("GET", "/_sandbox"),
    ):
        answer = httpx.request(method, played.url + path)
        assert answer.status_code == 404, path
        assert path in answer.json()["error"]


# ── the manual ─────────────────────────────────────────────────────────────────────────────────


def test_the_manual_names_every_fault_and_its_examples_can_be_planted() -> None:
    manual = (ROOT / "docs/sandbox.md").read_text("utf-8")
    table = manual.partition("| `do` |")[2].partition("\n\n")[0]
    told = {
        name
        for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
        for name in re.findall(r"`(.*?)`", row)
    }
    assert told == set(ALLOWED)
    examples = json.loads(manual.partition("```json\n")[2].partition("```")[0])
    assert [Fault.read(example, "it", {"runway"}).on for example in examples] == ["start", "check"]
    unfit = re.findall(r"`([\w:]+)`", manual.partition("is allowed: not ")[2].partition(".")[0])
    for do in ALLOWED:
        planted = {"platform": "*", "on": "download", "do": do.replace("SECONDS", "2")}
        if do in unfit:
            with pytest.raises(BadFault):
                Fault.read(planted, "it", ())
        else:
            Fault.read(planted, "it", ())


# ── the command ────────────────────────────────────────────────────────────────────────────────


@contextmanager
def command(*words: str) -> Iterator[subprocess.Popen[str]]:
    """The command, running; what still runs at the end is killed."""
    code = "from orchestrator.faces.cli import main; main()"
    line = [sys.executable, "-c", code, "sandbox", *words]
    environ = {**os.environ, "PYTHONWARNINGS": "error::ResourceWarning"}
    with subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ
    ) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_says_where_it_is_and_ends_well(number: signal.Signals) -> None:
    with command("--port", "0", "--json", "--seed", "5", "--latency", "0.1") as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        assert (told["seed"], told["latency_s"]) == (5, 0.1)
        assert told["url"] == f"http://127.0.0.1:{told['port']}"
        names = {p.id for p in Catalogue.load().platforms if not p.local}
        assert {*told["played"], *told["not_played"]} == names
        assert httpx.get(f"{told['url']}/_sandbox/ledger").json() == []
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
        assert (process.returncode, out, err) == (0, "", "")


def test_the_command_prints_the_line_to_export_and_names_a_taken_port(played: Practice) -> None:
    with command("--port", "0") as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3)]
        address = re.search(r"http://127\.0\.0\.1:\d+", lines[0])
        assert address is not None
        assert lines[2].strip() == f"export AGENTES_SANDBOX_URL={address[0]}"
    with command("--port", played.url.rpartition(":")[2]) as process:
        _, err = process.communicate(timeout=10)
        assert process.returncode == 2
        assert "already in use" in err


@pytest.mark.parametrize("words", [("--port", "70000"), ("--latency", "-1"), ("--latency", "nan")])
def test_impossible_wishes_are_refused(words: tuple[str, str]) -> None:
    with command(*words) as process:
        _, err = process.communicate(timeout=10)
        assert process.returncode == 2
        assert f"{words[0]} {words[1]} is not possible" in err
