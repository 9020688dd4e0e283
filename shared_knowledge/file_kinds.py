"""The kinds of file we take in, told by their first bytes: names and headers prove nothing."""

from __future__ import annotations

from enum import Enum

from shared_knowledge.vocabulary import Medium

__all__ = ["ENOUGH", "Kind", "kind_of"]

ENOUGH = 16
"""So many bytes tell the kind of a file."""


class Kind(Enum):
    """One kind of file; the value is the media type."""

    PNG = "image/png"
    JPEG = "image/jpeg"
    WEBP = "image/webp"
    MP4 = "video/mp4"
    MOV = "video/quicktime"
    WEBM = "video/webm"
    M4A = "audio/mp4"
    WAV = "audio/wav"
    MP3 = "audio/mpeg"
    OGG = "audio/ogg"
    FLAC = "audio/flac"
    AAC = "audio/aac"

    @property
    def medium(self) -> Medium:
        family = self.value.partition("/")[0]
        return {"image": Medium.PHOTO, "video": Medium.VIDEO, "audio": Medium.VOICE}[family]

    @property
    def suffix(self) -> str:
        """How the name of such a file ends."""
        return ".jpg" if self is Kind.JPEG else f".{self.name.lower()}"


_BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", Kind.PNG),
    (b"\xff\xd8\xff", Kind.JPEG),
    (b"\x1aE\xdf\xa3", Kind.WEBM),
    (b"OggS", Kind.OGG),
    (b"fLaC", Kind.FLAC),
    (b"ID3", Kind.MP3),
)
_RIFF = {b"WAVE": Kind.WAV, b"WEBP": Kind.WEBP}
_BRANDS = {b"qt  ": Kind.MOV, b"M4A ": Kind.M4A}
_STILL_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1")


def kind_of(head: bytes) -> Kind | None:
    """The kind of file that begins so; None if it is nothing we take in."""
    for beginning, kind in _BEGINNINGS:
        if head.startswith(beginning):
            return kind
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12])
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        return None if brand in _STILL_BRANDS else _BRANDS.get(brand, Kind.MP4)
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        return Kind.AAC if head[1] & 0x06 == 0 else Kind.MP3
    return None
