"""A limit in another currency is kept: converted five percent against the person who set it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_knowledge.currencies import in_dollars, known_currencies
from shared_knowledge.money import Money


def test_reais_become_fewer_dollars() -> None:
    found = in_dollars(10, "BRL")
    assert found is not None
    assert found.money == Money(int(10 * found.rate * Decimal("0.95") * 1_000_000))
    assert "10 BRL" in found.sentence
    assert str(found.on) in found.sentence
    assert "less 5 %" in found.sentence
    assert "reference table of this project, not a market feed" in found.sentence


def test_dollars_stay_dollars() -> None:
    found = in_dollars(2.5, "usd")
    assert found is not None
    assert found.money == Money.dollars("2.50")
    assert found.sentence == ""


def test_an_unknown_currency_is_a_question() -> None:
    assert in_dollars(5, "DOGE") is None
    assert in_dollars(5, "") is None


PROMISED = "BRL EUR GBP MXN ARS CLP COP JPY CNY CAD AUD CHF INR PLN"


@pytest.mark.parametrize("code", PROMISED.split())
def test_the_promised_currencies_are_there(code: str) -> None:
    assert code in known_currencies()
    found = in_dollars(1000, code.lower())
    assert found is not None
    assert 0 < found.money < Money.dollars("2000")


@pytest.mark.parametrize("amount", [-1, float("nan"), float("inf")])
def test_what_is_not_an_amount_is_refused(amount: float) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        in_dollars(amount, "EUR")


def test_a_fortune_is_cut_to_what_money_can_hold() -> None:
    found = in_dollars(1e30, "EUR")
    assert found is not None
    assert found.money == Money.LIMIT


@given(st.decimals(0, 10**5, places=2), st.sampled_from([c for c in known_currencies() if c != "USD"]))
def test_it_is_never_more_than_ninety_five_percent(amount: Decimal, code: str) -> None:
    found = in_dollars(amount, code)
    assert found is not None
    exact = amount * found.rate * Decimal("0.95") * 1_000_000
    assert exact - 1 < int(found.money) <= exact
