"""Early lookups save time and decide nothing."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.db.jobs import Job, JobKind
from bot.domain.clicks import Click
from bot.domain.commands import Invoker, TargetRef
from bot.domain.denials import DenialCode
from bot.domain.requests import APPROVE, DECLINE, MessageRef, State
from bot.sandbox import personas
from bot.sandbox.genesys.server import GenesysFault
from bot.sandbox.slack.faults import SlackFault
from bot.services.early_lookups import MAX_REMEMBERED, EarlyLookups
from tests.support.components import RULES, WAIT_TIMEOUT, Components, open_components
from tests.support.database import stored
from tests.support.number_table import busy_thread

LOOKUPS = ("users.info", "usergroups.users.list")


@pytest.fixture
async def components(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        opened.clock.step = 1e-6
        await opened.request(card=MessageRef(personas.OPS, "1.2"))
        yield opened


def click(components: Components, by: str = personas.OLIVIA) -> Click:
    return Click("first", APPROVE, by, components.slack.team_id, key=f"press by {by}")


def lookups(components: Components) -> list[int]:
    return [len(components.slack.calls_of(method)) for method in LOOKUPS]


async def until_looked_up(components: Components, expected: list[int]) -> None:
    async with asyncio.timeout(WAIT_TIMEOUT):
        while lookups(components) != expected:  # noqa: ASYNC110 - the fake sends no event
            await asyncio.sleep(0.001)


async def test_click__of_a_known_approver_is_looked_up_while_it_is_stored(components: Components) -> None:
    components.lookups.remember(personas.OLIVIA, RULES.approvers)
    async with busy_thread(components.database.database):
        recording = asyncio.create_task(components.inbox().record_click(click(components)))
        await until_looked_up(components, [1, 1])
        assert not recording.done()
    await recording
    (job,) = components.submitted
    await components.clicks().process(job)

    assert (await stored(components.store)).state is State.APPROVED
    assert asked(components) == [personas.OLIVIA, personas.TOM, personas.PIA]  # whether Tom is protected now
    assert len(components.slack.calls_of("usergroups.users.list")) == 1


def asked(components: Components) -> list[str]:
    return [call.args["user"] for call in components.slack.calls_of("users.info")]


@pytest.mark.parametrize(("required", "people"), [(1, [personas.TOM]), (2, [personas.RAVI, personas.TOM])])
async def test_decision__on_a_click_of_a_known_approver_looks_everyone_up_at_once(
    tmp_path: Path, required: int, people: list[str]
) -> None:
    """The requester must not be the second approver under another id."""
    async with open_components(tmp_path) as components:
        components.clock.step = 1e-6
        await components.request(card=MessageRef(personas.OPS, "1.2"), approvals_required=required)
        components.slack.fault("usergroups.users.list", SlackFault(delay=WAIT_TIMEOUT))
        components.lookups.remember(personas.OLIVIA, RULES.approvers)
        await components.inbox().record_click(click(components))
        deciding = asyncio.create_task(components.clicks().process(components.submitted.pop()))
        async with asyncio.timeout(WAIT_TIMEOUT / 2):
            while len(asked(components)) < 1 + len(people):  # noqa: ASYNC110 - the fake sends no event
                await asyncio.sleep(0.001)

        assert sorted(asked(components)) == sorted([personas.OLIVIA, *people])
        assert (await stored(components.store)).state is State.PENDING
        deciding.cancel()


async def command(components: Components, by: str, target: str = personas.TOM) -> Job:
    """Store a command to revoke a person's sessions."""
    return await components.command(Invoker(by, None, personas.OPS, "command"), TargetRef(slack_user_id=target))


async def test_command__of_a_known_requester_looks_the_target_up_at_once(components: Components) -> None:
    components.slack.fault("usergroups.users.list", SlackFault(delay=WAIT_TIMEOUT))
    components.request_lookups.remember(personas.RAVI, RULES.requesters)
    job = await command(components, personas.RAVI)
    drafting = asyncio.create_task(components.requests().process(job))
    async with asyncio.timeout(WAIT_TIMEOUT / 2):
        await components.genesys.wait_for_request("search_by_email")

    assert sorted(asked(components)) == sorted([personas.RAVI, personas.TOM])
    assert await components.store.get(job.request_id) is None
    drafting.cancel()


async def test_command__is_remembered_once_it_was_allowed(components: Components) -> None:
    await components.requests().process(await command(components, personas.RAVI))
    assert components.request_lookups.remembers(personas.RAVI)


