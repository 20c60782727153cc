"""The bot as it is served, with a count of its SQL statements and commits."""

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
from bot.app import RunningApp, running
from bot.settings import read_settings

counts: Counter[str] = Counter()


def count_statements(app: RunningApp) -> None:
    """Count statements and commits of the bot's engine; BEGIN is not a statement."""
    engine = app.services.store.database.engine.engine

    def execute(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith("BEGIN"):
            counts["statements"] += 1
            counts[" ".join(statement.split())[:70]] += 1

    event.listen(engine, "before_cursor_execute", execute)
    event.listen(engine, "commit", lambda _connection: counts.update(commits=1))


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
