"""Records the cassettes afresh: against the sandbox, or with a real key under a spending cap.

    python tests/record.py                              every platform, against a sandbox started for it
    python tests/record.py --only kling                 one platform
    python tests/record.py --live runway --budget 1.00  the scenario `finished` with the real key; shows what differs

A live recording is kept only if it holds no secret, and its differences to the sandbox are printed.
"""

from __future__ import annotations

import argparse
import asyncio
import difflib
import os
import re
import sys
import tempfile
from pathlib import Path

import yaml
from practice import Practice
from practising import exchange_to
from scenarios import SCENARIOS, Scenario, model_of, order_of
from secret_scan import scan
from walking import Ended, walk

from cassettes import Scrubber, cassette_of, recorder
from shared_knowledge.catalogue import Catalogue
from shared_knowledge.money import Money
from shared_knowledge.platform_facts import Platform

__all__ = ["record_live", "record_practice"]


def record_practice(platform: Platform, scenario: Scenario, sandbox: Practice) -> Ended:
    """One scenario of one platform against the sandbox, kept as if the vendor had been there."""
    sandbox.reset()
    for fault in scenario.faults:
        sandbox.fault(platform.id, fault.on, fault.do, times=fault.times)
    scrubber = Scrubber(platform, sandbox=sandbox.url)
    return _record(platform, scenario, scrubber, "sandbox", sandbox=sandbox.url)


def record_live(platform: Platform, budget: Money) -> Ended:
    """The scenario `finished` with the key that is in the environment; refuses what could pass the budget."""
    with tempfile.TemporaryDirectory() as folder:
        price = order_of(platform, model_of(platform), Path(folder)).price
    if not price:
        sys.exit(f"{platform.id}:{model_of(platform).id} has no price on file, so no cap can be kept.")
    if price > budget:
        sys.exit(f"One piece costs up to {price.short}, which is more than {budget.short}.")
    scenario = next(one for one in SCENARIOS if one.name == "finished")
    names = [name for secret in platform.secrets for name in (secret.name, *secret.older)]
    keys = {name: os.environ[name] for name in names if name in os.environ}
    file = cassette_of(platform, scenario.name)
    before = file.read_text() if file.exists() else ""
    ended = _record(platform, scenario, Scrubber(platform, secrets=keys), "live", environ=keys)
    leaks = list(scan([file])) + [
        f"{file}: the value of {name}" for name in keys if keys[name] in file.read_text()
    ]
    if leaks:
        file.write_text(before) if before else file.unlink()
        sys.exit("Not kept, for it would have shown a secret:\n" + "\n".join(leaks))
    sys.stdout.writelines(difflib.unified_diff(_shape(before), _shape(file.read_text()), "sandbox", "live"))
    return ended


def _record(
    platform: Platform, scenario: Scenario, scrubber: Scrubber, origin: str, **reach: object
) -> Ended:
    async def play(home: Path) -> Ended:
        exchange = exchange_to(platform, home, key=scenario.key, waits=origin == "live", **reach)  # type: ignore[arg-type]
        with recorder(cassette_of(platform, scenario.name), scrubber, origin=origin):
            async with exchange.connect(platform.id) as line:
                return await walk(line, order_of(platform, model_of(platform), home), waits=origin == "live")

    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(play(Path(folder)))


def _shape(cassette: str) -> list[str]:
    """A conversation without the bodies of its media: what was asked and answered, a line each."""
    kept = yaml.safe_load(cassette) if cassette else {}
    lines = []
    for turn in kept.get("interactions", []):
        request, answer = turn["request"], turn["response"]
        told = str(answer["body"]["string"])
        body = re.sub(r"[A-Za-z0-9+/=]{400,}", "…", told)[:2000]
        lines += [f"{request['method']} {request['uri']}\n", f"  {str(request['body'])[:2000]}\n"]
        lines += [f"  {answer['status']['code']} {sorted(answer['headers'])}\n", f"  {body}\n"]
    return lines


def main() -> int:
    """Records what was asked for; 1 if a scenario did not end as it must."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--only", metavar="ID", help="one platform")
    asked.add_argument("--live", metavar="ID", help="with the real key of this platform")
    asked.add_argument("--budget", metavar="USD", help="the most a live recording may cost")
    wishes = asked.parse_args()
    catalogue = Catalogue.load()
    if wishes.live:
        if not wishes.budget:
            asked.error("--live spends money, so it needs --budget")
        ended = record_live(catalogue.platform(wishes.live), Money.dollars(wishes.budget))
        print(f"{wishes.live}: {ended.outcome}")
        return 0 if ended.outcome == "made" else 1
    return _practise([p for p in catalogue.platforms if not p.local and wishes.only in (None, p.id)])


def _practise(platforms: list[Platform]) -> int:
    failed = 0
    # Always the same door, so that a second recording gives the same files.
    sandbox = Practice(port=9177)
    sandbox.open()
    try:
        for platform in platforms:
            for scenario in (s for s in SCENARIOS if s.recorded and s.concerns(platform)):
                ended = record_practice(platform, scenario, sandbox)
                good = ended.outcome in scenario.expected(platform)
                failed += not good
                size = cassette_of(platform, scenario.name).stat().st_size
                print(
                    f"{'ok ' if good else 'BAD'} {platform.id:17} {scenario.name:10} {ended.outcome:12} {size:8,} bytes"
                )
                if not good:
                    print(f"    {ended.error}")
    finally:
        sandbox.close()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