async def test_command__of_a_requester_who_has_lost_the_right_is_denied_and_forgotten(components: Components) -> None:
    components.request_lookups.remember(personas.NADIA, RULES.requesters)
    job = await command(components, personas.NADIA)
    (reply,) = (await components.requests().process(job)).follow_up

    assert reply.payload["code"] == DenialCode.NOT_A_REQUESTER
    assert await components.store.get(job.request_id) is None
    assert not components.request_lookups.remembers(personas.NADIA)


async def test_command__of_a_requester_of_another_workspace_now_is_denied_and_forgotten(components: Components) -> None:
    components.request_lookups.remember(personas.RAVI, RULES.requesters)
    components.slack.workspace.members[personas.RAVI].team_id = "T0ELSEWHERE"
    (reply,) = (await components.requests().process(await command(components, personas.RAVI))).follow_up

    assert reply.payload["code"] == DenialCode.OUTSIDER
    assert not components.request_lookups.remembers(personas.RAVI)


async def test_command__that_is_postponed_looks_its_target_up_early_only_once(components: Components) -> None:
    components.slack.fault("users.info", SlackFault(error="internal_error", times=None))
    components.request_lookups.remember(personas.RAVI, RULES.requesters)
    invoker, nadia = Invoker(personas.RAVI, None, personas.OPS, "command"), TargetRef(email="nadia@example.com")
    job = await components.command(invoker, nadia)
    await components.requests().process(job)
    await components.genesys.wait_for_request("search_by_email")
    await components.requests().process(job)
    await asyncio.sleep(0.05)

    assert len(components.genesys.received("search_by_email")) == 1
    assert await components.store.get(job.request_id) is None


async def test_command__of_an_unknown_person_looks_no_target_up(components: Components) -> None:
    await components.requests().process(await command(components, personas.NADIA))
    assert asked(components) == [personas.NADIA]
    assert components.genesys.received("search_by_email") == []


async def test_command__reads_the_channel_while_the_target_is_looked_up(components: Components) -> None:
    searching = asyncio.Event()
    components.genesys.fault("search_by_email", GenesysFault(until=searching, times=None))
    job = await command(components, personas.RAVI, personas.NADIA)
    drafting = asyncio.create_task(components.requests().process(job))
    async with asyncio.timeout(WAIT_TIMEOUT):
        while not components.slack.calls_of("conversations.info"):  # noqa: ASYNC110 - the fake sends no event
            await asyncio.sleep(0.001)
    searching.set()

    assert [one.kind for one in (await drafting).follow_up] == [JobKind.CARD]
    assert len(components.slack.calls_of("conversations.info")) == 1


@pytest.mark.parametrize("action", [APPROVE, DECLINE])
async def test_decision__on_a_click_of_an_unknown_person_costs_one_lookup(components: Components, action: str) -> None:
    await components.inbox().record_click(replace(click(components, personas.TOM), action=action, reason="not me"))
    await components.clicks().process(components.submitted.pop())
    assert asked(components) == [personas.TOM]


@pytest.mark.parametrize("by", [personas.OLIVIA, personas.TOM])
async def test_click__of_anyone_else_is_looked_up_after_it_was_stored(components: Components, by: str) -> None:
    async with busy_thread(components.database.database):
        recording = asyncio.create_task(components.inbox().record_click(click(components, by)))
        await asyncio.sleep(0.05)
        assert lookups(components) == [0, 0]
    await recording


async def test_click__after_an_approval_is_looked_up_early(components: Components) -> None:
    await components.inbox().record_click(click(components))
    await components.clicks().process(components.submitted.pop())
    before = lookups(components)
    components.lookups.start(personas.OLIVIA)
    await until_looked_up(components, [one + 1 for one in before])


async def test_click__of_a_person_who_has_lost_the_role_is_denied_and_forgotten(components: Components) -> None:
    components.lookups.remember(personas.OLIVIA, RULES.approvers)
    components.slack.workspace.groups[personas.TOKEN_APPROVERS].members.remove(personas.OLIVIA)
    await components.inbox().record_click(click(components))
    await components.clicks().process(components.submitted.pop())

    assert (await stored(components.store)).state is State.PENDING
    event, _ = (await components.store.audit_events())[-1]
    assert event.detail["reason"] == DenialCode.NOT_AN_APPROVER
    before = lookups(components)
    components.lookups.start(personas.OLIVIA)
    await asyncio.sleep(0.05)
    assert lookups(components) == before


async def test_click__of_an_approver_who_is_a_guest_now_is_denied_and_forgotten(components: Components) -> None:
    components.lookups.remember(personas.OLIVIA, RULES.approvers)
    components.slack.workspace.members[personas.OLIVIA].is_restricted = True
    await components.inbox().record_click(click(components))
    await components.clicks().process(components.submitted.pop())

    event, _ = (await components.store.audit_events())[-1]
    assert event.detail["reason"] == DenialCode.GUEST
    assert not components.lookups.remembers(personas.OLIVIA)


