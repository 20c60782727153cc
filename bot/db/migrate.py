"""Upgrade the schema at startup, in one transaction."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bot.db.engine import Database
from bot.db.migrations import outcome_codes
from bot.db.transaction import Transaction
from bot.errors import SettingsError

FOLDER = Path(__file__).parent / "migrations"

_COMMENT = re.compile(r"--.*")


class Migration(NamedTuple):
    """A change of the schema, which leads to `revision`."""

    revision: str
    upgrade: Callable[[Transaction], None]


def _execute(file: str, tx: Transaction) -> None:
    """Execute the statements of a file, with the types of the database."""
    script = _COMMENT.sub("", (FOLDER / file).read_text())
    for statement in script.replace("{auto_increment}", tx.dialect.auto_increment).split(";"):
        if statement.strip():
            tx.execute(statement)


MIGRATIONS: Sequence[Migration] = (
    Migration("0001", partial(_execute, "0001_initial_schema.sql")),
    Migration("0002", outcome_codes.upgrade),
    Migration("0003", partial(_execute, "0003_approvals_and_metadata.sql")),
    Migration("0004", partial(_execute, "0004_slack_names.sql")),
    Migration("0005", partial(_execute, "0005_audit_numbers.sql")),
    Migration("0006", partial(_execute, "0006_rules_of_requests.sql")),
    Migration("0007", partial(_execute, "0007_pings.sql")),
    Migration("0008", partial(_execute, "0008_followers_and_copies.sql")),
    Migration("0009", partial(_execute, "0009_live_state.sql")),
    Migration("0010", partial(_execute, "0010_audit_salts.sql")),
    Migration("0011", partial(_execute, "0011_bulk_requests.sql")),
    Migration("0012", partial(_execute, "0012_indexes_of_open_jobs.sql")),
)

HEAD = MIGRATIONS[-1].revision
"""The revision that this version of the bot works with."""


def _nothing(_tx: Transaction, _revision: str) -> None:
    """Do nothing after an upgrade."""


async def migrate(
    database: Database,
    migrations: Sequence[Migration] = MIGRATIONS,
    upgraded: Callable[[Transaction, str], None] = _nothing,
) -> bool:
    """Upgrade the schema to the newest revision; return whether there was anything to upgrade.

    `upgraded` is called in the same transaction with the revision of an earlier version. Processes that start together
    wait for the one that upgrades. A current schema takes no lock. Raises SettingsError for a schema of a newer version
    of the bot.
    """
    if await database.read(revision) == migrations[-1].revision:
        return False
    return await database.write(lambda tx: _upgrade(tx, migrations, upgraded), limited=False)


def _upgrade(tx: Transaction, migrations: Sequence[Migration], upgraded: Callable[[Transaction, str], None]) -> bool:
    current = revision(tx)
    refuse_newer(current, migrations[-1].revision)
    missing = [one for one in migrations if one.revision > (current or "")]
    if not missing:
        return False
    if current is None:
        tx.execute("CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    for one in missing:
        one.upgrade(tx)
    if current is not None:
        upgraded(tx, current)
    tx.execute("DELETE FROM alembic_version")
    tx.execute("INSERT INTO alembic_version (version_num) VALUES (:revision)", revision=missing[-1].revision)
    return True


def refuse_newer(current: str | None, head: str = HEAD) -> None:
    """Raise SettingsError if the schema is newer than this version of the bot."""
    if current and current > head:
        message = (
            f"DATABASE_URL: its schema ({current}) is newer than this version of the bot ({head}); upgrade the bot"
        )
        raise SettingsError([message])


def revision(tx: Transaction) -> str | None:
    """Return the revision of the schema, None for an empty database.

    The table has the name that Alembic gave it, which earlier versions of the bot used.
    """
    found = tx.fetch_one(tx.dialect.table_exists, name="alembic_version")
    if found is None or found[0] is None:
        return None
    row = tx.fetch_one("SELECT version_num FROM alembic_version")
    return str(row.version_num) if row else None
