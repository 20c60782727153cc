"""A transaction: its statements and the time that they share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeVar

from bot.db.driver import Connection, Dialect, Row

Result = TypeVar("Result")


class Transaction:
    """A transaction, or a series of reads; its statements share the time `now`.

    `group` is shared by the transactions that are committed together. It remembers what none but they can change.
    """

    def __init__(self, connection: Connection, now: Callable[[], float], group: dict[str, Any]) -> None:
        self._connection = connection
        self._clock = now
        self.group = group

    @property
    def dialect(self) -> Dialect:
        """The SQL that only this database has."""
        return self._connection.dialect

    @cached_property
    def now(self) -> float:
        """The database's time in epoch seconds. It never goes back, and replicas with wrong clocks agree."""
        return self._clock()

    def execute(self, statement: str, **values: Any) -> int:
        """Execute a statement with its parameters, written as `:name`; return the number of changed rows."""
        return self._connection.execute(statement, values).rowcount

    def send(self, statement: str, **values: Any) -> None:
        """Execute a statement whose result the step does not need.

        PostgreSQL gets it with the next statement or the commit, which saves a round trip. Its error is raised there.
        """
        self._connection.send(statement, values)

    def fetch(self, statement: str, **values: Any) -> Sequence[Row]:
        """Execute a statement and return its rows."""
        return self._connection.execute(statement, values).fetchall()

    def fetch_each(self, statement: str, rows: Sequence[Mapping[str, Any]]) -> list[Row | None]:
        """Execute a statement for each row of parameters; return the first row of each."""
        return self._connection.fetch_each(statement, rows)

    def fetch_one(self, statement: str, **values: Any) -> Row | None:
        """Execute a statement and return its first row, None if there is none."""
        return self._connection.execute(statement, values).fetchone()


Step = Callable[[Transaction], Result]
"""The statements of a transaction, as a plain function that runs in the database's thread."""
