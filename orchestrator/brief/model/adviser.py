"""Whether a model is asked about a plan, when, and what becomes of the plan: never less than the rules made of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from orchestrator.brief.hostile import NOT_FOLLOWED
from orchestrator.brief.model.answer import Nonsense, is_answer
from orchestrator.brief.model.question import Question, Tariff, question_about
from orchestrator.brief.model.wording import reworded, words_in
from orchestrator.brief.reading import Reading
from shared_knowledge.errors import AgentesError
from shared_knowledge.vocabulary import AssetWords, Medium, Money, Plan, Words

if TYPE_CHECKING:
    from agentes.wire.chat import Reply

__all__ = ["Adviser", "brief_number"]

T = TypeVar("T")

_BY_THE_RULES = "the plan is worded by the rules."
_LEAST_BYTES_A_TOKEN = 16
_MOST_KEPT = 500
_SET_PRICES = "Set AGENTES_LLM_USD_PER_M_INPUT and AGENTES_LLM_USD_PER_M_OUTPUT."


def brief_number(text: str) -> str:
    """The same for the same brief."""
    return sha256(text.encode("utf-8", "replace")).hexdigest()[:24]


class Adviser:
    """One model, what it charges, and every answer it gave before."""

    def __init__(
        self,
        model: str,
        ask: Callable[[Question], Awaitable[Reply]],
        *,
        tariff: Tariff | None,
        answers: Path,
        craft: Callable[[Medium], str],
    ) -> None:
        self.model = model
        self._ask = ask
        self._tariff = tariff
        self._answers = answers
        self._craft = craft
        self._last: tuple[str, str | None, str | None] = ("", None, None)

    def advised(self, plan: Plan, reading: Reading, earlier: Words | None, *, may_spend: bool) -> Plan:
        """The rules' plan, worded as far as that is free; it has no `words` yet where a purchase is to bring them."""
        number = brief_number(plan.brief)
        if earlier is not None and earlier.brief == number:
            return reworded(plan, earlier)
        before = earlier.assets if earlier else ()
        base = Words(brief=number, model=self.model, assets=before)
        question = self.question(plan, reading, before)
        if question is None:
            return reworded(plan, _warned(base, self._why_not(reading)))
        text = self.answer_kept(question)
        if text is not None:
            return self.worded(plan, reading, before, text)
        if self._tariff is None:
            why = f"{self.model} was not asked, for its price is not known: {_BY_THE_RULES}"
            return reworded(plan, _warned(base, f"{why} {_SET_PRICES}"))
        price = question.most(self._tariff)
        if price and not may_spend:
            why = f"{self.model} was not asked, for it charges for its words and drafts are free: {_BY_THE_RULES}"
            return reworded(plan, _warned(base, why))
        if price:
            said = (
                f"Before anything is made, {self.model} words what the brief leaves open, "
                f"for at most {price.short}; it is counted in the price."
            )
            waiting = reworded(plan, base)
            return waiting.model_copy(update={"words": None, "assumptions": (*waiting.assumptions, said)})
        return self.worded(plan, reading, before, *self._asked_now(question))

    def question(self, plan: Plan, reading: Reading, before: tuple[AssetWords, ...]) -> Question | None:
        """What to ask about the rules' plan; None where nothing is open, or nothing should be asked."""
        if not plan.tasks or self._why_not(reading):
            return None
        written = {each.of for each in before}
        return question_about(plan, subject=reading.subject, written=written, craft=self._craft)

    def price(self, question: Question) -> Money | None:
        """What asking can cost at most; nothing for an answer that is here already, None where it is not known."""
        if self.answer_kept(question) is not None:
            return Money(0)
        return None if self._tariff is None else question.most(self._tariff)

    async def ask(self, question: Question) -> Reply:
        """The model's reply; an error says in `charged` whether it cost anything."""
        return await self._ask(question)

    def cost_of(self, question: Question, reply: Reply) -> tuple[Money, str | None]:
        """What a reply cost by the endpoint's own count, and what is odd about that count; then it is the most."""
        assert self._tariff is not None, "nothing is bought without a known price"
        sent, received = reply.sent_tokens, reply.received_tokens
        if sent is None or received is None:
            return question.most(self._tariff), f"{self.model} did not say what it counted"
        said = len(reply.text.encode("utf-8", "replace"))
        too_many = sent > question.most_sent or received > question.most_tokens
        too_few = _LEAST_BYTES_A_TOKEN * sent < question.most_sent or _LEAST_BYTES_A_TOKEN * received < said
        if too_many or too_few:
            odd = f"{self.model} counted {sent:,} and {received:,} tokens, which cannot be"
            return question.most(self._tariff), odd
        return self._tariff.cost(sent, received), None

    def worded(
        self,
        plan: Plan,
        reading: Reading,
        before: tuple[AssetWords, ...],
        text: str | None,
        why: str | None = None,
    ) -> Plan:
        """The rules' plan with an answer in it, or without one and the reason why."""
        number = brief_number(plan.brief)
        words = Words(brief=number, model=self.model)
        if text is not None:
            try:
                words = words_in(text, plan, model=self.model, subject=reading.subject, brief=number)
            except Nonsense as nonsense:
                why = f"The answer of {self.model} is not used, for {nonsense}"
        words = words.model_copy(update={"assets": (*before, *words.assets)})
        return reworded(plan, _warned(words, f"{why.rstrip('.')}; {_BY_THE_RULES}" if why else None))

    def keep_answer(self, question: Question, text: str) -> None:
        """Keeps an answer that makes sense, so that the same question is not asked again on this machine."""
        from contextlib import suppress
        from os import getpid

        file = self._file(question)
        part = file.with_name(f".{file.name}.{getpid()}.part")
        with suppress(OSError):  # then it is only asked again
            self._answers.mkdir(parents=True, exist_ok=True)
            part.write_text(text, "utf-8", "replace")
            part.replace(file)
            oldest_first = sorted(self._answers.glob("*.json"), key=lambda each: each.stat().st_mtime)
            for old in oldest_first[:-_MOST_KEPT]:
                old.unlink(missing_ok=True)

    def answer_kept(self, question: Question) -> str | None:
        """The answer to exactly this question, if it was given before."""
        try:
            return self._file(question).read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            return None

    def _file(self, question: Question) -> Path:
        return self._answers / f"{question.number(self.model)}.json"

    def _why_not(self, reading: Reading) -> str | None:
        if NOT_FOLLOWED not in reading.warnings:
            return None
        return f"{self.model} was not shown a brief that tries to change the rules; {_BY_THE_RULES}"

    def _asked_now(self, question: Question) -> tuple[str | None, str | None]:
        """The answer, or why there is none; asked once, also where the same is quoted twice in a row."""
        number = question.number(self.model)
        if self._last[0] == number:
            return self._last[1:]
        text, why = None, None
        try:
            text = _in_a_thread(self._ask(question)).text
        except AgentesError as trouble:
            why = trouble.what
        if text is not None and is_answer(text):
            self.keep_answer(question, text)
        self._last = (number, text, why)
        return text, why


def _warned(words: Words, why: str | None) -> Words:
    return words.model_copy(update={"warnings": (*words.warnings, why)}) if why else words


def _in_a_thread(work: Awaitable[T]) -> T:
    """What a question brings, wherever it is asked from: a loop that runs already is not stopped by it."""
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    async def waited() -> T:
        return await work

    task: Coroutine[Any, Any, T] = waited()
    with ThreadPoolExecutor(1) as alone:
        return alone.submit(asyncio.run, task).result()
