"""An empty SQLite file at the newest schema revision, migrated once and copied for each test."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.db import metadata
from bot.db.engine import Database
from bot.db.migrate import migrate
from bot.db.sqlite import SqliteDriver
from bot.sandbox.genesys.server import CLIENT, ORGANIZATION
from bot.sandbox.slack.server import FakeSlack
from bot.services import binding

OWNER = {
    binding.WORKSPACE: FakeSlack().team_id,
    binding.APP: FakeSlack().app_id,
    binding.ORGANIZATION: ORGANIZATION.id,
    binding.CLIENT: f"{CLIENT.id}@mypurecloud.com",
}
"""What the database of a sandbox belongs to, so that a bot that starts with it does not ask Genesys Cloud."""


def put_database(path: Path) -> None:
    """Write an empty database to the path, unless there is a file, because a migration is slow."""
    if not path.exists():
        path.write_bytes(migrated_file())


@cache
def migrated_file() -> bytes:
    """Return the content of an empty database."""
    with TemporaryDirectory() as folder, ThreadPoolExecutor(1) as thread:  # a thread without a running event loop
        path = Path(folder) / "bot.db"
        thread.submit(asyncio.run, _migrate(path)).result()
        return path.read_bytes()


async def _migrate(path: Path) -> None:
    database = Database(SqliteDriver(path))
    await migrate(database)
    await database.write(lambda tx: metadata.add(tx, OWNER))
    await database.close()
