"""A platform's place in the sandbox: its fake, what the fake may use, and the way to the right page of its manual."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from urllib.parse import unquote

from agentes.sandbox.kernel.calls import Answer, Call
from agentes.sandbox.kernel.fake import Fake, Route, routes_of
from agentes.sandbox.kernel.house import House

__all__ = ["Desk", "Page"]

Page = Callable[[Call], Awaitable[Answer]]


class Desk:
    """One platform in the sandbox: its fake, its house, its routes from the most to the least particular."""

    def __init__(self, kind: type[Fake], house: House) -> None:
        self.house = house
        self.fake = kind(house)
        found = [(route, _pattern(route.path), page) for route, page in routes_of(self.fake)]
        self._routes = sorted(found, key=lambda line: _looseness(line[0].path))

    def find(self, method: str, path: str) -> tuple[Route, Page, dict[str, str]] | None:
        """The route that answers a verb and a path, with what its holes caught."""
        verb = "GET" if method == "HEAD" else method
        for route, pattern, page in self._routes:
            if route.method == verb and (match := pattern.fullmatch(path)):
                return route, page, {name: unquote(part) for name, part in match.groupdict().items()}
        return None


def _pattern(path: str) -> re.Pattern[str]:
    """A path with {holes} as a pattern."""
    parts = re.split(r"\{(\w+)(:rest)?\}", path)
    pattern = re.escape(parts[0])
    for name, rest, literal in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        pattern += f"(?P<{name}>{'.+' if rest else '[^/]+'})" + re.escape(literal)
    return re.compile(pattern)


def _looseness(path: str) -> tuple[int, int, int]:
    return path.count(":rest}"), path.count("{"), -len(re.sub(r"\{.*?\}", "", path))
