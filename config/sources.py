"""Where a value set from outside may come from, in the order in which it is believed.

The environment first, then a file named by NAME_FILE, then `.env`, then a file mounted under
/run/secrets. Empty counts as not set. Nothing here ever puts a value into an error.
"""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from shared_knowledge.errors import BadRequest

__all__ = ["Found", "Sources"]

_log = logging.getLogger(__name__)


class Found(NamedTuple):
    """A value, the name it stood under, and the place it stood in."""

    value: str
    name: str
    source: str


class Sources:
    """The environment, `.env` and mounted files, asked in one gesture."""

    def __init__(
        self,
        environ: Mapping[str, str] | None = None,
        dotenv: Path | None = None,
        mounted: Path | None = None,
    ) -> None:
        self.environ: Mapping[str, str] = os.environ if environ is None else environ
        self._dotenv = Path(".env") if dotenv is None else dotenv
        self._mounted = Path("/run/secrets") if mounted is None else mounted
        self._lines: Mapping[str, str] | None = None
        self._warnings: list[str] = []

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know about the places that were read."""
        return tuple(self._warnings)

    def find(self, *names: str) -> Found | None:
        """The first value among these names, the strongest place first; None where all are silent."""
        for place in ("environment", self._dotenv.name):
            lines = self.environ if place == "environment" else self._dotenv_lines()
            for name in names:
                if lines.get(name):
                    return Found(lines[name], name, place)
                if lines.get(f"{name}_FILE"):
                    pointed = _read_file(Path(lines[f"{name}_FILE"]), f"{name}_FILE")
                    if pointed:
                        return Found(pointed, name, f"{name}_FILE")
        for name in names:
            path = self._mounted / name
            if os.path.exists(path):  # noqa: PTH110 - unlike Path.exists it is silent in a folder that is closed to us
                mounted = _read_file(path, name)
                if mounted:
                    return Found(mounted, name, str(self._mounted))
        return None

    def names(self, prefix: str) -> tuple[str, ...]:
        """Every name with this prefix that is set in the environment or in `.env`."""
        known = {*self.environ, *self._dotenv_lines()}
        return tuple(sorted(name for name in known if name.startswith(prefix)))

    def _dotenv_lines(self) -> Mapping[str, str]:
        if self._lines is None:
            self._lines = self._read_dotenv()
        return self._lines

    def _read_dotenv(self) -> Mapping[str, str]:
        try:
            mode = self._dotenv.stat().st_mode
        except OSError:
            return {}
        if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
            return {}
        if mode & stat.S_IROTH:
            warning = f"{self._dotenv.name} can be read by every user of this machine; chmod 600 closes it."
            self._warnings.append(warning)
            _log.warning(warning)
        from dotenv import dotenv_values

        try:
            lines = dotenv_values(self._dotenv, interpolate=False, encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as wrong:
            why = _reason(wrong)
        else:
            return {name: value for name, value in lines.items() if value}
        raise BadRequest(f"{self._dotenv.name} cannot be read ({why}).", todo="Mend the file or remove it.")


def _read_file(path: Path, variable: str) -> str:
    try:
        return path.expanduser().read_text(encoding="utf-8-sig").rstrip("\r\n")
    except (OSError, UnicodeDecodeError, RuntimeError) as wrong:
        why = _reason(wrong)
    # Raised out here, so that the first error, which holds the path or the bytes, is not attached.
    raise BadRequest(
        f"{variable} names a file that cannot be read ({why}).",
        todo="It must be a path to a text file that holds the value and nothing else.",
    )


def _reason(wrong: Exception) -> str:
    return (wrong.strerror or "unreadable") if isinstance(wrong, OSError) else "not UTF-8 text"
