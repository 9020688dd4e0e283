"""What each command does: words into Studio calls, and answers back for people or programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.quick_start import settle_down
from orchestrator import assembly
from orchestrator.faces import asking
from orchestrator.faces.cli import DECISIONS, Wishes
from shared_knowledge.errors import AgentesError, BadRequest, NeedsPerson
from shared_knowledge.vocabulary import Job, Order, Plan

if TYPE_CHECKING:
    from orchestrator.studio import Studio

__all__ = [
    "cancel",
    "complain",
    "costs",
    "doctor",
    "make",
    "plan",
    "platforms",
    "resume",
    "review",
    "runs",
    "sandbox",
    "show",
]

_MOST_RUNS = 1000
_STOPS_QUIETLY_S = 1.0


def make(
    brief: str, wishes: Wishes, out: str | None, tenant: str, *, yes: bool, ask: bool, as_json: bool
) -> None:
    """Quotes, asks where money would be spent, and sees the job through."""
    from orchestrator.faces import terminal

    asking.refuse_odd_tenant(tenant)

    assembly.set_up_logging()
    wanted = asking.brief(asking.words(brief), wishes)
    studio = assembly.studio()
    proposal = studio.quote(wanted)
    terminal.show_proposal(proposal, to_stderr=as_json)
    proposal.insist()
    asking.refuse_changed_quote(proposal, wishes.quote)
    agreed = wishes.quote is not None or yes or (proposal.quote.estimate == 0 and not ask)
    if yes and wishes.quote is None:
        asking.refuse_open_questions(proposal)
    if not agreed and not terminal.agrees(proposal):
        raise NeedsPerson("You said no, so nothing was made and nothing was spent.")
    accepted = wanted.model_copy(update={"accepted_quote": proposal.quote.hash})
    _run(
        lambda: _see_through(
            studio,
            lambda: studio.submit(accepted, Path(out) if out else None, tenant=tenant),
            proposal.plan,
            as_json=as_json,
        )
    )


def plan(
    brief: str | None,
    batch: str | None,
    wishes: Wishes,
    *,
    assume_keys: str | None,
    today: str | None,
    as_json: bool,
) -> None:
    """Shows what would be done, by whom and for how much; for one brief or a file of them."""
    assembly.set_up_logging()
    studio = assembly.studio(assume_keys=assume_keys, today=asking.day(today))
    if batch is not None:
        if brief is not None:
            raise BadRequest("A brief and --batch were both given.", todo="Give one of them.")
        settle_down()
        for line in asking.batch(Path(batch)):
            _print_json({"id": line.id, **_planned(studio, line.brief, wishes)})
        return
    if brief is None:
        raise BadRequest(
            "There is no brief.", todo='Say what you need: agentes plan "…", or use --batch FILE.'
        )
    proposal = studio.quote(asking.brief(asking.words(brief), wishes))
    if as_json:
        _print_json(proposal.document())
    else:
        from orchestrator.faces import terminal

        terminal.show_proposal(proposal, in_full=True)
    if proposal.obstacle is not None:
        _leave(_say(proposal.obstacle))


def platforms(*, as_json: bool) -> None:
    """Shows every platform as it stands right now."""
    rows = assembly.directory().rows()
    if as_json:
        _print_json([row.document() for row in rows])
    else:
        from orchestrator.faces import terminal

        terminal.show_platforms(rows)


def costs(by: str, tenant: str | None, export: str | None, *, as_json: bool) -> None:
    """Shows the ledger, added up; or gives it out order by order."""
    from orchestrator.faces import ledger

    studio = assembly.studio()
    if export is not None:
        bought = [row for row in studio.bought() if tenant in {None, row.tenant}]
        _give_out(ledger.export(bought), ledger.EXPORTED, as_csv=export == "csv")
        return
    report = ledger.report([row for row in studio.costs() if tenant in {None, row.tenant}])
    if as_json:
        _print_json(report.document())
    else:
        from orchestrator.faces import terminal

        terminal.show_costs(report, by)


def _give_out(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, as_csv: bool) -> None:
    if not as_csv:
        return _print_json(rows)
    from csv import DictWriter

    writer = DictWriter(sys.stdout, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return None


def runs(most: int, *, as_json: bool) -> None:
    """Shows the newest jobs."""
    if not 1 <= most <= _MOST_RUNS:
        raise BadRequest(f"--most {most} is not possible.", todo=f"Write a number from 1 to {_MOST_RUNS}.")
    studio = assembly.studio()
    jobs = [(job, _standing(studio, job)) for job in studio.list(most)]
    if as_json:
        _print_json([_job_line(job, state) for job, state in jobs])
    else:
        from orchestrator.faces import terminal

        terminal.show_runs(jobs)


def show(job_id: str, *, as_json: bool) -> None:
    """Shows one job."""
    studio = assembly.studio()
    _show(studio, studio.status(job_id), as_json=as_json)


def resume(job_id: str | None, *, as_json: bool) -> None:
    """Carries a job on and sees it through; without a name, everything that was interrupted."""
    assembly.set_up_logging()
    studio = assembly.studio()
    if job_id is None:
        _run(lambda: _resume_all(studio, as_json=as_json))
        return
    plan = studio.status(job_id).plan
    _run(lambda: _see_through(studio, lambda: studio.resume(job_id), plan, as_json=as_json))


async def _resume_all(studio: Studio, *, as_json: bool) -> int:
    """Sees the interrupted jobs through, one after the other; then collects what other dead runs bought."""
    from orchestrator.faces import terminal

    jobs = studio.interrupted()
    codes = [
        await _see_through(
            studio, partial(studio.resume, job.id), job.plan, as_json=False, quiet=as_json, alone=True
        )
        for job in jobs
    ]
    recovered = await studio.recover()
    terminal.show_recovered(recovered)
    if as_json:
        _print_json([studio.result(job.id) for job in jobs])
    elif not jobs and not recovered:
        terminal.say("Nothing was interrupted, and nothing that was bought is still to be collected.")
    return max(codes, default=0)


def cancel(job_id: str, *, as_json: bool) -> None:
    """Stops a job, and shows what was made by then and what became of each order."""
    studio = assembly.studio()

    async def stop() -> int:
        job = await studio.cancel(job_id)
        orders, said = studio.orders(job.id), studio.let_go(job.id)
        if as_json:
            ended = [_ended(order) | {"said": said.get(order.task)} for order in orders]
            state = {"state": _standing(studio, job), "orders": ended}
            _print_json(studio.result(job.id) | state)
        else:
            from orchestrator.faces import terminal

            _show(studio, job, as_json=False)
            terminal.show_let_go(orders, said)
        return 0

    _run(stop)


def _ended(order: Order) -> dict[str, Any]:
    return _doubt(order) | {"charged_usd": order.cost.usd if order.cost is not None else None}


def sandbox(port: int, latency_s: float, seed: int, *, as_json: bool) -> None:
    """Plays the vendors until somebody has had enough."""
    from orchestrator.faces import playing

    _run(lambda: playing.play(port, latency_s, seed, as_json=as_json))


def review(order: str | None, decision: str | None, number: str | None, *, as_json: bool) -> None:
    """Lists the orders in doubt, or takes a person's decision about one."""
    import asyncio

    from orchestrator.faces import terminal

    studio = assembly.studio()
    if order is None:
        waiting = studio.doubtful()
        _print_json([_doubt(each) for each in waiting]) if as_json else terminal.show_doubts(waiting)
        return
    if decision is None:
        raise BadRequest("A decision is missing.", todo=f"Add one of {', '.join(DECISIONS)}.")
    decided = asyncio.run(studio.decide(order, decision, number))
    if as_json:
        _print_json(_doubt(decided))
    else:
        terminal.show_decision(decided)


