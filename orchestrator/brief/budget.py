"""What the job may cost: the one amount of money that is its limit, told apart from prices and media budgets."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.brief.money import UNKNOWN
from orchestrator.brief.numerals import number_at
from orchestrator.brief.page import Mark, Page
from orchestrator.brief.tokens import Kind

__all__ = ["Budget", "find_budget"]

_PESOS = {
    "mexico": "MXN", "mexicanos": "MXN", "cdmx": "MXN", "argentina": "ARS", "argentinos": "ARS",
    "bogota": "COP", "colombia": "COP", "colombianos": "COP", "chile": "CLP", "santiago": "CLP",
    "buenos": "ARS", "monterrey": "MXN", "guadalajara": "MXN", "medellin": "COP", "montevideo": "UYU",
}  # fmt: skip
_NEAR = 7
_ENOUGH = 2.0


@dataclass(frozen=True, slots=True)
class Budget:
    """The production limit as the text says it, and whether its currency had to be guessed."""

    figure: float
    currency: str
    per: str = ""
    guessed: bool = False
    below_nothing: bool = False


def find_budget(page: Page) -> Budget | None:
    """The last amount that is a limit for the job; claims the words that make it one."""
    scored = [(mark, _weight(page, mark)) for mark in page.of("money")]
    limits = [(mark, weight) for mark, weight in scored if weight >= _ENOUGH]
    limits = [one for one in limits if not _is_older_mail(page, one[0].first)] or limits
    strong = [(mark, weight) for mark, weight in limits if weight >= _ENOUGH + 1]
    if not limits:
        return _bare_budget(page)
    chosen = _said_anew(page, (strong or limits)[-1][0])
    told = [mark for mark, _ in limits]
    parts = _parts(page, chosen, told)
    for mark in (*told, *(mark for mark in parts if mark not in told)):
        _claim_cue(page, mark, kept=mark in parts)
    amount = sum(mark.number for mark in parts)
    currency, guessed = _currency(page, chosen.value)
    return Budget(max(0.0, amount), currency, _per(page, chosen), guessed, below_nothing=amount < 0)


def _said_anew(page: Page, limit: Mark) -> Mark:
    """The last amount behind the limit that a correction puts in its place; never a price or another pot."""
    for mark in page.of("money"):
        first = max(limit.end, page.sentence_range(mark.first).start)
        words = range(first, mark.first)
        priced = any(page.has(at, "price") and not page.has(at, "correct") for at in words)
        other = _any(page, page.sentence_range(mark.first), "other_money")
        if mark.first > limit.first and _any(page, words, "correct", "correction") and not (priced or other):
            limit = mark
    return limit


def _is_older_mail(page: Page, at: int) -> bool:
    """Whether this line is quoted from an earlier mail: "> the limit is 35 dollars"."""
    while at > 0 and page.tokens[at - 1].kind is not Kind.LINE:
        at -= 1
    return page.tokens[at].text == ">"


def _weight(page: Page, mark: Mark) -> float:
    """How much the words around an amount say that it is the limit of the job."""
    left, right = _window(page, mark)
    inside = range(left, mark.first)
    after = range(mark.end, right)
    near_left = range(max(left, mark.first - 3), mark.first)
    near_right = range(mark.end, min(right, mark.end + 2))
    weight = 0.0
    said_after = ("budget", "spend") if page.language_of(mark.first) == "de" else ("budget",)
    if _any(page, inside, "budget", "spend") or _any(
        page, range(mark.end, min(right, mark.end + 4)), *said_after
    ):
        weight += 3
    if _any(page, near_left, "up_to") or _any(page, range(mark.end, min(right, mark.end + 3)), "up_to"):
        weight += 2
    alone = page.segment_start(mark.first) >= page.skip(page.segment_start(mark.first), "up_to", "chat") - 3
    if weight == 2 and _ends_well(page, mark) and alone:
        weight += 1 if _is_alone(page, mark) else 0
    if not weight and _is_alone(page, mark):
        weight = 2
    if not weight and _any(
        page, range(max(page.sentence_range(mark.first).start, left - _NEAR), left), "budget"
    ):
        weight = 2
    if _any(page, near_left, "price") or _any(page, near_right, "price"):
        weight -= 0.5 if weight >= 3 else 2
    if not _ends_well(page, mark):
        weight -= 0.5 if weight >= 3 else 1
    whole = page.sentence_range(mark.first)
    if weight >= _ENOUGH and _any(page, range(whole.start, mark.first), "correct"):
        weight += 1
    if _any(page, inside, "other_money") or _any(page, after, "other_money"):
        weight -= 5
    elif _any(page, whole, "other_money") and not _any(page, inside, "budget"):
        weight -= 3
    return weight


def _any(page: Page, places: range, *categories: str) -> bool:
    return any(page.has(place, *categories) for place in places)


def _window(page: Page, mark: Mark) -> tuple[int, int]:
    """The words that can say what an amount is: its segment, and the one a colon leads from."""
    left = page.segment_start(mark.first)
    if left > 0 and page.tokens[left - 1].text in ":(":
        left = page.segment_start(left - 1)
        left = page.segment_start(left - 1) if left > 0 and page.tokens[left].text in ":(" else left
    right = page.segment_end(mark.end - 1)
    for other in page.of("money"):
        if left <= other.first < mark.first:
            left = max(left, other.end)
        if mark.end <= other.first < right:
            right = min(right, other.first)
    return max(left, mark.first - _NEAR), right


def _ends_well(page: Page, mark: Mark) -> bool:
    """Whether no noun follows that the amount could belong to ("under $20 gifts")."""
    if mark.end >= page.size or page.segment[mark.end] != page.segment[mark.first]:
        return True
    token = page.tokens[mark.end]
    return bool(page.tags[mark.end]) or not token.is_word or page.owner[mark.end] is not None


def _is_alone(page: Page, mark: Mark) -> bool:
    start, end = page.segment_start(mark.first), page.segment_end(mark.first)
    return all(
        page.owner[at] is mark
        or not page.tokens[at].is_word
        or page.has(
            at,
            "up_to",
            "chat",
            "approx",
            "all",
            "total",
            "spend",
            "budget",
            "definite",
            "correct",
            "and",
            "but",
            "for",
            "only",
        )
        or (not page.tags[at] and _covered(page, at))
        for at in range(start, end)
    )


def _covered(page: Page, at: int) -> bool:
    """Whether a longer phrase that started earlier holds this token."""
    return any(tag.end > at for place in range(max(0, at - 5), at) for tag in page.tags[place].values())


def _parts(page: Page, chosen: Mark, limits: list[Mark]) -> list[Mark]:
    """The amounts of one sentence that are each for one medium, to be added up."""
    mates = [
        mark
        for mark in limits
        if page.sentence[mark.first] == page.sentence[chosen.first]
        and mark.value == chosen.value
        and page.has(mark.end, "for")
        and _any(page, range(mark.end, mark.end + 4), "medium")
    ]
    return mates if chosen in mates else [chosen]


def _claim_cue(page: Page, mark: Mark, *, kept: bool) -> None:
    mark.kind = "budget"
    mark.means = "budget" if kept else "outdated budget"
    left, right = _window(page, mark)
    for at in range(left, right):
        if page.owner[at] is None and page.has(at, "budget", "spend", "up_to", "price", "total", "approx"):
            end = min(
                right,
                max(
                    tag.end
                    for name, tag in page.tags[at].items()
                    if name in {"budget", "spend", "up_to", "price", "total", "approx"}
                ),
            )
            if page.free(at, end):
                page.claim("cue", at, end, means=mark.means)


def _per(page: Page, mark: Mark) -> str:
    """The medium, or "asset", when the amount is said to be for each."""
    end = page.segment_end(mark.end - 1)
    for at in range(mark.end, min(end, mark.end + 3)):
        if page.has(at, "each"):
            after = page.end(at, "each")
            if page.has(after, "medium"):
                return page.value(after, "medium").rstrip("?+")
            return "asset" if after >= end or not page.tokens[after].is_word or page.tags[after] else ""
    return ""


def _currency(page: Page, code: str) -> tuple[str, bool]:
    if code != UNKNOWN:
        return code, False
    for token in page.tokens:
        if token.word in _PESOS:
            return _PESOS[token.word], False
    return "MXN", True


def _bare_budget(page: Page) -> Budget | None:
    """A budget in plain figures: "max budget 5"; dollars are assumed and asked about."""
    for at in range(page.size - 1, -1, -1):
        if not page.has(at, "budget") or not page.free(at, at + 1):
            continue
        place = page.end(at, "budget")
        while place < page.size and (
            page.has(place, "say_link", "up_to", "approx", "definite", "of")
            or page.tokens[place].text in ":="
        ):
            tags = page.tags[place].values()
            place = max((tag.end for tag in tags), default=place + 1)
        number = number_at(page, place)
        if number and page.free(place, number.end) and _stands_alone(page, number.end):
            page.claim("budget", at, number.end, "USD", number.value, means="budget")
            return Budget(number.value, "USD", guessed=True)
    return None


def _stands_alone(page: Page, at: int) -> bool:
    return (
        at >= page.size
        or not page.tokens[at].is_word
        or page.has(at, "up_to", "chat", "total", "and", "budget")
    )
