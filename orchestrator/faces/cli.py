"""The command line: what can be said. What is then done is in `commands`, imported when it is needed."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from io import TextIOWrapper
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from config.quick_start import quick_start
from orchestrator.faces import keeping, keys, serving, working
from shared_knowledge.errors import AgentesError

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    Commands = _SubParsersAction[ArgumentParser]

__all__ = ["DECISIONS", "Wishes", "main", "parser"]

_ABOUT = "Give it a sentence, get finished media: planned, priced, bought once, checked, joined."
_CLOSING = "With no key at all, the draft platforms make a real animatic on this machine, free."
_INTERRUPTED = 130
DECISIONS = ("adopt", "never-charged", "charged-and-lost", "buy-again")
_GROUPS = ("day", "job", "platform", "tenant")
_QUALITIES = ("draft", "standard", "high")
_ROOMS = {"keys": keys.do, "ledger": keeping.do, "serve": serving.do, "worker": working.do}


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


def parser() -> ArgumentParser:
    """Everything that can be said, with its help."""
    whole = ArgumentParser(prog="agentes", description=_ABOUT, epilog=_CLOSING, allow_abbrev=False)
    commands = whole.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    make = _command(
        commands,
        "make",
        "turn a brief into files",
        'agentes make "vertical 15 s video of our mug, English voice-over, one photo"',
        "agentes make @brief.txt --draft --out campaign",
        'agentes make "dos fotos cuadradas de una vela" --budget 1.50 --yes --json',
    )
    make.add_argument("brief", metavar="BRIEF", help="the brief: text, @FILE, or - for standard input")
    make.add_argument("--out", metavar="DIR", help="where the files go")
    make.add_argument("--tenant", metavar="NAME", default="local", help="for whom: who has caps of their own")
    _wishes(make)
    _agreement(make)
    plan = _command(
        commands,
        "plan",
        "understand, choose and price exactly as make would; buy nothing",
        'agentes plan "15 s vertical video of a mug, under $2" --assume-keys all',
        "agentes plan --batch briefs.jsonl > plans.jsonl",
    )
    plan.add_argument("brief", metavar="BRIEF", nargs="?", help="as for make; needs no key and no network")
    plan.add_argument(
        "--batch",
        metavar="FILE.jsonl",
        help='reads {"id","brief"} a line, writes {"id","plan"} a line, in order',
    )
    plan.add_argument(
        "--assume-keys", metavar="all|ID,ID", help="plan as if these platforms' keys were there"
    )
    plan.add_argument("--today", metavar="YYYY-MM-DD", help="plan with that day's prices and retirements")
    _wishes(plan)
    _agreement(plan)
    _command(
        commands,
        "platforms",
        "show the catalogue, the keys that are there, and what can be used",
        "agentes platforms --json",
    )
    costs = _command(
        commands,
        "costs",
        "add up the ledger: spent, reserved, wasted and in doubt",
        "agentes costs --by platform",
        "agentes costs --export csv > orders.csv",
    )
    costs.add_argument("--by", choices=_GROUPS, default="day", help="what to add up by")
    costs.add_argument("--tenant", metavar="NAME", help="only what was for this one")
    costs.add_argument("--export", choices=("csv", "json"), help="every order as a row, instead of sums")
    runs = _command(commands, "runs", "list the jobs, newest first", "agentes runs --most 5")
    runs.add_argument("--most", type=int, default=20, metavar="N", help="how many (20)")
    for name, does in (
        ("show", "show one job: its tasks, what became of them, and where the files are"),
        ("resume", "carry on an interrupted job; what was bought is never bought again"),
        ("cancel", "stop a job; what was made or charged by then stays and is shown"),
    ):
        one = _command(commands, name, does, f"agentes {name} job_3f2a")
        said = "a job's id, or the beginning of it"
        if name == "resume":
            one.add_argument("job", metavar="JOB", nargs="?", help=f"{said}; none: all that was interrupted")
        else:
            one.add_argument("job", metavar="JOB", help=said)
    sandbox = _command(
        commands,
        "sandbox",
        "play every vendor on this machine: real answers, real files, no money",
        "agentes sandbox --latency 5",
        "AGENTES_SANDBOX_URL=http://127.0.0.1:9100 agentes make @brief.txt --yes",
    )
    sandbox.add_argument(
        "--port", type=int, default=9100, metavar="N", help="where to listen (9100); 0: any free port"
    )
    sandbox.add_argument(
        "--latency", type=float, default=0.0, metavar="SECONDS", help="how long every vendor takes (0)"
    )
    sandbox.add_argument("--seed", type=int, default=1, metavar="N", help="same seed, same numbers (1)")
    review = _command(
        commands,
        "review",
        "list the orders that may have been booked, or decide about one",
        "agentes review",
        "agentes review ord_5f1c never-charged",
        "agentes review ord_5f1c adopt task_83a1",
    )
    review.add_argument("order", metavar="ORDER", nargs="?", help="an order's id, or the beginning of it")
    review.add_argument(
        "decision", metavar="DECISION", nargs="?", choices=DECISIONS, help=" | ".join(DECISIONS)
    )
    review.add_argument("number", metavar="ID", nargs="?", help="the vendor's own number, for adopt")
    keys.teach(commands, _command)
    serving.teach(commands, _command)
    working.teach(commands, _command)
    keeping.teach(commands, _command)
    doctor = _command(
        commands,
        "doctor",
        "say what is here and what is missing; keys are masked",
        "agentes doctor",
        "agentes doctor --live",
    )
    doctor.add_argument(
        "--live", action="store_true", help="ask each vendor, free of charge, whether the key works"
    )
    return whole


def _command(commands: Commands, name: str, does: str, *examples: str) -> ArgumentParser:
    shown = "\n".join(f"  {example}" for example in examples)
    command = commands.add_parser(
        name,
        help=does,
        description=f"{does[0].upper()}{does[1:]}.",
        epilog=f"examples:\n{shown}",
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    command.add_argument(
        "--json", action="store_true", help="one JSON value on standard output, nothing else"
    )
    return command


def _wishes(command: ArgumentParser) -> None:
    command.add_argument(
        "--budget", metavar="USD", help="the most the whole job may cost; the text can only lower it"
    )
    command.add_argument("--quality", choices=_QUALITIES, help="how good it must be")
    command.add_argument("--draft", action="store_true", help="only the free platforms of this machine")
    names = "[MEDIUM=]ID[:MODEL]"
    command.add_argument(
        "--use",
        metavar=names,
        action="append",
        default=[],
        help="only this platform, for its medium; repeatable",
    )
    command.add_argument(
        "--avoid", metavar=names, action="append", default=[], help="never this platform; repeatable"
    )
    command.add_argument(
        "--on-refusal",
        choices=("stop", "elsewhere"),
        default="stop",
        help="when a vendor's content rules say no",
    )
    command.add_argument(
        "--on-doubt",
        choices=("hold", "buy-again"),
        default="hold",
        help="when nobody knows whether an order was booked",
    )
    command.add_argument(
        "--from", metavar="JOB", dest="from_job", help="change a finished job; what stays the same is kept"
    )


def _agreement(command: ArgumentParser) -> None:
    command.add_argument("--yes", action="store_true", help="ask nothing")
    command.add_argument("--ask", action="store_true", help="show the quote and ask, even when it is free")
    command.add_argument("--quote", metavar="HASH", help="accept exactly this quote of `agentes plan`")


def _read_wishes(said: Namespace) -> Wishes:
    return Wishes(
        said.budget,
        said.quality,
        said.draft,
        tuple(said.use),
        tuple(said.avoid),
        said.on_refusal,
        said.on_doubt,
        said.from_job,
        said.quote,
    )


def _do(said: Namespace) -> None:
    if (room := _ROOMS.get(said.command)) is not None:
        room(said)
        return
    from orchestrator.faces import commands

    as_json = said.json
    match said.command:
        case "make":
            wishes = _read_wishes(said)
            commands.make(
                said.brief, wishes, said.out, said.tenant, yes=said.yes, ask=said.ask, as_json=as_json
            )
        case "plan":
            commands.plan(
                said.brief,
                said.batch,
                _read_wishes(said),
                assume_keys=said.assume_keys,
                today=said.today,
                as_json=as_json,
            )
        case "costs":
            commands.costs(said.by, said.tenant, said.export, as_json=as_json)
        case "runs":
            commands.runs(said.most, as_json=as_json)
        case "show":
            commands.show(said.job, as_json=as_json)
        case "resume":
            commands.resume(said.job, as_json=as_json)
        case "cancel":
            commands.cancel(said.job, as_json=as_json)
        case "review":
            commands.review(said.order, said.decision, said.number, as_json=as_json)
        case "platforms":
            commands.platforms(as_json=as_json)
        case "sandbox":
            commands.sandbox(said.port, said.latency, said.seed, as_json=as_json)
        case _:
            commands.doctor(live=said.live, as_json=as_json)


def main(words: Sequence[str] | None = None) -> NoReturn:
    """The console script: runs a command, and turns errors into sentences and exit codes."""
    quick_start()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a letter the terminal does not know must not end a run
            stream.reconfigure(errors="backslashreplace")
    whole = parser()
    said = whole.parse_args(words)
    if said.command is None:
        whole.print_help()
        sys.exit(2)
    try:
        _do(said)
    except AgentesError as error:
        from orchestrator.faces import commands

        sys.exit(commands.complain(error, as_json=said.json))
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    sys.exit(0)
