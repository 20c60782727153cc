"""What people do in a simulation, with a fault at each call or at random ones."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from bot.domain.requests import CANCEL, DECLINE
from tests.support.examples import BEN, OLIVIA, RAVI
from tests.support.simulated_ports import NADIA, PIA
from tests.support.simulated_world import Replace, World, nothing_replaced, simulate
from tests.support.simulation import Call, FaultPlan, RandomFaults

People = Callable[[World], Awaitable[None]]

MAX_IDLE_READS = 3
"""Number of reads in a row at which faults are tried. A worker that waits repeats them every half second."""


async def revoke(world: World) -> None:
    await world.click(await world.ask())


async def deny(world: World) -> None:
    card = await world.ask()
    await world.click(card, NADIA)
    await world.click(card, OLIVIA)


async def cancel(world: World) -> None:
    await world.click(await world.ask(), RAVI, CANCEL)


async def decline(world: World) -> None:
    await world.click(await world.ask(), OLIVIA, DECLINE)


async def expire(world: World) -> None:
    await world.ask()


async def protect(world: World) -> None:
    card = await world.ask(RAVI, PIA)
    for person in (OLIVIA, BEN):
        await world.click(card, person)


async def rotate(world: World) -> None:
    await world.click(await world.ask(OLIVIA, None, "rotate"))


async def everything(world: World) -> None:
    await asyncio.gather(deny(world), protect(world), rotate(world))


class Scenario(NamedTuple):
    """What people do, and how long a request can be approved, in virtual seconds."""

    people: People
    ttl: float = 900.0


SCENARIOS = {
    "revoke": Scenario(revoke), "deny": Scenario(deny), "cancel": Scenario(cancel), "decline": Scenario(decline),
    "expire": Scenario(expire, ttl=5), "protect": Scenario(protect), "rotate": Scenario(rotate),
}  # fmt: skip


def places(calls: list[Call]) -> Iterator[int]:
    """Yield the numbers of the calls at which faults are tried."""
    reads = 0
    for place, call in enumerate(calls):
        reads = reads + 1 if call.name == "read" else 0
        if reads <= MAX_IDLE_READS:
            yield place


def broken_promises(scenario: Scenario, folder: Path, replaced: Replace = nothing_replaced) -> Iterator[str]:
    """Run a scenario without a fault and then with each fault at each call; yield what goes wrong."""
    plan = FaultPlan()
    for found in simulate(scenario.people, plan, folder, ttl=scenario.ttl, replaced=replaced):
        yield f"no fault: {found}"
    for place in places(plan.calls):
        for fault in plan.calls[place].possible_faults:
            faults = FaultPlan({place: fault})
            for found in simulate(scenario.people, faults, folder, ttl=scenario.ttl, replaced=replaced):
                yield f"{fault} at call {place}, {plan.calls[place].name}: {found}"


def simulate_random(seed: int, folder: Path) -> list[str]:
    """Run everything at once on two replicas with random faults; return the broken promises."""
    rng = random.Random(seed)  # noqa: S311 - no secret
    faults = RandomFaults(rng, rate=rng.choice((0.02, 0.05, 0.2)), left=rng.randint(1, 6))
    return simulate(everything, faults, folder, replicas=2)
