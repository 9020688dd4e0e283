"""The keys of the service at the command line: made and shown once, listed, ended, replaced, accounted for."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from shared_knowledge.errors import BadRequest

if TYPE_CHECKING:
    from argparse import _SubParsersAction
    from datetime import datetime

    from orchestrator.access import Deed, KeyRow, NewKey, TenantRow
    from shared_knowledge.money import Money

    Commands = _SubParsersAction[ArgumentParser]

__all__ = ["do", "teach"]

_TIERS = "free|pro|enterprise"
_LONGEST_DAYS = 3650
_MOST_DEEDS = 100


def teach(commands: Commands, command: Callable[..., ArgumentParser]) -> None:
    """Adds what can be said about keys to a command line."""
    about = "make, list, end and replace the keys with which others ask the service"
    keys = commands.add_parser("keys", help=about, description=f"{about.capitalize()}.", allow_abbrev=False)
    verbs = keys.add_subparsers(dest="verb", metavar="VERB", title="verbs", required=True)
    create = command(
        verbs,
        "create",
        "make a key and show it, this once",
        "agentes keys create --name 'Mobile app' --tier pro",
        "agentes keys create --name CI --tier free --tenant acme --test --scope jobs:read --json",
    )
    create.add_argument("--name", metavar="NAME", required=True, help="what the key is for")
    create.add_argument(
        "--tier", metavar=_TIERS, help="how much its tenant may ask for; known if the tenant is"
    )
    create.add_argument(
        "--tenant", metavar="NAME", help="whose key it is; without it, a new tenant's, named after the key"
    )
    create.add_argument("--test", action="store_true", help="a key that plays everything and spends nothing")
    create.add_argument(
        "--scope",
        metavar="SCOPE",
        action="append",
        help="what it opens: jobs:read, jobs:write, webhooks, keys, usage; repeatable; none: everything",
    )
    create.add_argument("--days", type=int, metavar="N", help="it expires after so many days")
    create.add_argument("--budget", metavar="USD", help="the most that may be spent with it in a day")
    tell = command(verbs, "list", "list the keys, newest first", "agentes keys list --tenant acme")
    tell.add_argument("--tenant", metavar="NAME", help="only this one's; a rehearsal is called acme~test")
    revoke = command(verbs, "revoke", "end a key at once", "agentes keys revoke key_3f2a9c017be45d68")
    rotate = command(
        verbs,
        "rotate",
        "make a new key in the place of an old one, and show it, this once",
        "agentes keys rotate key_3f2a9c017be45d68 --overlap 3600",
    )
    for one in (revoke, rotate):
        one.add_argument("key", metavar="KEY", help="a key's id")
    rotate.add_argument(
        "--overlap", type=int, default=0, metavar="SECONDS", help="how long the old one stays good (0)"
    )
    audit = command(
        verbs, "audit", "tell who did what with which key, newest first", "agentes keys audit --tenant acme"
    )
    audit.add_argument("--tenant", metavar="NAME", help="only this one's deeds")
    audit.add_argument("--page", type=int, default=1, metavar="N", help="which page (1)")
    audit.add_argument("--limit", type=int, default=20, metavar="N", help="how many on a page (20)")
    tenant = command(
        verbs,
        "tenant",
        "show a tenant, move it to another tier, or limit what it may spend in a day",
        "agentes keys tenant acme --tier enterprise --budget 20",
    )
    tenant.add_argument("name", metavar="NAME", help="the tenant")
    tenant.add_argument("--tier", metavar=_TIERS, help="the tier of all its keys")
    tenant.add_argument(
        "--budget", metavar="USD|none", help="the most in a day; it can only lower the settings' limits"
    )


def do(said: Namespace) -> None:
    """Does what was said about keys."""
    match said.verb:
        case "create":
            _create(said)
        case "list":
            _list(said)
        case "revoke":
            _revoke(said)
        case "rotate":
            _rotate(said)
        case "audit":
            _audit(said)
        case _:
            _tenant(said)


def _create(said: Namespace) -> None:
    import asyncio

    from orchestrator import assembly

    expires_at = None if said.days is None else _in_days(said.days)
    limit = None if said.budget is None else _amount(said.budget)
    made = asyncio.run(
        assembly.keys().create(
            said.name,
            said.tier,
            tenant=said.tenant,
            test=said.test,
            scopes=said.scope,
            expires_at=expires_at,
            usd_a_day=limit,
        )
    )
    _show_new(made, as_json=said.json)


def _rotate(said: Namespace) -> None:
    import asyncio

    from orchestrator import assembly

    keys = assembly.keys()
    made = asyncio.run(keys.rotate(None, said.key, said.overlap))
    _show_new(made, replaced=keys.get(None, said.key), as_json=said.json)


def _revoke(said: Namespace) -> None:
    import asyncio

    from orchestrator import assembly

    row = asyncio.run(assembly.keys().revoke(None, said.key))
    if said.json:
        _print_json(_row(row))
    else:
        print(f"{row.key_id} ({row.name}) opens nothing any more.")


def _list(said: Namespace) -> None:
    from orchestrator import assembly

    rows = assembly.keys().list(said.tenant)
    if said.json:
        _print_json([_row(row) for row in rows])
    elif not rows:
        print("There are none yet. Try: agentes keys create --name App --tier free")
    else:
        told = [(r.key_id, r.hint, r.tenant, r.tier, r.state, _day(r.last_used_at), r.name) for r in rows]
        _print_table(("key", "", "tenant", "tier", "state", "last used", "name"), told)


def _audit(said: Namespace) -> None:
    from orchestrator import assembly

    if said.page < 1 or not 1 <= said.limit <= _MOST_DEEDS:
        raise BadRequest("There is no such page.", todo=f"Pages begin at 1, with 1 to {_MOST_DEEDS} rows.")
    deeds, count = assembly.keys().audit(said.tenant, said.page, said.limit)
    if said.json:
        _print_json([_deed(deed) for deed in deeds])
        return
    told = [(_moment(d.at), d.tenant, d.by, d.what, d.subject or "", d.note or "") for d in deeds]
    if told:
        _print_table(("when", "tenant", "by", "what", "", "note"), told)
    print(f"{len(told)} of {count}.")


def _tenant(said: Namespace) -> None:
    import asyncio

    from orchestrator import assembly

    tenants = assembly.tenants()
    if said.tier is None and said.budget is None:
        row = tenants.get(said.name)
    else:
        limit = said.budget if said.budget in {None, "none"} else _amount(said.budget)
        row = asyncio.run(tenants.change(said.name, tier=said.tier, usd_a_day=limit))
    if said.json:
        _print_json(_tenant_row(row))
    else:
        limited = "without a limit of its own" if row.usd_a_day is None else f"{row.usd_a_day.short} a day"
        print(f"{row.name} is on the tier {row.tier}, {limited}.")


def _show_new(made: NewKey, *, replaced: KeyRow | None = None, as_json: bool) -> None:
    if as_json:
        document = made.model_dump(mode="json")
        _print_json(document if replaced is None else document | {"replaces": _row(replaced)})
        return
    kind = "test" if made.is_test else "live"
    print(f"{made.key_id}, a {kind} key of {made.tenant} ({made.tier}):\n\n    {made.key}\n")
    print("It is shown this once: what is kept of it is a digest.")
    if replaced is not None and replaced.state == "ending":
        print(f"The old one stays good until {_moment(replaced.revoked_at)}.")


def _row(row: KeyRow) -> dict[str, Any]:
    limit = None if row.usd_a_day is None else row.usd_a_day.usd
    return row.model_dump(mode="json") | {"usd_a_day": limit}


def _tenant_row(row: TenantRow) -> dict[str, Any]:
    limit = None if row.usd_a_day is None else row.usd_a_day.usd
    return row.model_dump(mode="json") | {"usd_a_day": limit}


def _deed(deed: Deed) -> dict[str, Any]:
    return deed.model_dump(mode="json")


def _in_days(days: int) -> datetime:
    from datetime import UTC, datetime, timedelta

    if not 1 <= days <= _LONGEST_DAYS:
        raise BadRequest(f"--days {days} is not possible.", todo=f"Write days, from 1 to {_LONGEST_DAYS}.")
    return datetime.now(UTC) + timedelta(days=days)


def _amount(text: str) -> Money:
    from shared_knowledge.money import Money

    try:
        return Money.dollars(text.strip().removeprefix("$"))
    except ValueError as error:
        raise BadRequest(f"--budget: {error}.", todo="Write dollars, as in --budget 2.") from error


def _day(moment: datetime | None) -> str:
    return "never" if moment is None else f"{moment.astimezone():%d %b %H:%M}"


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"


def _print_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[at]) for row in (heads, *rows)) for at in range(len(heads))]
    for row in (heads, *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False))
