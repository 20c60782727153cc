"""`/metrics`: who may read it, and how often it is rendered."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import Gauge
from pydantic import SecretStr

from bot.web.health import Health
from bot.web.routes import application
from tests.support.clock import FakeClock

TOKEN = "scrape-t\u00f6ken"


class CountingMetrics:
    """Metrics that count how often they are rendered."""

    def __init__(self) -> None:
        self.rendered = 0
        self.clock_lag = Gauge("clock_lag", "", registry=None)

    def render(self) -> bytes:
        self.rendered += 1
        return b"metric %d\n" % self.rendered


def client_of(metrics: CountingMetrics, clock: FakeClock, token: str | None = None) -> TestClient[Any, Any]:
    """Return a client of the endpoints of a bot whose database is unavailable."""
    services: Any = SimpleNamespace(
        metrics=metrics, store=SimpleNamespace(database=SimpleNamespace(time=SimpleNamespace(lag=0.0)))
    )
    readiness: Any = None
    secret = None if token is None else SecretStr(token)
    return TestClient(TestServer(application(Health(readiness, services, secret, clock=clock), None)))


async def test_metrics__are_rendered_once_a_second_in_a_flood() -> None:
    metrics, clock = CountingMetrics(), FakeClock()
    async with client_of(metrics, clock) as client:

        async def scrape() -> str:
            async with client.get("/metrics") as response:
                return await response.text()

        flood = await asyncio.gather(*(scrape() for _ in range(400)))
        clock.advance(1)
        later = await scrape()

    assert set(flood) == {"metric 1\n"}
    assert later == "metric 2\n"


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer \udcff"],
)
async def test_metrics__with_a_token_are_refused_without_it(authorization: str | None) -> None:
    metrics = CountingMetrics()
    headers = {} if authorization is None else {"Authorization": authorization.encode("utf-8", "replace").decode()}
    async with client_of(metrics, FakeClock(), TOKEN) as client, client.get("/metrics", headers=headers) as response:
        status, text = response.status, await response.text()

    assert (status, response.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert "metric " not in text
    assert TOKEN not in text
    assert metrics.rendered == 0


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
async def test_metrics__with_the_token_are_shown(scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {TOKEN}"}
    async with (
        client_of(CountingMetrics(), FakeClock(), TOKEN) as client,
        client.get("/metrics", headers=headers) as response,
    ):
        assert (response.status, await response.text()) == (200, "metric 1\n")
