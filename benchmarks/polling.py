"""What it costs to wait for ten thousand orders at once: on the wheel, and as the purchases they would be.

Ten thousand orders are parked on the wheel of one process and looked at every ten seconds, as a vendor
asks for; each look takes 20 ms on the network and reads a small answer. Beyond the first thousand an order
may take 1 kB (all of it: name, moment, and whatever the wheel keeps), and 99 of 100 turns of the event
loop may come no more than 50 ms late. Beside it: the same orders as purchases that sleep.

    python benchmarks/polling.py [--orders N] [--seconds S] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1])]

FIRST = 1_000
MOST_BYTES = 1_024
MOST_LAG_MS = 50.0
LOOK_AGAIN_S = 10.0
ANSWER = json.dumps({"id": "t", "status": "RUNNING", "progress": 0.4})


def main() -> int:
    """Measures, prints, and answers 1 if a goal was missed."""
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("--orders", type=int, default=10_000)
    asked.add_argument(
        "--seconds", type=float, default=20.0, help="for how long the wheel turns (default 20)"
    )
    asked.add_argument("--json", action="store_true", help="print JSON instead of a table")
    asked.add_argument("--do", choices=("wheel", "purchases", "traced"), help=argparse.SUPPRESS)
    said = asked.parse_args()
    if said.do:
        print(json.dumps(asyncio.run(_WAYS[said.do](said.orders, said.seconds))))
        return 0
    found = {way: _in_fresh_process(way, said.orders, said.seconds) for way in _WAYS}
    good = (
        max(found["wheel"]["bytes_each"], found["traced"]["bytes_each"]) <= MOST_BYTES
        and found["wheel"]["lag_p99_ms"] <= MOST_LAG_MS
    )
    if said.json:
        print(json.dumps({**found, "good": good}))
    else:
        _show(found, said.orders, good=good)
    return 0 if good else 1


def _show(found: dict[str, Any], orders: int, *, good: bool) -> None:
    wheel, traced, purchases = found["wheel"], found["traced"], found["purchases"]
    print(f"{orders:,} orders, beyond the first {FIRST:,}, each:")
    print(
        f"  on the wheel             {wheel['bytes_each']:8,.0f} bytes of RSS   {traced['bytes_each']:,.0f} traced"
    )
    print(f"  as purchases that sleep  {purchases['bytes_each']:8,.0f} bytes of RSS")
    print(
        f"looks {wheel['looks_a_second']:,.0f} a second; loop lag p50 {wheel['lag_p50_ms']:.1f} ms, "
        f"p99 {wheel['lag_p99_ms']:.1f} ms, most {wheel['lag_most_ms']:.1f} ms; "
        f"CPU {wheel['cpu_share']:.0%} of a core"
    )
    print(
        f"goal: at most {MOST_BYTES:,} bytes, p99 at most {MOST_LAG_MS:.0f} ms: {'met' if good else 'MISSED'}"
    )


async def on_the_wheel(
    orders: int, seconds: float, memory: Callable[[], int] | None = None
) -> dict[str, Any]:
    """Parks orders, turns the wheel, and says what that took."""
    from agentes.wire.wheel import Wheel

    looks = 0

    async def look(name: str) -> float | None:
        nonlocal looks
        await asyncio.sleep(0.02)
        looks += 1
        return LOOK_AGAIN_S if json.loads(ANSWER)["status"] == "RUNNING" else None

    memory = memory or _rss
    wheel = Wheel(look)
    spread = LOOK_AGAIN_S / orders

    def park(first: int, last: int) -> int:
        for number in range(first, last):
            wheel.park(f"ord_{number:020d}", LOOK_AGAIN_S + number * spread)
        gc.collect()
        return memory()

    before = park(0, FIRST)
    after = park(FIRST, orders)
    began, cpu = time.monotonic(), time.process_time()
    lags = await _lags(LOOK_AGAIN_S + seconds)
    took_s = time.monotonic() - began
    assert len(wheel) == orders
    result = {
        "bytes_each": (after - before) / (orders - FIRST),
        "bytes_each_after_turning": (memory() - before) / (orders - FIRST),
        "looks_a_second": looks / max(0.001, took_s - LOOK_AGAIN_S),
        "cpu_share": (time.process_time() - cpu) / took_s,
        "lag_p50_ms": lags[len(lags) // 2],
        "lag_p99_ms": lags[int(len(lags) * 0.99)],
        "lag_most_ms": lags[-1],
    }
    wheel.close()
    return result


async def traced(orders: int, seconds: float) -> dict[str, Any]:
    """The memory alone, counted by Python itself instead of by the kernel; the wheel does not turn."""
    tracemalloc.start()
    return await on_the_wheel(orders, -LOOK_AGAIN_S, lambda: tracemalloc.get_traced_memory()[0])


async def as_purchases(orders: int, seconds: float) -> dict[str, Any]:
    """The same orders as purchases of the engine, each asleep between two looks."""
    from agentes.contract import Pending
    from agentes.purchase import Purchase, Workroom
    from shared_knowledge.catalogue import Catalogue
    from shared_knowledge.vocabulary import Money, Order, OrderState, Shot, VideoSpec

    nobody: Any = None
    runway: Any = Catalogue.load().platform("runway")
    catalogue: Any = SimpleNamespace(platform=lambda _: runway)
    room = Workroom(catalogue, nobody, nobody, nobody, nobody)

    class Vendor:
        async def check(self, order: Order) -> Pending:
            return Pending(order.receipt or {}, LOOK_AGAIN_S)

    vendor: Any = Vendor()
    shot = Shot(label="one", scene="it turns slowly", duration_s=5)

    async def wait_for(number: int) -> None:
        order = Order(
            id=f"ord_{number:020d}",
            job=f"job_{number:012d}",
            task="video-1",
            piece=1,
            attempt=1,
            platform="runway",
            model="gen4_turbo",
            price=Money(250_000),
            prompt=f"{number}: a ceramic mug turns slowly on a wooden table in the morning light. " * 4,
            spec=VideoSpec(subject="a ceramic mug", shots=(shot,), duration_s=5, aspect_ratio="9:16"),
            state=OrderState.SUBMITTED,
            receipt={"id": f"task_{number}"},
        )
        await Purchase(room, vendor, order, nobody).see_through()

    purchases: list[asyncio.Task[None]] = []

    async def begin(first: int, last: int) -> int:
        purchases.extend(asyncio.create_task(wait_for(number)) for number in range(first, last))
        await asyncio.sleep(0.2)
        gc.collect()
        assert not any(purchase.done() for purchase in purchases)
        return _rss()

    before = await begin(0, FIRST)
    after = await begin(FIRST, orders)
    for purchase in purchases:
        purchase.cancel()
    await asyncio.gather(*purchases, return_exceptions=True)
    return {"bytes_each": (after - before) / (orders - FIRST)}


async def _lags(seconds: float, every_s: float = 0.01) -> list[float]:
    """How late the loop came back to whoever slept for 10 ms, in milliseconds, sorted."""
    lags = [0.0]
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        began = time.monotonic()
        await asyncio.sleep(every_s)
        lags.append(max(0.0, time.monotonic() - began - every_s) * 1000)
    return sorted(lags)


def _rss() -> int:
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * 4096


def _in_fresh_process(way: str, orders: int, seconds: float) -> dict[str, Any]:
    command = [sys.executable, __file__, "--do", way, "--orders", str(orders), "--seconds", str(seconds)]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return found


_WAYS: dict[str, Any] = {"wheel": on_the_wheel, "traced": traced, "purchases": as_purchases}

if __name__ == "__main__":
    sys.exit(main())