def _doubt(order: Order) -> dict[str, Any]:
    return {
        "order": order.id,
        "job": order.job,
        "task": order.task,
        "platform": order.platform,
        "model": order.model,
        "state": order.state,
        "price_usd": order.price.usd,
        "sent_at": order.sent_at.isoformat() if order.sent_at else None,
        "why": order.why,
    }


def doctor(*, live: bool, as_json: bool) -> None:
    """Shows what is here and what is missing; asks the vendors too, if that is wanted."""
    from orchestrator.faces import checkup

    findings = checkup.examine() + (checkup.ask_vendors() if live else [])
    if as_json:
        _print_json([finding.document() for finding in findings])
    else:
        from orchestrator.faces import terminal

        terminal.show_checkup(findings)
    if any(finding.verdict == "broken" for finding in findings):
        _leave(2)


def complain(error: AgentesError, *, as_json: bool) -> int:
    """Says what went wrong and what to do about it; gives the exit code."""
    if as_json:
        document = json.dumps({"error": asking.error_document(error)}, ensure_ascii=False)
        print(assembly.mask(document))
    return _say(error)


async def _see_through(
    studio: Studio,
    begin: Callable[[], Coroutine[Any, Any, Job]],
    tasks: Plan | None,
    *,
    as_json: bool,
    quiet: bool = False,
    alone: bool = False,
) -> int:
    """Begins a job, shows it as it goes, and says how it ended.

    Unless it is to be `alone`, what dead runs of other jobs had bought is collected meanwhile.
    """
    import asyncio

    from orchestrator.faces import live, terminal

    job = await begin()
    recovery = asyncio.ensure_future(_nothing() if alone else studio.recover())
    try:
        with live.Progress(job, tasks) as progress:
            async for event in studio.follow(job.id):
                progress.show(event)
            await studio.finish(job.id)
    except asyncio.CancelledError:
        # Said first: who presses Ctrl-C twice must know it too.
        print(f"\nInterrupted; everything is kept. Carry on with: agentes resume {job.id}", file=sys.stderr)
        stopping = asyncio.ensure_future(studio.stop())
        done, _ = await asyncio.wait([stopping], timeout=_STOPS_QUIETLY_S)
        if not done:
            print(
                "Waiting for the answer to what is already bought; Ctrl-C again leaves at once.",
                file=sys.stderr,
            )
        await stopping
        raise
    finally:
        recovery.cancel()  # what is not collected by now is on its vendor's shelf, and in the ledger
        (recovered,) = await asyncio.gather(recovery, return_exceptions=True)
    if not isinstance(recovered, BaseException):
        terminal.show_recovered(recovered)
    result = studio.result(job.id)
    if as_json:
        _print_json(result)
    elif not quiet:
        terminal.show_result(result)
    return asking.exit_code(result)


