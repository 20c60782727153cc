"""PostgreSQL connections: URLs as hosts write them, error translation, broken connections."""

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


def require_own_server(postgres: Server) -> None:
    if postgres.programs is None:
        pytest.skip("the tests do not control the users and files of the server that TEST_DATABASE_URL names")


async def query(url: str, statement: str = "SELECT 1", database: Database | None = None) -> str:
    """Execute a statement on the server of a URL and return its result."""
    opened = database or Database(postgres_engine(url))
    try:
        return await opened.write(lambda tx: str(tx.execute(text(statement)).scalar_one()))
    finally:
        await opened.close()


async def test_url__of_hosting_providers_connects(postgres: Server) -> None:
    async with postgres.emptied() as url:
        for variant in (
            url,
            url.replace("postgres://", "postgresql://"),
            f"{url}?sslmode=disable",
            f"{url}?sslmode=prefer&channel_binding=prefer&connect_timeout=10&application_name=bot",
            f"{url}?keepalives=1&keepalives_idle=30&sslsni=1&sslcompression=0&target_session_attrs=read-write",
        ):
            assert await query(variant, "SHOW transaction_isolation") == "read committed"


async def test_url__options_are_read_as_psql_reads_them(postgres: Server) -> None:
    async with postgres.emptied() as url:
        assert await query(f"{url}?options=-c%20search_path%3Dbots", "SHOW search_path") == "bots"


async def test_url__unix_socket_connects(postgres: Server) -> None:
    require_own_server(postgres)
    credentials, _, host = postgres.url.partition("@")
    port = host.partition(":")[2].partition("/")[0]
    async with postgres.emptied() as url:
        database = url.rpartition("/")[2]
        socket_url = f"{credentials}@/{database}?host={postgres.data.parent}&port={port}"
        assert await query(socket_url, "SELECT inet_client_addr() IS NULL") == "True"


async def test_url__required_encryption_is_not_skipped(postgres: Server) -> None:
    require_own_server(postgres)
    for mode in ("require", "verify-full"):
        with pytest.raises(DatabaseUnavailable, match="SSL"):
            await query(f"{postgres.url}?sslmode={mode}")


@pytest.mark.parametrize(
    ("change", "expected"),
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
async def test_connect__permanent_error_raises_settings_error(
    postgres: Server, change: tuple[str, str], expected: str
) -> None:
    require_own_server(postgres)
    head, _, tail = postgres.url.rpartition(change[0])
    with pytest.raises(SettingsError, match=f"DATABASE_URL: .*{expected}") as raised:
        await query(f"{head}{change[1]}{tail}")
    assert PASSWORD not in str(raised.value)


async def test_connect__closed_port_raises_database_unavailable() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(DatabaseUnavailable, match="cannot be reached"):
            await query(f"postgres://bot:secret@127.0.0.1:{closed.getsockname()[1]}/bot")


async def test_transaction__without_an_answer_times_out(postgres: Server) -> None:
    async with postgres.emptied() as url:
        database = Database(postgres_engine(url), timeout=0.5)
        with pytest.raises(DatabaseUnavailable):
            await query(url, "SELECT pg_sleep(60)::text", database)


async def test_transaction__of_a_vanished_process_ends_soon_after_the_timeout(
    postgres: Server,
) -> None:
    async with postgres.emptied() as url:
        seconds = await query(url, "SHOW idle_in_transaction_session_timeout")
    assert TRANSACTION_TIMEOUT < float(seconds.removesuffix("s")) < TRANSACTION_TIMEOUT + 2


async def test_connection__terminated_by_the_server_is_replaced(postgres: Server) -> None:
    async with postgres.emptied() as url:
        database = Database(postgres_engine(url))
        backend = await database.write(lambda tx: tx.execute(text("SELECT pg_backend_pid()")).scalar_one())
        await postgres.do(f"SELECT pg_terminate_backend({backend}, 5000)")
        assert await query(url, database=database) == "1"


async def test_connections__to_a_vanished_server_are_replaced_after_one_timeout(postgres: Server) -> None:
    async with postgres.emptied() as url, proxy_to(url) as proxy:
        database = Database(postgres_engine(proxy.route(url)), timeout=2.0)
        select_one = partial(database.write, lambda tx: tx.execute(text("SELECT 1")).scalar_one())
        await asyncio.gather(*(select_one() for _ in range(20)))

        proxy.stall_existing()
        with pytest.raises(DatabaseUnavailable):
            await select_one()
        assert await select_one() == 1
        await database.close()
