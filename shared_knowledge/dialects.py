"""How the platform behind an offer wants to be spoken to, as the catalogue tells it."""

from __future__ import annotations

from dataclasses import replace

from shared_knowledge.catalogue import Catalogue
from shared_knowledge.prompts import Dialect
from shared_knowledge.vocabulary import Offer

__all__ = ["dialect_of"]


def dialect_of(catalogue: Catalogue, offer: Offer) -> Dialect:
    """The manner and the reading limit of the platform and model of an offer."""
    platform = catalogue.platform(offer.platform)
    model = platform.model(offer.model)
    told = Dialect(offer.platform, negatives=platform.negatives)
    if model is None or model.prompt is None:
        return told
    return replace(told, limit=model.prompt.most, unit=model.prompt.unit)
