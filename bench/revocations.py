"""Revocations as users make them: a command, a click, and the time of each observable step."""

from __future__ import annotations

import asyncio
import time

from bench.events import wait_for
from bench.fakes import FakeServices, PostedCard, genesys_id
from bench.load import HttpConnection, UnexpectedResponseError, connect, is_ack
from bench.slack_requests import SlackRequests

SETTLE_TIME = 0.1
"""Pause after a revocation, in seconds, so that its follow-up work does not disturb the next one."""


class SimulatedUser:
    """A user who requests and approves revocations over one connection to a bot on a port."""

    def __init__(self, fakes: FakeServices, requests: SlackRequests, port: int, connection: HttpConnection) -> None:
        self._fakes = fakes
        self._requests = requests
        self._port = port
        self._connection = connection

    async def request(self, number: int) -> PostedCard:
        """Request the revocation of a person; return the card once it is posted."""
        card = self._fakes.slack.events.expect(f"card t{number}")
        await self._send(self._requests.command(f"revoke <@U0T{number}> laptop stolen"))
        posted: PostedCard = (await wait_for(card))[1]
        return posted

    async def approve(self, number: int, card: PostedCard) -> float:
        """Click, and wait for the card; return the seconds until the DELETE.

        The audit channel follows at Slack's pace, which is one message a second.
        """
        slack, genesys = self._fakes.slack.events, self._fakes.genesys.events
        delete = genesys.expect(genesys_id(number))
        outcome = slack.expect(f"outcome t{number}")
        request = self._requests.click(card)
        began = time.perf_counter()
        await self._send(request)
        await wait_for(outcome)
        return (await wait_for(delete))[0] - began

    async def approve_with_steps(self, number: int, card: PostedCard) -> dict[str, float]:
        """Click, and return the seconds until each step of `bench.chart.STEPS`; no other user may be active."""
        slack, genesys = self._fakes.slack.events, self._fakes.genesys.events
        expected = {
            "user": slack.expect("users.info"),
            "group": slack.expect("usergroups.users.list"),
            "delete": genesys.expect(genesys_id(number)),
            "card": slack.expect(f"outcome t{number}"),
        }
        request = self._requests.click(card)
        began = time.perf_counter()
        await self._send(request)
        steps = {"ack": time.perf_counter() - began}
        for name, future in expected.items():
            steps[name] = (await wait_for(future))[0] - began
        return steps

    async def approve_without_card(self, number: int, card: PostedCard) -> dict[str, float]:
        """Click, and wait for the DELETE only, because a baseline updates no card."""
        delete = self._fakes.genesys.events.expect(genesys_id(number))
        request = self._requests.click(card)
        began = time.perf_counter()
        await self._send(request)
        acknowledged = time.perf_counter()
        return {"ack": acknowledged - began, "delete": (await wait_for(delete))[0] - began}

    async def _send(self, request: bytes) -> None:
        if self._connection.is_closed:
            self._connection = await connect(self._port)
        status, body = await self._connection.send(request)
        if not is_ack(status, body):
            raise UnexpectedResponseError(f"{status}: {body[:200]!r}")


async def connect_user(fakes: FakeServices, requests: SlackRequests, port: int) -> SimulatedUser:
    """Return a user with a new connection to a bot."""
    return SimulatedUser(fakes, requests, port, await connect(port))


async def settle() -> None:
    """Wait until the follow-up work of a revocation is done."""
    await asyncio.sleep(SETTLE_TIME)
