"""Checks through a gateway that removes headers or returns something else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from bot.checks.genesys import CLIENT
from bot.checks.result import Status
from bot.checks.slack import SCOPES
from tests.support.checks_harness import ChecksHarness

AUTH_TEST = {"ok": True, "bot_id": "B1", "user": "purecloud", "user_id": "U1", "team": "Acme", "team_id": "T1"}
TOKEN = {"access_token": "opaque", "expires_in": 86400}


class Gateway:
    """A server with one JSON body per path; the empty path is the default."""

    def __init__(self) -> None:
        self.bodies: dict[str, Any] = {}
        self.headers: dict[str, str] = {}
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._respond)
        self._runner = web.AppRunner(app, access_log=None)

    async def start(self) -> str:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _respond(self, request: web.Request) -> web.Response:
        body = self.bodies.get(request.path, self.bodies[""])
        return web.json_response(body, headers=self.headers)


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    opened = Gateway()
    yield opened
    await opened.stop()


@pytest.mark.parametrize("date", ["nonsense", "Tue, 24 Nov 99999999 03:30:40 GMT"])
async def test_slack__without_headers_leaves_scopes_and_clock_undetermined(
    harness: ChecksHarness, gateway: Gateway, date: str
) -> None:
    gateway.bodies[""] = AUTH_TEST
    gateway.headers["Date"] = date

    report = await harness.check({"SLACK_API_URL": await gateway.start()})

    assert report.of("SLACK_BOT_TOKEN").status is Status.OK
    assert {"clock", *(f"scope {scope}" for scope in SCOPES)} <= report.undetermined


async def test_report__has_no_secret_of_a_file_that_a_server_repeats(
    harness: ChecksHarness, gateway: Gateway, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("secrets") / "token"
    path.write_text("xoxe.xoxb-opaque\n")
    gateway.bodies[""] = AUTH_TEST | {"user": "xoxe.xoxb-opaque"}

    environ = {"SLACK_BOT_TOKEN": "", "SLACK_BOT_TOKEN_FILE": str(path), "SLACK_API_URL": await gateway.start()}
    report = await harness.check(environ)

    assert report.of("SLACK_BOT_TOKEN").message.startswith("authenticated as [redacted] in")
    assert "opaque" not in str(report.results)


async def test_channel__fails_if_slack_returns_an_unexpected_error(harness: ChecksHarness, gateway: Gateway) -> None:
    gateway.bodies[""] = {"ok": False, "error": "fatal_error"}
    gateway.bodies["/auth.test"] = AUTH_TEST

    report = await harness.check({"SLACK_API_URL": await gateway.start(), "APPROVALS_CHANNEL": "C1AA"})

    result = report.of("APPROVALS_CHANNEL C1AA")
    assert (result.status, result.message) == (Status.FAILED, "Slack responded to chat.getPermalink with fatal_error")


async def test_genesys__without_headers_leaves_the_rate_limit_undetermined(
    harness: ChecksHarness, gateway: Gateway
) -> None:
    gateway.bodies |= {"": {}, "/oauth/token": TOKEN}
    url = await gateway.start()

    report = await harness.check({"PURECLOUD_API_URL": url, "PURECLOUD_LOGIN_URL": url})

    assert report.of("rate limit").status is Status.UNDETERMINED
    assert report.of("permission oauth:token:delete").status is Status.UNDETERMINED


async def test_oauth_client__fails_with_a_hint_if_the_response_cannot_be_read(
    harness: ChecksHarness, gateway: Gateway
) -> None:
    gateway.bodies |= {"": [], "/oauth/token": TOKEN}
    url = await gateway.start()

    report = await harness.check({"PURECLOUD_API_URL": url, "PURECLOUD_LOGIN_URL": url})

    result = report.of(CLIENT)
    assert result.status is Status.FAILED
    assert "not a valid TokenInfo" in result.message
    assert "Genesys support" in (result.hint or "")
