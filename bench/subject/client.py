"""The bot's own Tokens API client on the bot's event loop, used as in its docstring."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Coroutine
from typing import Any

import aiohttp
import uvloop

from bench.stdio_server import serve, write_message
from bench.timing import summarize
from bot.purecloud import GenesysError, PureCloud, region

IN_FLIGHT = 64


class BlockingClient:
    """The client on an event loop that runs only during a call."""

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
        """Call get_tokens_me `count` times in sequence."""
        return summarize(*self._run(self._get_in_sequence(count)))

    async def _get_in_sequence(self, count: int) -> tuple[list[float], float]:
        tokens, latencies = self._purecloud.tokens, []
        cpu = time.process_time()
        for _ in range(count):
            began = time.perf_counter()
            await tokens.get_tokens_me()
            latencies.append(time.perf_counter() - began)
        return latencies, time.process_time() - cpu

    def delete(self, user_ids: list[str]) -> dict[str, Any]:
        """Call delete_token for each user in sequence."""
        return summarize(*self._run(self._delete_in_sequence(user_ids)))

    async def _delete_in_sequence(self, user_ids: list[str]) -> tuple[list[float], float]:
        tokens, latencies = self._purecloud.tokens, []
        cpu = time.process_time()
        for user_id in user_ids:
            began = time.perf_counter()
            await tokens.delete_token(user_id)
            latencies.append(time.perf_counter() - began)
        return latencies, time.process_time() - cpu

    def bulk(self, user_ids: list[str]) -> dict[str, Any]:
        """Delete the tokens of many users with `IN_FLIGHT` calls in flight."""
        began, cpu = time.perf_counter(), time.process_time()
        done = self._run(self._delete_in_parallel(user_ids))
        return {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu, "done": done}

    async def _delete_in_parallel(self, user_ids: list[str]) -> int:
        remaining = iter(user_ids)

        async def work() -> int:
            return len([await self._purecloud.tokens.delete_token(user_id) for user_id in remaining])

        return sum(await asyncio.gather(*(work() for _ in range(IN_FLIGHT))))

    def concurrent(self, user_ids: list[str]) -> dict[str, Any]:
        """Delete the tokens of all users at the same time and count the failures."""
        began = time.perf_counter()
        failed = self._run(self._count_failures(user_ids))
        return {"failed": failed, "seconds": time.perf_counter() - began}

    async def _count_failures(self, user_ids: list[str]) -> int:
        calls = (self._purecloud.tokens.delete_token(user_id) for user_id in user_ids)
        results = await asyncio.gather(*calls, return_exceptions=True)
        return sum(isinstance(result, GenesysError) for result in results)


def main() -> None:
    """Make the first call, report it, then serve."""
    client = BlockingClient(sys.argv[1])
    write_message(client.first())
    serve({"get": client.get, "delete": client.delete, "bulk": client.bulk, "concurrent": client.concurrent})


if __name__ == "__main__":
    main()
