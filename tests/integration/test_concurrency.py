"""Many people at once while Genesys Cloud is down: the calls are bounded, and nobody is left without an answer."""

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
from bot.worker import SLOTS
from tests.conftest import StartApp
from tests.support.app_harness import AppHarness
from tests.support.components import Components, open_components
from tests.support.fault_harness import Bot, Client, bot, client_of

PEOPLE = 50

TRIES = 3
"""What the client makes of one call that meets a passing fault."""

ROUNDS = 2
"""What the worker makes of one DELETE that meets one."""

DOWN = GenesysFault(status=503, times=None)


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        for number in range(PEOPLE):
            one = SlackUser(id=f"U0CROWD{number:03}", name=f"crowd{number}", real_name=f"Crowd {number}")
            opened.slack.members[one.id] = one
        opened.slack.groups[personas.TOKEN_APPROVERS].members.extend(crowd())
        yield opened


def crowd() -> list[str]:
    return [f"U0CROWD{number:03}" for number in range(PEOPLE)]


@asynccontextmanager
async def crowded(office: Components) -> AsyncIterator[tuple[Bot, Client]]:
    """A bot in which everybody of the crowd may ask and confirm."""
    where = str(office.purecloud.region.api_url)
    async with aiohttp.ClientSession() as session:
        client = client_of(session, api_url=where, login_url=where)
        async with bot(
            office, session, tokens=client, users=client, authorization=client, requesters=",".join(crowd())
        ) as one:
            await one.office.directory.identify()
            yield one, client


def calls(client: Client) -> Counter[str]:
    return Counter(call.operation for call in client.attempts)


async def test_storm__fifty_ask_while_nobody_can_log_in(office: Components) -> None:
    office.genesys.fault("login", DOWN)
    async with crowded(office) as (one, client):
        await asyncio.gather(*(one.types(f"revoke <@{personas.TOM}>", by=who) for who in crowd()))

        told = [one.said(who)[-1].text for who in crowd()]

    assert all("Nothing was changed" in text for text in told)
    assert calls(client) == {"login": 2}, "one log-in with its one repetition, and its failure is everybody's"


async def test_storm__fifty_ask_while_the_api_is_down(office: Components) -> None:
    office.genesys.fault("search_by_email", DOWN)
    async with crowded(office) as (one, client):
        await asyncio.gather(*(one.types(f"revoke <@{personas.TOM}>", by=who) for who in crowd()))

        told = [one.said(who)[-1].text for who in crowd()]

    assert all("Nothing was changed" in text for text in told)
    assert calls(client)["login"] == 1
    assert PEOPLE <= calls(client)["search_by_email"] <= PEOPLE * TRIES


async def test_storm__fifty_confirm_while_the_api_is_down(office: Components) -> None:
    """Each DELETE is tried in two rounds of three at most; each one's end is written down, and none is sent after it.

    At most, because the hand-made clock adds up what waits side by side, so that some rounds run out of time.
    """
    async with crowded(office) as (one, client):
        for who in crowd():
            await one.types(f"revoke <@{personas.TOM}>", by=who)
        await one.work_off()
        asked = [str(row.request_id) for row in await one.trail() if row.tag == "request:asked"]
        office.genesys.fault("delete_token", DOWN)
        for request_id, who in zip(asked, crowd(), strict=True):
            await one.clicks(request_id, by=who)
        await one.work_off()
        states = [(await office.store.get(request_id)) for request_id in asked]

    assert {found.state for found in states if found} == {State.FAILED}
    assert PEOPLE * ROUNDS <= calls(client)["delete_token"] <= PEOPLE * TRIES * ROUNDS


async def test_storm__fifty_press_one_button_while_the_api_is_down(office: Components) -> None:
    async with crowded(office) as (one, client):
        await one.types(f"revoke <@{personas.TOM}>", by=crowd()[0])
        await one.work_off()
        request_id = await one.asked()
        office.genesys.fault("delete_token", DOWN)
        await asyncio.gather(*(one.clicks(request_id, by=who) for who in crowd()))
        await one.work_off()

    assert calls(client)["delete_token"] == TRIES * ROUNDS


async def test_storm__all_slots_confirm_while_every_token_is_refused(office: Components) -> None:
    """A 401 renews the token once for all who met it, not once for each."""
    some = crowd()[:SLOTS]
    async with crowded(office) as (one, client):
        for who in some:
            await one.types(f"revoke <@{personas.TOM}>", by=who)
        await one.work_off()
        asked = [str(row.request_id) for row in await one.trail() if row.tag == "request:asked"]
        office.genesys.state.revoke_all_tokens()
        for request_id, who in zip(asked, some, strict=True):
            await one.clicks(request_id, by=who)
        await one.work_off()

    assert calls(client)["login"] == 2
    assert calls(client)["delete_token"] <= 2 * SLOTS, "each that was under way is sent again, once"


async def probes(app: AppHarness, count: int) -> list[int]:
    async with ClientSession() as session:

        async def probe() -> int:
            async with session.get(f"{app.url}/readyz") as answer:
                return answer.status

        return [await probe() for _ in range(count)]


async def test_readyz__with_a_wrong_secret_does_not_hammer_the_login_host(start_app_with: StartApp) -> None:
    app = await start_app_with(PURECLOUD_SECRET="wrong")

    statuses = await probes(app, PEOPLE)

    assert set(statuses) == {503}
    assert len(app.genesys.received("login")) <= PEOPLE // 2


async def test_readyz__while_the_login_host_is_down_does_not_hammer_it(start_app_with: StartApp) -> None:
    app = await start_app_with()
    app.genesys.fault("login", DOWN)

    statuses = await probes(app, PEOPLE)

    assert set(statuses) == {503}
    assert len(app.genesys.received("login")) <= PEOPLE // 2
