"""How things look in a terminal: quotes, results and listings that fit eighty columns."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from orchestrator.faces.visible import visible
from shared_knowledge.errors import BadRequest
from shared_knowledge.vocabulary import (
    Asset,
    Job,
    Money,
    Order,
    OrderState,
    Shortfall,
    Span,
    Spec,
    VideoSpec,
    VoiceSpec,
    WhyNot,
)

if TYPE_CHECKING:
    from orchestrator.directory import PlatformRow
    from orchestrator.faces.checkup import Finding
    from orchestrator.faces.ledger import Estimate, Report
    from orchestrator.quoting import Proposal

__all__ = [
    "agrees",
    "say",
    "show_checkup",
    "show_costs",
    "show_decision",
    "show_doubts",
    "show_job",
    "show_let_go",
    "show_platforms",
    "show_proposal",
    "show_recovered",
    "show_result",
    "show_runs",
]

_WIDEST = 100
_ALARMING = 1.1  # what costs a tenth more than was said is worth a look
_REASONS = {
    WhyNot.NO_KEY: "without a key",
    WhyNot.NO_ADAPTER: "not built yet",
    WhyNot.AVOIDED: "avoided",
    WhyNot.RETIRED: "retired",
    WhyNot.UNPRICED: "without a known price",
    WhyNot.DURATION: "for their length",
    WhyNot.ASPECT_RATIO: "for their shape",
    WhyNot.RESOLUTION: "for their size",
    WhyNot.LANGUAGE: "for the language",
    WhyNot.REFERENCE: "for what they start from",
    WhyNot.QUALITY: "for their quality",
    WhyNot.OVER_BUDGET: "over the budget",
}
_STATES = {
    "done": "green",
    "partial": "yellow",
    "failed": "red",
    "in_doubt": "magenta",
    "paused": "yellow",
    "interrupted": "yellow",
}


def _console(*, to_stderr: bool = False) -> Console:
    stream = sys.stderr if to_stderr else sys.stdout
    console = Console(stderr=to_stderr, highlight=False, soft_wrap=False, force_terminal=stream.isatty())
    console.width = min(console.width, _WIDEST)
    return console


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, header_style="dim")
    for column in columns:
        right = column.startswith(">")
        table.add_column(column.lstrip(">"), justify="right" if right else "left", overflow="fold")
    return table


def show_proposal(proposal: Proposal, *, to_stderr: bool = False, in_full: bool = False) -> None:
    """The brief as it was understood, who would do what, and what it would cost."""
    console = _console(to_stderr=to_stderr)
    plan, quote = proposal.plan, proposal.quote
    console.print()
    console.print(Padding(_marked(plan.brief, plan.coverage), (0, 2)))
    console.print()
    table = _table("task", "what", "platform", ">price")
    for task in plan.tasks:
        chosen = quote.line(task.id).chosen
        where = f"{chosen.platform} {chosen.model}" if chosen and not proposal.is_draft else ""
        where = where or (chosen.platform if chosen else "nobody can")
        table.add_row(task.id, _what(task.spec), where, _price(chosen.price) if chosen else "–")
    if plan.film is not None:
        film = plan.film
        length = f"{round(film.duration_s, 1):g} s, " if film.duration_s else ""
        captions = ", captions" if film.captions and film.voices else ""
        table.add_row("film", f"{length}{film.width}×{film.height}{captions}", "this machine", "free")
    console.print(Padding(table, (0, 1)))
    budget = f", budget {plan.budget.short}" if plan.budget is not None else ""
    if any(line.chosen is None for line in quote.lines) or not quote.lines:
        console.print("  As it stands, this cannot be made in full; the notes below say why.")
    most = f"Estimate {_price(quote.estimate)}, never more than {_price(quote.ceiling)}"
    if quote.ceiling or proposal.is_draft:
        console.print(f"  {most if quote.ceiling else 'Free'}{budget}.")
    if proposal.is_draft:
        console.print(f"  {proposal.why_draft}")
    if in_full:
        _list(console, "Assumed", plan.assumptions, "dim")
        _rejected(console, proposal)
    _list(console, "Question", (*plan.questions, *quote.questions), "yellow")
    _list(console, "Note", tuple(dict.fromkeys((*plan.warnings, *quote.warnings))), "yellow")
    if in_full:
        console.print(f"  Quote {quote.hash}, good until {quote.expires_at:%Y-%m-%d %H:%M} UTC.", style="dim")
    console.print()


def _marked(text: str, coverage: Sequence[Span]) -> Text:
    """The words of the brief, marked by what became of them."""
    marked = Text(visible(text.strip()))
    shift = len(text) - len(text.lstrip())
    styles = {"creative": "", "not understood": "red underline", "cannot be met": "yellow strike"}
    for span in coverage:
        style = styles.get(span.means, "bold cyan")
        if style:
            marked.stylize(style, span.start - shift, span.end - shift)
    lost = [span.text for span in coverage if span.means in {"not understood", "cannot be met"}]
    if lost:
        marked.append(f"\nNot understood or not possible: {visible('; '.join(lost))}", style="yellow")
    return marked


def _what(spec: Spec) -> str:
    match spec:
        case VideoSpec():
            shots = f", {len(spec.shots)} shots" if len(spec.shots) > 1 else ""
            return f"clip {round(spec.duration_s, 1):g} s, {spec.aspect_ratio}{shots}"
        case VoiceSpec():
            return f"{spec.intent} in {spec.language}, {len(spec.script.split())} words"
        case _:
            return f"{spec.intent} picture, {spec.aspect_ratio}"


def _rejected(console: Console, proposal: Proposal) -> None:
    """For each task, how many offers were not taken and for which first reason."""
    for line in proposal.quote.lines:
        reasons = Counter(offer.why_not[0] for offer in line.offers if offer.why_not)
        if reasons:
            said = ", ".join(f"{count} {_REASONS.get(why, why)}" for why, count in reasons.most_common())
            console.print(Padding(Text(f"{line.task}: not taken {said}", style="dim"), (0, 2)))
    console.print(Padding(Text("Every offer and its reasons: --json", style="dim"), (0, 2)))


def _list(console: Console, title: str, sentences: Sequence[str], style: str) -> None:
    for sentence in sentences:
        console.print(Padding(Text(visible(f"{title}: {sentence}"), style=style), (0, 2)))


def agrees(proposal: Proposal) -> bool:
    """Asks before spending; without a terminal nobody can be asked, so it refuses."""
    if not sys.stdin.isatty():
        raise BadRequest(
            f"This would spend up to {proposal.quote.ceiling.short} and there is no terminal to ask on.",
            todo=f"Add --yes, or --quote {proposal.quote.hash} to accept exactly this.",
        )
    _console(to_stderr=True).print("  Go ahead? \\[y/N] ", end="")
    return sys.stdin.readline().strip().lower() in {"y", "yes", "s", "sim", "si", "sí", "oui", "ja"}


def show_result(result: Mapping[str, Any]) -> None:
    """What was made, what was not, where it is and what it cost."""
    console = _console()
    table = _table("file", "measured", "platform", ">cost")
    for asset in result["assets"]:
        size = f"{asset['width']}×{asset['height']}" if asset["width"] else ""
        length = f"{round(asset['duration_s'], 1):g} s" if asset["duration_s"] else ""
        measured = ", ".join(part for part in (length, size) if part)
        name = str(asset["path"]).rpartition("/")[2]
        table.add_row(name, measured, asset["platform"], _price(Money.dollars(asset["cost_usd"])))
    if result["assets"]:
        console.print(Padding(table, (0, 1)))
    for shortfall in result["shortfalls"]:
        console.print(f"  [red]Not made:[/] {shortfall['task']}", end="")
        console.print(Text(visible(f": {shortfall['why']}")))
    for warning in result["warnings"]:
        console.print(Padding(Text(visible(f"Note: {warning}"), style="yellow"), (0, 2)))
    if result["film"]:
        film = result.get("film_measured") or {}
        size = f" ({film['duration_s']:g} s, {film['width']}×{film['height']})" if film else ""
        console.print("  Film    ", Text(f"{result['film']}{size}"), soft_wrap=True)
    console.print("  Folder  ", Text(str(result["folder"])), soft_wrap=True)
    if (report := Path(result["folder"]) / "report.html").is_file():
        console.print("  Report  ", Text(str(report)), soft_wrap=True)
    ceiling = result["ceiling_usd"]
    most = "" if ceiling is None else f" of at most {Money.dollars(ceiling).short}"
    cost = Money.dollars(result["cost_usd"])
    in_files = Money(sum(Money.dollars(asset["cost_usd"]) for asset in result["assets"]))
    wasted = f", of which {Money(cost - in_files).short} was charged for nothing" if cost > in_files else ""
    console.print(f"  Cost     {cost.short}{most}{wasted}")


def show_platforms(rows: Sequence[PlatformRow]) -> None:
    """Every platform, whether it can be used now, and what it lacks."""
    console = _console()
    table = _table("platform", "medium", "models", "ready", "needs")
    for row in rows:
        ready = Text("yes", style="green") if row.ready else Text("no", style="dim")
        needs = ", ".join(name for name, state in row.keys.items() if not state.ready)
        table.add_row(row.id, row.medium, str(len(row.models)), ready, Text(needs, style="dim"))
    console.print(table)
    unbuilt = sum("no adapter in this version" in row.why_not for row in rows)
    if unbuilt:
        console.print(
            f" {unbuilt} of them can be planned with, but not yet bought from: no adapter in this version."
        )


def show_doubts(orders: Sequence[Order]) -> None:
    """The orders that wait for a person, and what may be decided about them."""
    console = _console()
    if not orders:
        console.print("Nothing is in doubt.")
        return
    table = _table("order", "job", "task", "platform", "sent", ">set aside")
    for order in orders:
        sent = f"{order.sent_at.astimezone():%d %b %H:%M}" if order.sent_at else ""
        table.add_row(order.id, order.job, order.task, order.platform, sent, order.price.short)
    console.print(table)
    for order in orders:
        if order.why:
            console.print(Padding(Text(visible(f"{order.id}: {order.why}")), (0, 2)))
    console.print(
        "  Look at the vendor's own list or bill, then: agentes review ORDER "
        "adopt ID | never-charged | charged-and-lost | buy-again",
        soft_wrap=True,
        markup=False,
    )


def show_decision(order: Order) -> None:
    """What became of an order that was decided about."""
    console = _console()
    taken = f", {order.cost.short} booked" if order.cost else ""
    console.print(
        f"{order.id} is now {order.state}{taken}. Carry on with: agentes resume {order.job}", soft_wrap=True
    )


def show_costs(report: Report, by: str) -> None:
    """The ledger added up one way, and its total; what was delivered for it; promises beside charges."""
    console = _console()
    table = _table(by, ">orders", ">spent", ">reserved", ">wasted", ">in doubt")
    rows = [*report.groups[by].items(), ("total", report.total)]
    for name, sums in rows:
        money = (sums.spent, sums.reserved, sums.wasted, sums.in_doubt)
        style = "bold" if name == "total" else ""
        table.add_row(name, str(sums.orders), *(amount.short for amount in money), style=style)
    console.print(table)
    for each in report.total.delivered:
        if each.cost and each.per_one is not None:
            amount = f"{each.lasts_s:g} s" if each.unit == "second" else f"{each.made}"
            console.print(
                f"  Delivered {amount} of {each.medium} for {each.cost.short}: {each.per_one.short} a {each.unit}, "
                "failures included."
            )
    if report.estimates:
        _show_estimates(console, report.estimates)


def _show_estimates(console: Console, estimates: Sequence[Estimate]) -> None:
    """What each model was thought to cost, and what it did."""
    table = _table("model", ">made", ">failed", ">estimated", ">charged", ">of estimate")
    for each in estimates:
        ratio = "–" if each.ratio is None else f"{each.ratio:.0%}"
        style = "yellow" if each.ratio is not None and each.ratio > _ALARMING else ""
        money = (each.promised.short, each.charged.short)
        name = f"{each.platform} {each.model}"
        table.add_row(name, str(each.made), str(each.failed), *money, ratio, style=style)
    console.print(table)


def show_recovered(orders: Sequence[Order]) -> None:
    """What an earlier run had bought and this one has brought home, on the side where progress is told."""
    console = _console(to_stderr=True)
    for order in orders:
        cost = order.cost.short if order.cost is not None else "nothing"
        console.print(
            Text(f"Recovered: {order.task} of {order.job} on {order.platform} ended {order.state}, {cost}."),
            soft_wrap=True,
        )


def show_let_go(orders: Sequence[Order], said: Mapping[str, str]) -> None:
    """What became of each order of a cancelled job, and of its money."""
    console = _console()
    for order in orders:
        words = said.get(order.task) or _end_in_words(order)
        console.print(Padding(Text(visible(f"{order.task} on {order.platform}: {words}")), (0, 2)))


def _end_in_words(order: Order) -> str:
    cost = (order.cost or Money(0)).short
    match order.state:
        case OrderState.CANCELLED:
            return "never sent, nothing charged."
        case OrderState.SETTLED:
            return f"made and charged, {cost}." if order.cost else "made, free."
        case OrderState.FAILED_CHARGED:
            return f"{cost} is counted ({order.why})."
        case OrderState.FAILED_FREE:
            return f"nothing charged ({order.why})."
        case OrderState.SENDING | OrderState.IN_DOUBT | OrderState.NEEDS_REVIEW:
            return f"may have been booked; {order.price.short} stays set aside. See agentes review."
        case _:
            return (
                f"is still being made there; {order.price.short} stays set aside until it is collected "
                "by agentes resume."
            )


def say(sentence: str) -> None:
    """One sentence for a person."""
    _console().print(Text(visible(sentence)), soft_wrap=True)


def show_runs(jobs: Sequence[tuple[Job, str]]) -> None:
    """The jobs, newest first."""
    console = _console()
    if not jobs:
        console.print('Nothing yet. Try: agentes make "a square photo of a candle"')
        return
    table = _table("job", "state", "when", "brief")
    for job, state in jobs:
        words = " ".join(job.brief.text.split())
        words = words if len(words) <= 60 else f"{words[:59]}…"
        when = f"{job.created_at.astimezone():%d %b %H:%M}"
        table.add_row(job.id, Text(state, style=_STATES.get(state, "")), when, Text(visible(words)))
    console.print(table)


def show_job(job: Job, state: str, outcomes: Mapping[str, Asset | Shortfall]) -> None:
    """One job: its words, its tasks and what became of them."""
    console = _console()
    console.print(Text(f"{job.id}  {state}", style=f"bold {_STATES.get(state, '')}".strip()))
    console.print(Padding(Text(visible(job.brief.text)), (0, 2)))
    table = _table("task", "what became of it", ">cost")
    for name, outcome in outcomes.items():
        if isinstance(outcome, Asset):
            table.add_row(name, f"made on {outcome.platform}", outcome.cost.short)
        else:
            table.add_row(name, Text(visible(f"not made: {outcome.why}"), style="red"), "–")
    for task in job.plan.tasks if job.plan else ():
        if task.id not in outcomes:
            table.add_row(task.id, Text("not yet", style="dim"), "–")
    console.print(table)
    if job.why:
        console.print(Padding(Text(visible(f"Why: {job.why}"), style="yellow"), (0, 2)))
    console.print("  Folder  ", Text(job.folder), soft_wrap=True)
    if state in {"interrupted", "partial", "failed", "paused"}:
        console.print(f"  Carry on with: agentes resume {job.id}")


def show_checkup(findings: Sequence[Finding]) -> None:
    """What is here and what is missing."""
    console = _console()
    marks = {
        "good": Text("✓", style="green"),
        "missing": Text("–", style="dim"),
        "broken": Text("✗", style="red"),
    }
    table = Table(box=None, padding=(0, 1), show_header=False)
    for finding in findings:
        table.add_row(marks[finding.verdict], finding.what, Text(finding.detail, style="dim"))
    console.print(table)


def _price(amount: Money | None) -> str:
    return "–" if amount is None else "free" if amount == 0 else amount.short
