"""A SQLite file at the newest schema: migrated once, put wherever a test wants one."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.db.engine import Database
from bot.db.migrate import migrate
from bot.db.sqlite import sqlite_engine


def put_database(path: Path) -> None:
    """Put an empty one there if none is; to migrate one for each test would take longest of all."""
    if not path.exists():
        path.write_bytes(_migrated())


@cache
def _migrated() -> bytes:
    with TemporaryDirectory() as folder, ThreadPoolExecutor(1) as thread:  # which has no loop yet
        path = Path(folder) / "bot.db"
        thread.submit(asyncio.run, _migrate(path)).result()
        return path.read_bytes()


async def _migrate(path: Path) -> None:
    database = Database(sqlite_engine(path))
    await migrate(database)
    await database.close()
