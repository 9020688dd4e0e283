"""What every platform must live through: eight scenarios, and a small order for any model of the catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from PIL import Image

from shared_knowledge.catalogue import Catalogue
from shared_knowledge.platform_facts import Mode, Model, Platform
from shared_knowledge.tariff import weigh
from shared_knowledge.vocabulary import (
    Medium,
    Money,
    Offer,
    Order,
    OrderState,
    PhotoIntent,
    PhotoSpec,
    Piece,
    Quality,
    Shot,
    Spec,
    Task,
    VideoIntent,
    VideoSpec,
    VoiceSpec,
    WhyNot,
    pixels,
)

__all__ = [
    "NO_CONTENT_RULES",
    "SCENARIOS",
    "TODAY",
    "Fault",
    "Scenario",
    "live_models",
    "model_of",
    "offer_of",
    "order_of",
    "task_of",
]

TODAY = date(2026, 11, 21)
_RATIOS = ("9:16", "16:9", "1:1")
_WORDS = "A handmade ceramic mug on an oak table, morning light."
_SCRIPT = "Our mug."


@dataclass(frozen=True)
class Fault:
    """What is to go wrong, as the sandbox is told it."""

    on: str
    do: str
    times: int = 1


@dataclass(frozen=True)
class Scenario:
    """A way things can go: what goes wrong, and what must come of it.

    `queues` says for whom it is: True only for platforms that queue, None for all.
    """

    name: str
    outcomes: frozenset[str]
    faults: tuple[Fault, ...] = ()
    key: str = "sandbox"
    queues: bool | None = None
    recorded: bool = True
    most_bought: int = 1
    surely_bought: bool = False

    def expected(self, platform: Platform) -> frozenset[str]:
        """How it may end at a platform."""
        ruleless = self.name == "refused" and platform.id in NO_CONTENT_RULES
        return frozenset({"Unsuitable"}) if ruleless else self.outcomes

    def concerns(self, platform: Platform) -> bool:
        """Whether the platform can live through it."""
        return self.queues is None or self.queues is (platform.look_again_s > 0)


NO_CONTENT_RULES = {
    "azure_speech": "its pages name no answer for refused content; a plain 400 is all there is"
}

SCENARIOS = (
    Scenario("finished", frozenset({"made"}), surely_bought=True),
    Scenario("slow", frozenset({"made"}), (Fault("check", "stuck", 2),), queues=True, surely_bought=True),
    # A daily quota is a 429 too: there, waiting is no answer, and the next platform is asked.
    Scenario("throttled", frozenset({"made", "Unavailable"}), (Fault("start", "429:retry_after=1"),)),
    Scenario("refused", frozenset({"Refused"}), (Fault("start", "refuse"),)),
    Scenario("bad_key", frozenset({"Unavailable"}), key="bad-key", most_bought=0),
    Scenario("failed", frozenset({"Failed", "InDoubt"}), (Fault("start", "fail"),)),
    Scenario("nonsense", frozenset({"InDoubt"}), (Fault("start", "bad_json"),), surely_bought=True),
    Scenario(
        "lost_answer",
        frozenset({"InDoubt"}),
        (Fault("start", "reset_after"),),
        recorded=False,
        surely_bought=True,
    ),
)


def live_models(*, priced: bool = True, today: date = TODAY) -> Iterator[tuple[Platform, Model]]:
    """Every model that a vendor would make something with today."""
    for platform, model in Catalogue.load().models():
        gone = model.retires_on is not None and model.retires_on <= today
        if not platform.local and not gone and (not priced or offer_of(platform, model).suitable):
            yield platform, model


def model_of(platform: Platform) -> Model:
    """The model its scenarios are played with: the first that is alive and has a price, else the first."""
    return _first_models().get(platform.id, platform.models[0])


@cache
def _first_models() -> dict[str, Model]:
    return {platform.id: model for platform, model in reversed(list(live_models()))}


def task_of(platform: Platform, model: Model, reference: Path | None = None) -> Task:
    """The smallest task that suits a model: a shape it has, a length it takes, a picture if it needs one."""
    return Task(id=f"{platform.medium}-1", spec=_spec(platform, model, reference))


def offer_of(platform: Platform, model: Model, reference: Path | None = None) -> Offer:
    """What the model would take for its task; a piece without a price where none is on file."""
    task = task_of(platform, model, reference)
    weighed = weigh(model, task.spec, TODAY)
    pieces = weighed.pieces
    if not pieces and WhyNot.UNPRICED in weighed.why_not:
        length = float(min(model.durations_s)) if model.durations_s else None
        pieces = (Piece(number=1, price=Money(0), duration_s=length),)
    return Offer(
        task=task.id,
        platform=platform.id,
        model=model.id,
        price=weighed.price,
        pieces=pieces,
        why_not=tuple(weighed.why_not),
    )


def order_of(platform: Platform, model: Model, desk: Path) -> Order:
    """One piece of that task, as the engine would hand it to the platform."""
    reference = _reference(desk)
    task = task_of(platform, model, reference)
    piece = offer_of(platform, model, reference).pieces[0]
    return Order(
        id="ord_practice",
        job="job_practice",
        task=task.id,
        piece=1,
        attempt=1,
        platform=platform.id,
        model=model.id,
        price=piece.price,
        prompt=_SCRIPT if platform.medium is Medium.VOICE else _WORDS,
        spec=task.spec,
        duration_s=piece.duration_s,
        inputs=(str(reference),) if _needs_picture(model) else (),
        state=OrderState.RESERVED,
    )


def _spec(platform: Platform, model: Model, reference: Path | None) -> Spec:
    quality = Quality.STANDARD if Quality.STANDARD in model.quality else next(iter(model.quality))
    if platform.medium is Medium.VOICE:
        return VoiceSpec(script=_SCRIPT, language="en", quality=quality)
    for ratio in _RATIOS:
        spec = _seen(platform, model, ratio, quality, reference)
        if _fits(model, spec):
            return spec
    return spec


def _seen(
    platform: Platform, model: Model, ratio: str, quality: Quality, reference: Path | None
) -> PhotoSpec | VideoSpec:
    size = pixels(ratio, 720)
    given = (str(reference),) if _needs_picture(model) and reference else ()
    if platform.medium is Medium.PHOTO:
        return PhotoSpec(
            intent=PhotoIntent.EDIT if _needs_picture(model) else PhotoIntent.HERO,
            subject="a ceramic mug",
            scene=_WORDS,
            aspect_ratio=ratio,
            width=size.width,
            height=size.height,
            quality=quality,
            references=given,
        )
    length = float(min(model.durations_s)) if model.durations_s else 5.0
    return VideoSpec(
        intent=VideoIntent.IMAGE_TO_VIDEO if _needs_picture(model) else VideoIntent.TEXT_TO_VIDEO,
        subject="a ceramic mug",
        shots=(Shot(label="mug", scene=_WORDS, duration_s=length),),
        duration_s=length,
        aspect_ratio=ratio,
        width=size.width,
        height=size.height,
        quality=quality,
        references=given,
    )


def _fits(model: Model, spec: PhotoSpec | VideoSpec) -> bool:
    from shared_knowledge.canvas import choose_canvas

    return not isinstance(choose_canvas(model, spec, from_image=_needs_picture(model)), WhyNot)


def _needs_picture(model: Model) -> bool:
    return not {Mode.TEXT_TO_IMAGE, Mode.TEXT_TO_VIDEO, Mode.TEXT_TO_SPEECH} & set(model.modes)


def _reference(desk: Path) -> Path:
    """A small real picture to start from; the same bytes everywhere."""
    file = desk / "reference.png"
    if not file.exists():
        Image.new("RGB", (320, 320), (196, 164, 132)).save(file, optimize=True)
    return file