async def _nothing() -> Sequence[Order]:
    return ()


def _run(work: Callable[[], Coroutine[Any, Any, int]]) -> None:
    import asyncio

    async def watched() -> int:
        asyncio.get_running_loop().set_exception_handler(lambda _, stray: _note(stray))
        return await work()

    settle_down()
    code = asyncio.run(watched())
    if code:
        _leave(code)


def _note(stray: Mapping[str, Any]) -> None:
    """An error that nobody waited for, such as the twin of one that is told already, is one line of the log."""
    import logging

    log = logging.getLogger(__name__)
    log.warning("%s: %s", stray.get("message"), stray.get("exception"))
    log.debug("where it came from", exc_info=stray.get("exception"))


def _leave(code: int) -> None:
    sys.exit(code)


def _planned(studio: Studio, text: str, wishes: Wishes) -> dict[str, Any]:
    """One line of a batch: a plan, or what was wrong with that brief alone."""
    try:
        return {"plan": studio.quote(asking.brief(text, wishes)).document()}
    except AgentesError as error:
        return {"plan": None, "error": asking.error_document(error)}


def _show(studio: Studio, job: Job, *, as_json: bool) -> None:
    state = _standing(studio, job)
    if as_json:
        _print_json(studio.result(job.id) | {"state": state})
    else:
        from orchestrator.faces import terminal

        terminal.show_job(job, state, studio.outcomes(job.id))


def _job_line(job: Job, state: str) -> dict[str, Any]:
    return {
        "job": job.id,
        "state": state,
        "brief": job.brief.text,
        "folder": job.folder,
        "created_at": job.created_at.isoformat(),
        "ended_at": job.ended_at.isoformat() if job.ended_at else None,
        "why": job.why,
    }


def _standing(studio: Studio, job: Job) -> str:
    """How a job stands; one that should be running but is not was interrupted."""
    waiting = job.state in {"queued", "running"}
    return "interrupted" if waiting and not studio.is_running(job.id) else str(job.state)


def _say(error: AgentesError) -> int:
    from orchestrator.faces.visible import visible

    print(visible(assembly.mask(f"agentes: {error}")), file=sys.stderr)
    return asking.code_of(error)


def _print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False))
