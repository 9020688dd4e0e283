"""A body without its compression, a little at a time: a bomb never goes off in one piece."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Iterator

import httpx

from agentes.wire.sieve import TooBig

__all__ = ["unpacked"]

_AT_ONCE = 256 * 1024
_ZLIB, _GZIP, _BARE_DEFLATE = 15, 31, -15


async def unpacked(response: httpx.Response, most_bytes: int) -> AsyncIterator[bytes]:
    """The body in small pieces, at most so many bytes of it; TooBig if there are more."""
    if response.is_stream_consumed:  # a played or a made answer comes read already
        if len(response.content) > most_bytes:
            raise TooBig(f"the answer is larger than {most_bytes} bytes")
        yield response.content
        return
    coat = response.headers.get("content-encoding", "").strip().lower()
    if coat not in ("", "identity", "gzip", "x-gzip", "deflate"):
        raise httpx.DecodingError(f"the answer is packed as {coat[:40]}, which was not asked for")
    unpacker = None if coat in ("", "identity") else _Unpacker(_ZLIB if coat == "deflate" else _GZIP)
    total = 0
    try:
        async for packed in response.aiter_raw():
            for piece in (packed,) if unpacker is None else unpacker.unpack(packed):
                total += len(piece)
                if total > most_bytes:
                    raise TooBig(f"the answer is larger than {most_bytes} bytes")
                yield piece
    except zlib.error as error:
        raise httpx.DecodingError(str(error)) from error
    if unpacker is not None and not unpacker.ended:
        raise httpx.DecodingError("the packed answer is cut off")


class _Unpacker:
    """Undoes gzip and deflate."""

    def __init__(self, bits: int) -> None:
        self._bits = bits
        self._inflate = zlib.decompressobj(bits)
        self._begun = False

    @property
    def ended(self) -> bool:
        return self._inflate.eof or not self._begun

    def unpack(self, packed: bytes) -> Iterator[bytes]:
        more = True
        while packed or more:
            if self._inflate.eof:  # several gzip members may follow one another
                self._inflate = zlib.decompressobj(self._bits)
            piece = self._once(packed)
            over = self._inflate.eof
            packed = self._inflate.unused_data if over else self._inflate.unconsumed_tail
            more = not over and len(piece) == _AT_ONCE
            if piece:
                yield piece

    def _once(self, packed: bytes) -> bytes:
        begun, self._begun = self._begun, True
        try:
            return self._inflate.decompress(packed, _AT_ONCE)
        except zlib.error:
            if begun or self._bits != _ZLIB:
                raise
            # "deflate" means zlib by the book, and the bare stream to some servers.
            self._bits = _BARE_DEFLATE
            self._inflate = zlib.decompressobj(self._bits)
            return self._inflate.decompress(packed, _AT_ONCE)
