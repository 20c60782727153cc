"""Open the database that the settings name and bring its schema up to date."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import structlog

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

from bot.db.driver import Driver
from bot.db.engine import Database
from bot.db.migrate import migrate
from bot.db.requests import RequestStore
from bot.db.sealing import seal_older_rows
from bot.db.sqlite import SqliteDriver
from bot.errors import SettingsError
from bot.settings import DatabaseSettings, Settings

log = structlog.get_logger()


def database_from_settings(settings: Settings) -> Database:
    """Return the database of `DATABASE_URL`, without connecting to it. Raises SettingsError."""
    return Database(_driver(settings))


def _driver(settings: DatabaseSettings) -> Driver:
    path = settings.database_path
    if path is None:
        from bot.db.postgres import PostgresDriver  # noqa: PLC0415 - SQLite does not need it

        return PostgresDriver(settings.database_url)
    try:
        is_directory = path.parent.is_dir()
    except OSError as error:  # the path is too long, or a directory above it is not readable
        raise SettingsError([f"DATABASE_URL: the database cannot be used ({error.strerror})"]) from error
    if not is_directory:
        raise SettingsError([f"DATABASE_URL: the folder {path.parent} does not exist"])
    return SqliteDriver(path)


def existing_database(settings: DatabaseSettings, *, read_only: bool = True) -> Database:
    """Return the existing database of `DATABASE_URL`; a SQLite file is opened without the right to write.

    Raises SettingsError if it has no file.
    """
    path = settings.database_path
    if path is None:
        return Database(_driver(settings))
    if not path.is_file():
        raise SettingsError([f"DATABASE_URL: there is no file {path}"])
    return Database(SqliteDriver(path, read_only=read_only))


async def prepare_database(store: RequestStore) -> None:
    """Migrate the schema, and release the leases of an earlier start of this process.

    Raises DatabaseUnavailable when a retry may help, SettingsError when the database cannot be used as it is.
    """
    database = store.database
    try:
        if await migrate(database, upgraded=partial(seal_older_rows, seals=store.seals)):
            log.info("database.upgraded")
        await database.write(lambda tx: tx.now)  # learns the stored time before anything acts on the clock
        await store.jobs.release_own_leases()
    except Exception as error:
        raise unusable_database(database.driver, error) from error


def unusable_database(driver: Driver, error: Exception) -> Exception:
    """Return SettingsError for an error of a database that answers, any other error unchanged."""
    if not isinstance(error, driver.error):
        return error
    return SettingsError([f"DATABASE_URL: the database cannot be used ({' '.join(str(error).split())})"])


@contextmanager
def worker_identity(settings: Settings) -> Iterator[str]:
    """Yield the owner of this process's leases, as `name#start`, and keep the name for this process.

    On SQLite the name survives a restart, so that the new process can release the leases of the old one. A process
    whose name another living process holds gets a name of its own, as every process does on PostgreSQL. Other processes
    claim its jobs when their leases end.
    """
    name, start = f"{socket.gethostname()}:{settings.port}", secrets.token_hex(4)
    path = settings.database_path
    lock = None if path is None else _lock_name(path, settings.port)
    try:
        yield f"{name}#{start}" if lock is not None else f"{name}:{start}#{start}"
    finally:
        if lock is not None:
            os.close(lock)


def _lock_name(path: Path, port: int) -> int | None:
    """Lock the name of this process; return the open file, None if another process holds the name.

    Each port has a lock file next to the database. The system releases the lock when the process ends.
    """
    if fcntl is None:
        return None
    try:
        file = os.open(f"{path.resolve()}.{port}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:  # the database cannot be used either, which its first transaction reports
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        return None
    return file
