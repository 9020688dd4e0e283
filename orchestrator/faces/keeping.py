"""Keeping the ledger at the command line: copies, what is made of them again, and the shape of its tables."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    Commands = _SubParsersAction[ArgumentParser]

__all__ = ["do", "teach"]


def teach(commands: Commands, command: Callable[..., ArgumentParser]) -> None:
    """Adds what can be said about the ledger to a command line."""
    about = "copy the ledger, put a copy in its place, or change the shape of its tables"
    ledger = commands.add_parser(
        "ledger", help=about, description=f"{about.capitalize()}.", allow_abbrev=False
    )
    verbs = ledger.add_subparsers(dest="verb", metavar="VERB", title="verbs", required=True)
    backup = command(
        verbs,
        "backup",
        "copy the whole ledger into a file, while it is in use",
        "agentes ledger backup ledger-2026-11-21.db",
    )
    backup.add_argument("file", metavar="FILE", type=Path, help="a new file; it is a ledger of its own")
    restore = command(
        verbs,
        "restore",
        "put a copy in the place of an empty ledger: a file, or a database",
        "agentes ledger restore ledger-2026-11-21.db",
        "AGENTES_DATABASE_URL=postgresql://… agentes ledger restore ledger-2026-11-21.db",
    )
    restore.add_argument("file", metavar="FILE", type=Path, help="what `agentes ledger backup` made")
    migrate = command(
        verbs,
        "migrate",
        "bring the tables to the newest shape, or back to one before, for an older Agentes",
        "agentes ledger migrate",
        "agentes ledger migrate --to 2",
    )
    migrate.add_argument("--to", type=int, metavar="N", help="the shape; what only later ones hold is lost")


def do(said: Namespace) -> None:
    """Does what was said about the ledger."""
    from orchestrator import assembly
    from orchestrator.store import keeping

    where = assembly.settings().database_url
    shown = assembly.settings().shown()["AGENTES_DATABASE_URL"]
    if said.verb == "migrate":
        was, now = keeping.reshape(where, said.to)
        told = f"{shown} has shape {now}" + (f"; it had {was}." if was != now else ", as before.")
        _say({"where": shown, "was": was, "is": now}, told, as_json=said.json)
        return
    kept = keeping.back_up(where, said.file) if said.verb == "backup" else keeping.restore(said.file, where)
    told = f"{kept.jobs} jobs and {kept.orders} orders are now in {said.file if said.verb == 'backup' else shown}."
    if said.verb == "restore":
        told += " What was bought after that copy was made is not known to it: see the vendors' own lists."
        if kept.under_way:
            told += f" {kept.under_way} jobs were under way: `agentes resume` carries them on."
    _say({"file": str(said.file), "where": shown, **kept._asdict()}, told, as_json=said.json)


def _say(document: dict[str, Any], sentence: str, *, as_json: bool) -> None:
    print(json.dumps(document, ensure_ascii=False) if as_json else sentence)
