"""Users whom the settings name: every id and email address that Slack has shown."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.errors import SlackUnavailable
from bot.sandbox import personas
from bot.sandbox.slack.faults import SlackFault
from bot.slack.named_users import READ_BURST, READ_INTERVAL, REFRESH_AFTER, NamedUser
from bot.slack.users import SlackUsers
from tests.support.components import PIA, Components, open_components

UNAVAILABLE = SlackFault(error="internal_error", times=None)
SEEN = NamedUser(frozenset({personas.PIA}), frozenset({PIA.email}))


@pytest.fixture
async def components(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        yield opened


def users_of(components: Components) -> SlackUsers:
    return SlackUsers(components.api, clock=components.clock, sleep=components.clock.sleep)


async def test_get__knows_a_deactivated_user(components: Components) -> None:
    components.slack.members[personas.PIA].deleted = True
    assert await users_of(components).named.get(personas.PIA) == SEEN


@pytest.mark.parametrize("asked", ["W0PIA00001", personas.PIA])
async def test_get__knows_both_ids_on_enterprise_grid(components: Components, asked: str) -> None:
    components.slack.members[personas.PIA].enterprise_user = {"id": "W0PIA00001", "enterprise_id": "E1"}
    found = await users_of(components).named.get(asked)
    assert found
    assert found.ids == {"W0PIA00001", personas.PIA}


async def test_get__keeps_the_last_answer_while_slack_fails(components: Components) -> None:
    users = users_of(components)
    await users.named.get(personas.PIA)
    components.clock.advance(REFRESH_AFTER)
    components.slack.fault("users.info", UNAVAILABLE)
    assert await users.named.get(personas.PIA) == SEEN
    with pytest.raises(SlackUnavailable):
        await users.named.get(personas.TOM)


@pytest.mark.parametrize("change", [{"email": None}, {"email": "new@example.com"}, {"id": "U0ANOTHER1"}])
async def test_get__keeps_the_addresses_and_ids_that_it_has_seen(
    components: Components, change: dict[str, str]
) -> None:
    users = users_of(components)
    await users.named.get(personas.PIA)
    for name, value in change.items():
        setattr(components.slack.members[personas.PIA], name, value)
    components.clock.advance(REFRESH_AFTER)
    found = await users.named.get(personas.PIA)
    assert found
    assert found.ids >= SEEN.ids
    assert found.emails >= SEEN.emails


async def test_get__id_that_slack_has_never_known_is_none(components: Components) -> None:
    users = users_of(components)
    assert await users.named.get("U0NOBODY01") is None
    await users.named.get(personas.PIA)
    del components.slack.members[personas.PIA]
    components.clock.advance(REFRESH_AFTER)
    assert await users.named.get(personas.PIA) == SEEN


async def test_get__asks_again_only_after_a_while(components: Components) -> None:
    users = users_of(components)
    for _ in range(3):
        await users.named.get(personas.PIA)
        components.clock.advance(REFRESH_AFTER / 3)
    assert len(components.slack.calls_of("users.info")) == 1


async def test_get__keeps_to_slacks_rate_limit(components: Components) -> None:
    users = users_of(components)
    started = components.clock()
    for number in range(READ_BURST):
        await users.named.get(f"U0MEMBER{number:02}")
    assert components.clock() == started
    for number in range(READ_BURST, READ_BURST + 60):
        await users.named.get(f"U0MEMBER{number:02}")
    assert components.clock() >= started + 60 * READ_INTERVAL
