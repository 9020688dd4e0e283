"""Money is a whole number of micro-dollars, never a float and never below zero."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal
from fractions import Fraction
from typing import Any, Self

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

__all__ = ["Money"]

_MICROS = 1_000_000
_DOLLARS = re.compile(r"(?a:\d{1,6}(?:\.\d{1,6})?)")


class Money(int):
    """An amount in micro-dollars: exact, between 0 and a million dollars."""

    LIMIT = 10**12

    def __new__(cls, micros: int) -> Self:
        if type(micros) is not int and type(micros) is not cls:
            raise TypeError(f"money is a whole number of micro-dollars, not {type(micros).__name__}")
        if not 0 <= micros <= cls.LIMIT:
            raise ValueError(f"{micros} micro-dollars is outside 0 to {cls.LIMIT}")
        return super().__new__(cls, micros)

    @classmethod
    def dollars(cls, text: str) -> Self:
        """Reads a plain decimal such as "2" or "0.0412"; anything else is a ValueError."""
        if not isinstance(text, str) or not _DOLLARS.fullmatch(text):
            raise ValueError(f"{text!r} is not an amount in dollars such as 2 or 0.50")
        return cls(int(Decimal(text) * _MICROS))

    @classmethod
    def at_least(cls, dollars: Fraction | Decimal) -> Self:
        """The smallest amount that covers a computed price, rounded up to the micro-dollar."""
        exact = Fraction(dollars) * _MICROS
        return cls(int(-((-exact.numerator) // exact.denominator)))

    @property
    def usd(self) -> str:
        """The amount as the outside world reads it: six decimals."""
        return f"{int(self) // _MICROS}.{int(self) % _MICROS:06d}"

    @property
    def short(self) -> str:
        """The amount as a person reads it: cents, or as many decimals as a small price needs."""
        if self == 0 or self >= 100_000:
            return f"${(Decimal(int(self)) / _MICROS).quantize(Decimal('0.01'), ROUND_CEILING)}"
        return f"${Decimal(int(self)) / _MICROS:.4f}"

    def __add__(self, other: int) -> Money:
        return Money(int(self) + int(other))

    __radd__ = __add__

    def __sub__(self, other: int) -> Money:
        return Money(int(self) - int(other))

    def __mul__(self, times: int) -> Money:
        return Money(int(self) * times)

    __rmul__ = __mul__

    def __str__(self) -> str:
        return self.usd

    def __repr__(self) -> str:
        return f"Money({int(self)})"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        whole = core_schema.int_schema(strict=True, ge=0, le=cls.LIMIT)
        return core_schema.no_info_after_validator_function(
            cls, whole, serialization=core_schema.plain_serializer_function_ser_schema(int)
        )
