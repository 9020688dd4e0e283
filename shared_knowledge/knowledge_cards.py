"""The cards people and agents read about the platforms, with tables that come out of the catalogue itself.

A card is Markdown in `cards/`; the reference of keys in `docs/` is written the same way. What stands between
`<!-- table: NAME -->` and `<!-- end -->` is written by this module: `python -m shared_knowledge.knowledge_cards`
brings every page up to date.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path

from shared_knowledge import word_tables
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.platform_facts import Mode, Model, Platform, SignIn
from shared_knowledge.tariff import weigh
from shared_knowledge.vocabulary import Medium, PhotoSpec, Quality, Shot, Spec, VideoSpec, VoiceSpec
from shared_knowledge.word_tables import markdown

__all__ = ["CARDS", "KEY_REFERENCE", "card", "filled", "table", "write_cards"]

CARDS = Path(__file__).with_name("cards")
KEY_REFERENCE = Path(__file__).parents[1] / "docs" / "API_KEYS_REFERENCE.md"

_MARKED = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_SENTENCE = "A good cup of coffee starts with a good cup, made by hand. "
_SAMPLES: dict[Medium, Spec] = {
    Medium.PHOTO: PhotoSpec(subject="mug", aspect_ratio="9:16", width=1080, height=1920),
    Medium.VIDEO: VideoSpec(
        subject="mug",
        shots=(Shot(label="a mug", scene="a mug", duration_s=10),),
        duration_s=10,
        aspect_ratio="9:16",
        width=720,
        height=1280,
    ),
    Medium.VOICE: VoiceSpec(script=(_SENTENCE * 17)[:1000], language="en"),
}


def filled(card: str, catalogue: Catalogue) -> str:
    """The card with every table as the catalogue has it now."""
    return _MARKED.sub(lambda found: f"{found[1]}{table(found[2], catalogue)}\n{found[3]}", card)


def table(name: str, catalogue: Catalogue) -> str:
    """One table of that name in Markdown; a name nobody knows is a KeyError."""
    return _TABLES[name](catalogue)


def card(name: str) -> str:
    """The text of one card, for a reader or a model; a name nobody knows is a KeyError."""
    found = {path.stem: path for path in CARDS.glob("*.md")}[name]
    return found.read_text(encoding="utf-8")


def write_cards(folder: Path = CARDS, *further: Path) -> list[Path]:
    """Brings the tables of every card in a folder, and of further pages, up to date; says which changed."""
    changed = []
    catalogue = Catalogue.load()
    for path in (*sorted(folder.glob("*.md")), *further):
        old = path.read_text(encoding="utf-8")
        new = filled(old, catalogue)
        if new != old:
            path.write_text(new, encoding="utf-8")
            changed.append(path)
    return changed


def _photo(catalogue: Catalogue) -> str:
    head = ["model", "from text", "from pictures", "shapes", "sizes", "one upright picture", "ends"]
    return markdown(head, (_photo_row(*pair, _day(catalogue)) for pair in catalogue.models(Medium.PHOTO)))


def _photo_row(platform: Platform, model: Model, day: date) -> list[str]:
    return [
        _name(platform, model),
        "yes" if Mode.TEXT_TO_IMAGE in model.modes else "",
        f"up to {model.references}" if Mode.EDIT in model.modes else "",
        _shapes(model),
        ", ".join(resolution.name for resolution in model.resolutions),
        _price(platform, model, day),
        _ends(model),
    ]


def _video(catalogue: Catalogue) -> str:
    head = [
        "model",
        "from text",
        "from a picture",
        "sound",
        "pieces of",
        "sizes",
        "10 s upright, silent",
        "ends",
    ]
    return markdown(head, (_video_row(*pair, _day(catalogue)) for pair in catalogue.models(Medium.VIDEO)))


def _video_row(platform: Platform, model: Model, day: date) -> list[str]:
    return [
        _name(platform, model),
        "yes" if Mode.TEXT_TO_VIDEO in model.modes else "",
        "yes" if Mode.IMAGE_TO_VIDEO in model.modes else "",
        model.audio.value,
        _lengths(model),
        ", ".join(resolution.name for resolution in model.resolutions),
        _price(platform, model, day),
        _ends(model),
    ]


def _voice(catalogue: Catalogue) -> str:
    head = ["model", "languages", "text at most", "speech at most", "1,000 characters of English", "ends"]
    return markdown(head, (_voice_row(*pair, _day(catalogue)) for pair in catalogue.models(Medium.VOICE)))


def _voice_row(platform: Platform, model: Model, day: date) -> list[str]:
    languages = model.languages if isinstance(model.languages, str) else " ".join(model.languages)
    return [
        _name(platform, model),
        languages,
        f"{model.prompt.most:,} {model.prompt.unit}" if model.prompt else "",
        f"{model.longest_s} s" if model.longest_s else "",
        _price(platform, model, day),
        _ends(model),
    ]


def _doors(catalogue: Catalogue) -> str:
    head = [
        "platform",
        "address",
        "signs in with",
        "answers",
        "side by side",
        "given up after",
        "lost answer",
    ]
    return markdown(
        head,
        (
            [
                f"`{platform.id}`",
                f"`{platform.base_url}`" if platform.base_url else "this machine",
                _signature(platform.sign_in),
                f"asked every {platform.look_again_s:g} s" if platform.look_again_s else "at once",
                str(platform.concurrency or ""),
                f"{platform.deadline_s:g} s",
                platform.recovery.value,
            ]
            for platform in catalogue.platforms
        ),
    )


def _gone(catalogue: Catalogue) -> str:
    head = ["name", "what became of it", "since", "use instead"]
    return markdown(
        head,
        (
            [
                f"`{gone.names[0]}`",
                f"{gone.what} {gone.why}",
                str(gone.since or ""),
                ", ".join(f"`{name}`" for name in gone.instead),
            ]
            for gone in catalogue.gone
        ),
    )


def _signature(sign_in: SignIn | None) -> str:
    if sign_in is None:
        return ""
    if sign_in.by == "header":
        return f"`{sign_in.header}: {sign_in.prefix}<key>`"
    return (
        "a token signed here, for 30 minutes" if sign_in.by == "kling_token" else "a token of Google, renewed"
    )


_TABLES: dict[str, Callable[[Catalogue], str]] = {
    "photo": _photo,
    "video": _video,
    "voice": _voice,
    "doors": _doors,
    "gone": _gone,
    "keys": word_tables.keys,
    "photo_words": partial(word_tables.words, Medium.PHOTO),
    "video_words": partial(word_tables.words, Medium.VIDEO),
    "voice_words": partial(word_tables.words, Medium.VOICE),
    "voice_notes": word_tables.notes,
    "photo_manners": partial(word_tables.manners, Medium.PHOTO),
    "video_manners": partial(word_tables.manners, Medium.VIDEO),
}


def _day(catalogue: Catalogue) -> date:
    """The day the newest price was seen: cards do not change by themselves."""
    return max(price.seen_on for _, model in catalogue.models() for price in model.prices)


def _name(platform: Platform, model: Model) -> str:
    return f"`{platform.id}:{model.id}`"


def _price(platform: Platform, model: Model, day: date) -> str:
    sample = _SAMPLES[platform.medium]
    if sample.quality not in model.quality:
        sample = sample.model_copy(update={"quality": Quality.HIGH})
    found = weigh(model, sample, day)
    if found.price is None:
        return ", ".join(sorted(found.why_not))
    extra = " + keyframe" if found.keyframes else ""
    whole, _, rest = found.price.usd.partition(".")
    cents = rest.rstrip("0").ljust(2, "0")
    return f"${whole}.{cents} ({found.billed_as}{extra}){'' if found.confirmed else ' †'}"


def _shapes(model: Model) -> str:
    if any(resolution.any_ratio for resolution in model.resolutions):
        return "any"
    return str(len({ratio for resolution in model.resolutions for ratio in resolution.ratios}) or "")


def _lengths(model: Model) -> str:
    if model.any_duration_s is not None:
        return f"{model.any_duration_s.least}–{model.any_duration_s.most} s"
    lengths = model.durations_s
    if len(lengths) > 2 and lengths == tuple(range(lengths[0], lengths[-1] + 1)):
        return f"{lengths[0]}–{lengths[-1]} s"
    return " / ".join(map(str, lengths)) + " s" if lengths else ""


def _ends(model: Model) -> str:
    return str(model.retires_on or "")


if __name__ == "__main__":
    write_cards(CARDS, KEY_REFERENCE)
