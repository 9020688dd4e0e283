"""Google's answers are read the same way at every door: the last picture, refusals with status 200, tokens, errors."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from agentes.wire.google import Generated, explain
from agentes.wire.said import Unintelligible
from shared_knowledge.errors import Failed, PlatformError, Refused, Unavailable, Unsuitable
from shared_knowledge.platform_facts import Unit


def generated(**told: Any) -> Generated:
    return Generated.of(httpx.Response(200, json=told))


def picture(mime: str = "image/png", **more: Any) -> dict[str, Any]:
    return {"inlineData": {"mimeType": mime, "data": "iVBORw0K"}, **more}


def candidate(*parts: dict[str, Any], reason: str = "STOP") -> dict[str, Any]:
    return {"content": {"role": "model", "parts": list(parts)}, "finishReason": reason}


def test_all_parts_are_scanned_thoughts_are_skipped_and_the_last_picture_is_last() -> None:
    answer = generated(
        candidates=[
            candidate(
                {"text": "I will draw.", "thought": True},
                picture(thought=True),
                {"text": "Here:"},
                picture("image/jpeg", thoughtSignature="x"),
                picture(),
                {"text": "Done."},
            )
        ]
    )
    found = answer.find("image")
    assert [one.pointer for one in found] == [
        "/candidates/0/content/parts/3/inlineData/data",
        "/candidates/0/content/parts/4/inlineData/data",
    ]
    assert found[0].mime == "image/jpeg"
    with pytest.raises(Failed):
        answer.find("audio")


@pytest.mark.parametrize(
    "reason", ["SAFETY", "OTHER", "PROHIBITED_CONTENT", "IMAGE_SAFETY", "JAILBREAK", "NEW_WORD"]
)
def test_blocked_words_are_a_refusal(reason: str) -> None:
    told = {"blockReason": reason, "blockReasonMessage": "It is not allowed."}
    usage = {"promptTokenCount": 12, "totalTokenCount": 12}
    answer = generated(promptFeedback=told, usageMetadata=usage, responseId="r-1")
    with pytest.raises(Refused, match=reason) as refused:
        answer.find("image")
    assert refused.value.vendor_says == "It is not allowed."
    assert refused.value.request_id == "r-1"
    assert "12 tokens" in refused.value.what
    assert refused.value.charged is None


@pytest.mark.parametrize(
    "reason",
    [
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
        "SAFETY",
        "PROHIBITED_CONTENT",
        "RECITATION",
        "BLOCKLIST",
        "SPII",
    ],
)
def test_a_candidate_that_ended_by_policy_is_a_refusal(reason: str) -> None:
    ended = {"finishReason": reason, "finishMessage": "Unable to show it."}
    with pytest.raises(Refused, match=reason) as refused:
        generated(candidates=[{"content": {}, **ended}]).find("image")
    assert refused.value.vendor_says == "Unable to show it."


@pytest.mark.parametrize(
    "candidates",
    [
        [],
        [{"finishReason": "NO_IMAGE"}],
        [{"content": {}, "finishReason": "IMAGE_OTHER"}],
        [candidate()],
        [candidate({"text": "I cannot draw, but I can write."})],
        [candidate(picture(thought=True))],
        [candidate({"inlineData": {"mimeType": "image/png", "data": ""}})],
    ],
)
def test_an_answer_without_a_picture_has_failed_and_says_what_it_counted(candidates: list[Any]) -> None:
    answer = generated(candidates=candidates, usageMetadata={"totalTokenCount": 1234})
    with pytest.raises(Failed, match="1,234 tokens") as failed:
        answer.find("image")
    assert failed.value.charged is None


def test_words_instead_of_a_picture_are_passed_on() -> None:
    with pytest.raises(Failed) as failed:
        generated(candidates=[candidate({"text": "I can only  write."})]).find("image")
    assert failed.value.vendor_says == "I can only write."


def test_tokens_are_told_apart_by_what_they_were() -> None:
    usage = {
        "promptTokenCount": 1150,
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": 30},
            {"modality": "IMAGE", "tokenCount": 1120},
        ],
        "candidatesTokenCount": 1126,
        "candidatesTokensDetails": [
            {"modality": "IMAGE", "tokenCount": 1120},
            {"modality": "TEXT", "tokenCount": 6},
        ],
        "thoughtsTokenCount": 310,
        "totalTokenCount": 2586,
    }
    assert generated(usageMetadata=usage).used(Unit.IMAGE_OUT) == {
        Unit.TEXT_IN: 30,
        Unit.IMAGE_IN: 1120,
        Unit.IMAGE_OUT: 1120,
        Unit.TEXT_OUT: 316,
    }


def test_tokens_that_are_not_broken_down_count_as_text_in_and_as_what_was_made() -> None:
    usage = {"promptTokenCount": 10, "candidatesTokenCount": 375}
    assert generated(usageMetadata=usage).used(Unit.AUDIO_OUT) == {Unit.TEXT_IN: 10, Unit.AUDIO_OUT: 375}
    assert generated().used(Unit.AUDIO_OUT) == {}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"no"',
        b'{"candidates": 5}',
        b'{"candidates": [{"content": "x"}]}',
        b"[" * 100_000,
    ],
)
def test_what_is_not_as_promised_is_said_so(body: bytes) -> None:
    with pytest.raises(Unintelligible):
        Generated.of(httpx.Response(200, content=body))


# ── errors ─────────────────────────────────────────────────────────────────────────────────────


def error(
    status: int, word: str, message: str = "No.", *details: Any, in_list: bool = False
) -> httpx.Response:
    told = {"error": {"code": status, "message": message, "status": word, "details": list(details)}}
    return httpx.Response(status, json=[told] if in_list else told)


BAD_KEY = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
PER_DAY = {
    "violations": [{"quotaId": "GenerateRequestsPerMinute"}, {"quotaId": "GenerateRequestsPerDayPerProject"}]
}


@pytest.mark.parametrize("in_list", [False, True])
@pytest.mark.parametrize(
    ("status", "word", "details", "kind", "because"),
    [
        (400, "INVALID_ARGUMENT", [BAD_KEY], Unavailable, "key"),
        (400, "INVALID_ARGUMENT", [], Unsuitable, None),
        (400, "FAILED_PRECONDITION", [], Unavailable, "credit"),
        (403, "PERMISSION_DENIED", [{"reason": "BILLING_DISABLED"}], Unavailable, "credit"),
        (429, "RESOURCE_EXHAUSTED", [PER_DAY], Unavailable, "credit"),
    ],
)
def test_what_google_says_differently(
    status: int, word: str, details: list[Any], kind: type[PlatformError], because: str | None, in_list: bool
) -> None:
    explained = explain(error(status, word, "It says so.", *details, in_list=in_list))
    assert type(explained) is kind
    assert explained.vendor_says == "It says so."
    assert getattr(explained, "because", None) == because


@pytest.mark.parametrize(
    ("status", "word", "details"),
    [
        (
            429,
            "RESOURCE_EXHAUSTED",
            [{"retryDelay": "34s"}, {"violations": [{"quotaId": "RequestsPerMinute"}]}],
        ),
        (401, "UNAUTHENTICATED", []),
        (403, "PERMISSION_DENIED", []),
        (404, "NOT_FOUND", []),
        (500, "INTERNAL", []),
        (503, "UNAVAILABLE", []),
    ],
)
def test_the_rest_is_left_to_the_house(status: int, word: str, details: list[Any]) -> None:
    assert explain(error(status, word, "No.", *details)) is None


def test_a_refusal_in_words_is_one() -> None:
    words = "The prompt contains sensitive words that violate Google's Responsible AI practices."
    assert type(explain(error(400, "INVALID_ARGUMENT", words))) is Refused


def test_the_interactions_route_names_its_errors_in_lower_case() -> None:
    told = {"error": {"code": "failed_precondition", "message": "Billing is off."}}
    explained = explain(httpx.Response(400, json=told))
    assert isinstance(explained, Unavailable)
    assert explained.because == "credit"


@pytest.mark.parametrize(
    "body",
    [
        b"", b"\xff\xfe", b"<html>", b"null", b"[]", b"[[]]", b"5", b'{"error": null}', b'{"error": "no"}',
        b'{"error": {"message": 5}}', b'{"error": {"details": {}}}', b"[" * 200_000, b'{"error": []}',
    ],
)  # fmt: skip
def test_explaining_survives_any_body(body: bytes) -> None:
    assert explain(httpx.Response(400, content=body)) is None


def test_odd_details_are_passed_over() -> None:
    odd = [[], 5, {"violations": 5}, {"violations": [5, {"quotaId": 7}]}, {"reason": []}]
    assert type(explain(httpx.Response(400, content=json.dumps({"error": {"details": odd}})))) is Unsuitable
