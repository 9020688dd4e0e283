"""Quoted words are somebody's exact words: found first, so that nothing in them is read as a wish."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.brief.tokens import Kind, Token

__all__ = ["Quote", "find_quotes"]

_CLOSERS = {
    "“": "”“",
    "„": "“”",
    "«": "»",
    "»": "«",
    "‘": "’",
    "‚": "‘’",
    '"': '"',
    "'": "'",
    "”": "”",
    "`": "`",
}
_LONGEST = 400
_LONGEST_VALUE = 3


@dataclass(frozen=True, slots=True)
class Quote:
    """The tokens from the opening mark up to after the closing one, and the words between."""

    first: int
    end: int
    text: str
    words: int

    @property
    def ends_sentence(self) -> bool:
        return self.text[-1:] in {".", "!", "?", "…"}


def find_quotes(tokens: list[Token]) -> list[Quote]:
    """Every quoted stretch, outermost only; inch and second marks after figures do not open one."""
    quotes: list[Quote] = []
    at = 0
    while at < len(tokens):
        quote = _quote_from(tokens, at) if _opens(tokens, at) else None
        if quote is None:
            at += 1
        elif _is_notation(tokens, quote):
            at = quote.end
        else:
            quotes.append(quote)
            at = quote.end
    return quotes


def _is_notation(tokens: list[Token], quote: Quote) -> bool:
    """{"kind": "image"}: marks of a data format around a key or a short value, not somebody's words."""
    if quote.end < len(tokens) and tokens[quote.end].text == ":":
        return quote.first == 0 or tokens[quote.first - 1].text in "{,[" or _is_line(tokens, quote.first - 1)
    named = quote.first > 2 and tokens[quote.first - 1].text == ":" and tokens[quote.first - 2].text == '"'
    unwanted = named and tokens[quote.first - 3].word.startswith("neg")
    return named and (quote.words <= _LONGEST_VALUE or unwanted)


def _is_line(tokens: list[Token], at: int) -> bool:
    return tokens[at].kind is Kind.LINE


def _opens(tokens: list[Token], at: int) -> bool:
    token = tokens[at]
    if token.kind is not Kind.MARK or token.text not in _CLOSERS:
        return False
    if token.text in "\"'’”`»":
        before_is_open = (
            at == 0
            or not token.glued
            or tokens[at - 1].text in "(:—–-[,/="
            or tokens[at - 1].kind is Kind.LINE
        )
        if not before_is_open:
            return False
    return at + 1 < len(tokens) and (token.text in "«„" or tokens[at + 1].glued or token.text == "»")


def _quote_from(tokens: list[Token], at: int) -> Quote | None:
    closers = _CLOSERS[tokens[at].text]
    for place in range(at + 1, min(len(tokens), at + _LONGEST)):
        token = tokens[place]
        if token.kind is not Kind.MARK or token.text not in closers:
            if token.kind is Kind.LINE and token.text.count("\n") > 1 and tokens[at].text in "\"'":
                return None
            continue
        if (
            token.text == "'"
            and place + 1 < len(tokens)
            and tokens[place + 1].glued
            and tokens[place + 1].is_word
        ):
            continue
        if place == at + 1:
            return None
        inner = tokens[at + 1 : place]
        text = inner[0].text + "".join(one.gap + one.text for one in inner[1:])
        return Quote(at, place + 1, text, sum(one.is_word for one in inner))
    return None
