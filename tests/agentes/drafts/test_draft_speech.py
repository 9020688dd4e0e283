"""The draft voice speaks many languages, on time, the same way every time, and says when each word falls."""

from __future__ import annotations

import ast
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from agentes.contract import Done, File
from agentes.drafts import draft_speech
from agentes.media import loudness, probe, quality
from shared_knowledge.errors import Broken, Unsuitable
from shared_knowledge.vocabulary import Money, Order, VoiceIntent, VoiceSpec

PORTUGUESE = (
    "Feita à mão, uma de cada vez. O barro vira caneca, a caneca vira manhã. "
    "Leve a sua para casa hoje, porque a sua cozinha merece."
)


async def _speak(desk: Path, script: str = PORTUGUESE, **asked: Any) -> tuple[Done, probe.Probed]:
    spec = VoiceSpec(script=script, **{"language": "pt-BR", **asked})
    order = Order(
        id="o-1",
        job="j-1",
        task="voice-1",
        piece=1,
        attempt=1,
        platform="draft_speech",
        model="espeak-ng",
        price=Money(0),
        prompt=script,
        spec=spec,
    )
    done = await draft_speech.Adapter().start(desk, order)
    assert done.media == File("speech.wav")
    return done, await probe.accept(desk / "speech.wav", spec)


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library's own sound, without what is done to it afterwards: quicker, with the same words and times."""

    async def kept(raw: Path, into: Path, *_: object) -> None:
        into.write_bytes(raw.read_bytes())

    monkeypatch.setattr(draft_speech, "_polish", kept)


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize(
    ("language", "script"),
    [
        ("en-US", "Made by hand, one at a time. Take yours home today."),
        ("en-GB", "Made by hand, one at a time. Take yours home today."),
        ("pt-BR", "Feita à mão, uma de cada vez. Leve a sua para casa hoje."),
        ("pt-PT", "Feita à mão, uma de cada vez. Leve a sua para casa hoje."),
        ("es-ES", "Hecha a mano, una a una. Llévate la tuya hoy a casa."),
        ("es-MX", "Hecha a mano, una a una. Llévate la tuya hoy a casa."),
        ("fr-FR", "Fabriquée à la main, une par une. Emportez la vôtre."),
        ("de-DE", "Von Hand gemacht, eine nach der anderen. Nehmen Sie Ihren mit."),
        ("it-IT", "Fatta a mano, una alla volta. Porta a casa la tua oggi."),
        ("nl-NL", "Met de hand gemaakt, een voor een. Neem de jouwe vandaag mee."),
        ("pl-PL", "Ręcznie robiony, każdy z osobna. Zabierz swój do domu."),
        ("ja-JP", "ひとつひとつ、てでつくられています。"),
        ("zh-CN", "手工制作，一次一个。今天就把它带回家。"),
        ("hi", "हाथ से बना, एक-एक करके। आज ही घर ले जाइए।"),
    ],
)
async def test_it_speaks_at_a_narrators_pace(tmp_path: Path, language: str, script: str) -> None:
    done, found = await _speak(tmp_path, script, language=language)
    assert found.duration_s is not None
    spaceless = language.split("-")[0] in ("ja", "zh")
    a_minute = (len(script) if spaceless else len(script.split())) / found.duration_s * 60
    assert (200 < a_minute < 400) if spaceless else (95 < a_minute < 190)
    assert not done.warnings


@pytest.mark.parametrize("gender", ["female", "male"])
async def test_it_is_level_and_never_clips(tmp_path: Path, gender: str) -> None:
    _, found = await _speak(tmp_path, gender=gender)
    assert (found.mime, found.sample_rate, found.channels) == ("audio/wav", 48_000, 1)
    measured = await quality.measure(tmp_path / "speech.wav", found)
    assert measured.lufs == pytest.approx(loudness.ONE_VOICE_LUFS, abs=0.5)
    assert measured.true_peak_dbtp is not None
    assert measured.true_peak_dbtp <= -1
    assert measured.silence_share is not None
    assert measured.silence_share < 0.3


async def test_its_file_says_that_it_is_a_draft(tmp_path: Path) -> None:
    _, found = await _speak(tmp_path, "Olá.")
    assert (found.comment or "").startswith("draft")
    assert b"LIST" in (tmp_path / "speech.wav").read_bytes()[:400]
    assert [path.name for path in tmp_path.iterdir()] == ["speech.wav"]


@pytest.mark.parametrize("gender", ["female", None])
async def test_the_same_order_gives_the_same_bytes(tmp_path: Path, gender: str | None) -> None:
    """The breath of some voices is noise, so sameness must be asked for."""
    first = tmp_path / "first"
    second = tmp_path / "second"
    for desk in (first, second):
        desk.mkdir()
        await _speak(desk, "Feita à mão, uma de cada vez.", gender=gender, duration_s=3.0)
    assert (first / "speech.wav").read_bytes() == (second / "speech.wav").read_bytes()


@pytest.mark.parametrize("wanted_s", [7.0, 9.0, 14.0])
async def test_a_wanted_length_is_met(tmp_path: Path, wanted_s: float) -> None:
    done, found = await _speak(tmp_path, duration_s=wanted_s)
    assert found.duration_s == pytest.approx(wanted_s, rel=0.01)
    assert not done.warnings


async def test_too_few_words_leave_silence_and_say_so(tmp_path: Path) -> None:
    done, found = await _speak(tmp_path, "Leve a sua.", duration_s=6.0)
    assert found.duration_s == pytest.approx(6, abs=0.01)
    assert "the rest is silence" in " ".join(done.warnings)


