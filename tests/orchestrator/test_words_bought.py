"""Words that cost money: reserved, settled by what was counted, inside the promise, and asked for only once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from agentes.media.shelf import Shelf
from agentes.media_agent import Errand
from agentes.wire.chat import Reply
from orchestrator import assembly, planner
from orchestrator.brief import read
from orchestrator.brief.model.adviser import Adviser
from orchestrator.brief.model.purchase import LLM, WORDS, Bought, buy_words
from orchestrator.brief.model.question import Question, Tariff
from orchestrator.dispatch.here import Here
from orchestrator.locks import FileLocks
from orchestrator.quoting import Quoter
from orchestrator.run import Office
from orchestrator.settlement import Settlement
from orchestrator.store.book import SqlBook
from orchestrator.store.database import open_database
from orchestrator.store.jobs import Jobs
from orchestrator.studio import Studio
from shared_knowledge.caps import Limits
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.cost_tracker import CostTracker
from shared_knowledge.errors import Failed, InDoubt
from shared_knowledge.vocabulary import Asset, Brief, Medium, Money, Order, OrderState, PhotoSpec

TEXT = "a square photo of a candle"
A_DAY = Money(10_000_000)
PRICED = Tariff(Money.dollars("2.50"), Money.dollars("10"))
FREE = Tariff(Money(0), Money(0))
WORDS_SAID = json.dumps({"assets": [{"id": "photo-1", "scene": "warm light on dark wood"}]})
REPLY = Reply(WORDS_SAID, 900, 40)
COST = Money(900 * 25 // 10 + 40 * 10)


class Killed(BaseException):
    """The process is no more."""


class House:
    """One process over the ledger of a home, with a model that says what the test wants."""

    def __init__(self, home: Path, says: Reply | BaseException = REPLY, tariff: Tariff = PRICED) -> None:
        self.says = says
        self.asked: list[Question] = []
        self.performed: list[Errand] = []
        self.adviser = Adviser(
            "small", self._ask, tariff=tariff, answers=home / "answers", craft=lambda _: ""
        )
        self.quoter = Quoter(Catalogue.load(), assembly.directory(), A_DAY, adviser=self.adviser)
        self.database = open_database(home / "ledger.db")
        self.jobs, self.book = Jobs(self.database), SqlBook(self.database)
        self.tracker = CostTracker(self.book, Limits(a_day=A_DAY))
        self.shelf = Shelf(home / "shelf", home / "desks")
        self.out = home / "out"
        office = Office(
            quoter=self.quoter,
            jobs=self.jobs,
            book=self.book,
            tracker=self.tracker,
            shelf=self.shelf,
            agents=dict.fromkeys(Medium, self),  # type: ignore[arg-type]
            locks=FileLocks(home),
            checkpoints=home / "graph.db",
            version="0",
        )
        self.office = office
        here = Here(lambda: office)
        self.studio = Studio(self.quoter, lambda: office, lambda: here)

    async def _ask(self, question: Question) -> Reply:
        self.asked.append(question)
        if isinstance(self.says, BaseException):
            raise self.says
        return self.says

    async def perform(self, errand: Errand) -> Asset:
        self.performed.append(errand)
        file = self.shelf.desk(errand.task.id) / "picture.png"
        Image.new("RGB", (8, 8), "tan").save(file)
        stored = self.shelf.put(file)
        return Asset(
            task=errand.task.id,
            medium=errand.task.medium,
            path=stored.path,
            sha256=stored.sha256,
            size_bytes=stored.size_bytes,
            mime="image/png",
            platform="draft_picture",
            model="storyboard",
            cost=Money(0),
        )

    async def made(self, **more: Any) -> str:
        job = await self.studio.submit(Brief(text=TEXT).model_copy(update=more), self.out)
        await self.studio.finish(job.id)
        return job.id

    async def job(self) -> tuple[str, int]:
        await self.jobs.add("job_1", Brief(text=TEXT), str(self.out))
        return "job_1", await self.jobs.take("job_1")

    async def buy(self, *, ceiling: Money = A_DAY) -> Bought:
        if not self.jobs.knows("job_1"):
            await self.job()
        fence = await self.jobs.take("job_1")
        question = self.adviser.question(planner.plan(read(TEXT), Brief(text=TEXT)), read(TEXT), ())
        assert question is not None
        return await buy_words(self.tracker, self.adviser, question, self.jobs.get("job_1"), fence, ceiling)

    def orders(self) -> list[Order]:
        return [order for order in self.book.orders(self.jobs.latest(1)[0].id) if order.platform == LLM]


def scene(house: House, job: str) -> str:
    plan = house.jobs.get(job).plan
    assert plan is not None
    spec = plan.tasks[0].spec
    assert isinstance(spec, PhotoSpec)
    return spec.scene


async def test_words_are_bought_after_the_yes_and_stand_in_the_ledger(tmp_path: Path) -> None:
    house = House(tmp_path)
    quoted = house.studio.quote(Brief(text=TEXT))
    assert house.asked == []
    assert quoted.quote.for_words == quoted.quote.estimate > 0
    job_id = await house.made(accepted_quote=quoted.quote.hash)
    (order,) = house.orders()
    assert (order.task, order.state, order.cost) == (WORDS, OrderState.SETTLED, COST)
    assert order.price == quoted.quote.for_words
    assert "warm light on dark wood" in scene(house, job_id)
    (errand,) = house.performed
    assert isinstance(errand.task.spec, PhotoSpec)
    assert "warm light" in errand.task.spec.scene
    told = house.studio.result(job_id)
    assert (told["status"], told["cost_usd"]) == ("done", COST.usd)
    assert told["ceiling_usd"] == quoted.quote.ceiling.usd
    assert sum(row.spent for row in house.book.costs()) == COST


async def test_a_no_costs_nothing(tmp_path: Path) -> None:
    house = House(tmp_path)
    job_id = await house.made(approval="ask")
    assert house.asked == []
    await house.studio.approve(job_id, False)
    assert (house.asked, house.orders()) == ([], [])


async def test_the_same_again_and_a_change_of_nothing_ask_nobody(tmp_path: Path) -> None:
    house = House(tmp_path)
    first = await house.made()
    second = await house.made()
    changed = await house.made(from_job=first)
    assert len(house.asked) == 1
    assert scene(house, first) == scene(house, second) == scene(house, changed)
    assert house.studio.result(changed)["cost_usd"] == "0.000000"
    assert len(house.performed) == 2


async def test_a_free_model_is_asked_for_the_quote_and_the_job_keeps_what_it_said(tmp_path: Path) -> None:
    house = House(tmp_path, tariff=FREE)
    quoted = house.studio.quote(Brief(text=TEXT))
    assert (quoted.quote.estimate, len(house.asked)) == (0, 1)
    job_id = await house.made(accepted_quote=quoted.quote.hash)
    assert len(house.asked) == 1
    assert house.orders() == []
    kept = house.jobs.get(job_id).brief.words
    assert kept is not None
    assert kept.assets
    assert "warm light" in scene(house, job_id)


@pytest.mark.parametrize(
    ("says", "state", "cost"),
    [
        (InDoubt("The answer of small did not come whole."), OrderState.FAILED_CHARGED, None),
        (Failed("small answered 500."), OrderState.FAILED_CHARGED, None),
        (Failed("small refuses.", charged=Money(0)), OrderState.FAILED_FREE, Money(0)),
        (Reply("I would rather chat.", 900, 40), OrderState.SETTLED, COST),
        (Reply(WORDS_SAID, 10**7, 10**7), OrderState.SETTLED, None),
        (Reply("", None, None), OrderState.SETTLED, None),
    ],
    ids=["lost", "broken", "refused", "nonsense", "it lies", "nothing"],
)
async def test_whatever_it_does_the_job_is_made_and_the_money_is_right(
    says: Reply | BaseException, state: OrderState, cost: Money | None, tmp_path: Path
) -> None:
    house = House(tmp_path, says)
    job_id = await house.made()
    (order,) = house.orders()
    assert order.state is state
    assert (order.cost or Money(0)) == (order.price if cost is None else cost)
    told = house.studio.result(job_id)
    assert told["status"] == "done"
    assert any("small" in each for each in told["warnings"])
    assert Money.dollars(told["cost_usd"]) <= Money.dollars(told["ceiling_usd"])


async def test_no_room_in_the_budget_no_words(tmp_path: Path) -> None:
    house = House(tmp_path)
    job_id = await house.made(budget=Money(1000))
    assert (house.asked, house.orders()) == ([], [])
    told = house.studio.result(job_id)
    assert told["status"] == "done"
    assert any("is not asked" in each for each in told["warnings"])


async def test_the_days_cap_holds_for_words_too(tmp_path: Path) -> None:
    house = House(tmp_path)
    bought = await house.buy(ceiling=Money(10))
    assert (bought.text, house.asked, house.orders()) == (None, [], [])
    assert bought.why


async def test_killed_before_the_answer_it_is_counted_and_never_asked_again(tmp_path: Path) -> None:
    first = House(tmp_path, Killed())
    with pytest.raises(Killed):
        await first.buy()
    again = House(tmp_path)
    bought = await again.buy()
    assert (bought.text, again.asked) == (None, [])
    (order,) = again.orders()
    assert (order.state, order.cost) == (OrderState.FAILED_CHARGED, order.price)


@pytest.mark.parametrize("verb", ["ready", "stored", "settle"])
async def test_killed_between_answer_and_use_it_is_not_asked_twice(
    verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies(*_: object) -> Order:
        raise Killed

    first = House(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(first.tracker, verb, dies)
        with pytest.raises(Killed):
            await first.buy()
    again = House(tmp_path)
    bought = await again.buy()
    assert (bought.text, bought.cost, again.asked) == (WORDS_SAID, COST, [])
    assert [order.state for order in again.orders()] == [OrderState.SETTLED]
    assert await again.buy() == bought


async def test_killed_between_the_quote_and_the_plan_the_run_says_the_same_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orchestrator.run import Run

    first = House(tmp_path)
    job_id, fence = await first.job()
    run = Run(first.office, job_id, fence)
    await run.plan()
    promised = await run.quote()

    async def dies(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(first.jobs, "plan", dies)
        with pytest.raises(Killed):
            await run.reword()
    again = House(tmp_path)
    resumed = Run(again.office, job_id, await again.jobs.take(job_id))
    await resumed.reword()
    await resumed.reword()
    assert (len(first.asked), again.asked) == (1, [])
    assert "warm light" in scene(again, job_id)
    quote = again.jobs.get(job_id).quote
    assert quote is not None
    assert (quote.hash, quote.estimate) == (promised, COST)


@pytest.mark.parametrize("over", [True, False])
async def test_what_a_dead_run_left_of_its_words_is_brought_to_an_end(over: bool, tmp_path: Path) -> None:
    first = House(tmp_path, Killed())
    with pytest.raises(Killed):
        await first.buy()
    house = House(tmp_path)
    fence = await house.jobs.take("job_1")
    settlement = Settlement(
        house.office.agents, house.jobs, house.book, house.tracker, house.shelf, "job_1", fence
    )
    ended = await settlement.see_through(over=over)
    assert [order.state for order in ended] == [OrderState.FAILED_CHARGED]


async def test_the_ceiling_stays_what_was_promised(tmp_path: Path) -> None:
    house = House(tmp_path)
    quoted = house.studio.quote(Brief(text=TEXT)).quote
    assert quoted.ceiling <= quoted.estimate * 2
    job_id = await house.made()
    after = house.jobs.get(job_id).quote
    assert after is not None
    assert after.ceiling == quoted.ceiling
    assert after.estimate <= quoted.ceiling
