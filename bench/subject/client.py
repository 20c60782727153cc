"""The bot's own Tokens API client on the bot's loop, used as its docstring says."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Coroutine
from typing import Any

import aiohttp
import uvloop

from bench.figures import told
from bench.stdio_server import obey, say
from bot.purecloud import GenesysError, PureCloud, region

IN_FLIGHT = 64


class Client:
    """The client, on a loop that runs while something is asked of it."""

    def __init__(self, url: str) -> None:
        self._loop = uvloop.new_event_loop()
        self._purecloud = self._run(self._open(url))

    async def _open(self, url: str) -> PureCloud:
        session = aiohttp.ClientSession()
        return PureCloud(session, region("mypurecloud.com", api_url=url, login_url=url), "client-1", "secret")

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._loop.run_until_complete(work)

    def first(self) -> dict[str, Any]:
        """Make the first call."""
        info = self._run(self._purecloud.tokens.get_tokens_me())
        return {"first": info.oauth_client.id}

    def get(self, count: int) -> dict[str, Any]:
        """Call get_tokens_me one after another."""
        return told(*self._run(self._one_by_one(["me"] * count)))

    def delete(self, people: list[str]) -> dict[str, Any]:
        """Call delete_token one after another."""
        return told(*self._run(self._one_by_one(people)))

    async def _one_by_one(self, people: list[str]) -> tuple[list[float], float]:
        tokens, latencies = self._purecloud.tokens, []
        cpu = time.process_time()
        for one in people:
            began = time.perf_counter()
            await (tokens.get_tokens_me() if one == "me" else tokens.delete_token(one))
            latencies.append(time.perf_counter() - began)
        return latencies, time.process_time() - cpu

    def bulk(self, people: list[str]) -> dict[str, Any]:
        """Delete many people's tokens, so many in flight."""
        began, cpu = time.perf_counter(), time.process_time()
        done = self._run(self._in_flight(people))
        return {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu, "done": done}

    async def _in_flight(self, people: list[str]) -> int:
        waiting = iter(people)

        async def work() -> int:
            return len([await self._purecloud.tokens.delete_token(person) for person in waiting])

        return sum(await asyncio.gather(*(work() for _ in range(IN_FLIGHT))))

    def at_once(self, people: list[str]) -> dict[str, Any]:
        """Delete people's tokens all at once and count how many fail."""
        began = time.perf_counter()
        failed = self._run(self._failures(people))
        return {"failed": failed, "seconds": time.perf_counter() - began}

    async def _failures(self, people: list[str]) -> int:
        calls = (self._purecloud.tokens.delete_token(person) for person in people)
        ended = await asyncio.gather(*calls, return_exceptions=True)
        return sum(isinstance(one, GenesysError) for one in ended)


def main() -> None:
    """Make the first call, say so, then do what is asked."""
    client = Client(sys.argv[1])
    say(client.first())
    obey({"get": client.get, "delete": client.delete, "bulk": client.bulk, "at_once": client.at_once})


if __name__ == "__main__":
    main()
