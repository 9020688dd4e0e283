"""What has arrived, by its first bytes: the name and the header of an answer prove nothing."""

from __future__ import annotations

from typing import NamedTuple

from shared_knowledge.vocabulary import Medium

__all__ = ["ENOUGH", "Ending", "ending_of"]

ENOUGH = 16
"""So many bytes tell the kind of a file."""


class Ending(NamedTuple):
    """How a kind of file ends, and what it is called on the wire."""

    suffix: str
    mime: str

    @property
    def medium(self) -> Medium:
        family = self.mime.partition("/")[0]
        return {"image": Medium.PHOTO, "video": Medium.VIDEO, "audio": Medium.VOICE}[family]


_BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", Ending(".png", "image/png")),
    (b"\xff\xd8\xff", Ending(".jpg", "image/jpeg")),
    (b"\x1aE\xdf\xa3", Ending(".webm", "video/webm")),
    (b"OggS", Ending(".ogg", "audio/ogg")),
    (b"fLaC", Ending(".flac", "audio/flac")),
    (b"ID3", Ending(".mp3", "audio/mpeg")),
)
_RIFF = {b"WAVE": Ending(".wav", "audio/wav"), b"WEBP": Ending(".webp", "image/webp")}
_BRANDS = {b"qt  ": Ending(".mov", "video/quicktime"), b"M4A ": Ending(".m4a", "audio/mp4")}
_STILL_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1")


def ending_of(head: bytes) -> Ending | None:
    """The kind of file that begins so; None if it is nothing we take in."""
    for beginning, ending in _BEGINNINGS:
        if head.startswith(beginning):
            return ending
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12])
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        return None if brand in _STILL_BRANDS else _BRANDS.get(brand, Ending(".mp4", "video/mp4"))
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        adts = head[1] & 0x06 == 0
        return Ending(".aac", "audio/aac") if adts else Ending(".mp3", "audio/mpeg")
    return None
