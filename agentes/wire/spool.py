"""An answer goes to the disk as it arrives: what was paid for is never only in memory.

The adapter is given the answer without its weight. Strings too long to hold and bodies that are no
JSON stay in the file, from which `bring_out` and `bring_body` make media.
"""

from __future__ import annotations

import asyncio
import binascii
import re
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx

from agentes.wire.kept import Keeper, body_in
from agentes.wire.parts import Part
from agentes.wire.said import Unintelligible
from agentes.wire.sieve import LONG, Sieve, find_text, read_stretch
from agentes.wire.unpacking import unpacked
from shared_knowledge.errors import Broken, Unsuitable
from shared_knowledge.file_kinds import ENOUGH, kind_of

__all__ = ["Spool", "bring_body", "bring_out", "lightened"]

_BATCH = 1024 * 1024
_ABOUT_THE_COAT = {"content-encoding", "content-length", "transfer-encoding"}
_WAV = struct.Struct("<4sI4s4sIHHIIHH4sI")
_STANDARD = bytes.maketrans(b"-_", b"+/")
_UNFINISHED = re.compile(rb"\\(?:u[0-9a-fA-F]{0,3})?\Z")
_ESCAPE = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
_DATA_URI = re.compile(rb"\Adata:[^,]{0,200},")
_NEVER_JSON = re.compile(r"(?:audio|image|video|font)/(?!.*json)")


class Spool:
    """Takes in one answer. A durable one lies whole and synced at `path` before anybody reads it.

    A file at `path` is always a complete answer: until then it is called `.part`. A keeper seals it first.
    """

    def __init__(self, path: Path, *, durable: bool, most_bytes: int, keeper: Keeper | None = None) -> None:
        self._path = path
        self._durable = durable
        self._most = most_bytes
        self._keeper = keeper
        self._size = 0
        self._is_json: bool | None = None
        self._sieve: Sieve | None = None
        self._part: Part | None = None
        self._waiting: list[bytes] = []
        self._waiting_size = 0
        self._light = b""

    async def take(self, response: httpx.Response) -> httpx.Response:
        """Reads the answer to its end and gives it back light: long strings stood in for, a file's body empty.

        What interrupts the reading is raised as it is; of a durable answer the `.part` is left to look at.
        """
        if not self._durable:
            self._path.unlink(missing_ok=True)
        whole = False
        try:
            async for piece in unpacked(response, self._most):
                await self._add(piece, response)
            self._light = self._content()
            if self._durable or self._heavy:
                await asyncio.to_thread(self._finish, response)
            whole = True
        finally:
            if not whole:
                await response.aclose()
                self._abandon(response)
        return _lighter(response, self._light)

    async def keep(self) -> Path:
        """Sees to it that the answer lies whole on the disk, also one that was light enough for memory."""
        if not self._durable and not self._heavy:
            self._waiting = [self._light]
            await asyncio.to_thread(self._finish)
        return self._path

    @property
    def _heavy(self) -> bool:
        """Whether the answer has something that is not given on in memory, or is on its way to the disk."""
        through = self._sieve is not None and bool(self._sieve.long or self._sieve.passing)
        return self._part is not None or through or self._is_json is False

    async def _add(self, piece: bytes, response: httpx.Response) -> None:
        self._size += len(piece)
        if self._is_json is None:
            self._is_json = _looks_like_json(piece, response.headers.get("content-type", ""))
        self._waiting.append(piece)
        self._waiting_size += len(piece)
        if self._sieve is not None:
            self._sieve.feed(piece)
        elif self._is_json and self._size > LONG:  # before that no string can be too long
            self._sieve = Sieve()
            for waiting in self._waiting:
                self._sieve.feed(waiting)
        if self._waiting_size >= _BATCH:
            await asyncio.to_thread(self._write)

    def _content(self) -> bytes:
        if self._is_json is False:
            return b""
        return b"".join(self._waiting) if self._sieve is None else bytes(self._sieve.kept)

    def _write(self) -> None:
        chunks, self._waiting, self._waiting_size = self._waiting, [], 0
        if self._part is None:
            self._part = Part(self._path)
        self._part.add(chunks)

    def _finish(self, response: httpx.Response | None = None) -> None:
        self._write()
        assert self._part is not None
        if self._keeper is not None and response is not None:
            self._part.add([self._keeper.seal(response)])
        self._part.finish(self._path)

    def _abandon(self, response: httpx.Response) -> None:
        if self._durable and self._waiting:
            self._write()
        if self._part is not None and self._durable:
            if self._keeper is not None and self._is_json and self._size <= LONG:
                self._part.add([self._keeper.seal(response, cut=True)])
            self._part.leave()
        elif self._part is not None:
            self._part.drop()


def _looks_like_json(piece: bytes, said: str) -> bool | None:
    """Whether a body that begins so is JSON; None while it is too early to say."""
    kind = said.partition(";")[0].strip().lower()
    if kind.endswith("json"):
        return True
    if _NEVER_JSON.match(kind):
        return False
    beginning = piece.lstrip()[:1]
    return beginning in (b"{", b"[") if beginning else None


