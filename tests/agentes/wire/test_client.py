"""A client knows where its platform is, how to sign and what to say about itself; a purchase speaks once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from small_house import KEY, House

from agentes.wire.once import Call
from shared_knowledge.errors import BadRequest, Broken, InDoubt, MissingSecret

GOOGLE: dict[str, Any] = {
    "base_url": "https://{location}-tiny.example",
    "base_urls": {"global": "https://tiny.example"},
    "key_hosts": ("*-tiny.example", "tiny.example"),
    "secrets": (
        {"name": "TINY_KEY"},
        {"name": "TINY_PROJECT", "hidden": False, "older": ("TINY_PROJECT_ID",)},
        {"name": "TINY_LOCATION", "hidden": False},
    ),
}
PLACE = {"TINY_KEY": KEY, "TINY_PROJECT": "my-project", "TINY_LOCATION": "us-east1"}


class Seen:
    """Answers well, and keeps what it was asked."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(200, json={"id": "t1"}, headers={"set-cookie": "a=b"})

    @property
    def last(self) -> httpx.Request:
        return self.requests[-1]


@pytest.fixture
def seen() -> Seen:
    return Seen()


def _house(tmp_path: Path, seen: Seen, url: str = "", **other: Any) -> House:
    return House(tmp_path, url, network=lambda _: httpx.MockTransport(seen), **other)


async def test_a_request_is_signed_and_says_who_asks(tmp_path: Path, seen: Seen) -> None:
    house = _house(tmp_path, seen)
    await house.http.client(Call("check")).get("/v1/tasks/t1", params={"a": "b"})
    assert str(seen.last.url) == "https://api.tiny.example/v1/tasks/t1?a=b"
    headers = dict(seen.last.headers)
    assert headers.pop("user-agent").startswith("agentes/")
    assert headers == {
        "host": "api.tiny.example",
        "accept": "*/*",
        "accept-encoding": "identity",
        "connection": "keep-alive",
        "x-tiny-version": "7",
        "x-tiny-key": KEY,
    }


async def test_a_path_of_the_address_is_kept(tmp_path: Path, seen: Seen) -> None:
    house = _house(tmp_path, seen, "http://127.0.0.1:9100/tiny")
    await house.http.client(Call("start")).post("/v1/tasks", json={})
    assert str(seen.last.url) == "http://127.0.0.1:9100/tiny/v1/tasks"


async def test_no_cookie_is_ever_sent_back(tmp_path: Path, seen: Seen) -> None:
    house = _house(tmp_path, seen)
    client = house.http.client(Call("check"))
    for _ in range(2):
        answer = await client.get("/v1")
        assert "set-cookie" not in answer.headers
        assert len(client.cookies) == 0
    assert "cookie" not in seen.last.headers
    with pytest.raises(AttributeError):
        client.cookies = {"a": "b"}


async def test_the_key_does_not_follow_an_address_elsewhere(tmp_path: Path, seen: Seen) -> None:
    client = _house(tmp_path, seen).http.client(Call("check"))
    for url in ("https://evil.example/x", "http://api.tiny.example/x", "https://api.tiny.example:444/x"):
        with pytest.raises(Broken, match="key is not shown"):
            await client.get(url)
    assert seen.requests == []
    await client.get("https://api.tiny.example/v1/other")


async def test_a_purchase_speaks_once(tmp_path: Path, seen: Seen) -> None:
    call = Call("start")
    client = _house(tmp_path, seen).http.client(call)
    await client.post("/v1/tasks", json={})
    with pytest.raises(InDoubt, match="second purchase"):
        await client.post("/v1/tasks", json={})
    assert (len(seen.requests), call.sent, call.left) == (1, 1, True)


async def test_questions_may_be_many(tmp_path: Path, seen: Seen) -> None:
    call = Call("prepare")
    client = _house(tmp_path, seen).http.client(call)
    for _ in range(3):
        await client.get("/v1/voices")
    assert (call.sent, call.left) == (3, False)


async def test_calls_side_by_side_do_not_mix(tmp_path: Path, seen: Seen) -> None:
    http = _house(tmp_path, seen).http
    one, other = Call("check"), Call("start")
    first, second = http.client(one), http.client(other)
    await second.post("/b")
    await first.get("/a")
    assert (one.sent, other.sent) == (1, 1)
    assert one.answer is not other.answer


async def test_what_stands_in_braces_is_filled_in(tmp_path: Path, seen: Seen) -> None:
    house = _house(tmp_path, seen, environ=PLACE, **GOOGLE)
    path = "/v1/projects/{project}/locations/{location}/models/{unknown}:predict"
    await house.http.client(Call("start")).post(path, params={"q": "{project}"})
    assert str(seen.last.url) == (
        "https://us-east1-tiny.example/v1/projects/my-project/locations/us-east1/models/%7Bunknown%7D:predict?q=%7Bproject%7D"
    )


async def test_a_place_may_have_an_address_of_its_own(tmp_path: Path, seen: Seen) -> None:
    house = _house(tmp_path, seen, environ=PLACE | {"TINY_LOCATION": "global"}, **GOOGLE)
    await house.http.client(Call("check")).get("/v1")
    assert seen.last.url.host == "tiny.example"


@pytest.mark.parametrize("name", PLACE)
def test_what_is_not_set_is_named(name: str, tmp_path: Path, seen: Seen) -> None:
    environ = {variable: value for variable, value in PLACE.items() if variable != name}
    with pytest.raises(MissingSecret, match=name):
        _house(tmp_path, seen, environ=environ, **GOOGLE)


def test_an_older_name_is_read_too(tmp_path: Path, seen: Seen) -> None:
    environ = {"TINY_KEY": KEY, "TINY_PROJECT_ID": "p", "TINY_LOCATION": "us"}
    _house(tmp_path, seen, environ=environ, **GOOGLE)


@pytest.mark.parametrize(
    "place", ["evil.example/", "a@b", "x?y", "us east", "-us", "us.evil", "x" * 80, "{location}"]
)
def test_a_place_is_no_way_to_lead_us_astray(place: str, tmp_path: Path, seen: Seen) -> None:
    with pytest.raises(BadRequest, match="TINY_LOCATION"):
        _house(tmp_path, seen, environ=PLACE | {"TINY_LOCATION": place}, **GOOGLE)


async def test_a_project_is_quoted(tmp_path: Path, seen: Seen) -> None:
    house = _house(tmp_path, seen, environ=PLACE | {"TINY_PROJECT": "../x?y#z"}, **GOOGLE)
    await house.http.client(Call("check")).get("/v1/projects/{project}/x")
    assert seen.last.url.raw_path == b"/v1/projects/..%2Fx%3Fy%23z/x"


async def test_a_redirect_is_never_followed(tmp_path: Path) -> None:
    calls: list[str] = []

    def vendor(request: httpx.Request) -> httpx.Response:
        calls.append(str(request.url))
        return httpx.Response(307, headers={"location": "https://evil.example/"})

    house = House(tmp_path, network=lambda _: httpx.MockTransport(vendor))
    with pytest.raises(InDoubt):
        await house.http.client(Call("start")).post("/v1/tasks", json={})
    assert calls == ["https://api.tiny.example/v1/tasks"]


def test_it_shows_no_key(tmp_path: Path, seen: Seen) -> None:
    house = _house(tmp_path, seen)
    client = house.http.client(Call("check"))
    assert KEY not in f"{house.http!r}{vars(house.http)}{client!r}{client.headers!r}{vars(client)}"
