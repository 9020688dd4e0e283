"""What must be true of a history when it is over, told from the vendors' books and the ledger's own file."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from sim_vendors import HOME
from sim_world import World

__all__ = ["verdict"]

_OPEN = ("reserved", "sending", "submitted", "ready", "stored", "in_doubt", "needs_review")
_HELD = ("in_doubt", "needs_review")
_OVER = ("done", "partial", "failed", "cancelled")
_RESTS = (*_OVER, "in_doubt", "paused")


def verdict(world: World) -> list[str]:
    """Every promise that was broken, in a sentence each; none is what we promise."""
    return [
        *world.violations,
        *_paid_once(world),
        *_every_charge_is_known(world),
        *_purses_add_up(world),
        *_what_is_done_is_there(world),
        *_nothing_is_left_lying(world),
        *_every_job_rests(world),
    ]


def _paid_once(world: World) -> Iterator[str]:
    """I1: no order is bought twice, and no work is taken by two orders."""
    for vendor in world.vendors.values():
        by_order = defaultdict(list)
        for booking in vendor.bookings:
            by_order[booking.order.id].append(booking.number)
        for order, numbers in by_order.items():
            if len(numbers) > 1:
                yield f"{order} was bought {len(numbers)} times at {vendor.id}: {', '.join(numbers)}"
    takers = defaultdict(set)
    for order, state, receipt in world.look(
        "select id, state, receipt from orders where receipt is not null"
    ):
        told = json.loads(receipt)
        number = told.get("id") or (told.get("done", {}).get("media", {}).get("url"))
        if number is not None and state not in ("failed_free", "cancelled"):
            takers[number].add(order)
    for number, orders in takers.items():
        if len(orders) > 1:
            yield f"{number} was taken by {len(orders)} orders: {', '.join(sorted(orders))}"


def _every_charge_is_known(world: World) -> Iterator[str]:
    """I2: what a vendor charged is settled, written off, or covered by a hold."""
    ledger = {row[0]: row[1:] for row in world.look("select id, state, cost, price from orders")}
    holds = dict(world.look("select order_id, min(amount) from holds group by 1"))
    daring = {job for job, brief in world.look("select id, brief from jobs") if "buy-again" in brief}
    for vendor in world.vendors.values():
        for booking in vendor.bookings:
            order = booking.order.id
            if order not in ledger:
                yield f"{booking.number} was charged for {order}, of which the ledger knows nothing"
                continue
            state, cost, price = ledger[order]
            if state in ("settled", "failed_charged"):
                if cost < booking.charged:
                    yield f"{booking.number} was charged {booking.charged}, and {order} says {cost}"
                excused = booking.why_lost or order in world.by_a_person or booking.order.job in daring
                if state == "failed_charged" and not excused:
                    yield f"{order} was written off although {booking.number} is good"
            elif state in _OPEN and state != "reserved":
                if holds.get(order, 0) < price:
                    yield f"{order} is {state}, and only {holds.get(order, 0)} of {price} is set aside"
            elif booking.charged:
                yield f"{booking.number} was charged {booking.charged}, and {order} is {state}"


def _purses_add_up(world: World) -> Iterator[str]:
    """I3: each purse holds what its orders hold, and what they cost."""
    marks = ", ".join(f"'{state}'" for state in _OPEN)
    reserved = dict(world.look("select id, reserved from budgets"))
    held = dict(world.look("select budget, sum(amount) from holds group by 1"))
    for budget, amount in reserved.items():
        if amount != held.get(budget, 0):
            yield f"{budget} has {amount} set aside, and its holds are {held.get(budget, 0)}"
    for (order,) in world.look(
        f"select distinct order_id from holds where order_id not in (select id from orders where state in ({marks}))"
    ):
        yield f"{order} is over and still holds money"
    for (order,) in world.look(
        f"select id from orders where state in ({marks}) and id not in (select order_id from holds)"
    ):
        yield f"{order} is open and holds nothing"
    costs = world.look(
        "select 'job:' || job, sum(min(coalesce(cost, 0), price)) from orders"
        " where state in ('settled', 'failed_charged') group by 1"
    )
    spent = dict(world.look("select id, spent from budgets"))
    for budget, cost in costs:
        if spent.get(budget, 0) < cost:
            yield f"{budget} counts {spent.get(budget, 0)}, and its orders cost {cost}"
    rows = world.book().costs()
    told = sum(row.spent + row.wasted for row in rows)
    true = world.look(
        "select coalesce(sum(cost), 0) from orders where state in ('settled', 'failed_charged')"
    )
    if told != true[0][0]:
        yield f"the books say {told}, and the orders {true[0][0]}"


def _what_is_done_is_there(world: World) -> Iterator[str]:
    """I4: an asset is a file, of that digest, made for that very task."""
    states = dict(world.look("select id, state from jobs"))
    planned = {
        job: json.loads(plan) for job, plan in world.look("select id, plan from jobs where plan is not null")
    }
    for job, task, body in world.look("select job, task, body from outcomes where kind = 'asset'"):
        asset = json.loads(body)
        path = Path(asset["path"])
        if not path.is_file():
            yield f"{job} {task}: {path.name} is gone"
            continue
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != asset["sha256"]:
            yield f"{job} {task}: {path.name} is not what it says"
        settled = world.look(
            "select file from orders where job = ? and task = ? and state = 'settled'", job, task
        )
        if not settled:
            yield f"{job} {task}: an asset without a settled order"
        if asset["platform"] != HOME and f" {job} {task} ".encode() not in content:
            yield f"{job} {task}: was made for somebody else ({content[:60]!r})"
    for job, state in states.items():
        if state == "done":
            there = {
                task
                for (task,) in world.look("select task from outcomes where job = ? and kind = 'asset'", job)
            }
            missing = {task["id"] for task in planned[job]["tasks"]} - there
            if missing:
                yield f"{job} is done without {', '.join(sorted(missing))}"


def _nothing_is_left_lying(world: World) -> Iterator[str]:
    """I5: no half file anywhere, no desk of an order that is over."""
    for part in sorted(world.home.rglob("*.part")):
        order = part.parent.name
        if world.look("select 1 from orders where id = ? and state in ('settled', 'cancelled')", order):
            yield f"{part.name} is left of {order}"
    if world.faults.keys() & {"lock lost", "frozen"}:
        return  # whoever was overtaken may lay a file on a desk that was cleared
    over = {order: state for order, state in world.look("select id, state from orders") if state not in _OPEN}
    desks = world.home / "desks"
    for desk in sorted(desks.iterdir()) if desks.is_dir() else []:
        if desk.name in over:
            yield f"the desk of {desk.name} is left, which is {over[desk.name]}"


def _every_job_rests(world: World) -> Iterator[str]:
    """I6: every job has ended or waits for a person, and then holds no money but for what is in doubt."""
    for job, state in world.look("select id, state from jobs order by id"):
        if state not in _RESTS:
            yield f"{job} is {state}, and nobody works on it"
        for order, stands in world.look("select id, state from orders where job = ?", job):
            if stands in _OPEN and stands not in _HELD and state != "in_doubt":
                yield f"{job} is {state}, and {order} is {stands}"
