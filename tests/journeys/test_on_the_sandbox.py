"""Whole briefs against the practice platforms: what a person with keys would see, failures included."""

from __future__ import annotations

import signal
import time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from agentes.media import probe

if TYPE_CHECKING:
    from practice import Practice
    from typed import Ask, Begin, Ran
    from warm import Child

FILM = "6 s vertical video of our ceramic mug, Portuguese voice-over, one hero photo, up to 2 dollars"
PHOTO = "one square photo of a red bicycle"


class Shop:
    """A person with keys, at the practice platforms."""

    def __init__(self, place: Path, sandbox: Practice, ask: Ask, begin: Begin) -> None:
        self.place = place
        self.sandbox = sandbox
        self._ask, self._begin = ask, begin

    def ask(self, *words: str, **environ: str) -> Ran:
        return self._ask(self.place, *words, **{"AGENTES_SANDBOX_URL": self.sandbox.url, **environ})

    def begin(self, *words: str) -> Child:
        return self._begin(self.place, *words, AGENTES_SANDBOX_URL=self.sandbox.url)

    def make(self, brief: str, *words: str, **environ: str) -> Ran:
        return self.ask("make", brief, "--yes", "--json", "--out", "out", *words, **environ)

    @property
    def bought(self) -> list[str]:
        return [entry["platform"] for entry in self.sandbox.ledger()]

    @property
    def charged(self) -> Decimal:
        return sum((Decimal(entry["usd"]) for entry in self.sandbox.ledger()), Decimal(0))


@pytest.fixture
def shop(tmp_path: Path, sandbox: Practice, ask: Ask, begin: Begin) -> Shop:
    return Shop(tmp_path, sandbox, ask, begin)


async def test_a_film_is_bought_once_within_its_quote_and_every_cent_is_accounted_for(shop):
    ran = shop.make(FILM)
    assert ran.code == 0, ran.err
    made = ran.json
    found = await probe.measure(Path(made["film"]))
    assert found.duration_s == pytest.approx(6, abs=0.1)
    assert found.width * 16 == found.height * 9
    assert Decimal(made["cost_usd"]) == shop.charged
    assert Decimal(made["cost_usd"]) <= Decimal(made["ceiling_usd"]) <= 2
    assert {asset["medium"] for asset in made["assets"]} == {"video", "voice", "photo"}
    (clip,) = (asset for asset in made["assets"] if asset["medium"] == "video")
    assert len(shop.bought) == len(clip["pieces"]) + 2
    assert Decimal(shop.ask("costs", "--json").json["total"]["spent_usd"]) == shop.charged
    assert any(warning.startswith("Practice") for warning in made["warnings"])
    real = shop.ask("costs", "--json", AGENTES_SANDBOX_URL="")
    assert Decimal(real.json["total"]["spent_usd"]) == 0, "what was played never stands among real costs"


@pytest.mark.parametrize(
    ("brief", "platform"),
    [
        (PHOTO, "bfl_flux"),
        (PHOTO, "openai_images:gpt-image-2"),
        ("5 s vertical video of a red bicycle", "runway:gen4_turbo"),
        ("voice-over in English: 'Good morning, everyone.'", "elevenlabs"),
    ],
)
def test_the_platform_that_was_named_does_it(shop, brief, platform):
    ran = shop.make(brief, "--use", platform)
    assert ran.code == 0, ran.err
    used = platform.partition(":")[0]
    assert ran.json["assets"][0]["platform"] == used
    assert used in shop.bought


def test_a_picture_of_another_shape_is_cut_before_it_is_paid_for(shop):
    Image.new("RGB", (900, 1200), "tan").save(shop.place / "mug.png")
    ran = shop.make("5 s vertical video, animate mug.png", "--use", "kling")
    assert ran.code == 0, ran.err
    assert shop.bought == ["kling"]
    assert any("was cut to 9:16" in warning for warning in ran.json["assets"][0]["warnings"])


def test_a_refusal_ends_the_task_with_the_vendors_own_words(shop):
    shop.sandbox.fault("openai_images", "start", "refuse")
    ran = shop.make(PHOTO, "--use", "openai_images")
    assert ran.code == 4
    (shortfall,) = ran.json["shortfalls"]
    assert "safety" in shortfall["why"].lower()
    assert shop.bought == []
    assert Decimal(ran.json["cost_usd"]) == 0


