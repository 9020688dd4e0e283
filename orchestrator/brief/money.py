"""Every amount of money in a brief, whatever it is for: signs, names, cents, and figures said anew."""

from __future__ import annotations

from orchestrator.brief.lexicon import shared
from orchestrator.brief.numerals import is_below_nothing, number_at
from orchestrator.brief.page import Mark, Page
from orchestrator.brief.tokens import Kind

__all__ = ["UNKNOWN", "find_money"]

UNKNOWN = "?"
_REACH = 12


def find_money(page: Page) -> None:
    """Claims every amount of money, whatever it is for."""
    signs = _signs()
    at = 0
    while at < page.size:
        end = _money_at(page, at, signs) if page.free(at, at + 1) else 0
        at = end or at + 1
    _figures_said_anew(page)


def _figures_said_anew(page: Page) -> None:
    """ "budget $20. Actually make that 15": a bare figure right after an amount, in the same money."""
    for mark in page.of("money"):
        at = _anew_from(page, mark)
        number = number_at(page, at) if at is not None and page.free(at, at + 1) else None
        if number is None or at is None or page.before(at, "instead") is not None:
            continue
        if not page.free(at, number.end) or not _is_bare(page, number.end):
            continue
        page.claim("money", at, number.end, mark.value, round(number.value, 4))


def _anew_from(page: Page, mark: Mark) -> int | None:
    """Where the first figure behind an amount stands, if a correction leads to it and no asset stands between."""
    corrected = False
    for at in range(mark.end, min(page.size, mark.end + _REACH)):
        corrected = corrected or page.has(at, "correct", "correction")
        if page.has(at, "medium", "price", "other_money") and not page.has(at, "correct", "correction"):
            return None
        if page.has(at, "article") or page.owner[at] is not None:
            continue
        if number_at(page, at) is not None:
            return at if corrected else None
    return None


def _is_bare(page: Page, at: int) -> bool:
    """Whether nothing is counted or measured: a mark, the end, or a word such as "max" follows."""
    if at >= page.size or page.has(at, "up_to", "chat", "total"):
        return True
    token = page.tokens[at]
    return not token.is_word and token.text not in "%:x×/°\"'" and token.kind is not Kind.FILE


def _signs() -> list[tuple[str, str]]:
    pairs = [(sign, code) for code, signs in shared("currency_sign").items() for sign in signs]
    return sorted(pairs, key=lambda pair: -len(pair[0]))


def _money_at(page: Page, at: int, signs: list[tuple[str, str]]) -> int:
    """Claims the amount that starts here and answers where it ends; 0 if there is none."""
    code, after = _sign_at(page, at, signs)
    if code:
        minus = after + 1 < page.size and page.tokens[after].text in "-−" and page.tokens[after + 1].glued
        number = number_at(page, after + minus)
        if number is None:
            return 0
        if _has_exponent(page, number.end):
            return _claim_unreadable(page, at, number.end + 2)
        value, end = _with_thousands(page, -number.value if minus else number.value, number.end)
        own = page.value(end, "currency") if page.has(end, "currency") else code
        end = page.end(end, "currency") if page.has(end, "currency") else end
        return _claim(page, at, end, own if code == "USD" and own != UNKNOWN else code, value)
    if page.has(at, "half") and _currency_after(page, page.skip(at, "half")):
        half = page.skip(page.end(at, "half"), "article", "of")
        return _claim(page, at, page.end(half, "currency"), page.value(half, "currency"), 0.5)
    number = number_at(page, at)
    if number is None and page.has(at, "article"):
        after = page.end(at, "article")
        if page.has(after, "currency"):
            return _with_cents(page, at, page.end(after, "currency"), page.value(after, "currency"), 1.0)
    if number is None:
        return 0
    if _has_exponent(page, number.end):
        end = number.end + 2
        named = page.has(end, "currency") or _sign_at(page, end, signs)[0]
        return _claim_unreadable(page, at, end) if named else end
    value, end = _with_thousands(page, number.value, number.end)
    code, after = _sign_at(page, end, signs)
    if code and not page.tokens[end].glued and number_at(page, after) and page.tokens[after].glued:
        code = ""
    if code:
        return _claim(page, at, after, code, value)
    place = page.skip(end, "of")
    if page.has(place, "currency"):
        return _with_cents(page, at, page.end(place, "currency"), page.value(place, "currency"), value)
    return 0


def _has_exponent(page: Page, at: int) -> bool:
    """ "1e30 dollars": no amount anybody means, and its end is not one either."""
    letter, figures = page.tokens[at : at + 1], page.tokens[at + 1 : at + 2]
    return bool(
        letter and figures and letter[0].glued and letter[0].text in "eE"
        and figures[0].glued and figures[0].kind is Kind.NUMBER
    )  # fmt: skip


def _claim_unreadable(page: Page, first: int, end: int) -> int:
    page.claim("odd_money", first, end)
    return end


def _currency_after(page: Page, at: int) -> bool:
    return page.has(page.skip(at, "article", "of"), "currency")


def _sign_at(page: Page, at: int, signs: list[tuple[str, str]]) -> tuple[str, int]:
    if at >= page.size or page.hidden[at]:
        return "", at
    token = page.tokens[at]
    if not (token.is_word or token.kind is Kind.MARK) or len(token.text) > 4:
        return "", at
    for sign, code in signs:
        if sign[0] != token.text[0].lower():
            continue
        place, rest = at, sign
        while rest and place < page.size and not page.hidden[place]:
            piece = page.tokens[place].text.lower()
            if not rest.startswith(piece) or (place > at and not page.tokens[place].glued):
                break
            rest, place = rest[len(piece) :], place + 1
        if not rest:
            return code, place
    if page.has(at, "currency") and token.word.upper() == page.value(at, "currency"):
        return token.word.upper(), at + 1
    return "", at


def _with_thousands(page: Page, value: float, end: int) -> tuple[float, int]:
    if page.has(end, "thousand") and (page.tokens[end].glued or page.tokens[end].word != "k"):
        return value * 1000, page.end(end, "thousand")
    return value, end


def _with_cents(page: Page, first: int, end: int, code: str, value: float) -> int:
    """Adds "and a half", "e cinquenta" or "y 50 centavos" to whole units of money."""
    place = end
    for joint in ("and", "with"):
        if page.has(end, joint):
            place = page.end(end, joint)
    half = page.skip(place, "article") if place > end else place
    if place > end and page.has(half, "half"):
        return _claim(page, first, page.end(half, "half"), code, value + 0.5)
    cents = number_at(page, place)
    if cents and 1 <= cents.value < 100 and cents.value == int(cents.value):
        named = page.has(cents.end, "currency") and page.value(cents.end, "currency").endswith("/100")
        ends = cents.end >= page.size or page.segment[cents.end] != page.segment[first]
        if named or (ends and cents.value >= 5):
            last = page.end(cents.end, "currency") if named else cents.end
            return _claim(page, first, last, code, value + cents.value / 100)
    return _claim(page, first, end, code, value)


def _claim(page: Page, first: int, end: int, code: str, value: float) -> int:
    if code.endswith("/100"):
        code, value = code.removesuffix("/100"), value / 100
    if is_below_nothing(page, first):
        value = -value
    page.claim("money", first, end, code, round(value, 4))
    return end
