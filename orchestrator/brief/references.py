"""What the person already has: files and addresses the work should start from."""

from __future__ import annotations

import re

from orchestrator.brief.page import Page
from orchestrator.brief.tokens import FILE_ENDINGS, Kind

__all__ = ["find_references", "medium_of"]

_ENDINGS = {
    medium: re.compile(rf"\.(?:{endings})(?:[?#].*)?$", re.IGNORECASE)
    for medium, endings in FILE_ENDINGS.items()
}
_REACH = 5
_FILE = re.compile(rf"[^\n\"“”]{{1,80}}\.(?:{'|'.join(FILE_ENDINGS.values())})", re.IGNORECASE)


def medium_of(reference: str) -> str | None:
    """The medium a file ending tells, if it tells one."""
    for medium, ending in _ENDINGS.items():
        if ending.search(reference):
            return medium
    return None


def find_references(page: Page) -> None:
    """Claims file names and addresses as `reference`, but not places to publish to."""
    for quote in page.quotes:
        if _FILE.fullmatch(quote.text.strip()):
            page.claim("reference", quote.first, quote.end, quote.text.strip())
    for at, token in enumerate(page.tokens):
        if page.hidden[at] or token.kind not in {Kind.FILE, Kind.ADDRESS}:
            continue
        if token.kind is Kind.ADDRESS and medium_of(token.text) is None and _is_destination(page, at):
            page.claim("time", at, at + 1)
            continue
        if token.kind is Kind.ADDRESS and _is_sender(page, at):
            page.claim("time", at, at + 1)
            continue
        page.claim("reference", at, at + 1, token.text)


def _is_sender(page: Page, at: int) -> bool:
    """A site without a page, and no word that says to use it: it tells who writes, or where to go."""
    address = page.tokens[at].text.split("://")[-1].rstrip("/")
    if "/" in address:
        return False
    near = range(max(page.sentence_range(at).start, at - _REACH), at)
    return not any(page.has(place, "from", "use", "animate", "attached", "existing") for place in near)


def _is_destination(page: Page, at: int) -> bool:
    return any(page.has(place, "destination", "copy") for place in range(max(0, at - 4), at))
