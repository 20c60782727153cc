"""How many commands and clicks a person may send."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.requests import APPROVE
from handlers.budgets import PersonBudgets, TokenBuckets
from tests.support.bolt import USER, BoltHarness, body
from tests.support.clock import FakeClock
from tests.support.render_text import words

CLICK: dict[str, Any] = {
    "type": "block_actions",
    "user": USER,
    "response_url": "https://slack.invalid/actions/1",
    "actions": [{"action_id": APPROVE, "value": "request-1"}],
}


def test_bucket__is_full_at_first_and_refills_over_a_minute() -> None:
    clock = FakeClock()
    buckets = TokenBuckets(6, clock=clock)

    assert [buckets.take("U1") for _ in range(7)] == [True] * 6 + [False]
    clock.advance(10)
    assert [buckets.take("U1") for _ in range(2)] == [True, False]
    clock.advance(3600)
    assert [buckets.take("U1") for _ in range(7)] == [True] * 6 + [False]


def test_bucket__of_one_person_leaves_others_theirs() -> None:
    buckets = TokenBuckets(1, clock=FakeClock())

    assert [buckets.take("U1"), buckets.take("U2"), buckets.take("U1"), buckets.take("U2")] == [
        True,
        True,
        False,
        False,
    ]


def test_buckets__forget_people_within_their_limit_and_keep_the_others() -> None:
    clock = FakeClock()
    buckets = TokenBuckets(1, clock=clock)
    for number in range(9_999):
        buckets.take(f"U{number}")
    clock.advance(61)
    buckets.take("U_BUSY")
    buckets.take("U_NEXT")

    assert not buckets.take("U_BUSY")
    assert len(buckets._full_at) < 10


def test_budgets__count_commands_and_clicks_apart_and_no_payload_without_a_person() -> None:
    budgets = PersonBudgets(1, 1, clock=FakeClock())
    command = {"command": "/purecloud", "user_id": "U1"}

    assert [budgets.allows(command), budgets.allows(command)] == [True, False]
    assert [budgets.allows({"type": "block_actions", "user": {"id": "U1"}}) for _ in range(2)] == [True, False]
    assert not budgets.allows({"type": "view_submission", "user": {"id": "U1"}})
    assert not budgets.allows({"type": "event_callback", "event": {"user": "U1"}})
    assert all(budgets.allows({"type": "url_verification"}) for _ in range(9))


async def test_commands__above_the_limit_cost_nothing_and_get_one_message_a_minute() -> None:
    bolt = BoltHarness()
    answers = [await bolt.command("revoke <@U0TOM00001>", trigger_id=str(number)) for number in range(40)]

    assert {answer.status for answer in answers} == {200}
    assert len(bolt.services.commands) == 30
    assert [bool(answer.body) for answer in answers] == [False] * 30 + [True] + [False] * 9
    said = body(answers[30])
    assert said["response_type"] == "ephemeral"
    assert "Nothing was changed" in said["text"]
    assert bolt.services.started == []

    bolt.clock.advance(60)
    assert (await bolt.command("revoke <@U0TOM00001>", trigger_id="later")).status == 200
    assert len(bolt.services.commands) == 31


async def test_clicks__above_the_limit_are_not_acknowledged_and_get_one_message_a_minute() -> None:
    bolt = BoltHarness()
    statuses = [(await bolt.send(CLICK | {"trigger_id": str(number)})).status for number in range(70)]
    await bolt.services.run_started()

    assert statuses == [200] * 60 + [429] * 10
    assert len(bolt.services.clicks) == 60
    (message,) = bolt.services.replies_sent
    assert "Nothing was changed" in words(message)


@pytest.mark.parametrize("user_id", ["U0OTHER001", "W0OTHER001"])
async def test_limit__of_one_person_does_not_stop_another(user_id: str) -> None:
    bolt = BoltHarness()
    for number in range(61):
        await bolt.send(CLICK | {"trigger_id": str(number)})
    await bolt.services.run_started()

    assert (await bolt.send(CLICK | {"trigger_id": "other", "user": USER | {"id": user_id}})).status == 200


async def test_replay__does_not_count() -> None:
    bolt = BoltHarness()
    for _ in range(100):
        await bolt.command("revoke <@U0TOM00001>")

    assert (await bolt.command("revoke <@U0TOM00001>", trigger_id="new")).status == 200
    assert len(bolt.services.commands) == 2
