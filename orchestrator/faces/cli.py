"""The command line: what can be said. What is then done is in `commands`, imported when it is needed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, NoReturn

import typer

from shared_knowledge.errors import AgentesError

__all__ = ["Wishes", "app", "main"]

app = typer.Typer(
    name="agentes",
    help="Give it a sentence, get finished media: planned, priced, bought once, checked, joined.",
    epilog="With no key at all, the draft platforms make a real animatic on this machine, free.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Wishes(NamedTuple):
    """The options that `make` and `plan` share."""

    budget: str | None = None
    quality: str | None = None
    draft: bool = False
    use: tuple[str, ...] = ()
    avoid: tuple[str, ...] = ()
    on_refusal: str = "stop"
    on_doubt: str = "hold"
    from_job: str | None = None
    quote: str | None = None


BriefText = Annotated[
    str, typer.Argument(metavar="BRIEF", help="The brief: text, @FILE, or - for standard input.")
]
Budget = Annotated[
    str | None,
    typer.Option(metavar="USD", help="The most the whole job may cost; the text can only lower it."),
]
HowGood = Annotated[Literal["draft", "standard", "high"] | None, typer.Option(help="How good it must be.")]
Draft = Annotated[bool, typer.Option("--draft", help="Only the free platforms of this machine.")]
Use = Annotated[
    list[str] | None,
    typer.Option(metavar="[MEDIUM=]ID[:MODEL]", help="Only this platform, for its medium. Repeatable."),
]
Avoid = Annotated[
    list[str] | None,
    typer.Option(metavar="[MEDIUM=]ID[:MODEL]", help="Never this platform. Repeatable."),
]
OnRefusal = Annotated[
    Literal["stop", "elsewhere"], typer.Option(help="When a vendor's content rules say no.")
]
OnDoubt = Annotated[
    Literal["hold", "buy-again"], typer.Option(help="When nobody knows whether an order was booked.")
]
FromJob = Annotated[
    str | None,
    typer.Option("--from", metavar="JOB", help="Change a finished job; what stays the same is kept."),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON value on standard output, nothing else.")]
JobId = Annotated[str, typer.Argument(metavar="JOB", help="A job's id, or the beginning of it.")]


@app.command(
    epilog="""Examples:

\b
  agentes make "vertical 15 s video of our mug, English voice-over, one photo"
  agentes make @brief.txt --draft --out campaign
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
    from orchestrator.faces import commands

    wishes = Wishes(
        budget, quality, draft, tuple(use or ()), tuple(avoid or ()), on_refusal, on_doubt, from_job, quote
    )
    commands.make(brief, wishes, out, yes=yes, ask=ask, as_json=as_json)


@app.command(
    epilog="""Examples:

\b
  agentes plan "15 s vertical video of a mug, under $2" --assume-keys all
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
    yes: Annotated[bool, typer.Option("--yes", hidden=True)] = False,
    ask: Annotated[bool, typer.Option("--ask", hidden=True)] = False,
    on_refusal: OnRefusal = "stop",
    quote: Annotated[str | None, typer.Option(metavar="HASH", hidden=True)] = None,
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
    """Understand, choose and price exactly as `make` would; buy nothing, need no key and no network."""
    from orchestrator.faces import commands

    wishes = Wishes(
        budget, quality, draft, tuple(use or ()), tuple(avoid or ()), on_refusal, on_doubt, from_job, quote
    )
    commands.plan(brief, batch, wishes, assume_keys=assume_keys, today=today, as_json=as_json)


@app.command(epilog="Example: agentes platforms --json")
def platforms(as_json: AsJson = False) -> None:
    """Show the catalogue, the keys that are there, and what can be used right now."""
    from orchestrator.faces import commands

    commands.platforms(as_json=as_json)


@app.command(epilog="Example: agentes costs --by platform")
def costs(
    by: Annotated[Literal["day", "job", "platform"], typer.Option(help="What to add up by.")] = "day",
    as_json: AsJson = False,
) -> None:
    """Add up the ledger: spent, reserved, wasted and in doubt."""
    from orchestrator.faces import commands

    commands.costs(by, as_json=as_json)


@app.command(epilog="Example: agentes runs --most 5")
def runs(
    most: Annotated[int, typer.Option(min=1, max=1000, help="How many, newest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the jobs, newest first."""
    from orchestrator.faces import commands

    commands.runs(most, as_json=as_json)


@app.command(epilog="Example: agentes show job_3f2a")
def show(job: JobId, as_json: AsJson = False) -> None:
    """Show one job: its brief, its tasks, what became of them, and where the files are."""
    from orchestrator.faces import commands

    commands.show(job, as_json=as_json)


@app.command(epilog="Example: agentes resume job_3f2a")
def resume(job: JobId, as_json: AsJson = False) -> None:
    """Carry on an interrupted job; what was bought is never bought again."""
    from orchestrator.faces import commands

    commands.resume(job, as_json=as_json)


@app.command(epilog="Example: agentes cancel job_3f2a")
def cancel(job: JobId, as_json: AsJson = False) -> None:
    """Stop a job; what was made or charged by then stays and is shown."""
    from orchestrator.faces import commands

    commands.cancel(job, as_json=as_json)


@app.command(epilog="Example: agentes doctor")
def doctor(as_json: AsJson = False) -> None:
    """Say what is here and what is missing; keys are masked."""
    from orchestrator.faces import commands

    commands.doctor(as_json=as_json)


def main() -> NoReturn:
    """The console script: runs a command, and turns errors into sentences and exit codes."""
    try:
        app()
    except AgentesError as error:
        from orchestrator.faces import commands

        sys.exit(commands.complain(error, as_json="--json" in sys.argv[1:]))
    sys.exit(0)
