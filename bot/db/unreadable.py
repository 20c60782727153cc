"""Rows that this version cannot read: another version of the bot knows them, or they are damaged."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from bot.errors import BotError

SET_ASIDE = 3600.0
"""Seconds until a process looks again at a row that it could not read, because rows seldom change by themselves."""

MAX_LOGGED = 100
"""Maximum number of kinds that a process logs, because a damaged database may have any number of them."""

MAX_VALUE_LENGTH = 40
"""Characters of an unknown value that the log shows."""

log = structlog.get_logger()


class UnreadableRow(BotError):
    """A row that this version of the bot cannot read, so that it changes nothing of it.

    `column` and `value` are what it does not know; without a value, the column is damaged.
    """

    code = "unreadable_row"

    def __init__(self, table: str, row_id: int | str, column: str, value: str | None = None) -> None:
        super().__init__(f"{table} {row_id}: {column} {'is damaged' if value is None else value[:MAX_VALUE_LENGTH]}")
        self.table = table
        self.row_id = row_id
        self.column = column
        self.value = value

    @property
    def damaged(self) -> bool:
        """Whether no version of the bot can read the row."""
        return self.value is None


class UnreadableRows:
    """The rows that this process could not read. `count` is called with table and column for each of them."""

    def __init__(self, count: Callable[[str, str], None] = lambda _table, _column: None) -> None:
        self._count = count
        self._until: dict[tuple[str, int | str], float] = {}
        self._logged: set[tuple[str, str, str | None]] = set()

    def add(self, error: UnreadableRow, now: float) -> None:
        """Count a row, unless it was counted within `SET_ASIDE`, and log the first row of its kind."""
        row = (error.table, error.row_id)
        if self._until.get(row, now) <= now:
            self._until[row] = now + SET_ASIDE
            self._count(error.table, error.column)
        kind = (error.table, error.column, error.value)
        if kind not in self._logged and len(self._logged) < MAX_LOGGED:
            self._logged.add(kind)
            facts = {"table": error.table, "row": error.row_id, "column": error.column, "problem": str(error)}
            if error.damaged:
                log.warning("row.damaged", **facts)
            else:
                log.warning("row.of_other_version", **facts)

    def skipped(self, table: str, now: float) -> set[int | str]:
        """Return the ids of the rows of a table that are not to be looked at yet."""
        for row in [row for row, until in self._until.items() if until <= now]:
            del self._until[row]
        return {row_id for name, row_id in self._until if name == table}
