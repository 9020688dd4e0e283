"""Every row of the fault matrix is kept, and has a test by name: what goes wrong, and what must follow.

The rows that a wire or a vendor can bring about are played here, each at a few platforms, and in `torture`
at all of them. A row without a test fails.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fault_facts import AT_THE_VENDOR, ON_THE_WIRE, is_told, rule
from fault_plans import Plan, can_strike, order_at
from fault_runs import run_plans
from passing import Toxic
from practising import Counter, exchange_to
from scenarios import model_of, offer_of, task_of

from shared_knowledge.catalogue import Catalogue
from shared_knowledge.vocabulary import Asset, OrderState, Shortfall

if TYPE_CHECKING:
    from practice import Practice

_TESTS = Path(__file__).parent.parent
_PLATFORMS = sorted(platform.id for platform in Catalogue.load().platforms if not platform.local)
_KINDS = ("start", "check", "download")
_A_FEW = (
    "azure_speech",
    "bfl_flux",
    "elevenlabs",
    "google_images",
    "openai_images",
    "openai_speech",
    "runway",
)


@dataclass(frozen=True)
class Row:
    """A row of the matrix in a few words, and the tests that hold it besides those of this file."""

    fact: str
    tests: tuple[str, ...] = ()


_WIRE = "agentes/wire/test_"
_AGENT = "agentes/test_media_agent.py::test_"
_BUYING = "agentes/test_purchase.py::test_"
_LEDGER = "orchestrator/store/test_ledger.py::test_"
_SURVIVAL = "torture/test_runs_survive.py::test_"

ROWS = {
    1: Row(
        "told to wait some seconds: waits at least so long, or goes elsewhere if nobody has that patience",
        (f"{_WIRE}retry.py::test_never_sooner_than_asked_and_not_all_at_the_same_moment",),
    ),
    2: Row(
        "told to wait until a date, for ever, for less than nothing, or in words: read if it can be, else ignored",
        (
            f"{_WIRE}hints.py::test_a_wait_that_is_none",
            f"{_WIRE}hints.py::test_the_wait_is_read_from_any_header",
        ),
    ),
    3: Row(
        "too many requests without a word about when: further and further apart, and the door shuts after five",
        (
            f"{_WIRE}retry.py::test_it_is_tried_four_times_further_and_further_apart",
            f"{_WIRE}breaker.py::test_impatience_without_a_reason_is_one",
        ),
    ),
    4: Row(
        "an invalid request: not sent again, costs nothing",
        (f"{_AGENT}the_next_offer_takes_over_and_the_first_frees_its_money",),
    ),
    5: Row(
        "a refused key: the platform is left alone for ten minutes",
        (f"{_WIRE}breaker.py::test_a_refused_key_stops_everything_for_ten_minutes",),
    ),
    6: Row(
        "an empty purse, under any status: nothing is bought there for a quarter of an hour",
        (
            f"{_WIRE}breaker.py::test_an_empty_purse_stops_purchases_for_a_quarter_of_an_hour_and_no_questions",
        ),
    ),
    7: Row(
        "a model that is gone leads elsewhere; an order that is not known is asked about for a minute, then held",
        (f"{_WIRE}verdict.py::test_an_order_that_is_not_known_is_looked_for_during_a_minute",),
    ),
    8: Row(
        "408, 409, 425 and 499 do not say whether it was booked",
        (f"{_WIRE}verdict.py::test_what_an_answer_to_a_purchase_means",),
    ),
    9: Row(
        "500 does not say whether it was booked",
        (f"{_WIRE}verdict.py::test_what_an_answer_to_a_purchase_means",),
    ),
    10: Row(
        "502, 503 and 504 neither, unless the vendor has it in writing",
        (f"{_WIRE}verdict.py::test_what_the_vendor_says_was_not_booked_is_sent_again",),
    ),
    11: Row(
        "no name, no connection, no handshake: nothing was sent, so it may be sent again, here or elsewhere",
        (
            f"{_WIRE}once.py::test_a_name_that_is_not_there_was_never_sent_to",
            f"{_WIRE}once.py::test_a_handshake_that_fails_was_before_the_sending",
            f"{_WIRE}once.py::test_what_was_never_sent_is_tried_a_few_times",
        ),
    ),
    12: Row("the connection broke while the request was on its way: in doubt"),
    13: Row("the connection broke before the answer began: in doubt"),
    14: Row("no answer within the time: in doubt"),
    15: Row("an answer that drips for longer than the time: in doubt"),
    16: Row(
        "an answer cut off: in doubt, but for a receipt that stands there in full; a download goes on where it was",
        (
            f"{_BUYING}half_an_answer_with_a_number_is_taken_up_at_once",
            f"{_WIRE}salvage.py::test_what_a_cut_answer_had_said_in_full",
        ),
    ),
    17: Row("an answer packed wrongly, or in no known letters: in doubt; a file is asked for again", ()),
    18: Row(
        "a purchase follows no redirect: 307 and 308 leave it in doubt; a download follows three",
        (f"{_WIRE}verdict.py::test_what_an_answer_to_a_purchase_means",),
    ),
    19: Row(
        "200 with an error in it: as the adapter reads it, and in doubt if it cannot",
        (f"{_WIRE}line.py::test_what_an_adapter_cannot_read_never_comes_out_as_it_is",),
    ),
    20: Row("200 with a web page, nothing, or half of it: in doubt"),
    21: Row(
        "content refused at the door: said, free, and not shopped around",
        (f"{_AGENT}a_refusal_stops_by_default_and_goes_elsewhere_when_told",),
    ),
    22: Row(
        "content refused after the run: said, and booked as that vendor charges",
        (f"{_AGENT}what_a_failure_took_is_booked_to_the_cent",),
    ),
    23: Row(
        "the vendor failed: the next offer within the ceiling",
        (f"{_AGENT}a_lone_platform_is_tried_twice_and_then_it_is_said",),
    ),
    24: Row(
        "stuck: to the deadline, then it is stopped; where nobody confirms that, held, and a late result is taken",
        (
            f"{_AGENT}patience_ends_with_a_last_look_and_a_late_result_is_taken_not_bought_again",
            f"{_BUYING}a_stop_that_is_not_confirmed_leaves_the_doubt",
        ),
    ),
    25: Row(
        "made, with nothing to show: looked at again for half a minute, then counted as charged",
        (f"{_BUYING}made_with_nothing_to_show_is_looked_at_for_half_a_minute_and_counted",),
    ),
    26: Row(
        "a link that has expired: asked for afresh, else charged",
        (
            f"{_WIRE}line.py::test_a_link_that_has_expired_is_asked_for_afresh",
            f"{_BUYING}a_link_that_is_gone_for_good_is_charged_and_not_bought_again",
        ),
    ),
    27: Row(
        "not what was asked: taken within tolerance, else bought once more if it can be, else delivered as it is",
        (
            "agentes/media/test_probe.py::test_a_clip_is_compared_with_what_was_asked",
            f"{_AGENT}a_file_that_was_paid_for_and_is_not_what_was_asked_is_written_off",
        ),
    ),
    28: Row("the very file of an earlier job: a warning"),
    29: Row(
        "charged more than was quoted: booked, said from a tenth on, and never beyond a cap",
        (
            f"{_BUYING}much_more_than_the_price_is_booked_and_said",
            f"{_LEDGER}charged_more_than_promised_counts_in_full_as_far_as_the_caps_have_room",
        ),
    ),
    30: Row(
        "the vendor's clock is wrong or missing: it is not gone by",
        (f"{_WIRE}hints.py::test_a_moment_counts_from_their_clock_if_they_show_one",),
    ),
    31: Row("nobody can be reached: free, with a list of what was tried"),
    40: Row(
        "many at one purse, two who settle at once, a budget that is changed meanwhile: never over, each once",
        (
            f"{_LEDGER}two_hundred_racers_admit_exactly_what_the_budget_holds",
            f"{_LEDGER}is_settled_only_once",
            "orchestrator/store/test_caps_and_fences.py::test_a_cap_that_was_soft_yesterday_is_a_wall_today",
        ),
    ),
    41: Row(
        "clocks that jump: durations do not, a day's purse is the day's, and what was sent stays sent",
        (
            f"{_SURVIVAL}a_clock_that_jumps_moves_no_deadline",
            f"{_SURVIVAL}each_day_has_its_own_purse_whatever_the_clock_does",
        ),
    ),
}
"""Numbered like the rules in `fault_facts.py`; 32 is about webhooks."""

_PLAYED = {
    row: [name for name in (*ON_THE_WIRE, *AT_THE_VENDOR) if rule("", name).row == row] for row in ROWS
}
_HERE = {
    28: "test_the_very_file_of_an_earlier_job_is_said",
    27: "test_what_cannot_be_had_better_is_delivered_as_it_is",
    31: "test_nobody_can_be_reached",
}


def _plays(row: int, platform: str, kinds: tuple[str, ...]) -> list[Plan]:
    """Every fault of a row on every such call to a platform, each in a purchase of its own."""
    return [
        order_at(platform, Toxic(platform, kind, f"no_{name}" if is_told(platform, name, kind) else name))
        for name in _PLAYED[row]
        for kind in kinds
        if can_strike(platform, kind, name)
    ]


@pytest.mark.parametrize("row", [row for row in ROWS if _PLAYED[row]])
def test_a_row_is_kept(row: int) -> None:
    """On a purchase, at one platform for each of its faults."""
    each = [_plays(row, platform, ("start",)) for platform in _A_FEW]
    number = len(_PLAYED[row])
    plans = [each[(row * 7 + at * 5) % len(each)][at] for at in range(number)]
    tally = run_plans(plans)
    assert not tally.wrong, tally.words()
    assert tally.struck >= number, "something did not strike"


@pytest.mark.torture
@pytest.mark.parametrize("platform", _PLATFORMS)
@pytest.mark.parametrize("row", [row for row in ROWS if _PLAYED[row]])
def test_a_row_is_kept_everywhere(row: int, platform: str) -> None:
    """On purchases, looks and downloads."""
    plans = _plays(row, platform, _KINDS)
    tally = run_plans(plans)
    assert not tally.wrong, tally.words()
    assert tally.struck >= len(plans)


@pytest.mark.parametrize("row", ROWS)
def test_a_row_has_its_tests(row: int) -> None:
    """By name: whoever renames or takes away a test hears of it here."""
    here = "test_a_row_is_kept" if _PLAYED[row] else _HERE.get(row)
    named = [*ROWS[row].tests, *([f"torture/{Path(__file__).name}::{here}"] if here else [])]
    assert named, f"row {row} has no test: {ROWS[row].fact}"
    for test in named:
        file, _, name = test.partition("::")
        found = re.search(rf"^ *(async )?def {name}\(", (_TESTS / file).read_text(), re.MULTILINE)
        assert found, f"row {row}: {test} is not there"


def test_every_rule_is_about_a_row() -> None:
    told = {rule("", name).row for name in (*ON_THE_WIRE, *AT_THE_VENDOR)}
    assert told - {0} <= ROWS.keys()


def test_nobody_can_be_reached() -> None:
    """Row 31: nothing is owed to anybody, and it is said whom one asked."""
    plan = order_at("openai_images", Toxic("openai_images", "start", "refused", times=9), others=2)
    (story,) = run_plans([plan]).stories
    first = story.sittings[0]
    assert isinstance(first.outcome, Shortfall)
    assert {attempt.platform for attempt in first.outcome.tried} == {offer.platform for offer in plan.offers}
    assert all(attempt.outcome for attempt in first.outcome.tried)
    assert {order.state for order in first.orders} == {OrderState.FAILED_FREE}


@pytest.mark.xfail(strict=True, reason="what is not as it was ordered is written off, however near it comes")
def test_what_cannot_be_had_better_is_delivered_as_it_is() -> None:
    """Row 27: twice paid for, it is not thrown away."""
    plan = order_at("runway", Toxic("runway", "start", "wrong_length", times=9))
    (story,) = run_plans([plan]).stories
    outcome = story.sittings[0].outcome
    assert isinstance(outcome, Asset)
    assert outcome.warnings


async def test_the_very_file_of_an_earlier_job_is_said(sandbox: Practice, tmp_path: Path) -> None:
    """Row 28: a vendor's cache that hands out the same picture twice is noticed."""
    platform = Catalogue.load().platform("openai_images")
    model = model_of(platform)
    counter = Counter(exchange_to(platform, tmp_path, sandbox=sandbox.url), tmp_path)
    task, offer = task_of(platform, model), offer_of(platform, model)
    first = await counter.perform(task, offer)
    sandbox.reset()  # a vendor who remembers nothing makes the same again
    second = await counter.perform(task, offer, job="job_2")
    counter.database.close()
    assert isinstance(first, Asset)
    assert isinstance(second, Asset)
    assert first.sha256 == second.sha256
    assert len(second.warnings) > len(first.warnings)
