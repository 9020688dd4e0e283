"""Webhooks, keys and the account over HTTP, in the shapes that the integration guide prints."""

from __future__ import annotations

import re
from typing import Any

import pytest
from small_service import SmallService

from shared_knowledge.vocabulary import Brand, JobState

HOOK = {
    "url": "https://yourserver.com/aiprod-webhook",
    "events": ["job.completed", "job.failed"],
    "active": True,
}


async def test_a_webhook_lives_as_in_the_guide(small: SmallService) -> None:
    key = await small.key()
    made = await small.ask("POST", "/webhooks/register", key, json=HOOK)
    said = made.json()
    assert made.status_code == 201
    assert said["webhook_id"].startswith("wh_")
    assert said["secret"].startswith("whsec_")
    assert (said["url"], said["events"], said["active"]) == (HOOK["url"], HOOK["events"], True)
    place = f"/webhooks/{said['webhook_id']}"
    listed = (await small.ask("GET", "/webhooks", key)).json()
    assert listed["pagination"]["total"] == 1
    assert "secret" not in listed["items"][0]
    off = await small.ask("PUT", place, key, content=b'{"active": false}')
    assert (off.status_code, off.json()["active"], off.json()["events"]) == (200, False, HOOK["events"])
    test = await small.ask("POST", f"{place}/test", key)
    assert (test.status_code, test.json()["status"]) == (202, "due")
    sent = (await small.ask("GET", f"{place}/deliveries", key)).json()["items"]
    assert [(one["event"], one["delivery_id"]) for one in sent] == [
        ("webhook.test", test.json()["delivery_id"])
    ]
    replay = await small.ask("POST", f"{place}/deliveries/{sent[0]['delivery_id']}/replay", key)
    assert (replay.status_code, replay.json()["state"]) == (202, "due")
    turned = (await small.ask("POST", f"{place}/rotate", key, json={"overlap_seconds": 60})).json()
    assert turned["secret"].startswith("whsec_")
    assert turned["secret"] != said["secret"]
    gone = await small.ask("DELETE", place, key)
    assert (gone.status_code, gone.json()) == (200, {"id": said["webhook_id"], "deleted": True})
    assert (await small.ask("GET", place, key)).status_code == 404


@pytest.mark.parametrize(
    "body",
    [{"events": ["job.completed"]}, {"url": "https://example.com", "events": []},
     {"url": "https://example.com", "events": ["job.exploded"]}, {"url": "https://example.com", "active": "yes"},
     {"url": "https://example.com", "secret": "mine"}, {"url": None}],
)  # fmt: skip
async def test_a_webhook_that_cannot_be(small: SmallService, body: dict[str, Any]) -> None:
    assert (await small.ask("POST", "/webhooks/register", await small.key(), json=body)).status_code == 400


async def test_callbacks_are_signed_with_one_secret_that_can_be_turned(small: SmallService) -> None:
    key = await small.key()
    run = {"brief": "a mug", "callback_url": "https://example.com/hear"}
    first = (await small.ask("POST", "/pipeline/run", key, json=run)).json()["callback_secret"]
    assert (await small.ask("POST", "/pipeline/run", key, json=run)).json()["callback_secret"] is None
    turned = (await small.ask("POST", "/webhooks/callbacks/rotate", key)).json()
    assert turned["webhook_id"] == "callbacks"
    assert first != turned["secret"]


async def test_keys_are_made_shown_once_ended_and_replaced(small: SmallService) -> None:
    key = await small.key(tier="pro")
    made = await small.ask("POST", "/keys", key, content=b'{"name": "My Mobile App"}')
    said = made.json()
    assert made.status_code == 201
    assert said["key"].startswith("sk_live_")
    assert (said["name"], said["tier"], said["environment"]) == ("My Mobile App", "pro", "live")
    second = {"Authorization": f"Bearer {said['key']}"}
    assert (await small.ask("GET", "/jobs", second)).status_code == 200
    listed = (await small.ask("GET", "/keys", key)).json()["items"]
    assert {one["name"] for one in listed} == {"a key", "My Mobile App"}
    assert said["key"] not in str(listed)
    rotated = (await small.ask("POST", f"/keys/{said['key_id']}/rotate", key)).json()
    third = {"Authorization": f"Bearer {rotated['key']}"}
    assert (await small.ask("GET", "/jobs", second)).status_code == 401
    assert (await small.ask("GET", "/jobs", third)).status_code == 200
    gone = await small.ask("DELETE", f"/keys/{rotated['key_id']}", key)
    assert (gone.status_code, gone.json()["deleted"]) == (200, True)
    assert (await small.ask("GET", "/jobs", third)).status_code == 401
    assert (await small.ask("POST", f"/keys/{rotated['key_id']}/rotate", key)).status_code == 409
    deeds = [one["what"] for one in (await small.ask("GET", "/audit/keys", key)).json()["items"]]
    assert deeds.count("key.created") == 2
    assert {"key.rotated", "key.revoked"} <= set(deeds)


async def test_a_key_cannot_take_the_place_of_a_stronger_one(small: SmallService) -> None:
    await small.key()
    strong = small.keys.list("acme")[0].key_id
    weak = await small.key(scopes={"keys", "jobs:read"})
    answer = await small.ask("POST", f"/keys/{strong}/rotate", weak)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "BEYOND_THE_KEY")


