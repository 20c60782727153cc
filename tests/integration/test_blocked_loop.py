"""A test with a running app fails if a callback blocks the event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web

from tests.support.app_harness import start_app
from tests.support.blocked_loop import MAX_CPU_TIME, MeasuredCallbacks, fail_if_blocked
from tests.support.clock import FakeClock


@asynccontextmanager
async def server_of(clock: FakeClock, seconds: float) -> AsyncIterator[str]:
    """Run a server whose handler takes a processor time in seconds; yield its URL."""

    async def handle(_: web.Request) -> web.Response:
        clock.advance(seconds)
        return web.Response()

    application = web.Application()
    application.router.add_get("/", handle)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port, *_ = runner.addresses[0]
    try:
        yield f"http://{host}:{port}/"
    finally:
        await runner.cleanup()


async def test_handler__that_blocks_the_loop_fails_the_test_with_its_name() -> None:
    clock = FakeClock()
    async with server_of(clock, MAX_CPU_TIME) as url, ClientSession() as session:
        with (
            pytest.raises(AssertionError, match=r"RequestHandler\._handle_request ran for 100 ms"),
            fail_if_blocked(clock),
        ):
            await session.get(url)


async def test_handler__below_the_limit_passes() -> None:
    clock = FakeClock()
    async with server_of(clock, MAX_CPU_TIME * 0.9) as url, ClientSession() as session:
        with fail_if_blocked(clock) as measured:
            await session.get(url)
            await session.get(url)
    assert measured.blocked == []


async def test_callback__that_collects_garbage_is_not_blamed_for_it() -> None:
    clock = FakeClock()
    with fail_if_blocked(clock) as measured:

        def collect() -> None:
            measured.on_garbage_collection("start", {})
            clock.advance(MAX_CPU_TIME * 2)
            measured.on_garbage_collection("stop", {})

        asyncio.get_running_loop().call_soon(collect)
        await asyncio.sleep(0)
    assert measured.blocked == []


def test_test__that_computes_between_two_runs_of_the_loop_passes() -> None:
    clock = FakeClock()
    with asyncio.Runner() as runner:
        loop: Any = runner.get_loop()
        loop._ready = measured = MeasuredCallbacks(loop, clock)
        loop.call_soon(loop.stop)
        loop.call_soon(int)  # still runs before the loop stops
        loop.run_forever()
        clock.advance(MAX_CPU_TIME * 30)  # Hypothesis generates the next example
        loop.call_soon(loop.stop)
        loop.run_forever()
    assert measured.blocked == []


@pytest.mark.parametrize("socket_mode", [False, True])
async def test_app__with_a_callback_that_blocks_fails_the_test(tmp_path: Path, socket_mode: bool) -> None:
    stack = AsyncExitStack()

    def compute() -> None:
        began = time.thread_time()
        while time.thread_time() - began < MAX_CPU_TIME:
            pass

    app = await stack.enter_async_context(start_app(tmp_path, socket_mode=socket_mode))
    asyncio.get_running_loop().call_soon(compute)
    await app.wait_until_idle()
    with pytest.raises(AssertionError, match="compute ran for"):
        await stack.aclose()
