"""The judge: reads what passed on the wire and what stands in the book, and says what must not have been.

It goes by the rule book alone. Whether the vendor booked is known from the vendor's side, whether an order
may be free from what was done to its purchase, and nothing is known from the product but its ledger.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from fault_facts import Must, rule
from fault_plans import guessed
from fault_world import Sitting, Story
from passing import Passed

from shared_knowledge.vocabulary import Asset, Money, Order, OrderState, Shortfall

__all__ = ["judge", "reactions"]

S = OrderState
_HELD = {S.IN_DOUBT, S.NEEDS_REVIEW, S.SENDING, S.SUBMITTED, S.READY, S.STORED}
_TRIES_MOST = 4
_WITHOUT_CONTENT_RULES = ("azure_speech",)  # a plain 400 is all that its pages have
_NEARLY = 1.01  # what a picture comes to in tokens is known to three digits
_GIVEN_BACK = {"fail", "refuse", "stuck"}


def judge(story: Story) -> list[str]:
    """Everything that is wrong with a story; empty if the rules were kept."""
    return [
        *story.wrong,
        *_about_purchases(story),
        *_about_reactions(story),
        *_about_money(story),
        *_about_the_end(story),
    ]


def reactions(story: Story) -> Iterator[tuple[Passed, Must]]:
    """What followed on each fault that struck a call about an order."""
    for at, passed in enumerate(story.passed):
        if passed.faults and passed.order:
            yield passed, _consequence(story, at)


def _consequence(story: Story, at: int) -> Must:
    passed = story.passed[at]
    later = [other for other in story.passed[at + 1 :] if other.order == passed.order]
    order = story.orders[passed.order]
    if any(other.kind == passed.kind for other in later):
        return Must.AGAIN
    if passed.kind in ("prepare", "sign_in") and later:
        return Must.GO_ON
    match order.state:
        case S.FAILED_FREE | S.CANCELLED | S.RESERVED:
            return Must.AWAY
        case S.FAILED_CHARGED if "bought again" in (order.why or ""):
            return Must.HELD  # until the person's word, given beforehand
        case S.FAILED_CHARGED:
            return Must.CHARGED
        case S.IN_DOUBT | S.NEEDS_REVIEW | S.SENDING:
            return Must.HELD
        case _:
            return Must.GO_ON


def _about_purchases(story: Story) -> Iterator[str]:
    """No second purchase beside one that may have been booked, and the intent on disk before the first byte."""
    starts: dict[str, list[Passed]] = {}
    for passed in story.passed:
        if passed.kind != "start":
            continue
        if not passed.order or passed.state != "sending":
            yield f"a purchase left for {passed.platform} while the book had {passed.state or 'nothing'}"
        before = starts.setdefault(passed.order, [])
        if before and (not before[-1].faults or Must.AGAIN not in _must(before[-1])):
            yield f"order {passed.order} was sent again after {_said(before[-1])}"
        before.append(passed)
    for name, sent in starts.items():
        if sum(passed.booked for passed in sent) > 1:
            yield f"the vendor booked order {name} {sum(passed.booked for passed in sent)} times"
        if len(sent) > _TRIES_MOST:
            yield f"order {name} was sent {len(sent)} times"
    booked = sum(passed.booked for passed in story.passed)
    if booked != len(story.ledger):
        yield f"the vendors booked {len(story.ledger)} times, but only {booked} on the wire"
    yield from _beside_a_doubt(story)


def _beside_a_doubt(story: Story) -> Iterator[str]:
    """While one order is held, or was refused for its content, nothing is bought in its stead."""
    for at, passed in enumerate(story.passed):
        if passed.kind != "start" or not passed.faults:
            continue
        others = [
            other for other in story.passed[at + 1 :] if other.kind == "start" and other.order != passed.order
        ]
        if not others:
            continue
        must = _must(passed)
        is_last = not any(o.kind == "start" and o.order == passed.order for o in story.passed[at + 1 :])
        is_written_off = story.orders[passed.order].state is S.FAILED_CHARGED
        holds = must == {Must.HELD} and story.plan.on_doubt == "hold"
        if holds and is_last and not is_written_off:
            yield f"{others[0].platform} was asked although order {passed.order} was in doubt"
        refused = _is_about_content(passed) and (
            not passed.toxic or rule(passed.platform, passed.toxic).harmless
        )
        if refused and story.plan.on_refusal == "stop":
            elsewhere = [o for o in others if o.platform != passed.platform and o.sitting == passed.sitting]
            if elsewhere:
                yield f"{elsewhere[0].platform} was asked what {passed.platform} had refused"


def _is_about_content(passed: Passed) -> bool:
    """Whether a vendor refused the content, in words that say so."""
    return "refuse" in passed.faults and passed.platform not in _WITHOUT_CONTENT_RULES


def _about_reactions(story: Story) -> Iterator[str]:
    for passed, seen in reactions(story):
        if rule(passed.platform, *passed.faults).harmless:
            continue
        must = _must(passed) if passed.kind == "start" else _of_a_read(story, passed, _must(passed))
        if Must.CHARGED in must and not _charged(story).get(passed.order):
            must |= {Must.AWAY}  # a vendor without a price takes nothing
        if seen not in must and not _recovered(story, passed, seen):
            allowed = " or ".join(sorted(must))
            order = story.orders[passed.order]
            yield (
                f"row {_row(passed)}: after {_said(passed)} on {passed.kind} at {passed.platform} the order "
                f"{seen} ({order.state}: {order.why}), where it must be {allowed}"
            )


def _must(passed: Passed) -> frozenset[Must]:
    """What must follow by the rules; a refusal whose words were mangled is still one by its status."""
    found = rule(passed.platform, *passed.faults)
    if passed.kind != "start":
        return found.read
    mangled = len(passed.faults) > 1 and (passed.status or 0) >= 400 and not passed.booked
    return found.start | ({Must.AGAIN, Must.AWAY, Must.HELD} if mangled else set())


def _row(passed: Passed) -> int:
    return rule(passed.platform, *passed.faults).row


def _said(passed: Passed) -> str:
    return " + ".join(passed.faults) or "a good answer"


def _of_a_read(story: Story, passed: Passed, must: frozenset[Must]) -> frozenset[Must]:
    """A question may be asked again; whoever cannot find or cancel keeps the order held."""
    if story.was_stopped:
        must |= {Must.AGAIN}
    if story.plan.on_doubt == "buy-again":
        must |= {Must.HELD}  # until the person's word, given beforehand
    match passed.kind:
        case "find" | "cancel":
            return must | {Must.HELD, Must.GO_ON, Must.CHARGED, Must.AWAY}
        case "prepare" | "sign_in":
            left = any(p.order == passed.order and p.kind in ("start", "check") for p in story.passed)
            return must | {Must.GO_ON, Must.AWAY} | ({Must.HELD, Must.CHARGED} if left else set())
        case "download":
            if _link_is_gone(passed.toxic) or Must.CHARGED in _fate(story, passed.order):
                return must | {Must.CHARGED}
            return must
        case "check" if passed.state == "ready":  # only a fresh address was asked for, and the old one may do
            return must | {Must.GO_ON, Must.CHARGED}
        case _:
            return must | ({Must.CHARGED, Must.AWAY} & _fate(story, passed.order))


def _link_is_gone(fault: str) -> bool:
    """Whether an answer means that the file is not there any more, or never will be (row 26)."""
    status = fault.removeprefix("no_").removeprefix("status:")
    return status in ("400", "401", "402", "403", "404", "405", "410", "422") or "redirect" in fault


def _fate(story: Story, order: str) -> set[Must]:
    """How the job behind an order may end by what was done to it when it was begun."""
    fates: set[Must] = set()
    for passed in story.passed:
        if passed.order == order and {"refuse", "fail", "stuck", "no_output", "expired"} & {*passed.faults}:
            fates |= {Must.CHARGED, Must.AWAY}
        if passed.order == order and {"wrong_size", "wrong_length"} & {*passed.faults}:
            fates.add(Must.CHARGED)
    return fates


def _recovered(story: Story, passed: Passed, seen: Must) -> bool:
    """Whether an order that was booked was found again after all: better than any rule asks.

    What a list shows may also be the work of an order that was let go of before: as good, and paid for once.
    """
    if passed.kind != "start" or seen not in (Must.GO_ON, Must.CHARGED):
        return False
    mine = {p.kind for p in story.passed if p.order == passed.order}
    booked = sum(p.booked for p in story.passed if p.kind == "start" and p.order == passed.order)
    settled = story.orders[passed.order].state is S.SETTLED
    if booked == 1:
        return settled or bool(mine & {"find", "check", "download"})
    return "find" in mine and any(p.booked for p in story.passed)


def _about_money(story: Story) -> Iterator[str]:
    """Every line of the vendor's book is spent, written off or held in ours."""
    given_back = {p.order for p in story.passed if _GIVEN_BACK & {*p.faults}}
    for passed in story.passed:
        if passed.kind != "start" or not passed.booked or not passed.order:
            continue
        order = story.orders[passed.order]
        free = order.state in (S.FAILED_FREE, S.CANCELLED, S.RESERVED)
        if free and order.id not in given_back and _charged(story).get(order.id):
            yield f"{passed.platform} booked order {order.id}, and it ended {order.state}: {order.why}"
    if not given_back and not guessed(story.plan.model) and len(story.plan.offers) == 1:
        charged = sum(int(Money.dollars(line["usd"])) for line in story.ledger)
        covered = sum(
            int(order.price if order.state in _HELD else order.cost or 0) for order in story.orders.values()
        )
        if covered * _NEARLY < charged:
            yield f"the vendors charged {charged}, and the book knows of {covered}"
    charged_for = _charged(story)
    for order in story.orders.values():
        if order.state is not S.SETTLED:
            continue
        if order.id not in charged_for:
            yield f"order {order.id} is settled, and no vendor ever booked it"
        elif order.platform == story.plan.platform.id and not guessed(story.plan.model):
            off = abs(int(order.cost or 0) - charged_for[order.id])
            if off > charged_for[order.id] * (_NEARLY - 1) + 1:
                yield f"order {order.id} is settled at {order.cost}, and the vendor took {charged_for[order.id]}"


