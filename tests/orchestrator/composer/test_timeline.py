"""A film lasts what was asked, or what its parts need; nothing is cut or held in silence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agentes.media.probe import Probed
from orchestrator.composer.timeline import Timeline, Voiced, lay
from shared_knowledge.errors import BadRequest
from shared_knowledge.vocabulary import Film, Medium


def _clip(seconds: float) -> Probed:
    return Probed(
        mime="video/mp4",
        medium=Medium.VIDEO,
        size_bytes=1,
        width=160,
        height=284,
        duration_s=seconds,
        frames=1,
    )


def _sound(seconds: float) -> Probed:
    return Probed(mime="audio/wav", medium=Medium.VOICE, size_bytes=1, duration_s=seconds, has_audio=True)


def _lay(clips: list[float], voices: list[float], **film: Any) -> Timeline:
    spoken = [Voiced(path=Path("v.wav"), script="Olá, mundo.") for _ in voices]
    facts = {"width": 160, "height": 284, "clips": ("video-1",), **film}
    return lay(Film(**facts), [_clip(s) for s in clips], spoken, [_sound(s) for s in voices])


@pytest.mark.parametrize(
    ("clips", "voices", "film", "frames"),
    [
        ([2.0], [], {}, 60),
        ([2.0, 1.5], [], {"fps": 24}, 84),
        ([2.0], [1.0], {}, 60),
        ([2.0], [3.0], {}, 114),
        ([2.0], [1.0, 1.0], {}, 95),
        ([2.0], [3.0], {"duration_s": 2.5}, 75),
        ([9.0], [3.0], {"duration_s": 2.5, "fps": 25}, 62),
    ],
)
def test_how_long_a_film_is(
    clips: list[float], voices: list[float], film: dict[str, Any], frames: int
) -> None:
    timeline = _lay(clips, voices, **film)
    assert timeline.frames == frames
    assert sum(cut.frames for cut in timeline.cuts) == frames


def test_the_voice_comes_in_a_little_after_the_picture() -> None:
    assert _lay([5.0], [2.0]).voices[0].start_s == pytest.approx(0.3)


def test_a_voice_that_just_fits_comes_in_earlier() -> None:
    timeline = _lay([5.0], [4.9], duration_s=5.0)
    assert timeline.voices[0].start_s == pytest.approx(0.1)
    assert timeline.voices[0].lasts_s == pytest.approx(4.9)
    assert timeline.warnings == ()


def test_a_voice_longer_than_the_film_is_said() -> None:
    timeline = _lay([5.0], [6.4], duration_s=5.0)
    assert timeline.warnings == ("The voice is 1.4 s longer than the film of 5 s: its end is cut.",)
    assert timeline.voices[0].lasts_s == pytest.approx(5.0)
    assert all(caption.end_s <= 5.0 for caption in timeline.captions)


def test_a_second_voice_follows_the_first() -> None:
    first, second = _lay([9.0], [2.0, 3.0]).voices
    assert second.start_s == pytest.approx(first.start_s + 2.0 + 0.35)


@pytest.mark.parametrize(
    ("clips", "wanted_s", "said"),
    [([3.0], 5.0, "2.0 s short"), ([7.0], 5.0, "2.0 s longer"), ([5.1], 5.0, None)],
)
def test_what_is_held_or_left_out_is_said(clips: list[float], wanted_s: float, said: str | None) -> None:
    warnings = _lay(clips, [], duration_s=wanted_s).warnings
    assert (said in warnings[0]) if said else warnings == ()


def test_no_captions_when_none_are_wanted() -> None:
    assert _lay([5.0], [2.0], captions=False).captions == ()
    assert _lay([5.0], [2.0]).captions[0].lines == ("Olá, mundo.",)


def test_a_film_without_clips_is_refused() -> None:
    with pytest.raises(BadRequest, match="at least one clip"):
        _lay([], [1.0])
