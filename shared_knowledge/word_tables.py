"""Tables about words and keys: how each platform is spoken to, with an example, and which key opens it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import tomli

from shared_knowledge.catalogue import Catalogue
from shared_knowledge.platform_facts import Audio, Mode, Model, Platform
from shared_knowledge.prompts import manner_of, render, tidy
from shared_knowledge.vocabulary import Medium

__all__ = [
    "SAMPLE_SHOTS",
    "SAMPLE_VOICE",
    "SAMPLE_WISH",
    "doctor_tells",
    "keys",
    "manners",
    "markdown",
    "notes",
    "words",
]

SAMPLE_WISH: Mapping[str, Any] = {
    "subject": "a blue ceramic mug",
    "words": "on an oak table, morning light",
    "palette": (),
    "negative": ("people",),
    "ratio": "9:16",
}
SAMPLE_SHOTS: tuple[Mapping[str, Any], ...] = tuple(
    {
        "label": label,
        "what": what,
        "seconds": "5",
        "from_s": from_s,
        "to_s": from_s + 5.0,
        "number": number,
        "of": 2,
    }
    for number, label, what, from_s in (
        (1, "Opening", "wide shot", 0.0),
        (2, "Closing", "one last look", 5.0),
    )
)
SAMPLE_VOICE: Mapping[str, Any] = {
    "accent": "Brazilian Portuguese",
    "gender": "female",
    "style": "calm and warm",
    "seconds": "15",
}
_PAGE = Path(__file__).with_name("cards") / "keys.toml"
_OWN_FIELD = {"in_words": "in the words", "apart": "a field of its own"}


def markdown(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown; an empty cell is a dash."""
    names = list(head)
    lines = [names, ["---"] * len(names), *(list(row) for row in rows)]
    return "\n".join(f"| {' | '.join(cell or '–' for cell in line)} |" for line in lines)


def words(medium: Medium, catalogue: Catalogue) -> str:
    """How each platform of a medium is spoken to and how much it reads."""
    rows = ([f"`{one.id}`", *_spoken_to(one)] for one in catalogue.of(medium) if not one.local)
    if medium is Medium.VOICE:
        return markdown(["platform", "reads at most", "languages of its models"], rows)
    beside = "pictures beside the words" if medium is Medium.PHOTO else "first frame"
    tail = [] if medium is Medium.PHOTO else ["sound"]
    return markdown(["platform", "manner", "reads at most", "what must not be seen", beside, *tail], rows)


def manners(medium: Medium, catalogue: Catalogue) -> str:
    """The prompt of one and the same wish in every manner of a medium, as the agents write it."""
    spoken: dict[str, list[Platform]] = {}
    for platform in catalogue.of(medium):
        if not platform.local:
            spoken.setdefault(manner_of(medium, platform.id), []).append(platform)
    return "\n\n".join(
        f"**{manner}** ({', '.join(f'`{one.id}`' for one in platforms)})\n\n"
        f"```text\n{_example(medium, manner, platforms[0])}\n```"
        for manner, platforms in spoken.items()
    )


def notes(catalogue: Catalogue) -> str:
    """The notes on delivery of one wish, as the voice agent writes them; the same for every platform."""
    told = render("voice/delivery.j2", names=[], rate=1.0, turns=1, **SAMPLE_VOICE)
    return f"```text\n{' '.join(told.split())}\n```"


def keys(catalogue: Catalogue) -> str:
    """For each platform: its variables, where its key is made and what that must be allowed, the check, the trap."""
    page = _key_page()
    head = ["platform", "variables", "where the key is made", "what it must be allowed"]
    head += ["`agentes doctor --live` tells", "trap"]
    rows = []
    for platform in sorted((one for one in catalogue.platforms if not one.local), key=lambda one: one.id):
        facts = page["platforms"][platform.id]
        key = page["keys"][facts["key"]]
        told = facts["told"] or "nothing: it has no question that is free"
        made = [f"<{key['where']}>", key["may"]]
        rows.append([f"`{platform.id}`", _variables(platform), *made, told, facts["trap"]])
    return markdown(head, rows)


def doctor_tells() -> dict[str, str]:
    """What `agentes doctor --live` can learn from each platform; nothing where it has no free question."""
    return {name: facts["told"] for name, facts in _key_page()["platforms"].items()}


def _key_page() -> dict[str, Any]:
    return tomli.loads(_PAGE.read_text("utf-8"))


def _variables(platform: Platform) -> str:
    told = []
    for secret in platform.secrets:
        older = f" (also `{'`, `'.join(secret.older)}`)" if secret.older else ""
        told.append(f"`{secret.name}`{older}")
    return ", ".join(told)


def _spoken_to(platform: Platform) -> list[str]:
    if platform.medium is Medium.VOICE:
        return [_reads(platform), _languages(platform)]
    manner, negatives = manner_of(platform.medium, platform.id), _OWN_FIELD[platform.negatives]
    if platform.medium is Medium.PHOTO:
        most = max((model.references for model in platform.models), default=0)
        return [manner, _reads(platform), negatives, f"up to {most}, {_kinds(platform)}" if most else ""]
    framed = any(Mode.IMAGE_TO_VIDEO in model.modes for model in platform.models)
    return [manner, _reads(platform), negatives, _kinds(platform) if framed else "", _sound(platform.models)]


def _reads(platform: Platform) -> str:
    """The limits of its models, the least first; one that is not on file is not told."""
    limits = {(model.prompt.most, model.prompt.unit) for model in platform.models if model.prompt}
    units = {unit for _, unit in limits}
    spans = []
    for unit in sorted(units):
        figures = sorted(most for most, of in limits if of == unit)
        span = f"{figures[0]:,}" if len(figures) == 1 else f"{figures[0]:,} to {figures[-1]:,}"
        spans.append(f"{span} {unit}")
    return ", ".join(spans) or "not on file"


def _languages(platform: Platform) -> str:
    known = {"all" if model.languages == "all" else str(len(model.languages)) for model in platform.models}
    return " or ".join(sorted(known, key=lambda one: (one == "all", one.zfill(4))))


def _kinds(platform: Platform) -> str:
    if platform.pictures is None:
        return ""
    return f"{'/'.join(platform.pictures.kinds)} up to {platform.pictures.most_mb} MB"


def _sound(models: Iterable[Model]) -> str:
    return " or ".join(audio.value for audio in Audio if any(model.audio is audio for model in models))


def _example(medium: Medium, manner: str, platform: Platform) -> str:
    """What the agent of that medium would send; a test compares it with the agent itself."""
    wish = dict(SAMPLE_WISH)
    if platform.negatives == "apart":
        wish["negative"] = ()
    if medium is Medium.PHOTO:
        return tidy(render("photo/hero.j2", manner=manner, brevity=0, shape="tall", **wish))
    wish |= {"shots": [dict(shot) for shot in SAMPLE_SHOTS], "camera_told": False, "audio": False}
    return tidy(render("video/text_to_video.j2", manner=manner, brevity=0, **wish))
