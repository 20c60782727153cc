"""Bring the schema up to date at start; Alembic is imported only when it is not."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from bot.database import Database, Turn
from bot.errors import SettingsError

HEAD = "0001"
"""The revision this version of the bot works with: the newest file in `migrations/versions`."""


async def migrate(database: Database) -> bool:
    """Upgrade the schema in one transaction, which makes other processes wait and then find it done.

    A schema that is current is only looked at, and nobody waits for that.

    Returns whether anything was upgraded. Raises SettingsError for a database of a newer version of the bot.
    """
    async with database.begin() as tx:
        if await tx.connection.run_sync(_revision) == HEAD:
            return False
    async with database.begin(in_time=False) as tx:
        await tx.take_turn(Turn.SCHEMA)
        return await tx.connection.run_sync(_upgrade)


def _upgrade(connection: Connection) -> bool:
    current = _revision(connection)
    if current == HEAD:
        return False
    if current and current > HEAD:
        message = (
            f"DATABASE_URL: the database is of a newer version ({current}) than this one ({HEAD}); upgrade the bot"
        )
        raise SettingsError([message])
    from alembic import command  # noqa: PLC0415 - 62 ms and 4 MB that most starts do not need
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    return True


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
