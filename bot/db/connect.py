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


def database_of(settings: Settings) -> Database:
    """Make the database of `DATABASE_URL`; nothing is connected yet. Raises SettingsError."""
    path = settings.database_path
    if path is None:
        from bot.db.postgres import PATIENCE, postgres_engine  # noqa: PLC0415 - 150 ms that SQLite does not need

        return Database(postgres_engine(settings.database_url), patience=PATIENCE)
    try:
        is_there = path.parent.is_dir()
    except OSError as error:  # a name too long, a folder above it that is closed
        raise SettingsError([f"DATABASE_URL: the database cannot be used ({error.strerror})"]) from error
    if not is_there:
        raise SettingsError([f"DATABASE_URL: the folder {path.parent} does not exist"])
    return Database(sqlite_engine(path))


async def prepare_database(database: Database, jobs: JobQueue) -> None:
    """Migrate the schema, and release the leases of an earlier start of this process.

    Raises DatabaseUnavailable when a retry may help, SettingsError when the database cannot be used as it is.
    """
    try:
        if await migrate(database):
            log.info("the database schema was brought up to date")
        await jobs.release_own_leases()
    except DBAPIError as error:
        raise unusable_database(error) from error


def unusable_database(error: DBAPIError) -> SettingsError:
    """Return the error for a database that answers and refuses."""
    return SettingsError([f"DATABASE_URL: the database cannot be used ({error.orig})"])


def worker_identity(settings: Settings) -> str:
    """Return the owner of this process's leases, as `name#start`.

    On SQLite the name survives a restart, because a machine has each port once; the new process releases the old
    one's leases. On PostgreSQL replicas may share host name and port, so each start has a name of its own, and other
    processes claim its jobs when their leases end.
    """
    name, start = f"{socket.gethostname()}:{settings.port}", secrets.token_hex(4)
    return f"{name}#{start}" if settings.database_path else f"{name}:{start}#{start}"
