"""The line keeps its word towards the engine: one purchase, no strange error, no lost answer."""

from __future__ import annotations

import base64
import json
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_house import KEY, Adapter, Hours, House, order_of

from agentes.contract import Body, Done, File, Inline, Link, Pending, Standing
from agentes.wire.kept import body_in
from agentes.wire.said import Unintelligible
from shared_knowledge.errors import (
    AgentesError,
    BadRequest,
    Broken,
    Failed,
    InDoubt,
    MissingSecret,
    Refused,
    Unavailable,
    Unreachable,
    Unsuitable,
)
from shared_knowledge.money import Money
from shared_knowledge.vocabulary import Order

ORDER = order_of(receipt={"id": "t1"})
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8

Answers = Callable[[httpx.Request], httpx.Response]


class Vendor:
    """Answers by method and path; keeps what it was asked."""

    def __init__(self, **pages: Any) -> None:
        self._pages = pages
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(f"{request.method} {request.url.path}")
        page = self._pages.get(request.method.lower(), httpx.Response(404))
        answer = page(request) if callable(page) else page
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


def _house(tmp_path: Path, vendor: Answers, adapter: Any = None, **other: Any) -> House:
    return House(tmp_path, network=lambda _: httpx.MockTransport(vendor), adapter=adapter, **other)


def _quick(media: Any, **done: Any) -> Any:
    class Quick(Adapter):
        async def start(self, http: httpx.AsyncClient, order: Order) -> Done:
            await http.post("/v1/pictures", json={"prompt": order.prompt})
            return Done(media, **done)

    return Quick()


async def test_from_the_purchase_to_the_file(tmp_path: Path) -> None:
    def tasks(request: httpx.Request) -> httpx.Response:
        if request.url.path.startswith("/file"):
            return httpx.Response(200, content=PNG, headers={"content-type": "text/html"})
        return httpx.Response(200, json={"status": "ok", "url": "https://api.tiny.example/file/1.exe"})

    vendor = Vendor(post=httpx.Response(200, json={"id": "t1"}), get=tasks)
    line = _house(tmp_path, vendor).line
    pending = await line.start(order_of())
    assert pending == Pending({"id": "t1"}, look_again_in_s=1)
    done = await line.check(ORDER)
    assert isinstance(done, Done)
    file = await line.collect(ORDER, done)
    assert (file.name, file.read_bytes()) == ("media.png", PNG)
    assert vendor.asked == ["POST /v1/tasks", "GET /v1/tasks/t1", "GET /file/1.exe"]
    assert await line.collect(ORDER, done) == file


async def test_a_picture_inside_the_answer(tmp_path: Path) -> None:
    answer = {"data": [{"b64_json": base64.b64encode(PNG * 100).decode()}]}
    house = _house(
        tmp_path, Vendor(post=httpx.Response(200, json=answer)), _quick(Inline("/data/0/b64_json"))
    )
    done = await house.line.start(ORDER)
    assert isinstance(done, Done)
    assert json.loads(b"".join(body_in(house.shelf.desk(ORDER.id) / "answer"))) == answer
    file = await house.line.collect(ORDER, done)
    assert (file.suffix, file.read_bytes()) == (".png", PNG * 100)


async def test_a_body_that_is_the_file(tmp_path: Path) -> None:
    vendor = Vendor(post=httpx.Response(200, content=PNG, headers={"content-type": "image/png"}))
    house = _house(tmp_path, vendor, _quick(Body()))
    done = await house.line.start(ORDER)
    assert isinstance(done, Done)
    assert (await house.line.collect(ORDER, done)).read_bytes() == PNG


async def test_bare_samples_become_a_sound_file(tmp_path: Path) -> None:
    samples = b"\x01\x02" * 2400
    answer = httpx.Response(200, json={"audio": base64.b64encode(samples).decode()})
    house = _house(tmp_path, Vendor(post=answer), _quick(Inline("/audio", pcm_rate=24_000)), medium="voice")
    done = await house.line.start(ORDER)
    assert isinstance(done, Done)
    with wave.open(str(await house.line.collect(ORDER, done))) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (24_000, 1, 2)
        assert sound.readframes(9999) == samples


