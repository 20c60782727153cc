"""Open the database that the settings name: make it ready at once, or tell whether waiting will help."""

from __future__ import annotations

import secrets
import socket

import structlog
from sqlalchemy.exc import DBAPIError

from bot.db.engine import Database
from bot.db.jobs import Leases
from bot.db.migrate import migrate
from bot.db.requests import RequestStore
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


async def make_ready(database: Database, store: RequestStore) -> None:
    """Bring the schema up to date and take up what an earlier start of this process left.

    Raises DatabaseUnavailable where it may be there later, SettingsError where it can never be used as it is.
    """
    try:
        if await migrate(database):
            log.info("the database schema was brought up to date")
        await store.start()
    except DBAPIError as error:
        raise unusable(error) from error


def unusable(error: DBAPIError) -> SettingsError:
    """Say of a database that is there and refuses why it does."""
    return SettingsError([f"DATABASE_URL: the database cannot be used ({error.orig})"])


def leases_of(settings: Settings) -> Leases:
    """Name this process, and give it a word for this start.

    On SQLite the name is the same after a restart, so that it frees its own leases: one machine has each port once.
    Replicas may be called alike, so on PostgreSQL nobody frees anything; what was left is taken over a lease later.
    """
    name, start = f"{socket.gethostname()}:{settings.port}", secrets.token_hex(4)
    return Leases(f"{name}#{start}" if settings.database_path else f"{name}:{start}#{start}")
