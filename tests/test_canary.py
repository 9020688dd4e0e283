"""A key that sings: it is used on every platform while everything goes wrong, and must be heard nowhere.

It would be found whole, in base64, with percent signs, or as any twelve letters of it in a row.
"""

from __future__ import annotations

import base64
import logging
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from practising import Counter, exchange_to, keys_for
from scenarios import SCENARIOS, Fault, model_of, offer_of, order_of, task_of
from walking import walk

from cassettes import FOLDER
from config.log_setup import set_up_log
from config.secrets import SecretManager
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.platform_facts import Platform
from shared_knowledge.vocabulary import Asset

if TYPE_CHECKING:
    from practice import Practice

CANARY = "cnry/Zq8+Lw3Xv9Tb5Kd=Rm2Hs7"
PLATFORMS = [platform for platform in Catalogue.load().platforms if not platform.local]
_TALKATIVE = ("httpx", "httpcore", "asyncio")
TROUBLES = (
    *(fault for scenario in SCENARIOS for fault in scenario.faults),
    *(
        Fault("start", do)
        for do in ("500", "503", "reset_before", "html", "truncate", "empty", "out_of_credit", "retired")
    ),
    *(Fault("check", do) for do in ("500", "bad_json", "429")),
    *(Fault("download", do) for do in ("truncate", "expired", "html")),
)


def _songs() -> Iterator[str]:
    yield CANARY
    yield quote(CANARY, safe="")
    for shift in range(3):
        yield base64.b64encode(b"." * shift + CANARY.encode()).decode()[4 : -4 or None][:24]
    for at in range(len(CANARY) - 11):
        yield CANARY[at : at + 12]


SONGS = tuple(dict.fromkeys(_songs()))


def heard_in(text: str) -> list[str]:
    """What of the canary is heard in a text."""
    return [song for song in SONGS if song in text]


def test_the_ear_is_good():
    encoded = base64.b64encode(f"xx Bearer {CANARY} yy".encode()).decode()
    for text in (CANARY, f"?key={quote(CANARY, safe='')}", encoded, f"…{CANARY[5:18]}…"):
        assert heard_in(text), text
    assert not heard_in("nothing to be heard here")


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A place for the program's own log at DEBUG, every library at its most talkative."""
    monkeypatch.setattr("sys.excepthook", sys.excepthook)
    monkeypatch.setattr("threading.excepthook", threading.excepthook)
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    levels = {name: logging.getLogger(name).level for name in _TALKATIVE}
    yield tmp_path / "log.txt"
    logging.captureWarnings(False)
    for handler in set(root.handlers) - set(handlers):
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda platform: platform.id)
async def test_nothing_that_is_said_logged_or_written_sings(
    platform: Platform, sandbox: Practice, tmp_path: Path, log: Path
) -> None:
    secrets = SecretManager(keys_for(platform, CANARY, tmp_path, sandbox.url))
    for secret in platform.secrets:
        secrets.get(secret.name)
    set_up_log(secrets.mask, level=logging.DEBUG, file=log)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.DEBUG)
    said = []
    for trouble in TROUBLES:
        sandbox.reset()
        sandbox.fault(platform.id, trouble.on, trouble.do, times=9)
        exchange = exchange_to(platform, tmp_path, sandbox=sandbox.url, key=CANARY)
        async with exchange.connect(platform.id) as line:
            ended = await walk(line, order_of(platform, model_of(platform), tmp_path))
            said += [repr(line), repr(vars(line)), repr(vars(exchange)), repr(ended)]
        if ended.error is not None:
            logging.getLogger("test").error("it went wrong", exc_info=ended.error)
            told = traceback.TracebackException.from_exception(ended.error, capture_locals=True)
            said += ["".join(told.format()), str(ended.error), repr(ended.error), repr(vars(ended.error))]
    said += [await _ledger_after_a_lost_answer(platform, sandbox, tmp_path)]
    assert not heard_in("\n".join(said))
    assert "it went wrong" in log.read_text()
    assert not heard_in(log.read_text())


async def _ledger_after_a_lost_answer(platform: Platform, sandbox: Practice, home: Path) -> str:
    """Every byte of the ledger, and of what lies on the desks, after an order ended in doubt."""
    sandbox.reset()
    sandbox.fault(platform.id, "start", "reset_after")
    counter = Counter(exchange_to(platform, home, sandbox=sandbox.url, key=CANARY), home)
    model = model_of(platform)
    picture = order_of(platform, model, home).inputs
    given = Path(picture[0]) if picture else None
    outcome = await counter.perform(task_of(platform, model, given), offer_of(platform, model, given))
    assert isinstance(outcome, Asset) or outcome.kind == "in_doubt"  # some vendors can be asked for it
    files = [file for file in home.rglob("*") if file.is_file() and file.suffix not in (".json", ".txt")]
    return "\n".join(file.read_bytes().decode("latin-1") for file in files)


def test_no_cassette_sings():
    for file in sorted(FOLDER.rglob("*.yaml")):
        assert not heard_in(file.read_text()), file
