"""A database of an earlier version: pending requests stay alive, and open jobs are completed.

`tests/data/database_0001.sql` is the dump of a SQLite file. The bot at revision 0001 of the schema wrote it against the
fakes and was killed while it had an acknowledged click to decide on and a DELETE to send.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from bot.db import metadata
from bot.db.engine import Database
from bot.db.job_queue import JobQueue
from bot.db.migrate import MIGRATIONS, migrate
from bot.db.postgres import PostgresDriver
from bot.db.requests import RequestStore
from bot.db.sealing import seal_older_rows
from bot.db.sqlite import SqliteDriver
from bot.domain.audit_chain import first_invalid
from bot.domain.requests import State
from bot.domain.seals import Seals, derive_key
from bot.sandbox import personas
from bot.sandbox.genesys.server import CLIENT
from tests.support.components import RENDERER, TOM, TOM_IN_GENESYS, Components, open_components
from tests.support.examples import NOON, SEALS, request
from tests.support.fault_harness import open_bot, recording_client
from tests.support.other_version import write_request_without_rules
from tests.support.postgres import Server
from tests.support.replicas import start_replicas
from tests.support.schema import OWNER

DUMP = Path(__file__).parents[1] / "data" / "database_0001.sql"

RECORDED = {
    "ends as expired": "expired",
    "ends as revoked": "revoked",
    "ends as refused": "refused",
    "ends as failed": "failed",
    "ends as unknown": "unknown",
    "ends as cancelled": "cancelled",
    "waits": "pending",
    "clicked": "pending",
    "executing": "approved",
}
"""The reason and the state of each request in the dump."""

TIMES = {
    "requests": ("created_at", "expires_at", "approved_at", "finished_at"),
    "jobs": ("created_at", "due_at", "lease_until", "done_at"),
}
"""The columns to move to the time of the test. The times of the audit log stay, because its hashes cover them."""


def put_old_database(path: Path) -> None:
    """Write the dumped database to a file, as if its process had ended at `NOON`.

    The fake Slack of the recording has ended, so its response_urls are removed.
    """
    dump = re.sub(r'(["\'])http://127\.0\.0\.1:\d+/response/[\w-]+\1', "NULL", DUMP.read_text())
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(dump.replace('": NULL', '": null'))
        (last,) = connection.execute("SELECT max(created_at) FROM jobs").fetchone()
        for table, columns in TIMES.items():
            for column in columns:
                connection.execute(f"UPDATE {table} SET {column} = {column} + ?", (NOON - last,))  # noqa: S608
        connection.commit()


def states(path: Path) -> dict[str, str]:
    """Return the reason and the state of each request in a file."""
    with closing(sqlite3.connect(path)) as connection:
        return dict(connection.execute("SELECT reason, state FROM requests"))


def request_id(path: Path, reason: str) -> str:
    with closing(sqlite3.connect(path)) as connection:
        return str(connection.execute("SELECT id FROM requests WHERE reason = ?", (reason,)).fetchone()[0])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    put_old_database(tmp_path / "bot.db")
    return tmp_path / "bot.db"


def sent_deletes(components: Components) -> list[str]:
    return [one.path for one in components.genesys.received("delete_token")]


async def test_upgrade__completes_open_jobs_and_keeps_pending_cards_alive(path: Path) -> None:
    assert states(path) == RECORDED
    pending = request_id(path, "waits")

    async with open_components(path.parent) as components, aiohttp.ClientSession() as session:
        url = str(components.purecloud.region.api_url)
        client = recording_client(session, api_url=url, login_url=url)
        async with open_bot(components, session, tokens=client, users=client, authorization=client) as bot:
            await bot.components.workspace.identify()
            await bot.run_jobs()
            restarted = states(path)
            before = len(sent_deletes(components))
            await bot.click(pending, by=personas.BEN)
            await bot.run_jobs()
            trail = await components.store.audit_events()

    assert restarted == RECORDED | {"clicked": "revoked", "executing": "revoked"}
    assert states(path) == restarted | {"waits": "revoked"}
    assert before == 2
    assert len(sent_deletes(components)) == 3
    assert all(one.endswith(TOM.id) for one in sent_deletes(components))
    assert first_invalid(trail) is None


@pytest.fixture(params=["sqlite", "postgresql"])
async def address(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The URL of an empty database of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'new.db'}"
        return
    server: Server = request.getfixturevalue("postgres")
    async with server.database(empty=True) as url:
        yield url


async def test_upgrade__to_stored_rules_keeps_pending_cards_alive(address: str, tmp_path: Path) -> None:
    """Requests from before schema 0006 have no rules, and the rules of now alone apply to them."""
    path = address.removeprefix("sqlite:///")
    driver = PostgresDriver(address) if path == address else SqliteDriver(Path(path))
    database = Database(driver)
    await migrate(database, [one for one in MIGRATIONS if one.revision < "0006"])
    await database.write(lambda tx: metadata.add(tx, OWNER))
    now = time.time()
    usual = request(
        target=TOM_IN_GENESYS, target_slack_id=personas.TOM, requester=personas.RAVI, created_at=now,
        expires_at=now + 600,
    )  # fmt: skip
    seals = Seals(derive_key(CLIENT.secret))
    for name, required in (("one", 1), ("two", 2)):
        made = replace(usual, id=name, reference=name, approvals_required=required)
        await write_request_without_rules(database, made, seals)
    await database.close()

    async with start_replicas(tmp_path, address) as bot:
        before = [await bot.store.get(name) for name in ("one", "two")]
        cards = [RENDERER.card(one) for one in before if one]
        one, two = [bot.slack.conversations.post(personas.OPS, card["text"], card["blocks"]) for card in cards]
        await bot.click(personas.BEN, one, 0)
        await bot.click(personas.BEN, two, 0)
        await bot.wait_until_idle()
        half = [await bot.store.get(name) for name in ("one", "two")]
        await bot.click(personas.OLIVIA, two, 0)
        await bot.wait_until_idle()
        after = await bot.store.get("two")

    assert [(one.rules, one.target_protected) for one in before if one] == [(None, False), (None, True)]
    assert [one.state for one in half if one] == [State.REVOKED, State.PENDING]
    assert after
    assert (after.state, after.approvals) == (State.REVOKED, (personas.BEN, personas.OLIVIA))
    assert len(bot.deletes) == 2


async def test_upgrade__of_rows_on_postgresql_keeps_requests_and_the_audit_log(postgres: Server, path: Path) -> None:
    inserts = [line for line in DUMP.read_text().splitlines() if line.startswith("INSERT INTO")]
    inserts.sort(key=lambda line: line.startswith('INSERT INTO "items"'))  # they refer to requests
    async with postgres.database(empty=True) as url:
        database = Database(PostgresDriver(url))
        await migrate(database, MIGRATIONS[:1])
        await postgres.do("\n".join(one for one in inserts if "alembic_version" not in one), url.rpartition("/")[2])

        store = RequestStore(database, JobQueue(database, "one#1"), SEALS)
        assert await migrate(database, upgraded=partial(seal_older_rows, seals=store.seals)) is True
        found = [await store.get(request_id(path, reason)) for reason in RECORDED]
        trail = await store.audit_events()
        depth = await store.jobs.depth()
        await database.close()

    assert {one.reason: one.state for one in found if one} == RECORDED
    opened = {one.reason for one in found if one and SEALS.is_intact(one)}
    assert opened == {reason for reason, state in RECORDED.items() if state in ("pending", "approved")}
    assert first_invalid(trail) is None
    assert (depth["click"], depth["target"]) == (1, 1)
    outcomes = {one.state: one.outcome.get("code") for one in found if one}
    assert (outcomes[State.REVOKED], outcomes[State.REFUSED]) == ("executed", "genesys_forbidden")
