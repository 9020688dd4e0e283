"""ffmpeg leaves a whole file or none, and dies with whoever started it."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
from pathlib import Path

import pytest
from tiny_media import clip

from agentes.media import ffmpeg
from agentes.media.child import Limits
from shared_knowledge.errors import Broken

ENDLESS = ("-re", "-f", "lavfi", "-i", "testsrc2=s=64x64:r=30:d=600", "-c:v", "rawvideo")
QUICK = ("-f", "lavfi", "-i", "testsrc2=s=64x64:r=30:d=0.2", "-c:v", "libx264")


@pytest.fixture
def told_pid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An ffmpeg of our own, through FFMPEG, that writes down its process id first."""
    pid = tmp_path / "pid"
    wrapper = tmp_path / "my ffmpeg"
    wrapper.write_text(f'#!/bin/sh\necho $$ > "{pid}"\nexec "{ffmpeg.binary()}" "$@"\n')
    wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("FFMPEG", str(wrapper))
    return pid


async def _begun(pid: Path, part: Path) -> int:
    for _ in range(2000):
        if part.exists() and part.stat().st_size > 0:
            return int(pid.read_text())
        await asyncio.sleep(0.01)
    raise AssertionError("ffmpeg never began to write")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_file_appears_whole_and_its_part_is_gone(tmp_path: Path) -> None:
    into = tmp_path / "clip.mp4"
    into.with_name("clip.mp4.part").write_text("left by a run that was killed")
    await ffmpeg.run(QUICK, deadline_s=30, into=into)
    assert into.read_bytes()[4:8] == b"ftyp"
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


async def test_what_cannot_be_made_leaves_nothing_and_says_why(tmp_path: Path) -> None:
    with pytest.raises(Broken, match="no_such_source"):
        await ffmpeg.run(("-f", "lavfi", "-i", "no_such_source"), deadline_s=30, into=tmp_path / "clip.mp4")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_an_ffmpeg_killed_half_way_leaves_no_file(
    tmp_path: Path, told_pid: Path, how: signal.Signals
) -> None:
    into = tmp_path / "clip.nut"
    making = asyncio.create_task(ffmpeg.run(ENDLESS, deadline_s=60, into=into, form="nut"))
    os.kill(await _begun(told_pid, tmp_path / "clip.nut.part"), how)
    with pytest.raises(Broken, match="was killed") as caught:
        await making
    assert "Resume" in caught.value.todo
    assert not into.exists()
    assert not (tmp_path / "clip.nut.part").exists()


async def test_cancelling_ends_the_child_and_leaves_no_file(tmp_path: Path, told_pid: Path) -> None:
    making = asyncio.create_task(ffmpeg.run(ENDLESS, deadline_s=60, into=tmp_path / "clip.nut", form="nut"))
    pid = await _begun(told_pid, tmp_path / "clip.nut.part")
    making.cancel()
    with pytest.raises(asyncio.CancelledError):
        await making
    assert not _alive(pid)
    assert not list(tmp_path.glob("clip.*"))


async def test_a_deadline_ends_the_child(tmp_path: Path, told_pid: Path) -> None:
    with pytest.raises(Broken, match="not done after"):
        await ffmpeg.run(ENDLESS, deadline_s=1.5, into=tmp_path / "clip.nut", form="nut")
    assert not _alive(int(told_pid.read_text()))
    assert not list(tmp_path.glob("clip.*"))


async def test_a_full_disk_is_said_in_a_sentence(tmp_path: Path) -> None:
    much = ("-f", "lavfi", "-i", "testsrc2=s=640x640:r=30:d=9", "-c:v", "rawvideo")
    with pytest.raises(Broken, match="disk full") as caught:
        await ffmpeg.run(much, deadline_s=60, into=tmp_path / "clip.nut", limits=Limits(file_mb=1))
    assert str(tmp_path) in caught.value.todo
    assert list(tmp_path.iterdir()) == []


async def test_a_full_device_is_a_full_disk() -> None:
    with pytest.raises(Broken, match="disk full"):
        await ffmpeg.run(
            ("-f", "lavfi", "-i", "testsrc2=s=640x640:r=30:d=1", "-f", "rawvideo", "/dev/full"), deadline_s=30
        )


async def test_limits_of_processor_time_hold() -> None:
    endless = ("-f", "lavfi", "-i", "mandelbrot=s=1920x1080", "-f", "null", "-")
    with pytest.raises(Broken, match="was killed"):
        await ffmpeg.run(endless, deadline_s=60, limits=Limits(cpu_s=1))


def test_a_wrong_FFMPEG_is_named(monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: N802
    monkeypatch.setenv("FFMPEG", "/nowhere/ffmpeg")
    with pytest.raises(Broken, match="/nowhere/ffmpeg") as caught:
        ffmpeg.binary()
    assert "remove it" in caught.value.todo


@pytest.mark.parametrize("name", ["-y.mp4", "concat:a|b.mp4", "http:x.mp4", "%03d.mp4", "a b'c,d[e];f.mp4"])
async def test_a_name_is_never_an_option_nor_a_protocol(tmp_path: Path, name: str) -> None:
    odd = clip(tmp_path / name, seconds=0.2)
    await ffmpeg.run(("-i", ffmpeg.local(odd), "-c", "copy"), deadline_s=30, into=tmp_path / "copy.mp4")
    assert (tmp_path / "copy.mp4").stat().st_size > 0


@pytest.mark.parametrize("folder", ["plain", "it's, a [strange]; folder: yes\\no = 1"])
async def test_a_path_survives_inside_a_filter(tmp_path: Path, folder: str) -> None:
    notes = tmp_path / folder / "notes.txt"
    notes.parent.mkdir()
    frames = ("-f", "lavfi", "-i", "testsrc2=s=64x64:r=10:d=0.3")
    await ffmpeg.run(
        (*frames, "-vf", f"signalstats,metadata=print:file={ffmpeg.in_filter(notes)}", "-f", "null", "-"),
        deadline_s=30,
    )
    assert notes.read_text().count("frame:") == 3
