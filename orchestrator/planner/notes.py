"""What the planner has to say beside the plan: every default it chose, every wish it cannot meet."""

from __future__ import annotations

from collections.abc import Iterable

from shared_knowledge.vocabulary import Span

__all__ = ["Notes", "listed"]


class Notes:
    """Sentences for the person, gathered while planning; equal ones about several tasks become one."""

    def __init__(self, warnings: Iterable[str] = (), questions: Iterable[str] = ()) -> None:
        self._assumed: dict[str, list[str]] = {}
        self._unmet: set[str] = set()
        self.warnings = list(warnings)
        self.questions = list(questions)

    def assume(self, sentence: str, *tasks: str) -> None:
        """A default was chosen; `{tasks}` in the sentence becomes the tasks it was chosen for."""
        named = self._assumed.setdefault(sentence, [])
        named.extend(task for task in tasks if task not in named)

    def cannot_meet(self, field: str, sentence: str) -> None:
        """A wish of the brief, in this field of its understanding, will not be met."""
        self._unmet.add(field)
        self.warnings.append(sentence)

    @property
    def assumptions(self) -> tuple[str, ...]:
        return tuple(
            sentence.replace("{tasks}", listed(tasks)) if tasks else sentence
            for sentence, tasks in self._assumed.items()
        )

    def marked(self, coverage: Iterable[Span]) -> tuple[Span, ...]:
        """The map of the brief, with the wishes that cannot be met marked as such."""
        return tuple(
            span.model_copy(update={"means": "cannot be met"}) if span.means in self._unmet else span
            for span in coverage
        )


def listed(names: Iterable[str]) -> str:
    """The names as a sentence lists them: "a", "a and b", "a, b and c"."""
    *most, last = list(names) or [""]
    return f"{', '.join(most)} and {last}" if most else last
