"""Check the database and its schema, without creating, migrating or locking anything."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Final

from bot.checks.result import CheckResult, failed, ok
from bot.db.connect import database_from_settings, unusable_database
from bot.db.engine import Database
from bot.db.migrate import HEAD, refuse_newer, revision
from bot.db.sqlite import SqliteDriver
from bot.db.transaction import Transaction
from bot.errors import SettingsError
from bot.settings import Settings

DATABASE: Final = "DATABASE_URL"

MIN_FREE_SPACE = 64
"""Free space of the disk below which the check fails, in MiB. A thousand requests take about 5 MiB."""


async def check_database(settings: Settings) -> CheckResult:
    """Check that a start can use the database.

    Raise SettingsError and DatabaseUnavailable as a start does, with the same text.
    """
    path = settings.database_path
    if path is None:
        return await _check_postgres(settings)
    await database_from_settings(settings).close()  # raises for a missing directory; it opens no connection
    try:
        found = _check_file(path)
    except OSError as error:
        raise SettingsError([f"{DATABASE}: the database cannot be used ({error.strerror})"]) from error
    return found or await _check_sqlite(path)


def _check_file(path: Path) -> CheckResult | None:
    """Check the file without opening it; return None if it must be opened."""
    if not path.exists():
        if not os.access(path.parent, os.W_OK):
            hint = "Give the bot's user write access to the directory."
            return failed(DATABASE, f"the directory {path.parent} is not writable", hint)
        return ok(DATABASE, f"{path} does not exist yet; the first start creates it")
    if not path.is_file():
        raise SettingsError([f"{DATABASE}: the database cannot be used (unable to open database file)"])
    if not os.access(path, os.W_OK):
        raise SettingsError([f"{DATABASE}: the database cannot be used (attempt to write a readonly database)"])
    return None


async def _check_sqlite(path: Path) -> CheckResult:
    database = Database(SqliteDriver(path, read_only=True))
    try:
        found = _check_revision(await database.read(revision), str(path))
    except database.driver.error as error:
        raise unusable_database(database.driver, error) from error
    finally:
        await database.close()
    return with_free_space(found, path, shutil.disk_usage(path.parent).free // 2**20)


def with_free_space(result: CheckResult, path: Path, free: int) -> CheckResult:
    """Add the free space of the disk to the message, in MiB; fail if there is too little of it."""
    if free < MIN_FREE_SPACE:
        hint = "Free some space. On a full disk nothing can be requested or approved."
        return failed(DATABASE, f"the disk of {path} has {free} MiB free", hint)
    return replace(result, message=f"{result.message}; {free:,} MiB are free")


async def _check_postgres(settings: Settings) -> CheckResult:
    database = database_from_settings(settings)
    try:
        return await database.read(_check_postgres_schema)
    except database.driver.error as error:
        raise unusable_database(database.driver, error) from error
    finally:
        await database.close()


def _check_postgres_schema(tx: Transaction) -> CheckResult:
    tx.execute("BEGIN READ ONLY")  # a pooler in statement mode refuses it
    tx.execute("COMMIT")
    found = revision(tx)
    if found != HEAD and not _can_create_tables(tx):
        message = "the tables are missing or outdated, and the user may not create tables in the schema"
        return failed(DATABASE, message, "Run GRANT CREATE ON SCHEMA for the user, or connect as another user.")
    return _check_revision(found, "PostgreSQL")


def _can_create_tables(tx: Transaction) -> bool:
    row = tx.fetch_one("SELECT has_schema_privilege(current_schema(), 'CREATE') AS allowed")
    return bool(row and row.allowed)


def _check_revision(found: str | None, name: str) -> CheckResult:
    refuse_newer(found)
    if found == HEAD:
        return ok(DATABASE, f"{name} is reachable, and its schema is current ({HEAD})")
    schema = f"its schema is {found}" if found else "it has no schema yet"
    return ok(DATABASE, f"{name} is reachable; {schema}, so the next start migrates it to {HEAD}")
