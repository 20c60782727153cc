"""A card for others calls the approvers, and a burst of requests does not."""

from __future__ import annotations

from bot.sandbox import personas
from tests.conftest import StartApp
from tests.support.app_harness import AppHarness

MENTION = f"<!subteam^{personas.TOKEN_APPROVERS}>"


def mentions(app: AppHarness) -> list[str]:
    """Return the channels of the new messages that mention the approvers."""
    posts = [call.args for call in app.slack.calls_of("chat.postMessage") if MENTION in str(call.args)]
    return [str(one["channel"]) for one in posts]


async def test_ping__only_the_first_of_several_cards_mentions_the_approvers(app: AppHarness) -> None:
    first = await app.request_card(personas.RAVI, "revoke @tom")
    await app.request_card(personas.RAVI, "revoke @nadia")
    await app.request_card(personas.OLIVIA, "revoke @ben")

    assert mentions(app) == [personas.APPROVALS]
    assert MENTION in app.slack.text_of(first)

    await app.slack.click(personas.BEN, first, "approve")
    await app.wait_for_message("Revoked: all sessions of Tom Target")
    await app.wait_until_idle()
    assert mentions(app) == [personas.APPROVALS]
    assert MENTION not in app.slack.text_of(first)


async def test_ping__copy_for_a_follower_calls_the_approvers_who_saw_no_card(app: AppHarness) -> None:
    """The first card is in the direct messages of a person who could approve it, so it called no one."""
    await app.request_card(personas.OLIVIA, "revoke @tom")
    await app.wait_until_idle()
    assert mentions(app) == []

    await app.send_command(personas.RAVI, "revoke @tom laptop stolen")
    await app.wait_until_idle()
    (copy,) = [one for one in app.slack.messages if one.channel_id == personas.APPROVALS]
    assert mentions(app) == [personas.APPROVALS]
    assert MENTION in app.slack.text_of(copy)

    await app.request_card(personas.RAVI, "revoke @nadia")
    assert mentions(app) == [personas.APPROVALS], "one mention in five minutes for each person"
    await app.slack.click(personas.BEN, copy, "approve")
    await app.wait_for_message("Revoked: all sessions of Tom Target")
    await app.wait_until_idle()
    assert MENTION not in app.slack.text_of(copy)


async def test_ping__copy_in_direct_messages_calls_no_one(app: AppHarness) -> None:
    await app.request_card(personas.OLIVIA, "revoke @tom")
    await app.wait_until_idle()

    await app.send_command(personas.BEN, "revoke @tom")
    await app.wait_for_private_message(personas.BEN, "has already requested this")
    await app.wait_until_idle()
    assert mentions(app) == []


async def test_ping__following_a_card_that_called_the_approvers_calls_them_no_more(app: AppHarness) -> None:
    await app.request_card(personas.RAVI, "revoke @tom")
    await app.wait_until_idle()

    await app.send_command(personas.OLIVIA, "revoke @tom", personas.APPROVALS)
    await app.wait_for_private_message(personas.OLIVIA, "has already requested this")
    await app.wait_until_idle()
    assert mentions(app) == [personas.APPROVALS]


async def test_ping__turned_off_mentions_no_one(start_app_with: StartApp) -> None:
    app = await start_app_with(PING_APPROVERS="false")
    await app.request_card(personas.RAVI, "revoke @tom")
    await app.request_card(personas.OLIVIA, "revoke @nadia")
    await app.send_command(personas.RAVI, "revoke @nadia")
    await app.wait_until_idle()
    assert mentions(app) == []


async def test_reminder__follows_in_the_thread_of_the_card(
    app: AppHarness,
) -> None:
    """The reminder is a stored job; here its time comes at once."""
    card = await app.request_card(personas.RAVI, "revoke @tom")
    await app.server.services.store.database.write(
        lambda tx: tx.execute("UPDATE jobs SET due_at = 0 WHERE kind = 'reminder'")
    )
    reminder = await app.wait_for_message("Still waiting for a decision")
    assert (reminder.channel_id, reminder.thread_ts) == (card.channel_id, card.ts)
    await app.slack.click(personas.BEN, card, "approve")
    await app.wait_for_message("Revoked: all sessions of Tom Target")
    await app.wait_until_idle()
    assert len([one for one in app.slack.messages if "Still waiting" in app.slack.text_of(one)]) == 1


async def test_reminder__follows_in_the_thread_of_a_copy_if_one_person_sees_the_first_card(app: AppHarness) -> None:
    await app.request_card(personas.OLIVIA, "revoke @tom")
    await app.wait_until_idle()
    await app.send_command(personas.RAVI, "revoke @tom")
    await app.wait_until_idle()
    (copy,) = [one for one in app.slack.messages if one.channel_id == personas.APPROVALS]

    await app.server.services.store.database.write(
        lambda tx: tx.execute("UPDATE jobs SET due_at = 0 WHERE kind = 'reminder'")
    )

    reminder = await app.wait_for_message("Still waiting for a decision")
    assert (reminder.channel_id, reminder.thread_ts) == (copy.channel_id, copy.ts)
