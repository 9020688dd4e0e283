"""The kinds of providers that differ in what can be known after a crash, each with a small job of its own."""

from __future__ import annotations

from kill_life import Kind

from shared_knowledge.vocabulary import Brief, Choice

__all__ = ["KINDS"]


def _brief(text: str, platform: str, model: str | None = None) -> Brief:
    return Brief(text=text, use=(Choice(platform=platform, model=model),))


_PHOTO = "one square photo of a red bicycle"
_CLIP = "5 s vertical video of a red bicycle"

KINDS = {
    kind.name: kind
    for kind in (
        Kind("openai_images", _brief(_PHOTO, "openai_images"), ("OPENAI_API_KEY",), knows="never"),
        Kind("runway", _brief(_CLIP, "runway"), ("RUNWAYML_API_SECRET",), knows="never"),
        Kind("kling", _brief(_CLIP, "kling"), ("KLING_ACCESS_KEY", "KLING_SECRET_KEY"), knows="if bought"),
        Kind(
            "elevenlabs",
            _brief("voice-over in English: 'Good morning.'", "elevenlabs"),
            ("ELEVENLABS_API_KEY",),
            knows="if bought",
        ),
        Kind("draft_picture", _brief(_PHOTO, "draft_picture")),
    )
}
