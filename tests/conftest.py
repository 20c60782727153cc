"""What every test may ask for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.world import World, world_with

StartWorld = Callable[..., Awaitable[World]]


@pytest.fixture
def transport() -> str:
    """How Slack reaches the bot: `http`, or `socket` where a test says so by parameter."""
    return "http"


@pytest.fixture
async def start_world(tmp_path: Path, transport: str) -> AsyncIterator[StartWorld]:
    """Start a world with some settings overridden: `world = await start_world(SELF_APPROVAL="false")`."""
    async with AsyncExitStack() as worlds:

        async def start(**overrides: str) -> World:
            return await worlds.enter_async_context(
                world_with(tmp_path, socket_mode=transport == "socket", **overrides)
            )

        yield start


@pytest.fixture
async def world(start_world: StartWorld) -> World:
    """The sandbox's own world."""
    return await start_world()
