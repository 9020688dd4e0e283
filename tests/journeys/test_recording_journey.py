"""A sound that comes with the brief, all the way to the film: nothing is spoken, and the film is as long as it is."""

from __future__ import annotations

import json
import wave
from pathlib import Path

import pytest
from typed import Ask

from agentes.media import probe, quality


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
