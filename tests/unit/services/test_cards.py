"""Cards: posted, kept up to date, and retried while Slack does not take them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.db.clicks import ClickStore
from bot.db.job_queue import LEASE_DURATION
from bot.db.jobs import Job, JobKind
from bot.db.requests import APPROVAL_RENDER_DELAY
from bot.domain.principals import parse_principals
from bot.domain.requests import Event, MessageRef, State
from bot.errors import TOKEN_REFUSED
from bot.sandbox import personas
from bot.sandbox.slack.faults import SlackFault
from bot.sandbox.slack.messages import PostedMessage
from bot.services.job_result import JobResult
from bot.services.notifications import DELIVERY_DEADLINE, MAX_DELIVERY_DELAY
from bot.slack.channels import ANSWER_AGE
from tests.support.components import NOT_INVITED, Components, open_components, revoke
from tests.support.database import approve, stored, tags


@pytest.fixture
async def components(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        yield opened


async def deliver(components: Components, kind: JobKind) -> None:
    """Run the due jobs of a kind once."""
    for job in await due(components, kind):
        await components.run(job)


def direct_messages(components: Components, user_id: str) -> list[str]:
    return components.texts_in(components.slack.workspace.dm(user_id).id)


async def due(components: Components, kind: JobKind) -> list[Job]:
    return [job for job in await components.store.jobs.claim(20) if job.kind is kind]


async def test_process__posts_a_new_card_and_stores_where_it_is(components: Components) -> None:
    _, job = await components.request()
    assert await components.cards().process(job) == JobResult()
    (card,) = [one for one in components.slack.messages if one.channel_id == personas.OPS]
    assert (await stored(components.store)).card == MessageRef(personas.OPS, card.ts)
    assert await components.store.jobs.is_done(job.id)
    assert components.slack.calls_of("response_url") == []


async def test_process__informs_the_requester_about_a_card_in_another_channel(components: Components) -> None:
    url = components.response_url(personas.RAVI)
    _, job = await components.request(card=MessageRef(personas.APPROVALS), command_url=url)
    components.slack.fault("response_url", SlackFault(html="sorry", status=503))
    components.slack.fault("chat.postMessage", SlackFault())  # the card
    components.slack.fault("chat.postMessage", SlackFault(error="internal_error"))
    await components.cards().process(job)
    assert len(components.texts_in(personas.APPROVALS)) == 1
    await deliver(components, JobKind.REPLY)
    assert components.texts_in(personas.OPS) == []

    components.database.clock.advance(1)
    await deliver(components, JobKind.REPLY)
    (reply,) = components.texts_in(personas.OPS)
    assert f"Sent to <#{personas.APPROVALS}>" in reply
    assert (await components.store.jobs.depth())["reply"] == 0


async def test_process__informs_the_requester_who_submitted_a_modal(components: Components) -> None:
    _, job = await components.request(card=MessageRef(personas.APPROVALS), requested_in="", command_url=None)
    await components.cards().process(job)
    await deliver(components, JobKind.REPLY)
    (reply,) = direct_messages(components, personas.RAVI)
    assert f"Sent to <#{personas.APPROVALS}>" in reply


async def test_process__card_in_direct_messages_needs_no_message_about_it(components: Components) -> None:
    _, job = await components.request(card=MessageRef(personas.RAVI), requested_in="", command_url=None)
    assert await components.cards().process(job) == JobResult()
    assert len(direct_messages(components, personas.RAVI)) == 1
    assert (await components.store.jobs.depth())["reply"] == 0


async def test_process__new_card_mentions_the_approvers_once(components: Components) -> None:
    """Slack notifies of a new message only, and a later version of the card has no mention."""
    _, job = await components.request(approvals_required=2, ping=True)
    await components.cards().process(job)
    (card,) = [one for one in components.slack.messages if one.channel_id == personas.OPS]
    assert components.slack.text_of(card).count(f"<!subteam^{personas.TOKEN_APPROVERS}>") == 1
    pressed = await components.clicks().process(await components.click())
    for one in pressed.follow_up:
        await components.run(one)
    assert len(card.history) == 1
    assert "<!subteam" not in components.slack.text_of(card)
    assert [one for one in components.slack.messages if one.channel_id == personas.OPS] == [card]


@pytest.mark.parametrize("approvers", ["role:Supervisor", personas.RAVI])
async def test_process__new_card_without_anyone_to_mention_is_as_usual(components: Components, approvers: str) -> None:
    _, job = await components.request(ping=True)
    await components.cards(approvers=parse_principals(approvers)).process(job)
    (card,) = components.slack.messages
    assert "waits for your decision" not in components.slack.text_of(card)
    assert len(components.slack.buttons(card)) == 3


async def test_process__card_that_ended_before_it_was_posted_mentions_no_one(components: Components) -> None:
    _, job = await components.request(ping=True)
    await approve(components.store, by=personas.OLIVIA)
    await components.cards().process(replace(job, snapshot=None))
    (card,) = components.slack.messages
    assert "<!subteam" not in components.slack.text_of(card)


async def test_process__removes_the_buttons_of_an_ended_request(components: Components) -> None:
    _, job = await components.request()
    await components.cards().process(job)
    await revoke(components)
    (job,) = await due(components, JobKind.CARD)
    assert await components.cards().process(job) == JobResult()
    (said,) = components.texts_in(personas.OPS)
    assert "Revoked: all sessions of Tom Target" in said
    card = next(one for one in components.slack.messages if one.channel_id == personas.OPS)
    assert components.slack.buttons(card) == []


async def test_process__posts_the_card_after_a_slack_outage(components: Components) -> None:
    _, job = await components.request()
    components.slack.fault("chat.postMessage", SlackFault(html="<h1>Sorry</h1>", status=503))
    assert await components.cards().process(job) == JobResult()
    assert components.texts_in(personas.OPS) == []
    assert await due(components, JobKind.CARD) == []
    components.database.clock.advance(1)
    (job,) = await due(components, JobKind.CARD)
    await components.cards().process(job)
    assert len(components.texts_in(personas.OPS)) == 1


async def test_process__waits_for_retry_after(components: Components) -> None:
    _, job = await components.request()
    components.slack.fault("chat.postMessage", SlackFault(retry_after=30))
    await components.cards().process(job)
    components.database.clock.advance(29)
    assert await due(components, JobKind.CARD) == []
    components.database.clock.advance(1)
    assert len(await due(components, JobKind.CARD)) == 1


async def test_process__gives_up_a_day_after_the_request_ended(components: Components) -> None:
    _, job = await components.request()
    await components.cards().process(job)
    await revoke(components)
    components.slack.fault("chat.update", SlackFault(error="internal_error", times=None))
    (job,) = await due(components, JobKind.CARD)
    components.database.clock.advance(DELIVERY_DEADLINE - 1)
    await components.cards().process(job)
    assert not await components.store.jobs.is_done(job.id)
    components.database.clock.advance(DELIVERY_DEADLINE / 20)
    (job,) = await due(components, JobKind.CARD)
    await components.cards().process(job)
    assert await components.store.jobs.is_done(job.id)


async def test_process__never_gives_up_the_card_of_an_open_request(components: Components) -> None:
    _, job = await components.request()
    components.slack.fault("chat.postMessage", SlackFault(error="internal_error", times=None))
    components.database.clock.advance(DELIVERY_DEADLINE + 1)
    await components.cards().process(job)
    assert not await components.store.jobs.is_done(job.id)


async def test_process__retries_after_a_revoked_bot_token(components: Components) -> None:
    _, job = await components.request()
    await components.cards().process(job)
    await revoke(components)
    components.slack.fault("chat.update", SlackFault(error="account_inactive"))
    (job,) = await due(components, JobKind.CARD)
    await components.cards().process(job)
    assert not await components.store.jobs.is_done(job.id)


UNEDITABLE = {
    "cant_update_message": "thread",
    "edit_window_closed": "thread",
    "msg_too_long": "thread",
    "message_not_found": "direct messages",
    "is_archived": "direct messages",
    "channel_not_found": "direct messages",
    "not_in_channel": "direct messages",
}
"""Where the outcome is posted, by the error of `chat.update`."""


async def revoked_without_card(components: Components, code: str) -> PostedMessage:
    """Revoke on a request whose card cannot be edited; return the card."""
    _, job = await components.request()
    await components.cards().process(job)
    (card,) = [one for one in components.slack.messages if one.channel_id == personas.OPS]
    await revoke(components)
    components.slack.fault("chat.update", SlackFault(error=code, times=None))
    return card


@pytest.mark.parametrize(("code", "place"), UNEDITABLE.items())
async def test_process__posts_the_outcome_once_if_the_card_cannot_be_edited(
    components: Components, code: str, place: str
) -> None:
    card = await revoked_without_card(components, code)
    for _ in range(2):
        for kind in (JobKind.CARD, JobKind.NOTICE):
            await deliver(components, kind)
            components.database.clock.advance(1)
            components.clock.advance(1)
    posted = components.slack.messages[1:]
    places = [(one.channel_id, one.thread_ts) for one in posted if one.channel_id != personas.AUDIT]
    people = [components.slack.workspace.dm(one).id for one in (personas.RAVI, personas.OLIVIA)]
    assert sorted(places) == ([(personas.OPS, card.ts)] if place == "thread" else sorted((one, None) for one in people))
    assert all("Revoked: all sessions of Tom Target" in one.text for one in posted)
    assert components.slack.buttons(card)
    assert (await components.store.jobs.depth())["card"] == 0


@pytest.mark.parametrize("code", sorted(TOKEN_REFUSED))
async def test_process__reports_the_outcome_once_while_the_token_may_not_edit_the_card(
    components: Components, code: str
) -> None:
    card = await revoked_without_card(components, code)
    for _ in range(60):
        for kind in (JobKind.CARD, JobKind.NOTICE):
            await deliver(components, kind)
        components.database.clock.advance(60)
        components.clock.advance(60)
        await components.store.delete_expired_rows()
    for user_id in (personas.RAVI, personas.OLIVIA):
        (said,) = direct_messages(components, user_id)
        assert "Revoked: all sessions of Tom Target" in said
    assert components.slack.buttons(card)
    components.slack.clear_faults()
    components.database.clock.advance(300)
    await deliver(components, JobKind.CARD)
    assert not components.slack.buttons(card)


async def test_process__thread_that_takes_no_message_leads_to_direct_messages(components: Components) -> None:
    await revoked_without_card(components, "cant_update_message")
    components.slack.fault("chat.postMessage", SlackFault(error="restricted_action"))
    await deliver(components, JobKind.CARD)
    await deliver(components, JobKind.NOTICE)
    for user_id in (personas.RAVI, personas.OLIVIA):
        (said,) = direct_messages(components, user_id)
        assert "Revoked: all sessions of Tom Target" in said


async def test_process__outcome_in_thread_is_retried_after_a_slack_outage(components: Components) -> None:
    card = await revoked_without_card(components, "cant_update_message")
    components.slack.fault("chat.postMessage", SlackFault(error="internal_error"))
    await deliver(components, JobKind.CARD)
    assert [one for one in components.slack.messages if one.thread_ts] == []
    components.database.clock.advance(1)
    await deliver(components, JobKind.CARD)
    (said,) = [one for one in components.slack.messages if one.thread_ts]
    assert (said.channel_id, said.thread_ts) == (personas.OPS, card.ts)


@pytest.mark.parametrize("code", ["cant_update_message", *sorted(TOKEN_REFUSED)])
async def test_process__edits_the_card_through_the_click_if_nothing_else_can(components: Components, code: str) -> None:
    _, job = await components.request()
    await components.cards().process(job)
    card = components.slack.messages[-1]
    press = await components.click(ts=card.ts, response_url=components.click_url(card))
    await components.clicks().process(press)
    components.slack.fault("chat.update", SlackFault(error=code, times=None))
    await deliver(components, JobKind.EXECUTE)
    components.database.clock.advance(APPROVAL_RENDER_DELAY)
    await deliver(components, JobKind.CARD)
    assert not components.slack.buttons(card)
    assert "Approved: ending all sessions of Tom Target now" in components.slack.text_of(card)
    assert (await components.store.jobs.depth())["card"] == 0
    assert [one for one in components.slack.messages if one.thread_ts] == []
    assert direct_messages(components, personas.OLIVIA) == []


async def test_process__click_on_a_dead_card_replaces_it(components: Components) -> None:
    card = await revoked_without_card(components, "cant_update_message")
    await deliver(components, JobKind.CARD)
    stale = await components.click(by=personas.BEN, response_url=components.click_url(card, personas.BEN), ts=card.ts)
    await components.clicks().process(stale)
    before = len(components.slack.messages)
    await deliver(components, JobKind.CARD)
    assert not components.slack.buttons(card)
    assert "Revoked: all sessions of Tom Target" in components.slack.text_of(card)
    assert len(components.slack.messages) == before


@pytest.mark.parametrize("code", ["cant_update_message", "message_not_found"])
async def test_process__pending_card_that_cannot_be_edited_needs_no_new_message(
    components: Components, code: str
) -> None:
    """It shows an approval too few until the next click on it."""
    _, job = await components.request(approvals_required=2)
    await components.cards().process(job)
    pressed = await components.clicks().process(await components.click())
    components.slack.fault("chat.update", SlackFault(error=code))
    for one in pressed.follow_up:
        await components.run(one)
    assert len(components.slack.messages) == 1
    assert (await stored(components.store)).state is State.PENDING
    assert (await components.store.jobs.depth())["card"] == 0


async def test_process__cancels_a_request_whose_card_cannot_be_posted(
    components: Components,
) -> None:
    """Approvers would not see a card anywhere else."""
    url = components.response_url(personas.RAVI)
    _, job = await components.request(card=MessageRef(NOT_INVITED), command_url=url)
    await components.cards().process(job)
    request = await stored(components.store)
    assert (request.state, request.decided_by) == (State.CANCELLED, None)
    await deliver(components, JobKind.REPLY)
    (reply,) = components.texts_in(personas.OPS)
    assert f"I could not post the card in <#{NOT_INVITED}>: I am not a member of that channel." in reply
    assert await tags(components.store) == ["request:asked", "request:cancelled"]
    components.database.clock.advance(LEASE_DURATION)
    (notice,) = await due(components, JobKind.NOTICE)
    assert notice.payload["channel"] == personas.AUDIT


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"is_ext_shared": True}, "people of another organization see that channel"),
        ({"is_member": False, "is_private": True}, "I can't find out who sees that channel"),
    ],
)
async def test_process__posts_no_card_into_a_channel_that_was_shared_meanwhile(
    components: Components, change: dict[str, bool], reason: str
) -> None:
    """The reply to the command would also be visible there, so it is private."""
    vars(components.slack.channels[personas.OPS]).update(change)
    _, job = await components.request(command_url=components.response_url(personas.RAVI))
    await components.cards().process(job)
    assert (await stored(components.store)).state is State.CANCELLED
    await deliver(components, JobKind.REPLY)
    (reply,) = components.slack.messages
    assert (reply.channel_id, reply.only_for) == (personas.OPS, personas.RAVI)
    assert reason in components.slack.text_of(reply)
    assert components.slack.buttons(reply) == []


async def test_process__outcome_of_a_dead_card_is_not_posted_in_a_shared_thread(components: Components) -> None:
    _, job = await components.request()
    await components.cards().process(job)
    await revoke(components)
    components.slack.channels[personas.OPS].is_ext_shared = True
    components.clock.now += ANSWER_AGE
    components.slack.fault("chat.update", SlackFault(error="cant_update_message", times=None))
    await deliver(components, JobKind.CARD)
    components.database.clock.advance(LEASE_DURATION)
    await deliver(components, JobKind.NOTICE)
    assert len(components.texts_in(personas.OPS)) == 1
    for person in (personas.RAVI, personas.OLIVIA):
        assert any("Revoked" in text for text in direct_messages(components, person))


async def test_process__card_waits_until_slack_says_who_sees_the_channel(components: Components) -> None:
    _, job = await components.request()
    components.slack.fault("conversations.info", SlackFault(error="internal_error", times=2))
    await components.cards().process(job)
    assert components.slack.messages == []
    components.database.clock.advance(1)
    await deliver(components, JobKind.CARD)
    assert len(components.texts_in(personas.OPS)) == 1


async def test_process__answers_the_command_with_the_card_in_its_own_channel(components: Components) -> None:
    url = components.response_url(personas.RAVI, NOT_INVITED)
    _, job = await components.request(card=MessageRef(NOT_INVITED), requested_in=NOT_INVITED, command_url=url)
    await components.cards().process(job)
    card = components.slack.messages[-1]
    assert (card.channel_id, card.only_for) == (NOT_INVITED, None)
    assert len(components.slack.buttons(card)) == 3
    request = await stored(components.store)
    assert (request.state, request.card) == (State.PENDING, None)


async def test_process__answers_the_command_with_a_private_card(components: Components) -> None:
    url = components.response_url(personas.RAVI)
    components.slack.fault("chat.postMessage", SlackFault(error="messages_tab_disabled"))
    _, job = await components.request(card=MessageRef(personas.RAVI), command_url=url)
    await components.cards().process(job)
    card = components.slack.messages[-1]
    assert (card.channel_id, card.only_for) == (personas.OPS, personas.RAVI)
    assert len(components.slack.buttons(card)) == 3


async def test_process__cancels_a_request_whose_card_no_one_can_see(components: Components) -> None:
    """The `response_url` of the command has expired, so the command cannot be answered either."""
    components.slack.fault("response_url", SlackFault(html="expired_url", status=404, times=None))
    _, job = await components.request(
        card=MessageRef(NOT_INVITED),
        requested_in=NOT_INVITED,
        command_url=components.response_url(personas.RAVI, NOT_INVITED),
    )
    await components.cards().process(job)
    assert (await stored(components.store)).state is State.CANCELLED
    assert await components.store.jobs.is_done(job.id)
    await deliver(components, JobKind.REPLY)
    (reply,) = direct_messages(components, personas.RAVI)
    assert f"I could not post the card in <#{NOT_INVITED}>" in reply


async def test_process__edits_an_ephemeral_card_through_the_click(components: Components) -> None:
    _, job = await components.request(
        card=MessageRef(NOT_INVITED),
        requested_in=NOT_INVITED,
        command_url=components.response_url(personas.RAVI, NOT_INVITED),
    )
    await components.cards().process(job)
    card = components.slack.messages[-1]
    url = components.slack.response_url_for_click(card, personas.OLIVIA)
    press = await components.click(ts=card.ts, response_url=url)
    await components.clicks().process(press)
    assert await due(components, JobKind.CARD) == []
    components.database.clock.advance(APPROVAL_RENDER_DELAY)
    (job,) = await due(components, JobKind.CARD)
    await components.cards().process(job)
    assert "Approved: ending all sessions of Tom Target now" in components.slack.text_of(card)
    assert components.slack.buttons(card) == []
    assert components.slack.calls_of("chat.update") == []


async def test_process__accepts_an_expired_response_url(components: Components) -> None:
    _, job = await components.request()
    await components.cards().process(job)
    request = await stored(components.store)
    press = await components.click(by=personas.OLIVIA)
    await ClickStore(components.store).apply(
        request, Event.APPROVE, job=press, by=personas.OLIVIA, click_url=f"{components.slack.api_url}../response/dead"
    )
    components.slack.fault("response_url", SlackFault(html="expired_url", status=404))
    components.database.clock.advance(APPROVAL_RENDER_DELAY)
    (job,) = await due(components, JobKind.CARD)
    await components.cards().process(job)
    assert "Approved: ending all sessions of Tom Target now" in components.texts_in(personas.OPS)[0]
    assert await components.store.jobs.is_done(job.id)


async def test_process__limits_the_delay_after_many_attempts(components: Components) -> None:
    _, job = await components.request()
    components.slack.fault("chat.postMessage", SlackFault(error="internal_error"))
    await components.cards().process(replace(job, attempts=2000))
    components.database.clock.advance(MAX_DELIVERY_DELAY)
    (job,) = await due(components, JobKind.CARD)
    await components.cards().process(job)
    assert len(components.texts_in(personas.OPS)) == 1


async def test_process__unknown_request_has_no_card(components: Components) -> None:
    job = Job(4711, JobKind.CARD, "unknown", {"channel": personas.OPS}, 1, 0.0)
    assert await components.cards().process(job) == JobResult()
    await components.notifier().process_notice(job)
    assert components.slack.messages == []


async def test_process__click_on_an_outdated_copy_updates_it(components: Components) -> None:
    """Such a copy exists if the response to the first `chat.postMessage` was lost."""
    _, job = await components.request()
    cards = components.cards()
    await cards.process(job)
    copy = components.second_copy(components.slack.messages[-1])
    await revoke(components)
    (job,) = await due(components, JobKind.CARD)
    await cards.process(job)
    assert components.slack.buttons(copy)
    stale = await components.click(response_url=components.click_url(copy), ts=copy.ts)
    await components.clicks().process(stale)
    (job,) = await due(components, JobKind.CARD)
    await cards.process(job)
    assert not components.slack.buttons(copy)
