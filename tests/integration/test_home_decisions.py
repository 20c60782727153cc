"""Decisions from the Home tab: at once with the card, repeated, and forged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.sandbox import personas
from bot.sandbox.genesys.server import GenesysFault
from bot.sandbox.slack.views import View
from tests.conftest import StartApp
from tests.support.app_harness import MESSAGE_TIMEOUT, AppHarness
from tests.support.postgres import Server
from tests.support.replicas import Replicas, start_replicas

DONE = "Revoked: all sessions of Tom Target"


@pytest.fixture
async def three(postgres: Server, tmp_path: Path) -> AsyncIterator[Replicas]:
    async with postgres.database() as address, start_replicas(tmp_path, address, address, address) as started:
        yield started


async def open_home(app: AppHarness, user_id: str) -> View:
    """Open the Home tab of a person; return it as it is published."""
    await app.slack.open_home(user_id)
    await app.server.services.tasks.drain(MESSAGE_TIMEOUT)
    home: View = app.slack.views.homes[user_id]
    return home


@pytest.mark.heavy
async def test_three_replicas__clicks_on_card_and_home_tab_at_once_send_one_delete(three: Replicas) -> None:
    three.genesys.fault("delete_token", GenesysFault(delay=0.2))
    card = await three.request_card(personas.RAVI, "revoke @tom laptop stolen")
    await three.wait_until_idle()
    events = [f"{three.url(replica)}/slack/events" for replica in range(3)]
    people = (personas.OLIVIA, personas.BEN)
    for replica, person in enumerate(people):
        await three.slack.open_home(person, to=events[replica])
        await three.servers[replica].services.tasks.drain(MESSAGE_TIMEOUT)
    homes = [three.slack.views.homes[person] for person in people]
    assert all("laptop stolen" in str(home.body) for home in homes)

    clicks = [
        click
        for replica, url in enumerate(events)
        for person, home in zip(people, homes, strict=True)
        for click in (three.click(person, card, replica), three.slack.click_in_view(home, "approve", to=url))
    ]
    assert {one.status for one in await asyncio.gather(*clicks)} == {200}
    await three.wait_until_idle()

    assert len(three.deletes) == 1
    assert DONE in three.slack.text_of(card)
    assert three.slack.buttons(card) == []
    tags = await three.audit_tags()
    assert (tags.count("request:approved"), tags.count("token:revoked")) == (1, 1)
    assert tags.count("click:stale") == len(clicks) - 1


async def test_home__clicked_twice_by_each_of_two_people_sends_one_delete(app: AppHarness) -> None:
    await app.request_card(personas.RAVI, "revoke @tom")
    homes = [await open_home(app, person) for person in (personas.BEN, personas.OLIVIA)]

    deliveries = await asyncio.gather(*(app.slack.click_in_view(home, "approve") for home in homes * 2))

    assert {one.status for one in deliveries} == {200}
    await app.wait_for_message(DONE)
    await app.wait_until_idle()
    assert len(app.deletes) == 1
    tags = await app.audit_tags()
    assert (tags.count("request:approved"), tags.count("click:stale")) == (1, 3)


async def test_home__counts_two_clicks_of_one_person_as_one_approval(app: AppHarness) -> None:
    await app.request_card(personas.RAVI, "revoke @pia left her desk")
    home = await open_home(app, personas.BEN)

    for _ in range(2):
        await app.slack.click_in_view(home, "approve")
        await app.wait_until_idle()

    assert app.deletes == []
    assert (await app.audit_tags()).count("request:signed") == 1
    await app.slack.click_in_view(await open_home(app, personas.OLIVIA), "approve")
    await app.wait_for_message("Revoked: all sessions of Pia Protected")
    assert len(app.deletes) == 1


@pytest.mark.parametrize(
    ("who", "reply"),
    [
        pytest.param(personas.NADIA, "You can't approve this request", id="without the role"),
        pytest.param(personas.GUS, "Guests can't use this bot", id="guest"),
        pytest.param(personas.TOM, "You can't approve this request", id="target"),
    ],
)
@pytest.mark.parametrize("action", ["approve", "cancel"])
async def test_home__forged_with_the_buttons_of_another_person_changes_nothing(
    app: AppHarness, who: str, reply: str, action: str
) -> None:
    card = await app.request_card(personas.RAVI, "revoke @tom")
    owner = personas.BEN if action == "approve" else personas.RAVI
    home = await open_home(app, owner)

    await app.slack.click_in_view(View(user_id=who, body=home.body), action)

    await app.wait_for_private_message(who, reply if action == "approve" or who == personas.GUS else "cancel")
    await app.wait_until_idle()
    assert app.deletes == []
    assert app.slack.buttons(card) != []
    assert await app.audit_tags() == ["request:asked", "click:refused"]


async def test_home__forged_with_the_id_of_another_request_is_judged_by_that_request(
    start_app_with: StartApp,
) -> None:
    """The value of a button is no permission."""
    app = await start_app_with(SELF_APPROVAL="false")
    own = await app.request_card(personas.BEN, "revoke @tom")
    request_id = str(app.slack.buttons(own)[0]["value"])
    await app.wait_until_idle()
    await app.request_card(personas.RAVI, "revoke @pia left her desk")
    home = await open_home(app, personas.BEN)

    for forged in (request_id, "no-such-request"):
        await app.slack.click_in_view(home, "approve", value=forged)
        await app.wait_until_idle()

    assert app.deletes == []
    assert await app.audit_tags() == ["request:asked", "request:asked", "click:refused", "click:stale"]
