"""Finished media come to this machine: free, repeatable, and never taken for what they say they are.

An address in a vendor's answer is a stranger's word. It is asked without our key unless the catalogue
says otherwise, every redirect is looked at, and what arrives is measured, weighed and named by us.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

from agentes.contract import LinkExpired
from agentes.wire.clock import Clock
from agentes.wire.guard import Guard
from agentes.wire.hints import asked_wait_s
from agentes.wire.parts import Part
from shared_knowledge.errors import (
    BadRequest,
    Failed,
    Throttled,
    TryAgain,
    Unavailable,
    Unreachable,
    Unsuitable,
)
from shared_knowledge.file_kinds import ENOUGH, Kind, kind_of
from shared_knowledge.vocabulary import Medium

__all__ = ["Fetched", "LinkExpired", "fetch"]

_MB = 1_000_000
_MOST_BYTES = {Medium.PHOTO: 50 * _MB, Medium.VOICE: 100 * _MB, Medium.VIDEO: 2_000 * _MB}
_MOST_HOPS = 3
_FRUITLESS_TRIES = 4
_BASE_S, _CAP_S = 0.5, 30.0
_BATCH = 1024 * 1024
_SHOWN = 200
_SILENCE_S = httpx.Timeout(30.0)
_GONE = (401, 403, 404, 410)
_PASSING = (408, 409, 416, 425, 429, 499)
_LENGTH = re.compile(r"\d{1,15}", re.ASCII)
_RANGE = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15})", re.ASCII)


@dataclass(frozen=True)
class Fetched:
    """A file that arrived whole: where it lies, and what it is by its own first bytes."""

    path: Path
    sha256: str
    size: int
    mime: str


async def fetch(
    url: str,
    into: Path,
    *,
    network: httpx.AsyncBaseTransport,
    guard: Guard,
    medium: Medium,
    mask: Callable[[str], str],
    deadline_s: float,
    auth: httpx.Auth | None = None,
    most_bytes: int | None = None,
    clock: Clock | None = None,
) -> Fetched:
    """The file at an address, whole, synced, under `into` and its own ending; repeated and resumed where cut.

    `auth` signs requests to the address's own host, and only those. LinkExpired says that a fresh address
    is needed, Unsuitable that what is there is not the medium, Unreachable that it did not come in time.
    """
    http = httpx.AsyncClient(transport=network, timeout=_SILENCE_S, trust_env=False)
    part = Part(into)
    try:
        download = _Download(url, part, guard, medium, auth, mask, most_bytes or _MOST_BYTES[medium])
        async with asyncio.timeout(deadline_s):
            await _repeated(download, http, clock or Clock(), deadline_s)
        kind = download.kind
        assert kind is not None
        path = into.with_name(into.name + kind.suffix)
        await asyncio.to_thread(part.finish, path)
    except TimeoutError:
        raise Unreachable(
            f"The file at {download.host} did not arrive within {deadline_s:.0f} s ({part.size} bytes did)."
        ) from None
    finally:
        part.drop()
    return Fetched(path, download.digest.hexdigest(), part.size, kind.value)


async def _repeated(download: _Download, http: httpx.AsyncClient, clock: Clock, deadline_s: float) -> None:
    """Goes on until the file is there; what brings nothing new is tried a few times only."""
    fruitless, reached, until = 0, 0, clock.now() + deadline_s

    def enough(state: RetryCallState) -> bool:
        nonlocal fruitless, reached
        fruitless = 0 if download.size > reached else fruitless + 1
        reached = max(reached, download.size)
        return fruitless >= _FRUITLESS_TRIES or clock.now() + state.upcoming_sleep > until

    def pause_s(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked_s = error.after_s if isinstance(error, Throttled) else None
        return max(asked_s or 0.0, clock.up_to(min(_CAP_S, _BASE_S * 2**fruitless)))

    async for attempt in AsyncRetrying(
        retry=retry_if_exception_type(TryAgain), stop=enough, wait=pause_s, sleep=clock.sleep, reraise=True
    ):
        with attempt:
            await download.go_on(http)


class _Download:
    """One file on its way: how far it came, and how to ask for the rest."""

    def __init__(
        self,
        url: str,
        part: Part,
        guard: Guard,
        medium: Medium,
        auth: httpx.Auth | None,
        mask: Callable[[str], str],
        most_bytes: int,
    ) -> None:
        self._guard = guard
        self._url = self._checked(url)
        self._part = part
        self._medium = medium
        self._auth = auth
        self._mask = mask
        self._most = most_bytes
        self._validator: str | None = None
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._part.restart()
        self.digest = hashlib.sha256()
        self.kind: Kind | None = None
        self.size = 0
        self._head = b""
        self._total: int | None = None
        self._waiting: list[bytes] = []

    @property
    def host(self) -> str:
        """Whose file it is; the rest of an address may be as good as a key."""
        return self._url.raw_host.decode("ascii")

    async def go_on(self, http: httpx.AsyncClient) -> None:
        """Asks for the file, or for what is missing of it; TryAgain if that may be repeated."""
        try:
            response = await self._asked(http)
            try:
                self._check(response)
                async for piece in _pieces(response):
                    await self._take(piece)
            finally:
                await response.aclose()
        except httpx.TransportError as error:
            await asyncio.to_thread(self._write)
            raise Unreachable(
                f"The file at {self.host} was cut off after {self.size} bytes ({type(error).__name__})."
            ) from None
        await asyncio.to_thread(self._write)
        self._check_whole()

    async def _asked(self, http: httpx.AsyncClient) -> httpx.Response:
        url = self._url
        for _ in range(_MOST_HOPS + 1):
            at_home = (url.scheme, url.netloc) == (self._url.scheme, self._url.netloc)
            response = await http.send(
                httpx.Request("GET", url, headers=self._headers()),
                stream=True,
                auth=self._auth if at_home else None,
                follow_redirects=False,
            )
            if not response.has_redirect_location:
                return response
            await response.aclose()
            url = self._next(url, response.headers["location"])
        raise Unsuitable(f"{self.host} sends us from address to address; {_MOST_HOPS} were followed.")

    def _headers(self) -> dict[str, str]:
        headers = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "agentes"}
        if self.size and self._validator:
            return headers | {"Range": f"bytes={self.size}-", "If-Range": self._validator}
        return headers

    def _next(self, url: httpx.URL, location: str) -> httpx.URL:
        try:
            there = url.join(location)
        except (httpx.InvalidURL, ValueError):
            raise Unsuitable(f"{self.host} sends us to something that is no address.") from None
        if url.scheme == "https" and there.scheme != "https":
            raise Unsuitable(f"{self.host} sends us to an address without https.")
        return self._checked(str(there))

    def _checked(self, url: str) -> httpx.URL:
        try:
            return self._guard.check_url(url)
        except BadRequest as error:
            raise Unsuitable(f"The file's address may not be asked: {error.what}", todo=error.todo) from None

    def _check(self, response: httpx.Response) -> None:
        """Whether what comes now is the file, or its rest; anything else is an error."""
        status = response.status_code
        if self._auth is not None and status in (401, 402, 403):
            raise Unavailable(f"{self.host} refuses our key ({status}); the file stays there.", because="key")
        if status in _GONE:
            raise LinkExpired(f"The file is not at its address at {self.host} any more ({status}).")
        if status == 416:
            self._begin_anew()
        if status == 429:
            raise Throttled(f"{self.host} asks for patience.", after_s=asked_wait_s(response))
        if status in _PASSING or status >= 500:
            raise Unreachable(f"{self.host} answered {status} instead of the file.")
        if 400 <= status < 500:  # some stores say 400 where they mean that the address has expired
            raise LinkExpired(f"{self.host} answered {status} instead of the file.")
        if status not in (200, 206):
            raise Failed(f"{self.host} answered {status} instead of the file.")
        coat = response.headers.get("content-encoding", "identity").strip().lower()
        if coat not in ("", "identity"):
            raise Unreachable(f"{self.host} sends the file packed ({coat[:20]}), which was not asked for.")
        if status == 206:
            self._check_rest(response)
        else:
            self._begin_anew()
            self._validator = _validator(response)
            told = response.headers.get("content-length", "").strip()
            self._total = int(told) if _LENGTH.fullmatch(told) else None
        if (self._total or 0) > self._most:
            raise self._too_big(self._total or 0)

    def _check_rest(self, response: httpx.Response) -> None:
        told = _RANGE.fullmatch(response.headers.get("content-range", "").strip())
        start, total = (int(told[1]), int(told[3])) if told else (-1, -1)
        fits = start == self.size and self._total in (None, total)
        if not self.size or not fits or _validator(response) not in (None, self._validator):
            self._begin_anew()
            raise Unreachable(f"{self.host} sent another part of the file than was asked for.")
        self._total = total

    async def _take(self, piece: bytes) -> None:
        self.size += len(piece)
        if self.size > self._most:
            raise self._too_big(self.size)
        if self.kind is None:
            self._head += piece[:_SHOWN]
            if len(self._head) >= ENOUGH:
                self.kind = self._recognized()
        self._waiting.append(piece)
        if self.size - self._part.size >= _BATCH:
            await asyncio.to_thread(self._write)

    def _write(self) -> None:
        chunks, self._waiting = self._waiting, []
        self._part.add(chunks)
        for chunk in chunks:
            self.digest.update(chunk)

    def _check_whole(self) -> None:
        if self._total is not None and self.size != self._total:
            raise Unreachable(f"{self.size} of {self._total} bytes came from {self.host}.")
        if not self.size:
            raise Unreachable(f"The file at {self.host} is empty.")
        if self.kind is None:
            self.kind = self._recognized()

    def _recognized(self) -> Kind:
        kind = kind_of(self._head)
        # Sound alone also comes in the boxes of a clip; the probe tells them apart.
        if kind and (kind.medium is self._medium or (self._medium, kind.suffix) == (Medium.VOICE, ".mp4")):
            return kind
        if kind:
            raise Unsuitable(f"{self.host} sent {kind.value}, which is no {self._medium.value}.")
        text = self._head[:_SHOWN].decode("utf-8", "replace")
        shown = self._mask("".join(each if each.isprintable() else " " for each in text)).strip()
        self._begin_anew()
        raise Unreachable(f"{self.host} sent no {self._medium.value} but something that begins “{shown}”.")

    def _too_big(self, size: int) -> Unsuitable:
        return Unsuitable(
            f"The file at {self.host} is too large: {size // _MB} MB, where {self._most // _MB} MB are taken."
        )


def _validator(response: httpx.Response) -> str | None:
    """What tells whether the file is still the same: a strong tag, else its date."""
    tag: str = response.headers.get("etag", "").strip()
    date: str = response.headers.get("last-modified", "")
    return (tag if tag and not tag.startswith("W/") else date) or None


async def _pieces(response: httpx.Response) -> AsyncIterator[bytes]:
    if response.is_stream_consumed:  # a played answer comes read already
        yield response.content
        return
    async for piece in response.aiter_raw():
        yield piece
