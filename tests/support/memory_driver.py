"""A SQLite database in memory, whose only connection all processes of a simulation share."""

from __future__ import annotations

import sqlite3
import time

from bot.db.sqlite import SqliteConnection, _named_tuple
from tests.support.schema import migrated_file


class MemoryDriver:
    """Returns the same connection each time.

    A simulated transaction runs without a pause, so that no two of them are open at once, and none is when a process
    dies. A connection to a file of its own for each process would take a fifth of the time of a simulation.
    """

    error = sqlite3.Error

    def __init__(self) -> None:
        self._connection = sqlite3.connect(":memory:", isolation_level=None)
        self._connection.deserialize(_without_wal(migrated_file()))
        self._connection.row_factory = _named_tuple
        self._connection.execute("PRAGMA foreign_keys=ON")

    def connect(self) -> SqliteConnection:
        """Return the connection."""
        return _Shared(self._connection, lambda: None, time.time)

    def translate(self, error: Exception) -> Exception:
        """Return an error as it is, because no process waits for another."""
        return error


class _Shared(SqliteConnection):
    def close(self) -> None:
        """Leave the connection open for the other processes."""
        self.rollback()


def _without_wal(content: bytes) -> bytes:
    """Mark a database file as one without a write-ahead log, which memory cannot have.

    The bytes are the versions for writing and reading (sqlite.org/fileformat.html).
    """
    return content[:18] + b"\1\1" + content[20:]