def _charged(story: Story) -> dict[str, int]:
    """What the vendors took for each order, in micro-dollars; nothing where they have no price either."""
    lines = iter(story.ledger)
    taken: dict[str, int] = {}
    for passed in story.passed:
        for _ in range(passed.booked):
            taken[passed.order] = int(Money.dollars(next(lines, {"usd": "0"})["usd"]))
    return taken


def _about_the_end(story: Story) -> Iterator[str]:
    """How a sitting may end, and how the last one must."""
    for number, sitting in enumerate(story.sittings, 1):
        yield from _about(sitting)
        yield from _about_the_others(story, number, sitting)
    last = story.sittings[-1]
    if last.outcome is None:
        yield "the last sitting was stopped, and nobody was there to stop it"
        return
    if isinstance(last.outcome, Asset):
        yield from _about_the_file(story, last.outcome, last.orders)
        return
    held = [order for order in last.orders if order.state in _HELD]
    kind = last.outcome.kind
    if held and kind != "in_doubt":
        yield f"an order is {held[0].state}, and the last sitting ended {kind}: {last.outcome.why}"
    if not held and kind == "in_doubt":
        yield f"the last sitting ended in doubt, and nothing is: {last.outcome.why}"
    if kind == "over_budget":
        spent = sum(int(order.cost or 0) for order in last.orders if order.state.over)
        dearest = max(int(offer.price or 0) for offer in story.plan.offers)
        if spent + dearest * 1.2 <= story.plan.ceiling:
            yield f"over budget, and of {story.plan.ceiling} only {spent} is spent"
    if kind in ("failed", "refused") and not any(_fate(story, order.id) for order in last.orders):
        yield f"nothing went wrong in the last sitting, and it ended {kind}: {last.outcome.why}"


