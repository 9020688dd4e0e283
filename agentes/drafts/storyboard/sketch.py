"""What one frame is going to show, decided before anything is drawn."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentes.drafts.storyboard import figures
from agentes.drafts.storyboard.backdrops import ABSTRACT, place_of
from agentes.drafts.storyboard.colour import parse
from agentes.drafts.storyboard.palette import Palette, choose
from agentes.drafts.storyboard.staging import DARK_WORDS, IN_THE_BACKDROP, NIGHT
from agentes.media import art, fonts
from shared_knowledge.vocabulary import PhotoIntent

if TYPE_CHECKING:
    from PIL.Image import Image

    from shared_knowledge.vocabulary import Order, PhotoSpec

__all__ = ["Sketch", "sketch"]

_PROPS = 3
_LONGEST_TITLE = 42
# What a brief calls lettering that it does not want, in six languages, by its stem.
_LETTERING = (
    "text",
    "lettering",
    "letra",
    "letter",
    "word",
    "palavra",
    "palabra",
    "testo",
    "scritt",
    "schrift",
    "mots",
)
_MOST_LETTERS = 320  # more than this no frame has room for
_MARKS = {
    "de": "ENTWURF", "es": "BORRADOR", "fr": "ÉBAUCHE", "it": "BOZZA", "nl": "CONCEPT", "pl": "SZKIC",
    "pt": "RASCUNHO",
}  # fmt: skip


@dataclass(frozen=True)
class Sketch:
    """Words, things, colours and the camera's place of one frame."""

    intent: PhotoIntent
    title: str
    eyebrow: str
    caption: str
    shot: str
    badges: tuple[str, ...]
    mark: str
    palette: Palette
    tint: str | None
    figure: str | None
    monogram: str
    props: tuple[str, ...]
    picture: Image | None
    backdrop: str
    take: int
    seed: int


def sketch(order: Order, spec: PhotoSpec, picture: Image | None) -> tuple[Sketch, tuple[str, ...]]:
    """The sketch of an order, and what of it cannot be drawn, in sentences."""
    subjects = art.find(spec.subject, spec.language)
    scenery = art.find(spec.scene, spec.language)
    unwanted = {name for words in spec.negative for name in art.find(words, spec.language)}
    figure = next((name for name in (*subjects, *scenery) if name not in unwanted), None)
    tint = next((colour.hex for wish in spec.palette if (colour := parse(wish))), None)
    number = _number(spec.subject.casefold(), spec.seed)
    take = _take(order, spec)
    palette = choose(spec.palette, number, figures.average(figure, tint) if figure else None)
    around = tuple(dict.fromkeys((*scenery, *subjects)))
    if not NIGHT.isdisjoint(around) or not DARK_WORDS.isdisjoint(re.findall(r"\w+", spec.scene.casefold())):
        palette = palette.night
    writable = {
        name: _writable(text)
        for name, text in (("subject", spec.subject), ("scene", spec.scene), ("label", spec.label or ""))
    }
    lost = fonts.missing(f"{spec.subject}{spec.scene}{spec.label or ''}")
    subject, label = _capital(writable["subject"]), writable["label"]
    if any(word.casefold().startswith(_LETTERING) for word in spec.negative):
        subject = label = writable["scene"] = ""
    title, eyebrow = (subject, label) if 0 < len(subject) <= _LONGEST_TITLE else (label or subject, subject)
    eyebrow = "" if eyebrow.casefold() == title.casefold() else eyebrow
    badges = tuple(part for part in re.split(r"\s*[·|•]\s*", spec.badge or spec.aspect_ratio) if part)
    done = Sketch(
        intent=spec.intent,
        title=title,
        eyebrow=eyebrow,
        caption=_capital(writable["scene"]),
        shot=label or subject,
        badges=tuple(_writable(badge) for badge in badges),
        mark=_MARKS.get(spec.language[:2].lower(), "DRAFT"),
        palette=palette,
        tint=tint,
        figure=figure,
        monogram=next((sign for sign in subject if sign.isalnum()), "").upper(),
        props=tuple(
            name for name in around if name not in {figure, *unwanted} and name not in IN_THE_BACKDROP
        )[:_PROPS],
        picture=picture,
        backdrop=place_of(around) or ABSTRACT[(number + take) % len(ABSTRACT)],
        take=take,
        seed=_number(f"{spec.subject}|{spec.scene}|{spec.label}|{take}", spec.seed),
    )
    warnings = (
        (f"No shipped font can write {' '.join(lost[:12])}: the draft goes without the words they stand in.",)
        if lost
        else ()
    )
    return done, warnings


def _number(text: str, seed: int) -> int:
    return zlib.crc32(f"{seed}|{text}".encode("utf-8", "replace"))


def _take(order: Order, spec: PhotoSpec) -> int:
    """Which take of its subject this is: the number in its label, else the number of its task."""
    for words in (spec.label or "", order.task):
        if found := re.search(r"\d{1,4}", words):
            return int(found[0])
    return _number(spec.scene, spec.seed) % 97


def _writable(text: str) -> str:
    """What we can write of a text: without signs we lack, and nothing at all if letters are among them."""
    lost = set(fonts.missing(text))
    if any(sign.isalpha() for sign in lost):
        return ""
    kept = "".join(sign for sign in fonts.visible(text[: 2 * _MOST_LETTERS]) if sign not in lost)
    return " ".join(kept[:_MOST_LETTERS].split())


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
