"""The sandbox's Kling speaks as the vendor's manual: tokens, envelopes, tasks, lists and codes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from PIL import Image
from practice import Practice

from agentes.sandbox.kernel.calls import Call
from agentes.sandbox.kernel.fake import Trouble
from agentes.sandbox.kling import Vendor

TEXT, IMAGE = "/v1/videos/text2video", "/v1/videos/image2video"
WISH = {"model_name": "kling-v3", "prompt": "A mug.", "mode": "std", "duration": "5", "aspect_ratio": "9:16"}
# The vector of a token whose claims and signature are known, signed with the secret beside it.
VECTOR = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJha190ZXN0IiwiZXhwIjoxODAwMDAxODAwLCJuYmYiOjE3OTk5OTk5OTV9."
    "Osw3XWmMx3_JzoTFEzIFJ8nq2SFJSs1U3KF8Pooqs_E"
)


def token(iss: str = "ak", *, alg: str = "HS256", exp: int = 1800, nbf: int = -5, **more: Any) -> str:
    """A token as the vendor wants it, its times counted from now."""
    now = int(time.time())
    claims = {"iss": iss, "exp": now + exp, "nbf": now + nbf, **more}
    parts = [json.dumps(part).encode() for part in ({"alg": alg, "typ": "JWT"}, claims)]
    signed = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    mac = hmac.new(b"secret", signed, hashlib.sha256).digest()
    return (signed + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode()


@pytest.fixture
def http(sandbox: Practice) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Bearer {token()}"}
    with httpx.Client(base_url=f"{sandbox.url}/kling", headers=headers) as client:
        yield client


def picture(width: int = 400, height: int = 400, form: str = "PNG") -> str:
    file = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(file, form)
    return base64.b64encode(file.getvalue()).decode()


def code(response: httpx.Response) -> tuple[int, int]:
    said = response.json()
    assert set(said) == {"code", "message", "request_id"}
    return response.status_code, said["code"]


def test_a_task_from_submitted_to_succeed(sandbox: Practice, http: httpx.Client) -> None:
    said = http.post(TEXT, json={**WISH, "external_task_id": "ord_1"}).json()
    assert (said["code"], said["data"]["task_status"]) == (0, "submitted")
    number = said["data"]["task_id"]
    task = http.get(f"{TEXT}/{number}").json()["data"]
    assert (task["task_id"], task["task_status"]) == (number, "succeed")
    assert task["task_info"] == {"external_task_id": "ord_1"}
    assert task["final_unit_deduction"] == "3"
    assert abs(task["created_at"] / 1000 - time.time()) < 60
    (video,) = task["task_result"]["videos"]
    assert video["duration"] == "5.0"
    assert httpx.get(video["url"]).content[4:8] == b"ftyp"
    (line,) = sandbox.ledger()
    assert (line["model"], line["id"], line["usd"]) == ("kling-v3", number, "0.420000")


def test_sound_and_mode_set_the_price(sandbox: Practice, http: httpx.Client) -> None:
    http.post(TEXT, json={**WISH, "sound": "on", "mode": "pro", "duration": "10"})
    http.post(TEXT, json={**WISH, "model_name": "kling-v2-5-turbo", "duration": "10"})
    assert [line["usd"] for line in sandbox.ledger()] == ["1.680000", "0.420000"]


@pytest.mark.parametrize(
    ("authorization", "expected"),
    [
        ("", 1001),
        ("Bearer", 1001),
        ("Bearer nonsense", 1002),
        ("Bearer a.b.c", 1002),
        (f"Basic {token()}", 1002),
        (f"Bearer {token(alg='none')}", 1002),
        (f"Bearer {token(iss='')}", 1002),
        (f"Bearer {token().rpartition('.')[0]}.c2hvcnQ", 1002),
        (f"Bearer {token(nbf=3600, exp=7200)}", 1003),
        (f"Bearer {VECTOR}", 1003),
        (f"Bearer {token(exp=-1)}", 1004),
        (f"Bearer {token('bad-key')}", 1000),
    ],
)
def test_a_token_that_does_not_hold_is_refused_with_its_own_code(
    sandbox: Practice, authorization: str, expected: int
) -> None:
    headers = {"authorization": authorization} if authorization else {}
    with httpx.Client(base_url=f"{sandbox.url}/kling", headers=headers) as http:
        assert code(http.post(TEXT, json=WISH)) == (401, expected)
        assert code(http.get(f"{TEXT}/1")) == (401, expected)
    assert sandbox.ledger() == []


def test_the_known_token_is_good_in_its_own_time() -> None:
    class House:
        def now(self) -> float:
            return 1_800_000_000.0

        def new_id(self, prefix: str = "", *, uuid: bool = False) -> str:
            return "1"

    vendor = Vendor(House())  # type: ignore[arg-type]
    call = Call("GET", TEXT, "", headers={"authorization": f"Bearer {VECTOR}"})
    assert vendor.key(call) == "ak_test"
    assert json.loads(vendor.complain(Trouble.BAD_KEY, call).body)["code"] == 1000


@pytest.mark.parametrize(
    "wrong",
    [
        {"prompt": ""},
        {"prompt": "x" * 2501},
        {"negative_prompt": "x" * 2501},
        {"mode": "4k"},
        {"duration": 5},
        {"duration": "5s"},
        {"duration": "2"},
        {"duration": "16"},
        {"aspect_ratio": "4:3"},
        {"sound": True},
        {"sound": "loud"},
        {"cfg_scale": 1.5},
        {"cfg_scale": "0.5"},
        {"image": "x"},
        {"model_name": "kling-v2-6", "duration": "7"},
        {"model_name": "kling-v2-5-turbo", "sound": "on"},
        {"model_name": "kling-v2-5-turbo", "cfg_scale": 0.5},
        {"external_task_id": 7},
    ],
    ids=str,
)
def test_wrong_parameters_are_refused_and_not_booked(
    sandbox: Practice, http: httpx.Client, wrong: dict[str, Any]
) -> None:
    assert code(http.post(TEXT, json={**WISH, **wrong})) == (400, 1201)
    assert sandbox.ledger() == []


def test_a_model_nobody_knows_is_not_there(http: httpx.Client) -> None:
    assert code(http.post(TEXT, json={**WISH, "model_name": "kling-v9"})) == (404, 1203)


def test_a_body_that_is_no_json_is_a_bad_request(http: httpx.Client) -> None:
    assert code(http.post(TEXT, content=b"{")) == (400, 1201)
    assert code(http.post(TEXT, json=[])) == (400, 1201)


def test_pictures_are_bare_base64_and_give_the_clip_its_shape(sandbox: Practice, http: httpx.Client) -> None:
    wish = {"model_name": "kling-v3", "prompt": "It turns.", "duration": "3"}
    said = http.post(
        IMAGE, json={**wish, "image": picture(544, 960), "image_tail": picture(form="JPEG")}
    ).json()
    video = http.get(f"{IMAGE}/{said['data']['task_id']}").json()["data"]["task_result"]["videos"][0]
    assert video["duration"] == "3.0"
    assert http.post(IMAGE, json={**wish, "image": "https://pictures.example/mug.png"}).json()["code"] == 0
    assert len(sandbox.ledger()) == 2


@pytest.mark.parametrize(
    "image",
    [
        f"data:image/png;base64,{picture()}",
        "not base64!",
        base64.b64encode(b"no picture").decode(),
        picture(299, 400),
        picture(1000, 390),
        picture(form="WEBP"),
    ],
    ids=["data uri", "no base64", "no picture", "too small", "too long", "webp"],
)
def test_pictures_that_are_not_as_promised_are_refused(
    sandbox: Practice, http: httpx.Client, image: str
) -> None:
    assert code(http.post(IMAGE, json={"model_name": "kling-v3", "image": image})) == (400, 1201)
    assert code(http.post(IMAGE, json={"model_name": "kling-v3"})) == (400, 1201)
    assert sandbox.ledger() == []


def test_a_task_is_known_under_the_path_it_was_made_with(http: httpx.Client) -> None:
    number = http.post(TEXT, json=WISH).json()["data"]["task_id"]
    assert code(http.get(f"{IMAGE}/{number}")) == (404, 1203)
    assert code(http.get(f"{TEXT}/unknown")) == (404, 1203)
    assert code(http.get("/v1/videos/nothing")) == (404, 1202)
    assert code(http.get("/v1/nothing")) == (404, 1202)


def test_tasks_are_listed_by_path_and_page_the_newest_first(http: httpx.Client) -> None:
    for number in range(3):
        http.post(TEXT, json={**WISH, "external_task_id": f"ord_{number}"})
    http.post(IMAGE, json={"model_name": "kling-v3", "image": picture(), "external_task_id": "ord_9"})

    def listed(path: str, **page: int) -> list[str]:
        tasks = http.get(path, params=page).json()["data"]
        return [task["task_info"]["external_task_id"] for task in tasks]

    assert listed(TEXT) == ["ord_2", "ord_1", "ord_0"]
    assert listed(TEXT, pageNum=2, pageSize=2) == ["ord_0"]
    assert listed(IMAGE, pageNum=1, pageSize=30) == ["ord_9"]
    assert code(http.get(TEXT, params={"pageSize": 501})) == (400, 1201)
    assert code(http.get(TEXT, params={"pageNum": 0})) == (400, 1201)


def test_a_reference_of_ours_can_be_used_once(sandbox: Practice, http: httpx.Client) -> None:
    assert http.post(TEXT, json={**WISH, "external_task_id": "ord_1"}).json()["code"] == 0
    assert code(http.post(TEXT, json={**WISH, "external_task_id": "ord_1"})) == (400, 1201)
    assert len(sandbox.ledger()) == 1


def test_a_lost_answer_is_found_in_the_list(sandbox: Practice, http: httpx.Client) -> None:
    sandbox.fault("kling", "start", "reset_after")
    with pytest.raises(httpx.TransportError):
        http.post(TEXT, json={**WISH, "external_task_id": "ord_1"})
    (task,) = http.get(TEXT, params={"pageNum": 1, "pageSize": 30}).json()["data"]
    assert task["task_info"]["external_task_id"] == "ord_1"
    assert [line["id"] for line in sandbox.ledger()] == [task["task_id"]]


@pytest.mark.parametrize(
    ("do", "expected"),
    [
        ("429", (429, 1302)),
        ("out_of_credit", (429, 1102)),
        ("retired", (404, 1203)),
        ("refuse", (400, 1301)),
        ("500", (500, 5000)),
        ("503", (503, 5001)),
    ],
)
def test_troubles_have_their_codes(
    sandbox: Practice, http: httpx.Client, do: str, expected: tuple[int, int]
) -> None:
    sandbox.fault("kling", "start", do)
    assert code(http.post(TEXT, json=WISH)) == expected
    assert sandbox.ledger() == []


def test_a_gateway_answers_in_html(sandbox: Practice, http: httpx.Client) -> None:
    sandbox.fault("kling", "start", "502")
    response = http.post(TEXT, json=WISH)
    assert (response.status_code, response.headers["content-type"]) == (502, "text/html; charset=utf-8")


def test_patience_is_asked_for_in_seconds(sandbox: Practice, http: httpx.Client) -> None:
    sandbox.fault("kling", "start", "429:retry_after=2")
    assert http.post(TEXT, json=WISH).headers["retry-after"] == "2"


@pytest.mark.parametrize(
    ("on", "do", "status", "says"),
    [
        ("check", "fail", "failed", "The generation failed, please try again"),
        ("start", "fail", "failed", "The generation failed, please try again"),
        ("start", "stuck", "processing", ""),
    ],
)
def test_a_task_may_end_badly_or_not_at_all(
    sandbox: Practice, http: httpx.Client, on: str, do: str, status: str, says: str
) -> None:
    sandbox.fault("kling", on, do)
    number = http.post(TEXT, json=WISH).json()["data"]["task_id"]
    for _ in range(2):
        task = http.get(f"{TEXT}/{number}").json()["data"]
        assert (task["task_status"], task["task_status_msg"]) == (status, says)
        assert "task_result" not in task


def test_a_task_may_succeed_without_a_clip_or_with_a_dead_address(
    sandbox: Practice, http: httpx.Client
) -> None:
    sandbox.fault("kling", "check", "no_output")
    sandbox.fault("kling", "check", "expired", nth=2)
    number = http.post(TEXT, json=WISH).json()["data"]["task_id"]
    assert http.get(f"{TEXT}/{number}").json()["data"]["task_result"] == {"videos": []}
    dead = http.get(f"{TEXT}/{number}").json()["data"]["task_result"]["videos"][0]["url"]
    assert httpx.get(dead).status_code == 403


def test_the_packs_are_told_for_a_span_of_time(sandbox: Practice, http: httpx.Client) -> None:
    now = int(time.time() * 1000)
    said = http.get("/account/costs", params={"start_time": now - 1000, "end_time": now}).json()
    assert said["data"]["resource_pack_subscribe_infos"][0]["remaining_quantity"] > 0
    assert code(http.get("/account/costs")) == (400, 1201)
    assert code(http.get("/account/costs", params={"start_time": now, "end_time": now - 1})) == (400, 1201)
    assert sandbox.ledger() == []


def test_more_tasks_than_the_pack_allows_are_one_too_many(sandbox: Practice, http: httpx.Client) -> None:
    sandbox.fault("kling", "start", "stuck", times=20)
    for _ in range(20):
        assert http.post(TEXT, json=WISH).json()["code"] == 0
    assert code(http.post(TEXT, json=WISH)) == (429, 1303)
    assert len(sandbox.ledger()) == 20
