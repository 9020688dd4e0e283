"""A job while it runs: on a terminal a tree of who asked whom and why, elsewhere a line per step."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from shared_knowledge.vocabulary import Job, Money, Plan

if TYPE_CHECKING:
    from orchestrator.store.jobs import Event

__all__ = ["Progress"]

_WORDS = {
    "waiting": ("waits", "dim"),
    "preparing": ("preparing", "cyan"),
    "making": ("making", "bold cyan"),
    "elsewhere": ("trying elsewhere", "yellow"),
    "kept": ("kept", "green"),
    "done": ("done", "green"),
    "failed": ("not made", "red"),
    "refused": ("refused", "red"),
    "in_doubt": ("in doubt", "magenta"),
    "over_budget": ("over budget", "red"),
    "joining": ("joining", "bold cyan"),
    "told": ("told", "green"),
}
_ENDS = {"kept", "done", "failed", "refused", "in_doubt", "over_budget"}


class _Row:
    """How one task stands on the screen."""

    def __init__(
        self, name: str, asker: _Row | None = None, because: str = "", phase: str = "waiting"
    ) -> None:
        self.name = name
        self.depth: int = asker.depth + 1 if asker else 0
        self.because = because
        self.asked: list[_Row] = []
        if asker:
            asker.asked.append(self)
        self.phase = phase
        self.where = ""
        self.cost = ""
        self.began = time.monotonic()
        self.seconds: float | None = None

    @property
    def since(self) -> float:
        return time.monotonic() - self.began

    def move(self, event: Event) -> None:
        if self.phase == "waiting":
            self.began = time.monotonic()
        self.phase = event.phase
        self.where = event.platform or self.where
        if event.cost is not None:
            self.cost = Money.dollars(event.cost).short if event.cost != "0.000000" else "free"
        if event.phase in _ENDS:
            self.seconds = self.since


class Progress:
    """Shows events as they come; on anything but a terminal, plain lines on standard error."""

    def __init__(self, job: Job, plan: Plan | None) -> None:
        self._job = job
        self._rows = {task.id: _Row(task.id) for task in (plan.tasks if plan else ())}
        self._planned = frozenset(self._rows)
        self._console = Console(stderr=True, highlight=False, force_terminal=sys.stderr.isatty())
        self._live = Live(console=self._console, refresh_per_second=8, get_renderable=self._table)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        else:
            print(f"{self._job.id} begins", file=sys.stderr)
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def show(self, event: Event) -> None:
        """One more thing happened."""
        if event.what == "ask":
            self._show_ask(event)
        if event.what not in {"task", "film"}:
            return
        name = event.task or "film"
        row = self._rows.get(name)
        if row is None:
            row = self._rows[name] = _Row(name, self._rows.get(event.asked_by or ""))
        row.move(event)
        if not self._console.is_terminal:
            words, _ = _WORDS.get(row.phase, (row.phase, ""))
            took = f" in {row.seconds:.1f} s" if row.seconds is not None else ""
            where = f" on {row.where}" if row.where else ""
            note = f": {event.note}" if event.note else ""
            print(f"{name}  {words}{where}{took}{note}", file=sys.stderr)

    def _show_ask(self, event: Event) -> None:
        """One task asked for another: work that is planned anyway is only told about, the rest begins here."""
        name, asker, because = event.task or "", event.asked_by or "", event.note or ""
        known = name in self._planned
        key = f"{asker}.{name}" if known else name
        if key in self._rows:
            return
        self._rows[key] = _Row(name, self._rows.get(asker), because, "told" if known else "waiting")
        if not self._console.is_terminal:
            print(f"{asker}  asks for {name}: {because}", file=sys.stderr)

    def _table(self) -> Table:
        table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
        for row in self._in_order():
            words, style = _WORDS.get(row.phase, (row.phase, ""))
            seconds = row.seconds if row.seconds is not None else row.since
            name = Text("   " * (row.depth - 1) + " └ " + row.name if row.depth else f" {row.name}")
            table.add_row(
                name,
                Text(row.where),
                Text(words, style=style),
                Text(f"{seconds:4.1f} s" if row.where or row.seconds else ""),
                Text(row.cost),
                Text(row.because, style="dim"),
            )
        return table

    def _in_order(self) -> list[_Row]:
        """Each asker above what it asked for."""

        def tree(row: _Row) -> list[_Row]:
            return [row, *(below for asked in row.asked for below in tree(asked))]

        return [row for top in self._rows.values() if top.depth == 0 for row in tree(top)]
