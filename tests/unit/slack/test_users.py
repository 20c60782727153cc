"""Lookups of Slack users and user groups."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.errors import SlackUnavailable
from bot.sandbox import personas
from bot.sandbox.slack.faults import SlackFault
from bot.slack.users import SlackUsers
from tests.support.components import PIA, Components, open_components


@pytest.fixture
async def components(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        yield opened


async def test_get_by_email__returns_the_user_or_none_or_raises(components: Components) -> None:
    users = SlackUsers(components.api, clock=components.clock)
    found = await users.get_by_email(PIA.email)
    assert found
    assert found.id == personas.PIA
    assert await users.get_by_email("unknown@example.com") is None
    components.slack.fault("users.lookupByEmail", SlackFault(error="missing_scope"))
    with pytest.raises(SlackUnavailable):
        await users.get_by_email(PIA.email)


GROUP = personas.TOKEN_APPROVERS


async def start_read(components: Components, users: SlackUsers, *, fresh: bool = True) -> asyncio.Task[bool]:
    """Start to read a group; return once Slack has the call, or once it waits for another one."""

    async def is_member() -> bool:
        containing, _ = await users.groups_of(personas.OLIVIA, [GROUP], fresh=fresh)
        return GROUP in containing

    before = len(components.slack.calls_of("usergroups.users.list"))
    reading = asyncio.create_task(is_member())
    for _ in range(20):
        await asyncio.sleep(0.005)
        if len(components.slack.calls_of("usergroups.users.list")) > before:
            break
    return reading


async def test_groups_of__fresh_answer_never_comes_from_a_call_that_began_before(components: Components) -> None:
    """Someone who was removed from the group meanwhile must not approve."""
    users = SlackUsers(components.api, clock=components.clock)
    components.slack.fault("usergroups.users.list", SlackFault(delay=1))  # until `release`, with the members of now
    early = await start_read(components, users)
    late = [await start_read(components, users) for _ in range(3)]

    components.release_slack()
    await asyncio.gather(early, *late)

    assert len(components.slack.calls_of("usergroups.users.list")) == 2


async def test_groups_of__cached_members_are_used_unless_they_must_be_fresh(components: Components) -> None:
    users = SlackUsers(components.api, clock=components.clock)
    for fresh in (True, False, False, True):
        assert await users.groups_of(personas.OLIVIA, [GROUP], fresh=fresh) == (frozenset({GROUP}), ())
    assert len(components.slack.calls_of("usergroups.users.list")) == 2


async def test_groups_of__failed_call_does_not_stop_the_next_one(components: Components) -> None:
    users = SlackUsers(components.api, clock=components.clock)
    components.slack.fault("usergroups.users.list", SlackFault(error="missing_scope"))
    _, unread = await users.groups_of(personas.OLIVIA, [GROUP], fresh=True)
    assert unread == (f"user group {GROUP} (missing_scope)",)
    assert await users.groups_of(personas.OLIVIA, [GROUP], fresh=True) == (frozenset({GROUP}), ())
