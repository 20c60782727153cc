"""Upgrade the schema at startup. Alembic is imported only if there is something to upgrade."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from bot.db.engine import AdvisoryLock, Database, Transaction
from bot.errors import SettingsError

HEAD = "0002"
"""The revision that this version of the bot works with: the newest file in `migrations/versions`."""

MIGRATIONS = Path(__file__).parent / "migrations"


async def migrate(database: Database, *, folder: Path = MIGRATIONS, head: str = HEAD) -> bool:
    """Upgrade the schema to `head` in one transaction; return whether there was anything to upgrade.

    Processes that start together wait for the one that upgrades. A current schema takes no lock. Raises SettingsError
    for a schema of a newer version of the bot.
    """
    if await database.read(lambda tx: revision(tx.connection)) == head:
        return False
    return await database.write(partial(_upgrade, folder, head), use_timeout=False)


def _upgrade(folder: Path, head: str, tx: Transaction) -> bool:
    tx.acquire_lock(AdvisoryLock.SCHEMA)
    current = revision(tx.connection)
    if current == head:
        return False
    refuse_newer(current, head)
    from alembic import command  # noqa: PLC0415 - costs 62 ms and 4 MB, which most starts do not need
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(folder))
    config.attributes["connection"] = tx.connection
    command.upgrade(config, head)
    return True


def refuse_newer(current: str | None, head: str = HEAD) -> None:
    """Raise SettingsError if the schema is newer than this version of the bot."""
    if current and current > head:
        message = (
            f"DATABASE_URL: its schema ({current}) is newer than this version of the bot ({head}); upgrade the bot"
        )
        raise SettingsError([message])


def revision(connection: Connection) -> str | None:
    """Return the revision of the schema, None for an empty database."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
