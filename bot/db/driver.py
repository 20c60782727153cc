"""What the engine needs of a database: its errors, and the Protocols of drivers and connections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from bot.errors import BotError

Row = Any
"""A named tuple with the columns of a row."""


TRANSACTION_TIMEOUT = 5.0
"""Maximum duration of a transaction, with its time in the queue and the connect, in seconds. Slack waits 3 seconds for
an answer to a click. Without a limit, readiness probes pile up behind a server that does not answer."""


class DatabaseUnavailable(BotError):
    """A database that cannot be used just now, so that the bot cannot know that anything was stored."""

    code = "database_unavailable"


class DatabaseFull(DatabaseUnavailable):
    """A database whose disk is full or broken."""

    code = "database_full"


class ConnectionLost(DatabaseUnavailable):
    """A connection that is of no use any more; a new one may be."""


class CommitUnknown(ConnectionLost):
    """A connection that broke during a commit, so that no one knows whether anything was stored."""

    code = "commit_unknown"


class DatabaseReplaced(BotError):
    """A database file that was replaced or deleted under the running process."""

    code = "database_replaced"


class Cursor(Protocol):
    """The result of a statement, as in PEP 249."""

    @property
    def rowcount(self) -> int:
        """The number of rows that the statement changed."""

    def fetchall(self) -> Sequence[Row]:
        """Return the rows that are left."""

    def fetchone(self) -> Row | None:
        """Return the next row."""


class Dialect(NamedTuple):
    """The SQL that the two databases do not share."""

    auto_increment: str
    """The type of a primary key that the database numbers."""
    table_exists: str
    """A query for the table `:name`; it has a row that is not NULL if there is one."""


class Connection(Protocol):
    """A connection to one of the databases, used by one thread."""

    @property
    def dialect(self) -> Dialect:
        """The SQL that only this database has."""

    def begin(self, *, durable: bool, limited: bool) -> float | None:
        """Begin a transaction as the only writer; return the database's time, None if `now` is as good.

        The commit of a transaction that is not `durable` need not wait for the disk. The statements of one that is not
        `limited` may take long.
        """

    def now(self) -> float:
        """Return the database's time in epoch seconds."""

    def execute(self, statement: str, values: Mapping[str, Any]) -> Cursor:
        """Execute a statement with named parameters, written as `:name`."""

    def fetch_each(self, statement: str, rows: Sequence[Mapping[str, Any]]) -> list[Row | None]:
        """Execute a statement for each row of parameters; return the first row of each."""

    def send(self, statement: str, values: Mapping[str, Any]) -> None:
        """Execute a statement whose result no one reads, at the latest before the next one or the commit."""

    def commit(self) -> None:
        """Commit the transaction."""

    def rollback(self) -> None:
        """Roll the transaction back, if there is one."""

    def verify(self) -> None:
        """Raise DatabaseReplaced if this is not the database that the process has opened first."""

    def interrupt(self) -> None:
        """Break the connection, so that a call which waits for it raises; any thread may call this."""

    def close(self) -> None:
        """Close the connection."""


class Driver(Protocol):
    """Opens connections: `bot.db.sqlite.SqliteDriver` or `bot.db.postgres.PostgresDriver`."""

    @property
    def error(self) -> type[Exception]:
        """The base class of the errors that the driver raises (PEP 249)."""

    def connect(self) -> Connection:
        """Open a connection. Raises DatabaseUnavailable, and SettingsError where a retry cannot help."""

    def translate(self, error: Exception) -> Exception:
        """Return DatabaseUnavailable for an error that a retry may resolve, any other error unchanged."""
