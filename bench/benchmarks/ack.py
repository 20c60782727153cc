"""From a signed request to its acknowledgement, for `whoami` and for a click that is on disk; and forged requests.

What the bot does after its acknowledgement is left out here (`bench.subject.acks`), because the peers do nothing then;
the click whole is row `click`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial

from bench.config import Plan
from bench.load import acknowledged, rejected, volley
from bench.processes import BOLT_JS, HERE, OURS, Command, Process, peer, server
from bench.sampling import Sample, Samples, interleave
from bench.slack_sends import EXAMPLE, Sends
from bench.table import NOT_HERE, Goal, Line

CONNECTIONS = {1: 150, 10: 1000, 50: 2000, 200: 3000}
"""How many requests are sent over how many connections."""
PEERS = {"bolt": "bare Bolt AsyncApp", "js": "Bolt for JavaScript", "floor": "bare aiohttp + signature (floor)"}
GOALS = {
    ("whoami", 1, "p50", "bolt"): Goal(0.03),
    ("click", 1, "p50", "bolt"): Goal(0.15),
    ("whoami", 50, "cpu", "floor"): Goal(2.2),
    ("whoami", 50, "cpu", "bolt"): Goal(1.0),
    ("click", 50, "cpu", "bolt"): Goal(1.0),
    ("forged", 50, "cpu", "bolt"): Goal(0.35),
}
SATURATED = 50
"""The load at which CPU is compared; a forged request is tried at this one alone."""


async def measure(plan: Plan) -> list[Line]:
    """Let all servers take turns at every load."""
    async with AsyncExitStack() as opened:
        servers = await _servers(plan, opened)
        sends = plan.sends
        lines = []
        for kind, make in _kinds(sends).items():
            for connections, count in CONNECTIONS.items():
                if kind == "forged" and connections != SATURATED:
                    continue
                turns = {name: partial(_turn, one, kind, make, connections, count) for name, one in servers.items()}
                samples = await interleave(turns, plan.rounds)
                lines += _lines(samples, kind, connections)
    return lines


async def _servers(plan: Plan, opened: AsyncExitStack) -> dict[str, Process]:
    environ = plan.environ("acks")
    commands: dict[str, Command] = {
        "ours": [OURS, "-m", "bench.subject.acks"],
        "bolt": peer("bolt"),
        "floor": peer("floor"),
        "js": ["/usr/bin/env", "node", HERE / "peers/bolt.mjs"],
    }
    if not BOLT_JS.exists():
        del commands["js"]
    started = {}
    for name, command in commands.items():
        started[name] = await opened.enter_async_context(server(command, environ))
    return started


def _kinds(sends: Sends) -> dict[str, Callable[[], bytes]]:
    return {
        "whoami": partial(sends.command, "whoami"),
        "click": partial(sends.click, EXAMPLE),
        "forged": partial(sends.forged().command, "whoami"),
    }


async def _turn(running: Process, kind: str, make: Callable[[], bytes], connections: int, count: int) -> Sample:
    right = rejected if kind == "forged" else acknowledged
    await volley(running.port, [make() for _ in range(connections * 2)], connections, right)
    requests = [make() for _ in range(count)]
    before = running.cpu
    went = await volley(running.port, requests, connections, right)
    cpu = (running.cpu - before) / count
    return {"p50": went.p50, "p99": went.p99, "rate": went.rate, "cpu": cpu}


def _lines(samples: Samples, kind: str, connections: int) -> list[Line]:
    figures = ["p50"] * (kind != "forged") + ["cpu"] * (connections == SATURATED)
    return [_line(samples, kind, connections, figure, who) for figure in figures for who in PEERS]


def _line(samples: Samples, kind: str, connections: int, figure: str, who: str) -> Line:
    said, unit, factor = ("p50", "ms", 1e3) if figure == "p50" else ("CPU a request", "µs", 1e6)
    here = samples.has(who)
    return Line(
        f"ack of {kind}, {connections} connection{'s' * (connections > 1)}, {said}",
        PEERS[who],
        samples.of("ours", figure) * factor,
        samples.of(who, figure) * factor if here else NOT_HERE,
        unit,
        samples.ratio("ours", who, figure) if here else None,
        GOALS.get((kind, connections, figure, who)),
        ("", "") if figure == "cpu" else (_aside(samples, "ours"), _aside(samples, who) if here else ""),
    )


def _aside(samples: Samples, who: str) -> str:
    return f" (p99 {samples.of(who, 'p99') * 1e3:.3g}, {samples.of(who, 'rate'):,.0f}/s)"
