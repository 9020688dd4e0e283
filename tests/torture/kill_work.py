"""What a bench is given to do, in a process of its own: plans come in one file, verdicts go out into another."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Literal, NamedTuple, Self

from warm import Child, Warm

__all__ = ["HERE", "Plan", "Ruling", "Scope", "Worker"]

HERE = Path(__file__).parent
Scope = Literal["moments", "worlds", "purchase"]
"""Every moment by its name; one for each world that can be found after it; those while money moves."""


class Plan(NamedTuple):
    """A kind and where to kill it; without that, once at each moment of a scope, or only telling these."""

    kind: str
    kills: tuple[str, ...] = ()
    scope: Scope = "worlds"
    look: bool = False
    only_tell: bool = False


class Ruling(NamedTuple):
    """A verdict, as it came back."""

    kind: str
    kills: tuple[str, ...]
    end: str
    wrong: tuple[str, ...]
    missed: bool
    lives: tuple[tuple[str, ...], ...]
    seconds: float

    @classmethod
    def read(cls, line: str) -> Self:
        """From its line."""
        told = json.loads(line)
        lives = tuple(tuple(life) for life in told["lives"])
        return cls(**{**told, "kills": tuple(told["kills"]), "wrong": tuple(told["wrong"]), "lives": lives})

    def shown(self, database: str = "SQLite") -> str:
        """What went wrong, and how to see it again."""
        plan = f"{database}: {' | '.join((self.kind, *self.kills))}"
        return f'{"; ".join(self.wrong)}\n    python tests/torture/kill.py --replay "{plan}"'


class Worker:
    """A bench in a fork of the warm process, at work on some plans."""

    def __init__(self, warm: Warm, folder: Path, plans: Sequence[Plan], database: str | None = None) -> None:
        self._given, self._told = folder / "plans.json", folder / "verdicts.jsonl"
        self._given.write_text(json.dumps(plans))
        self._told.touch()
        self._read = 0
        self._child: Child = warm.spawn(
            call="kill_work:work",
            args={"given": str(self._given), "told": str(self._told), "database": database},
            path=[HERE.parent, HERE],
        )

    def news(self) -> list[Ruling]:
        """What was judged since the last time; asks for nothing and waits for nothing."""
        lines = self._told.read_text().split("\n")[:-1]
        fresh, self._read = lines[self._read :], len(lines)
        return [Ruling.read(line) for line in fresh]

    def is_over(self) -> bool:
        """Whether it has judged everything; RuntimeError with its last words if it broke."""
        code = self._child.poll()
        if code:
            raise RuntimeError(f"a bench broke ({code}):\n{self._child.wait(5).stderr[-3000:]}")
        return code is not None

    def wait(self, timeout_s: float) -> list[Ruling]:
        """Everything it judges, when it is over."""
        try:
            self._child.wait(timeout_s)
            self.is_over()
        finally:
            self._child.kill()
        return self.news()


# ── in the bench ───────────────────────────────────────────────────────────────────────────────


def work(given: str, told: str, database: str | None) -> int:
    """Judges every plan."""
    from kill_bench import Bench, Verdict, a_bench
    from kill_kinds import KINDS
    from kill_tables import InFiles, OnServer, Tables

    plans = [Plan(kind, tuple(kills), *more) for kind, kills, *more in json.loads(Path(given).read_text())]
    tables: Tables = OnServer(database) if database else InFiles()

    def verdicts(bench: Bench, plan: Plan) -> Iterator[Verdict]:
        kind, kills = KINDS[plan.kind], [plan.kills]
        if not plan.kills:
            names = bench.moments(kind, look=plan.scope != "moments")
            if plan.scope == "purchase":
                names = _of_the_purchase(names)
            kills = [(name,) for name in names]
            if plan.only_tell:
                yield Verdict(kind.name, (), "nobody was killed", (), True, (tuple(names),), 0.0)
                return
        yield from (bench.judge(kind, each, look=plan.look) for each in kills)

    with a_bench(tables) as bench, Path(told).open("a", encoding="utf-8", buffering=1) as answers:
        for kind in {KINDS[plan.kind].brief.text: KINDS[plan.kind] for plan in plans}.values():
            bench.rehearse(kind)
        for plan in plans:
            answers.writelines(json.dumps(asdict(verdict)) + "\n" for verdict in verdicts(bench, plan))
    return 0


def _of_the_purchase(names: Sequence[str]) -> list[str]:
    """The moments from the order's being placed to what became of its task."""
    first = next(number for number, name in enumerate(names) if "add_order" in name)
    last = max(number for number, name in enumerate(names) if "keep_outcome" in name)
    return list(names[first : last + 1])
