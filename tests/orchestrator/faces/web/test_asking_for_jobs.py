"""Jobs over HTTP, as the integration guide tells of them: taken in, looked at, listed, changed, cancelled, approved."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from small_service import SmallService

from shared_knowledge.vocabulary import JobState

FORM = {
    "video_url": "https://example.com/video.mp4",
    "voice_text": "Sample narration",
    "voice_language": "en",
    "music_style": "upbeat",
    "preset": "brand_campaign",
    "callback_url": "https://yourserver.com/callback",
    "metadata": {"customer_id": "cust_123", "project": "Q1_2026_Campaign"},
}


async def test_the_form_of_the_guide_is_taken_in(on_both: SmallService) -> None:
    small = on_both
    key = await small.key()
    answer = await small.ask("POST", "/pipeline/run", key, json=FORM)
    said = answer.json()
    assert answer.status_code == 202
    assert re.fullmatch(r"job_[0-9a-f]{12}", said["job_id"])
    assert said["status"] == "PENDING"
    assert said["estimated_duration_seconds"] == 300
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", said["created_at"])
    assert said["callback_secret"].startswith("whsec_")
    job = small.jobs.get(said["job_id"])
    assert job.brief.narration is not None
    assert (job.brief.narration.video_url, job.brief.narration.music_style) == (FORM["video_url"], "upbeat")
    assert (job.tenant, job.brief.may_read_files) == ("acme", False)
    assert small.still.begun == [job.id]
    shown = (await small.ask("GET", f"/pipeline/{job.id}", key)).json()
    assert shown["metadata"] == FORM["metadata"]
    assert (shown["preset"], shown["result"], shown["error"]) == ("brand_campaign", None, None)


async def test_a_brief_and_a_preset_are_other_forms(small: SmallService) -> None:
    key = await small.key()
    job = small.jobs.get(await small.run(key, budget_usd="2.00", quality="draft", approval="ask"))
    assert (job.brief.text, job.brief.budget, job.brief.approval) == ("a photo of a candle", 2_000_000, "ask")
    answer = await small.ask(
        "POST", "/pipeline/run", key, json={"preset": "brand_campaign", "subject": "a mug", "budget_usd": 3}
    )
    assert answer.status_code == 202, answer.text
    job = small.jobs.get(answer.json()["job_id"])
    assert "a mug" in job.brief.text
    assert job.brief.budget == 3_000_000


async def test_a_film_alone_is_enough_and_any_content_type_will_do(small: SmallService) -> None:
    key = await small.key()
    answer = await small.ask(
        "POST",
        "/pipeline/run",
        key,
        content=b'{"video_url": "https://example.com/a.mp4"}',
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert answer.status_code == 202
    multipart = await small.ask("POST", "/pipeline/run", key, files={"video_url": b"x"})
    assert multipart.status_code == 400


WRONG: list[tuple[dict[str, Any], dict[str, str]]] = [
    (
        {**FORM, "voice_language": "english", "music_style": "invalid_style"},
        {
            "voice_language": r"Must be 2-letter code \(e\.g\., 'en', 'fr'\)",
            "music_style": "Invalid style: 'invalid_style'.*",
        },
    ),
    ({}, {"video_url": "Required"}),
    ({**FORM, "tenant_id": "other"}, {"tenant_id": "Unknown field"}),
    ({**FORM, "status": "COMPLETED", "cost": 0}, {"status": "Unknown field", "cost": "Unknown field"}),
    ({**FORM, "preset": "nope"}, {"preset": "There is no preset.*"}),
    ({"preset": "nope", "subject": "a mug"}, {"preset": "There is no preset.*"}),
    ({**FORM, "metadata": {"a": "x" * 20_000}}, {"metadata": "Must be at most.*"}),
    ({**FORM, "metadata": [1]}, {"metadata": ".*"}),
    ({**FORM, "voice_text": ""}, {"voice_text": "Must have words.*"}),
    ({"brief": ""}, {"brief": "Must have words.*"}),
    ({"brief": "\u200b\u200b \x00"}, {"brief": "Must have words.*"}),
    ({"brief": "x" * 8_001}, {"brief": ".*8000.*"}),
    ({"brief": "a mug", "budget_usd": "-1"}, {"budget_usd": "Must be an amount.*"}),
    ({"brief": "a mug", "budget_usd": "1e9"}, {"budget_usd": "Must be an amount.*"}),
    ({"brief": "a mug", "budget_usd": "٣"}, {"budget_usd": "Must be an amount.*"}),
    ({"brief": "a mug", "budget_usd": True}, {"budget_usd": "Must be an amount.*"}),
    ({"brief": "a mug", "use": ["no_such_platform"]}, {r"use[0]": ".*"}),
    ({"brief": "a mug", "use": ["sora"]}, {r"use[0]": ".*"}),
    ({"brief": "a mug", "use": ["; drop table jobs"]}, {r"use[0]": ".*"}),
    ({"brief": "a mug", "quality": "best"}, {"quality": ".*"}),
    ({"brief": "a mug", "draft": "yes"}, {"draft": ".*"}),
    ({"video_url": 7}, {"video_url": ".*"}),
    ({"video_url": "example.com/a.mp4"}, {"video_url": ".*"}),
]


@pytest.mark.parametrize(("body", "details"), WRONG)
async def test_what_is_wrong_is_said_field_by_field(
    small: SmallService, body: dict[str, Any], details: dict[str, str]
) -> None:
    answer = await small.ask("POST", "/pipeline/run", await small.key(), json=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["message"]) == (400, "validation_error", "Invalid input")
    assert error["details"].keys() == details.keys()
    for name, pattern in details.items():
        assert re.fullmatch(pattern, error["details"][name], re.DOTALL), error["details"]
    assert small.still.begun == []


async def test_how_a_job_stands_and_what_came_of_it(on_both: SmallService) -> None:
    small = on_both
    key = await small.key()
    job_id = await small.run(key)
    await small.make(job_id, quality_score=0.92)
    await small.end(job_id)
    said = (await small.ask("GET", f"/pipeline/{job_id}", key)).json()
    assert (said["status"], said["progress"]) == ("COMPLETED", 100)
    result = said["result"]
    assert result["video_url"].startswith(f"http://api.example/jobs/{job_id}/assets/film.mp4?expires=")
    assert (result["cost_estimate"], result["cost_usd"], result["quality_score"]) == (0.0, "0.000000", 0.92)
    assert result["processing_time_seconds"] >= 0
    assert (await small.ask("GET", f"/jobs/{job_id}", key)).json()["status"] == "COMPLETED"


@pytest.mark.parametrize(
    ("state", "status", "error"),
    [
        (JobState.PARTIAL, "COMPLETED", None),
        (JobState.FAILED, "FAILED", "no ink"),
        (JobState.IN_DOUBT, "FAILED", "no ink"),
        (JobState.CANCELLED, "CANCELLED", None),
        (JobState.AWAITING_APPROVAL, "PENDING", None),
        (JobState.PAUSED, "PENDING", None),
        (JobState.RUNNING, "PROCESSING", None),
    ],
)
async def test_every_state_has_its_status(
    small: SmallService, state: JobState, status: str, error: str | None
) -> None:
    key = await small.key()
    job_id = await small.run(key)
    await small.end(job_id, state, "no ink")
    said = (await small.ask("GET", f"/pipeline/{job_id}", key)).json()
    assert (said["status"], said["state"], said["error"]) == (status, state, error)


async def test_a_reason_names_no_folder_of_ours(small: SmallService) -> None:
    key = await small.key()
    job_id = await small.run(key)
    why = "/var/lib/agentes/jobs/x: no room (/srv/a.b/c). See https://example.com/a/b, 4/5 done."
    await small.end(job_id, JobState.FAILED, why)
    said = (await small.ask("GET", f"/jobs/{job_id}", key)).json()["error"]
    assert said == "…: no room (…). See https://example.com/a/b, 4/5 done."


async def test_lists_are_paged_and_sorted(on_both: SmallService) -> None:
    small = on_both
    key = await small.key()
    jobs = [await small.run(key) for _ in range(5)]
    page = (await small.ask("GET", "/jobs?page=2&limit=2", key)).json()
    assert [item["job_id"] for item in page["items"]] == [jobs[2], jobs[1]]
    assert page["pagination"] == {
        "page": 2,
        "limit": 2,
        "total": 5,
        "pages": 3,
        "has_next": True,
        "has_previous": True,
    }
    oldest = (await small.ask("GET", "/jobs?sort=created_at&limit=1", key)).json()
    assert oldest["items"][0]["job_id"] == jobs[0]
    for job_id, state in zip(
        jobs[:4], (JobState.PARTIAL, JobState.IN_DOUBT, JobState.DONE, "running"), strict=True
    ):
        await small.end(job_id, JobState(state))
    by_status = [
        item["status"] for item in (await small.ask("GET", "/jobs?sort=status", key)).json()["items"]
    ]
    assert by_status == sorted(by_status)
    backwards = (await small.ask("GET", "/jobs?sort=-status", key)).json()["items"]
    assert [item["status"] for item in backwards] == by_status[::-1]
    assert (await small.ask("GET", "/jobs?page=1000000", key)).json()["items"] == []


@pytest.mark.parametrize("path", ["/jobs", "/presets", "/webhooks", "/keys", "/audit/keys"])
@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=-1", "limit=1000000000", "limit=1e3", "limit=", "limit=101", "limit=10&limit=10",
     "page=0", "page=-1", "page=٣", "page=1.0", "page=99999999999999999999", "cursor=x", "sort=;", "%ff=1"],
)  # fmt: skip
async def test_a_page_that_cannot_be_is_refused(small: SmallService, path: str, query: str) -> None:
    answer = await small.ask("GET", f"{path}?{query}", await small.key())
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "validation_error")


async def test_metadata_may_change_at_any_time_and_the_callback_while_pending(on_both: SmallService) -> None:
    small = on_both
    key = await small.key()
    job_id = await small.run(key)
    change = {"metadata": {"a": [1, None]}, "callback_url": "https://example.com/hear"}
    said = (await small.ask("PUT", f"/jobs/{job_id}", key, json=change)).json()
    assert (said["metadata"], said["callback_url"]) == (change["metadata"], change["callback_url"])
    assert said["callback_secret"].startswith("whsec_")
    said = (await small.ask("PUT", f"/jobs/{job_id}", key, json={"callback_url": None})).json()
    assert (said["metadata"], said["callback_url"], said["callback_secret"]) == ({"a": [1, None]}, None, None)
    await small.end(job_id)
    refused = await small.ask("PUT", f"/jobs/{job_id}", key, json={"callback_url": "https://example.com/x"})
    assert (refused.status_code, refused.json()["error"]["type"]) == (409, "conflict_error")
    assert (await small.ask("PUT", f"/jobs/{job_id}", key, json={"metadata": None})).status_code == 200
    assert (await small.ask("PUT", f"/jobs/{job_id}", key, json={})).status_code == 400
    assert (await small.ask("PUT", f"/jobs/{job_id}", key, json={"status": "DONE"})).status_code == 400


async def test_a_job_is_cancelled_once(small: SmallService) -> None:
    key = await small.key()
    job_id = await small.run(key)
    said = (await small.ask("DELETE", f"/jobs/{job_id}", key)).json()
    assert (said["job_id"], said["status"]) == (job_id, "CANCELLED")
    again = await small.ask("DELETE", f"/jobs/{job_id}", key)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "JOB_ENDED")


async def test_a_job_changes_an_earlier_one_of_the_same_tenant(small: SmallService) -> None:
    key, stranger = await small.key(tier="enterprise"), await small.key("globex")
    first = await small.run(key)
    await small.jobs.plan(first, quote_of(small, small.jobs.get(first).brief).plan)
    await small.end(first)
    brief = small.jobs.get(await small.run(key, brief="make it 16:9", from_job=first)).brief
    assert (brief.from_job, brief.text) == (first, "a photo of a candle\nmake it 16:9")
    change = {"brief": "make it 16:9", "from_job": first}
    shown = (await small.ask("POST", "/plan", key, json=change)).json()
    assert [task["spec"]["aspect_ratio"] for task in shown["tasks"]] == ["16:9"]
    many = await small.ask("POST", "/pipeline/batch", key, json={"runs": [change]})
    assert many.status_code == 202
    (row,) = many.json()["jobs"]
    assert small.jobs.get(row["job_id"]).brief.from_job == first
    film = await small.ask("POST", "/pipeline/run", key, json={"video_url": "https://example.com/a.mp4"})
    of_a_film = {**change, "from_job": film.json()["job_id"]}
    for whose, what in ((stranger, change), (key, {**change, "from_job": "job_none"}), (key, of_a_film)):
        for path, asked in (
            ("/plan", what),
            ("/pipeline/run", what),
            ("/pipeline/batch", {"runs": [what]}),
        ):
            refused = await small.ask("POST", path, whose, json=asked)
            assert refused.status_code == 400, (path, refused.text)
            assert "from_job" in refused.text


async def test_a_quote_is_approved_or_declined_once(small: SmallService) -> None:
    key = await small.key()
    job_id = await small.run(key, approval="ask")
    early = await small.ask("POST", f"/jobs/{job_id}/approve", key)
    assert (early.status_code, early.json()["error"]["code"]) == (409, "NOT_WAITING")
    job = small.jobs.get(job_id)
    proposal = quote_of(small, job.brief)
    await small.jobs.plan(job_id, proposal.plan)
    await small.jobs.quote(job_id, proposal.quote)
    await small.jobs.move(job_id, JobState.AWAITING_APPROVAL)
    waits = (await small.ask("GET", f"/pipeline/{job_id}", key)).json()
    assert (waits["status"], waits["approval"]["hash"]) == ("PENDING", proposal.quote.hash)
    other = await small.ask("POST", f"/jobs/{job_id}/approve", key, json={"quote": "0" * 32})
    assert (other.status_code, other.json()["error"]["code"]) == (409, "QUOTE_CHANGED")
    yes = await small.ask("POST", f"/jobs/{job_id}/approve", key, json={"quote": proposal.quote.hash})
    assert yes.status_code == 202
    assert small.still.answers == [(job_id, True)]
    no = await small.ask("POST", f"/jobs/{job_id}/approve", key, json={"approve": False})
    assert no.json()["status"] == "CANCELLED"


def quote_of(small: SmallService, brief: Any) -> Any:
    return small.studio.quote(brief.model_copy(update={"draft": True}))


async def test_a_plan_buys_nothing_and_tells_what_stands_in_the_way(small: SmallService) -> None:
    key = await small.key()
    said = (await small.ask("POST", "/plan", key, json={"brief": "a square photo of a candle"})).json()
    assert said["tasks"][0]["chosen"]["platform"].startswith("draft_")
    assert (said["estimate_usd"], said["obstacle"]) == ("0.000000", None)
    unclear = await small.ask("POST", "/plan", key, json={"brief": "qwrtz"})
    assert unclear.status_code == 200
    assert unclear.json()["obstacle"]
    assert small.jobs.page("acme", "created_at", skip=0, most=9)[1] == 0


async def test_a_batch_is_taken_in_whole(on_both: SmallService) -> None:
    small = on_both
    key = await small.key(tier="pro")
    videos = [
        {"url": "https://example.com/a.mp4"},
        {"url": "https://example.com/b.mp4", "voice_text": "Other"},
    ]
    answer = await small.ask(
        "POST", "/pipeline/batch", key, json={"videos": videos, "voice_text": "All", "voice_language": "fr"}
    )
    said = answer.json()
    assert (answer.status_code, said["total"]) == (202, 2)
    briefs = [small.jobs.get(job["job_id"]).brief for job in said["jobs"]]
    spoken = [
        (brief.narration.voice_text, brief.narration.voice_language) for brief in briefs if brief.narration
    ]
    assert spoken == [("All", "fr"), ("Other", "fr")]
    standing = (await small.ask("GET", f"/pipeline/batch/{said['batch_id']}", key)).json()
    assert (standing["total"], standing["counts"]) == (2, {"PENDING": 2})
    bad = [{"url": "https://example.com/a.mp4"}, {"url": "https://127.0.0.1/b.mp4"}]
    refused = await small.ask("POST", "/pipeline/batch", key, json={"videos": bad})
    assert refused.status_code == 400
    assert refused.json()["error"]["details"].keys() == {"videos[1].url"}
    runs = await small.ask(
        "POST", "/pipeline/batch", key, json={"runs": [{"brief": "a mug"}, {"brief": "", "x": 1}]}
    )
    assert runs.json()["error"]["details"].keys() == {"runs[1].brief", "runs[1].x"}
    assert small.jobs.page("acme", "created_at", skip=0, most=9)[1] == 2


async def test_the_free_tier_has_no_batches(small: SmallService) -> None:
    key = await small.key(tier="free")
    answer = await small.ask(
        "POST", "/pipeline/batch", key, json={"videos": [{"url": "https://example.com/a"}]}
    )
    assert answer.status_code == 403
    assert answer.json()["error"]["type"] == "permission_error"
    assert answer.json()["error"]["message"] == "Your tier does not support batch processing"


async def test_a_batch_counts_its_items(small: SmallService) -> None:
    key = await small.key(tier="pro")
    videos = [{"url": f"https://example.com/{number}.mp4"} for number in range(9)]
    answer = await small.ask("POST", "/pipeline/batch", key, json={"videos": videos})
    assert answer.headers["X-RateLimit-Remaining"] == "91"
    never = await small.ask("POST", "/pipeline/batch", key, json={"videos": videos * 6})
    assert (never.status_code, "at most 50 on your tier" in never.text) == (400, True)


async def test_a_batch_waits_in_line_and_one_that_has_no_room_is_refused_whole(small: SmallService) -> None:
    key = await small.key(tier="pro")
    await small.run(key)
    videos = [{"url": f"https://example.com/{number}.mp4"} for number in range(30)]
    assert (await small.ask("POST", "/pipeline/batch", key, json={"videos": videos})).status_code == 202
    assert len(small.still.begun) == 31
    answer = await small.ask("POST", "/pipeline/batch", key, json={"videos": videos[:2]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "TOO_MANY_JOBS")
    assert len(small.still.begun) == 31


async def test_a_tenant_has_room_for_so_many_jobs(small: SmallService) -> None:
    key = await small.key(tier="free")
    for _ in range(2):
        await small.run(key)
    answer = await small.ask("POST", "/pipeline/run", key, json={"brief": "a mug"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "TOO_MANY_JOBS")
    assert int(answer.headers["Retry-After"]) > 0


async def test_events_are_streamed_from_where_one_left_off(on_both: SmallService) -> None:
    small = on_both
    key = await small.key()
    job_id = await small.run(key)
    await small.end(job_id)
    stream = await small.ask("GET", f"/jobs/{job_id}/events", key)
    assert stream.headers["content-type"] == "text/event-stream"
    numbers = re.findall(r"^id: (\d+)$", stream.text, re.MULTILINE)
    assert len(numbers) == 2
    assert 'event: end\ndata: {"job_id":"' in stream.text
    later = await small.ask("GET", f"/jobs/{job_id}/events", key, headers={"Last-Event-ID": numbers[0]})
    assert re.findall(r"^id: (\d+)$", later.text, re.MULTILINE) == numbers[1:]
    assert (await small.ask("GET", f"/jobs/{job_id}/events?after={numbers[1]}", key)).text.count("id: ") == 0
    bad = await small.ask("GET", f"/jobs/{job_id}/events", key, headers={"Last-Event-ID": "x"})
    assert bad.status_code == 400


async def test_a_stream_goes_on_until_the_job_has_ended(small: SmallService) -> None:
    key = await small.key()
    job_id = await small.run(key)
    following = asyncio.ensure_future(small.ask("GET", f"/jobs/{job_id}/events", key))
    await asyncio.sleep(0.05)
    await small.end(job_id)
    assert "event: end" in (await asyncio.wait_for(following, 10)).text
