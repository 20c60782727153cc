"""PostgreSQL connections: URLs as hosts write them, error translation, broken connections."""

from __future__ import annotations

import asyncio
import os
import re
import socket
from functools import partial
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from bot.db import postgres as postgres_driver
from bot.db.driver import TRANSACTION_TIMEOUT, ConnectionLost, DatabaseFull, DatabaseUnavailable
from bot.db.engine import Database
from bot.db.postgres import PostgresDriver, is_permanent
from bot.errors import SettingsError
from tests.support.postgres import PASSWORD, Server
from tests.support.proxy import proxy_to
from tests.support.recording_driver import RecordingDriver


def require_own_server(postgres: Server) -> None:
    if postgres.programs is None:
        pytest.skip("the tests do not control the users and files of the server that TEST_DATABASE_URL names")


async def query(url: str, statement: str = "SELECT 1", database: Database | None = None) -> str:
    """Execute a statement on the server of a URL and return its result."""
    opened = database or Database(PostgresDriver(url))
    try:
        return await opened.write(lambda tx: str(tx.fetch(statement)[0][0]))
    finally:
        await opened.close()


async def test_url__of_hosting_providers_connects(postgres: Server) -> None:
    async with postgres.emptied() as url:
        for variant in (
            url,
            url.replace("postgres://", "postgresql://"),
            f"{url}?sslmode=disable",
            f"{url}?sslmode=prefer&channel_binding=prefer&connect_timeout=10&application_name=bot",
            f"{url}?keepalives=1&keepalives_idle=30&sslsni=1&sslcompression=0&target_session_attrs=any",
            f"{url}?require_auth=scram-sha-256",
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
    for parameters in ("sslmode=require", "ssl=true"):
        with pytest.raises(SettingsError, match="does not support SSL"):
            await query(f"{postgres.url}?{parameters}")


async def test_url__first_of_several_hosts_may_be_down(postgres: Server) -> None:
    async with postgres.emptied() as url:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            several = url.replace("@", f"@127.0.0.1:{closed.getsockname()[1]},")
            assert await query(several) == "1"


@pytest.mark.parametrize(("hosts", "port"), [("one,two", ","), ("one,two:5433", ",5433"), ("one", None)])
def test_url__hosts_without_a_port_are_accepted(hosts: str, port: str | None) -> None:
    assert conninfo_to_dict(PostgresDriver(f"postgres://bot@{hosts}/bot").address).get("port") == port


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ("sslmode=verify-full", "sslrootcert=system"),
        ("sslmode=verify-full&sslrootcert=/etc/ca.pem", "sslrootcert=/etc/ca.pem"),
        ("sslmode=require", None),
    ],
)
def test_url__verify_full_trusts_the_authorities_of_the_system_unless_it_names_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, parameters: str, expected: str | None
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("PGSSLROOTCERT", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    address = PostgresDriver(f"postgres://db/bot?{parameters}").address
    found = [one for one in address.split() if one.startswith("sslrootcert")]
    assert found == ([expected] if expected else [])
    assert ("SSL_CERT_FILE" in os.environ) is (expected == "sslrootcert=system"), "psycopg's OpenSSL looks elsewhere"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("bot:", "bot:not"), "password authentication failed"),
        (("/postgres", "/nowhere"), 'database "nowhere" does not exist'),
        (("p%40ss%2F", "pass/"), "cannot be read"),
        (("/postgres", "/postgres?sslmode=sometimes"), "sslmode"),
        (("/postgres", "/postgres?pgbouncer=true"), 'no parameter "pgbouncer"; remove it'),
        (("/postgres", "/postgres?ssl=require"), "write sslmode=require in its place"),
        (("/postgres", "/postgres?useSSL=true"), "write sslmode=require in its place"),
        (("/postgres", "/postgres?tls=1"), "write sslmode=require in its place"),
        (("/postgres", "/postgres?require_auth=md5"), "authentication method"),
        (("/postgres", "/postgres?options=-c%20timezone%3DMars"), '"TimeZone": "Mars"'),
        (("/postgres", "/postgres?sslmode=verify-full"), "does not support SSL"),
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


@pytest.mark.parametrize(
    "parameter",
    [
        "connect_timeout=soon",
        "connect_timeout=",
        "tcp_user_timeout=long",
        "keepalives=yes",
        "sslmode=no",
        "channel_binding=no",
        "target_session_attrs=primry",
        "ssl_min_protocol_version=TLSv9",
        "hostaddr=localhost",
        "service=bot",
        "scram_client_key=x",
    ],
)
async def test_connect__value_that_no_server_accepts_raises_settings_error(parameter: str) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(SettingsError, match="DATABASE_URL: "):
            await query(f"postgres://bot:secret@127.0.0.1:{closed.getsockname()[1]}/bot?{parameter}")


