"""The quality score: worse is never better, in numbers and in real files."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_media import clip, ffmpeg_makes

from agentes.media.grading import PARTS, Seen, grade, grade_file
from agentes.media.probe import Probed
from agentes.media.quality import Measured
from shared_knowledge.vocabulary import Medium

GOOD = {"lufs": -16.0, "true_peak_dbtp": -1.5, "silence_share": 0.1, "black_share": 0.0, "frozen_share": 0.0}
FOUND = Probed(
    mime="video/mp4",
    medium=Medium.VIDEO,
    size_bytes=1,
    width=1280,
    height=720,
    duration_s=10.0,
    frames=300,
    fps=30,
    has_audio=True,
    audio_s=10.0,
)
SEEN = Seen(blur=6.0, sound_wanted=True, captions_wanted=True, spoken_s=8.0, captioned_s=8.0)

# One fault each: the field, and the direction in which it grows worse.
FAULTS = {
    "lufs": (-16.0, -70.0), "true_peak_dbtp": (-1.5, 6.0), "silence_share": (0.1, 1.0),
    "black_share": (0.0, 1.0), "frozen_share": (0.0, 1.0), "blur": (6.0, 60.0), "captioned_s": (8.0, 0.0),
    "audio_s": (10.0, 1.0), "height": (720, 16),
}  # fmt: skip


def score(**faults: float) -> float:
    measured = Measured(**{**GOOD, **{name: value for name, value in faults.items() if name in GOOD}})
    found = FOUND.model_copy(
        update={
            name: int(v) if name == "height" else v
            for name, v in faults.items()
            if name in ("height", "audio_s")
        }
    )
    seen = SEEN.model_copy(update={name: v for name, v in faults.items() if name in ("blur", "captioned_s")})
    return grade(found, measured, seen).score


def test_nothing_wrong_is_one() -> None:
    told = grade(FOUND, Measured(**GOOD), SEEN)
    assert told.score == 1.0
    assert set(told.parts) == set(PARTS)
    assert sum(part.weight for part in PARTS.values()) == pytest.approx(1)


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_costs(fault: str) -> None:
    good, bad = FAULTS[fault]
    assert score(**{fault: bad}) < score(**{fault: good})


@given(
    st.sampled_from(sorted(FAULTS)),
    st.floats(0, 1),
    st.floats(0, 1),
    st.dictionaries(st.sampled_from(sorted(FAULTS)), st.floats(0, 1)),
)
def test_worse_is_never_better(fault: str, one: float, other: float, beside: dict[str, float]) -> None:
    def at(name: str, share: float) -> float:
        good, bad = FAULTS[name]
        return good + share * (bad - good)

    rest = {name: at(name, share) for name, share in beside.items() if name != fault}
    less, more = sorted((one, other))
    assert score(**rest, **{fault: at(fault, more)}) <= score(**rest, **{fault: at(fault, less)})


def test_one_ruined_part_is_not_made_good_by_the_others() -> None:
    assert score(black_share=1.0) == 0.0
    assert score(lufs=-60.0) < 0.7


def test_what_was_not_wanted_is_left_out() -> None:
    mute = FOUND.model_copy(update={"has_audio": False, "audio_s": None})
    unheard = Measured(black_share=0.0, frozen_share=0.0)
    quiet = grade(mute, unheard, Seen(blur=6.0))
    assert (quiet.score, sorted(quiet.parts)) == (1.0, ["black", "blur", "resolution", "standstill"])
    assert grade(mute, unheard, Seen(blur=6.0, sound_wanted=True)).score < 0.6
    assert "captions" not in grade(FOUND, Measured(**GOOD), Seen(spoken_s=4)).parts


def test_the_page_about_the_score_tells_the_numbers_in_use() -> None:
    page = (Path(__file__).parents[3] / "docs" / "quality_score.md").read_text("utf-8")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line[:1] == "|"
    ]
    told = {name: (*map(float, numbers), unit) for name, *numbers, unit in rows[2:]}
    assert set(told) == set(PARTS)
    for name, part in PARTS.items():
        assert told[name] == (part.weight, part.good, pytest.approx(part.bad), part.floor, part.unit)


async def test_real_films_are_graded_by_what_is_wrong_with_them(tmp_path: Path) -> None:
    sound = "sine=f=330:d=3,tremolo=f=3:d=0.6"
    level = ("-af", "loudnorm=I=-16:TP=-2", "-ar", "48000")
    good = clip(tmp_path / "good.mp4", seconds=3, width=640, height=360, sound=sound, more=level)
    (tmp_path / "good.srt").write_text("1\n00:00:00,000 --> 00:00:02,500\nHello.\n")
    best = await grade_file(good, tmp_path / "good.srt", spoken_s=2.5)
    assert best.parts["captions"] == 1.0
    worse = {
        "blur": ("-vf", "gblur=sigma=8", "-c:a", "copy"),
        "black": ("-vf", "drawbox=color=black:t=fill:enable='gt(t,1)'", "-c:a", "copy"),
        "loudness": ("-c:v", "copy", "-af", "volume=-14dB"),
        "standstill": ("-vf", "trim=end_frame=1,tpad=stop_mode=clone:stop=89", "-c:a", "copy"),
        "resolution": ("-vf", "scale=160:90", "-c:a", "copy"),
        "length": ("-c:v", "copy", "-af", "atrim=end=1.4"),
    }
    for part, fault in worse.items():
        film = ffmpeg_makes(tmp_path / f"{part}.mp4", "-i", str(good), *fault)
        told = await grade_file(film, tmp_path / "good.srt", spoken_s=2.5)
        assert told.parts[part] < best.parts[part], part
        assert told.score < best.score, part
