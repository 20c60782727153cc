"""2,000 delete_token against a server that takes 50 ms for each."""

from __future__ import annotations

from contextlib import AsyncExitStack
from functools import partial
from typing import Any

from bench.config import Plan
from bench.fakes import Genesys, genesys_id
from bench.processes import OURS, PEERS, Process, program
from bench.sampling import Sample, Samples, interleave
from bench.table import Goal, Line

CALLS, LATENCY, IN_FLIGHT = 2000, 0.05, 64
IDEAL = CALLS / IN_FLIGHT * LATENCY
WAYS: dict[str, dict[str, int]] = {
    "ours": {},
    "sdk16": {"threads": 16, "pool": 0},
    "sdk64": {"threads": 64, "pool": 0},
    "wide": {"threads": 64, "pool": 64},
}
NAMES = {"sdk16": "SDK, 16 threads", "sdk64": "SDK, 64 threads", "wide": "SDK, 64 threads, pool widened to 64"}
AS_INSTALLED, OF_IDEAL, OF_CPU = Goal(0.067), Goal(1.053), Goal(0.4)
MEMORY = Goal(60, of="ours", unit="MiB")


async def measure(plan: Plan) -> list[Line]:
    """Let our client and the SDK's three ways take turns."""
    genesys = plan.world.genesys
    async with AsyncExitStack() as opened:
        ours = await opened.enter_async_context(program(OURS, "bench.subject.client", genesys.url))
        sdk = await opened.enter_async_context(program(PEERS, "bench.baselines.sdk", genesys.url))
        await ours.says()
        await sdk.says()
        turns = {name: partial(_turn, ours if name == "ours" else sdk, genesys, how) for name, how in WAYS.items()}
        return _lines(await interleave(turns, plan.few))


async def _turn(running: Process, genesys: Genesys, how: dict[str, Any]) -> Sample:
    people = [genesys_id(number) for number in range(CALLS)]
    genesys.forget()
    genesys.latency = LATENCY
    told = await running.ask("bulk", people=people, **how)
    genesys.latency = 0.0
    if genesys.deletes != dict.fromkeys(people, 1) or told["done"] != CALLS:
        raise RuntimeError("not every DELETE arrived exactly once")
    return {
        "seconds": told["seconds"],
        "cpu": told["cpu"] * 1e3,
        "memory": running.rss,
        "in flight": genesys.most_in_flight,
    }


def _lines(samples: Samples) -> list[Line]:
    what = "2,000 `delete_token`, 50 ms each"
    ours = samples.of("ours", "seconds")
    lines = [
        Line(
            f"{what}, seconds",
            name,
            ours,
            samples.of(who, "seconds"),
            "s",
            samples.ratio("ours", who, "seconds"),
            None if who == "wide" else AS_INSTALLED,
            (_flying(samples, "ours"), _flying(samples, who)),
        )
        for who, name in NAMES.items()
    ]
    lines.append(Line(f"{what}, seconds", "the ideal: 64 in flight", ours, IDEAL, "s", ours / IDEAL, OF_IDEAL))
    cpu = samples.ratio("ours", "wide", "cpu")
    figures = samples.of("ours", "cpu"), samples.of("wide", "cpu")
    lines.append(Line(f"{what}, CPU", NAMES["wide"], *figures, "ms", cpu, OF_CPU))
    memory = samples.ratio("ours", "wide", "memory")
    figures = samples.of("ours", "memory"), samples.of("wide", "memory")
    return [*lines, Line(f"{what}, memory", NAMES["wide"], *figures, "MiB", memory, MEMORY)]


def _flying(samples: Samples, who: str) -> str:
    return f" ({samples.of(who, 'in flight'):.0f} in flight)"
