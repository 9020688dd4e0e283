"""What an order says in the vendor's own words: the model, the size, the quality setting, with or without sound."""

from __future__ import annotations

from dataclasses import dataclass

from shared_knowledge.canvas import Canvas, choose_canvas
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.errors import Unsuitable
from shared_knowledge.platform_facts import Audio, Model
from shared_knowledge.vocabulary import Order, VideoSpec, VoiceSpec, WhyNot

__all__ = ["Terms", "model_of", "terms_of"]


@dataclass(frozen=True)
class Terms:
    """The choices behind an order's price, to be repeated to the vendor exactly."""

    model: Model
    canvas: Canvas
    setting: str | None = None
    sound: bool = False


def model_of(order: Order) -> Model:
    """The catalogue's model of an order, or Unsuitable if it is no longer there."""
    model = Catalogue.load().platform(order.platform).model(order.model)
    if model is None:
        raise Unsuitable(f"{order.platform} has no model {order.model!r} any more.", platform=order.platform)
    return model


def terms_of(order: Order) -> Terms:
    """How a picture or clip was priced, and so must be asked for; Unsuitable if it cannot be."""
    assert not isinstance(order.spec, VoiceSpec)
    model = model_of(order)
    canvas = choose_canvas(model, order.spec, from_image=bool(order.inputs))
    if isinstance(canvas, WhyNot):
        raise Unsuitable(f"{order.model} has no {canvas} for {order.task}.", platform=order.platform)
    tier = model.quality.get(order.spec.quality)
    wants_sound = isinstance(order.spec, VideoSpec) and order.spec.audio
    sound = model.audio is Audio.ALWAYS or (wants_sound and model.audio is Audio.OPTIONAL)
    return Terms(model, canvas, tier.setting if tier else None, sound)
