"""A film by its address, words, a language and a style of music: all the way to the folder, over a real server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import asynccontextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest
from tiny_media import clip

from agentes.drafts.line import LocalLine
from agentes.media import probe
from agentes.media.grading import grade_file
from agentes.media.shelf import Shelf
from agentes.photo_agent.agent import PhotoAgent
from agentes.purchase import Workroom
from agentes.video_agent.agent import VideoAgent
from agentes.voice_agent.agent import VoiceAgent
from agentes.wire.exchange import Exchange
from config.secrets import SecretManager
from config.settings import Settings
from orchestrator import assembly
from orchestrator.dispatch.here import Here
from orchestrator.locks import FileLocks
from orchestrator.quoting import Quoter
from orchestrator.run import Office
from orchestrator.store.book import SqlBook
from orchestrator.store.database import open_database
from orchestrator.store.jobs import Jobs
from orchestrator.studio import Studio
from shared_knowledge.caps import Limits
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.cost_tracker import CostTracker
from shared_knowledge.errors import BadRequest
from shared_knowledge.vocabulary import Brief, Job, JobState, Medium, Money, Narration

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agentes.contract import Line


class Films(SimpleHTTPRequestHandler):
    """A server of files that counts who asks."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, *_: object) -> None:
        """Nothing is written where tests are read."""


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address under which a few films can be had."""
    folder = tmp_path_factory.mktemp("films")
    clip(folder / "input.mp4", seconds=4, width=320, height=240, sound="sine=f=400:d=4,volume=-10dB")
    (folder / "page.mp4").write_text("<html>please sign in</html>" * 20)
    Films.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Films, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class House:
    """One process with the drafts of this machine, that may fetch films from the hosts it is told."""

    def __init__(self, home: Path, allowed: str) -> None:
        catalogue, held = (
            Catalogue.load(),
            {"AGENTES_HOME": str(home), "AGENTES_ALLOW_PRIVATE_HOSTS": allowed},
        )
        secrets = SecretManager(held)
        self.shelf = Shelf(home / "shelf", home / "desks")
        exchange = Exchange(catalogue, secrets, Settings.read(held, secrets=secrets), self.shelf)
        self.database = open_database(home / "ledger.db")
        self.jobs, book = Jobs(self.database), SqlBook(self.database)
        tracker = CostTracker(book, Limits(a_day=Money(10_000_000)))
        room = Workroom(catalogue, tracker, self.shelf, self._connect, exchange.bring)
        quoter = Quoter(catalogue, assembly.directory(), Money(10_000_000))
        self.office = Office(
            quoter=quoter,
            jobs=self.jobs,
            book=book,
            tracker=tracker,
            shelf=self.shelf,
            agents={agent.medium: agent(room) for agent in (PhotoAgent, VideoAgent, VoiceAgent)},
            locks=FileLocks(home),
            checkpoints=home / "graph.db",
            version="0",
            bring_film=partial(exchange.bring, medium=Medium.VIDEO),
        )
        here = Here(lambda: self.office)
        self.studio = Studio(quoter, lambda: self.office, lambda: here)

    @asynccontextmanager
    async def _connect(self, platform: str) -> AsyncIterator[Line]:
        yield LocalLine(platform, self.shelf)

    async def made(self, out: Path, **asked: object) -> Job:
        """A job that has ended, however it ended."""
        narration = Narration.model_validate(asked)
        job = await self.studio.submit(Brief(text=narration.in_words, narration=narration, draft=True), out)
        return await self.studio.finish(job.id)


@pytest.fixture
def house(tmp_path: Path, films: str) -> Iterator[House]:
    (tmp_path / "home").mkdir()
    made = House(tmp_path / "home", films.removeprefix("http://"))
    yield made
    made.database.close()


async def test_a_film_a_text_a_language_and_a_style_become_a_film(
    house: House, films: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    job = await house.made(
        out,
        video_url=f"{films}/input.mp4?token=secret",
        voice_text="Olá! Isto é um teste.",
        voice_language="pt",
        music_style="upbeat",
    )
    assert job.state is JobState.DONE, job.why
    found = await probe.measure(out / "film.mp4")
    assert (found.width, found.height, found.frames, found.subtitles) == (320, 240, 120, 1)
    assert "Isto é um teste." in (out / "captions.srt").read_text("utf-8")
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    assert [asset["task"] for asset in manifest["assets"]] == ["voice-1"]
    measured = manifest["measurements"]["film.mp4"]
    assert measured["lufs"] == pytest.approx(-16, abs=0.7)
    assert measured["true_peak_dbtp"] <= -1
    assert 0 < measured["quality_score"] <= 1
    again = await grade_file(out / "film.mp4", out / "captions.srt", spoken_s=measured["spoken_s"])
    assert again.score == measured["quality_score"]
    kinds = {told["file"]: told["source_kind"] for told in manifest["provenance"]}
    assert kinds["film.mp4"].endswith("/composite")
    assert (out / "originals" / "given.mp4").is_file()
    assert (out / "report.html").is_file()
    assert "secret" not in job.brief.text
    assert "secret" not in "".join(
        file.read_text("utf-8") for file in (out / "manifest.json", out / "report.html")
    )


async def test_a_film_alone_is_checked_levelled_and_handed_over(
    house: House, films: str, tmp_path: Path
) -> None:
    job = await house.made(tmp_path / "out", video_url=f"{films}/input.mp4")
    assert job.state is JobState.DONE, job.why
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))
    assert (manifest["assets"], manifest["orders"], manifest["draft"]) == ([], [], False)
    assert manifest["measurements"]["film.mp4"]["lufs"] == pytest.approx(-16, abs=0.7)
    assert house.studio.result(job.id)["film"] == str(tmp_path / "out" / "film.mp4")


async def test_a_film_that_cannot_be_used_costs_nothing(house: House, films: str, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="could not be fetched"):
        await house.made(tmp_path / "out", video_url=f"{films}/page.mp4", voice_text="Hello")
    (job,) = house.studio.list()
    assert job.state is JobState.FAILED
    assert not house.studio.orders(job.id)


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:9/in.mp4",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/in.mp4",
        "https://0x7f.1/a",
    ],
)
async def test_no_address_leads_into_our_own_network(house: House, address: str, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="could not be fetched"):
        await house.made(tmp_path / "out", video_url=address, voice_text="Hello")
    assert not house.studio.orders(house.studio.list()[0].id)


async def test_a_film_is_fetched_once(house: House, films: str, tmp_path: Path) -> None:
    before = len(Films.asked)
    job = await house.made(tmp_path / "out", video_url=f"{films}/input.mp4", music_style="ambient")
    assert job.state is JobState.DONE
    assert len(Films.asked) == before + 1