async def test_a_light_answer_to_a_look_is_on_the_disk_before_anybody_counts_on_it(tmp_path: Path) -> None:
    class Shows(Adapter):
        async def check(self, http: httpx.AsyncClient, order: Order) -> Done:
            await http.get("/v1/status")
            await http.get("/v1/result")
            return Done(Inline("/image"))

    def png(request: httpx.Request) -> httpx.Response:
        answer: dict[str, str] = (
            {"image": base64.b64encode(PNG).decode()} if "result" in request.url.path else {}
        )
        return httpx.Response(200, json=answer)

    house = _house(tmp_path, Vendor(get=png), Shows())
    done = await house.line.check(ORDER)
    assert isinstance(done, Done)
    again = _house(tmp_path, Vendor(), Shows())  # another process, after a crash
    assert (await again.line.collect(ORDER, done)).read_bytes() == PNG


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"", "text/plain"), (b"<html>please log in</html>", "text/html"), (b'{"id": "', "application/json")],
)
async def test_a_body_that_is_no_file_is_a_doubt(body: bytes, kind: str, tmp_path: Path) -> None:
    vendor = Vendor(post=httpx.Response(200, content=body, headers={"content-type": kind}))
    with pytest.raises(InDoubt, match="no picture, clip or sound"):
        await _house(tmp_path, vendor, _quick(Body())).line.start(ORDER)
    assert len(vendor.asked) == 1


async def test_an_adapter_buys_exactly_once(tmp_path: Path) -> None:
    class Greedy(Adapter):
        async def start(self, http: httpx.AsyncClient, order: Order) -> Pending:
            await http.post("/v1/tasks")
            await http.post("/v1/tasks")
            return Pending({}, 1)

    class Idle(Adapter):
        async def start(self, http: httpx.AsyncClient, order: Order) -> Pending:
            return Pending({}, 1)

    vendor = Vendor(post=httpx.Response(200, json={"id": "t1"}))
    with pytest.raises(InDoubt, match="second purchase"):
        await _house(tmp_path, vendor, Greedy()).line.start(ORDER)
    assert len(vendor.asked) == 1
    with pytest.raises(Unsuitable, match="bought nothing") as idle:
        await _house(tmp_path, vendor, Idle()).line.start(ORDER)
    assert idle.value.charged == 0


MISREADINGS: list[Exception] = [
    KeyError("id"),
    IndexError("0"),
    TypeError("x"),
    ValueError(KEY),
    AttributeError("x"),
    ZeroDivisionError("x"),
    OverflowError("x"),
    RecursionError("x"),
    AssertionError("x"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"),
    httpx.InvalidURL("x"),
    httpx.ResponseNotRead(),
    Unintelligible("not as promised: id"),
]


def _stumbling(trouble: Exception, *, before: bool = False) -> Any:
    class Stumbles(Adapter):
        async def start(self, http: httpx.AsyncClient, order: Order) -> Pending:
            if not before:
                await http.post("/v1/tasks")
            raise trouble

        async def check(self, http: httpx.AsyncClient, order: Order) -> Pending:
            await http.get("/v1/tasks")
            raise trouble

        find = prepare = cancel = check

        async def standing(self, http: httpx.AsyncClient) -> Standing:
            raise trouble

    return Stumbles()


@pytest.mark.parametrize("trouble", MISREADINGS, ids=lambda trouble: type(trouble).__name__)
async def test_what_an_adapter_cannot_read_never_comes_out_as_it_is(
    trouble: Exception, tmp_path: Path
) -> None:
    ok = httpx.Response(200, json={}, headers={"x-request-id": "req_3"})
    line = _house(tmp_path, Vendor(post=ok, get=ok), _stumbling(trouble)).line
    with pytest.raises(InDoubt) as doubt:
        await line.start(ORDER)
    assert (doubt.value.platform, doubt.value.request_id) == ("tiny", "req_3")
    for ask in (line.check, line.find):
        with pytest.raises(Unreachable) as gone:
            await ask(ORDER)
        assert KEY not in str(gone.value)
    with pytest.raises(Unreachable):
        await line.standing()
    with pytest.raises(Unavailable):
        await line.prepare(ORDER)
    assert await line.cancel(ORDER) is False
    early = _house(tmp_path, Vendor(post=ok), _stumbling(trouble, before=True)).line
    with pytest.raises(Unsuitable, match="nothing was sent") as unsent:
        await early.start(ORDER)
    assert unsent.value.charged == 0


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["id", "status", "url", "x"]), inner)
    ),
    max_leaves=12,
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=_JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=60), cut=st.integers(0, 40)
)
async def test_any_answer_leads_to_an_answer_or_to_an_error_of_ours(
    body: bytes, cut: int, tmp_path: Path
) -> None:
    answer = httpx.Response(
        200, content=body[: len(body) - cut], headers={"content-type": "application/json"}
    )
    line = _house(tmp_path, Vendor(post=answer, get=answer)).line
    for ask in (line.start, line.check):
        try:
            assert isinstance(await ask(ORDER), Pending | Done)
        except AgentesError as error:
            assert isinstance(error, InDoubt | Unreachable)  # noqa: PT017 - either is right


