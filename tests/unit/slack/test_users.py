"""Lookups of Slack users and user groups."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.failed_checks import FailedCheck, Subject
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


IDS = frozenset({personas.OLIVIA})


async def start_read(components: Components, users: SlackUsers) -> asyncio.Task[bool]:
    """Start to read a group; return once Slack has the call, or once it waits for another one."""

    async def is_member() -> bool:
        return GROUP in (await users.membership(IDS, [GROUP], since=None)).groups

    before = len(components.slack.calls_of("usergroups.users.list"))
    reading = asyncio.create_task(is_member())
    for _ in range(20):
        await asyncio.sleep(0.005)
        if len(components.slack.calls_of("usergroups.users.list")) > before:
            break
    return reading


async def test_membership__fresh_answer_never_comes_from_a_call_that_began_before(components: Components) -> None:
    """Someone who was removed from the group meanwhile must not approve."""
    users = SlackUsers(components.api, clock=components.clock)
    components.slack.fault("usergroups.users.list", SlackFault(delay=1))  # until `release`, with the members of now
    early = await start_read(components, users)
    late = [await start_read(components, users) for _ in range(3)]

    components.release_slack()
    await asyncio.gather(early, *late)

    assert len(components.slack.calls_of("usergroups.users.list")) > 1


async def test_membership__one_read_serves_every_click_that_arrived_before_it_began(components: Components) -> None:
    users = SlackUsers(components.api, clock=components.clock)
    started = components.clock()
    components.clock.advance(10)  # thirty clicks arrive in ten seconds, and are decided after that
    for number in range(30):
        components.clock.advance(0.01)
        arrived = started + 0.33 * number
        assert (await users.membership(IDS, [GROUP], since=arrived)).groups

    assert len(components.slack.calls_of("usergroups.users.list")) == 1


async def test_membership__reads_keep_to_slacks_rate_limit(components: Components) -> None:
    """Slack allows 20 calls of usergroups.users.list a minute (Tier 2)."""
    users = SlackUsers(components.api, clock=components.clock, sleep=components.clock.sleep)
    started = components.clock()
    while components.clock() - started < 60:
        components.clock.advance(0.1)
        await users.membership(IDS, [GROUP], since=None)

    assert len(components.slack.calls_of("usergroups.users.list")) <= 21


async def test_membership__isolated_reads_do_not_wait(components: Components) -> None:
    users = SlackUsers(components.api, clock=components.clock, sleep=components.clock.sleep)
    started = components.clock()
    for _ in range(5):
        await users.membership(IDS, [GROUP], since=None)

    assert components.clock() == started


async def test_membership__failed_call_does_not_stop_the_next_one(components: Components) -> None:
    users = SlackUsers(components.api, clock=components.clock)
    components.slack.fault("usergroups.users.list", SlackFault(error="missing_scope"))
    failed = await users.membership(IDS, [GROUP], since=components.clock() - 60)
    assert failed == (frozenset(), (FailedCheck(Subject.USER_GROUP, "missing_scope", GROUP),), 0.0, {})
    assert (await users.membership(IDS, [GROUP], since=components.clock() - 60)).groups == {GROUP}


async def test_membership__rate_limit_is_not_asked_again_before_its_end(components: Components) -> None:
    users = SlackUsers(components.api, clock=components.clock)
    components.slack.fault("usergroups.users.list", SlackFault(retry_after=30))
    for waited in (0, 10):
        components.clock.advance(waited)
        found = await users.membership(IDS, [GROUP], since=None)
        assert (found.groups, found.retry_after) == (frozenset(), 30 - waited)
    assert len(components.slack.calls_of("usergroups.users.list")) == 1

    components.clock.advance(20)
    assert (await users.membership(IDS, [GROUP], since=None)).groups == {GROUP}


async def test_get__answer_is_shared_only_with_callers_that_accept_its_age(components: Components) -> None:
    users = SlackUsers(components.api, clock=components.clock)
    await users.get(personas.OLIVIA)
    components.clock.advance(5)
    await users.get(personas.OLIVIA, since=components.clock() - 6)
    assert len(components.slack.calls_of("users.info")) == 1
    await users.get(personas.OLIVIA, since=components.clock() - 5)
    assert len(components.slack.calls_of("users.info")) == 2
