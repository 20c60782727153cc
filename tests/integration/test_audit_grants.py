"""The grants of docs/operations.md make the audit log append-only, and the bot still serves."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from bot.audit_log.verify import verify
from bot.cli import main
from bot.db.connect import unusable_database
from bot.db.engine import Database
from bot.db.migrate import HEAD, MIGRATIONS, Migration, migrate, revision
from bot.db.postgres import PostgresDriver
from bot.db.transaction import Transaction
from bot.domain.audit_chain import AuditChain
from bot.errors import SettingsError
from bot.sandbox import personas
from tests.support.postgres import ENCODED_PASSWORD, PASSWORD, Server
from tests.support.replicas import Replicas, start_replicas

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
SECTION = PAGE.partition("### Append-only on PostgreSQL")[2].partition("\n## ")[0]
GRANTS, LEND, TAKE_BACK = re.findall(r"```sql\n(.*?)```", SECTION, re.DOTALL)

BOT, OWNER = "purecloud_bot", "purecloud_audit"

FORBIDDEN = (
    "UPDATE audit SET actor = 'U0SOMEBODY'",
    "DELETE FROM audit",
    "TRUNCATE audit",
    "DROP TABLE audit",
    "ALTER TABLE audit DROP COLUMN hash",
    "ALTER TABLE audit RENAME TO other",
    "ALTER TABLE audit OWNER TO purecloud_bot",
    "CREATE RULE nothing AS ON INSERT TO audit DO INSTEAD NOTHING",
    "SELECT setval('audit_id_seq', 1)",
    "SET ROLE purecloud_audit",
)


@pytest.fixture
async def database(postgres: Server) -> AsyncIterator[str]:
    """The name of an empty database in which the role of the bot may create tables."""
    await postgres.do(f"CREATE ROLE {BOT} LOGIN PASSWORD '{PASSWORD}'")
    async with postgres.database(empty=True) as url:
        name = urlsplit(url).path[1:]
        await postgres.do(f"GRANT USAGE, CREATE ON SCHEMA public TO {BOT}", name)
        try:
            yield name
        finally:
            await postgres.do(f"DROP OWNED BY {BOT} CASCADE; DROP ROLE {BOT}", name)
            await postgres.do(
                f"DO $$ BEGIN IF to_regrole('{OWNER}') IS NOT NULL THEN "
                f"DROP OWNED BY {OWNER} CASCADE; DROP ROLE {OWNER}; END IF; END $$",
                name,
            )


def as_bot(postgres: Server, database: str) -> str:
    """Return the address of the database with the role of the bot."""
    address = urlsplit(postgres.url)
    host = f"{BOT}:{ENCODED_PASSWORD}@{address.hostname}:{address.port}"
    return address._replace(netloc=host, path=f"/{database}").geturl()


async def start_once(tmp_path: Path, url: str) -> None:
    """Start the bot and stop it, as an operator does before the grants."""
    async with start_replicas(tmp_path, url) as replicas:
        await revoke(replicas)


async def revoke(replicas: Replicas) -> None:
    before = len(replicas.deletes)
    card = await replicas.request_card(personas.OLIVIA, "revoke @tom")
    assert (await replicas.click(personas.OLIVIA, card, 0)).status == 200
    await replicas.wait_until_idle()
    assert len(replicas.deletes) == before + 1


def change_audit(tx: Transaction) -> None:
    tx.execute("ALTER TABLE requests ADD COLUMN weather TEXT")
    tx.execute("ALTER TABLE audit ADD COLUMN weather TEXT")


async def upgrade(url: str) -> bool:
    """Start a next version whose migration changes the audit log."""
    opened = Database(PostgresDriver(url))
    try:
        return await migrate(opened, [*MIGRATIONS, Migration("9000", change_audit)])
    except opened.driver.error as error:
        raise unusable_database(opened.driver, error) from error
    finally:
        await opened.close()


async def test_bot__with_insert_and_select_alone_serves_and_cannot_change_a_row(
    postgres: Server, database: str, tmp_path: Path
) -> None:
    url = as_bot(postgres, database)
    await start_once(tmp_path, url)
    await postgres.do(GRANTS, database)
    async with start_replicas(tmp_path, url) as replicas:
        await revoke(replicas)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(b"GRANT ALL ON audit TO purecloud_bot")  # a warning, and nothing is granted
        for statement in FORBIDDEN:
            with pytest.raises(InsufficientPrivilege):
                await connection.execute(statement.encode())
    opened = Database(PostgresDriver(url))
    report = await verify(opened, key=AuditChain())
    await opened.close()
    assert re.match(r"ok: [78] rows", report.line)


async def test_upgrade__that_changes_the_table_says_so_and_works_with_the_lent_right(
    postgres: Server, database: str, tmp_path: Path
) -> None:
    url = as_bot(postgres, database)
    await start_once(tmp_path, url)
    await postgres.do(GRANTS, database)
    with pytest.raises(SettingsError) as refused:
        await upgrade(url)
    assert refused.value.problems == ["DATABASE_URL: the database cannot be used (must be owner of table audit)"]
    opened = Database(PostgresDriver(url))
    assert await opened.read(revision) == HEAD
    await opened.close()
    await postgres.do(LEND, database)
    assert await upgrade(url)
    await postgres.do(TAKE_BACK, database)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        with pytest.raises(InsufficientPrivilege):
            await connection.execute(b"UPDATE audit SET weather = 'fair'")


async def test_erasure__needs_the_lent_right(
    postgres: Server, database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = as_bot(postgres, database)
    await start_once(tmp_path, url)
    await postgres.do(GRANTS, database)
    environ = {"DATABASE_URL": url}
    run = partial(asyncio.to_thread, main, ["erase", "--person", personas.OLIVIA, "--confirm"], environ)
    assert await run() == 2
    assert capsys.readouterr().err == (
        "DATABASE_URL: the database cannot be used (permission denied for table audit)\n"
    )
    await postgres.do(LEND, database)
    assert await run() == 0
    await postgres.do(TAKE_BACK, database)
    capsys.readouterr()
    assert await asyncio.to_thread(main, ["audit", "verify"], environ) == 0
    assert "personal data was erased from" in capsys.readouterr().err
