"""Time and CPU from a signed request to its acknowledgement.

The requests are `whoami`, a click that is stored, and a forged request.

The bot does nothing after the acknowledgement here (`bench.subject.acks`), because the baselines do nothing either.
Benchmark `click` measures a click with everything that follows.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial

from bench.config import Config
from bench.load import is_ack, is_unauthorized, send_load
from bench.processes import BENCH, BOLT_JS, BOT_PYTHON, Command, MeasuredProcess, baseline_command, run_server
from bench.sampling import Sample, Samples, interleave
from bench.slack_requests import EXAMPLE_CARD, SlackRequests
from bench.table import NOT_INSTALLED, Goal, Row

REQUESTS = {1: 150, 10: 1000, 50: 2000, 200: 3000}
"""The number of requests by the number of connections."""
BASELINES = {
    "bolt": "bare Bolt AsyncApp",
    "js": "Bolt for JavaScript",
    "lower_bound": "bare aiohttp + signature (lower bound)",
}
GOALS = {
    ("whoami", 1, "p50", "bolt"): Goal(0.04),
    ("click", 1, "p50", "bolt"): Goal(0.15),
    ("whoami", 50, "cpu", "lower_bound"): Goal(2.2),
    ("whoami", 50, "cpu", "bolt"): Goal(1.0),
    ("click", 50, "cpu", "bolt"): Goal(1.0),
    ("forged", 50, "cpu", "bolt"): Goal(0.35),
}
SATURATED = 50
"""The number of connections at which CPU time is compared; forged requests are measured only here."""


async def measure(config: Config) -> list[Row]:
    """Let all servers take turns at every load."""
    async with AsyncExitStack() as stack:
        servers = await _start_servers(config, stack)
        rows = []
        for kind, make in request_kinds(config.slack_requests).items():
            for connections, count in REQUESTS.items():
                if kind == "forged" and connections != SATURATED:
                    continue
                turns = {
                    name: partial(send_requests, one, kind, make, connections, count) for name, one in servers.items()
                }
                samples = await interleave(turns, config.rounds)
                rows += _rows(samples, kind, connections)
    return rows


async def _start_servers(config: Config, stack: AsyncExitStack) -> dict[str, MeasuredProcess]:
    environ = config.environ("acks")
    commands: dict[str, Command] = {
        "subject": [BOT_PYTHON, "-m", "bench.subject.acks"],
        "bolt": baseline_command("bolt"),
        "lower_bound": baseline_command("bare_aiohttp"),
        "js": ["/usr/bin/env", "node", BENCH / "baselines/bolt.mjs"],
    }
    if not BOLT_JS.exists():
        del commands["js"]
    servers = {}
    for name, command in commands.items():
        servers[name] = await stack.enter_async_context(run_server(command, environ))
    return servers


def request_kinds(requests: SlackRequests) -> dict[str, Callable[[], bytes]]:
    """Return the functions that make the requests of each kind."""
    return {
        "whoami": partial(requests.command, "whoami"),
        "click": partial(requests.click, EXAMPLE_CARD),
        "forged": partial(requests.forged().command, "whoami"),
    }


async def send_requests(
    running: MeasuredProcess, kind: str, make: Callable[[], bytes], connections: int, count: int
) -> Sample:
    """Send requests of a kind; return the quantiles, the rate and the CPU time of each, in seconds."""
    is_expected = is_unauthorized if kind == "forged" else is_ack
    await send_load(running.port, [make() for _ in range(connections * 2)], connections, is_expected)
    requests = [make() for _ in range(count)]
    before = running.cpu
    result = await send_load(running.port, requests, connections, is_expected)
    cpu = (running.cpu - before) / count
    return {"p50": result.p50, "p99": result.p99, "rate": result.rate, "cpu": cpu}


def _rows(samples: Samples, kind: str, connections: int) -> list[Row]:
    figures = ["p50"] * (kind != "forged") + ["cpu"] * (connections == SATURATED)
    return [_row(samples, kind, connections, figure, name) for figure in figures for name in BASELINES]


def _row(samples: Samples, kind: str, connections: int, figure: str, name: str) -> Row:
    label, unit, factor = ("p50", "ms", 1e3) if figure == "p50" else ("CPU per request", "µs", 1e6)
    installed = samples.has(name)
    return Row(
        f"ack of {kind}, {connections} connection{'s' * (connections > 1)}, {label}",
        BASELINES[name],
        samples.median("subject", figure) * factor,
        samples.median(name, figure) * factor if installed else NOT_INSTALLED,
        unit,
        samples.ratio("subject", name, figure) if installed else None,
        GOALS.get((kind, connections, figure, name)),
        ("", "") if figure == "cpu" else (_note(samples, "subject"), _note(samples, name) if installed else ""),
    )


def _note(samples: Samples, name: str) -> str:
    return f" (p99 {samples.median(name, 'p99') * 1e3:.3g}, {samples.median(name, 'rate'):,.0f}/s)"
