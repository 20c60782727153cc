"""Fixtures of the integration tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.postgres import Server
from tests.support.replicas import Replicas, start_replicas
from tests.support.schema import put_database


@pytest.fixture(params=["sqlite", "postgresql"])
async def bot(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Replicas]:
    """A running bot on each database."""
    if request.param == "sqlite":
        put_database(tmp_path / "bot.db")
        async with start_replicas(tmp_path, f"sqlite:///{tmp_path / 'bot.db'}") as started:
            yield started
        return
    server: Server = request.getfixturevalue("postgres")
    async with server.database() as address, start_replicas(tmp_path, address) as started:
        yield started
