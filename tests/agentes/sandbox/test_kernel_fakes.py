"""Every platform of the catalogue is played, and every fake can complain of everything, whatever it is asked."""

from __future__ import annotations

import importlib
from itertools import product

import httpx
import pytest
from practice import Practice
from tiny_vendor import PLAIN

from agentes.sandbox.kernel.calls import Call
from agentes.sandbox.kernel.fake import Fake, Trouble, routes_of
from agentes.sandbox.kernel.files import Files
from agentes.sandbox.kernel.house import House
from agentes.sandbox.kernel.ledger import Ledger
from shared_knowledge.catalogue import Catalogue

PLATFORMS = [platform.id for platform in Catalogue.load().platforms if not platform.local]
KEY_HEADERS = ("x-api-key", "x-key", "x-goog-api-key", "xi-api-key", "ocp-apim-subscription-key")
BODIES = (b"", b"null", b"[]", b'"text"', b"{}", b'{"contents": 5, "model": [], "prompt": {}}', b"\xff\x00")


def fake(platform: str) -> Fake:
    house = House(platform, Ledger(), Files(1), latency_s=0, seed=1)
    made = importlib.import_module(f"agentes.sandbox.{platform}").Vendor(house)
    assert isinstance(made, Fake)
    return made


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_trouble_has_words(platform: str) -> None:
    vendor = fake(platform)
    call = Call("POST", "/v1/anything", f"http://127.0.0.1:1/{platform}")
    for trouble in Trouble:
        status = vendor.complain(trouble, call, status=503 if trouble is Trouble.BROKEN else 0).status
        assert 400 <= status < 600 or (trouble in (Trouble.REFUSED, Trouble.FAILED) and status == 200), (
            trouble
        )
    for wanted in (500, 502, 503):
        assert vendor.complain(Trouble.BROKEN, call, status=wanted).status == wanted
    assert vendor.complain(Trouble.THROTTLED, call, retry_after_s=2).status == 429
    assert vendor.key(Call("GET", "/", call.here)) in (None, "")


@pytest.mark.parametrize("platform", PLATFORMS)
def test_there_is_a_paid_start_and_paths_begin_with_a_slash(platform: str) -> None:
    routes = [route for route, _ in routes_of(fake(platform))]
    assert any(route.kind == "start" for route in routes)
    assert all(route.path.startswith("/") for route in routes)
    assert len({(route.method, route.path) for route in routes}) == len(routes)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_nonsense_is_refused_in_the_vendors_words_and_never_booked(sandbox: Practice, platform: str) -> None:
    headers = dict.fromkeys(KEY_HEADERS, "any")
    starts = [route for route, _ in routes_of(fake(platform)) if route.kind == "start"]
    with httpx.Client(verify=PLAIN, base_url=f"{sandbox.url}/{platform}", headers=headers) as http:
        for route, scheme, body in product(starts, ("Bearer", "Key"), BODIES):
            path = route.path.replace(":rest}", "}").format_map(_Anything())
            own = {"Authorization": f"{scheme} any", "Content-Type": "application/json"}
            answer = http.request(route.method, path, content=body, headers=own)
            assert 400 <= answer.status_code < 500, (route.path, body, answer.text)
    assert sandbox.ledger() == []
    assert not [seen.why for seen in sandbox.seen if "AssertionError" in seen.why]


class _Anything(dict[str, str]):
    """Fills every hole."""

    def __missing__(self, name: str) -> str:
        return "any"
