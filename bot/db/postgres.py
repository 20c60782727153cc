"""PostgreSQL: libpq reads the address, and a lock lets one transaction write at a time."""

from __future__ import annotations

import os
import re
import socket
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache, lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

from bot.db.driver import TRANSACTION_TIMEOUT, ConnectionLost, Cursor, DatabaseFull, DatabaseUnavailable, Dialect, Row
from bot.errors import SettingsError

WRITER_LOCK = 7_372_002
"""The advisory lock of the transaction that writes. With one writer at a time, no statement needs a row lock."""

DEFAULTS: Mapping[str, Any] = {
    "application_name": "purecloud-bot",
    "connect_timeout": 4,  # shorter than `TRANSACTION_TIMEOUT`, which includes it
    "target_session_attrs": "read-write",  # of several hosts, the primary
    "tcp_user_timeout": 5000,  # milliseconds until a vanished server breaks the connection
}
"""Parameters of libpq, where the address has none."""

BEGIN = """
BEGIN ISOLATION LEVEL READ COMMITTED;
SET LOCAL idle_in_transaction_session_timeout = '6s';
{settings}
SELECT pg_advisory_xact_lock({lock});
SELECT extract(epoch FROM clock_timestamp())::float8, current_setting('transaction_read_only')
"""
"""One round trip. The time is read after the lock is held, so that it never runs backwards between transactions.

The timeouts end a transaction that hangs, or whose process has vanished; it would otherwise stop every writer until TCP
notices. The idle timeout is longer than `TRANSACTION_TIMEOUT`, so that it never hits a live process. All settings are
local to the transaction, because a pooler gives each transaction another connection.
"""

NOW = "SELECT extract(epoch FROM clock_timestamp())::float8"

DIALECT = Dialect(auto_increment="SERIAL PRIMARY KEY", table_exists="SELECT to_regclass(:name)")

FULL_OR_BROKEN = ("53100", "58030")
"""SQLSTATEs of a disk that does not take what is written: disk_full, io_error."""

TRANSIENT = ("08", "25006", "25P03", "25P04", "40", "53", "55P03", "57", "58")
"""Prefixes of SQLSTATEs that a retry may resolve: a lost connection, a standby, the timeouts of transactions, a
deadlock, a resource limit, the timeout of a lock, a shutdown, a failure of the system. See postgresql.org, PostgreSQL
Error Codes."""

ADDRESS_ERRORS = re.compile(
    r"bad value for |invalid integer value |invalid \S+ value: |invalid port number|could not parse network address"
    r"|could not match \d+ |definition of service|invalid SCRAM"
)
"""Errors of libpq and psycopg about the address itself, whatever the servers are doing."""

REFUSALS = re.compile(
    r"password authentication failed|no password supplied|no pg_hba\.conf entry|authentication method"
    r"|(role|database) \".*\" does not exist|permission denied|does not support SSL|certificate"
    r"|unrecognized configuration parameter|invalid value for parameter|unsupported startup parameter"
)
"""Errors of a server that no retry resolves. libpq gives them no SQLSTATE."""

OUTAGES = re.compile(r"refused|timeout|timed out|starting up|shutting down|too many|session is read-only")
"""Errors of a server that a retry may resolve."""

STATEMENT_POOLER = "statement pooling mode"
"""What PgBouncer's error says in a mode that allows no transaction (pgbouncer.org, pool_mode)."""

TLS_PARAMETERS = frozenset({"ssl", "tls", "usessl", "ssl_mode", "sslrequired"})
"""Parameters with which other drivers ask for an encrypted connection. libpq reads only `ssl=true`."""

MAX_PORT = 65535

ENCODING = "UTF8"
"""The encoding of a connection, whatever the address says. Literals are quoted for it, and some other encodings write a
backslash as a character that the server reads as a backslash."""

KNOWN_STATEMENTS = 512
"""Statements that are kept as psycopg writes them, because those with ids in their text are endless."""

_UNKNOWN_PARAMETER = re.compile(r'invalid URI query parameter: "(\w+)"')
_STRING_OR_PARAMETER = re.compile(r"'[^']*'|(?<!:):([a-z_]\w*)")


