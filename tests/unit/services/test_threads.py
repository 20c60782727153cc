"""Replies in the thread of a card."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.db.executions import ExecutionStore
from bot.db.jobs import JobKind
from bot.db.unreadable import UnreadableRow
from bot.domain.requests import CANCEL, Event, MessageRef
from bot.purecloud import GenesysServerError
from bot.sandbox import personas
from bot.sandbox.slack.block_kit import problems
from bot.sandbox.slack.faults import SlackFault
from bot.services.threads import approval_note
from handlers.ui.renderer import MessageRenderer
from tests.support.components import Components, open_components
from tests.support.database import stored
from tests.support.examples import BEN, NOON, OLIVIA, request
from tests.support.render_text import words
from tests.support.stub_services import ENGLISH

RENDERER = MessageRenderer(ENGLISH)


@pytest.fixture
async def components(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        yield opened


async def post_card(components: Components, **changes: Any) -> MessageRef:
    """Store a request and post its card; return the card."""
    _, job = await components.request(**changes)
    await components.cards().process(job)
    card = (await stored(components.store)).card
    assert card
    return card


async def deliver(components: Components) -> int:
    """Process the replies that are due; return their number."""
    jobs = [job for job in await components.store.jobs.claim(20) if job.kind is JobKind.THREAD]
    for job in jobs:
        await components.services(components.store, components.options())[JobKind.THREAD](job)
    return len(jobs)


def replies(components: Components, card: MessageRef) -> list[str]:
    found = [one for one in components.slack.messages if one.thread_ts == card.ts and one.channel_id == card.channel]
    return [words({"text": one.text, "blocks": one.blocks}) for one in found]


async def test_approval__is_a_reply_in_the_thread_of_the_card(components: Components) -> None:
    card = await post_card(components)

    await components.clicks().process(await components.click(personas.OLIVIA))

    assert await deliver(components) == 1
    (said,) = replies(components, card)
    assert f"<@{personas.OLIVIA}> approved." in said
    assert await deliver(components) == 0
    assert (await components.store.jobs.depth())["thread"] == 0


async def test_cancellation_and_denial__are_no_replies_in_the_thread(components: Components) -> None:
    card = await post_card(components)

    await components.clicks().process(await components.click(personas.TOM))
    await components.clicks().process(await components.click(personas.RAVI, CANCEL))

    assert await deliver(components) == 0
    assert replies(components, card) == []


async def test_approval__of_a_card_in_direct_messages_has_no_reply(components: Components) -> None:
    dm = components.slack.workspace.dm(personas.OLIVIA).id
    card = await post_card(components, card=MessageRef(personas.OLIVIA), requester=personas.OLIVIA)
    assert card.channel == dm

    await components.clicks().process(await components.click(personas.OLIVIA))

    assert await deliver(components) == 1
    assert replies(components, card) == []


async def test_reply__is_posted_once_after_a_slack_outage(components: Components) -> None:
    card = await post_card(components)
    await components.clicks().process(await components.click(personas.OLIVIA))
    components.slack.fault("chat.postMessage", SlackFault(error="internal_error"))

    await deliver(components)
    assert replies(components, card) == []

    components.database.clock.advance(2)
    await deliver(components)
    assert len(replies(components, card)) == 1


async def test_repetition__is_one_reply_however_often_the_call_is_repeated(components: Components) -> None:
    card = await post_card(components)
    result = await components.clicks().process(await components.click(personas.OLIVIA))
    (execution,) = (job for job in result.follow_up if job.kind is JobKind.EXECUTE)
    outcome = {"code": GenesysServerError.code, "status": 503, "attempts": 1}
    for _ in range(2):
        await ExecutionStore(components.store).retry(execution, delay=3, outcome=outcome)
        components.database.clock.advance(3)
        (execution,) = (job for job in await components.store.jobs.claim(1))
    await components.database.run("UPDATE jobs SET lease_owner = NULL WHERE kind = 'thread'")

    await deliver(components)
    components.database.clock.advance(1)
    await deliver(components)

    said = replies(components, card)
    assert len(said) == 2
    assert "Genesys Cloud answered with an error (503). I am trying again." in said[1]


async def test_reply__with_a_code_of_a_newer_version_is_left_to_that_version(components: Components) -> None:
    await post_card(components)
    await components.clicks().process(await components.click(personas.OLIVIA))
    await components.database.run(
        "UPDATE jobs SET payload = :payload WHERE kind = 'thread'", payload='{"code": "newer", "params": {}}'
    )
    with pytest.raises(UnreadableRow):
        await deliver(components)


def test_note__counts_the_approvals_and_names_the_dropped_ones() -> None:
    asked = request(approvals_required=2)
    assert approval_note(asked, Event.ADD_APPROVAL, BEN, [OLIVIA]) == {
        "code": "approved",
        "params": {"approver": BEN, "count": 1, "required": 2, "dropped": [OLIVIA]},
    }
    assert approval_note(asked, Event.CANCEL, BEN, ()) is None


@pytest.mark.parametrize(
    ("code", "params", "said"),
    [
        ("approved", {"approver": BEN, "count": 1, "required": 1, "dropped": []}, f"<@{BEN}> approved."),
        ("approved", {"approver": BEN, "count": 1, "required": 2, "dropped": []}, f"<@{BEN}> approved (1 of 2)."),
        (
            "approved",
            {"approver": BEN, "count": 1, "required": 2, "dropped": [OLIVIA]},
            f"The approval of <@{OLIVIA}> no longer counts: they may not approve this any more.",
        ),
        ("retrying", {"code": "genesys_no_response"}, "Genesys Cloud did not answer in time. I am trying again."),
        (
            "retrying",
            {"code": "genesys_rate_limited", "continues_at": NOON + 45},
            "Genesys Cloud takes no more requests for now (429). Next attempt: {2026-06-21 12:00:45 UTC}.",
        ),
        ("retrying", {"code": "genesys_rejected", "status": 400, "detail": "<!channel> *x*"}, "<!channel> *x*"),
    ],
)
def test_reply__says(code: str, params: dict[str, Any], said: str) -> None:
    message = RENDERER.thread_reply(code, params)
    assert problems(message) == []
    assert said in words(message)
    assert "<!channel>" not in message["text"]
