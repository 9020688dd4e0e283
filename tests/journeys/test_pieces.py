"""A clip too long for one purchase: each further piece goes on from the last frame of the one before it."""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from agentes.media import ffmpeg
from agentes.media.last_frame import last_frame

if TYPE_CHECKING:
    from practice import Practice
    from typed import Ask, Ran

BRIEF = "15 s vertical video of our ceramic mug"
# An ffmpeg that takes its time over a last frame, so that there is a moment between two pieces.
SLOW = """#!{python}
import os, sys, time
if any("reverse" in word for word in sys.argv):
    open({mark!r}, "w").close()
    time.sleep(8)
os.execv({ffmpeg!r}, [{ffmpeg!r}, *sys.argv[1:]])
"""


def make(ask: Ask, place: Path, sandbox: Practice, platform: str) -> Ran:
    words = ("make", BRIEF, "--yes", "--json", "--out", "out", "--use", platform)
    return ask(place, *words, AGENTES_SANDBOX_URL=sandbox.url)


def asked(sandbox: Practice, platform: str) -> list[dict[str, Any]]:
    """What was sent with each purchase of a clip."""
    return [
        json.loads(seen.body) for seen in sandbox.seen if (seen.platform, seen.kind) == (platform, "start")
    ]


def first_picture(body: dict[str, Any]) -> bytes | None:
    """The picture a request begins its clip with, as the vendor gets it."""
    if "promptImage" in body:
        frames = body["promptImage"]
        assert [frame["position"] for frame in frames] == ["first"]
        return base64.b64decode(frames[0]["uri"].partition("base64,")[2])
    image = body["instances"][0].get("image") if "instances" in body else None
    return base64.b64decode(image["bytesBase64Encoded"]) if image else None


@pytest.mark.parametrize(
    ("platform", "lengths_s", "begins_with_a_keyframe"),
    [
        ("runway:gen4_turbo", [10, 5], True),
        pytest.param("runway:gen4.5", [10, 5], False, marks=pytest.mark.torture),
        pytest.param("google_veo:veo-3.1-lite-generate-001", [8, 8], False, marks=pytest.mark.torture),
    ],
)
async def test_the_second_piece_begins_with_the_last_frame_of_the_first(
    tmp_path, ask, sandbox, platform, lengths_s, begins_with_a_keyframe
):
    ran = make(ask, tmp_path, sandbox, platform)
    assert ran.code == 0, ran.err
    (clip,) = (asset for asset in ran.json["assets"] if asset["medium"] == "video")
    assert [piece["s"] for piece in clip["pieces"]] == lengths_s
    out = tmp_path / "out"
    frame = await last_frame(out / "originals" / "video-1-piece-1.mp4", tmp_path / "expected.png")
    first, second = map(first_picture, asked(sandbox, platform.partition(":")[0]))
    assert (first is not None) is begins_with_a_keyframe
    assert first != second
    assert second == frame.read_bytes(), "byte for byte the frame that was seen last"
    digest = hashlib.sha256(second).hexdigest()
    assert [piece.get("grown_from") for piece in clip["pieces"]] == [None, digest]
    assert (out / "storyboard" / "video-1-piece-2.png").read_bytes() == second
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    (vouched,) = (file for file in manifest["provenance"] if file.get("begins_piece"))
    assert (vouched["file"], vouched["sha256"]) == ("storyboard/video-1-piece-2.png", digest)
    assert (vouched["task"], vouched["begins_piece"]) == ("video-1", 2)
    assert not any("by their words alone" in warning for warning in ran.json["warnings"])


def test_where_no_picture_can_be_given_the_pieces_match_by_words_and_that_is_said(tmp_path, ask, sandbox):
    ran = make(ask, tmp_path, sandbox, "pika")
    assert ran.code == 0, ran.err
    bodies = asked(sandbox, "pika")
    assert len(bodies) == 3
    assert all("image_url" not in body for body in bodies)
    assert all("given frame" not in body["prompt"] and "first frame" not in body["prompt"] for body in bodies)
    assert ["the same scene goes on" in body["prompt"] for body in bodies] == [False, True, True]
    (told,) = (warning for warning in ran.json["warnings"] if "by their words alone" in warning)
    assert told.endswith("a cut may be seen at 5 s, 10 s.")


def test_killed_between_two_pieces_each_is_bought_once(tmp_path, ask, begin, sandbox):
    mark, slow = tmp_path / "mark", tmp_path / "ffmpeg"
    slow.write_text(SLOW.format(python=sys.executable, mark=str(mark), ffmpeg=ffmpeg.binary()))
    slow.chmod(0o755)
    words = ("make", BRIEF, "--yes", "--out", "out", "--use", "runway:gen4_turbo")
    run = begin(tmp_path, *words, AGENTES_SANDBOX_URL=sandbox.url, FFMPEG=str(slow))
    until = time.monotonic() + 60
    while not mark.exists() and time.monotonic() < until:
        time.sleep(0.02)
    run.kill()
    run.wait(30)
    assert len(asked(sandbox, "runway")) == 1
    (job,) = ask(tmp_path, "runs", "--json", AGENTES_SANDBOX_URL=sandbox.url).json
    again = ask(tmp_path, "resume", job["job"], "--json", AGENTES_SANDBOX_URL=sandbox.url)
    assert again.code == 0, again.err
    first, second = map(first_picture, asked(sandbox, "runway"))
    assert first != second
    (clip,) = (asset for asset in again.json["assets"] if asset["medium"] == "video")
    assert second is not None
    assert clip["pieces"][1]["grown_from"] == hashlib.sha256(second).hexdigest()
    bought = [entry["platform"] for entry in sandbox.ledger()]
    assert bought.count("runway") == 2
    assert len(bought) == 3, "a keyframe and two pieces, each once"
