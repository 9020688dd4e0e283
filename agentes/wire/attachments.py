"""Pictures that travel with an order: read once, in whatever coat the vendor wants."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from pathlib import Path

from shared_knowledge.errors import Broken

__all__ = ["Attachment"]

_ENDINGS = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp"}


@dataclass(frozen=True)
class Attachment:
    """A file on its way out: its name, its kind, its bytes."""

    name: str
    mime: str
    content: bytes = field(repr=False)

    @classmethod
    def read(cls, path: str) -> Attachment:
        """The file at a path; the engine has already seen to its kind and size."""
        file = Path(path)
        mime = _ENDINGS.get(file.suffix.lower())
        if mime is None:
            raise Broken(f"{file.name} is no picture that can be sent along.")
        try:
            return cls(f"reference{file.suffix.lower()}", mime, file.read_bytes())
        except OSError as error:
            raise Broken(
                f"{file.name} cannot be read: {error.strerror}.", todo="Put it back, then resume."
            ) from error

    @property
    def base64(self) -> str:
        """The bytes as bare base64."""
        return base64.b64encode(self.content).decode("ascii")

    @property
    def inline_uri(self) -> str:
        """The bytes as a `data:` address."""
        return f"data:{self.mime};base64,{self.base64}"
