"""How people ask: options and files read into a Brief, outcomes and errors read into exit codes."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from shared_knowledge.errors import (
    AgentesError,
    BadRequest,
    InDoubt,
    MissingSecret,
    OverBudget,
    QuoteChanged,
    UnclearBrief,
)
from shared_knowledge.vocabulary import Brief, Choice, Medium, Money, Quality

if TYPE_CHECKING:
    from orchestrator.faces.cli import Wishes
    from orchestrator.quoting import Proposal

__all__ = [
    "BatchLine",
    "batch",
    "brief",
    "code_of",
    "day",
    "error_document",
    "exit_code",
    "refuse_changed_quote",
    "refuse_odd_tenant",
    "refuse_open_questions",
    "words",
]

_TENANT = r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}"
_LONGEST_BRIEF = 1 << 20
_LONGEST_BATCH = 1 << 26


class BatchLine(NamedTuple):
    """One brief of a batch."""

    id: str
    brief: str


def brief(text: str, wishes: Wishes) -> Brief:
    """The brief a person meant with these words and options; BadRequest names what is wrong."""
    return Brief(
        text=text,
        budget=None if wishes.budget is None else _amount(wishes.budget),
        quality=None if wishes.quality is None else Quality(wishes.quality),
        draft=wishes.draft,
        use=tuple(_choice(one, "--use") for one in wishes.use),
        avoid=tuple(_choice(one, "--avoid") for one in wishes.avoid),
        on_refusal="elsewhere" if wishes.on_refusal == "elsewhere" else "stop",
        on_doubt="buy-again" if wishes.on_doubt == "buy-again" else "hold",
        accepted_quote=wishes.quote,
        from_job=wishes.from_job,
    )


def batch(file: Path) -> Iterator[BatchLine]:
    """The briefs of a JSON-lines file, in order."""
    for number, line in enumerate(_read(file, _LONGEST_BATCH).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            yield BatchLine(str(entry["id"]), str(entry["brief"]))
        except (ValueError, TypeError, KeyError) as error:
            raise BadRequest(
                f"{file}, line {number} is not a brief.", todo='Each line is {"id": "…", "brief": "…"}.'
            ) from error


def day(text: str | None) -> date | None:
    """The day of --today."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadRequest(f"--today {text} is not a day.", todo="Write it as 2026-11-20.") from error


def refuse_changed_quote(proposal: Proposal, accepted: str | None) -> None:
    """Raises QuoteChanged when the accepted hash is not the present one."""
    if accepted is not None and accepted != proposal.quote.hash:
        raise QuoteChanged(
            f"The quote is now {proposal.quote.hash} at {proposal.quote.estimate.short}, not {accepted}.",
            todo="Look at it with `agentes plan` and accept the new one; nothing was spent.",
        )


def code_of(error: AgentesError) -> int:
    """The exit code of an error."""
    match error:
        case OverBudget() | QuoteChanged():
            return 3
        case InDoubt():
            return 6
        case MissingSecret() | UnclearBrief() | BadRequest():
            return 2
        case _:
            return 4


def exit_code(result: Mapping[str, Any]) -> int:
    """The exit code of a finished job."""
    match result["status"]:
        case "done":
            return 0
        case "in_doubt":
            return 6
        case "partial":
            return 5
        case "paused":
            return 3
        case _:
            kinds = {shortfall.get("kind") for shortfall in result["shortfalls"]}
            return 3 if kinds and kinds <= {"over_budget", "waiting"} and "over_budget" in kinds else 4


def refuse_open_questions(proposal: Proposal) -> None:
    """Raises UnclearBrief where money would be spent on a reading that nobody has agreed to."""
    if proposal.quote.estimate > 0 and proposal.unsettled:
        raise UnclearBrief(
            f"Nothing was bought, for this brief leaves something open. {' '.join(proposal.unsettled)}",
            todo=f"Say it in the brief, or take this plan as it stands with --quote {proposal.quote.hash}.",
        )


def refuse_odd_tenant(name: str) -> None:
    """Refuses a name that would not look like one in a report or a setting."""
    if not re.fullmatch(_TENANT, name):
        raise BadRequest(
            f"{name[:60]!r} cannot be a tenant's name.",
            todo="Use up to 63 letters, digits, dots, dashes and underscores, such as acme or shop-2.",
        )


def error_document(error: AgentesError) -> dict[str, str]:
    """An error as a program reads it."""
    return {"type": type(error).__name__, "message": error.what, "todo": error.todo}


def words(text: str) -> str:
    """The words of a brief: themselves, those of @FILE, or those of standard input for "-"."""
    if text == "-":
        return _decoded(sys.stdin.buffer.read(_LONGEST_BRIEF + 1), "standard input", _LONGEST_BRIEF)
    if text.startswith("@"):
        return _read(Path(text[1:]), _LONGEST_BRIEF)
    return text


def _read(file: Path, longest: int) -> str:
    try:
        with file.open("rb") as source:
            return _decoded(source.read(longest + 1), str(file), longest)
    except OSError as error:
        raise BadRequest(f"{file} cannot be read: {error.strerror}.", todo="Is the path right?") from error


def _decoded(raw: bytes, source: str, longest: int) -> str:
    if len(raw) > longest:
        raise BadRequest(f"{source} is longer than {longest >> 20} MB.", todo="A brief fits on a page.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadRequest(f"{source} is not text in UTF-8.", todo="Save the brief as plain text.") from error


def _amount(text: str) -> Money:
    try:
        return Money.dollars(text.strip().removeprefix("$"))
    except ValueError as error:
        raise BadRequest(
            f"--budget: {error}.", todo="Write dollars, as in --budget 2 or --budget 0.50."
        ) from error


def _choice(text: str, option: str) -> Choice:
    head, equals, rest = text.partition("=")
    platform, colon, model = (rest if equals else head).partition(":")
    if not platform or (colon and not model):
        raise BadRequest(f"{option} {text} is not a platform.", todo="Write ID, MEDIUM=ID or ID:MODEL.")
    if equals and head not in set(Medium):
        raise BadRequest(f"{option} {text}: {head} is not a medium.", todo="Use photo, video or voice.")
    return Choice(platform=platform, medium=Medium(head) if equals else None, model=model or None)