ADDRESS_ERRORS = [
    "bad value for connect_timeout: 'soon'",
    'invalid integer value "long" for connection option "tcp_user_timeout"',
    'invalid sslmode value: "no"',
    'invalid port number: "70000"',
    'could not parse network address "localhost": Name or service not known',
    "could not match 2 port numbers to 3 hosts",
    'definition of service "bot" not found',
    "invalid SCRAM client key",
]

REFUSALS = [
    'FATAL:  password authentication failed for user "bot"',
    "fe_sendauth: no password supplied",
    'FATAL:  no pg_hba.conf entry for host "127.0.0.1", user "bot", database "bot", no encryption',
    'authentication method requirement "md5" failed: server did not complete authentication',
    'FATAL:  role "bot" does not exist',
    'FATAL:  database "bot" does not exist',
    'FATAL:  permission denied for database "bot"',
    "server does not support SSL, but SSL was required",
    "SSL error: certificate verify failed",
    'FATAL:  unrecognized configuration parameter "mars"',
    'FATAL:  invalid value for parameter "TimeZone": "Mars"',
    "FATAL:  unsupported startup parameter: options",
]

OUTAGES = [
    "Connection refused",
    "timeout expired",
    "Connection timed out",
    "FATAL:  the database system is starting up",
    "FATAL:  the database system is shutting down",
    "FATAL:  sorry, too many clients already",
    "session is read-only",
]


@pytest.mark.parametrize("problem", ADDRESS_ERRORS)
def test_is_permanent__error_about_the_address_is_whatever_another_host_says(problem: str) -> None:
    assert is_permanent(problem)
    assert all(is_permanent(f"{outage} {problem}") for outage in OUTAGES)


@pytest.mark.parametrize("problem", REFUSALS)
def test_is_permanent__refusal_is_unless_another_host_has_an_outage(problem: str) -> None:
    assert is_permanent(problem)
    assert not any(is_permanent(f"{outage} {problem}") for outage in OUTAGES)


@pytest.mark.parametrize("problem", [*OUTAGES, "server closed the connection unexpectedly", ""])
def test_is_permanent__any_other_error_is_not(problem: str) -> None:
    assert not is_permanent(problem)


@pytest.mark.parametrize(
    ("pattern", "texts"),
    [(postgres_driver.ADDRESS_ERRORS, ADDRESS_ERRORS), (postgres_driver.REFUSALS, REFUSALS),
     (postgres_driver.OUTAGES, OUTAGES)],
)  # fmt: skip
def test_is_permanent__each_text_of_a_pattern_has_an_example(pattern: re.Pattern[str], texts: list[str]) -> None:
    alternatives = re.split(r"\|(?![^(]*\))", pattern.pattern)
    assert [one for one in alternatives if not any(re.search(one, text) for text in texts)] == []
    assert [text for text in texts if sum(re.search(one, text) is not None for one in alternatives) != 1] == []


async def test_connect__closed_port_raises_database_unavailable() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(DatabaseUnavailable, match="cannot be reached"):
            await query(f"postgres://bot:secret@127.0.0.1:{closed.getsockname()[1]}/bot")


async def test_transaction__that_hangs_is_ended_by_the_server(postgres: Server) -> None:
    """Its lock would otherwise stop every writer."""
    async with postgres.emptied() as url:
        database = Database(PostgresDriver(url, statement_timeout=0.1))
        with pytest.raises(DatabaseUnavailable, match="statement timeout"):
            await database.write(lambda tx: tx.fetch("SELECT pg_sleep(60)"))
        assert await query(url) == "1"
        await database.close()


async def test_transaction__without_a_limit_may_take_longer(postgres: Server) -> None:
    async with postgres.emptied() as url:
        database = Database(PostgresDriver(url, statement_timeout=0.05), timeout=0.05)
        assert len(await database.write(lambda tx: tx.fetch("SELECT pg_sleep(0.2)"), limited=False)) == 1
        await database.close()


async def test_transaction__of_a_vanished_process_ends_soon_after_the_timeout(postgres: Server) -> None:
    async with postgres.emptied() as url:
        seconds = await query(url, "SHOW idle_in_transaction_session_timeout")
    assert TRANSACTION_TIMEOUT < float(seconds.removesuffix("s")) < TRANSACTION_TIMEOUT + 2


async def test_connection__terminated_by_the_server_is_replaced(postgres: Server) -> None:
    async with postgres.emptied() as url:
        database = Database(PostgresDriver(url))
        backend = await database.write(lambda tx: tx.fetch("SELECT pg_backend_pid()")[0][0])
        await postgres.do(f"SELECT pg_terminate_backend({backend}, 5000)")
        assert await query(url, database=database) == "1"


