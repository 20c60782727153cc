"""The clock of a server, from the `Date` of its responses."""

from __future__ import annotations

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from bot.network.server_clock import ServerClock, parse_date
from tests.support.clock import FakeClock

NOON = "Wed, 21 Oct 2026 12:00:00 GMT"


async def clock_after(*dates: str, monotonic: FakeClock) -> ServerClock:
    """Return the clock of a server after responses, also of errors, with these headers."""
    remaining = list(dates)

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=500, headers={"Date": remaining.pop(0)})

    app = web.Application()
    app.add_routes([web.get("/", answer)])
    clock = ServerClock(monotonic)
    async with TestServer(app) as server, ClientSession(trace_configs=[clock.trace_config()]) as session:
        for _ in dates:
            async with session.get(server.make_url("/")):
                pass
    return clock


def test_now__is_none_before_the_first_response() -> None:
    assert ServerClock().now() is None


async def test_now__goes_on_after_the_last_response() -> None:
    monotonic = FakeClock(5.0)
    clock = await clock_after(NOON, monotonic=monotonic)
    monotonic.advance(90)

    assert clock.now() == (parse_date(NOON) or 0) + 90


async def test_now__is_kept_after_a_response_without_a_date() -> None:
    clock = await clock_after(NOON, "soon", monotonic=FakeClock())

    assert clock.now() == parse_date(NOON)


@pytest.mark.parametrize("date", ["", "soon", "Wed, 99 Oct 2026 12:00:00 GMT", "Wed, 21 Oct 999999999 12:00:00 GMT"])
def test_parse_date__of_anything_else_is_none(date: str) -> None:
    assert parse_date(date) is None
