"""How much may be spent: the smaller of what an option says and what the brief says."""

from __future__ import annotations

from decimal import Decimal

from orchestrator.brief.reading import Reading
from orchestrator.planner.notes import Notes
from shared_knowledge.currencies import in_dollars
from shared_knowledge.vocabulary import Brief, Money

__all__ = ["purse"]


def purse(reading: Reading, brief: Brief, notes: Notes) -> Money | None:
    """The budget of the plan; a number in the text can lower the option's, never raise it."""
    said = _said(reading, notes)
    if said is None or brief.budget is None:
        return said if brief.budget is None else brief.budget
    if said > brief.budget:
        notes.assume(
            f"The text says {said.short}, the budget option {brief.budget.short}: the smaller one holds."
        )
    return min(said, brief.budget)


def _said(reading: Reading, notes: Notes) -> Money | None:
    understood = reading.understanding
    if understood.budget_usd is not None:
        dollars = Decimal(str(understood.budget_usd))
        if not dollars.is_finite() or dollars < 0:
            notes.cannot_meet(
                "budget_usd", "The budget in the text is not an amount of money; it is not used."
            )
            return None
        return Money(min(int(dollars * 1_000_000), Money.LIMIT))
    if understood.budget_amount is None or understood.budget_currency is None:
        return None
    amount, currency = understood.budget_amount, understood.budget_currency
    try:
        counted = in_dollars(amount, currency)
    except ValueError:
        notes.cannot_meet(
            "budget_amount", "The budget in the text is not an amount of money; it is not used."
        )
        return None
    if counted is None:
        notes.questions.append(
            f"How much is {amount:g} {currency} in US dollars? Its rate is not on file, "
            "so the plan has no limit from the text."
        )
        return None
    notes.assume(counted.sentence)
    return counted.money
