"""Handing out the files that were made: whole or in part, with a key or by a link that lapses."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from email.utils import formatdate, parsedate_to_datetime
from typing import IO
from urllib.parse import quote

from orchestrator.faces.web.asked import LinkQuery
from orchestrator.faces.web.calls import Answer, Call, aside
from orchestrator.faces.web.errors import not_found, unknown_key
from orchestrator.faces.web.operations import Operation
from orchestrator.faces.web.ranges import stretch
from orchestrator.faces.web.standing import files_of, job_of
from shared_knowledge.errors import BadRequest
from shared_knowledge.vocabulary import Asset

__all__ = ["OPERATIONS"]

_CHUNK = 256 << 10
_HARMLESS = ("image/png", "image/jpeg", "image/webp", "video/", "audio/")
_KEPT_S = 3600


async def _fetch(call: Call) -> Answer:
    asset = await aside(_asset, call)
    name = call.params["name"]
    file = await aside(_opened, call, asset)
    size = os.fstat(file.fileno()).st_size
    tag = f'"{asset.sha256}"'
    changed = formatdate(os.fstat(file.fileno()).st_mtime, usegmt=True)
    shown = "inline" if asset.mime.startswith(_HARMLESS) else "attachment"
    headers = {
        "ETag": tag,
        "Last-Modified": changed,
        "Accept-Ranges": "bytes",
        "Cache-Control": f"private, max-age={_KEPT_S}",
        "Content-Disposition": f"{shown}; filename*=UTF-8''{quote(name)}",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    try:
        if tag in call.headers.get("if-none-match", ""):
            file.close()
            return Answer(304, kind=asset.mime, headers=headers)
        if_range = call.headers.get("if-range")
        holds = if_range is None or if_range == tag or _same_moment(if_range, changed)
        part = stretch(call.headers.get("range"), size) if holds else None
    except BaseException:
        file.close()
        raise
    start, end = part or (0, size)
    if call.method == "HEAD":
        file.close()
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return Answer(
        200 if part is None else 206,
        kind=asset.mime,
        headers=headers,
        stream=None if file.closed else _bytes_of(file, start, end),
        length=end - start,
    )


def _asset(call: Call) -> Asset:
    """The file the path names: of the caller's job, or of the job the link was signed for."""
    job_id, name = call.params["job_id"], call.params["name"]
    if call.known is not None:
        job_id = job_of(call).id
    else:
        query: LinkQuery = call.query
        if query.expires is None or query.signature is None:
            raise unknown_key()
        call.service.links.check(job_id, name, query.expires, query.signature)
    try:
        asset = files_of(call.service.studio.outcomes(job_id)).get(name)
    except BadRequest:
        asset = None
    if asset is None:
        raise not_found("File")
    return asset


def _opened(call: Call, asset: Asset) -> IO[bytes]:
    try:
        return call.service.studio.file_of(asset).open("rb")
    except OSError:
        raise not_found("File") from None


async def _bytes_of(file: IO[bytes], start: int, end: int) -> AsyncIterator[bytes]:
    try:
        await aside(file.seek, start)
        left = end - start
        while left and (part := await aside(file.read, min(_CHUNK, left))):
            left -= len(part)
            yield part
    finally:
        file.close()


def _same_moment(said: str, changed: str) -> bool:
    try:
        return parsedate_to_datetime(said) == parsedate_to_datetime(changed)
    except ValueError:
        return False


OPERATIONS = (
    Operation(
        name="getAsset",
        method="GET",
        path="/jobs/{job_id}/assets/{name}",
        tag="Jobs",
        summary="Fetch a file that was made",
        about="With a key, or by the signed link that the job's result carries. One range at a time is honoured.",
        do=_fetch,
        scope="jobs:read",
        query=LinkQuery,
        answers={200: "application/octet-stream", 206: "application/octet-stream", 304: None},
        refuses=(416,),
        opens_to_links=True,
    ),
)
