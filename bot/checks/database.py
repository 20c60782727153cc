"""Check the database and its schema, without creating, migrating or locking anything."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final
from urllib.parse import quote

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DatabaseError

from bot.checks.result import CheckResult, failed, ok
from bot.db.connect import database_from_settings, unusable_database
from bot.db.engine import Database, Transaction
from bot.db.migrate import HEAD, refuse_newer, revision
from bot.db.postgres import TRANSACTION_TIMEOUT, postgres_engine
from bot.db.sqlite import SqliteEngine
from bot.errors import SettingsError
from bot.settings import Settings

DATABASE: Final = "DATABASE_URL"


async def check_database(settings: Settings) -> CheckResult:
    """Check that a start can use the database.

    Raise SettingsError and DatabaseUnavailable as a start does, with the same text.
    """
    path = settings.database_path
    if path is None:
        return await _check_postgres(settings.database_url)
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
    database = Database(SqliteEngine(_read_only_engine(path)))
    try:
        return _check_revision(await database.read(lambda tx: revision(tx.connection)), str(path))
    except DatabaseError as error:
        raise unusable_database(error) from error
    finally:
        await database.close()


def _read_only_engine(path: Path) -> Engine:
    """Return an engine that writes nothing.

    SQLite creates files next to a database in WAL mode even to read it, unless the database is declared immutable.
    If a write-ahead log exists, those files exist too, and the log must be read (sqlite.org/wal.html, Read-Only
    Databases).
    """
    log = path.with_name(f"{path.name}-wal")
    mode = "mode=ro" if log.exists() and log.stat().st_size else "mode=ro&immutable=1"
    return create_engine(f"sqlite:///file:{quote(str(path.absolute()))}?{mode}&uri=true")


async def _check_postgres(url: str) -> CheckResult:
    database = Database(postgres_engine(url), timeout=TRANSACTION_TIMEOUT)
    try:
        return await database.read(_check_postgres_schema)
    except DatabaseError as error:
        raise unusable_database(error) from error
    finally:
        await database.close()


def _check_postgres_schema(tx: Transaction) -> CheckResult:
    found = revision(tx.connection)
    if found != HEAD and not _can_create_tables(tx):
        message = "the tables are missing or outdated, and the user may not create tables in the schema"
        return failed(DATABASE, message, "Run GRANT CREATE ON SCHEMA for the user, or connect as another user.")
    return _check_revision(found, "PostgreSQL")


def _can_create_tables(tx: Transaction) -> bool:
    return bool(tx.execute(text("SELECT has_schema_privilege(current_schema(), 'CREATE')")).scalar_one())


def _check_revision(found: str | None, name: str) -> CheckResult:
    refuse_newer(found)
    if found == HEAD:
        return ok(DATABASE, f"{name} is reachable, and its schema is current ({HEAD})")
    schema = f"its schema is {found}" if found else "it has no schema yet"
    return ok(DATABASE, f"{name} is reachable; {schema}, so the next start migrates it to {HEAD}")
