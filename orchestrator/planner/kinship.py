"""What belongs together: shots of one subject share a model, and what they are grown out of, unless told otherwise."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from orchestrator.planner.cut import Cut
from orchestrator.planner.groups import Wanted
from orchestrator.planner.notes import Notes, listed
from shared_knowledge.vocabulary import Brief, Medium, Quality

__all__ = ["families", "shared_references"]

_PLURAL = {Medium.PHOTO: "pictures", Medium.VIDEO: "clips", Medium.VOICE: "voices"}
_THINGS = (
    r"(?:\w+\s+)?(?:models?|modelos?|modell[eio]n?|modèles?|platforms?|plataformas?|plattformen|plateformes?"
    r"|piattaforme|vendors?|providers?|generators?|geradores|generadores|générateurs?|generatori|kis?|ais?|ias?)"
)
_OTHER = (
    r"(?:different|various|several|diferentes?|distint[oa]s|vari[oa]s|vári[oa]s|différent(?:e?s)?|plusieurs"
    r"|verschieden(?:en?|er)?|mehrer(?:en?|er)|unterschiedlich(?:en?|er)?|divers[ie]|differenti)"
)
_APART = rf"\b(?:{_OTHER}\s+{_THINGS}|{_THINGS}\s+{_OTHER})\b"


def families(
    wanted: list[Wanted],
    subject: Callable[[Wanted], str],
    quality: Mapping[str, Quality],
    spoken: Mapping[str, str],
    text: str,
    brief: Brief,
    notes: Notes,
) -> dict[str, str]:
    """The group of every asset that has relatives: pictures or clips of one subject, voices of one language."""
    together: dict[tuple[Medium, str, Quality, bool], list[str]] = {}
    for one in wanted:
        shown = spoken[one.id] if one.medium is Medium.VOICE else subject(one)
        together.setdefault(
            (
                one.medium,
                shown.casefold(),
                quality[one.id],
                one.medium is Medium.PHOTO and bool(one.references),
            ),
            [],
        ).append(one.id)
    found: dict[str, str] = {}
    for (medium, *_), names in together.items():
        if len(names) < 2 or _told_apart(medium, text, brief):
            continue
        notes.assume(f"{listed(names)} belong together: one model makes these {_PLURAL[medium]}.")
        found |= dict.fromkeys(names, names[0])
    return found


def shared_references(
    wanted: list[Wanted], cut: Cut | None, family: Mapping[str, str], notes: Notes
) -> dict[str, tuple[str, ...]]:
    """The files each asset starts from: its own or, for a clip of a film that has none, those of its relatives."""
    given = {one.id: one.references for one in wanted}
    for clip in cut.clips if cut else ():
        if given[clip.id] or clip.asked.depends_on or clip.id not in family:
            continue
        relatives = [one for one in cut.clips if family.get(one.id) == family[clip.id]] if cut else []
        source = next((one for one in relatives if one.references), None)
        if source:
            given[clip.id] = source.references
            notes.assume(
                f"What {source.id} is made from is there for {{tasks}} too: {listed(source.references)}.",
                clip.id,
            )
    return given


def _told_apart(medium: Medium, text: str, brief: Brief) -> bool:
    """Whether the brief wants several makers of one medium, to compare or to mix."""
    named = {(one.platform, one.model) for one in brief.use if one.medium is medium}
    return len(named) > 1 or re.search(_APART, text, re.IGNORECASE) is not None