async def test_trouble_before_the_sending_is_not_a_doubt(tmp_path: Path) -> None:
    class NoFile(Adapter):
        async def start(self, http: httpx.AsyncClient, order: Order) -> Pending:
            raise Broken("reference.png cannot be read.", todo="Put it back.")

    with pytest.raises(Unreachable, match="Nothing was sent") as unsent:
        await _house(tmp_path, Vendor(), NoFile()).line.start(ORDER)
    assert unsent.value.todo == "Put it back."


@pytest.mark.parametrize("wrong", [MissingSecret("TINY_KEY"), BadRequest("TINY_KEY names no file.")])
async def test_a_key_that_cannot_be_had_while_signing_is_no_doubt(
    wrong: AgentesError, tmp_path: Path
) -> None:
    class Forgets(httpx.Auth):
        async def async_auth_flow(self, request: httpx.Request) -> Any:
            raise wrong
            yield request

    house = _house(tmp_path, Vendor())
    house.http._purchases.auth = house.http._questions.auth = Forgets()
    with pytest.raises(Unavailable) as shut:
        await house.line.start(ORDER)
    assert (shut.value.because, shut.value.charged) == ("key", 0)
    with pytest.raises(InDoubt, match="was bought"):
        await house.line.check(ORDER)


async def test_tired_of_waiting_it_goes_elsewhere_free_of_charge(tmp_path: Path) -> None:
    vendor = Vendor(post=httpx.Response(429, json={"message": "Slow down."}, headers={"x-request-id": "r"}))
    with pytest.raises(Unavailable) as tired:
        await _house(tmp_path, vendor).line.start(ORDER)
    told = tired.value
    assert (told.charged, told.platform, told.request_id, told.vendor_says) == (0, "tiny", "r", "Slow down.")
    assert len(vendor.asked) == 4


async def test_a_door_that_shuts_between_two_tries_costs_nothing(tmp_path: Path) -> None:
    vendor = Vendor(post=httpx.Response(429))
    house = _house(tmp_path, vendor)
    for _ in range(3):
        house.manners.circuit.saw(Unreachable("no"))
    with pytest.raises(Unavailable) as shut:
        await house.line.start(ORDER)
    assert (shut.value.because, shut.value.charged, len(vendor.asked)) == ("resting", 0, 2)


async def test_what_the_adapter_says_a_failure_cost_is_left_alone(tmp_path: Path) -> None:
    class Blocked(Adapter):
        async def start(self, http: httpx.AsyncClient, order: Order) -> Pending:
            await http.post("/v1/tasks")
            raise Refused("Its rules say no.", charged=Money(5), vendor_says=f"no {KEY}")

        async def check(self, http: httpx.AsyncClient, order: Order) -> Pending:
            await http.get("/v1/tasks")
            raise Failed("It could not.")

    ok = httpx.Response(200, json={})
    line = _house(tmp_path, Vendor(post=ok, get=ok), Blocked()).line
    with pytest.raises(Refused) as refused:
        await line.start(ORDER)
    assert (refused.value.charged, refused.value.vendor_says) == (5, "no [TINY_KEY hidden]")
    with pytest.raises(Failed) as failed:
        await line.check(ORDER)
    assert (failed.value.charged, failed.value.platform) == (None, "tiny")


async def test_an_empty_purse_told_in_a_good_answer_is_remembered(tmp_path: Path) -> None:
    ok = httpx.Response(200, json={})
    house = _house(
        tmp_path, Vendor(post=ok), _stumbling(Unavailable("Empty.", because="credit", charged=Money(0)))
    )
    for _ in range(2):
        with pytest.raises(Unavailable):
            await house.line.start(ORDER)
    assert house.manners.circuit.resting_s == 900


async def test_a_resting_platform_is_looked_at_again_when_it_has_rested(tmp_path: Path) -> None:
    vendor = Vendor(get=httpx.Response(500))
    house = _house(tmp_path, vendor)
    for _ in range(5):
        house.manners.circuit.saw(Unreachable("no"))
    assert await house.line.check(ORDER) == Pending({"id": "t1"}, 30, queued=True)
    assert vendor.asked == []


async def test_a_look_does_not_see_what_the_engine_noted(tmp_path: Path) -> None:
    class Looks(Adapter):
        async def check(self, http: httpx.AsyncClient, order: Order) -> Pending:
            assert order.receipt == {"id": "t1"}
            return Pending(order.receipt, 1)

    noted = order_of(receipt={"id": "t1", "done": {"media": {"url": "x"}}})
    await _house(tmp_path, Vendor(), Looks()).line.check(noted)


