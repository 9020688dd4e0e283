"""What a vendor said, read strictly: only the fields an adapter names, and none that is not as promised.

An adapter writes down the answers it expects as models of `Said`. Whatever does not fit is
Unintelligible, and the wire decides what that means: a purchase in doubt, or a read to be repeated.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Self

import httpx
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

__all__ = ["Said", "Unintelligible", "VendorId", "VendorName"]

VendorId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._:-]{0,255}$")]
"""A number of the vendor's that is safe inside a path."""

VendorName = Annotated[
    str, StringConstraints(pattern=r"^(?:[A-Za-z0-9_-][A-Za-z0-9._:-]{0,127}/?){1,24}$", max_length=512)
]
"""A name made of parts, such as `projects/p/operations/o`; it never climbs."""


class Unintelligible(ValueError):
    """An answer that is not what the vendor promises; says where, and never what stood there."""


class Said(BaseModel):
    """One shape of answer; fields it does not name are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, allow_inf_nan=False)

    @classmethod
    def of(cls, response: httpx.Response) -> Self:
        """The answer, or Unintelligible."""
        try:
            return cls.model_validate_json(response.content)
        except ValidationError as error:
            raise Unintelligible(_where(error.errors(include_input=False, include_url=False))) from None

    @classmethod
    def read(cls, value: Any) -> Self:
        """A part of an answer that was already read as JSON, or Unintelligible."""
        try:
            # As JSON again, so that it is read by the very rules of `of`: a list may be a tuple, 1.0 is no integer.
            return cls.model_validate_json(json.dumps(value))
        except ValidationError as error:
            raise Unintelligible(_where(error.errors(include_input=False, include_url=False))) from None
        except (TypeError, ValueError, RecursionError):
            raise Unintelligible("not as promised: it is no JSON") from None


def _where(errors: list[Any]) -> str:
    places = {".".join(str(step) for step in error["loc"])[:80] or "the answer" for error in errors}
    return f"not as promised: {', '.join(sorted(places)[:4])}"
