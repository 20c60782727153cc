"""Reach PostgreSQL by the address that a host hands out: what it may say, how long to wait, what a refusal means."""

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

CONNECTIONS = 5
"""Connections of one process; transactions last milliseconds, and small managed databases give out twenty in all."""

PATIENCE = 5.0
"""Seconds a transaction may take, connecting included; it is longer than Slack waits for an answer to a click."""

CONNECT = 4.0
"""Seconds until a connection that does not come about is given up."""

ABANDONED = "SET idle_in_transaction_session_timeout = '6s'"
"""A process that vanishes without a word must not keep its locks until TCP notices, and everybody's next line of the
trail with them; one that lives gives a transaction up sooner (postgresql.org, Client Connection Defaults). Set by a
statement, because poolers refuse what they do not know when it comes with the greeting."""

_ONLY_LIBPQ = frozenset({
    "channel_binding", "connect_timeout", "fallback_application_name", "gssdelegation", "gssencmode", "keepalives",
    "keepalives_count", "keepalives_idle", "keepalives_interval", "load_balance_hosts", "pgbouncer", "sslcertmode",
    "sslcompression", "sslsni",
})  # fmt: skip
"""Parameters that hosts write into addresses and the driver would hand to the server, which refuses them. What would
make a connection safer is none of them (`require_auth`): it is refused, not passed over."""

_REFUSALS = (
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
"""Names of answers that no waiting changes."""


def postgres_engine(url: str) -> PostgresEngine:
    """Make an engine on PostgreSQL: READ COMMITTED, few connections, each tried before it is used.

    Its connections raise DatabaseUnavailable while nobody answers, SettingsError where the server refuses for good.
    """
    driver, address, verified = _driver(), _address(url), _verified(url)
    _refuse_missing_roots(url)

    async def connect() -> Any:
        try:
            connection = await driver.connect(address, timeout=CONNECT, **verified)
            await connection.execute(ABANDONED)
        except (OSError, ValueError, OverflowError, driver.PostgresError, driver.InterfaceError) as error:
            raise _meaning(error) from error
        return connection

    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        isolation_level="READ COMMITTED",
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_timeout=PATIENCE,
        pool_pre_ping=True,
        hide_parameters=True,  # a response_url must not reach a log by way of an error
    )
    return PostgresEngine(engine)


class PostgresEngine:
    """An engine whose driver waits in the event loop."""

    insert = staticmethod(insert)

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine.sync_engine
        self._connected: WeakSet[ConnectionPoolEntry] = WeakSet()
        event.listen(self.engine, "connect", lambda _, entry: self._connected.add(entry))
        self._writer = engine
        self._reader = engine.execution_options(isolation_level="AUTOCOMMIT")

    async def do(self, work: Callable[[Connection], Result], *, reading: bool) -> Result:
        """Do some work, in a transaction unless it only reads."""
        try:
            async with self._reader.connect() if reading else self._writer.begin() as connection:
                return await connection.run_sync(work)
        except asyncio.CancelledError:  # mostly because it got no answer in time
            self._hang_up()
            raise

    def _hang_up(self) -> None:
        """Give up the connections nobody uses just now.

        Where a machine went down without a word each of them leads nowhere, and whoever takes one next would wait as
        long again; where it did not, they are soon replaced.
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
        message = "DATABASE_URL: PostgreSQL needs its driver, asyncpg; install what requirements.txt lists"
        raise SettingsError([message]) from None


def _address(url: str) -> str:
    parts = urlsplit(url)
    known = [(name, value) for name, value in parse_qsl(parts.query) if name not in _ONLY_LIBPQ]
    if _means_system_roots(url):
        known = [(name, value) for name, value in known if name not in ("sslmode", "sslrootcert")]
    return urlunsplit(parts._replace(query=urlencode(known)))


def _parameters(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


def _verified(url: str) -> dict[str, Any]:
    """Trust the system's certificate authorities where a certificate is to be verified and no file says by whom."""
    if not _means_system_roots(url):
        return {}
    context = ssl.create_default_context()
    context.check_hostname = _parameters(url).get("sslmode") != "verify-ca"
    return {"ssl": context}


def _refuse_missing_roots(url: str) -> None:
    """Raise SettingsError for a file of certificates that is not there: the driver's sentence would not name it."""
    said = _parameters(url)
    roots = said.get("sslrootcert", "system")
    if roots != "system" and said.get("sslmode") != "disable" and not Path(roots).is_file():
        raise SettingsError([f"DATABASE_URL: sslrootcert names {roots}, and there is no such file"])


def _means_system_roots(url: str) -> bool:
    said = _parameters(url)
    roots = said.get("sslrootcert") or os.environ.get("PGSSLROOTCERT")
    if roots:
        return roots == "system"
    return said.get("sslmode", "").startswith("verify-") and not Path("~/.postgresql/root.crt").expanduser().exists()


def _meaning(error: Exception) -> Exception:
    """Tell what waits from what does not; the driver's sentences name the user and the database, never the password."""
    if any(one.__name__ in _REFUSALS for one in type(error).__mro__):
        return SettingsError([f"DATABASE_URL: PostgreSQL cannot be used ({error})"])
    if isinstance(error, ValueError | OverflowError):  # its sentence may quote what stands where a port is expected
        return SettingsError(["DATABASE_URL: it cannot be read; encode special characters of the password, / as %2F"])
    return DatabaseUnavailable(
        f"PostgreSQL cannot be reached ({str(error) or type(error).__name__}); nothing was kept."
    )
