"""What is told of a job is told once, in the transaction that makes it true, signed, and until it is heard."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from receivers import NOON, Post, World, verify_webhook
from standardwebhooks.webhooks import Webhook

from orchestrator.store.database import Database, Transaction
from orchestrator.store.jobs import Jobs
from orchestrator.webhooks.announcing import JobNews
from orchestrator.webhooks.events import EVENTS
from orchestrator.webhooks.lanes import PAUSES_S
from orchestrator.webhooks.outbox import NoWebhook
from shared_knowledge.errors import BadRequest
from shared_knowledge.vocabulary import JobState

URL, OTHER, BACK = "https://yourserver.com/aiprod-webhook", "https://other.com/x", "https://back.com/callback"


# ── what is told ───────────────────────────────────────────────────────────────────────────────────


async def test_a_job_from_its_start_to_its_end(world: World) -> None:
    endpoint = await world.outbox.register("acme", URL)
    job = await world.job("job_a", tasks=4)
    await world.run(job, tasks=4)
    assert await world.courier.deliver_due() is None
    told = [letter.told for letter in world.post.letters]
    assert [(each["event"], each["data"]) for each in told] == [
        ("job.started", {"job_id": job, "status": "PROCESSING"}),
        ("job.progress", {"job_id": job, "progress": 30}),
        ("job.progress", {"job_id": job, "progress": 60}),
        ("job.progress", {"job_id": job, "progress": 90}),
        ("job.completed", {"job_id": job, "status": "COMPLETED", "result": None}),
    ]
    assert {each["webhook_id"] for each in told} == {endpoint.webhook_id}
    assert {each["timestamp"] for each in told} == {"2026-11-20T12:00:00Z"}
    assert len({letter.id for letter in world.post.letters}) == 5


async def test_a_finished_job_is_told_as_the_guide_prints_it(world: World) -> None:
    asked: list[str] = []

    def describe(job: str) -> dict[str, object]:
        asked.append(job)
        return {"video_url": "https://here/film.mp4", "cost_estimate": 2.5, "quality_score": 0.92}

    endpoint = await world.outbox.register("acme", URL, ["job.completed"])
    world.post.says[URL] = [500, 200]
    await world.run(await world.job("job_abc123"))
    await world.until_nothing_waits(world.hire(describe=describe))
    first, second = world.post.letters
    assert first.body == second.body
    assert asked == ["job_abc123"]
    result = {"video_url": "https://here/film.mp4", "cost_estimate": 2.5, "quality_score": 0.92}
    assert list(first.told) == ["event", "webhook_id", "data", "timestamp"]
    assert first.told == {
        "event": "job.completed",
        "webhook_id": endpoint.webhook_id,
        "data": {"job_id": "job_abc123", "status": "COMPLETED", "result": result, "cost": 2.5},
        "timestamp": "2026-11-20T12:00:00Z",
    }


@pytest.mark.parametrize(
    ("state", "event", "told"),
    [
        (JobState.PARTIAL, "job.completed", {"status": "COMPLETED", "result": None}),
        (JobState.FAILED, "job.failed", {"status": "FAILED", "error": "the vendor says no"}),
        (JobState.CANCELLED, "job.cancelled", {"status": "CANCELLED", "reason": "cancelled"}),
        (JobState.IN_DOUBT, "job.failed", {"status": "FAILED", "error": "the job could not be done"}),
    ],
)
async def test_every_end_has_its_word(
    quick_world: World, state: JobState, event: str, told: dict[str, object]
) -> None:
    await quick_world.outbox.register("acme", URL)
    await quick_world.run(await quick_world.job("job_a"), ends=state)
    await quick_world.courier.deliver_due()
    assert quick_world.post.letters[-1].told["event"] == event
    assert quick_world.post.letters[-1].told["data"] == {"job_id": "job_a", **told}


async def test_a_run_that_is_carried_on_says_nothing_twice(world: World) -> None:
    await world.outbox.register("acme", URL)
    job = await world.job("job_a", tasks=2)
    await world.jobs.move(job, JobState.RUNNING)
    await world.short(job, 1)
    for _ in range(3):  # killed, and taken up again
        await world.jobs.move(job, JobState.RUNNING)
        await world.short(job, 1)
    await world.short(job, 2)
    for state in (JobState.FAILED, JobState.FAILED, JobState.PARTIAL, JobState.CANCELLED):
        await world.jobs.move(job, state)
    await world.courier.deliver_due()
    assert world.post.events == {"job.started": 1, "job.progress": 3, "job.failed": 1}


async def test_what_a_person_takes_up_again_ends_with_a_message_of_its_own(world: World) -> None:
    await world.outbox.register("acme", URL, ["job.failed", "job.completed"])
    job = await world.job("job_a")
    await world.run(job, ends=JobState.IN_DOUBT)
    await world.run(job, ends=JobState.DONE)
    await world.courier.deliver_due()
    assert [letter.told["event"] for letter in world.post.letters] == ["job.failed", "job.completed"]
    assert len({letter.id for letter in world.post.letters}) == 2


async def test_a_cancelled_job_makes_no_progress_any_more(quick_world: World) -> None:
    await quick_world.outbox.register("acme", URL)
    job = await quick_world.job("job_a")
    await quick_world.jobs.move(job, JobState.CANCELLED, "cancelled by a person")
    await quick_world.short(job, 1)
    assert not await quick_world.jobs.move(job, JobState.RUNNING)
    await quick_world.courier.deliver_due()
    assert quick_world.post.events == {"job.cancelled": 1}
    assert quick_world.post.letters[0].told["data"]["reason"] == "cancelled by a person"


async def test_who_is_not_asked_for_is_not_told(world: World) -> None:
    await world.outbox.register("acme", URL, ["job.failed"])
    await world.outbox.register("acme", OTHER, active=False)
    await world.outbox.register("others", OTHER)
    await world.outbox.register("acme~test", OTHER)
    await world.run(await world.job("job_a"))
    await world.courier.deliver_due()
    assert not world.post.letters
    assert not world.database.read(lambda t: t.rows("letters", lane="", now="9", most=9))


async def test_news_that_is_not_kept_is_not_told(world: World) -> None:
    """The ask fails after the news was written: both are gone."""

    class Stumbles(JobNews):
        def moved(self, transaction: Transaction, *told: object) -> None:
            super().moved(transaction, *told)  # type: ignore[arg-type]
            raise BadRequest("it broke")

    await world.outbox.register("acme", URL)
    job = await world.job("job_a")
    with pytest.raises(BadRequest):
        await Jobs(world.database, announcer=Stumbles()).move(job, JobState.RUNNING)
    assert world.jobs.state(job) is JobState.QUEUED
    await world.courier.deliver_due()
    assert not world.post.letters


# ── callbacks ──────────────────────────────────────────────────────────────────────────────────────


async def test_a_callback_hears_the_end_signed_with_the_tenants_secret(world: World) -> None:
    job = await world.job("job_a", callback=BACK)
    await world.run(job)
    await world.courier.deliver_due()
    (letter,) = world.post.letters
    secret = await world.outbox.callback_secret("acme")
    assert (letter.url, letter.told["event"]) == (BACK, "job.completed")
    assert verify_webhook(letter.body, letter.headers["X-AIPROD-Signature"], secret)
    assert world.outbox.list("acme") == []  # it is no webhook that anybody registered


async def test_the_secret_of_callbacks_is_told_when_it_is_new(world: World) -> None:
    told: list[str | None] = []
    for name in ("job_a", "job_b"):

        def also(transaction: Transaction, name: str = name) -> None:
            told.append(world.outbox.call_back(transaction, "acme", name, BACK))

        await world.database.write(also)
    assert told == [await world.outbox.callback_secret("acme"), None]
    newer = await world.outbox.callback_secret("acme", rotates=True)
    assert newer not in told
    assert await world.outbox.callback_secret("others") != newer


async def test_a_receiver_that_is_told_twice_over_sees_one_id(world: World) -> None:
    await world.outbox.register("acme", BACK)
    await world.run(await world.job("job_a", callback=BACK))
    await world.courier.deliver_due()
    ends = world.post.of("job.completed")
    assert len(ends) == 2
    assert len({letter.id for letter in ends}) == 1


# ── signatures ─────────────────────────────────────────────────────────────────────────────────────


async def test_every_letter_verifies_in_both_customs(world: World) -> None:
    endpoint = await world.outbox.register("acme", URL)
    world.time = _just_now()  # the reference library looks at the clock of this machine
    await world.run(await world.job("job_a", tasks=2), tasks=2)
    await world.courier.deliver_due()
    assert endpoint.secret is not None
    assert endpoint.secret.startswith("whsec_")
    for letter in world.post.letters:
        assert verify_webhook(letter.body, letter.headers["X-AIPROD-Signature"], endpoint.secret)
        assert Webhook(endpoint.secret).verify(letter.body, dict(letter.headers)) == letter.told
        assert not verify_webhook(letter.body + b" ", letter.headers["X-AIPROD-Signature"], endpoint.secret)


async def test_two_secrets_are_good_for_a_while(world: World) -> None:
    world.time = _just_now()
    before = await world.outbox.register("acme", URL, ["job.completed"])
    after = await world.outbox.rotate("acme", before.webhook_id, overlap_s=3600)
    assert before.secret
    assert after.secret
    assert before.secret != after.secret
    world.post.says[URL] = [401, 200]
    await world.run(await world.job("job_a"))
    await world.until_nothing_waits()
    for letter in world.post.letters:
        for secret in (before.secret, after.secret):
            Webhook(secret).verify(letter.body, dict(letter.headers))
    # Who knows one secret only, and compares one signature only, is right at the second try at the latest.
    led_by = [
        [
            verify_webhook(letter.body, letter.headers["X-AIPROD-Signature"], secret)
            for letter in world.post.letters
        ]
        for secret in (after.secret, before.secret)
    ]
    assert led_by == [[True, False], [False, True]]
    world.time += timedelta(seconds=3601)
    await world.run(await world.job("job_b"))
    await world.courier.deliver_due()
    assert len(world.post.letters[-1].headers["webhook-signature"].split()) == 1
    assert verify_webhook(
        world.post.letters[-1].body, world.post.letters[-1].headers["X-AIPROD-Signature"], after.secret
    )


async def test_a_secret_is_shown_once(world: World) -> None:
    made = await world.outbox.register("acme", URL)
    assert made.secret
    assert world.outbox.get("acme", made.webhook_id).secret is None
    assert [each.secret for each in world.outbox.list("acme")] == [None]
    assert (await world.outbox.update("acme", made.webhook_id, active=False)).secret is None


# ── tries ──────────────────────────────────────────────────────────────────────────────────────────


async def test_tries_keep_the_schedule_under_one_id(world: World) -> None:
    endpoint = await world.outbox.register("acme", URL, ["job.completed"])
    world.post.says[URL] = [500, 302, None, 404, 503]
    await world.run(await world.job("job_a"))
    await world.until_nothing_waits()
    at = [letter.at for letter in world.post.letters]
    assert [(b - a).total_seconds() for a, b in pairwise(at)] == list(PAUSES_S)
    assert len({letter.id for letter in world.post.letters}) == 1
    assert len({letter.body for letter in world.post.letters}) == 1
    assert len({letter.headers["webhook-timestamp"] for letter in world.post.letters}) == 5
    ((delivery,), count) = world.outbox.deliveries("acme", endpoint.webhook_id)
    assert (delivery.state, delivery.attempts, count) == ("failed", 5, 1)
    tries = world.outbox.attempts("acme", endpoint.webhook_id, delivery.delivery_id)
    assert [each.status for each in tries] == [500, 302, None, 404, 503]
    assert [each.took_ms for each in tries] == [7] * 5


def test_the_schedule_is_the_one_that_is_promised() -> None:
    assert PAUSES_S == (1, 5, 30, 86_400)


async def test_a_pause_is_longer_or_shorter_by_a_tenth_at_most(quick_world: World) -> None:
    await quick_world.outbox.register("acme", URL, ["job.completed"])
    quick_world.post.says[URL] = [500]
    post = Post()
    for number, factor in enumerate((0.9, 1.1)):
        await quick_world.run(await quick_world.job(f"job_{number}"))
        courier = quick_world.hire(jitter=lambda factor=factor: factor)
        due = await courier.deliver_due()
        assert due == quick_world.time + timedelta(seconds=factor)
        await quick_world.until_nothing_waits(quick_world.hire(post))


async def test_who_asks_for_patience_is_given_it(quick_world: World) -> None:
    await quick_world.outbox.register("acme", URL, ["job.completed"])
    quick_world.post.says[URL] = [429]
    quick_world.post.after_s = 600.0
    await quick_world.run(await quick_world.job("job_a"))
    assert await quick_world.courier.deliver_due() == NOON + timedelta(seconds=600)


async def test_a_receiver_that_is_gone_is_told_nothing_more(world: World) -> None:
    endpoint = await world.outbox.register("acme", URL)
    world.post.says[URL] = [410]
    await world.run(await world.job("job_a"))
    assert await world.pass_time(0) is None
    assert len(world.post.letters) == 1
    now = world.outbox.get("acme", endpoint.webhook_id)
    assert not now.active
    assert "410" in (now.switched_off_because or "")
    await world.run(await world.job("job_b"))
    assert await world.pass_time(90_000) is None
    assert len(world.post.letters) == 1
    # Switched on again, it hears what waited.
    world.post.says[URL] = [200]
    await world.outbox.update("acme", endpoint.webhook_id, active=True)
    await world.courier.deliver_due()
    assert world.outbox.get("acme", endpoint.webhook_id).switched_off_because is None
    assert world.post.events["job.completed"] == 1


async def test_five_days_of_failures_switch_a_receiver_off(quick_world: World) -> None:
    endpoint = await quick_world.outbox.register("acme", URL, ["job.completed"])
    quick_world.post.says[URL] = [500]
    for day in range(6):
        await quick_world.run(await quick_world.job(f"job_{day}"))
        await quick_world.until_nothing_waits()
    now = quick_world.outbox.get("acme", endpoint.webhook_id)
    assert not now.active
    assert "nothing was received since 2026-11-20" in (now.switched_off_because or "")


async def test_a_replay_has_the_id_it_had(world: World) -> None:
    endpoint = await world.outbox.register("acme", URL, ["job.completed"])
    await world.run(await world.job("job_a"))
    await world.courier.deliver_due()
    ((delivery,), _) = world.outbox.deliveries("acme", endpoint.webhook_id)
    assert delivery.state == "delivered"
    again = await world.outbox.replay("acme", endpoint.webhook_id, delivery.delivery_id)
    assert again.state == "due"
    await world.courier.deliver_due()
    first, second = world.post.letters
    assert (first.id, first.body) == (second.id, second.body)
    assert len(world.outbox.attempts("acme", endpoint.webhook_id, delivery.delivery_id)) == 2


async def test_callbacks_have_a_log_and_can_be_replayed(world: World) -> None:
    world.post.says[BACK] = [500]
    await world.run(await world.job("job_a", callback=BACK))
    await world.until_nothing_waits()
    caller = world.post.letters[0].told["webhook_id"]
    ((delivery,), _) = world.outbox.deliveries("acme", caller)
    assert (delivery.state, delivery.attempts) == ("failed", 5)
    with pytest.raises(NoWebhook):
        world.outbox.deliveries("others", caller)
    with pytest.raises(NoWebhook):  # it is nobody's to change
        await world.outbox.delete("acme", caller)
    world.post.says[BACK] = [200]
    await world.outbox.replay("acme", caller, delivery.delivery_id)
    assert await world.courier.deliver_due() is None
    assert world.outbox.attempts("acme", caller, delivery.delivery_id)[-1].status == 200


async def test_a_test_goes_out_signed_and_stands_in_the_log(world: World) -> None:
    endpoint = await world.outbox.register("acme", URL, ["job.failed"])
    delivery = await world.outbox.test("acme", endpoint.webhook_id)
    await world.courier.deliver_due()
    (letter,) = world.post.letters
    assert letter.told["event"] == delivery.event == "webhook.test"
    assert letter.id == delivery.message_id
    assert verify_webhook(letter.body, letter.headers["X-AIPROD-Signature"], endpoint.secret or "")


async def test_what_is_old_is_forgotten(world: World) -> None:
    from orchestrator.webhooks.lanes import Lanes

    endpoint = await world.outbox.register("acme", URL)
    await world.run(await world.job("job_a", callback=BACK))
    await world.courier.deliver_due()
    lanes = Lanes(world.database, me="x", lease_s=1, now=world.now, jitter=lambda: 1.0)
    await lanes.sweep(NOON - timedelta(days=1))
    assert world.outbox.deliveries("acme", endpoint.webhook_id)[1] == 5
    await lanes.sweep(NOON + timedelta(days=1))
    assert world.outbox.deliveries("acme", endpoint.webhook_id)[1] == 0


# ── whose ──────────────────────────────────────────────────────────────────────────────────────────


async def test_a_webhook_of_somebody_else_does_not_exist(world: World) -> None:
    outbox = world.outbox
    theirs = await outbox.register("acme", URL)
    delivery = await outbox.test("acme", theirs.webhook_id)
    own = await outbox.register("acme~test", OTHER)
    for tenant, webhook in (
        ("acme~test", theirs.webhook_id),
        ("others", theirs.webhook_id),
        ("acme", "wh_x"),
    ):
        for asked in (
            outbox.update(tenant, webhook, active=False),
            outbox.rotate(tenant, webhook),
            outbox.test(tenant, webhook),
            outbox.delete(tenant, webhook),
            outbox.replay(tenant, webhook, delivery.delivery_id),
        ):
            with pytest.raises(NoWebhook, match="There is no webhook"):
                await asked
        for look in (outbox.get, outbox.deliveries):
            with pytest.raises(NoWebhook):
                look(tenant, webhook)
    with pytest.raises(NoWebhook, match="There is no delivery"):
        await outbox.replay("acme~test", own.webhook_id, delivery.delivery_id)
    with pytest.raises(NoWebhook, match="There is no delivery"):
        outbox.attempts("acme~test", own.webhook_id, delivery.delivery_id)
    assert outbox.get("acme", theirs.webhook_id).active


async def test_one_that_is_deleted_hears_nothing_more(world: World) -> None:
    endpoint = await world.outbox.register("acme", URL)
    kept = await world.outbox.register("acme", OTHER)
    await world.run(await world.job("job_a"))
    await world.outbox.delete("acme", endpoint.webhook_id)
    await world.courier.deliver_due()
    assert {letter.url for letter in world.post.letters} == {OTHER}
    assert [each.webhook_id for each in world.outbox.list("acme")] == [kept.webhook_id]


async def test_a_tenant_that_is_forgotten_leaves_nothing(world: World) -> None:
    await world.outbox.register("acme", URL)
    kept = await world.outbox.register("others", OTHER)
    await world.run(await world.job("job_a", callback=BACK))
    await world.run(await world.job("job_b", tenant="others"))
    await world.outbox.forget("acme")
    await world.courier.deliver_due()
    assert world.outbox.list("acme") == []
    assert {letter.told["webhook_id"] for letter in world.post.letters} == {kept.webhook_id}


@pytest.mark.parametrize("events", [[], ["job.done"], ["job.completed", "webhook.test"]])
async def test_only_events_that_exist_can_be_asked_for(quick_world: World, events: list[str]) -> None:
    with pytest.raises(BadRequest, match=r"(?s)events.*job\.started"):
        await quick_world.outbox.register("acme", URL, events)


async def test_a_tenant_has_so_many_and_no_more(quick_world: World) -> None:
    for _ in range(20):
        await quick_world.outbox.register("acme", URL)
    with pytest.raises(BadRequest, match="20 webhooks already"):
        await quick_world.outbox.register("acme", URL)
    assert (await quick_world.outbox.register("others", URL)).events == EVENTS


async def test_an_address_is_checked_wherever_it_comes_from(quick_database: Database) -> None:
    world = World(quick_database, Post())

    def refuse(url: str) -> str:
        raise BadRequest(f"{url} is not public")

    made = await world.outbox.register("acme", URL)
    world.outbox._check = refuse
    with pytest.raises(BadRequest, match="not public"):
        await world.outbox.register("acme", URL)
    with pytest.raises(BadRequest, match="not public"):
        await world.outbox.update("acme", made.webhook_id, url=URL)
    with pytest.raises(BadRequest, match="not public"):
        await world.job("job_a", callback=BACK)
    assert not world.jobs.knows("job_a")


async def test_what_is_changed_holds_for_what_is_still_to_be_sent(world: World) -> None:
    endpoint = await world.outbox.register("acme", URL, ["job.completed"])
    world.post.says[URL] = [500]
    await world.run(await world.job("job_a"))
    await world.courier.deliver_due()
    changed = await world.outbox.update("acme", endpoint.webhook_id, url=OTHER, events=["job.failed"])
    assert (changed.url, changed.events) == (OTHER, ("job.failed",))
    await world.until_nothing_waits()
    assert [letter.url for letter in world.post.letters] == [URL, OTHER]


async def test_the_check_in_our_own_guide_works(quick_world: World) -> None:
    page = (Path(__file__).parents[3] / "docs" / "webhooks.md").read_text("utf-8")
    ((block),) = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    shown: dict[str, Any] = {}
    exec(block, shown)
    endpoint = await quick_world.outbox.register("acme", URL)
    await quick_world.outbox.test("acme", endpoint.webhook_id)
    await quick_world.courier.deliver_due()
    (letter,) = quick_world.post.letters
    assert shown["is_ours"](letter.body, letter.headers["X-AIPROD-Signature"], endpoint.secret)
    assert not shown["is_ours"](letter.body, "0" * 64, endpoint.secret)
    assert all(f"`{event}`" in page for event in EVENTS)


def test_the_bytes_survive_any_words() -> None:
    from orchestrator.webhooks.events import written

    body = written("job.failed", "wh_1", {"error": "não — \ud800 日本"}, NOON.isoformat())
    assert json.loads(body)["data"]["error"] == "não — ? 日本"


def _just_now() -> datetime:
    return datetime.now(UTC)
