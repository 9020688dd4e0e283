"""One brief all the way through, with no key: as a person with two commands would see it."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typed import AGENTES, Ask

from agentes.media import ffmpeg, probe, quality

if TYPE_CHECKING:
    from warm import Child

BRIEF = "square 4 second video of a scented candle with English voice-over, and one hero photo, under $2"
SHORTER = BRIEF.replace("4 second", "2 second")


@pytest.fixture(scope="session")
def made(place: Path, ask: Ask) -> Any:
    ran = ask(place, "make", BRIEF, "--draft", "--out", "out", "--json")
    assert ran.code == 0, ran.err
    return ran.json


class TestTheFilm:
    async def test_is_exactly_as_long_and_as_large_as_was_asked(self, made):
        found = await probe.measure(Path(made["film"]))
        assert (found.width, found.height) == (720, 720)
        assert (found.frames, found.fps) == (120, 30)
        assert found.duration_s == pytest.approx(4.0, abs=0.05)

    async def test_is_h264_yuv420p_with_aac_and_starts_before_it_is_loaded(self, made):
        found = await probe.measure(Path(made["film"]))
        assert (found.video_codec, found.pixel_format, found.audio_codec) == ("h264", "yuv420p", "aac")
        assert found.faststart
        assert found.subtitles == 1

    async def test_is_heard_at_minus_sixteen_and_seen(self, made):
        path = Path(made["film"])
        heard = await quality.measure(path, await probe.measure(path))
        assert heard.lufs == pytest.approx(-16, abs=1)
        assert heard.true_peak_dbtp <= -1.0
        assert heard.black_share == 0
        assert heard.silence_share < 0.5

    def test_carries_its_captions_as_text(self, made, tmp_path):
        told = tmp_path / "told.srt"
        subprocess.run(
            [ffmpeg.binary(), "-v", "error", "-i", made["film"], "-map", "0:s:0", str(told)], check=True
        )
        manifest = json.loads((Path(made["folder"]) / "manifest.json").read_text("utf-8"))
        script = next(t["spec"]["script"] for t in manifest["plan"]["tasks"] if t["medium"] == "voice")
        shown = re.sub(r"\d+\n[\d:,]+ --> [\d:,]+\n|<[^>]+>", "", told.read_text("utf-8"))
        assert re.findall(r"\w+", shown) == re.findall(r"\w+", script)

    async def test_says_that_it_is_a_draft(self, made):
        found = await probe.measure(Path(made["film"]))
        assert "draft" in (found.comment or "").lower()


class TestWhatIsHandedOver:
    def test_the_result_has_the_promised_shape(self, made):
        assert set(made) >= {
            "job", "status", "film", "folder", "cost_usd", "quoted_usd", "ceiling_usd", "assets", "shortfalls",
            "warnings",
        }  # fmt: skip
        assert (made["status"], made["cost_usd"], made["shortfalls"]) == ("done", "0.000000", [])
        assert {asset["medium"] for asset in made["assets"]} == {"photo", "video", "voice"}
        for asset in made["assets"]:
            assert set(asset) >= {
                "task", "medium", "path", "sha256", "mime", "width", "height", "duration_s", "platform", "model",
                "cost_usd", "pieces", "warnings",
            }  # fmt: skip
            assert Path(asset["path"]).is_file()

    def test_the_folder_holds_files_originals_manifest_and_report(self, made):
        folder = Path(made["folder"])
        names = {path.name for path in folder.iterdir()}
        assert {"film.mp4", "captions.srt", "manifest.json", "report.html", "originals"} <= names
        assert not list(folder.rglob("*.part"))
        assert len(list((folder / "originals").iterdir())) == 3

    def test_the_manifest_tells_who_asked_whom(self, made):
        manifest = json.loads((Path(made["folder"]) / "manifest.json").read_text("utf-8"))
        (asked, *_) = manifest["delegations"]
        assert asked["asked_by"] == "video-1"
        assert asked["because"].startswith("keyframe for shot 1")
        assert asked["cost_usd"] == "0.000000"

    def test_the_report_needs_no_network(self, made):
        page = (Path(made["folder"]) / "report.html").read_text("utf-8")
        assert "film.mp4" in page
        assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", page)

    def test_the_ledger_agrees(self, ask, place, made):
        report = ask(place, "costs", "--json").json
        assert report["total"]["spent_usd"] == "0.000000"
        assert report["total"]["orders"] == len(
            sqlite3.connect(place / "home" / "ledger.db")
            .execute("select 1 from orders where job = ?", (made["job"],))
            .fetchall()
        )

    def test_runs_and_show_know_the_job(self, ask, place, made):
        assert any(job["job"] == made["job"] for job in ask(place, "runs", "--json").json)
        shown = ask(place, "show", made["job"][:9], "--json").json
        assert (shown["job"], shown["state"]) == (made["job"], "done")

    def test_a_second_run_does_not_touch_the_first(self, ask, place, made):
        before = {path: path.stat().st_mtime_ns for path in Path(made["folder"]).iterdir()}
        ran = ask(place, "make", "a square photo of a candle", "--draft", "--out", "out", "--json")
        assert ran.code == 0, ran.err
        assert ran.json["folder"].endswith("out-2")
        assert before == {path: path.stat().st_mtime_ns for path in Path(made["folder"]).iterdir()}

    def test_resuming_what_is_done_does_nothing(self, ask, place, made):
        ran = ask(place, "resume", made["job"], "--json")
        assert (ran.code, ran.json["film"]) == (0, made["film"])

    def test_no_key_is_said_in_one_sentence(self, ask, place):
        ran = ask(place, "make", "a square photo of a candle", "--out", "nokey")
        assert ran.code == 0
        assert "No platform key is set" in " ".join(ran.out.split())


def wait_for(condition: Callable[[], object], process: Child | subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert process.poll() is None, getattr(process, "said", "it ended too soon")
        assert time.monotonic() < deadline
        time.sleep(0.02)


def settled(home: Path, task: str) -> list[tuple[str, str]]:
    if not (home / "ledger.db").exists():
        return []
    with sqlite3.connect(f"file:{home / 'ledger.db'}?mode=ro", uri=True) as ledger:
        try:
            return ledger.execute(
                "select id, state from orders where task = ? and state = 'settled'", (task,)
            ).fetchall()
        except sqlite3.OperationalError:
            return []


class TestInterruptions:
    def test_killed_in_the_middle_it_resumes_and_redoes_nothing_finished(self, ask, begin, place):
        process = begin(place, "make", SHORTER, "--draft", "--out", "killed-out", home="killed")
        wait_for(lambda: settled(place / "killed", "photo-1"), process)
        process.kill(signal.SIGKILL)
        process.wait(30)
        before = settled(place / "killed", "photo-1")
        (job,) = ask(place, "runs", "--json", home="killed").json
        assert job["state"] == "interrupted"
        ran = ask(place, "resume", job["job"], "--json", home="killed")
        assert (ran.code, ran.json["status"]) == (0, "done"), ran.err
        assert settled(place / "killed", "photo-1") == before
        assert not list((place / "killed" / "desks").iterdir())
        assert not list(Path(ran.json["folder"]).rglob("*.part"))

    def test_ctrl_c_keeps_state_and_says_how_to_go_on(self, ask, place):
        process = subprocess.Popen(
            [*AGENTES, "make", SHORTER, "--draft", "--out", "stopped-out"],
            cwd=place,
            env={**os.environ, "AGENTES_HOME": str(place / "stopped")},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        wait_for(lambda: settled(place / "stopped", "photo-1"), process)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        assert process.returncode == 130
        job = re.search(r"agentes resume (job_\w+)", err.decode())
        assert job is not None, err.decode()
        assert b"Traceback" not in err
        assert ask(place, "resume", job[1], home="stopped").code == 0

    def test_cancel_stops_a_running_job_and_frees_its_orders(self, ask, begin, place):
        longer = BRIEF.replace("4 second", "40 second")
        process = begin(place, "make", longer, "--draft", "--out", "cancelled-out", home="cancelled")
        wait_for(lambda: settled(place / "cancelled", "photo-1"), process)
        (job,) = ask(place, "runs", "--json", home="cancelled").json
        stopped = ask(place, "cancel", job["job"], "--json", home="cancelled")
        assert (stopped.code, stopped.json["state"]) == (0, "cancelled")
        process.wait(30)
        with sqlite3.connect(place / "cancelled" / "ledger.db") as ledger:
            states = {state for (state,) in ledger.execute("select state from orders")}
        assert states <= {"settled", "cancelled", "failed_free"}
        assert ask(place, "resume", job["job"], home="cancelled").code == 2

    def test_a_dying_ffmpeg_is_said_and_nothing_is_lost(self, ask, place, tmp_path):
        dying = tmp_path / "ffmpeg"
        dying.write_text("#!/bin/sh\nkill -9 $$\n")
        dying.chmod(0o755)
        broken = ask(
            place, "make", SHORTER, "--draft", "--out", "dying", "--json", home="dying", FFMPEG=str(dying)
        )
        assert broken.code in {4, 5}
        assert "ffmpeg" in json.dumps(broken.json["shortfalls"])
        assert not list((place / "dying").rglob("*.part"))
        mended = ask(place, "resume", broken.json["job"], "--json", home="dying")
        assert (mended.code, mended.json["status"]) == (0, "done"), mended.err
