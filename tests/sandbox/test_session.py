"""The sandbox session with a real bot: reset, clock, second replica, faults."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import pytest

from bot.sandbox import personas
from bot.sandbox.faults import FAULTY_OPERATIONS
from bot.sandbox.replica import ReplicaNotReadyError, SandboxReplica
from bot.sandbox.server import start_run
from bot.sandbox.session import SandboxRun, SandboxSession

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.sandbox.slack.messages import PostedMessage

TIMEOUT = 30.0
"""Maximum time to wait for a message or a change, in seconds. It is long because test machines may be slow."""


@pytest.fixture
async def session() -> AsyncIterator[SandboxSession]:
    started = SandboxSession(start_run)
    await started.start()
    yield started
    await started.stop()


def current(session: SandboxSession) -> SandboxRun:
    assert session.run
    return session.run


async def request_card(session: SandboxSession) -> PostedMessage:
    """Request a revocation of Tom's sessions as Olivia and return the card."""
    slack = current(session).slack
    before = len(slack.messages)
    await slack.command(personas.OLIVIA, "revoke @tom", personas.OPS)
    return await slack.wait_for_message(
        lambda message: message in slack.messages[before:] and bool(slack.buttons(message)), TIMEOUT
    )


async def expect_end(session: SandboxSession, message: PostedMessage, words: str) -> None:
    slack = current(session).slack
    await slack.wait_for_message(lambda other: other is message and words in slack.text_of(other), TIMEOUT)
    assert slack.buttons(message) == []


async def test_reset__keeps_nothing_of_the_previous_run(session: SandboxSession) -> None:
    await request_card(session)
    before = current(session)
    await session.reset()
    assert (current(session).slack.messages, current(session).genesys.requests) == ([], [])
    assert current(session).slack is not before.slack
    assert current(session).id != before.id
    await session.refresh_audit_log()
    assert current(session).audit_log == []


async def test_advance_clock__lets_a_pending_request_expire(session: SandboxSession) -> None:
    message = await request_card(session)
    await session.advance_clock(240)
    assert current(session).slack.buttons(message)
    await session.advance_clock(60)
    await expect_end(session, message, "Expired")
    assert current(session).genesys.received("delete_token") == []


async def test_advance_clock__leaves_a_request_that_can_be_approved(session: SandboxSession) -> None:
    message = await request_card(session)
    await session.advance_clock(60)
    await current(session).slack.click(personas.OLIVIA, message, "approve")
    await expect_end(session, message, "Revoked")


async def test_start__leaves_no_request_of_the_bot_in_the_page(session: SandboxSession) -> None:
    assert current(session).genesys.requests == []


@pytest.mark.process
async def test_kill_replica__lets_the_first_replica_take_over(session: SandboxSession) -> None:
    await session.start_replica()
    run = current(session)
    assert run.replica
    assert run.slack.events_url == f"{run.replica.url}/slack/events"
    message = await request_card(session)
    run.faults.set_genesys("slow")
    assert (await run.slack.click(personas.OLIVIA, message, "approve")).error is None
    await run.genesys.wait_for_request("delete_token")
    await session.kill_replica()
    run.faults.clear()
    await expect_end(session, message, "Revoked")
    assert run.slack.events_url == run.bot_url
    assert len(run.genesys.received("delete_token")) == 2


@pytest.mark.process
async def test_reap_replica__removes_a_replica_that_was_killed_elsewhere(session: SandboxSession) -> None:
    await session.start_replica()
    replica = current(session).replica
    assert replica is not None
    await session.reap_replica()
    assert current(session).replica is replica
    os.kill(replica.pid, signal.SIGKILL)
    async with asyncio.timeout(TIMEOUT):
        while current(session).replica is replica:
            await asyncio.sleep(0.02)
            await session.reap_replica()
    assert current(session).slack.events_url == current(session).bot_url
    await request_card(session)


@pytest.mark.process
async def test_start_replica__raises_if_the_process_exits() -> None:
    with pytest.raises(ReplicaNotReadyError, match="exited at start"):
        await SandboxReplica.start({"APPROVERS": ""})


async def test_faults__affect_the_delete_until_cleared(session: SandboxSession) -> None:
    message = await request_card(session)
    current(session).faults.set_genesys("403")
    await current(session).slack.click(personas.OLIVIA, message, "approve")
    await expect_end(session, message, "oauth:token:delete")
    current(session).faults.set_genesys(None)
    again = await request_card(session)
    await current(session).slack.click(personas.OLIVIA, again, "approve")
    await expect_end(session, again, "Revoked")


async def test_faults__click_while_slack_is_down_is_decided_after_that(session: SandboxSession) -> None:
    message = await request_card(session)
    current(session).faults.set_slack_down(down=True)
    before = len(current(session).slack.calls_of("users.info"))
    await current(session).slack.click(personas.OLIVIA, message, "approve")
    async with asyncio.timeout(TIMEOUT):
        while len(current(session).slack.calls_of("users.info")) == before:  # noqa: ASYNC110 - the fake sends no event
            await asyncio.sleep(0.02)
    assert current(session).slack.buttons(message)
    assert current(session).genesys.received("delete_token") == []

    current(session).faults.clear()

    await expect_end(session, message, "Revoked")


def test_faults__affect_every_call_that_changes_something_and_no_other() -> None:
    assert {"delete_token", "delete_tokens_me"} <= {*FAULTY_OPERATIONS}
    assert not {"login", "search_by_email", "get_user", "head_tokens_me"} & {*FAULTY_OPERATIONS}
