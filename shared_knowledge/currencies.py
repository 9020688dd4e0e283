"""A budget in another currency, in dollars, five percent against the person who set it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

import tomli

from shared_knowledge.money import Money
from shared_knowledge.vocabulary import Frozen

__all__ = ["Conversion", "in_dollars", "known_currencies"]


class Conversion(Frozen):
    """An amount in dollars, and the sentence that says how it came about."""

    money: Money
    currency: str
    rate: Decimal
    on: date
    sentence: str


@cache
def _table() -> tuple[dict[str, Decimal], Decimal, date, str]:
    text = Path(__file__).with_name("currencies.toml").read_text(encoding="utf-8")
    told = tomli.loads(text, parse_float=Decimal)
    return told["usd_per_unit"], told["against"], told["on"], told["source"]


def known_currencies() -> tuple[str, ...]:
    """The codes that can be converted, the dollar first."""
    return ("USD", *sorted(_table()[0]))


def in_dollars(amount: float | Decimal, currency: str) -> Conversion | None:
    """The limit in dollars, rounded down; None for a currency that is not in the table."""
    rates, against, on, source = _table()
    code = currency.strip().upper()
    exact = Decimal(str(amount))
    if not exact.is_finite() or exact < 0:
        raise ValueError(f"{amount!r} is not an amount of money")
    if code == "USD":
        return Conversion(money=_floor(exact), currency=code, rate=Decimal(1), on=on, sentence="")
    if code not in rates:
        return None
    money = _floor(exact * rates[code] * (1 - against))
    sentence = (
        f"{_plain(exact)} {code} count as ${_plain(Decimal(money.usd))}: {rates[code]} USD for 1 {code} "
        f"on {on}, less {_plain(against * 100)} % ({source})."
    )
    return Conversion(money=money, currency=code, rate=rates[code], on=on, sentence=sentence)


def _floor(dollars: Decimal) -> Money:
    return Money(min(int(dollars * 1_000_000), Money.LIMIT))


def _plain(number: Decimal) -> str:
    return f"{number.normalize():,f}"
