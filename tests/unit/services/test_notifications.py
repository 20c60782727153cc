"""Notices and private replies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.db.jobs import Job, JobKind
from bot.db.statements import RESPONSE_URL_LIFETIME
from bot.domain.commands import Invoker
from bot.domain.requests import MessageRef, State
from bot.sandbox import personas
from bot.sandbox.slack.faults import SlackFault
from bot.services.notifications import MAX_DELIVERY_DELAY
from bot.slack.channels import ANSWER_AGE
from tests.support.components import Components, open_components, revoke
from tests.support.database import stored


@pytest.fixture
async def components(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        yield opened


async def due(components: Components, kind: JobKind) -> list[Job]:
    return [job for job in await components.store.jobs.claim(20) if job.kind is kind]


async def test_notice__reaches_the_audit_channel_and_an_absent_requester(components: Components) -> None:
    await components.request(card=MessageRef(personas.APPROVALS, "1.2"))
    await revoke(components)
    for job in await due(components, JobKind.NOTICE):
        await components.notifier().process_notice(job)
    for channel in (personas.AUDIT, components.slack.workspace.dm(personas.RAVI).id):
        (said,) = components.texts_in(channel)
        assert "Revoked: all sessions of Tom Target" in said
    assert (await components.store.jobs.depth())["notice"] == 0


async def test_notice__is_posted_once_after_a_slack_outage(components: Components) -> None:
    await components.request()
    await revoke(components)
    components.slack.fault("chat.postMessage", SlackFault(error="internal_error"))
    for job in await due(components, JobKind.NOTICE):
        await components.notifier().process_notice(job)
    assert components.texts_in(personas.AUDIT) == []
    components.database.clock.advance(1)
    for job in await due(components, JobKind.NOTICE):
        await components.notifier().process_notice(job)
    components.database.clock.advance(600)
    assert await due(components, JobKind.NOTICE) == []
    assert len(components.texts_in(personas.AUDIT)) == 1


@pytest.mark.parametrize("code", ["not_in_channel", "channel_not_found", "invalid_auth"])
async def test_notice__is_posted_once_an_admin_fixes_the_channel(components: Components, code: str) -> None:
    await components.request()
    await revoke(components)
    components.slack.fault("chat.postMessage", SlackFault(error=code))
    (job,) = await due(components, JobKind.NOTICE)
    with capture_logs() as said:
        await components.notifier().process_notice(job)
    assert [entry["code"] for entry in said if entry["log_level"] == "error"] == [code]
    assert components.texts_in(personas.AUDIT) == []

    components.database.clock.advance(1)
    (job,) = await due(components, JobKind.NOTICE)
    await components.notifier().process_notice(job)

    assert len(components.texts_in(personas.AUDIT)) == 1
    assert (await components.store.jobs.depth())["notice"] == 0


async def test_notice__to_a_person_whom_slack_does_not_know_is_given_up(components: Components) -> None:
    await components.request()
    await revoke(components)
    await components.database.run("UPDATE jobs SET payload = '{\"channel\": \"U0NOBODY01\"}' WHERE kind = 'notice'")
    (job,) = await due(components, JobKind.NOTICE)
    await components.notifier().process_notice(job)
    assert ("chat.postMessage", "channel_not_found") in components.calls
    assert (await components.store.jobs.depth())["notice"] == 0


async def test_notice__is_not_posted_while_another_organization_shares_the_channel(components: Components) -> None:
    await components.request()
    await revoke(components)
    components.slack.channels[personas.AUDIT].is_ext_shared = True
    (job,) = await due(components, JobKind.NOTICE)
    with capture_logs() as said:
        await components.notifier().process_notice(job)
    assert [entry["code"] for entry in said if entry["log_level"] == "error"] == ["channel_shared"]
    assert components.slack.messages == []

    components.slack.channels[personas.AUDIT].is_ext_shared = False
    components.clock.now += ANSWER_AGE
    components.database.clock.advance(1)
    (job,) = await due(components, JobKind.NOTICE)
    await components.notifier().process_notice(job)

    assert len(components.texts_in(personas.AUDIT)) == 1


async def test_notice__is_given_up_after_a_permanent_error(components: Components) -> None:
    await components.request()
    await revoke(components)
    components.slack.fault("chat.postMessage", SlackFault(error="msg_too_long"))
    for job in await due(components, JobKind.NOTICE):
        await components.notifier().process_notice(job)
    assert (await components.store.jobs.depth())["notice"] == 0
    assert (await stored(components.store)).state is State.REVOKED


async def reply_job(components: Components, code: str = "guest", response_url: str | None = None) -> Job:
    """Store a denied command, which leaves a reply to deliver."""
    by = Invoker(personas.NADIA, "T0HOME0001", personas.OPS, "trigger", response_url)
    job = await components.command(by)
    reply: dict[str, Any] = {"user_id": by.user_id, "response_url": by.response_url, "code": code, "params": {}}
    replying = await components.store.jobs.complete_with_reply(job, reply)
    assert replying
    return replying


async def test_process_reply__uses_the_response_url_and_completes(components: Components) -> None:
    job = await reply_job(components, response_url=components.response_url(personas.NADIA))
    await components.notifier().process_reply(job)
    message = components.slack.messages[-1]
    assert (message.channel_id, message.only_for) == (personas.OPS, personas.NADIA)
    assert "Guests can't use this bot" in components.slack.text_of(message)
    assert await components.store.jobs.is_done(job.id)


async def test_process_reply__without_a_response_url_is_a_direct_message(components: Components) -> None:
    await components.notifier().process_reply(await reply_job(components))
    assert components.slack.messages[-1].channel_id == components.slack.workspace.dm(personas.NADIA).id


async def test_process_reply__is_given_up_after_a_permanent_error(components: Components) -> None:
    job = await reply_job(components)
    components.slack.fault("chat.postMessage", SlackFault(error="user_disabled"))
    await components.notifier().process_reply(job)
    assert await components.store.jobs.is_done(job.id)


@pytest.mark.parametrize("code", ["internal_error", "invalid_auth"])
async def test_process_reply__is_retried_until_slack_takes_it(components: Components, code: str) -> None:
    job = await reply_job(components)
    components.slack.fault("chat.postMessage", SlackFault(error=code))
    await components.notifier().process_reply(job)
    components.database.clock.advance(1)
    (job,) = await due(components, JobKind.REPLY)
    await components.notifier().process_reply(job)
    assert len(components.slack.messages) == 1


async def test_process_reply__is_retried_within_a_minute_even_after_hours(components: Components) -> None:
    job = await reply_job(components)
    components.slack.fault("chat.postMessage", SlackFault(drop=True))
    components.database.clock.advance(10 * 3600)
    await components.notifier().process_reply(replace(job, attempts=600))
    components.database.clock.advance(MAX_DELIVERY_DELAY)
    (job,) = await due(components, JobKind.REPLY)
    await components.notifier().process_reply(job)
    assert len(components.slack.messages) == 1


async def test_process_reply__is_delivered_after_a_slack_outage(components: Components) -> None:
    job = await reply_job(components)
    components.slack.fault("chat.postMessage", SlackFault(error="internal_error"))
    await components.notifier().process_reply(job)
    assert components.slack.messages == []
    components.database.clock.advance(1)
    (job,) = await due(components, JobKind.REPLY)
    await components.notifier().process_reply(job)
    assert len(components.slack.messages) == 1
    assert (await components.store.jobs.depth())["reply"] == 0


async def test_reply_until_expired__retries_while_the_response_url_is_valid(components: Components) -> None:
    url = components.response_url(personas.NADIA)
    components.slack.fault("response_url", SlackFault(html="sorry", status=503, times=2))
    components.slack.fault("chat.postMessage", SlackFault(error="internal_error", times=2))
    await components.notifier().reply_until_expired(url, personas.NADIA, {"text": "Hello", "blocks": []})
    assert components.clock.slept == [1.0, 2.0]
    assert components.texts_in(personas.OPS) == ["Hello"]


async def test_reply_until_expired__stops_when_the_response_url_has_expired(components: Components) -> None:
    url = components.response_url(personas.NADIA)
    components.slack.fault("response_url", SlackFault(html="sorry", status=503, times=None))
    components.slack.fault("chat.postMessage", SlackFault(error="internal_error", times=None))
    await components.notifier().reply_until_expired(url, personas.NADIA, {"text": "Hello", "blocks": []})
    assert RESPONSE_URL_LIFETIME - MAX_DELIVERY_DELAY < components.clock.now <= RESPONSE_URL_LIFETIME
    assert components.slack.messages == []
