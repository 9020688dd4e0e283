"""The doctor: what is here, what is missing, and what to do about it; keys are never shown."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, NamedTuple

from orchestrator import assembly
from shared_knowledge.errors import AgentesError

__all__ = ["Finding", "ask_vendors", "examine"]

_ROOM_MB = 500
_LATE_S = 600
_SKEW_S = 5
_STATES = {"missing": "not set"}


class Finding(NamedTuple):
    """One thing that was looked at."""

    what: str
    verdict: Literal["good", "missing", "broken"]
    detail: str

    def document(self) -> dict[str, str]:
        """The finding as a program reads it."""
        return self._asdict()


def examine() -> list[Finding]:
    """Looks at everything a run needs; buys nothing, and dials nobody but the ledger and the shelf."""
    return [
        Finding("Python", "good", platform.python_version()),
        *_look("Settings", _settings),
        *_look("Home", _home),
        *_look("Shelf", _shelf),
        *_look("Ledger", _ledger),
        *_service(),
        *_look("Film making", _ffmpeg),
        *_look("Draft speech", _speech),
        *_look("Draft pictures", _pictures),
        *_keys(),
    ]


def ask_vendors() -> list[Finding]:
    """Asks each platform whose key is here whether it works, and what is left; free of charge."""
    import asyncio

    there = [row.id for row in assembly.directory().rows() if row.ready and not row.is_local]
    return asyncio.run(_ask(there))


async def _ask(platforms: Sequence[str]) -> list[Finding]:
    import asyncio

    return await asyncio.gather(*map(_standing, platforms))


async def _standing(platform: str) -> Finding:
    what = f"{platform}, asked"
    try:
        standing = await assembly.exchange().standing(platform)
    except AgentesError as error:
        return Finding(what, "broken", assembly.mask(str(error)))
    if standing is None:
        return Finding(what, "missing", "the vendor has nothing that may be asked free of charge")
    told = ["the key works", standing.left, *assembly.exchange().notices(platform)]
    return Finding(what, "good", assembly.mask("; ".join(part for part in told if part)))


def _look(what: str, at: Callable[[], str]) -> Iterator[Finding]:
    try:
        yield Finding(what, "good", at())
    except AgentesError as error:
        yield Finding(what, "broken", assembly.mask(str(error)))


def _settings() -> str:
    set_here = [name for name in assembly.settings().shown() if name != "AGENTES_HOME"]
    warnings = "".join(f"; {warning}" for warning in assembly.settings().warnings)
    return f"{len(set_here)} in force{warnings}"


def _home() -> str:
    home = assembly.settings().home
    nearest = next(folder for folder in (home, *home.parents) if folder.exists())
    free_mb = shutil.disk_usage(nearest).free >> 20
    short = f", which is little: a film wants {_ROOM_MB} MB" if free_mb < _ROOM_MB else ""
    return f"{home}, {free_mb:,} MB free{short}"


def _shelf() -> str:
    return f"{assembly.shelf().try_out()}, written, read and cleared"


def _ledger() -> str:
    from orchestrator.store.sql import newest

    jobs = len(assembly.studio().list(1000))
    file, address = assembly.settings().sqlite_file, assembly.settings().shown()["AGENTES_DATABASE_URL"]
    where = f"{address}, which answers" if file is None else file
    return f"{where}, {jobs} job{'' if jobs == 1 else 's'}, tables of shape {newest()}"


def _service() -> Iterator[Finding]:
    """How those stand who share the ledger; if it does not answer, its own line says so."""
    from orchestrator.watch.ledger import Ledger

    ledger = Ledger(assembly.settings().database_url)
    try:
        told = ledger.ask()
    except AgentesError:
        return
    finally:
        ledger.close()
    waiting, late_s = told.letters
    late = f", the first since {late_s:.0f} s" if late_s >= 1 else ""
    letters = f"{waiting:,} to be delivered{late}" if waiting else "none to be delivered"
    yield Finding("Webhooks", "broken" if late_s > _LATE_S else "good", letters)
    if told.workers is not None:
        queue = f"{told.queue.get('todo', 0):,} jobs wait, {told.queue.get('doing', 0):,} in hand"
        heard = f"{told.workers} alive" if told.workers else "none alive: `agentes worker` begins one"
        yield Finding("Workers", "good" if told.workers else "missing", f"{heard}; {queue}")
    if (ahead_s := told.clock_ahead_s) is not None:
        how = f"{abs(ahead_s):.2f} s {'ahead of' if ahead_s > 0 else 'behind'} the database's"
        yield Finding("Clock", "good" if abs(ahead_s) < _SKEW_S else "broken", how)


def _ffmpeg() -> str:
    from agentes.media import ffmpeg

    return Path(ffmpeg.binary()).name


def _speech() -> str:
    import asyncio

    draft_speech = import_module("agentes.drafts.draft_speech")
    return f"espeak-ng, {len(asyncio.run(draft_speech.languages()))} languages"


def _pictures() -> str:
    missing = [name for name in ("PIL", "resvg_py") if find_spec(name) is None]
    return "all parts are here" if not missing else f"missing: {', '.join(missing)}"


def _keys() -> Iterator[Finding]:
    for row in assembly.directory().rows():
        if row.is_local:
            continue
        shown = [
            f"{name} {state.shown or _STATES.get(state.state, state.state)}"
            for name, state in row.keys.items()
        ]
        complete = all(state.ready for state in row.keys.values())
        reasons = row.why_not if complete else ()
        yield Finding(row.id, "good" if row.ready else "missing", "; ".join([", ".join(shown), *reasons]))
