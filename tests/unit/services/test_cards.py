"""Cards that stay true, whatever Slack does meanwhile; and who is told what."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.db.jobs import Job, JobKind
from bot.db.requests import APPROVAL_RENDER_DELAY
from bot.domain.policy import DenialCode, Denied
from bot.domain.requests import APPROVE, Event, MessageRef, State
from bot.errors import StaleRequest
from bot.sandbox import personas
from bot.sandbox.slack.faults import SlackFault
from bot.services.cards import GIVE_UP, LONGEST_WAIT
from tests.support.components import QUIET, Components, open_components
from tests.support.database import approve, stored, tags


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        yield opened


async def revoke(office: Components, **changes: str) -> None:
    """The request is approved and carried out; audit channel and requester are to be told."""
    moved, work = await approve(office.store, by=personas.OLIVIA)
    tell = office.audience(moved)
    await office.store.finish_execution(
        work, Event.SUCCEED, outcome={"attempts": 1, "status": 200} | changes, notify=tell
    )


async def due(office: Components, kind: JobKind) -> list[Job]:
    return [job for job in await office.store.jobs.claim(20) if job.kind is kind]


async def test_paint__a_new_card_is_posted_and_known_by_its_place(office: Components) -> None:
    _, job = await office.ask()
    assert await office.painter().paint(job) is True
    (card,) = [one for one in office.slack.messages if one.channel_id == personas.OPS]
    assert (await stored(office.store)).card == MessageRef(personas.OPS, card.ts)
    assert await office.store.jobs.is_done(job.id)
    assert office.slack.calls_of("response_url") == []


async def test_paint__the_requester_is_told_of_a_card_that_stands_elsewhere(office: Components) -> None:
    url = office.response_url(personas.RAVI)
    _, job = await office.ask(card=MessageRef(personas.APPROVALS), command_url=url)
    await office.painter().paint(job)
    assert len(office.said_to(personas.APPROVALS)) == 1
    (told,) = office.said_to(personas.OPS)
    assert f"I posted the card in <#{personas.APPROVALS}>" in told


async def test_paint__a_request_that_has_ended_has_no_live_button(office: Components) -> None:
    _, job = await office.ask()
    await office.painter().paint(job)
    await revoke(office)
    (job,) = await due(office, JobKind.CARD)
    assert await office.painter().paint(job) is True
    (said,) = office.said_to(personas.OPS)
    assert "Revoked: every session of Tom Target" in said
    card = next(one for one in office.slack.messages if one.channel_id == personas.OPS)
    assert office.slack.buttons(card) == []


async def test_paint__slack_was_down_and_the_card_is_painted_later(office: Components) -> None:
    _, job = await office.ask()
    office.slack.fault("chat.postMessage", SlackFault(html="<h1>Sorry</h1>", status=503))
    assert await office.painter().paint(job) is True
    assert office.said_to(personas.OPS) == []
    assert await due(office, JobKind.CARD) == []
    office.ledger.clock.now += 1
    (job,) = await due(office, JobKind.CARD)
    await office.painter().paint(job)
    assert len(office.said_to(personas.OPS)) == 1


async def test_paint__waits_as_long_as_slack_asks(office: Components) -> None:
    _, job = await office.ask()
    office.slack.fault("chat.postMessage", SlackFault(retry_after=30))
    await office.painter().paint(job)
    office.ledger.clock.now += 29
    assert await due(office, JobKind.CARD) == []
    office.ledger.clock.now += 1
    assert len(await due(office, JobKind.CARD)) == 1


async def test_paint__a_card_slack_refuses_for_a_day_after_the_end_is_given_up(office: Components) -> None:
    _, job = await office.ask()
    await office.painter().paint(job)
    await revoke(office)
    office.slack.fault("chat.update", SlackFault(error="internal_error", times=None))
    (job,) = await due(office, JobKind.CARD)
    office.ledger.clock.now += GIVE_UP - 1
    await office.painter().paint(job)
    assert not await office.store.jobs.is_done(job.id)
    office.ledger.clock.now += GIVE_UP / 20
    (job,) = await due(office, JobKind.CARD)
    await office.painter().paint(job)
    assert await office.store.jobs.is_done(job.id)


async def test_paint__the_card_of_an_open_request_is_never_given_up(office: Components) -> None:
    _, job = await office.ask()
    office.slack.fault("chat.postMessage", SlackFault(error="internal_error", times=None))
    office.ledger.clock.now += GIVE_UP + 1
    await office.painter().paint(job)
    assert not await office.store.jobs.is_done(job.id)


async def test_paint__a_revoked_token_of_the_bot_may_be_put_right_so_the_card_waits(office: Components) -> None:
    _, job = await office.ask()
    await office.painter().paint(job)
    await revoke(office)
    office.slack.fault("chat.update", SlackFault(error="account_inactive"))
    (job,) = await due(office, JobKind.CARD)
    await office.painter().paint(job)
    assert not await office.store.jobs.is_done(job.id)


async def test_paint__a_card_that_cannot_be_edited_does_not_stop_the_rest(office: Components) -> None:
    _, job = await office.ask()
    await office.painter().paint(job)
    await revoke(office)
    office.slack.fault("chat.update", SlackFault(error="cant_update_message"))
    (job,) = await due(office, JobKind.CARD)
    assert await office.painter().paint(job) is True
    assert await office.store.jobs.is_done(job.id)
    assert (await stored(office.store)).state is State.REVOKED


async def test_paint__the_approvals_channel_cannot_be_posted_to_so_the_request_is_withdrawn_and_told(
    office: Components,
) -> None:
    """A card elsewhere would wait unseen by those who may confirm it."""
    url = office.response_url(personas.RAVI)
    _, job = await office.ask(card=MessageRef(QUIET), command_url=url)
    await office.painter().paint(job)
    request = await stored(office.store)
    assert (request.state, request.decided_by) == (State.CANCELLED, None)
    (told,) = office.said_to(personas.OPS)
    assert f"I could not post the card in <#{QUIET}> (`not_in_channel`)" in told
    assert await tags(office.store) == ["request:asked", "request:cancelled"]
    (notice,) = await due(office, JobKind.NOTICE)
    assert notice.payload == {"channel": personas.AUDIT}


async def test_paint__where_the_command_was_typed_the_answer_is_the_card(office: Components) -> None:
    url = office.response_url(personas.RAVI, QUIET)
    _, job = await office.ask(card=MessageRef(QUIET), requested_in=QUIET, command_url=url)
    await office.painter().paint(job)
    card = office.slack.messages[-1]
    assert (card.channel_id, card.only_for) == (QUIET, None)
    assert len(office.slack.buttons(card)) == 2
    request = await stored(office.store)
    assert (request.state, request.card) == (State.PENDING, None)


async def test_paint__a_card_for_the_requester_alone_is_answered_to_them_alone(office: Components) -> None:
    url = office.response_url(personas.RAVI)
    office.slack.fault("chat.postMessage", SlackFault(error="messages_tab_disabled"))
    _, job = await office.ask(card=MessageRef(personas.RAVI), command_url=url)
    await office.painter().paint(job)
    card = office.slack.messages[-1]
    assert (card.channel_id, card.only_for) == (personas.OPS, personas.RAVI)
    assert len(office.slack.buttons(card)) == 2


async def test_paint__a_card_that_nobody_can_be_shown_is_withdrawn(office: Components) -> None:
    """Not even the command can be answered: the address is used up or too old."""
    office.slack.fault("response_url", SlackFault(html="expired_url", status=404, times=None))
    _, job = await office.ask(
        card=MessageRef(QUIET), requested_in=QUIET, command_url=office.response_url(personas.RAVI, QUIET)
    )
    await office.painter().paint(job)
    assert (await stored(office.store)).state is State.CANCELLED
    assert await office.store.jobs.is_done(job.id)


async def test_paint__an_ephemeral_card_is_edited_through_the_click(office: Components) -> None:
    _, job = await office.ask(
        card=MessageRef(QUIET), requested_in=QUIET, command_url=office.response_url(personas.RAVI, QUIET)
    )
    await office.painter().paint(job)
    card = office.slack.messages[-1]
    url = office.slack.response_url_for_click(card, personas.OLIVIA)
    press = await office.click(ts=card.ts, response_url=url)
    await office.decisions().settle(press)
    assert await due(office, JobKind.CARD) == []
    office.ledger.clock.now += APPROVAL_RENDER_DELAY
    (job,) = await due(office, JobKind.CARD)
    await office.painter().paint(job)
    assert "Confirmed, under way" in office.slack.text_of(card)
    assert office.slack.buttons(card) == []
    assert office.slack.calls_of("chat.update") == []


async def test_paint__an_address_that_died_meanwhile_does_not_stop_the_card(office: Components) -> None:
    _, job = await office.ask()
    await office.painter().paint(job)
    request = await stored(office.store)
    press = await office.click(by=personas.OLIVIA)
    await office.store.apply_click(
        request, Event.APPROVE, job=press, by=personas.OLIVIA, click_url=f"{office.slack.api_url}../response/dead"
    )
    office.slack.fault("response_url", SlackFault(html="expired_url", status=404))
    office.ledger.clock.now += APPROVAL_RENDER_DELAY
    (job,) = await due(office, JobKind.CARD)
    await office.painter().paint(job)
    assert "Confirmed, under way" in office.said_to(personas.OPS)[0]
    assert await office.store.jobs.is_done(job.id)


async def test_notify__the_audit_channel_and_an_absent_requester_hear_of_the_end(office: Components) -> None:
    await office.ask(card=MessageRef(personas.APPROVALS, "1.2"))
    await revoke(office)
    for job in await due(office, JobKind.NOTICE):
        await office.painter().notify(job)
    for channel in (personas.AUDIT, office.slack.workspace.dm(personas.RAVI).id):
        (said,) = office.said_to(channel)
        assert "Revoked: every session of Tom Target" in said
    assert (await office.store.jobs.depth())["notice"] == 0


async def test_notify__slack_was_down_and_it_is_told_later_and_once(office: Components) -> None:
    await office.ask()
    await revoke(office)
    office.slack.fault("chat.postMessage", SlackFault(error="internal_error"))
    for job in await due(office, JobKind.NOTICE):
        await office.painter().notify(job)
    assert office.said_to(personas.AUDIT) == []
    office.ledger.clock.now += 1
    for job in await due(office, JobKind.NOTICE):
        await office.painter().notify(job)
    office.ledger.clock.now += 600
    assert await due(office, JobKind.NOTICE) == []
    assert len(office.said_to(personas.AUDIT)) == 1


async def test_paint__the_thousandth_try_waits_no_longer_than_the_tenth(office: Components) -> None:
    _, job = await office.ask()
    office.slack.fault("chat.postMessage", SlackFault(error="internal_error"))
    await office.painter().paint(replace(job, attempts=2000))
    office.ledger.clock.now += LONGEST_WAIT
    (job,) = await due(office, JobKind.CARD)
    await office.painter().paint(job)
    assert len(office.said_to(personas.OPS)) == 1


@pytest.mark.parametrize("code", ["not_in_channel", "channel_not_found", "invalid_auth"])
async def test_notify__a_channel_that_somebody_puts_right_is_told_then(office: Components, code: str) -> None:
    await office.ask()
    await revoke(office)
    office.slack.fault("chat.postMessage", SlackFault(error=code))
    (job,) = await due(office, JobKind.NOTICE)
    with capture_logs() as said:
        await office.painter().notify(job)
    assert [entry["code"] for entry in said if entry["log_level"] == "error"] == [code]
    assert office.said_to(personas.AUDIT) == []

    office.ledger.clock.now += 1
    (job,) = await due(office, JobKind.NOTICE)
    await office.painter().notify(job)

    assert len(office.said_to(personas.AUDIT)) == 1
    assert (await office.store.jobs.depth())["notice"] == 0


async def test_notify__what_slack_will_never_take_is_given_up(office: Components) -> None:
    await office.ask()
    await revoke(office)
    office.slack.fault("chat.postMessage", SlackFault(error="msg_too_long"))
    for job in await due(office, JobKind.NOTICE):
        await office.painter().notify(job)
    assert (await office.store.jobs.depth())["notice"] == 0
    assert (await stored(office.store)).state is State.REVOKED


async def test_answer__who_clicked_is_told_in_private(office: Components) -> None:
    await office.ask()
    url = office.response_url(personas.NADIA)
    job = await office.click(by=personas.NADIA, response_url=url)
    await office.painter().answer(job, Denied(DenialCode.NOT_AN_APPROVER), await stored(office.store))
    told = office.slack.messages[-1]
    assert (told.channel_id, told.only_for) == (personas.OPS, personas.NADIA)


async def test_answer__without_an_address_it_comes_as_a_direct_message(office: Components) -> None:
    await office.ask()
    job = await office.click(by=personas.NADIA)
    await office.painter().answer(job, StaleRequest(), None)
    assert office.slack.messages[-1].channel_id == office.slack.workspace.dm(personas.NADIA).id


async def test_answer__that_it_does_not_arrive_changes_nothing(office: Components) -> None:
    await office.ask()
    office.slack.fault("chat.postMessage", SlackFault(error="user_disabled"))
    job = await office.click(by=personas.NADIA, action=APPROVE)
    await office.painter().answer(job, StaleRequest(), None)
    assert (await stored(office.store)).state is State.PENDING


async def test_paint__an_unknown_request_has_no_card(office: Components) -> None:
    job = Job(4711, JobKind.CARD, "nobody", {"channel": personas.OPS}, 1, 0.0)
    assert await office.painter().paint(job) is True
    await office.painter().notify(job)
    assert office.slack.messages == []


async def test_paint__a_click_on_buttons_that_should_be_gone_takes_them_away(office: Components) -> None:
    """As where the answer to the first posting was lost, and a second copy was posted."""
    _, job = await office.ask()
    painter = office.painter()
    await painter.paint(job)
    copy = office.second_copy(office.slack.messages[-1])
    await revoke(office)
    (job,) = await due(office, JobKind.CARD)
    await painter.paint(job)
    assert office.slack.buttons(copy)
    stale = await office.click(response_url=office.click_url(copy), ts=copy.ts)
    await office.decisions().settle(stale)
    (job,) = await due(office, JobKind.CARD)
    await painter.paint(job)
    assert not office.slack.buttons(copy)
