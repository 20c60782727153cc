"""SQLite: WAL, so that readers and a writer do not wait for each other."""

from __future__ import annotations

import os
import sqlite3
import time
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bot.db.driver import DatabaseFull, DatabaseReplaced, DatabaseUnavailable, Dialect, Row

BUSY_TIMEOUT = 2.0
"""Maximum time to wait for the lock of another process, in seconds."""

FULL_OR_BROKEN = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}
"""Primary result codes of a disk that does not take what is written (sqlite.org/rescode.html)."""

LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
"""Primary result codes of a database that another process holds for longer than `BUSY_TIMEOUT`."""

DIALECT = Dialect(
    auto_increment="INTEGER PRIMARY KEY",
    table_exists="SELECT name FROM sqlite_master WHERE type = 'table' AND name = :name",
)

FileIdentity = tuple[int, int]
"""The device and the inode of a file, which a replacement changes."""

OWNER_ONLY = 0o600
"""The mode of the files that the bot creates. They hold addresses, names and the `response_url`s of open requests."""


class SqliteDriver:
    """Opens connections to one file. With `read_only`, nothing is written, not even the file."""

    error = sqlite3.Error

    def __init__(self, path: Path, *, read_only: bool = False, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self._name = str(path)
        self._read_only = read_only
        self._clock = clock
        self._identity: FileIdentity | None = None

    def connect(self) -> SqliteConnection:
        """Open a connection. Raises DatabaseReplaced if the file is not the one that was opened before."""
        if self._identity is not None:
            self.verify()
        elif not self._read_only:
            self._create()
        connection = sqlite3.connect(self._address(), uri=True, timeout=BUSY_TIMEOUT, isolation_level=None)
        try:
            connection.row_factory = _named_tuple
            if not self._read_only:
                _configure(connection)
            self._identity = _identity_of(self._name)
        except BaseException:
            connection.close()
            raise
        return SqliteConnection(connection, self._verification(), self._clock)

    def _create(self) -> None:
        """Create the file for its owner alone, unless it exists.

        SQLite gives the files next to it the same mode, whatever the umask.
        """
        with suppress(OSError):  # SQLite reports a file that cannot be created, and keeps one that exists
            os.close(os.open(self.path.resolve(), os.O_RDWR | os.O_CREAT | os.O_EXCL, OWNER_ONLY))

    def verify(self) -> None:
        """Raise DatabaseReplaced if the file was replaced or deleted."""
        if _identity_of(self._name) != self._identity:
            raise _replaced(self._name)

    def _verification(self) -> Callable[[], None]:
        """Return the check that a new connection's files are still those that it has opened.

        The file `-wal` has the newest transactions. SQLite goes on with a deleted one, whose content a kill would lose.
        """
        real_path = self.path.resolve()
        names = () if self._read_only else (f"{real_path}-wal", f"{real_path}-shm")
        opened = [(self._name, self._identity), *((name, _identity_of(name)) for name in names)]

        def verify() -> None:
            for name, identity in opened:
                if _identity_of(name) != identity:
                    raise _replaced(name)

        return verify

    def translate(self, error: Exception) -> Exception:
        """Return DatabaseUnavailable for a locked file, DatabaseFull for a disk that takes no more."""
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in FULL_OR_BROKEN:
            return DatabaseFull(f"SQLite cannot write ({error}); nothing was stored.")
        if code in LOCKED:
            return DatabaseUnavailable(f"Another process uses the database ({error}); nothing was stored.")
        return error

    def _address(self) -> str:
        """Return the URI of the file.

        SQLite creates files next to a database in WAL mode even to read it, unless the database is declared immutable.
        If a write-ahead log exists, those files exist too, and the log must be read (sqlite.org/wal.html, Read-Only
        Databases).
        """
        address = f"file:{quote(str(self.path.absolute()))}"
        if not self._read_only:
            return f"{address}?mode=rw"  # SQLite creates no file, so that none has the mode of its umask
        log = self.path.with_name(f"{self.path.name}-wal")
        return f"{address}?mode=ro" if log.exists() and log.stat().st_size else f"{address}?mode=ro&immutable=1"


class SqliteConnection:
    """A connection that begins its transactions itself."""

    dialect = DIALECT

    def __init__(self, connection: sqlite3.Connection, verify: Callable[[], None], clock: Callable[[], float]) -> None:
        self._connection = connection
        self._durable: bool | None = None
        self.verify = verify
        self.now = clock
        """One machine has the file, so its clock is the machine's."""

    def begin(self, *, durable: bool, limited: bool) -> None:  # noqa: ARG002 - SQLite waits for nothing else
        """Begin a transaction as the only writer.

        `BEGIN IMMEDIATE` takes the write lock at once. SQLite refuses to upgrade a reader to a writer while another
        process writes (sqlite.org/lang_transaction.html).
        """
        if durable is not self._durable:
            self._connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            self._durable = durable
        self._connection.execute("BEGIN IMMEDIATE")

    def execute(self, statement: str, values: Mapping[str, Any]) -> sqlite3.Cursor:
        """Execute a statement with named parameters, written as `:name`."""
        return self._connection.execute(statement, values)

    def fetch_each(self, statement: str, rows: Sequence[Mapping[str, Any]]) -> list[Row | None]:
        """Execute a statement for each row of parameters; return the first row of each."""
        return [self._connection.execute(statement, values).fetchone() for values in rows]

    def send(self, statement: str, values: Mapping[str, Any]) -> None:
        """Execute a statement whose result no one reads."""
        self._connection.execute(statement, values)

    def commit(self) -> None:
        """Commit the transaction."""
        self._connection.execute("COMMIT")

    def rollback(self) -> None:
        """Roll the transaction back, unless SQLite has done so because of an error."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def interrupt(self) -> None:
        """Do nothing: a call waits for another process for `BUSY_TIMEOUT` at most."""

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _identity_of(name: str) -> FileIdentity | None:
    try:
        status = os.stat(name)  # noqa: PTH116 - for each transaction, and pathlib takes four times as long
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _replaced(name: str) -> DatabaseReplaced:
    return DatabaseReplaced(f"The database file {name} was replaced or deleted while the bot was running.")


def _named_tuple(cursor: sqlite3.Cursor, values: tuple[Any, ...]) -> Row:
    return _row_class(tuple(column[0] for column in cursor.description))._make(values)


@cache
def _row_class(columns: tuple[str, ...]) -> Any:
    return namedtuple("Row", columns, rename=True)  # noqa: PYI024 - the columns are known only here


def _configure(connection: sqlite3.Connection) -> None:
    """Enable WAL and foreign keys; retry, because SQLite refuses one of two concurrent switches to WAL."""
    deadline = time.monotonic() + BUSY_TIMEOUT
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").close()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in LOCKED or time.monotonic() > deadline:
                raise
            time.sleep(BUSY_TIMEOUT / 40)
        else:
            break
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("SELECT 1 FROM sqlite_master").close()  # creates the files -wal and -shm