async def test_a_link_that_has_expired_is_asked_for_afresh(tmp_path: Path) -> None:
    def pages(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/new.png":
            return httpx.Response(200, content=PNG)
        if request.url.path == "/old.png":
            return httpx.Response(403)
        return httpx.Response(200, json={"status": "ok", "url": "https://files.tiny.example/new.png"})

    vendor = Vendor(get=pages)
    line = _house(tmp_path, vendor).line
    file = await line.collect(ORDER, Done(Link("https://files.tiny.example/old.png")))
    assert file.read_bytes() == PNG
    with pytest.raises(Failed):  # without a receipt nobody can be asked
        await line.collect(order_of(), Done(Link("https://files.tiny.example/old.png")))


async def test_a_lost_answer_is_asked_for_afresh_or_is_said_to_be_lost(tmp_path: Path) -> None:
    class Remembers(Adapter):
        async def find(self, http: httpx.AsyncClient, order: Order) -> Done:
            await http.get("/v1/history")
            return Done(Body())

    with pytest.raises(Broken, match="no longer on its desk"):
        await _house(tmp_path, Vendor()).line.collect(order_of(), Done(Body()))
    house = _house(tmp_path, Vendor(get=httpx.Response(200, content=PNG)), Remembers())
    assert (await house.line.collect(order_of(), Done(Body()))).read_bytes() == PNG


async def test_a_signed_link_gets_the_key_and_an_ordinary_one_does_not(tmp_path: Path) -> None:
    seen: list[httpx.Request] = []

    def files(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, content=PNG)

    line = _house(tmp_path, files).line
    await line.collect(ORDER, Done(Link("https://api.tiny.example/a", signed=True)))
    await line.collect(ORDER, Done(Link("https://api.tiny.example/a")))
    assert [request.headers.get("x-tiny-key") for request in seen] == [KEY, None]
    with pytest.raises(AgentesError, match="key is not shown"):
        await line.collect(ORDER, Done(Link("https://evil.example/a", signed=True)))
    with pytest.raises(Unsuitable, match="may not be asked"):
        await line.collect(ORDER, Done(Link("https://127.0.0.1/a")))
    assert len(seen) == 2


async def test_a_file_of_this_machine_is_none_of_a_vendors(tmp_path: Path) -> None:
    with pytest.raises(Broken):
        await _house(tmp_path, Vendor()).line.collect(ORDER, Done(File("x.png")))


async def test_what_an_adapter_does_not_speak_of(tmp_path: Path) -> None:
    line = _house(tmp_path, Vendor()).line
    assert await line.prepare(ORDER) is ORDER
    assert await line.cancel(ORDER) is False
    assert await line.standing() is None
    with pytest.raises(InDoubt, match="cannot be asked"):
        await line.find(ORDER)


async def test_what_it_does(tmp_path: Path) -> None:
    class Talks(Adapter):
        async def prepare(self, http: httpx.AsyncClient, order: Order) -> Order:
            voices = (await http.get("/v1/voices")).json()
            return order.model_copy(update={"prepared": voices})

        async def cancel(self, http: httpx.AsyncClient, order: Order) -> None:
            await http.delete("/v1/tasks/t1")

        async def find(self, http: httpx.AsyncClient, order: Order) -> None:
            await http.get("/v1/list")

        async def standing(self, http: httpx.AsyncClient) -> Standing:
            return Standing((await http.get("/v1/credits")).json()["voice"])

    vendor = Vendor(get=httpx.Response(200, json={"voice": "v1"}), delete=httpx.Response(204))
    line = _house(tmp_path, vendor, Talks()).line
    assert (await line.prepare(ORDER)).prepared == {"voice": "v1"}
    assert await line.cancel(ORDER) is True
    assert await line.find(ORDER) is None
    assert await line.standing() == Standing("v1")
    assert vendor.asked == ["GET /v1/voices", "DELETE /v1/tasks/t1", "GET /v1/list", "GET /v1/credits"]


async def test_a_cancellation_nobody_takes_is_none(tmp_path: Path) -> None:
    class Stops(Adapter):
        async def cancel(self, http: httpx.AsyncClient, order: Order) -> None:
            await http.delete("/v1/tasks/t1")

    for status in (404, 500):
        assert (
            await _house(tmp_path, Vendor(delete=httpx.Response(status)), Stops()).line.cancel(ORDER) is False
        )


async def test_preparing_in_vain_leads_elsewhere(tmp_path: Path) -> None:
    class Uploads(Adapter):
        async def prepare(self, http: httpx.AsyncClient, order: Order) -> Order:
            await http.post("/v1/uploads")
            return order

    hours = Hours()
    vendor = Vendor(post=httpx.Response(503))
    with pytest.raises(Unavailable):
        await _house(tmp_path, vendor, Uploads(), clock=hours).line.prepare(ORDER)
    assert len(vendor.asked) == 4