class PostgresDriver:
    """Opens connections to the server of an address, as libpq reads it.

    The server cancels a statement that takes longer than `statement_timeout` seconds, also one that waits for a lock.
    """

    def __init__(self, url: str, *, statement_timeout: float = TRANSACTION_TIMEOUT) -> None:
        self._statement_timeout = statement_timeout
        self._psycopg = _psycopg()
        self.error: type[Exception] = self._psycopg.Error
        self.address = self._with_defaults(url)
        """The address with `DEFAULTS`, with its password."""

    def connect(self) -> PostgresConnection:
        """Open a connection. Raises DatabaseUnavailable, and SettingsError where a retry cannot help."""
        try:
            connection = self._psycopg.connect(
                self.address,
                autocommit=True,
                prepare_threshold=None,  # a pooler in transaction mode has no prepared statements
                row_factory=self._psycopg.rows.namedtuple_row,
                cursor_factory=self._psycopg.ClientCursor,
            )
        except self._psycopg.Error as error:
            raise _connect_error(error) from error
        return PostgresConnection(connection, self._statement_timeout)

    def translate(self, error: Exception) -> Exception:
        """Return DatabaseUnavailable for an error that a retry may resolve, any other error unchanged.

        Return SettingsError for a pooler that allows no transaction.
        """
        if not isinstance(error, self._psycopg.Error):
            return error
        if STATEMENT_POOLER in str(error):
            return SettingsError(
                ["DATABASE_URL: the pooler is in statement mode; set it to transaction or session mode"]
            )
        state = error.sqlstate
        problem = f"PostgreSQL cannot be used just now ({_one_line(error)}); nothing was stored."
        if state in FULL_OR_BROKEN:
            return DatabaseFull(problem)
        if state is None and isinstance(error, self._psycopg.OperationalError | self._psycopg.InterfaceError):
            return ConnectionLost(problem)
        return ConnectionLost(problem) if (state or "").startswith(TRANSIENT) else error

    @staticmethod
    def _with_defaults(url: str) -> str:
        """Return the address with `DEFAULTS`. Raises SettingsError for one that libpq cannot read."""
        given = parameters_of(url)
        defaults = {key: DEFAULTS[key] for key in DEFAULTS if key not in given}
        if given.get("sslmode") == "verify-full" and not _names_authorities(given):
            defaults["sslrootcert"] = "system"
        if "system" in (given.get("sslrootcert"), defaults.get("sslrootcert")):
            _show_system_authorities()
        return str(import_module("psycopg.conninfo").make_conninfo(url, **defaults, client_encoding=ENCODING))


def parameters_of(url: str) -> dict[str, Any]:
    """Return the parameters that libpq reads in an address.

    Raises SettingsError for an address that it cannot read.
    """
    psycopg, conninfo = _psycopg(), import_module("psycopg.conninfo")
    try:
        given: dict[str, Any] = conninfo.conninfo_to_dict(url)
    except psycopg.Error as error:
        raise SettingsError([_unreadable(str(error))]) from None
    ports = filter(None, str(given.get("port", "")).split(","))  # a host without a port leaves an empty one
    if not all(port.isdecimal() and int(port) <= MAX_PORT for port in ports):
        raise SettingsError([_unreadable("")])  # mostly because of a / in the password
    return given