def _about(sitting: Sitting) -> Iterator[str]:
    outcome = sitting.outcome
    if isinstance(outcome, Shortfall) and outcome.kind != "in_doubt":
        doubtful = [order for order in sitting.orders if order.state in (S.IN_DOUBT, S.NEEDS_REVIEW)]
        if doubtful:
            yield f"order {doubtful[0].id} is in doubt, and the outcome says {outcome.kind}: {outcome.why}"
    if isinstance(outcome, Shortfall) and not outcome.why.strip():
        yield "a shortfall without a reason"


def _about_the_others(story: Story, number: int, sitting: Sitting) -> Iterator[str]:
    """Who cannot have it from one goes to the next; but not for a file that was made, paid and lost."""
    outcome, offers = sitting.outcome, story.plan.offers
    if not isinstance(outcome, Shortfall) or outcome.kind != "failed" or len(offers) < 2:
        return
    waiting = any(order.state in _HELD for order in sitting.orders)
    booked = {passed.order for passed in story.passed if passed.booked}
    paid = any(order.id in booked for order in sitting.orders)
    dark = any(passed.toxic == "refused" and passed.sitting == number for passed in story.passed)
    if (
        not waiting
        and not paid
        and not dark
        and not any(order.platform == offers[1].platform for order in sitting.orders)
    ):
        yield f"{offers[1].platform} was never asked, and it ended: {outcome.why}"


def _about_the_file(story: Story, asset: Asset, orders: Sequence[Order]) -> Iterator[str]:
    if not story.file_is_whole:
        yield f"{Path(asset.path).name} is not there, or not what its digest says"
    settled = [order for order in orders if order.state is S.SETTLED]
    if len(settled) != 1:
        yield f"one asset, and {len(settled)} settled orders"
    elif settled[0].cost != asset.cost:
        yield f"the asset cost {asset.cost}, and its order {settled[0].cost}"