def lightened(answer: Path, said: str) -> bytes:
    """An answer on disk as an adapter is given it: long strings stood in for, a file's body empty. It blocks."""
    sieve, size, is_json, light = Sieve(), 0, None, b""
    for piece in body_in(answer):
        size += len(piece)
        is_json = _looks_like_json(piece, said) if is_json is None else is_json
        if is_json is False:
            return b""
        light = piece
        sieve.feed(piece)
    return light if size <= LONG else bytes(sieve.kept)


def _lighter(response: httpx.Response, content: bytes) -> httpx.Response:
    headers = [(n, v) for n, v in response.headers.multi_items() if n.lower() not in _ABOUT_THE_COAT]
    light = httpx.Response(
        response.status_code, headers=headers, content=content, extensions=response.extensions
    )
    with suppress(RuntimeError):  # below the client, an answer does not know its request yet
        light.request = response.request
    return light


def bring_out(answer: Path, pointer: str, into: Path, *, pcm_rate: int | None = None) -> Path:
    """The file that stands as base64 at a JSON pointer in an answer on disk, under `into` and its own ending.

    Sound without a header, of `pcm_rate` samples a second, gets one. It blocks; free, and repeatable.
    """
    try:
        found = find_text(answer, pointer)
    except Unintelligible as error:
        raise Unsuitable(f"The answer holds no file where it should be: {error}.") from error
    except OSError as error:
        raise _gone(answer, error) from error
    text = iter([found.encode()]) if isinstance(found, str) else _unescaped(read_stretch(answer, found))
    try:
        return _bring(_decoded(text), into, pcm_rate)
    except binascii.Error as error:
        raise Unsuitable(f"The file in the answer is not whole base64: {error}.") from error


def bring_body(answer: Path, into: Path, *, pcm_rate: int | None = None) -> Path:
    """The file that is the whole body of an answer on disk, under `into` and its own ending.

    Sound without a header, of `pcm_rate` samples a second, gets one. It blocks; free, and repeatable.
    """
    try:
        return _bring(body_in(answer), into, pcm_rate)
    except OSError as error:
        raise _gone(answer, error) from error


def _gone(answer: Path, error: OSError) -> Broken:
    return Broken(
        f"The answer {answer.name} cannot be read: {error.strerror or error}.",
        todo="Was AGENTES_HOME cleaned? The order is paid, and its answer was there.",
    )


def _bring(chunks: Iterator[bytes], into: Path, pcm_rate: int | None) -> Path:
    head = b""
    while len(head) < ENOUGH and (chunk := next(chunks, None)) is not None:
        head += chunk
    if not head:
        raise Unsuitable("The file in the answer is empty.")
    bare_rate = None if head.startswith(b"RIFF") else pcm_rate
    kind = kind_of(_wav_header(bare_rate, 0) if bare_rate else head)
    if kind is None:
        raise Unsuitable(f"The answer is no picture, clip or sound we know: it begins {head[:8].hex(' ')}.")
    part = Part(into)
    try:
        part.add([_wav_header(bare_rate, 0)] if bare_rate else [])
        part.add([head])
        for chunk in chunks:
            part.add([chunk])
        if bare_rate:
            part.cut(part.size // 2 * 2)  # half a sample is none
            part.overwrite_beginning(_wav_header(bare_rate, part.size - _WAV.size))
        return part.finish(into.with_name(into.name + kind.suffix))
    finally:
        part.drop()


def _wav_header(rate: int, size: int) -> bytes:
    """What stands before 16-bit samples of one channel."""
    return _WAV.pack(
        *(b"RIFF", _WAV.size - 8 + size, b"WAVE", b"fmt ", 16),
        *(1, 1, rate, rate * 2, 2, 16, b"data", size),
    )


def _unescaped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The inside of a JSON string as text, as far as base64 can have it."""
    rest = b""
    for piece in pieces:
        text = rest + piece
        if b"\\" not in text:
            rest = b""
            yield text
            continue
        cut = _UNFINISHED.search(text)
        rest = cut[0] if cut else b""
        text = text[: len(text) - len(rest)].replace(b"\\/", b"/")
        yield _ESCAPE.sub(_character, text) if b"\\" in text else text
    yield rest


def _character(escape: re.Match[bytes]) -> bytes:
    if escape[1]:
        return chr(int(escape[1], 16)).encode("utf-8", "replace")
    return b" " if escape[0][1:] in b"nrt" else escape[0][1:]


def _decoded(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The bytes behind base64 of either alphabet, padded or not, broken into lines or not."""
    rest, first, padded = b"", True, False
    for piece in pieces:
        if padded and piece.strip():
            raise binascii.Error("there is more after its end")
        text = rest + piece
        if first:
            text, first = _DATA_URI.sub(b"", text, count=1), False
        cut = len(text) - len(text) % 4
        try:
            plain = binascii.a2b_base64(text[:cut], strict_mode=True)
        except binascii.Error:
            text = text.translate(_STANDARD, b" \t\r\n")
            padding = len(text) - len(text.rstrip(b"="))
            cut = (len(text) - padding) // 4 * 4
            plain = binascii.a2b_base64(text[:cut], strict_mode=True)
        rest, padded = text[cut:], padded or text[:cut].endswith(b"=")
        if plain:
            yield plain
    last = rest.translate(_STANDARD, b" \t\r\n").rstrip(b"=")
    if last:
        yield binascii.a2b_base64(last + b"=" * (-len(last) % 4), strict_mode=True)
