"""The command line: a shell's words into Studio calls, and answers back for people or programs."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from orchestrator import assembly
from orchestrator.faces import asking
from shared_knowledge.errors import AgentesError, BadRequest
from shared_knowledge.vocabulary import Job, Quality

if TYPE_CHECKING:
    from orchestrator.quoting import Proposal
    from orchestrator.studio import Studio

__all__ = ["app", "main"]

app = typer.Typer(
    name="agentes",
    help="Give it a sentence, get finished media: planned, priced, bought once, checked, joined.",
    epilog="With no key at all, the draft platforms make a real animatic on this machine, free.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

BriefText = Annotated[
    str, typer.Argument(metavar="BRIEF", help="The brief: text, @FILE, or - for standard input.")
]
Budget = Annotated[
    str | None,
    typer.Option(metavar="USD", help="The most the whole job may cost; the text can only lower it."),
]
HowGood = Annotated[Quality | None, typer.Option(help="How good it must be.")]
Draft = Annotated[bool, typer.Option("--draft", help="Only the free platforms of this machine.")]
Use = Annotated[
    list[str] | None,
    typer.Option(metavar="[MEDIUM=]ID[:MODEL]", help="Only this platform, for its medium. Repeatable."),
]
Avoid = Annotated[
    list[str] | None, typer.Option(metavar="[MEDIUM=]ID[:MODEL]", help="Never this platform. Repeatable.")
]
OnRefusal = Annotated[
    str, typer.Option(metavar="stop|elsewhere", help="When a vendor's content rules say no.")
]
OnDoubt = Annotated[
    str, typer.Option(metavar="hold|buy-again", help="When nobody knows whether an order was booked.")
]
FromJob = Annotated[
    str | None,
    typer.Option("--from", metavar="JOB", help="Change a finished job; what stays the same is kept."),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON value on standard output, nothing else.")]
JobId = Annotated[str, typer.Argument(metavar="JOB", help="A job's id, or the beginning of it.")]


@app.command(
    epilog="""Examples:\n
\n
agentes make "vertical 15 s video of our ceramic mug, English voice-over, one hero photo"\n
agentes make @brief.txt --draft --out campaign\n
agentes make "dos fotos cuadradas de una vela" --budget 1.50 --yes --json"""
)
def make(
    brief: BriefText,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where the files go.")] = None,
    budget: Budget = None,
    quality: HowGood = None,
    draft: Draft = False,
    use: Use = None,
    avoid: Avoid = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,
    ask: Annotated[bool, typer.Option("--ask", help="Show the quote and ask, even when it is free.")] = False,
    on_refusal: OnRefusal = "stop",
    quote: Annotated[
        str | None, typer.Option(metavar="HASH", help="Accept exactly this quote of `agentes plan`.")
    ] = None,
    from_job: FromJob = None,
    on_doubt: OnDoubt = "hold",
    as_json: AsJson = False,
) -> None:
    """Turn a brief into files."""
    from orchestrator.faces import terminal

    wanted = asking.brief(
        asking.words(brief),
        budget=budget,
        quality=quality,
        draft=draft,
        use=use,
        avoid=avoid,
        on_refusal=on_refusal,
        on_doubt=on_doubt,
        quote=quote,
        from_job=from_job,
    )
    studio = assembly.studio()
    proposal = studio.quote(wanted)
    terminal.show_proposal(proposal, to_stderr=as_json)
    proposal.insist()
    asking.refuse_changed_quote(proposal, quote)
    agreed = quote is not None or yes or (proposal.quote.estimate == 0 and not ask)
    if not agreed and not terminal.agrees(proposal):
        raise typer.Exit(0)
    accepted = wanted.model_copy(update={"accepted_quote": proposal.quote.hash})
    _run(lambda: _work(studio, lambda: studio.submit(accepted, out), as_json=as_json))


@app.command(
    epilog="""Examples:\n
\n
agentes plan "15 s vertical video of a ceramic mug, under $2" --assume-keys all\n
agentes plan --batch briefs.jsonl > plans.jsonl"""
)
def plan(
    brief: Annotated[
        str | None, typer.Argument(metavar="BRIEF", help="The brief: text, @FILE, or - for standard input.")
    ] = None,
    batch: Annotated[
        Path | None,
        typer.Option(metavar="FILE.jsonl", help='Reads {"id","brief"} a line, writes {"id","plan"}.'),
    ] = None,
    budget: Budget = None,
    quality: HowGood = None,
    draft: Draft = False,
    use: Use = None,
    avoid: Avoid = None,
    on_refusal: OnRefusal = "stop",
    from_job: FromJob = None,
    on_doubt: OnDoubt = "hold",
    assume_keys: Annotated[
        str | None, typer.Option(metavar="all|ID,ID", help="Plan as if these platforms' keys were there.")
    ] = None,
    today: Annotated[
        str | None, typer.Option(metavar="YYYY-MM-DD", help="Plan with that day's prices and retirements.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The same understanding, choice and price as `make`; buys nothing, needs no key and no network."""
    studio = assembly.studio(assume_keys=assume_keys, today=asking.day(today))

    def propose(text: str) -> Proposal:
        return studio.quote(
            asking.brief(
                text,
                budget=budget,
                quality=quality,
                draft=draft,
                use=use,
                avoid=avoid,
                on_refusal=on_refusal,
                on_doubt=on_doubt,
                quote=None,
                from_job=from_job,
            )
        )

    if batch is not None:
        if brief is not None:
            raise BadRequest("A brief and --batch were both given.", todo="Give one of them.")
        for line in asking.batch(batch):
            _print_json({"id": line.id, **_planned(lambda text=line.brief: propose(text))})  # type: ignore[misc]
        return
    if brief is None:
        raise BadRequest(
            "There is no brief.", todo='Say what you need: agentes plan "…", or use --batch FILE.'
        )
    proposal = propose(asking.words(brief))
    if as_json:
        _print_json(proposal.document())
    else:
        from orchestrator.faces import terminal

        terminal.show_proposal(proposal, in_full=True)
    if proposal.obstacle is not None:
        print(assembly.mask(f"agentes: {proposal.obstacle}"), file=sys.stderr)
        raise typer.Exit(asking.code_of(proposal.obstacle))


