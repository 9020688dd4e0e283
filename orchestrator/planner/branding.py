"""The looks and the voice of a brand, where the words of the brief leave them open."""

from __future__ import annotations

from collections.abc import Collection

from orchestrator.brief.reading import Reading
from orchestrator.planner.notes import Notes, listed
from shared_knowledge.vocabulary import Brand, Medium

__all__ = ["as_branded"]


def as_branded(reading: Reading, brand: Brand, media: Collection[Medium], notes: Notes) -> Reading:
    """The same reading with its gaps filled from the brand; what the brief says itself always wins."""
    own: dict[str, object] = {}
    if set(media) & {Medium.PHOTO, Medium.VIDEO}:
        if brand.palette and not reading.palette:
            own["palette"] = brand.palette
            notes.assume(f"The brief names no colours: those of the brand, {listed(brand.palette)}.")
        if brand.look:
            own["scene"] = ", ".join(filter(None, (reading.scene.rstrip(" .,;"), brand.look)))
            notes.assume(f"The look of the brand was added: {brand.look}.")
        if brand.never:
            own["shunned"] = brand.never
            notes.assume(f"Never shown for the brand: {listed(brand.never)}.")
    if Medium.VOICE in media:
        if brand.voice_gender and reading.voice_gender is None:
            own["voice_gender"] = brand.voice_gender
            notes.assume(
                f"The brief names no kind of voice: a {brand.voice_gender} one, as the brand has it."
            )
        if brand.voice_style and not reading.voice_style:
            own["voice_style"] = brand.voice_style
            notes.assume(f"The brief says nothing of how to speak: {brand.voice_style}, as the brand has it.")
    return reading.model_copy(update=own)
