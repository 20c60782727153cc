"""Bring the schema up to date at start; Alembic is imported only when it is not."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from bot.db.engine import AdvisoryLock, Database, Transaction
from bot.errors import SettingsError

HEAD = "0001"
"""The revision this version of the bot works with: the newest file in `migrations/versions`."""

MIGRATIONS = Path(__file__).parent / "migrations"


async def migrate(database: Database, *, folder: Path = MIGRATIONS, head: str = HEAD) -> bool:
    """Upgrade the schema in one transaction, which makes other processes wait and then find it done.

    A schema that is current is only looked at, and nobody waits for that. Returns whether anything was upgraded.
    Raises SettingsError for a database of a newer version of the bot.
    """
    if await database.read(lambda tx: revision(tx.connection)) == head:
        return False
    return await database.write(partial(_upgrade, folder, head), in_time=False)


def _upgrade(folder: Path, head: str, tx: Transaction) -> bool:
    tx.acquire_lock(AdvisoryLock.SCHEMA)
    current = revision(tx.connection)
    if current == head:
        return False
    refuse_newer(current, head)
    from alembic import command  # noqa: PLC0415 - 62 ms and 4 MB that most starts do not need
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(folder))
    config.attributes["connection"] = tx.connection
    command.upgrade(config, "head")
    return True


def refuse_newer(current: str | None, head: str = HEAD) -> None:
    """Raise SettingsError for a schema that only a newer version of the bot understands."""
    if current and current > head:
        message = (
            f"DATABASE_URL: the database is of a newer version ({current}) than this one ({head}); upgrade the bot"
        )
        raise SettingsError([message])


def revision(connection: Connection) -> str | None:
    """Read which revision the schema is at; None where there is none yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