@pytest.mark.usefixtures("bare")
async def test_too_many_words_take_longer_and_say_so(tmp_path: Path) -> None:
    done, found = await _speak(tmp_path, duration_s=4.0)
    assert found.duration_s is not None
    assert found.duration_s > 4.2
    assert "fastest bearable pace, not 4 s" in " ".join(done.warnings)


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("limit_s", [6.5, 8.0, 20.0])
async def test_a_limit_is_never_passed(tmp_path: Path, limit_s: float) -> None:
    _, found = await _speak(tmp_path, at_most_s=limit_s)
    assert found.duration_s is not None
    assert found.duration_s <= limit_s


@pytest.mark.usefixtures("bare")
async def test_a_limit_that_cannot_be_kept_says_how_many_words_to_cut(tmp_path: Path) -> None:
    with pytest.raises(Unsuitable, match=r"26 words takes \d\.\d s .* at most 3 s") as caught:
        await _speak(tmp_path, at_most_s=3.0)
    assert 6 <= int("".join(char for char in caught.value.todo if char.isdigit())) <= 15
    assert list(tmp_path.iterdir()) == []


async def test_an_unknown_language_gets_the_list_of_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(Unsuitable, match=r"does not speak qqq-XX\. It speaks af, .*cmn.*pt-br"):
        await _speak(tmp_path, "Qapla'", language="qqq-XX")


async def test_every_language_the_catalogue_promises_is_spoken() -> None:
    known = set(await draft_speech.languages())
    root = Path(draft_speech.__file__).parents[2]
    facts = tomllib.loads((root / "shared_knowledge/platforms/draft_speech.toml").read_text())
    promised = {tag for model in facts["models"] for tag in model["languages"]}
    assert {tag for tag in promised if not known & set(draft_speech._languages(tag))} == set()
    assert len(promised) > 10


@pytest.mark.usefixtures("bare")
async def test_a_library_that_does_not_load_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(Broken, match="espeak-ng stopped"):
        await _speak(tmp_path, "Olá.")


@pytest.mark.usefixtures("bare")
async def test_an_accent_it_does_not_have_is_named(tmp_path: Path) -> None:
    done, _ = await _speak(tmp_path, "A mug.", language="en-AU")
    assert done.warnings == ("The draft voice reads en-AU as en-gb.",)


@pytest.mark.usefixtures("bare")
async def test_kanji_are_owned_up_to(tmp_path: Path) -> None:
    done, _ = await _speak(tmp_path, "手作り。", language="ja")
    assert "kanji" in done.warnings[0]


@pytest.mark.parametrize("script", ["—", "…", " . "])
async def test_a_script_without_words_is_refused(tmp_path: Path, script: str) -> None:
    with pytest.raises(Unsuitable, match="nothing to say"):
        await _speak(tmp_path, script)


@pytest.mark.usefixtures("bare")
async def test_every_word_has_its_time(tmp_path: Path) -> None:
    done, found = await _speak(tmp_path)
    marks: Any = done.measured["marks"]
    words = [mark for mark in marks if mark["kind"] == "word"]
    said = [PORTUGUESE[mark["offset"] : mark["offset"] + mark["length"]] for mark in words]
    assert said == PORTUGUESE.split()
    starts = [mark["start_s"] for mark in words]
    assert starts == sorted(starts)
    assert all(mark["start_s"] <= mark["end_s"] <= found.duration_s for mark in marks)
    sentences = [mark for mark in marks if mark["kind"] == "sentence"]
    assert [PORTUGUESE[mark["offset"]] for mark in sentences] == ["F", "O", "L"]
    pauses = [after["start_s"] - before["end_s"] for before, after in pairwise(sentences)]
    assert all(0.2 < pause < 0.6 for pause in pauses)


@pytest.mark.usefixtures("bare")
async def test_in_a_dialogue_names_are_not_read_and_voices_take_turns(tmp_path: Path) -> None:
    script = "Ana: Quer café?\nRui: Quero, sim!\nAna: Então leve a caneca."
    done, _ = await _speak(tmp_path, script, intent=VoiceIntent.DIALOGUE)
    marks: Any = done.measured["marks"]
    said = [script[mark["offset"] :][: mark["length"]] for mark in marks if mark["kind"] == "sentence"]
    assert said == ["Quer café?", "Quero, sim!", "Então leve a caneca."]
    lines = draft_speech._lines(VoiceSpec(script=script, intent=VoiceIntent.DIALOGUE))
    assert [line.timbre.variant for line in lines] == ["m7", "f2", "m7"]


@pytest.mark.usefixtures("bare")
async def test_what_is_read_out_is_never_a_command(tmp_path: Path) -> None:
    """Markup and control signs are words or nothing; they neither break the voice nor steer it."""
    hostile = "<audio src='/etc/passwd'/> [[h@'loU]] \x00\x01 --help; $(reboot) olá."
    done, found = await _speak(tmp_path, hostile)
    assert found.duration_s is not None
    assert found.duration_s > 1
    assert done.measured["marks"]


def test_the_free_software_stays_in_its_own_process() -> None:
    """espeak-ng is GPL: its module is a program that imports nothing of ours, and nobody imports it."""
    root = Path(draft_speech.__file__).parents[2]
    program = ast.parse((root / "agentes/drafts/espeak.py").read_text())
    imported = {
        alias.name for node in ast.walk(program) if isinstance(node, ast.Import) for alias in node.names
    }
    imported |= {node.module or "" for node in ast.walk(program) if isinstance(node, ast.ImportFrom)}
    assert not {name for name in imported if name.startswith(("agentes", "orchestrator", "config", "shared"))}
    importers = [
        path
        for package in ("agentes", "orchestrator", "config", "shared_knowledge")
        for path in (root / package).rglob("*.py")
        if path.name != "espeak.py" and "import espeakng_loader" in path.read_text()
    ]
    assert importers == []
