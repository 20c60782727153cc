"""Open the database that the settings name and bring its schema up to date."""

from __future__ import annotations

import secrets
import socket

import structlog
from sqlalchemy.exc import DBAPIError

from bot.db.engine import Database
from bot.db.jobs import JobQueue
from bot.db.migrate import migrate
from bot.db.sqlite import sqlite_engine
from bot.errors import SettingsError
from bot.settings import Settings

log = structlog.get_logger()


def database_from_settings(settings: Settings) -> Database:
    """Return the database of `DATABASE_URL`, without connecting to it. Raises SettingsError."""
    path = settings.database_path
    if path is None:
        from bot.db.postgres import (  # noqa: PLC0415 - costs 150 ms, which SQLite does not need
            TRANSACTION_TIMEOUT,
            postgres_engine,
        )

        return Database(postgres_engine(settings.database_url), timeout=TRANSACTION_TIMEOUT)
    try:
        is_directory = path.parent.is_dir()
    except OSError as error:  # the path is too long, or a directory above it is not readable
        raise SettingsError([f"DATABASE_URL: the database cannot be used ({error.strerror})"]) from error
    if not is_directory:
        raise SettingsError([f"DATABASE_URL: the folder {path.parent} does not exist"])
    return Database(sqlite_engine(path))


async def prepare_database(database: Database, jobs: JobQueue) -> None:
    """Migrate the schema, and release the leases of an earlier start of this process.

    Raises DatabaseUnavailable when a retry may help, SettingsError when the database cannot be used as it is.
    """
    try:
        if await migrate(database):
            log.info("database schema upgraded")
        await jobs.release_own_leases()
    except DBAPIError as error:
        raise unusable_database(error) from error


def unusable_database(error: DBAPIError) -> SettingsError:
    """Return the error for a database that answers but cannot be used."""
    return SettingsError([f"DATABASE_URL: the database cannot be used ({error.orig})"])


def worker_identity(settings: Settings) -> str:
    """Return the owner of this process's leases, as `name#start`.

    On SQLite the name survives a restart, because a machine has each port once; the new process releases the old
    one's leases. On PostgreSQL replicas may share host name and port, so each start has a name of its own, and other
    processes claim its jobs when their leases end.
    """
    name, start = f"{socket.gethostname()}:{settings.port}", secrets.token_hex(4)
    return f"{name}#{start}" if settings.database_path else f"{name}:{start}#{start}"
