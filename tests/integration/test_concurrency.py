"""Many users at once while Genesys Cloud fails: bounded calls and a reply for each."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import ClientSession

from bot.domain.requests import State
from bot.sandbox import personas
from bot.sandbox.genesys.server import GenesysFault
from bot.sandbox.slack.workspace import SlackUser
from bot.worker import CONCURRENCY
from tests.conftest import StartApp
from tests.support.agents import add_agents
from tests.support.app_harness import AppHarness
from tests.support.components import Components, open_components
from tests.support.fault_harness import BotHarness, RecordingClient, open_bot, recording_client

USERS = 50

ATTEMPTS_PER_CALL = 3
"""Maximum number of attempts the client makes for one call with retryable failures."""

ROUNDS_PER_DELETE = 2
"""Number of calls the worker makes for one DELETE with retryable failures."""

DOWN = GenesysFault(status=503, times=None)


@pytest.fixture
async def components(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        for number in range(USERS):
            member = SlackUser(id=f"U0CROWD{number:03}", name=f"crowd{number}", real_name=f"Crowd {number}")
            opened.slack.members[member.id] = member
        opened.slack.groups[personas.TOKEN_APPROVERS].members.extend(user_ids())
        yield opened


def user_ids() -> list[str]:
    return [f"U0CROWD{number:03}" for number in range(USERS)]


@asynccontextmanager
async def bot_for_all(components: Components) -> AsyncIterator[tuple[BotHarness, RecordingClient]]:
    """Start a bot in which every user may request and approve."""
    url = str(components.purecloud.region.api_url)
    async with aiohttp.ClientSession() as session:
        client = recording_client(session, api_url=url, login_url=url)
        async with open_bot(
            components, session, tokens=client, users=client, authorization=client, requesters=",".join(user_ids())
        ) as one:
            await one.components.workspace.identify()
            yield one, client


def call_counts(client: RecordingClient) -> Counter[str]:
    return Counter(call.operation for call in client.attempts)


async def test_fifty_requests__while_login_fails_share_one_login_and_its_failure(components: Components) -> None:
    components.genesys.fault("login", DOWN)
    async with bot_for_all(components) as (one, client):
        await asyncio.gather(*(one.command(f"revoke <@{personas.TOM}>", by=user) for user in user_ids()))
        await one.run_jobs()

        replies = [one.messages(user)[-1].text for user in user_ids()]

    assert all("Nothing was changed" in text for text in replies)
    assert call_counts(client) == {"login": 2}, "one login and its one retry"


async def test_fifty_requests__while_the_api_fails_make_a_bounded_number_of_calls(components: Components) -> None:
    components.genesys.fault("search_by_email", DOWN)
    async with bot_for_all(components) as (one, client):
        await asyncio.gather(*(one.command(f"revoke <@{personas.TOM}>", by=user) for user in user_ids()))
        await one.run_jobs()

        replies = [one.messages(user)[-1].text for user in user_ids()]

    assert all("Nothing was changed" in text for text in replies)
    assert call_counts(client)["login"] == 1
    assert 1 <= call_counts(client)["search_by_email"] <= USERS * ATTEMPTS_PER_CALL, "commands that wait share one"


async def test_fifty_approvals__while_the_api_fails_all_end_as_failed(components: Components) -> None:
    """Each DELETE takes at most two rounds of three attempts.

    No DELETE is sent after the outcome is stored. Some rounds run out of time, because concurrent waits all advance the
    fake clock.
    """
    async with bot_for_all(components) as (one, client):
        agents = add_agents(components.genesys, USERS)
        for user, agent in zip(user_ids(), agents, strict=True):
            await one.command(f"revoke {agent.id}", by=user)
        await one.run_jobs()
        request_ids = [str(row.request_id) for row in await one.audit_events() if row.tag == "request:asked"]
        components.genesys.fault("delete_token", DOWN)
        for request_id, user in zip(request_ids, user_ids(), strict=True):
            await one.click(request_id, by=user)
        await one.run_jobs()
        requests = [await components.store.get(request_id) for request_id in request_ids]

    assert {request.state for request in requests if request} == {State.FAILED}
    deletes = call_counts(client)["delete_token"]
    assert USERS * ROUNDS_PER_DELETE <= deletes <= USERS * ATTEMPTS_PER_CALL * ROUNDS_PER_DELETE


async def test_fifty_clicks__on_one_card_while_the_api_fails_execute_once(components: Components) -> None:
    async with bot_for_all(components) as (one, client):
        await one.command(f"revoke <@{personas.TOM}>", by=user_ids()[0])
        await one.run_jobs()
        request_id = await one.last_request_id()
        components.genesys.fault("delete_token", DOWN)
        await asyncio.gather(*(one.click(request_id, by=user) for user in user_ids()))
        await one.run_jobs()

    assert call_counts(client)["delete_token"] == ATTEMPTS_PER_CALL * ROUNDS_PER_DELETE


async def test_401__for_all_concurrent_deletes_renews_the_token_once(components: Components) -> None:
    users = user_ids()[:CONCURRENCY]
    async with bot_for_all(components) as (one, client):
        agents = add_agents(components.genesys, len(users))
        for user, agent in zip(users, agents, strict=True):
            await one.command(f"revoke {agent.id}", by=user)
        await one.run_jobs()
        request_ids = [str(row.request_id) for row in await one.audit_events() if row.tag == "request:asked"]
        components.genesys.state.revoke_all_tokens()
        for request_id, user in zip(request_ids, users, strict=True):
            await one.click(request_id, by=user)
        await one.run_jobs()

    assert call_counts(client)["login"] == 2
    assert call_counts(client)["delete_token"] <= 2 * CONCURRENCY, "each concurrent DELETE is repeated at most once"


async def readyz_statuses(app: AppHarness, count: int) -> list[int]:
    """Return the statuses of consecutive requests for `/readyz`."""
    async with ClientSession() as session:

        async def probe() -> int:
            async with session.get(f"{app.url}/readyz") as response:
                return response.status

        return [await probe() for _ in range(count)]


async def test_readyz__with_a_wrong_secret_limits_logins(start_app_with: StartApp) -> None:
    app = await start_app_with(PURECLOUD_SECRET="wrong")

    statuses = await readyz_statuses(app, USERS)

    assert set(statuses) == {503}
    assert len(app.genesys.received("login")) <= USERS // 2


async def test_readyz__while_login_fails_limits_logins(start_app_with: StartApp) -> None:
    app = await start_app_with()
    app.genesys.fault("login", DOWN)

    statuses = await readyz_statuses(app, USERS)

    assert set(statuses) == {503}
    assert len(app.genesys.received("login")) <= USERS // 2
