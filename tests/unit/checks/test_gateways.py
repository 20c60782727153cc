"""Behind a gateway that keeps headers to itself or answers with something else, less can be told, and that is said."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from bot.checks.result import Mark
from bot.checks.slack import SCOPES
from tests.support.checks_harness import ChecksHarness

BOT = {"ok": True, "bot_id": "B1", "user": "purecloud", "user_id": "U1", "team": "Acme", "team_id": "T1"}


class Gateway:
    """Answers whatever is asked with what it was given for that path, else with what it was given for any."""

    def __init__(self) -> None:
        self.bodies: dict[str, Any] = {}
        self.headers: dict[str, str] = {}
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None)

    async def start(self) -> str:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        body = self.bodies.get(request.path, self.bodies[""])
        return web.json_response(body, headers=self.headers)


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    opened = Gateway()
    yield opened
    await opened.stop()


@pytest.mark.parametrize("date", ["nonsense", "Tue, 24 Nov 99999999 03:30:40 GMT"])
async def test_slack__whose_headers_are_lost_leaves_scopes_and_clock_untold(
    ward: ChecksHarness, gateway: Gateway, date: str
) -> None:
    gateway.bodies[""] = BOT
    gateway.headers["Date"] = date

    report = await ward.check({"SLACK_API_URL": await gateway.start()})

    assert report.of("SLACK_BOT_TOKEN").mark is Mark.WELL
    assert {"clock", *(f"scope {scope}" for scope in SCOPES)} <= report.unknown


async def test_channel__that_slack_cannot_be_asked_for_is_a_cross(ward: ChecksHarness, gateway: Gateway) -> None:
    gateway.bodies[""] = {"ok": False, "error": "fatal_error"}
    gateway.bodies["/auth.test"] = BOT

    report = await ward.check({"SLACK_API_URL": await gateway.start(), "APPROVALS_CHANNEL": "C1AA"})

    assert report.of("APPROVALS_CHANNEL C1AA").says == "Slack answered chat.getPermalink with fatal_error"


async def test_genesys__whose_headers_are_lost_leaves_the_rate_limit_untold(
    ward: ChecksHarness, gateway: Gateway
) -> None:
    gateway.bodies |= {"": {}, "/oauth/token": {"access_token": "opaque", "expires_in": 86400}}
    url = await gateway.start()

    report = await ward.check({"PURECLOUD_API_URL": url, "PURECLOUD_LOGIN_URL": url})

    assert report.of("rate limit").mark is Mark.UNKNOWN
    assert report.of("permission oauth:token:delete").mark is Mark.UNKNOWN


async def test_genesys__that_refuses_what_is_asked_is_told_with_where_to_turn(
    ward: ChecksHarness, gateway: Gateway
) -> None:
    gateway.bodies |= {"": [], "/oauth/token": {"access_token": "opaque", "expires_in": 86400}}
    url = await gateway.start()

    report = await ward.check({"PURECLOUD_API_URL": url, "PURECLOUD_LOGIN_URL": url})

    finding = report.of("PURECLOUD_CLIENT_ID, PURECLOUD_SECRET")
    assert "cannot be read" in finding.says
    assert "Genesys support" in (finding.advice or "")