class PostgresConnection:
    """A connection that begins its transactions itself."""

    dialect = DIALECT

    def __init__(self, connection: Any, statement_timeout: float) -> None:
        self._connection = connection
        self._cursor = connection.cursor()  # one for all statements, whose rows are fetched before the next one
        self._unsent: list[str] | None = None
        """The statements of the transaction that no round trip has taken yet; None outside a transaction."""
        self._statement_timeout = statement_timeout
        # A second descriptor of the same socket, so that another thread never shuts down one that was reused.
        self._socket = socket.socket(fileno=socket.dup(connection.fileno()))

    def begin(self, *, durable: bool, limited: bool) -> float:
        """Begin a transaction as the only writer; return the database's time."""
        self._execute(_begin(durable, self._statement_timeout if limited else 0.0))
        self._cursor.set_result(-1)
        now, read_only = self._cursor.fetchone()
        self._unsent = []
        if read_only == "on":
            raise ConnectionLost("PostgreSQL is read-only just now, as a standby is; nothing was stored.")
        return float(now)

    def now(self) -> float:
        """Return the server's time in epoch seconds."""
        return float(self._execute(NOW).fetchone()[0])

    def execute(self, statement: str, values: Mapping[str, Any]) -> Cursor:
        """Execute a statement with named parameters, written as `:name`, and those that were not sent yet."""
        cursor: Cursor = self._send(self._with_values(statement, values))
        return cursor

    def fetch_each(self, statement: str, rows: Sequence[Mapping[str, Any]]) -> list[Row | None]:
        """Execute a statement for each row of parameters, in one message; return the first row of each."""
        if not rows:
            return []
        cursor = self._send(*(self._with_values(statement, values) for values in rows))
        found = []
        for result in range(-len(rows), 0):
            cursor.set_result(result)
            found.append(cursor.fetchone())
        return found

    def send(self, statement: str, values: Mapping[str, Any]) -> None:
        """Execute a statement together with the next one, or with the commit."""
        text = self._with_values(statement, values)
        if self._unsent is None:
            self._execute(text)
        else:
            self._unsent.append(text)

    def commit(self) -> None:
        """Commit the transaction."""
        self._send("COMMIT")
        self._unsent = None

    def rollback(self) -> None:
        """Roll the transaction back; PostgreSQL warns if there is none."""
        self._unsent = None
        self._execute("ROLLBACK")

    def _with_values(self, statement: str, values: Mapping[str, Any]) -> str:
        """Return a statement with its parameters as literals, which psycopg and libpq quote."""
        text: str = self._cursor.mogrify(_for_psycopg(statement), values)
        return text

    def _send(self, *statements: str) -> Any:
        """Send statements in one message, after those that wait; return the result of the last one."""
        texts, self._unsent = [*(self._unsent or ()), *statements], None if self._unsent is None else []
        cursor = self._execute(";".join(texts))
        if len(texts) > 1:
            cursor.set_result(-1)
        return cursor

    def _execute(self, text: str) -> Any:
        """Execute statements; remove the values of statements and rows from an error, which is logged."""
        try:
            return self._cursor.execute(text)
        except Exception as error:
            message = getattr(getattr(error, "diag", None), "message_primary", None)
            if message:  # the rest quotes the statement with its literals, and the row
                error.args = (message,)
            raise

    def verify(self) -> None:
        """Do nothing: the server owns its files."""

    def interrupt(self) -> None:
        """Shut the socket down, so that a call which waits for the server raises."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()
        self._connection.close()


@cache
def _begin(durable: bool, statement_timeout: float) -> str:
    """Return the statements that begin a transaction; a timeout of 0 is no limit."""
    settings = f"SET LOCAL statement_timeout = {statement_timeout * 1000:.0f};"
    settings += f" SET LOCAL synchronous_commit = {'on' if durable else 'off'};"  # whatever the server's default is
    return BEGIN.format(settings=settings, lock=WRITER_LOCK)


@lru_cache(KNOWN_STATEMENTS)
def _for_psycopg(statement: str) -> str:
    """Return a statement with its parameters as psycopg writes them."""
    return _STRING_OR_PARAMETER.sub(
        lambda found: f"%({found[1]})s" if found[1] else found[0], statement.replace("%", "%%")
    )


def _psycopg() -> Any:
    try:
        module = import_module("psycopg")
        import_module("psycopg.rows")
    except ImportError:
        message = "DATABASE_URL: PostgreSQL needs the driver psycopg; install what requirements.txt lists"
        raise SettingsError([message]) from None
    return module


def _names_authorities(given: Mapping[str, Any]) -> bool:
    """Return whether the address, the environment or the home directory names certificate authorities."""
    at_home = Path("~/.postgresql/root.crt").expanduser().exists()
    return "sslrootcert" in given or bool(os.environ.get("PGSSLROOTCERT")) or at_home


def _show_system_authorities() -> None:
    """Set where OpenSSL finds the system's certificate authorities; the copy in psycopg looks elsewhere."""
    paths = ssl.get_default_verify_paths()
    os.environ.setdefault("SSL_CERT_FILE", paths.openssl_cafile)
    os.environ.setdefault("SSL_CERT_DIR", paths.openssl_capath)


def _connect_error(error: Exception) -> Exception:
    """Return SettingsError for a permanent error, DatabaseUnavailable for any other.

    libpq's messages name the user and the database, never the password.
    """
    text = _one_line(error)
    if is_permanent(text):
        return SettingsError([f"DATABASE_URL: PostgreSQL cannot be used ({text})"])
    return DatabaseUnavailable(f"PostgreSQL cannot be reached ({text}); nothing was stored.")


def is_permanent(problem: str) -> bool:
    """Return whether no retry resolves a failed connection attempt, by the text of its error.

    The text has a line for each host of the address. A refusal is permanent unless another host has an outage.
    """
    if ADDRESS_ERRORS.search(problem):
        return True
    return REFUSALS.search(problem) is not None and OUTAGES.search(problem) is None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _unreadable(problem: str) -> str:
    """Return why libpq cannot read the address; its own message may quote a part of the password."""
    found = _UNKNOWN_PARAMETER.search(problem)
    if found:
        advice = "write sslmode=require in its place" if found[1].lower() in TLS_PARAMETERS else "remove it"
        return f'DATABASE_URL: libpq has no parameter "{found[1]}"; {advice} (postgresql.org, Parameter Key Words)'
    return "DATABASE_URL: it cannot be read; encode special characters of the password, / as %2F"
