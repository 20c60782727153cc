"""From the click to its DELETE on the wire: written to disk first, who clicked and their role asked afresh.

One person clicks at a time. The peers get a click on a card of the same size.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from itertools import count
from statistics import median

from bench.chart import AFTER, MOMENTS
from bench.config import Plan
from bench.fakes import Card, genesys_id
from bench.processes import Command, Process, bot, peer, server
from bench.revocations import People, a_moment, people
from bench.sampling import Sample, Samples, interleave
from bench.slack_sends import EXAMPLE
from bench.table import Goal, Line

CLICKS, TURNS = 10, 4
"""Short turns, and some of them a round: a slow second of the machine must not meet one contestant alone."""
PEERS = {
    "floor asks": "raw, one fdatasync, the same questions to Slack (floor)",
    "floor": "raw, one fdatasync, asks nothing",
    "stack asks": "sync Bolt + waitress + SDK, nothing kept, the same questions to Slack",
    "stack": "sync Bolt + waitress + SDK, nothing kept, asks nothing",
}
GOALS = {
    ("delete", "floor asks"): Goal(3.0),
    ("delete", "stack asks"): Goal(1.5),
    ("ack", "stack asks"): Goal(0.25),
}
SAID = {"delete": "click → DELETE", "ack": "its acknowledgement", "cpu": "CPU of the whole click"}


async def measure(plan: Plan) -> list[Line]:
    """Let all five take turns."""
    numbers = count(1)
    async with AsyncExitStack() as opened:
        turns = {}
        for name, command in _commands().items():
            path = "/readyz" if name == "ours" else ""
            environ = plan.environ("clicks", KEPT=str(plan.folder / f"{name}.kept"))
            running = await opened.enter_async_context(server(command, environ, path=path))
            somebody = await people(plan.world, plan.sends, running.port)
            turns[name] = partial(_turn, name, running, somebody, numbers)
        samples = await interleave(turns, plan.rounds * TURNS)
    return [_line(samples, figure, who) for figure in SAID for who in PEERS] + _moments(samples)


def _commands() -> dict[str, Command]:
    return {
        "ours": bot(),
        "floor asks": peer("raw", "--asks"),
        "floor": peer("raw"),
        "stack asks": peer("stack", "--asks"),
        "stack": peer("stack"),
    }


async def _turn(name: str, running: Process, somebody: People, numbers: Iterator[int]) -> Sample:
    mine = [next(numbers) for _ in range(CLICKS)]
    cards = {number: await somebody.ask(number) if name == "ours" else _card(number) for number in mine}
    await a_moment()
    before = running.cpu
    seen: list[dict[str, float]] = []
    for number, card in cards.items():
        click = somebody.watched if name == "ours" else somebody.only_click
        seen.append(await click(number, card))
        await a_moment()
    cpu = (running.cpu - before) / CLICKS * 1e3
    return {moment: median(one[moment] for one in seen) * 1e3 for moment in seen[0]} | {"cpu": cpu}


def _card(number: int) -> Card:
    """The card of a bot that keeps nothing: its button says whom it means."""
    blocks = [dict(block) for block in EXAMPLE.blocks]
    buttons = [button | {"value": genesys_id(number)} for button in EXAMPLE.blocks[-1]["elements"]]
    return replace(EXAMPLE, blocks=[*blocks[:-1], blocks[-1] | {"elements": buttons}])


def _line(samples: Samples, figure: str, who: str) -> Line:
    return Line(
        f"{SAID[figure]}, p50" if figure != "cpu" else SAID[figure],
        PEERS[who],
        samples.of("ours", figure),
        samples.of(who, figure),
        "ms",
        samples.ratio("ours", who, figure),
        GOALS.get((figure, who)),
    )


def _moments(samples: Samples) -> list[Line]:
    """Say when each thing happens that can be seen from outside; the picture in the documents is made of it."""
    return [Line(said, AFTER, samples.of("ours", moment), unit="ms") for moment, said in MOMENTS.items()]
