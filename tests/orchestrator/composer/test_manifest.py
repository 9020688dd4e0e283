"""The manifest holds everything, in the published shape, and the same delivery gives the same bytes."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from sample_delivery import BRIEF, bought, draft, money, sample_plan, sample_quote

from orchestrator.composer.documents import plan_document, utc
from orchestrator.composer.manifest import (
    Delegated,
    Delivery,
    manifest_document,
    result_document,
    source_kind,
    write_manifest,
)
from shared_knowledge.errors import Broken
from shared_knowledge.vocabulary import Delegation, Medium, Quote


def written(folder: Path, delivery: Delivery) -> dict[str, Any]:
    folder.mkdir(exist_ok=True)
    manifest: dict[str, Any] = json.loads(write_manifest(folder, delivery).read_text("utf-8"))
    return manifest


# The published shapes, key by key.
PLAN_KEYS = [
    "brief", "brief_language", "understanding", "coverage", "tasks", "estimate_usd", "ceiling_usd",
    "oldest_price", "assumptions", "questions", "warnings", "quote",
]  # fmt: skip
UNDERSTANDING_KEYS = [
    "tasks", "compose", "budget_usd", "budget_currency", "budget_amount", "platform", "negative", "ambiguous",
]  # fmt: skip
BRIEF_TASK_KEYS = [
    "medium", "count", "duration_s", "aspect_ratio", "language", "quality", "script", "depends_on", "reference",
]  # fmt: skip
RESULT_KEYS = [
    "job", "status", "film", "folder", "cost_usd", "quoted_usd", "ceiling_usd", "assets", "shortfalls", "warnings",
]  # fmt: skip
ASSET_KEYS = [
    "task", "medium", "path", "sha256", "mime", "width", "height", "duration_s", "platform", "model", "cost_usd",
    "pieces", "warnings",
]  # fmt: skip


def test_the_plan_has_the_published_shape() -> None:
    plan = plan_document(sample_plan(), sample_quote(drafts=False), {"photo-1": "a blue mug"})
    assert list(plan) == PLAN_KEYS
    assert list(plan["understanding"]) == UNDERSTANDING_KEYS
    assert [list(task) for task in plan["understanding"]["tasks"]] == [BRIEF_TASK_KEYS] * 3
    assert plan["understanding"]["tasks"][1] == {
        "medium": "voice",
        "count": 1,
        "duration_s": None,
        "aspect_ratio": None,
        "language": "pt-BR",
        "quality": None,
        "script": None,
        "depends_on": [],
        "reference": None,
    }
    assert plan["understanding"]["budget_usd"] == 2.0
    assert plan["understanding"]["platform"] == {"prefer": [], "avoid": []}
    assert plan["coverage"][2] == {"text": "15 s", "start": 21, "end": 25, "means": "tasks[0].duration_s"}
    assert all(BRIEF[span["start"] : span["end"]] == span["text"] for span in plan["coverage"])
    photo = plan["tasks"][1]
    assert list(photo) == ["id", "medium", "spec", "prompt", "depends_on", "offers", "chosen"]
    assert photo["offers"][0] == {
        "platform": "openai_images",
        "model": "gpt-image-2",
        "usd": "0.041200",
        "billed_as": "1 image 1024x1536 medium",
        "pieces": 1,
        "suitable": True,
        "why_not": [],
    }
    assert photo["offers"][3]["usd"] is None
    assert photo["offers"][3]["why_not"] == ["unpriced"]
    assert photo["chosen"] == {"platform": "openai_images", "model": "gpt-image-2", "usd": "0.041200"}
    assert photo["prompt"] == "a blue mug"
    assert plan["tasks"][2]["depends_on"] == ["photo-1", "voice-1"]
    assert plan["estimate_usd"] == "0.811800"
    assert plan["ceiling_usd"] == "1.950000"
    assert plan["oldest_price"] == "2026-11-20"
    assert plan["quote"] == {"hash": "q-7f3a91c2", "expires_at": "2026-11-21T09:30:00Z"}
    assert plan["warnings"][-1] == "The price of luma is 40 days old."
    json.dumps(plan, allow_nan=False)


def test_a_task_nobody_can_do_has_no_choice() -> None:
    quote = Quote.model_validate(sample_quote(drafts=False).model_dump() | {"lines": ()})
    tasks = plan_document(sample_plan(), quote, {})["tasks"]
    assert [(task["offers"], task["chosen"], task["prompt"]) for task in tasks] == [([], None, "")] * 3


def test_the_result_has_the_published_shape(tmp_path: Path) -> None:
    result = result_document(bought(tmp_path))
    assert list(result) == RESULT_KEYS
    assert result["status"] == "in_doubt"
    assert result["film"] is None
    assert result["folder"] == str(tmp_path)
    assert (result["cost_usd"], result["quoted_usd"], result["ceiling_usd"]) == (
        "1.182400",
        "0.811800",
        "1.950000",
    )
    clip = result["assets"][1]
    assert list(clip) == ASSET_KEYS
    assert clip["path"] == str(tmp_path / "video-1.mp4")
    assert clip["pieces"] == [{"s": 10, "cost_usd": "0.500000"}, {"s": 5, "cost_usd": "0.250000"}]
    assert clip["warnings"]
    short = result["shortfalls"][0]
    assert short["task"] == "voice-1"
    assert short["tried"] == [{"platform": "elevenlabs", "outcome": "answer lost"}]
    assert result_document(draft(tmp_path))["film"] == str(tmp_path / "film.mp4")


def test_the_manifest_tells_the_whole_story(tmp_path: Path) -> None:
    manifest = written(tmp_path, bought(tmp_path))
    assert list(manifest)[: len(RESULT_KEYS)] == RESULT_KEYS
    assert list(manifest["plan"]) == PLAN_KEYS
    assert manifest["created_at"] == "2026-11-20T09:30:04Z"
    assert manifest["program"] == {"name": "agentes", "version": "0.1.0"}
    assert manifest["held_usd"] == "0.020600"
    assert manifest["budget_usd"] == "2.000000"
    assert manifest["canvas"]["width"] == 720
    assert manifest["quotes"][0]["hash"] == "q-7f3a91c2"
    assert [order["state"] for order in manifest["orders"]] == [
        "settled", "failed_charged", "settled", "settled", "settled", "in_doubt",
    ]  # fmt: skip
    assert manifest["orders"][-1]["cost_usd"] is None
    assert {prompt["task"] for prompt in manifest["prompts"]} >= {"photo-1", "video-1", "voice-1"}
    assert manifest["plan"]["tasks"][1]["prompt"].startswith("openai_images:")


def test_the_manifest_measures_and_vouches_for_every_file(tmp_path: Path) -> None:
    manifest = written(tmp_path, draft(tmp_path))
    assert manifest["measurements"]["film.mp4"]["lufs"] == -16.12
    assert manifest["measurements"]["film.mp4"]["frames"] == 450
    assert manifest["measurements"]["voice-1-pt-BR.wav"] == {
        "duration_s": 13.2,
        "lufs": -16.0,
        "size_bytes": 582144,
    }
    files = {file["file"]: file for file in manifest["provenance"]}
    assert set(files) == {
        "film.mp4", "voice-1-pt-BR.wav", "photo-1-hero.png", "video-1.mp4", "originals/video-1.mp4",
        "keyframes/1.png", "keyframes/2.png", "keyframes/3.png",
    }  # fmt: skip
    assert all(len(file["sha256"]) == 64 and file["size_bytes"] for file in files.values())
    assert files["film.mp4"]["source_kind"].endswith("/algorithmicMedia")
    assert files["originals/video-1.mp4"]["original"] is True


def test_what_a_model_made_is_called_so() -> None:
    assert source_kind(["runway"]).endswith("/trainedAlgorithmicMedia")
    assert source_kind(["draft_clip", "elevenlabs"], film=True).endswith(
        "/compositeWithTrainedAlgorithmicMedia"
    )
    assert source_kind(["draft_clip"]).endswith("/algorithmicMedia")


def test_delegations_are_a_tree(tmp_path: Path) -> None:
    (root,) = written(tmp_path, bought(tmp_path))["delegations"]
    assert (root["asked_by"], root["task"], root["cost_usd"]) == ("video-1", "video-1-keyframe-1", "0.041200")
    assert root["because"] == "keyframe for shot 2"
    assert root["asset"]["path"].endswith("keyframes/1.png")
    (below,) = root["asked"]
    assert (below["task"], below["asset"], below["asked"]) == ("video-1-keyframe-1-edit", None, [])


def test_agents_that_asked_in_a_circle_do_not_hang_the_manifest(tmp_path: Path) -> None:
    delivery = bought(tmp_path)
    ask = delivery.delegations[0]

    def asked(asked_by: str, task: str) -> Any:
        said = Delegation(asked_by=asked_by, task=task, medium=Medium.PHOTO, because="again", cost=money("0"))
        return ask.model_copy(update={"delegation": said})

    circle = delivery.model_copy(
        update={"delegations": (asked("video-1", "a"), asked("a", "b"), asked("b", "a"))}
    )
    assert manifest_document(circle)["delegations"][0]["asked"][0]["task"] == "b"


def test_no_receipt_of_a_vendor_is_written_down(tmp_path: Path) -> None:
    assert "secret.example" not in json.dumps(written(tmp_path, bought(tmp_path)))


def test_a_sum_counts_failures_and_what_colleagues_bought(tmp_path: Path) -> None:
    delivery = bought(tmp_path)
    assert delivery.cost == sum(delivery.spent_on(task) for task in delivery.tasks) == money("1.1824")
    assert delivery.spent_on("video-1") == money("1.1")
    assert delivery.held == money("0.0206")
    earlier = delivery.model_copy(update={"orders": ()})
    assert earlier.spent_on("photo-1") == money("0.0412")
    assert earlier.cost == money("0.8324")


def test_the_same_delivery_gives_the_same_bytes(tmp_path: Path) -> None:
    first = write_manifest(tmp_path, draft(tmp_path)).read_bytes()
    assert write_manifest(tmp_path, draft(tmp_path)).read_bytes() == first
    assert first.endswith(b"}\n")
    assert "caneca de cerâmica" in first.decode()


def test_what_json_cannot_say_is_left_out(tmp_path: Path) -> None:
    delivery = draft(tmp_path)
    assert delivery.film is not None
    odd = {
        "lufs": float("-inf"),
        "scores": (1, float("nan")),
        "when": datetime(2026, 1, 1, tzinfo=UTC),
        3: {"b": 1},
    }
    film = delivery.film.model_copy(update={"measured": odd})
    plan = delivery.plan.model_copy(update={"brief": "a lone \ud800 surrogate"})
    manifest = written(tmp_path, delivery.model_copy(update={"film": film, "plan": plan}))
    measured = manifest["measurements"]["film.mp4"]
    assert (measured["lufs"], measured["scores"], measured["3"]) == (None, [1, None], {"b": 1})
    assert manifest["plan"]["brief"] == "a lone \ud800 surrogate"


def test_names_are_told_relative_to_the_folder(tmp_path: Path) -> None:
    delivery = draft(tmp_path)
    assert delivery.name(str(tmp_path / "a" / "b.png")) == "a/b.png"
    assert delivery.name("film.mp4") == "film.mp4"
    assert delivery.name("/elsewhere/film.mp4") is None
    assert delivery.name("../film.mp4") is None


def test_moments_are_told_in_utc() -> None:
    assert utc(datetime.fromisoformat("2026-11-20T06:30:00-03:00")) == "2026-11-20T09:30:00Z"
    with pytest.raises(ValidationError):
        Delivery.model_validate(draft(Path("x")).model_dump() | {"created_at": datetime(2026, 1, 1)})  # noqa: DTZ001


def test_a_manifest_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").mkdir()
    with pytest.raises(Broken):
        write_manifest(tmp_path, draft(tmp_path))
    assert [path.name for path in tmp_path.glob("manifest*")] == ["manifest.json"]


def test_the_documents_and_the_folder_import_nothing_heavy() -> None:
    program = (
        "import sys; import orchestrator.composer.documents, orchestrator.composer.folder, "
        "orchestrator.composer.manifest, orchestrator.composer.report; "
        "print([m for m in ('jinja2', 'PIL', 'httpx', 'sqlite3', 'langgraph', 'asyncio', 'fastapi') "
        "if m in sys.modules])"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=root, check=True
    )
    assert done.stdout.strip() == "[]"


def test_what_is_in_the_plan_anyway_is_asked_for_without_being_paid_twice(tmp_path: Path) -> None:
    delivery = bought(tmp_path)
    planned = next(asset for asset in delivery.assets if asset.task != "video-1")
    said = Delegation(
        asked_by="video-1",
        task=planned.task,
        medium=planned.medium,
        because="the same picture",
        cost=money("0"),
    )
    told = delivery.model_copy(update={"delegations": (*delivery.delegations, Delegated(delegation=said))})
    document, before = manifest_document(told), manifest_document(delivery)
    (ask,) = (one for one in document["delegations"] if one["task"] == planned.task)
    assert (ask["asked_by"], ask["cost_usd"], ask["asked"]) == ("video-1", "0.000000", [])
    assert ask["asset"]["path"] == planned.path
    for part in ("cost_usd", "measurements", "provenance"):
        assert document[part] == before[part]
