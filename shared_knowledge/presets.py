"""Ready-made briefs: a subject goes in, and the words of a whole brief come out.

The folder is the list: a file in `presets/` is a preset, named after the file.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

import tomli
from pydantic import Field

from shared_knowledge.errors import BadRequest
from shared_knowledge.vocabulary import Frozen, Quality

__all__ = ["Preset", "preset", "presets"]

_LONGEST_SUBJECT = 300
_LANGUAGES = {
    "en": "English",
    "pt": "Portuguese",
    "pt-BR": "Brazilian Portuguese",
    "pt-PT": "European Portuguese",
    "es": "Spanish",
    "fr": "French",
    "de": "German",
    "it": "Italian",
    "nl": "Dutch",
    "pl": "Polish",
    "ja": "Japanese",
    "zh": "Chinese",
    "ko": "Korean",
}


class Preset(Frozen):
    """One ready-made brief: its words with a slot for the subject, and what they amount to."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    name: str = Field(min_length=1)
    description: str = Field(min_length=1)
    brief: str
    ratio: str
    duration_s: float | None = Field(default=None, gt=0)
    quality: Quality
    voice: bool
    captions: bool
    photos: int = Field(ge=0, le=4)
    shots: int = Field(ge=0)

    def words(self, subject: str, language: str = "en") -> str:
        """The whole brief about a subject, spoken in a language if it has a voice."""
        about = " ".join(subject.split())
        if not about or len(about) > _LONGEST_SUBJECT:
            raise BadRequest(
                f"A preset needs a subject of 1 to {_LONGEST_SUBJECT} characters.",
                todo='Say what it is about, such as "a ceramic mug".',
            )
        spoken = _LANGUAGES.get(language) or _LANGUAGES.get(language.split("-")[0])
        if self.voice and spoken is None:
            raise BadRequest(
                f"The presets do not speak {language!r}.", todo=f"Use one of {', '.join(_LANGUAGES)}."
            )
        # The subject goes in last, so that a slot's name inside it stays text.
        return self.brief.replace("$language", spoken or "").replace("$subject", about)


@cache
def presets() -> tuple[Preset, ...]:
    """All presets, by name of their file."""
    room = resources.files("shared_knowledge") / "presets"
    files = sorted(
        (entry for entry in room.iterdir() if entry.name.endswith(".toml")), key=lambda file: file.name
    )
    return tuple(
        Preset.model_validate({**tomli.loads(file.read_text("utf-8")), "id": file.name.removesuffix(".toml")})
        for file in files
    )


def preset(preset_id: str) -> Preset:
    """The preset of that id; a BadRequest that names the others if there is none."""
    for known in presets():
        if known.id == preset_id:
            return known
    raise BadRequest(
        f"There is no preset {preset_id!r}.", todo=f"Use one of {', '.join(known.id for known in presets())}."
    )
