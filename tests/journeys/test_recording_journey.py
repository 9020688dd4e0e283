"""A sound that comes with the brief, all the way to the film: nothing is spoken, and the film is as long as it is."""

from __future__ import annotations

import hashlib
import json
import sys
import wave
from pathlib import Path

import pytest
from PIL import Image
from typed import Ask

from agentes.media import ffmpeg, probe, quality


def a_sound(path: Path, lasts_s: float) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        tone = b"".join(
            (6000 if at % 20 < 10 else -6000).to_bytes(2, "little", signed=True) for at in range(20)
        )
        file.writeframes(tone * round(lasts_s * 400))


async def test_a_film_is_as_long_as_the_recording_that_was_given(tmp_path: Path, ask: Ask) -> None:
    a_sound(tmp_path / "fala.wav", 2.51)
    ran = ask(
        tmp_path,
        "make",
        "square video of a candle with my recording fala.wav",
        "--draft",
        "--out",
        "out",
        "--json",
    )
    assert ran.code == 0, ran.err
    assert [asset["task"] for asset in ran.json["assets"]] == ["video-1"]
    film = Path(ran.json["film"])
    found = await probe.measure(film)
    assert found.duration_s == pytest.approx(2.51, abs=1 / 25)
    heard = await quality.measure(film, found)
    assert heard.silence_share is not None
    assert heard.silence_share < 0.1
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))
    assert manifest["canvas"]["recording"]["path"] == "fala.wav"
    assert {order["platform"] for order in manifest["orders"]} == {"draft_clip", "draft_picture"}


def test_a_recording_that_is_not_there_is_planned_with_a_question_and_not_made(
    tmp_path: Path, ask: Ask
) -> None:
    brief = "square video of a candle with my recording fala.wav"
    planned = ask(tmp_path, "plan", brief, "--draft", "--json")
    assert planned.code == 0
    assert any("Where is fala.wav?" in question for question in planned.json["questions"])
    refused = ask(tmp_path, "make", brief, "--draft", "--out", "out", "--json")
    assert refused.code == 2
    assert "fala.wav" in json.dumps(refused.json)


BRIEF = "square video of a candle with my recording fala.wav"
# An ffmpeg that takes the person's sound away while the clip is drawn.
THIEF = """#!{python}
import os, sys
if any("keyframes animated" in word for word in sys.argv):
    os.unlink({sound!r})
os.execv({ffmpeg!r}, [{ffmpeg!r}, *sys.argv[1:]])
"""


def test_the_recording_is_kept_as_it_came_and_the_persons_file_is_left_alone(
    tmp_path: Path, ask: Ask
) -> None:
    sound = tmp_path / "fala.wav"
    a_sound(sound, 1.21)
    ran = ask(tmp_path, "make", BRIEF, "--draft", "--out", "out", "--json")
    assert ran.code == 0, ran.err
    assert (tmp_path / "out" / "originals" / "recording.wav").read_bytes() == sound.read_bytes()
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))
    (vouched,) = (file for file in manifest["provenance"] if file["file"] == "originals/recording.wav")
    assert vouched["made_by"] == "the person who asked"
    assert vouched["sha256"] == hashlib.sha256(sound.read_bytes()).hexdigest()
    assert sound.stat().st_nlink == 1
    assert sound.stat().st_mode & 0o200


def test_a_recording_that_vanishes_on_the_way_is_heard_all_the_same(tmp_path: Path, ask: Ask) -> None:
    sound = tmp_path / "fala.wav"
    a_sound(sound, 1.21)
    thief = tmp_path / "ffmpeg"
    thief.write_text(THIEF.format(python=sys.executable, sound=str(sound), ffmpeg=ffmpeg.binary()))
    thief.chmod(0o755)
    ran = ask(tmp_path, "make", BRIEF, "--draft", "--out", "out", "--json", FFMPEG=str(thief))
    assert ran.code == 0, ran.err
    assert not sound.exists()
    assert ran.json["film_measured"]["lufs"] > -40


@pytest.mark.torture
def test_another_recording_of_that_name_is_heard_in_the_changed_film_and_no_clip_is_made_anew(
    tmp_path: Path, ask: Ask
) -> None:
    sound = tmp_path / "fala.wav"
    a_sound(sound, 1.21)
    first = ask(tmp_path, "make", BRIEF, "--draft", "--out", "one", "--json").json
    quieter = sound.read_bytes().replace((6000).to_bytes(2, "little"), (600).to_bytes(2, "little"))
    sound.write_bytes(quieter)
    again = ask(tmp_path, "make", BRIEF, "--from", first["job"], "--draft", "--out", "two", "--json")
    assert again.code == 0, again.err
    assert [asset["sha256"] for asset in again.json["assets"]] == [
        asset["sha256"] for asset in first["assets"]
    ]
    assert (tmp_path / "two" / "originals" / "recording.wav").read_bytes() == quieter
    assert (tmp_path / "one" / "film.mp4").read_bytes() != (tmp_path / "two" / "film.mp4").read_bytes()
    manifest = json.loads((tmp_path / "two" / "manifest.json").read_text("utf-8"))
    assert manifest["orders"] == []


@pytest.mark.torture
def test_a_picture_that_was_changed_under_its_name_is_worked_from_anew(tmp_path: Path, ask: Ask) -> None:
    brief = "3 s square video, animate mug.png"
    Image.new("RGB", (720, 720), "tan").save(tmp_path / "mug.png")
    first = ask(tmp_path, "make", brief, "--draft", "--out", "one", "--json").json
    same = ask(tmp_path, "make", brief, "--from", first["job"], "--draft", "--out", "two", "--json").json
    assert same["assets"][0]["sha256"] == first["assets"][0]["sha256"]
    assert json.loads((tmp_path / "two" / "manifest.json").read_text("utf-8"))["orders"] == []
    Image.new("RGB", (720, 720), "navy").save(tmp_path / "mug.png")
    other = ask(tmp_path, "make", brief, "--from", first["job"], "--draft", "--out", "three", "--json").json
    assert other["assets"][0]["sha256"] != first["assets"][0]["sha256"]
