"""The database and its schema, looked at without creating, migrating or locking anything."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DatabaseError

from bot.checks.result import Finding, well, wrong
from bot.db.connect import database_of, unusable_database
from bot.db.engine import Database, Transaction
from bot.db.migrate import HEAD, refuse_newer, revision
from bot.db.postgres import PATIENCE, postgres_engine
from bot.db.sqlite import SqliteEngine
from bot.errors import SettingsError
from bot.settings import Settings

CHECK = "DATABASE_URL"


async def look_at_database(settings: Settings) -> Finding:
    """Whether a start could use the database; raises SettingsError and DatabaseUnavailable as a start would."""
    path = settings.database_path
    if path is None:
        return await _postgres(settings.database_url)
    await database_of(settings).close()  # it refuses a folder that is not there, and connects to nothing
    try:
        found = _before_opening(path)
    except OSError as error:
        raise SettingsError([f"{CHECK}: the database cannot be used ({error.strerror})"]) from error
    return found or await _sqlite(path)


def _before_opening(path: Path) -> Finding | None:
    """What the file system tells of the file; None where it has to be opened to know."""
    if not path.exists():
        if not os.access(path.parent, os.W_OK):
            return wrong(CHECK, f"the folder {path.parent} cannot be written to", "Let the bot's user write there.")
        return well(CHECK, f"{path} is not there yet; the first start creates it")
    if not path.is_file():
        raise SettingsError([f"{CHECK}: the database cannot be used (unable to open database file)"])
    if not os.access(path, os.W_OK):
        raise SettingsError([f"{CHECK}: the database cannot be used (attempt to write a readonly database)"])
    return None


async def _sqlite(path: Path) -> Finding:
    database = Database(SqliteEngine(_read_only(path)))
    try:
        return _schema(await database.read(lambda tx: revision(tx.connection)), str(path))
    except DatabaseError as error:
        raise unusable_database(error) from error
    finally:
        await database.close()


def _read_only(path: Path) -> Engine:
    """Make an engine that writes nothing.

    Reading a file in WAL mode makes files beside it, unless it is said not to change. While a log stands there, those
    files do too, and what the log holds has to be read (sqlite.org/wal.html, Read-Only Databases).
    """
    log = path.with_name(f"{path.name}-wal")
    how = "mode=ro" if log.exists() and log.stat().st_size else "mode=ro&immutable=1"
    return create_engine(f"sqlite:///file:{quote(str(path.absolute()))}?{how}&uri=true")


async def _postgres(url: str) -> Finding:
    database = Database(postgres_engine(url), patience=PATIENCE)
    try:
        return await database.read(_postgres_finding)
    except DatabaseError as error:
        raise unusable_database(error) from error
    finally:
        await database.close()


def _postgres_finding(tx: Transaction) -> Finding:
    found = revision(tx.connection)
    if found != HEAD and not _may_create(tx):
        says = "its user may not create tables in the schema, and the tables are not there or not current"
        return wrong(CHECK, says, "GRANT CREATE ON SCHEMA to that user, or name another user.")
    return _schema(found, "PostgreSQL")


def _may_create(tx: Transaction) -> bool:
    return bool(tx.execute(text("SELECT has_schema_privilege(current_schema(), 'CREATE')")).scalar_one())


def _schema(found: str | None, where: str) -> Finding:
    refuse_newer(found)
    if found == HEAD:
        return well(CHECK, f"{where} answers, its schema is current ({HEAD})")
    what = f"its schema is {found}" if found else "it has no schema yet"
    return well(CHECK, f"{where} answers; {what}, the next start brings it to {HEAD}")
