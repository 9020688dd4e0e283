"""The document of the service as one page for people: no script, nothing fetched from anywhere else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from html import escape
from typing import Any

from orchestrator.faces.web.openapi import openapi

__all__ = ["POLICY", "docs_page"]

POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 0 auto; padding: 2rem 1rem 6rem; }
h1 { margin-bottom: 0 } h2 { margin-top: 3rem } p { max-width: 46rem }
details { border: 1px solid var(--line); border-radius: 8px; margin: .5rem 0; }
summary { cursor: pointer; padding: .6rem .8rem; display: flex; gap: .8rem; flex-wrap: wrap; align-items: baseline }
summary code { font-weight: 600 }
.body { padding: 0 .8rem .8rem }
.verb { font: 600 .8rem ui-monospace, monospace; min-width: 4rem; padding: .1rem .4rem; border-radius: 4px; color: #fff;
  text-align: center; background: #5b6470 }
.get { background: #1d6fb8 } .post { background: #1b7f4b } .put { background: #9a6700 } .delete { background: #b3261e }
pre { background: var(--soft); padding: .8rem; border-radius: 6px; overflow: auto; font-size: .85rem }
table { border-collapse: collapse; width: 100%; font-size: .92rem }
td, th { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-top: 1px solid var(--line) }
""".strip()


@cache
def docs_page(version: str) -> bytes:
    """The whole page."""
    document = openapi(version)
    return "\n".join(_page(document)).encode()


def _page(document: Mapping[str, Any]) -> Iterator[str]:
    about = document["info"]
    yield '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{escape(about['title'])} API</title><style>{_STYLE}</style></head><body>"
    yield f"<h1>{escape(about['title'])} API</h1><p>Version {escape(about['version'])} · "
    yield '<a href="/openapi.json">openapi.json</a></p>'
    yield from (f"<p>{_marked(part)}</p>" for part in about["description"].strip().split("\n\n"))
    for tag in document["tags"]:
        yield f'<h2 id="{escape(tag["name"])}">{escape(tag["name"])}</h2>'
        for path, verbs in document["paths"].items():
            for verb, operation in verbs.items():
                if tag["name"] in operation["tags"]:
                    yield from _operation(document, path, verb, operation)
    yield "</body></html>"


def _operation(
    document: Mapping[str, Any], path: str, verb: str, operation: Mapping[str, Any]
) -> Iterator[str]:
    yield f'<details id="{escape(operation["operationId"])}"><summary><span class="verb {verb}">{verb.upper()}</span>'
    yield f"<code>{escape(path)}</code><span>{escape(operation['summary'])}</span></summary><div class='body'>"
    if about := operation.get("description"):
        yield f"<p>{_marked(about)}</p>"
    if scope := operation.get("x-scope"):
        yield f"<p>Scope: <code>{escape(scope)}</code></p>"
    if parameters := operation.get("parameters"):
        yield "<table><tr><th>Parameter</th><th>In</th><th>May be</th></tr>"
        for each in parameters:
            yield f"<tr><td><code>{escape(each['name'])}</code></td><td>{each['in']}</td>"
            yield f"<td>{_kind(each['schema'])}</td></tr>"
        yield "</table>"
    yield from _asked(document, operation)
    yield from _answers(document, operation)
    yield "</div></details>"


def _asked(document: Mapping[str, Any], operation: Mapping[str, Any]) -> Iterator[str]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return
    for name, example in content.get("examples", {}).items():
        yield f"<p>Body, for example ({escape(name)}):</p><pre>{_json(example['value'])}</pre>"
    for title, schema in _forms(document, content["schema"]):
        yield f"<p><b>{escape(title)}</b> {_marked(schema.get('description', ''))}</p>"
        yield "<table><tr><th>Field</th><th>May be</th><th></th></tr>"
        needed = schema.get("required", ())
        fields = schema.get("properties", {}).items()
        for name, field in sorted(fields, key=lambda each: each[0] not in needed):
            must = "required" if name in needed else ""
            yield f"<tr><td><code>{escape(name)}</code></td><td>{_kind(field)}</td>"
            yield f"<td>{must} {_marked(field.get('description', ''))}</td></tr>"
        yield "</table>"


def _answers(document: Mapping[str, Any], operation: Mapping[str, Any]) -> Iterator[str]:
    yield "<table><tr><th>Answer</th><th></th></tr>"
    for status, answer in operation["responses"].items():
        told = _found(document, answer)
        yield f"<tr><td><code>{escape(status)}</code></td><td>{escape(told['description'])}"
        for kind, content in told.get("content", {}).items():
            if kind == "application/json" and "example" in content and status < "300":
                yield f"<pre>{_json(content['example'])}</pre>"
        yield "</td></tr>"
    yield "</table>"


def _forms(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every object a body may be, by name."""
    name = schema.get("$ref", "").rpartition("/")[2]
    found = _found(document, schema)
    choices = found.get("oneOf") or found.get("anyOf")
    if choices is None:
        yield name or "Body", found
    for each in choices or ():
        yield from _forms(document, each)


def _found(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in schema:
        return schema
    place: Any = document
    for step in schema["$ref"].removeprefix("#/").split("/"):
        place = place[step]
    return dict(place)


def _kind(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return escape(schema["$ref"].rpartition("/")[2])
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(dict.fromkeys(map(_kind, choices)))
    if "enum" in schema:
        named = ("null" if each is None else str(each) for each in schema["enum"])
        return ", ".join(f"<code>{escape(each)}</code>" for each in named)
    if "const" in schema:
        return f"<code>{escape(json.dumps(schema['const']))}</code>"
    kind = str(schema.get("format") or schema.get("type", "anything")).replace("iri", "address")
    usual = f", usually <code>{escape(json.dumps(schema['default']))}</code>" if "default" in schema else ""
    limits = [str(schema[name]) for name in ("minimum", "maximum") if name in schema]
    return f"{escape(kind)}{f' {limits[0]} to {limits[-1]}' if len(limits) == 2 else ''}{usual}"


def _marked(text: str) -> str:
    """The text with its code set apart; everything else in it is only text."""
    parts = text.split("`")
    return "".join(
        f"<code>{escape(part)}</code>" if odd % 2 else escape(part) for odd, part in enumerate(parts)
    )


def _json(value: Any) -> str:
    return escape(json.dumps(value, ensure_ascii=False, indent=2))
