"""What is predicted of a text is what the draft voice needs for it: in six languages, on texts nobody fitted."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import pytest
from spoken_lengths import real_lengths, texts

from agentes.drafts import draft_speech
from agentes.media import probe
from shared_knowledge.vocabulary import Money, Order, VoiceSpec

LANGUAGES = ("pt-BR", "es", "en", "fr", "de", "it")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_median_error_on_unseen_texts_is_below_a_tenth(language: str) -> None:
    spoken = await real_lengths(language, texts("unseen")[language])
    assert median(abs(one.error) for one in spoken) < 0.10
    assert max(abs(one.error) for one in spoken) < 0.30
    assert abs(sum(one.error for one in spoken)) / len(spoken) < 0.05


def test_there_are_enough_texts_and_none_was_fitted() -> None:
    for language in LANGUAGES:
        fitted, unseen = texts("fit")[language], texts("unseen")[language]
        assert len(unseen) >= 10
        assert not set(fitted) & set(unseen)


async def test_what_is_measured_here_is_as_long_as_the_file_that_is_delivered(tmp_path: Path) -> None:
    script = texts("unseen")["it"][5]
    (spoken,) = await real_lengths("it", [script])
    spec = VoiceSpec(script=script, language="it")
    order = Order(
        id="o",
        job="j",
        task="voice-1",
        piece=1,
        attempt=1,
        platform="draft_speech",
        model="espeak-ng",
        price=Money(0),
        prompt=script,
        spec=spec,
    )
    await draft_speech.Adapter().start(tmp_path, order)
    found = await probe.measure(tmp_path / "speech.wav")
    assert found.duration_s == pytest.approx(spoken.real_s, abs=0.05)