async def test_connections__to_a_vanished_server_are_replaced_after_one_timeout(postgres: Server) -> None:
    async with postgres.emptied() as url, proxy_to(url) as proxy:
        database = Database(PostgresDriver(proxy.route(url)), timeout=2.0)
        select_one = partial(database.write, lambda tx: tx.fetch("SELECT 1")[0][0])
        await asyncio.gather(*(select_one() for _ in range(20)))

        proxy.stall_existing()
        with pytest.raises(DatabaseUnavailable):
            await select_one()
        assert await select_one() == 1
        await database.close()


async def test_connection__that_became_read_only_is_replaced(postgres: Server) -> None:
    """After a failover, an address can lead to a standby, and to the primary a moment later."""
    async with postgres.emptied() as url:
        driver = RecordingDriver(PostgresDriver(f"{url}?target_session_attrs=any"))
        database = Database(driver)
        await database.write(lambda tx: tx.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"))
        await database.write(lambda tx: tx.execute("DELETE FROM jobs"))
        assert driver.connects == 2
        await database.close()


async def test_transaction__that_gets_no_lock_leaves_a_connection_that_works(postgres: Server) -> None:
    """A role or a database may have a `lock_timeout`, which ends the statement and not the transaction."""
    async with postgres.emptied() as url:
        database = Database(PostgresDriver(f"{url}?options=-c%20lock_timeout%3D20"))
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as other:
            await other.execute("SELECT pg_advisory_lock(%s)", (postgres_driver.WRITER_LOCK,))
            with pytest.raises(DatabaseUnavailable, match="lock timeout"):
                await database.write(lambda tx: tx.fetch("SELECT 1"))
        assert await query(url, database=database) == "1"


NO_LOCK = """
CREATE FUNCTION pg_advisory_xact_lock(integer) RETURNS void LANGUAGE plpgsql AS 'BEGIN RAISE ''no lock''; END'
"""


async def test_transaction__whose_begin_failed_half_way_leaves_a_connection_that_works(postgres: Server) -> None:
    async with postgres.database(empty=True) as url:
        name = url.rpartition("/")[2]
        driver = RecordingDriver(PostgresDriver(f"{url}?options=-c%20search_path%3Dpublic,pg_catalog"))
        database = Database(driver)
        await postgres.do(NO_LOCK, name)
        with pytest.raises(psycopg.errors.RaiseException, match="no lock"):
            await database.write(lambda tx: tx.fetch("SELECT 1"))
        await postgres.do("DROP FUNCTION pg_advisory_xact_lock(integer)", name)
        assert await query(url, database=database) == "1"
    assert driver.connects == 1


async def test_session__is_left_as_it_was(postgres: Server) -> None:
    """A pooler gives the next transaction another session, so no transaction may rely on one."""
    async with postgres.emptied() as url:
        driver = RecordingDriver(PostgresDriver(url))
        database = Database(driver)
        await database.write(lambda tx: tx.execute("DELETE FROM jobs WHERE id = :id", id=1), durable=False)
        found = await database.read(
            lambda tx: tx.fetch(
                "SELECT current_setting('synchronous_commit') AS a, current_setting('statement_timeout') AS b,"
                " (SELECT count(*) FROM pg_prepared_statements) AS c,"
                " (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()) AS d"
            )
        )
        assert [tuple(row) for row in found] == [("on", "0", 0, 0)]
        await database.close()


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("25006", ConnectionLost),  # read_only_sql_transaction
        ("25P03", ConnectionLost),  # idle_in_transaction_session_timeout
        ("25P04", ConnectionLost),  # transaction_timeout
        ("40P01", ConnectionLost),  # deadlock_detected
        ("55P03", ConnectionLost),  # lock_not_available
        ("57P01", ConnectionLost),  # admin_shutdown
        ("57P03", ConnectionLost),  # cannot_connect_now
        ("08006", ConnectionLost),  # connection_failure
        ("53300", ConnectionLost),  # too_many_connections
        ("53100", DatabaseFull),  # disk_full
        ("58030", DatabaseFull),  # io_error
        ("23505", psycopg.errors.UniqueViolation),
        ("25P02", psycopg.errors.InFailedSqlTransaction),
        ("42P01", psycopg.errors.UndefinedTable),
    ],
)
def test_translate__distinguishes_errors_that_a_retry_may_resolve(state: str, expected: type[Exception]) -> None:
    error = psycopg.errors.lookup(state)("no")
    assert type(PostgresDriver("postgres://db/bot").translate(error)) is expected


def test_translate__pooler_that_allows_no_transaction_is_a_wrong_setting() -> None:
    """Waiting would not help, although the code is that of a broken protocol."""
    error = psycopg.errors.lookup("08P01")("transaction blocks not allowed in statement pooling mode")
    translated = PostgresDriver("postgres://db/bot").translate(error)
    assert isinstance(translated, SettingsError)
    assert "set it to transaction or session mode" in str(translated)
