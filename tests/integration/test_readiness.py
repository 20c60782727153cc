"""The bot is ready if and only if a click leads to a DELETE, whatever breaks while it runs."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import ClientSession
from structlog.testing import capture_logs

from bot.app import running
from bot.bootstrap import Services
from bot.db.driver import DatabaseUnavailable
from bot.sandbox import personas
from bot.sandbox.genesys.server import GenesysFault
from bot.sandbox.slack.faults import SlackFault
from bot.sandbox.slack.server import Delivery
from bot.settings import read_settings
from bot.web.readiness import EXPLANATIONS, MAX_CLOCK_OFFSET, MAX_SECONDS_SINCE_POLL, Readiness
from tests.support.app_harness import AppHarness
from tests.support.checks_harness import open_checks_harness
from tests.support.clock import FakeClock

TIMEOUT = 60.0
"""Maximum time to wait for readiness to change, in seconds. Long, because a test machine can be slow."""

SLACK_METHODS = ("auth.test", "users.info", "usergroups.users.list", "chat.postMessage", "chat.update")


def database_of(app: AppHarness) -> Path:
    return Path(app.environ["DATABASE_URL"].removeprefix("sqlite:///"))


def execute(app: AppHarness, statement: str) -> None:
    with closing(sqlite3.connect(database_of(app), isolation_level=None)) as connection:
        connection.execute(statement)


async def readyz(app: AppHarness) -> tuple[int, dict[str, str]]:
    """Return the status of `/readyz` and the parts it lists."""
    async with ClientSession() as session, session.get(f"{app.url}/readyz") as response:
        return response.status, (await response.json())["missing"]


async def wait_for_readyz(app: AppHarness, status: int) -> dict[str, str]:
    """Wait until `/readyz` returns a status; return the parts it lists."""
    async with asyncio.timeout(TIMEOUT):
        while True:
            found, missing = await readyz(app)
            if found == status:
                return missing
            await asyncio.sleep(0.05)


async def click_on_new_card(app: AppHarness) -> Delivery:
    card = await app.request_card(personas.OLIVIA, "revoke @nadia")
    return await app.slack.click(personas.OLIVIA, card, "approve")


@dataclass(frozen=True)
class Dependency:
    """A part that the bot needs. `fail` breaks it under the running bot, and `mend` repairs it."""

    name: str
    fail: Callable[[AppHarness], None]
    mend: Callable[[AppHarness], None]
    code: str = ""
    """What Slack answers, which `/readyz` repeats."""


def end_genesys_token(app: AppHarness) -> None:
    app.genesys.state.revoke_all_tokens()
    app.genesys.fault("login", GenesysFault(status=401, times=None))


def reject_genesys_tokens(app: AppHarness) -> None:
    for operation in ("delete_token", "head_tokens_me"):
        app.genesys.fault(operation, GenesysFault(status=401, times=None))


def end_slack_token(app: AppHarness, code: str) -> None:
    for method in SLACK_METHODS:
        app.slack.fault(method, SlackFault(error=code, times=None))


DEPENDENCIES = [
    Dependency("genesys", end_genesys_token, lambda app: app.genesys.faults.clear()),
    Dependency("genesys", reject_genesys_tokens, lambda app: app.genesys.faults.clear()),
    *(
        Dependency("slack", partial(end_slack_token, code=code), lambda app: app.slack.clear_faults(), code)
        for code in ("token_revoked", "invalid_auth", "account_inactive")
    ),
    Dependency(
        "store",
        lambda app: execute(app, "ALTER TABLE jobs RENAME TO away"),
        lambda app: execute(app, "ALTER TABLE away RENAME TO jobs"),
    ),
]


async def test_readyz__names_slacks_code_for_a_token_that_was_never_accepted(tmp_path: Path) -> None:
    async with open_checks_harness(tmp_path) as fakes:
        environ = fakes.environ | {"SLACK_BOT_TOKEN": "xoxb-1-wrong"}
        async with running(read_settings(environ)) as server, asyncio.timeout(TIMEOUT), ClientSession() as session:
            while server.services.workspace.problem is None:  # noqa: ASYNC110 - it sends no notification
                await asyncio.sleep(0.01)
            async with session.get(f"http://127.0.0.1:{server.port}/readyz") as response:
                missing = (await response.json())["missing"]

    assert missing["slack"] == f"{EXPLANATIONS['slack']} (invalid_auth)"


@pytest.mark.parametrize("broken", DEPENDENCIES, ids=lambda one: one.name)
async def test_readyz__follows_each_dependency_that_breaks_while_running(app: AppHarness, broken: Dependency) -> None:
    card = await app.request_card(personas.OLIVIA, "revoke @tom")
    await app.wait_until_idle()
    assert await readyz(app) == (200, {})

    broken.fail(app)
    await app.slack.click(personas.OLIVIA, card, "approve")
    missing = await wait_for_readyz(app, 503)
    again = await readyz(app)
    done = [one for one in app.deletes if one.status and one.status < 300]
    broken.mend(app)
    recovered = await wait_for_readyz(app, 200)

    code = f" ({broken.code})" if broken.code else ""
    assert missing == {broken.name: f"{EXPLANATIONS[broken.name]}{code}"}
    assert again == (503, missing)
    assert done == []
    assert recovered == {}
    await click_on_new_card(app)
    await app.wait_for_message("Revoked: all sessions of Nadia Novak")


@contextmanager
def moved_away(file: Path) -> Iterator[Path]:
    """Move a file to another name, and back at the end."""
    away = file.with_name("away.db")
    file.rename(away)
    try:
        yield away
    finally:
        away.rename(file)


async def test_database_file__that_is_gone_is_named_and_nothing_is_acknowledged(app: AppHarness) -> None:
    card = await app.request_card(personas.OLIVIA, "revoke @tom")
    await app.wait_until_idle()
    posted = len(app.slack.messages)

    with moved_away(database_of(app)):
        status, missing = await readyz(app)
        click = await app.slack.click(personas.OLIVIA, card, "approve")
        command = await app.send_command(personas.OLIVIA, "revoke @pia")

    assert (status, missing["store"]) == (503, EXPLANATIONS["store"])
    assert click.status == 503
    assert command.status == 503
    assert not any((await app.server.services.store.jobs.depth()).values())
    assert await app.audit_tags() == ["request:asked"]
    assert not any(app.slack.buttons(message) for message in app.slack.messages[posted:])
    assert not app.deletes


async def test_database_file__that_another_file_replaced_is_named(app: AppHarness) -> None:
    file = database_of(app)
    with moved_away(file) as away:
        file.write_bytes(away.read_bytes())
        status, missing = await readyz(app)
        file.unlink()

    assert (status, missing["store"]) == (503, EXPLANATIONS["store"])


async def test_worker__that_has_not_polled_for_ten_seconds_is_named(app: AppHarness) -> None:
    services = app.server.services
    stuck: Any = SimpleNamespace(seconds_since_poll=MAX_SECONDS_SINCE_POLL + 1)

    assert await Readiness(replace(services, worker=stuck)).missing() == {"worker": EXPLANATIONS["worker"]}
    stuck.seconds_since_poll = MAX_SECONDS_SINCE_POLL
    assert await Readiness(replace(services, worker=stuck)).missing() == {}
    assert services.worker.seconds_since_poll < MAX_SECONDS_SINCE_POLL


@pytest.mark.parametrize("offset", [MAX_CLOCK_OFFSET + 5, -MAX_CLOCK_OFFSET - 5])
async def test_clock__that_differs_from_the_servers_is_named_until_it_is_set(app: AppHarness, offset: float) -> None:
    offsets = [0.0, offset, 0.0]
    readiness = Readiness(app.server.services, clock=lambda: time.time() + offsets[0])
    found = []
    for _ in range(3):
        found.append(await readiness.missing())
        offsets.append(offsets.pop(0))

    assert found == [{}, {"clock": EXPLANATIONS["clock"]}, {}]
    assert len(app.slack.calls_of("auth.test")) == 2, "one call measures the difference again"


def with_store(app: AppHarness, check_writable: Callable[[], Awaitable[None]]) -> Services:
    """Return the services with another check of the store."""
    services = app.server.services
    store: Any = SimpleNamespace(jobs=SimpleNamespace(check_writable=check_writable), database=services.store.database)
    return replace(services, store=store)


async def test_probes__of_the_same_second_store_one_row(app: AppHarness) -> None:
    clock, stored = FakeClock(), []

    async def check() -> None:
        stored.append(clock.now)
        await asyncio.sleep(0)

    readiness = Readiness(with_store(app, check), monotonic=clock)
    assert await asyncio.gather(*(readiness.missing() for _ in range(400))) == [{}] * 400
    clock.advance(1)
    assert await readiness.missing() == {}

    assert stored == [0.0, 1.0]


async def test_new_database__is_ready_soon_after_its_tables_exist(app: AppHarness) -> None:
    clock, tables_exist = FakeClock(), False

    async def check() -> None:
        if not tables_exist:
            raise DatabaseUnavailable("no such table: jobs")

    readiness = Readiness(with_store(app, check), monotonic=clock)
    assert list(await readiness.missing()) == ["store"]
    tables_exist = True
    assert list(await readiness.missing()) == ["store"], "a flood of probes causes no flood of attempts"
    clock.advance(0.1)
    assert await readiness.missing() == {}


async def test_readyz__shows_no_message_of_the_database_and_logs_it_once(app: AppHarness) -> None:
    with capture_logs() as logs:
        execute(app, "ALTER TABLE jobs RENAME TO away")
        await wait_for_readyz(app, 503)
        async with ClientSession() as session, session.get(f"{app.url}/readyz") as response:
            text = await response.text()
        execute(app, "ALTER TABLE away RENAME TO jobs")
        await wait_for_readyz(app, 200)

    mine = [(one["event"], one["part"]) for one in logs if "readiness" in one["event"]]
    assert mine == [("readiness.lost", "store"), ("readiness.restored", "store")]
    assert "jobs" not in text
    assert "Error" not in text
    assert "sqlite" not in text.lower()


async def test_missing__shows_none_of_the_cause(app: AppHarness) -> None:
    cause = 'PostgreSQL: role "bot" is not permitted to log in at db.internal'

    async def fail() -> None:
        raise DatabaseUnavailable(cause)

    with capture_logs() as logs:
        readiness = Readiness(with_store(app, fail))
        missing = [await readiness.missing() for _ in range(3)]

    assert missing == [{"store": EXPLANATIONS["store"]}] * 3
    assert [one["problem"] for one in logs if one["event"] == "readiness.lost"] == [cause]
