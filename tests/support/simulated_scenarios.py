"""What people do in a simulation, with a fault at each call or at random ones."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from typing import NamedTuple

from bot.db.driver import Driver
from bot.domain.requests import BREAK_GLASS, CANCEL, DECLINE
from tests.support.examples import BEN, OLIVIA, RAVI, TOM
from tests.support.simulated_people import TTLS, RandomPeople
from tests.support.simulated_ports import CARA, NADIA, OTHERS, PIA
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


async def decline(world: World, target: str = TOM) -> None:
    await world.click(await world.ask(RAVI, target), OLIVIA, DECLINE)


async def expire(world: World) -> None:
    await world.ask()


async def protect(world: World) -> None:
    card = await world.ask(RAVI, PIA)
    for person in (OLIVIA, BEN):
        await world.click(card, person)


async def break_glass(world: World, *others: str) -> None:
    card = await world.ask(BEN, OTHERS[0], BREAK_GLASS)
    for person in (*others, BEN):
        await world.click(card, person)


async def confirm_for_another(world: World) -> None:
    await break_glass(world, CARA)


async def rotate(world: World) -> None:
    await world.click(await world.ask(OLIVIA, None, "rotate"))


async def everything(world: World) -> None:
    await asyncio.gather(
        deny(world), protect(world), rotate(world), confirm_for_another(world), decline(world, OTHERS[1])
    )  # fmt: skip


class Scenario(NamedTuple):
    """What people do, and how long a request can be approved, in virtual seconds."""

    people: People
    ttl: float = 900.0


SCENARIOS = {
    "revoke": Scenario(revoke), "deny": Scenario(deny), "cancel": Scenario(cancel), "decline": Scenario(decline),
    "expire": Scenario(expire, ttl=5), "protect": Scenario(protect), "rotate": Scenario(rotate),
    "break glass": Scenario(break_glass),
}  # fmt: skip


def places(calls: list[Call]) -> Iterator[int]:
    """Yield the numbers of the calls at which faults are tried."""
    reads = 0
    for place, call in enumerate(calls):
        reads = reads + 1 if call.name == "read" else 0
        if reads <= MAX_IDLE_READS:
            yield place


def broken_promises(scenario: Scenario, replaced: Replace = nothing_replaced) -> Iterator[str]:
    """Run a scenario without a fault and then with each fault at each call; yield what goes wrong."""
    plan = FaultPlan()
    for found in simulate(scenario.people, plan, ttl=scenario.ttl, replaced=replaced):
        yield f"no fault: {found}"
    for place in places(plan.calls):
        for fault in plan.calls[place].possible_faults:
            faults = FaultPlan({place: fault})
            for found in simulate(scenario.people, faults, ttl=scenario.ttl, replaced=replaced):
                yield f"{fault} at call {place}, {plan.calls[place].name}: {found}"


def simulate_random(seed: int, replaced: Replace = nothing_replaced, *, driver: Driver | None = None) -> list[str]:
    """Let people do what all scenarios do, or anything, with random faults.

    Returns the broken promises. An even seed means anything.
    """
    rng = random.Random(seed)  # noqa: S311 - no secret
    faults = RandomFaults(rng, rate=rng.choice((0.02, 0.05, 0.2)), left=rng.randint(0, 6))
    people, ttl, replicas = everything, 900.0, 2
    if seed % 2 == 0:
        people, ttl, replicas = RandomPeople(rng).act, rng.choice(TTLS), rng.choice((1, 2))
    return simulate(people, faults, ttl=ttl, replicas=replicas, replaced=replaced, driver=driver)
