"""The document tells of every operation, in the words of OpenAPI 3.1, and nothing it says is made up by hand."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from small_service import SmallService
from starlette.routing import Route

from orchestrator.faces.web.app import Window, web_app
from orchestrator.faces.web.errors import TYPES
from orchestrator.faces.web.openapi import openapi
from orchestrator.faces.web.operations import Operation, operations

GUIDE = [
    ("POST", "/pipeline/run"), ("GET", "/pipeline/{job_id}"), ("POST", "/pipeline/batch"), ("GET", "/jobs"),
    ("PUT", "/jobs/{job_id}"), ("DELETE", "/jobs/{job_id}"), ("GET", "/presets"), ("POST", "/webhooks/register"),
    ("GET", "/webhooks"), ("PUT", "/webhooks/{webhook_id}"), ("DELETE", "/webhooks/{webhook_id}"),
    ("POST", "/webhooks/{webhook_id}/test"), ("GET", "/keys"), ("POST", "/keys"), ("DELETE", "/keys/{key_id}"),
    ("GET", "/audit/keys"), ("GET", "/me/usage"), ("GET", "/health"), ("GET", "/openapi.json"),
]  # fmt: skip


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    said: dict[str, Any] = json.loads(json.dumps(openapi("1.2.3")))
    return said


def test_every_path_of_the_guide_is_there(document: dict[str, Any]) -> None:
    for method, path in GUIDE:
        assert method.lower() in document["paths"][path], (method, path)


async def test_the_routes_and_the_table_are_one(small: SmallService) -> None:
    app = web_app(small.service)
    routed = {
        (method, route.path)
        for route in app.routes  # type: ignore[attr-defined]
        if isinstance(route, Route) and isinstance(route.endpoint, Window)
        for method in route.endpoint.operations
        if method != "HEAD"
    }
    assert routed == {(operation.method, operation.path) for operation in operations()}
    assert len({operation.name for operation in operations()}) == len(operations())


def test_the_document_is_whole(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    assert document["info"]["version"] == "1.2.3"
    for reference in references(document):
        place: Any = document
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]
    for path, verbs in document["paths"].items():
        for operation in verbs.values():
            named = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "path"}
            assert named == set(re.findall(r"{(\w+)}", path))
            assert operation["summary"]
            assert set(map(int, operation["responses"])) <= {*TYPES, 200, 201, 202, 206, 304}
            for answer in operation["responses"].values():
                assert answer.get("$ref") or answer["description"]


@pytest.mark.parametrize("operation", operations(), ids=lambda operation: operation.name)
def test_what_is_shown_as_an_example_is_true(operation: Operation) -> None:
    if operation.body is not None:
        assert operation.examples, "whoever asks something needs to be shown how"
        for example in operation.examples.values():
            operation.body.validate_json(json.dumps(example), strict=True)
    if operation.shown is not None:
        good = next(kind for status, kind in operation.answers.items() if status < 300)
        assert good.model_validate_json(json.dumps(operation.shown))


async def test_the_document_and_its_page_are_served_to_all(small: SmallService) -> None:
    document = await small.ask("GET", "/openapi.json")
    assert document.json()["openapi"] == "3.1.0"
    page = await small.ask("GET", "/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "<script" not in page.text
    assert not re.findall(r'(?:src|href)="(?!/openapi\.json|#)', page.text)
    for operation in operations():
        assert f'id="{operation.name}"' in page.text


def references(value: Any) -> Iterator[str]:
    match value:
        case dict():
            if isinstance(found := value.get("$ref"), str):
                yield found
            for each in value.values():
                yield from references(each)
        case list():
            for each in value:
                yield from references(each)