@app.command(epilog="Example: agentes platforms --json")
def platforms(as_json: AsJson = False) -> None:
    """The catalogue, the keys that are there, and what can be used right now."""
    rows = assembly.studio().platforms()
    if as_json:
        _print_json([row.document() for row in rows])
    else:
        from orchestrator.faces import terminal

        terminal.show_platforms(rows)


@app.command(epilog="Example: agentes costs --by platform")
def costs(
    by: Annotated[str, typer.Option(metavar="day|job|platform", help="What to add up by.")] = "day",
    as_json: AsJson = False,
) -> None:
    """The ledger: spent, reserved, wasted and in doubt, by day, job or platform."""
    from orchestrator.faces import ledger

    if by not in ledger.GROUPS:
        raise BadRequest(f"--by {by} is not known.", todo="Use day, job or platform.")
    report = ledger.report(assembly.studio().costs())
    if as_json:
        _print_json(report.document())
    else:
        from orchestrator.faces import terminal

        terminal.show_costs(report, by)


@app.command(epilog="Example: agentes runs --most 5")
def runs(
    most: Annotated[int, typer.Option(min=1, max=1000, help="How many, newest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """The jobs, newest first."""
    studio = assembly.studio()
    jobs = studio.list(most)
    if as_json:
        _print_json([_job_line(studio, job) for job in jobs])
    else:
        from orchestrator.faces import terminal

        terminal.show_runs([(job, _standing(studio, job)) for job in jobs])


@app.command(epilog="Example: agentes show job_3f2a")
def show(job: JobId, as_json: AsJson = False) -> None:
    """One job: its brief, its tasks, what became of them, and where the files are."""
    studio = assembly.studio()
    found = studio.status(job)
    if as_json:
        _print_json(studio.result(found.id) | {"state": _standing(studio, found)})
    else:
        from orchestrator.faces import terminal

        terminal.show_job(found, _standing(studio, found), studio.outcomes(found.id))


@app.command(epilog="Example: agentes resume job_3f2a")
def resume(job: JobId, as_json: AsJson = False) -> None:
    """Carry on an interrupted job; what was bought is never bought again."""
    studio = assembly.studio()
    _run(lambda: _work(studio, lambda: studio.resume(job), as_json=as_json))


@app.command(epilog="Example: agentes cancel job_3f2a")
def cancel(job: JobId, as_json: AsJson = False) -> None:
    """Stop a job; what was made or charged by then stays and is shown."""
    studio = assembly.studio()

    async def stop() -> int:
        stopped = await studio.cancel(job)
        if as_json:
            _print_json(studio.result(stopped.id) | {"state": stopped.state})
        else:
            from orchestrator.faces import terminal

            terminal.show_job(stopped, stopped.state, studio.outcomes(stopped.id))
        return 0

    _run(stop)


@app.command(epilog="Example: agentes doctor")
def doctor(as_json: AsJson = False) -> None:
    """What is here and what is missing; keys are masked."""
    from orchestrator.faces import checkup

    findings = checkup.examine()
    if as_json:
        _print_json([finding.document() for finding in findings])
    else:
        from orchestrator.faces import terminal

        terminal.show_checkup(findings)
    if any(finding.verdict == "broken" for finding in findings):
        raise typer.Exit(2)


async def _work(studio: Studio, begin: Callable[[], Coroutine[Any, Any, Job]], *, as_json: bool) -> int:
    """Begins a job, shows it as it goes, and says how it ended."""
    from orchestrator.faces import live, terminal

    job = await begin()
    try:
        with live.Progress(job) as progress:
            async for event in studio.follow(job.id):
                progress.show(event)
            await studio.finish(job.id)
    except asyncio.CancelledError:
        await studio.stop()
        print(
            f"\nInterrupted; everything so far is kept. Carry on with: agentes resume {job.id}",
            file=sys.stderr,
        )
        raise
    result = studio.result(job.id)
    if as_json:
        _print_json(result)
    else:
        terminal.show_result(result)
    return asking.exit_code(result)


def _run(work: Callable[[], Coroutine[Any, Any, int]]) -> None:
    code = asyncio.run(work())
    if code:
        raise typer.Exit(code)


def _planned(propose: Callable[[], Proposal]) -> dict[str, Any]:
    """One line of a batch: a plan, or what was wrong with that brief alone."""
    try:
        return {"plan": propose().document()}
    except AgentesError as error:
        return {"plan": None, "error": asking.error_document(error)}


def _job_line(studio: Studio, job: Job) -> dict[str, Any]:
    return {
        "job": job.id,
        "state": _standing(studio, job),
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


def _print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, default=_plain))


def _plain(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a report")


def main() -> NoReturn:
    """The console script: runs a command, and turns errors into sentences and exit codes."""
    as_json = "--json" in sys.argv[1:]
    try:
        assembly.set_up_logging()
        app()
    except AgentesError as error:
        _complain(error, as_json=as_json)
        sys.exit(asking.code_of(error))
    sys.exit(0)


def _complain(error: AgentesError, *, as_json: bool) -> None:
    print(assembly.mask(f"agentes: {error}"), file=sys.stderr)
    if as_json:
        print(assembly.mask(json.dumps({"error": asking.error_document(error)}, ensure_ascii=False)))
