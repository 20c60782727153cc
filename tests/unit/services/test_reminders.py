"""Reminders: one for a request that still waits, and none for one that has ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.db.cards import CardStore
from bot.db.clicks import ClickStore
from bot.db.expiry import ExpiryStore
from bot.db.job_queue import LEASE_DURATION
from bot.db.jobs import Job, JobKind
from bot.domain.commands import Invoker, TargetRef
from bot.domain.requests import Event, MessageRef
from bot.sandbox import personas
from bot.sandbox.slack.faults import SlackFault
from bot.sandbox.slack.messages import PostedMessage
from bot.services.reminders import MIN_TIME_LEFT, UNPOSTED_DELAY
from tests.support.components import Components, open_components
from tests.support.database import TTL, approve, click, stored

DELAY = 300.0
MENTION = f"<!subteam^{personas.TOKEN_APPROVERS}>"


@pytest.fixture
async def components(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        yield opened


async def card_of(components: Components, **changes: Any) -> PostedMessage:
    """Post the card of a request with a reminder."""
    _, job = await components.request(remind_after=DELAY, **changes)
    await components.cards().process(job)
    return components.slack.messages[-1]


async def due(components: Components) -> list[Job]:
    return [job for job in await components.store.jobs.claim(20) if job.kind is JobKind.REMINDER]


async def remind(components: Components, **options: Any) -> list[PostedMessage]:
    """Run the due reminders; return the new messages."""
    before = len(components.slack.messages)
    for job in await due(components):
        await components.run(job, **options)
    return components.slack.messages[before:]


async def test_reminder__follows_once_in_the_thread_of_a_card_that_still_waits(components: Components) -> None:
    card = await card_of(components)
    components.database.clock.advance(DELAY - 1)
    assert await remind(components) == []
    components.database.clock.advance(1)

    (reminder,) = await remind(components)

    assert (reminder.channel_id, reminder.thread_ts) == (card.channel_id, card.ts)
    said = components.slack.text_of(reminder)
    assert f"{MENTION} Still waiting for a decision: all sessions of Tom Target. Nothing was changed so far." in said
    assert f"<!date^{int((await stored(components.store)).expires_at)}^" in said
    components.database.clock.advance(DELAY)
    assert await remind(components) == []


async def test_reminder__of_a_card_in_direct_messages_is_a_new_message_with_a_link(components: Components) -> None:
    card = await card_of(components, card=MessageRef(personas.OLIVIA), requester=personas.OLIVIA)
    components.database.clock.advance(DELAY)

    (reminder,) = await remind(components)

    assert (reminder.channel_id, reminder.thread_ts) == (card.channel_id, None)
    said = components.slack.text_of(reminder)
    assert f"p{card.ts.replace('.', '')}|Open the card>" in said
    assert MENTION not in said


@pytest.mark.parametrize("end", ["approve", "cancel", "expire"])
async def test_reminder__of_a_request_that_has_ended_is_not_sent(components: Components, end: str) -> None:
    await card_of(components)
    if end == "approve":
        await approve(components.store, by=personas.OLIVIA)
    elif end == "cancel":
        job = await click(components.store, by=personas.RAVI)
        await ClickStore(components.store).apply(
            await stored(components.store), Event.CANCEL, job=job, by=personas.RAVI
        )
    else:
        components.database.clock.advance(TTL)
        await ExpiryStore(components.store).expire_due(lambda _request: ())
    components.database.clock.advance(DELAY)
    assert await due(components) == []
    assert (await components.store.jobs.depth())["reminder"] == 0


async def test_reminder__of_a_request_that_is_about_to_expire_is_not_sent(components: Components) -> None:
    """The bot was down when the reminder was due."""
    await card_of(components)
    components.database.clock.advance(TTL - MIN_TIME_LEFT + 1)
    assert await remind(components) == []
    assert (await components.store.jobs.depth())["reminder"] == 0


async def test_reminder__of_several_replicas_is_sent_once(components: Components) -> None:
    await card_of(components)
    components.database.clock.advance(DELAY)
    stores = [components.database.store(f"{name}#1") for name in ("one", "two", "three")]
    claimed = await asyncio.gather(*(store.jobs.claim(20) for store in stores))
    assert [job.kind for jobs in claimed for job in jobs] == [JobKind.REMINDER]


async def test_reminder__waits_for_a_card_that_is_not_posted_yet(components: Components) -> None:
    _, job = await components.request(remind_after=DELAY)
    components.database.clock.advance(DELAY)
    assert await remind(components) == []
    await components.cards().process(job)
    components.database.clock.advance(UNPOSTED_DELAY)
    (reminder,) = await remind(components)
    assert reminder.thread_ts is not None


async def test_reminder__is_sent_after_a_slack_outage_and_keeps_its_mention(components: Components) -> None:
    await card_of(components)
    components.database.clock.advance(DELAY)
    components.slack.fault("chat.postMessage", SlackFault(error="internal_error", times=2))
    for _ in range(2):
        assert await remind(components) == []
        components.database.clock.advance(LEASE_DURATION)
    (reminder,) = await remind(components)
    assert MENTION in components.slack.text_of(reminder)


async def test_reminder__mentions_no_one_shortly_after_another_ping_of_the_requester(components: Components) -> None:
    await card_of(components)
    components.database.clock.advance(DELAY)
    assert await CardStore(components.store).take_ping(personas.RAVI, "card:other")
    (reminder,) = await remind(components)
    assert MENTION not in components.slack.text_of(reminder)


async def test_reminder__mentions_no_one_if_pings_are_off(components: Components) -> None:
    await card_of(components)
    components.database.clock.advance(DELAY)
    (reminder,) = await remind(components, ping_approvers=False)
    assert MENTION not in components.slack.text_of(reminder)


async def test_reminder__is_not_posted_to_a_channel_that_was_shared_meanwhile(components: Components) -> None:
    await card_of(components)
    components.database.clock.advance(DELAY)
    components.clock.now += DELAY
    components.slack.channels[personas.OPS].is_ext_shared = True
    assert await remind(components) == []
    assert (await components.store.jobs.depth())["reminder"] == 0


@pytest.mark.parametrize(
    ("remind_after", "reminders"), [(None, 0), (DELAY, 1), (TTL - MIN_TIME_LEFT, 1), (TTL - MIN_TIME_LEFT + 1, 0)]
)
async def test_process__stores_a_reminder_that_leaves_time_to_decide(
    components: Components, remind_after: float | None, reminders: int
) -> None:
    by = Invoker(personas.RAVI, "T0HOME0001", personas.OPS, "trigger")
    job = await components.command(by, TargetRef(slack_user_id=personas.TOM))
    await components.requests(remind_after=remind_after).process(job)
    assert len(await components.database.rows("SELECT id FROM jobs WHERE kind = 'reminder'")) == reminders
