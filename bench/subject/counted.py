"""The bot as it is served, with a count of its SQL statements and commits.

`commits` counts the commits that wait for the disk, `relaxed commits` the others.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import uvloop

from bot import logs
from bot.app import RunningApp, running
from bot.db.driver import Connection, Cursor, Driver, Row
from bot.settings import read_settings
from bot.slack import users

counts: Counter[str] = Counter()

users.GROUP_READ_INTERVAL = 0.0  # see bench.subject.serve


def count_statements(app: RunningApp) -> None:
    """Count statements and commits on the bot's connection; BEGIN and COMMIT are not statements."""
    database = app.services.store.database
    database.driver = CountingDriver(database.driver)
    connection = database._connection  # noqa: SLF001 - opened already, by the migration
    if connection is not None:
        database._connection = CountingConnection(connection)  # noqa: SLF001


class CountingDriver:
    """A driver whose connections count."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self.error = driver.error
        self.translate = driver.translate

    def connect(self) -> Connection:
        """Open a connection that counts."""
        return CountingConnection(self._driver.connect())


class CountingConnection:
    """A connection that counts statements and commits."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._durable = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def begin(self, *, durable: bool, limited: bool) -> float | None:
        """Begin a transaction."""
        self._durable = durable
        return self._connection.begin(durable=durable, limited=limited)

    def execute(self, statement: str, values: Mapping[str, Any]) -> Cursor:
        """Count and execute a statement."""
        _count(statement)
        return self._connection.execute(statement, values)

    def fetch_each(self, statement: str, rows: Sequence[Mapping[str, Any]]) -> list[Row | None]:
        """Count and execute a statement with the parameters of each row."""
        for _ in rows:
            _count(statement)
        return self._connection.fetch_each(statement, rows)

    def send(self, statement: str, values: Mapping[str, Any]) -> None:
        """Count and send a statement."""
        _count(statement)
        self._connection.send(statement, values)

    def commit(self) -> None:
        """Count and make a commit."""
        counts["commits" if self._durable else "relaxed commits"] += 1
        self._connection.commit()


def _count(statement: str) -> None:
    counts["statements"] += 1
    counts[" ".join(statement.split())[:70]] += 1


async def main() -> None:
    """Serve until stdin ends; each line on stdin is answered with the counts."""
    settings = read_settings(os.environ)
    logs.configure(settings.log_level, settings.log_format)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async with running(settings) as app:
        count_statements(app)
        while await lines.readline():
            sys.stdout.write(json.dumps(counts) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(main())