def test_whoever_fails_is_remembered_when_the_next_brief_is_quoted(shop):
    shop.sandbox.fault("openai_images", "start", "refuse", times=9)
    (cheapest,) = (
        offer for task in shop.ask("plan", PHOTO, "--json").json["tasks"] for offer in task["offers"][:1]
    )
    assert cheapest["platform"] == "openai_images"
    for _ in range(3):
        assert shop.make(PHOTO, "--use", f"openai_images:{cheapest['model']}").code == 4
    told = shop.ask("plan", PHOTO, "--json").json
    assert told["tasks"][0]["offers"][0]["model"] != cheapest["model"]
    assert any("3 of 3 orders failed" in warning for warning in told["warnings"])


def test_a_refusal_goes_elsewhere_only_if_that_was_said(shop):
    shop.sandbox.fault("openai_images", "start", "refuse", times=9)
    ran = shop.make(PHOTO, "--on-refusal", "elsewhere")
    assert ran.code == 0, ran.err
    assert len(shop.bought) == 1
    assert shop.bought[0] != "openai_images"


def test_a_lost_answer_is_held_and_never_bought_again(shop):
    shop.sandbox.fault("openai_images", "start", "reset_after")
    ran = shop.make(PHOTO)
    assert ran.code == 6
    assert shop.bought == ["openai_images"]
    again = shop.ask("resume", ran.json["job"], "--json")
    assert again.code == 6
    assert shop.bought == ["openai_images"]
    assert Decimal(shop.ask("costs", "--json").json["total"]["in_doubt_usd"]) > 0


@pytest.mark.parametrize(
    ("brief", "platform"),
    [
        ("5 s vertical video of a red bicycle", "kling"),
        ("voice-over in English: 'Good morning.'", "elevenlabs"),
    ],
)
def test_a_lost_answer_is_found_again_where_the_vendor_can_be_asked(shop, brief, platform):
    shop.sandbox.fault(platform, "start", "reset_after")
    ran = shop.make(brief, "--use", platform)
    assert ran.code == 0, ran.err
    assert shop.bought == [platform]
    assert Decimal(ran.json["cost_usd"]) == shop.charged


@pytest.mark.parametrize("trouble", ["out_of_credit", "retired", "429:retry_after=900"])
def test_a_provable_no_costs_nothing_and_the_next_platform_does_it(shop, trouble):
    cheapest = shop.ask("plan", PHOTO, "--json").json["tasks"][0]["chosen"]["platform"]
    shop.sandbox.fault(cheapest, "start", trouble, times=99)
    ran = shop.make(PHOTO)
    assert ran.code == 0, ran.err
    assert len(shop.bought) == 1
    assert shop.bought[0] != cheapest
    assert Decimal(ran.json["cost_usd"]) == shop.charged


def test_a_failed_download_is_repeated_and_nothing_is_bought_again(shop):
    shop.sandbox.fault("bfl_flux", "download", "truncate")
    ran = shop.make(PHOTO, "--use", "bfl_flux")
    assert ran.code == 0, ran.err
    assert shop.bought == ["bfl_flux"]


def test_a_bad_key_is_named_and_nothing_is_spent(shop):
    ran = shop.make(PHOTO, "--use", "openai_images", OPENAI_API_KEY="bad-key")
    assert ran.code == 4
    assert "OPENAI_API_KEY" in ran.json["shortfalls"][0]["why"]
    assert "bad-key" not in ran.out + ran.err
    assert shop.bought == []


def test_the_doctor_asks_the_vendors(shop):
    ran = shop.ask("doctor", "--live", "--json", OPENAI_API_KEY="bad-key")
    asked = {row["what"]: row for row in ran.json if row["what"].endswith("asked")}
    assert asked["runway, asked"]["verdict"] == "good"
    assert "credits" in asked["runway, asked"]["detail"]
    assert asked["openai_images, asked"]["verdict"] == "broken"
    assert ran.code == 2
    assert shop.bought == []


