"""PostgreSQL: connection URLs as hosts write them, timeouts, and which errors a retry may resolve."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from weakref import WeakSet

from sqlalchemy import Connection, event
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from bot.db.engine import DatabaseUnavailable
from bot.errors import SettingsError

Result = TypeVar("Result")

POOL_SIZE = 5
"""Maximum connections of one process. Transactions last milliseconds, and small managed databases allow 20 in all."""

TRANSACTION_TIMEOUT = 5.0
"""Maximum duration of a transaction with its connect, in seconds. Slack waits 3 seconds for an answer to a click."""

CONNECT_TIMEOUT = 4.0
"""Maximum time for opening a connection, in seconds; shorter than `TRANSACTION_TIMEOUT`, which includes it."""

SET_IDLE_IN_TRANSACTION_TIMEOUT = "SET idle_in_transaction_session_timeout = '6s'"
"""Ends the transaction of a vanished process, whose locks would otherwise stop every writer of the audit log until TCP
notices. It is longer than `TRANSACTION_TIMEOUT`, so that it never hits a live process (postgresql.org, Client
Connection Defaults). It is a statement because poolers refuse unknown startup parameters."""

_LIBPQ_ONLY_PARAMETERS = frozenset({
    "channel_binding", "connect_timeout", "fallback_application_name", "gssdelegation", "gssencmode", "keepalives",
    "keepalives_count", "keepalives_idle", "keepalives_interval", "load_balance_hosts", "pgbouncer", "sslcertmode",
    "sslcompression", "sslsni",
})  # fmt: skip
"""Parameters that hosts put in URLs, and that the server refuses, because the driver passes them on. A parameter that
makes a connection safer, such as `require_auth`, is not among them: it must fail, not be ignored."""

_PERMANENT_ERRORS = (
    "InvalidAuthorizationSpecificationError",  # wrong password, unknown user
    "InvalidCatalogNameError",  # no such database
    "InsufficientPrivilegeError",
    "ClientConfigurationError",  # the address contradicts itself
    "UndefinedObjectError",  # a parameter that the server does not know
    "CantChangeRuntimeParamError",
    "InvalidParameterValueError",
    "ProtocolViolationError",  # a parameter that a pooler does not know
    "SSLCertVerificationError",
)
"""Class names of the driver's errors that no retry resolves."""


def postgres_engine(url: str) -> PostgresEngine:
    """Return an engine on PostgreSQL: READ COMMITTED, few connections, each tested before its use.

    Its connections raise DatabaseUnavailable while the server does not answer, and SettingsError when a retry cannot
    help.
    """
    driver, address, tls = _driver(), _address(url), _tls_options(url)
    _check_root_certificates(url)

    async def connect() -> Any:
        try:
            connection = await driver.connect(address, timeout=CONNECT_TIMEOUT, **tls)
            await connection.execute(SET_IDLE_IN_TRANSACTION_TIMEOUT)
        except (OSError, ValueError, OverflowError, driver.PostgresError, driver.InterfaceError) as error:
            raise _translate_connect_error(error) from error
        return connection

    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        isolation_level="READ COMMITTED",
        pool_size=POOL_SIZE,
        max_overflow=0,
        pool_timeout=TRANSACTION_TIMEOUT,
        pool_pre_ping=True,
        hide_parameters=True,  # keeps response_urls out of errors, and so out of logs
    )
    return PostgresEngine(engine)


class PostgresEngine:
    """An engine with an asynchronous driver."""

    insert = staticmethod(insert)

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine.sync_engine
        self._connected: WeakSet[ConnectionPoolEntry] = WeakSet()
        event.listen(self.engine, "connect", lambda _, entry: self._connected.add(entry))
        self._writer = engine
        self._reader = engine.execution_options(isolation_level="AUTOCOMMIT")

    async def run(self, work: Callable[[Connection], Result], *, read_only: bool) -> Result:
        """Run a function on a connection, in a transaction unless it only reads."""
        try:
            async with self._reader.connect() if read_only else self._writer.begin() as connection:
                return await connection.run_sync(work)
        except asyncio.CancelledError:  # mostly by a timeout
            self._terminate_idle()
            raise

    def _terminate_idle(self) -> None:
        """Terminate the idle connections, because a vanished server answers none of them.

        Each would otherwise cost the next transaction a timeout. If the server is alive, they are soon replaced.
        """
        for entry in self._connected:
            if entry.driver_connection is not None and not entry.in_use:
                entry.driver_connection.terminate()

    async def close(self) -> None:
        """Close every connection."""
        await self._writer.dispose()


def _driver() -> Any:
    try:
        return import_module("asyncpg")
    except ImportError:
        message = "DATABASE_URL: PostgreSQL needs the driver asyncpg; install what requirements.txt lists"
        raise SettingsError([message]) from None


def _address(url: str) -> str:
    parts = urlsplit(url)
    known = [(name, value) for name, value in parse_qsl(parts.query) if name not in _LIBPQ_ONLY_PARAMETERS]
    if _uses_system_roots(url):
        known = [(name, value) for name, value in known if name not in ("sslmode", "sslrootcert")]
    return urlunsplit(parts._replace(query=urlencode(known)))


def _parameters(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


def _tls_options(url: str) -> dict[str, Any]:
    """Return options that trust the system's authorities, if the URL asks to verify and names no file."""
    if not _uses_system_roots(url):
        return {}
    context = ssl.create_default_context()
    context.check_hostname = _parameters(url).get("sslmode") != "verify-ca"
    return {"ssl": context}


def _check_root_certificates(url: str) -> None:
    """Raise SettingsError for a missing certificate file, because the driver's error does not name it."""
    parameters = _parameters(url)
    roots = parameters.get("sslrootcert", "system")
    if roots != "system" and parameters.get("sslmode") != "disable" and not Path(roots).is_file():
        raise SettingsError([f"DATABASE_URL: sslrootcert names {roots}, and there is no such file"])


def _uses_system_roots(url: str) -> bool:
    parameters = _parameters(url)
    roots = parameters.get("sslrootcert") or os.environ.get("PGSSLROOTCERT")
    if roots:
        return roots == "system"
    return (
        parameters.get("sslmode", "").startswith("verify-") and not Path("~/.postgresql/root.crt").expanduser().exists()
    )


def _translate_connect_error(error: Exception) -> Exception:
    """Return SettingsError for a permanent error, DatabaseUnavailable for any other.

    The driver's messages name the user and the database, never the password.
    """
    if any(one.__name__ in _PERMANENT_ERRORS for one in type(error).__mro__):
        return SettingsError([f"DATABASE_URL: PostgreSQL cannot be used ({error})"])
    if isinstance(error, ValueError | OverflowError):  # its message may quote a part of the password as the port
        return SettingsError(["DATABASE_URL: it cannot be read; encode special characters of the password, / as %2F"])
    return DatabaseUnavailable(
        f"PostgreSQL cannot be reached ({str(error) or type(error).__name__}); nothing was kept."
    )
