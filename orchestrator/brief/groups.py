"""Assets asked for together, and the places in a brief that speak of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from orchestrator.brief.nouns import Noun
from orchestrator.brief.page import Mark

__all__ = ["Anchor", "Group", "Wanted"]


@dataclass(slots=True, eq=False)
class Group:
    """Assets asked for together: what was said of all of them, and of parts of them."""

    medium: str
    at: int
    count: int = 1
    counted: bool = False
    vague: bool = False
    weak: bool = False
    noun: Noun | None = None
    network: str = ""
    versions: int = 0
    facts: dict[str, list[Mark]] = field(default_factory=dict)
    depends: list[Group] = field(default_factory=list)
    scripts: list[Mark] = field(default_factory=list)
    apart: bool = False
    again: bool = False
    animated: bool = False
    from_guess: bool = False


@dataclass(slots=True, eq=False)
class Anchor:
    """A place in the text that facts can hold on to."""

    at: int
    first: int
    end: int
    role: str
    medium: str
    group: Group | None = None
    part: Group | None = None
    noun: Noun | None = None


@dataclass(slots=True)
class Wanted:
    """All groups and anchors of a brief, and the doubts met on the way."""

    groups: list[Group] = field(default_factory=list)
    anchors: list[Anchor] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    joined: bool = False

    def latest(self, medium: str, before: int | None = None) -> Group | None:
        for group in reversed(self.groups):
            if group.medium == medium and (before is None or group.at < before):
                return group
        return None

    def add(self, group: Group, noun: Noun | None = None, *, first: int, end: int) -> Group:
        self.groups.append(group)
        self.anchors.append(Anchor(group.at, first, end, "request", group.medium, group, None, noun))
        return group

    def remove(self, group: Group) -> None:
        self.groups.remove(group)
        self.anchors = [anchor for anchor in self.anchors if anchor.group is not group]
        for other in self.groups:
            if group in other.depends:
                other.depends.remove(group)
