"""PostgreSQL as hosts hand it out: what an address may say, what a refusal means, connections that break."""

from __future__ import annotations

import asyncio
import socket
from functools import partial

import pytest
from sqlalchemy import text

from bot.db.engine import Database, DatabaseUnavailable
from bot.db.postgres import TRANSACTION_TIMEOUT, postgres_engine
from bot.errors import SettingsError
from tests.support.postgres import PASSWORD, Server
from tests.support.proxy import proxy_to


def own(postgres: Server) -> None:
    if postgres.programs is None:
        pytest.skip("TEST_DATABASE_URL names a server whose users and files are not the tests'")


async def says(address: str, statement: str = "SELECT 1", database: Database | None = None) -> str:
    """Ask a question of whoever stands behind an address."""
    asked = database or Database(postgres_engine(address))
    try:
        return await asked.write(lambda tx: str(tx.execute(text(statement)).scalar_one()))
    finally:
        await asked.close()


async def test_address__as_hosts_write_them(postgres: Server) -> None:
    async with postgres.emptied() as address:
        for written in (
            address,
            address.replace("postgres://", "postgresql://"),
            f"{address}?sslmode=disable",
            f"{address}?sslmode=prefer&channel_binding=prefer&connect_timeout=10&application_name=bot",
            f"{address}?keepalives=1&keepalives_idle=30&sslsni=1&sslcompression=0&target_session_attrs=read-write",
        ):
            assert await says(written, "SHOW transaction_isolation") == "read committed"


async def test_address__with_options_is_understood_as_psql_does(postgres: Server) -> None:
    async with postgres.emptied() as address:
        assert await says(f"{address}?options=-c%20search_path%3Dbots", "SHOW search_path") == "bots"


async def test_address__of_a_socket(postgres: Server) -> None:
    own(postgres)
    name, _, place = postgres.url.partition("@")
    port = place.partition(":")[2].partition("/")[0]
    async with postgres.emptied() as address:
        database = address.rpartition("/")[2]
        written = f"{name}@/{database}?host={postgres.data.parent}&port={port}"
        assert await says(written, "SELECT inet_client_addr() IS NULL") == "True"


async def test_address__that_asks_for_encryption_is_not_used_without(postgres: Server) -> None:
    own(postgres)
    for mode in ("require", "verify-full"):
        with pytest.raises(DatabaseUnavailable, match="SSL"):
            await says(f"{postgres.url}?sslmode={mode}")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("bot:", "bot:not"), "password authentication failed"),
        (("/postgres", "/nowhere"), 'database "nowhere" does not exist'),
        (("p%40ss%2F", "pass/"), "cannot be read"),
        (("/postgres", "/postgres?sslmode=sometimes"), "sslmode"),
        (("/postgres", "/postgres?ssl=true"), 'parameter "ssl"'),
        (("/postgres", "/postgres?require_auth=md5"), 'parameter "require_auth"'),
        (("/postgres", "/postgres?timezone=Mars"), '"TimeZone": "Mars"'),
        (("/postgres", "/postgres?sslrootcert=/no/file"), "sslrootcert names /no/file"),
        (("127.0.0.1:", "127.0.0.1:9"), "cannot be read"),
    ],
)
async def test_refusal__that_no_waiting_changes_is_a_setting(
    postgres: Server, change: tuple[str, str], told: str
) -> None:
    own(postgres)
    head, _, tail = postgres.url.rpartition(change[0])
    with pytest.raises(SettingsError, match=f"DATABASE_URL: .*{told}") as refused:
        await says(f"{head}{change[1]}{tail}")
    assert PASSWORD not in str(refused.value)


async def test_refusal__of_whoever_is_not_there_may_pass() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with pytest.raises(DatabaseUnavailable, match="cannot be reached"):
            await says(f"postgres://bot:secret@127.0.0.1:{nobody.getsockname()[1]}/bot")


async def test_transaction__that_nothing_answers_is_given_up(postgres: Server) -> None:
    async with postgres.emptied() as address:
        impatient = Database(postgres_engine(address), timeout=0.5)
        with pytest.raises(DatabaseUnavailable):
            await says(address, "SELECT pg_sleep(60)::text", impatient)


async def test_transaction__of_a_machine_that_is_gone_keeps_its_locks_little_longer_than_one_may_take(
    postgres: Server,
) -> None:
    async with postgres.emptied() as address:
        seconds = await says(address, "SHOW idle_in_transaction_session_timeout")
    assert TRANSACTION_TIMEOUT < float(seconds.removesuffix("s")) < TRANSACTION_TIMEOUT + 2


async def test_connection__that_was_cut_is_replaced_unnoticed(postgres: Server) -> None:
    async with postgres.emptied() as address:
        database = Database(postgres_engine(address))
        mine = await database.write(lambda tx: tx.execute(text("SELECT pg_backend_pid()")).scalar_one())
        await postgres.do(f"SELECT pg_terminate_backend({mine}, 5000)")
        assert await says(address, database=database) == "1"


async def test_connections__whose_machine_is_gone_without_a_word_are_given_up_together(postgres: Server) -> None:
    async with postgres.emptied() as address, proxy_to(address) as proxy:
        database = Database(postgres_engine(proxy.route(address)), timeout=2.0)
        ask_one = partial(database.write, lambda tx: tx.execute(text("SELECT 1")).scalar_one())
        await asyncio.gather(*(ask_one() for _ in range(20)))

        proxy.stall_existing()
        with pytest.raises(DatabaseUnavailable):
            await ask_one()
        assert await ask_one() == 1
        await database.close()
