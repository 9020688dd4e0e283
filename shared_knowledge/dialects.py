"""How the platform behind an offer wants to be spoken to, as the catalogue tells it."""

from __future__ import annotations

from shared_knowledge.catalogue import Catalogue
from shared_knowledge.prompts import Dialect
from shared_knowledge.vocabulary import Offer

__all__ = ["dialect_of"]


def dialect_of(catalogue: Catalogue, offer: Offer) -> Dialect:
    """The manner and the reading limit of the platform and model of an offer."""
    model = catalogue.platform(offer.platform).model(offer.model)
    limit = model.prompt if model else None
    return Dialect(offer.platform, limit.most, limit.unit) if limit else Dialect(offer.platform)