async def test_click__whose_groups_were_asked_for_another_action_is_asked_again(components: Components) -> None:
    components.lookups.remember(personas.OLIVIA, RULES.admins)
    await components.inbox().record_click(click(components))
    await components.clicks().process(components.submitted.pop())
    assert (await stored(components.store)).state is State.APPROVED


async def test_replay__leaves_no_error_of_its_lookup(components: Components, caplog: pytest.LogCaptureFixture) -> None:
    components.lookups.remember(personas.OLIVIA, RULES.approvers)
    inbox = components.inbox()
    await inbox.record_click(click(components))
    components.slack.fault("users.info", SlackFault(error="internal_error", times=None))
    await inbox.record_click(click(components))
    async with asyncio.timeout(WAIT_TIMEOUT):
        while len(components.slack.calls_of("users.info")) < 2:  # noqa: ASYNC110 - the fake sends no event
            await asyncio.sleep(0.001)
    gc.collect()  # a task that is collected with its error would log it
    assert len(components.submitted) == 1
    assert "never retrieved" not in caplog.text


def operations(components: Components) -> list[str]:
    return [one.operation for one in components.genesys.requests if one.operation in ("get_user", "delete_token")]


async def test_reading__begins_with_the_click_of_a_known_approver_and_serves_the_delete(
    components: Components,
) -> None:
    await components.purecloud.auth.token()
    components.lookups.remember(personas.OLIVIA, RULES.approvers)
    await components.inbox().record_click(click(components))
    async with busy_thread(components.database.database):
        deciding = asyncio.create_task(components.run(components.submitted.pop()))
        await components.genesys.wait_for_request("get_user")
        assert not deciding.done()
    (execution,) = [one for one in (await deciding).follow_up if one.kind is JobKind.EXECUTE]
    await components.run(execution)

    assert operations(components) == ["get_user", "delete_token"]
    ended = await stored(components.store)
    assert ended.state is State.REVOKED
    assert ended.live_before is not None


async def test_reading__of_a_click_that_another_process_decides_precedes_the_delete(components: Components) -> None:
    await components.purecloud.auth.token()
    components.lookups.remember(personas.OLIVIA, RULES.approvers)
    result = await components.run(await components.click())
    assert operations(components) == []
    (execution,) = [one for one in result.follow_up if one.kind is JobKind.EXECUTE]
    await components.run(execution)
    assert operations(components) == ["get_user", "delete_token"]


async def test_reading__does_not_begin_with_a_click_that_ends_the_request(components: Components) -> None:
    await components.purecloud.auth.token()
    components.lookups.remember(personas.RAVI, RULES.approvers)
    ends = replace(click(components, personas.RAVI), action=DECLINE, reason="not Tom")
    await components.inbox().record_click(ends)
    await components.run(components.submitted.pop())
    assert operations(components) == []


async def test_reading__does_not_begin_with_the_click_of_an_unknown_person(components: Components) -> None:
    await components.purecloud.auth.token()
    await components.inbox().record_click(click(components, personas.TOM))
    await components.run(components.submitted.pop())
    assert operations(components) == []


async def test_reading__does_not_begin_with_the_first_of_two_approvals(tmp_path: Path) -> None:
    async with open_components(tmp_path) as components:
        await components.purecloud.auth.token()
        components.clock.step = 1e-6
        await components.request(card=MessageRef(personas.OPS, "1.2"), approvals_required=2)
        components.lookups.remember(personas.OLIVIA, RULES.approvers)
        await components.inbox().record_click(click(components))
        await components.run(components.submitted.pop())
        assert (await stored(components.store)).approvals == (personas.OLIVIA,)
        assert operations(components) == []


async def test_reading__of_a_denied_click_causes_no_delete(components: Components) -> None:
    await components.purecloud.auth.token()
    components.lookups.remember(personas.OLIVIA, RULES.approvers)
    components.slack.workspace.groups[personas.TOKEN_APPROVERS].members.remove(personas.OLIVIA)
    await components.inbox().record_click(click(components))
    result = await components.run(components.submitted.pop())
    await components.genesys.wait_for_request("get_user")
    assert [one.kind for one in result.follow_up] == [JobKind.REPLY]
    assert operations(components) == ["get_user"]


def test_remember__is_bounded(components: Components) -> None:
    known = EarlyLookups(components.identity)
    for number in range(MAX_REMEMBERED + 1):
        known.remember(f"U{number}", RULES.approvers)
    assert len(known._remembered) == 1
