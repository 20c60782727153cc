"""One revocation as people make it: asked for, confirmed, carried out; and the moments that matter of it."""

from __future__ import annotations

import asyncio
import time

from bench.fakes import Card, World, genesys_id
from bench.load import Connection, WrongAnswerError, acknowledged, connect
from bench.slack_sends import Sends
from bench.waiting import soon


class People:
    """Those who ask and click, over one connection to a bot."""

    def __init__(self, world: World, sends: Sends, connection: Connection) -> None:
        self._world = world
        self._sends = sends
        self._connection = connection

    async def ask(self, number: int) -> Card:
        """Ask for the end of a person's sessions; returns the card once it is posted."""
        card = self._world.slack.arrivals.expect(f"card t{number}")
        await self._send(self._sends.command(f"revoke <@U0T{number}> laptop stolen"))
        found: Card = (await soon(card))[1]
        return found

    async def confirm(self, number: int, card: Card) -> float:
        """Click, and wait until everybody has been told; returns the seconds until the DELETE."""
        slack, genesys = self._world.slack.arrivals, self._world.genesys.arrivals
        delete = genesys.expect(genesys_id(number))
        told = [slack.expect(f"end t{number}"), slack.expect(f"told t{number}")]
        request = self._sends.click(card)
        began = time.perf_counter()
        await self._send(request)
        for one in told:
            await soon(one)
        return (await soon(delete))[0] - began

    async def watched(self, number: int, card: Card) -> dict[str, float]:
        """Confirm while nobody else does anything; returns every moment that can be seen from outside."""
        slack, genesys = self._world.slack.arrivals, self._world.genesys.arrivals
        expected = {
            "who": slack.expect("users.info"),
            "group": slack.expect("usergroups.users.list"),
            "delete": genesys.expect(genesys_id(number)),
            "card": slack.expect(f"end t{number}"),
            "told": slack.expect(f"told t{number}"),
        }
        request = self._sends.click(card)
        began = time.perf_counter()
        await self._send(request)
        moments = {"ack": time.perf_counter() - began}
        for name, future in expected.items():
            moments[name] = (await soon(future))[0] - began
        return moments

    async def only_click(self, number: int, card: Card) -> dict[str, float]:
        """Click, and wait for the DELETE: all that bots without a memory do."""
        delete = self._world.genesys.arrivals.expect(genesys_id(number))
        request = self._sends.click(card)
        began = time.perf_counter()
        await self._send(request)
        acked = time.perf_counter()
        return {"ack": acked - began, "delete": (await soon(delete))[0] - began}

    async def _send(self, request: bytes) -> None:
        status, body = await self._connection.ask(request)
        if not acknowledged(status, body):
            raise WrongAnswerError(f"{status}: {body[:200]!r}")


async def people(world: World, sends: Sends, port: int) -> People:
    """Open a connection for somebody."""
    return People(world, sends, await connect(port))


async def a_moment() -> None:
    """Let what follows a revocation come to its end, so that the next begins in peace."""
    await asyncio.sleep(0.1)
