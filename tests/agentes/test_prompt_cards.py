"""What the cards show as prompts is what the agents write, and what they say about platforms is what adapters do."""

from __future__ import annotations

import re
from importlib import import_module, resources

import pytest

from agentes.photo_agent import wording as photo_wording
from agentes.video_agent import wording as video_wording
from agentes.voice_agent import wording as voice_wording
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.knowledge_cards import card, table
from shared_knowledge.prompts import Dialect
from shared_knowledge.vocabulary import (
    Medium,
    PhotoIntent,
    PhotoSpec,
    Shot,
    Task,
    VideoIntent,
    VideoSpec,
    VoiceSpec,
)
from shared_knowledge.word_tables import SAMPLE_SHOTS, SAMPLE_WISH, doctor_tells

ALL = Catalogue.load()
PAID = [platform for platform in ALL.platforms if not platform.local]
WISH = {
    "subject": SAMPLE_WISH["subject"],
    "negative": SAMPLE_WISH["negative"],
    "aspect_ratio": SAMPLE_WISH["ratio"],
}
PHOTO = Task(id="photo-1", spec=PhotoSpec(scene=SAMPLE_WISH["words"], width=1080, height=1920, **WISH))
VIDEO = Task(
    id="video-1",
    spec=VideoSpec(
        shots=tuple(
            Shot(
                label=shot["label"],
                scene=f"{shot['what']}: {SAMPLE_WISH['subject']} — {SAMPLE_WISH['words']}",
                duration_s=float(shot["seconds"]),
            )
            for shot in SAMPLE_SHOTS
        ),
        duration_s=10,
        **WISH,
    ),
)
VOICE = Task(
    id="voice-1",
    spec=VoiceSpec(
        script="Uma caneca feita para durar.",
        language="pt-BR",
        gender="female",
        style="calm and warm",
        duration_s=15,
    ),
)  # fmt: skip


def adapter_of(platform):
    return import_module(f"agentes.{platform.medium}_agent.api_integrations.{platform.id}")


@pytest.mark.parametrize(("medium", "task"), [(Medium.PHOTO, PHOTO), (Medium.VIDEO, VIDEO)])
def test_the_examples_are_what_the_agents_write(medium: Medium, task: Task) -> None:
    write = {Medium.PHOTO: photo_wording.write_prompt, Medium.VIDEO: video_wording.write_prompt}[medium]
    shown = table(f"{medium}_manners", ALL)
    for platforms, example in re.findall(r"\((`[^)\n]+`)\)\n\n```text\n(.*?)\n```", shown, re.DOTALL):
        first = ALL.platform(platforms.split("`")[1])
        assert example == write(task, Dialect(first.id, negatives=first.negatives)), first.id


def test_the_notes_on_delivery_are_what_the_agent_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice_wording, "speaking_rate", lambda spec: 1.0)
    assert voice_wording.delivery_notes(VOICE) in table("voice_notes", ALL)


@pytest.mark.parametrize("platform", [one for one in PAID if one.medium == "voice"], ids=lambda one: one.id)
def test_what_travels_beside_a_text_is_told_as_it_is_done(platform) -> None:
    rows = [row for row in card("prompt_craft_voice").splitlines() if row.startswith(f"| `{platform.id}`")]
    told = [row for row in rows if row.count("|") == 5]
    adapter = adapter_of(platform)
    assert any("notes beside the text" in row for row in told) == hasattr(adapter, "delivery_notes")
    paced = any(re.search(r"\| (a field|in the markup) \|", row) for row in told)
    assert paced == hasattr(adapter, "speaking_rate")


@pytest.mark.parametrize("platform", PAID, ids=lambda one: one.id)
def test_the_doctor_tells_what_the_reference_says(platform) -> None:
    """A platform has a free question, or the reference says that it has none."""
    assert hasattr(adapter_of(platform).Adapter, "standing") == bool(doctor_tells()[platform.id])


@pytest.mark.parametrize(("medium", "kinds"), [("photo", PhotoIntent), ("video", VideoIntent)])
def test_every_kind_has_a_line(medium: str, kinds) -> None:
    rows = card(f"prompt_craft_{medium}").split("## How each platform")[0]
    told = [row.split("|")[1].strip().replace("-", " ") for row in rows.splitlines() if row.startswith("| ")]
    assert {kind.value.replace("_", " ") for kind in kinds} == set(told[1:]) - {" " * 3}


def test_every_manner_of_the_templates_is_shown_or_a_draft_s() -> None:
    for medium in (Medium.PHOTO, Medium.VIDEO):
        folder = resources.files(f"agentes.{medium}_agent") / "prompts" / "dialects"
        manners = {path.name.removesuffix(".j2") for path in folder.iterdir() if path.name.endswith(".j2")}
        shown = set(re.findall(r"^\*\*(\w+)\*\*", table(f"{medium}_manners", ALL), re.MULTILINE))
        assert manners - {"facts"} == shown