async def test_a_key_gives_no_more_than_it_has(small: SmallService) -> None:
    keeper = await small.key(scopes={"keys", "jobs:read"})
    beyond = await small.ask("POST", "/keys", keeper, json={"name": "x", "scopes": ["jobs:write"]})
    assert (beyond.status_code, beyond.json()["error"]["code"]) == (403, "SCOPE_MISSING")
    until = "2099-01-01T00:00:00Z"
    like = (await small.ask("POST", "/keys", keeper, json={"name": "x", "expires_at": until})).json()
    assert like["expires_at"] == until
    assert sorted(like["scopes"]) == ["jobs:read", "keys"]
    for grab in ({"name": "x", "tier": "enterprise"}, {"name": "x", "tenant": "other"}, {"name": ""},
                 {"name": "x", "scopes": []}, {"name": "x", "expires_at": "2020-01-01T00:00:00Z"},
                 {"name": "x", "expires_at": "tomorrow"}):  # fmt: skip
        assert (await small.ask("POST", "/keys", keeper, json=grab)).status_code == 400, grab


async def test_a_test_key_makes_only_test_keys(small: SmallService) -> None:
    key = await small.key(test=True)
    made = (await small.ask("POST", "/keys", key, json={"name": "x"})).json()
    assert made["key"].startswith("sk_test_")
    live = await small.ask("POST", "/keys", key, json={"name": "x", "environment": "live"})
    assert live.status_code == 403
    from_live = (
        await small.ask("POST", "/keys", await small.key(), json={"name": "x", "environment": "test"})
    ).json()
    assert from_live["key"].startswith("sk_test_")


async def test_usage_is_told_day_by_day(on_both: SmallService) -> None:
    small = on_both
    key = await small.key(tier="pro")
    done, _ = await small.run(key), await small.run(key)
    await small.end(done, JobState.PARTIAL)
    said = (await small.ask("GET", "/me/usage?days=7", key)).json()
    assert (said["tier"], said["environment"], said["requests"], said["jobs"]) == ("pro", "live", 3, 2)
    assert said["jobs_by_status"] == {"COMPLETED": 1, "PENDING": 1}
    assert (said["spent_usd"], said["reserved_usd"]) == ("0.000000", "0.000000")
    assert [day["jobs"] for day in said["days"]] == [2]
    assert said["limits"] == {"requests_per_minute": 100, "burst": 50, "concurrent_jobs": 10, "batch": True}
    for days in ("0", "367", "x"):
        assert (await small.ask("GET", f"/me/usage?days={days}", key)).status_code == 400


async def test_what_is_settled_holds_for_every_job(small: SmallService) -> None:
    key, other = await small.key(), await small.key("other")
    empty = {"use": [], "avoid": [], "budget_usd": None, "retention_days": None, "brand": None}
    assert (await small.ask("GET", "/me/settings", key)).json() == empty
    await small.run(key)
    brand = {
        "palette": ["#0b3d2e", "#f4e9d8"],
        "look": "matte surfaces, morning light",
        "never": ["plastic"],
        "voice_gender": "female",
        "voice_style": None,
    }
    settled = {
        "use": ["video=draft_clip"],
        "avoid": ["luma"],
        "budget_usd": "5.000000",
        "retention_days": 30,
        "brand": brand,
    }
    answer = await small.ask("PUT", "/me/settings", key, json=settled)
    assert (answer.status_code, answer.json()) == (200, settled)
    assert (await small.ask("GET", "/me/settings", key)).json() == settled
    assert small.service.shelf.keepers() == [("acme", 30)]
    bold = small.jobs.get(await small.run(key, budget_usd="50", use=["runway"], avoid=["kling"])).brief
    assert (bold.budget, [one.platform for one in bold.use]) == (5_000_000, ["runway"])
    assert [one.platform for one in bold.avoid] == ["kling", "luma"]
    modest = small.jobs.get(await small.run(key, budget_usd="1")).brief
    assert (modest.budget, [one.platform for one in modest.use]) == (1_000_000, ["draft_clip"])
    assert bold.brand == modest.brand == Brand.model_validate(brand)
    shown = (await small.ask("POST", "/plan", key, json={"brief": "a photo of our mug"})).json()
    assert shown["tasks"][0]["spec"]["palette"] == ["#0b3d2e", "#f4e9d8"]
    stranger = small.jobs.get(await small.run(other)).brief
    assert (stranger.budget, stranger.brand) == (None, None)
    loud = {"brand": {"palette": ["green"]}}
    for wrong in ({"use": ["nope"]}, {"retention_days": 0}, {"tier": "enterprise"}, loud, {"brand": "ours"}):
        assert (await small.ask("PUT", "/me/settings", key, json=wrong)).status_code == 400


async def test_presets_are_listed(small: SmallService) -> None:
    said = (await small.ask("GET", "/presets?limit=100", await small.key())).json()
    names = {one["id"] for one in said["items"]}
    assert "brand_campaign" in names
    assert all(re.fullmatch(r"\d+:\d+", one["ratio"]) for one in said["items"])


async def test_hooks_and_metrics_are_there_when_somebody_takes_them(small: SmallService) -> None:
    assert (await small.ask("GET", "/metrics")).status_code == 404
    assert (await small.ask("POST", "/hooks/pika", content=b"{}")).status_code == 404
