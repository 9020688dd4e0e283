"""The document of the service, in OpenAPI 3.1, made from the table of operations and from nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from orchestrator.faces.web.answered import ErrorAnswer
from orchestrator.faces.web.errors import PROBLEM, TYPES
from orchestrator.faces.web.operations import Operation, operations

__all__ = ["openapi", "openapi_bytes"]

_REF = "#/components/schemas/{model}"
_PLACEHOLDER = re.compile(r"{(\w+)}")
_ABOUT = """\
Give it a film and words, or a brief: it plans, prices, makes, checks and joins, and tells you when it is done.

Authenticate with `Authorization: Bearer sk_live_…`. With an `sk_test_…` key the same paths, queue, webhooks and
errors are rehearsed on drafts: nothing is spent, and no vendor can be reached.

JSON bodies are read under any content type. Unknown fields and parameters are refused. Times are UTC. Every POST
with a key takes an `Idempotency-Key` of up to 255 visible characters: for 24 hours the same request is done once and
answered alike; with another body it is refused with 422. A repeated answer holds no secret.
"""
_LIMIT_HEADERS = {
    "X-RateLimit-Limit": "How many requests a minute.",
    "X-RateLimit-Remaining": "How many of them are left.",
    "X-RateLimit-Reset": "When they are whole again, in seconds since 1970.",
}
_ERROR_EXAMPLES: Mapping[int, Mapping[str, Any]] = {
    400: {
        "type": "validation_error",
        "message": "Invalid input",
        "code": "INVALID_INPUT",
        "details": {"voice_language": "Must be 2-letter code (e.g., 'en', 'fr')"},
    },
    401: {"type": "auth_error", "message": "Invalid API key", "code": "INVALID_API_KEY"},
    429: {
        "type": "rate_limit_error",
        "message": "Rate limit exceeded",
        "code": "RATE_LIMITED",
        "retry_after": 60,
    },
}


@cache
def openapi(version: str) -> dict[str, Any]:
    """The whole document."""
    schemas = _Schemas()
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations():
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, schemas)
    answers = {f"Error{status}": _error(status, schemas) for status in sorted(TYPES)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Agentes",
            "version": version,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(operation.tag for operation in operations())],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "bearerFormat": "sk_live_… or sk_test_…"}
            },
            "headers": {
                "X-Request-Id": {
                    "schema": {"type": "string"},
                    "description": "Names this request in the log.",
                },
                **{
                    name: {"schema": {"type": "integer"}, "description": about}
                    for name, about in _LIMIT_HEADERS.items()
                },
            },
            "responses": answers,
            "schemas": schemas.found,
        },
    }


@cache
def openapi_bytes(version: str) -> bytes:
    """The document as it is sent."""
    return json.dumps(openapi(version), ensure_ascii=False, separators=(",", ":")).encode()


class _Schemas:
    """The schemas that were asked for so far, each under one name."""

    def __init__(self) -> None:
        self.found: dict[str, Any] = {}

    def of(self, kind: Any, mode: JsonSchemaMode, title: str | None = None) -> dict[str, Any]:
        """The schema of a type, as a reference where it has a name."""
        schema = TypeAdapter(kind).json_schema(ref_template=_REF, mode=mode)
        for name, each in schema.pop("$defs", {}).items():
            self._keep(name, each)
        name = title or (_name_of(kind) if isinstance(kind, type) and issubclass(kind, BaseModel) else None)
        if name is None or set(schema) == {"$ref"}:
            return schema
        self._keep(name, schema)
        return {"$ref": _REF.format(model=name)}

    def _keep(self, name: str, schema: Mapping[str, Any]) -> None:
        known = self.found.setdefault(name, dict(schema))
        assert known == schema, f"two schemas are called {name}"


def _name_of(model: type[BaseModel]) -> str:
    return re.sub(r"\W+", "_", model.__name__).strip("_")


def _operation(operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    said: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
    }
    if operation.about:
        said["description"] = operation.about
    if parameters := _parameters(operation, schemas):
        said["parameters"] = parameters
    if operation.asks is not None:
        said["requestBody"] = _body(operation, schemas)
    elif operation.takes_bytes:
        said["requestBody"] = {"content": {"application/octet-stream": {"schema": {}}}}
    answers = {str(status): _answer(operation, status, schemas) for status in operation.answers}
    for status in operation.statuses:
        answers.setdefault(str(status), {"$ref": f"#/components/responses/Error{status}"})
    said["responses"] = dict(sorted(answers.items()))
    said["security"] = _security(operation)
    if operation.scope is not None:
        said["x-scope"] = operation.scope
    return said


def _security(operation: Operation) -> list[dict[str, list[str]]]:
    if not operation.needs_key:
        return []
    return [{"key": []}, {}] if operation.opens_to_links else [{"key": []}]


def _parameters(operation: Operation, schemas: _Schemas) -> list[dict[str, Any]]:
    found = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PLACEHOLDER.findall(operation.path)
    ]
    if operation.query is not None:
        schema = TypeAdapter(operation.query).json_schema(ref_template=_REF)
        for name, each in schema.get("properties", {}).items():
            found.append({"name": name, "in": "query", "required": False, "schema": _plain(each)})
    if operation.repeats_safely:
        found.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[\x21-\x7e]+$"},
            }
        )
    if "text/event-stream" in operation.answers.values():
        digits = {"type": "string", "pattern": r"^[0-9]{1,15}$"}
        found.append({"name": "Last-Event-ID", "in": "header", "required": False, "schema": digits})
    return found


def _plain(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A parameter is there or is not; it is never null."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind.get("type") != "null"]
    rest = {name: value for name, value in schema.items() if name not in ("anyOf", "title")}
    if rest.get("default", 0) is None:
        del rest["default"]
    return {**(kinds[0] if kinds else {}), **rest}


def _body(operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    title = f"{operation.name[0].upper()}{operation.name[1:]}Request"
    is_model = isinstance(operation.asks, type) and issubclass(operation.asks, BaseModel)
    content: dict[str, Any] = {
        "schema": schemas.of(operation.asks, "validation", None if is_model else title)
    }
    if operation.examples:
        content["examples"] = {name: {"value": value} for name, value in operation.examples.items()}
    return {"required": not operation.may_ask_nothing, "content": {"application/json": content}}


def _answer(operation: Operation, status: int, schemas: _Schemas) -> dict[str, Any]:
    kind = operation.answers[status]
    said: dict[str, Any] = {
        "description": _MEANINGS.get(status, "Success"),
        "headers": _headers(),
    }
    match kind:
        case None:
            pass
        case str():
            said["content"] = {kind: {"schema": {} if kind != "text/event-stream" else {"type": "string"}}}
        case _:
            content: dict[str, Any] = {"schema": schemas.of(kind, "serialization")}
            if operation.shown is not None:
                content["example"] = operation.shown
            said["content"] = {"application/json": content}
    return said


def _error(status: int, schemas: _Schemas) -> dict[str, Any]:
    kind, code, meaning = TYPES[status]
    example = _ERROR_EXAMPLES.get(status, {"type": kind, "message": meaning, "code": code})
    content: dict[str, Any] = {
        "application/json": {
            "schema": schemas.of(ErrorAnswer, "serialization"),
            "example": {"error": {**example, "request_id": "req_abc123"}},
        },
        PROBLEM: {"schema": {"type": "object", "required": ["type", "title", "status", "detail"]}},
    }
    headers = _headers()
    if status in (429, 503):
        headers["Retry-After"] = {"schema": {"type": "integer"}, "description": "Seconds to wait."}
    return {"description": meaning, "headers": headers, "content": content}


def _headers() -> dict[str, Any]:
    names: Sequence[str] = ("X-Request-Id", *_LIMIT_HEADERS)
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


_MEANINGS = {
    200: "OK",
    201: "Made",
    202: "Accepted",
    206: "A part of it",
    304: "As you know it",
    503: "Not now",
}