# ── doubt, and a person who decides ─────────────────────────────────────────────────────────────


@pytest.fixture
def doubtful(shop):
    """A shop with one picture in doubt: the order was booked, and its answer lost."""
    shop.sandbox.fault("openai_images", "start", "reset_after")
    ran = shop.make(PHOTO, "--use", "openai_images")
    assert ran.code == 6
    (waiting,) = shop.ask("review", "--json").json
    assert (waiting["platform"], waiting["job"], waiting["state"]) == (
        "openai_images",
        ran.json["job"],
        "in_doubt",
    )
    return shop, waiting


def test_never_charged_frees_the_money_and_the_job_goes_on(doubtful):
    shop, waiting = doubtful
    assert shop.ask("review", waiting["order"], "never-charged", "--json").json["state"] == "failed_free"
    assert shop.ask("review", "--json").json == []
    again = shop.ask("resume", waiting["job"], "--json")
    assert again.code == 0, again.err
    assert len(shop.bought) == 2
    assert Decimal(shop.ask("costs", "--json").json["total"]["wasted_usd"]) == 0


def test_what_is_lost_stands_in_the_books_as_wasted(doubtful):
    shop, waiting = doubtful
    told = shop.ask("review", waiting["order"][:12], "charged-and-lost")
    assert f"agentes resume {waiting['job']}" in told.out
    assert shop.ask("resume", waiting["job"], "--json").code == 0
    total = shop.ask("costs", "--json").json["total"]
    assert Decimal(total["wasted_usd"]) == Decimal(waiting["price_usd"])
    assert Decimal(total["in_doubt_usd"]) == 0


def test_an_order_that_a_person_found_is_taken_up(shop):
    shop.sandbox.fault("runway", "start", "reset_after")
    ran = shop.make("5 s vertical video of a red bicycle", "--use", "runway:gen4_turbo")
    assert ran.code == 6
    (waiting,) = (each for each in shop.ask("review", "--json").json if each["platform"] == "runway")
    found = next(entry["id"] for entry in shop.sandbox.ledger() if entry["platform"] == "runway")
    assert shop.ask("review", waiting["order"], "adopt", found).code == 0
    again = shop.ask("resume", ran.json["job"], "--json")
    assert again.code == 0, again.err
    assert shop.bought.count("runway") == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["ord_nobody", "never-charged"], "is not in doubt"),
        (["ord_nobody"], "A decision is missing"),
        (["ord_nobody", "perhaps"], "invalid choice"),
    ],
)
def test_a_decision_that_makes_no_sense_is_refused(shop, words, says):
    ran = shop.ask("review", *words)
    assert ran.code == 2
    assert says in ran.err


def test_what_answers_at_once_cannot_be_adopted(doubtful):
    shop, waiting = doubtful
    ran = shop.ask("review", waiting["order"], "adopt", "img_1")
    assert ran.code == 2
    assert "nothing waits there to be adopted" in ran.err
    assert len(shop.ask("review", "--json").json) == 1


def test_to_buy_again_in_doubt_can_be_said_beforehand(shop):
    shop.sandbox.fault("openai_images", "start", "reset_after")
    ran = shop.make(PHOTO, "--use", "openai_images", "--on-doubt", "buy-again")
    assert ran.code == 0, ran.err
    assert shop.bought == ["openai_images", "openai_images"]
    assert Decimal(ran.json["cost_usd"]) <= Decimal(ran.json["ceiling_usd"])


def test_ctrl_c_waits_for_what_is_already_bought_and_says_so(shop):
    shop.sandbox.fault("openai_images", "start", "stall:4")
    run = shop.begin("make", PHOTO, "--yes", "--use", "openai_images")
    deadline = time.monotonic() + 60
    while not shop.bought and time.monotonic() < deadline:
        time.sleep(0.05)
    run.kill(signal.SIGINT)
    code, _, said = run.wait(60)
    assert code == 130
    assert "Waiting for the answer to what is already bought" in said
    job = shop.ask("runs", "--json").json[0]["job"]
    assert f"agentes resume {job}" in said
    assert shop.ask("resume", job, "--json").code == 0
    assert shop.bought == ["openai_images"]
