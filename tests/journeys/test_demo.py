"""The film of `make demo`, measured: what the README shows is what the program makes."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from typed import ask_from_cold

from agentes.media import ffmpeg, probe, quality

MAKEFILE = Path(__file__).parents[2] / "Makefile"


def the_demo() -> tuple[str, list[str]]:
    """The brief and the options the Makefile gives."""
    text = MAKEFILE.read_text("utf-8")
    brief = re.search(r"^BRIEF \?= (.+)$", text, re.MULTILINE)
    command = re.search(r'agentes make (.+?) --out "\$\(OUT\)"', text)
    assert brief is not None
    assert command is not None
    return brief[1], command[1].split()


SHAPES = {"draft": (720, 1280), "high": (1080, 1920)}


@pytest.mark.parametrize("quality_asked", ["draft", pytest.param("high", marks=pytest.mark.torture)])
async def test_the_demo_is_what_it_says(tmp_path: Path, quality_asked: str):
    brief, options = the_demo()
    assert options[options.index("--quality") + 1] == "high"
    options[options.index("--quality") + 1] = quality_asked
    ran = ask_from_cold(tmp_path, "make", brief, *options, "--out", "demo", "--json")
    assert ran.code == 0, ran.err
    made = ran.json
    film = Path(made["film"])
    found = await probe.measure(film)
    heard = await quality.measure(film, found)
    assert (found.width, found.height) == SHAPES[quality_asked]
    assert (found.frames, found.fps) == (450, 30)
    assert (found.video_codec, found.pixel_format, found.audio_codec) == ("h264", "yuv420p", "aac")
    assert (found.faststart, found.subtitles) == (True, 1)
    assert abs(heard.lufs - -16) <= 1
    assert heard.true_peak_dbtp <= -1
    assert (heard.black_share, heard.frozen_share) == (0, 0)
    assert heard.silence_share < 0.4
    assert made["cost_usd"] == "0.000000"
    assert [asset["medium"] for asset in made["assets"]].count("photo") == 1
    voice = next(task for task in plan_of(film)["tasks"] if task["medium"] == "voice")
    assert voice["spec"]["language"] == "pt-BR"
    assert "caneca de cerâmica" in voice["spec"]["script"].casefold()
    assert captions_darken(film, tmp_path)


def plan_of(film: Path) -> dict:
    return json.loads((film.parent / "manifest.json").read_text("utf-8"))["plan"]


def captions_darken(film: Path, folder: Path) -> bool:
    """Whether the zone of the captions is darker while one is shown than before the first appears."""

    def light_at(seconds: float) -> float:
        raw = subprocess.run(
            [
                *(ffmpeg.binary(), "-v", "error", "-ss", str(seconds), "-i", str(film), "-frames:v", "1"),
                *(
                    "-vf",
                    "crop=iw*0.46:ih*0.047:iw*0.27:ih*0.73,scale=1:1,format=gray",
                    "-f",
                    "rawvideo",
                    "-",
                ),
            ],
            capture_output=True,
            check=True,
        ).stdout
        return raw[0]

    return abs(light_at(0.0) - light_at(2.0)) > 8
