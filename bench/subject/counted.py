"""The bot as it is served, its statements and commits counted."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter
from typing import Any

import uvloop
from sqlalchemy import event

from bot import logs
from bot.app import Server, running
from bot.settings import read_settings

counted: Counter[str] = Counter()


def watch(server: Server) -> None:
    """Count what goes to the database; beginning and ending a transaction is no statement."""
    engine = server.services.store.database.engine.engine

    def execute(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith("BEGIN"):
            counted["statements"] += 1
            counted[" ".join(statement.split())[:70]] += 1

    event.listen(engine, "before_cursor_execute", execute)
    event.listen(engine, "commit", lambda _connection: counted.update(commits=1))


async def main() -> None:
    """Serve until standard input ends; each line asks for the counts."""
    settings = read_settings(os.environ)
    logs.configure(settings.log_level, settings.log_format)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async with running(settings) as server:
        watch(server)
        while await lines.readline():
            sys.stdout.write(json.dumps(counted) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(main())
