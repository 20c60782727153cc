"""The endpoints of probes, people and Prometheus."""

from __future__ import annotations

import asyncio
import json
import re
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import Gauge
from pydantic import SecretStr

from bot import __version__
from bot.metrics import Metrics
from bot.web.health import Health
from bot.web.routes import application
from tests.support.clock import FakeClock

TOKEN = "scrape-t\u00f6ken"


class CountingMetrics:
    """Metrics that count how often they are rendered."""

    def __init__(self) -> None:
        self.rendered = 0
        self.clock_lag = Gauge("clock_lag", "", registry=None)
        self.ready = Gauge("ready", "", registry=None)
        self.socket_connections = Gauge("socket_connections", "", registry=None)

    def render(self) -> bytes:
        self.rendered += 1
        return b"metric %d\n" % self.rendered


class FixedReadiness:
    """A bot of which these parts are missing."""

    def __init__(self, missing: dict[str, str]) -> None:
        self._missing = missing

    async def missing(self) -> dict[str, str]:
        return self._missing


def client_of(
    metrics: Any, clock: FakeClock, token: str | None = None, missing: dict[str, str] | None = None, **options: Any
) -> TestClient[Any, Any]:
    """Return a client of the endpoints of a bot whose database is unavailable."""
    services: Any = SimpleNamespace(
        metrics=metrics,
        store=SimpleNamespace(database=SimpleNamespace(time=SimpleNamespace(lag=0.0))),
        workspace=SimpleNamespace(current=SimpleNamespace(name="Acme")),
        purecloud=SimpleNamespace(region=SimpleNamespace(domain="mypurecloud.de")),
    )
    readiness: Any = FixedReadiness(missing or {})
    secret = None if token is None else SecretStr(token)
    return TestClient(TestServer(application(Health(readiness, services, secret, clock=clock, **options), None)))


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


async def get(path: str, missing: dict[str, str] | None = None, metrics: Any = None, **options: Any) -> tuple[int, str]:
    client = client_of(metrics or CountingMetrics(), FakeClock(), missing=missing, **options)
    async with client, client.get(path) as response:
        return response.status, await response.text()


async def test_readyz__of_a_ready_bot_names_version_workspace_and_region() -> None:
    status, text = await get("/readyz")

    assert (status, json.loads(text)) == (
        200,
        {"status": "ready", "missing": {}, "version": __version__, "workspace": "Acme", "region": "mypurecloud.de"},
    )


async def test_readyz__of_a_bot_that_is_not_ready_names_the_missing_parts_alone() -> None:
    status, text = await get("/readyz", {"slack": "no"})

    assert (status, json.loads(text)) == (503, {"status": "not ready", "missing": {"slack": "no"}})


async def test_root__is_one_line_with_the_paths() -> None:
    status, text = await get("/")

    assert status == 200
    assert text.count("\n") == 1
    assert re.findall(r"(?:GET|POST) (\S+?),?\s", text) == ["/slack/events", "/healthz", "/readyz", "/metrics"]


@pytest.mark.parametrize("path", ["/favicon.ico", "/slack", "/metrics/", "/index.html"])
async def test_other_paths__are_not_found(path: str) -> None:
    assert (await get(path))[0] == 404


@pytest.mark.parametrize(("missing", "value"), [({}, "1.0"), ({"store": "no"}, "0.0")])
async def test_metrics__show_readiness_and_socket_connections(missing: dict[str, str], value: str) -> None:
    async def connections() -> int:
        return 2

    status, text = await get("/metrics", missing, Metrics(), connections=connections)

    assert status == 200
    assert f"\npurecloud_bot_ready {value}\n" in text
    assert "\npurecloud_bot_socket_connections 2.0\n" in text


async def test_metrics__without_an_answer_about_readiness_say_not_ready() -> None:
    class Stuck:
        async def missing(self) -> dict[str, str]:
            raise TimeoutError

    metrics = Metrics()
    metrics.ready.set(1)
    health = Health(Stuck(), SimpleNamespace(metrics=metrics))  # type: ignore[arg-type]
    await health._show_readiness()

    assert metrics.registry.get_sample_value("purecloud_bot_ready") == 0
