"""Whole scenarios, played on the sandbox page."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from bot.domain.audit import EventType
from bot.sandbox import personas

if TYPE_CHECKING:
    from tests.browser.sandbox_page import SandboxPage


async def test_whoami__is_visible_to_its_user_only(page: SandboxPage) -> None:
    await page.send_command("whoami")
    await page.expect_newest(
        "Only visible to you", "olivia.ortega@example.com", "Approve a revocation", "Acme Contact Center"
    )
    await page.switch_to("Ben")
    await expect(page.messages).to_have_count(0)


async def test_revoke__approved_by_its_requester_in_direct_messages(page: SandboxPage) -> None:
    await page.send_command("revoke @tom laptop stolen")
    await page.expect_newest("You can approve this yourself")
    await page.open_conversation("direct messages with PureCloud")
    await page.expect_newest("Revoke all sessions of Tom Target?", "tom.target@example.com", "laptop stolen")
    await page.click_button("Revoke all sessions")
    await page.tab.get_by_role("dialog").get_by_role("button", name="Go back").click()
    await page.expect_sessions("Tom Target", "2 sessions")
    assert page.deletes == 0
    await page.click_and_confirm("Revoke all sessions")
    await page.expect_newest("Revoked: all sessions of Tom Target", "(edited)")
    await page.expect_no_buttons()
    await page.expect_sessions("Tom Target", "logged out")
    received = page.tab.get_by_role("list", name="Requests, newest first").get_by_role("listitem").first
    await expect(received).to_contain_text("delete_token · Tom Target")
    await expect(received).to_contain_text("200")
    await page.tab.get_by_role("button", name="Audit log").click()
    await expect(page.tab.get_by_role("list", name="Audit log, newest first")).to_contain_text("token:revoked")
    assert page.deletes == 1


async def test_revoke__approved_by_another_person(page: SandboxPage) -> None:
    await page.switch_to("Ravi")
    await page.send_command("revoke @tom")
    await page.expect_newest("Sent to #approvals")
    await expect(page.tab.get_by_role("radio", name="Ben approver 1 unread")).to_be_visible()
    await page.switch_to("Ben")
    await page.open_conversation("channel approvals")
    await page.click_and_confirm("Revoke all sessions")
    await page.expect_newest("Revoked: all sessions of Tom Target", "Requested by @ravi", "approved by @ben")
    await page.expect_no_buttons()
    await page.open_conversation("private channel audit")
    await page.expect_newest("Revoked: all sessions of Tom Target")
    await page.switch_to("Ravi")
    await page.open_conversation("direct messages with PureCloud")
    await page.expect_newest("Revoked: all sessions of Tom Target")
    assert page.deletes == 1


async def test_revoke__of_a_protected_person_needs_two_approvers(page: SandboxPage) -> None:
    await page.switch_to("Ravi")
    await page.send_command("revoke @pia")
    await page.switch_to("Ben")
    await page.open_conversation("channel approvals")
    await page.click_and_confirm("Revoke all sessions")
    await page.expect_newest("1 of 2 approvals (@ben)")
    await page.click_and_confirm("Revoke all sessions")
    await expect(page.messages).to_have_count(2)
    await page.expect_newest("Only visible to you", "You have already approved this request")
    assert page.deletes == 0
    await page.switch_to("Olivia")
    await page.open_conversation("channel approvals")
    await page.click_and_confirm("Revoke all sessions")
    await page.expect_newest("Revoked: all sessions of Pia Protected", "approved by @ben, @olivia")
    assert page.deletes == 1


async def test_cancel__sends_no_delete(page: SandboxPage) -> None:
    await page.send_command("revoke @tom")
    await page.open_conversation("direct messages with PureCloud")
    await page.click_and_confirm("Cancel request")
    await page.expect_newest("Cancelled", "cancelled by @olivia")
    await page.expect_no_buttons()
    assert page.deletes == 0


async def test_decline__asks_an_approver_for_the_reason(page: SandboxPage) -> None:
    await page.switch_to("Ravi")
    await page.send_command("revoke @tom laptop stolen")
    await page.switch_to("Ben")
    await page.open_conversation("channel approvals")
    await page.click_button("Decline")
    modal = page.tab.get_by_role("dialog", name="Decline request")
    await modal.get_by_label("Reason").fill("Tom found his laptop")
    await modal.get_by_role("button", name="Decline").click()
    await page.expect_newest("Declined: sessions of", "Tom found his laptop", "declined by @ben")
    await page.expect_no_buttons()
    assert page.deletes == 0


async def test_rotate__replaces_the_bots_token(page: SandboxPage) -> None:
    await page.send_command("rotate")
    await page.open_conversation("direct messages with PureCloud")
    await page.click_and_confirm("Rotate token", confirm="Rotate")
    await page.expect_newest("Rotated: the bot's own token")
    await page.expect_sessions("The bot", "1 token, 1 revoked")
    assert page.run.genesys.received("delete_tokens_me")


async def test_expiry__removes_the_buttons(page: SandboxPage) -> None:
    await page.send_command("revoke @tom")
    await page.open_conversation("direct messages with PureCloud")
    await page.tab.get_by_role("button", name="Faults").click()
    await page.tab.get_by_role("button", name="Advance 1 minute").click()
    await expect(page.newest.get_by_role("button", name="Revoke all sessions")).to_be_visible()
    await page.tab.get_by_role("button", name="Advance 5 minutes").click()
    await page.expect_newest("Expired")
    await page.expect_no_buttons()
    assert page.deletes == 0


REFUSALS = {
    "Nadia": {"revoke @tom": "You can't request this"},
    "Gus": {"revoke @tom": "Guests can't use this bot"},
    "Ravi": {"rotate": "Only admins of this bot can do this"},
    "Olivia": {
        "revoke @nomail": "has no email address in Slack",
        "revoke @una": "has not confirmed their email address",
        "revoke @bea": "is a bot, not a person",
        "revoke @ona": "is not a member of this workspace",
        "revoke @gus": "is a guest in Slack",
        "revoke @dan": "as plain text",
        "revoke unknown@example.com": "has no user unknown@example.com",
        "revoke tom": "I don't know who",
        "revoke #ops": "That is a channel, not a person",
    },
}


async def test_refusals__are_private_and_change_nothing(page: SandboxPage) -> None:
    for name, lines in REFUSALS.items():
        await page.switch_to(name)
        for line, words in lines.items():
            await page.send_command(line)
            await page.expect_newest("Only visible to you", words, "Nothing was changed")
    assert page.deletes == 0


async def test_refusals__ignore_a_guests_click(page: SandboxPage) -> None:
    await page.switch_to("Ravi")
    await page.send_command("revoke @tom")
    await page.switch_to("Gus")
    await page.open_conversation("channel approvals")
    await page.click_and_confirm("Revoke all sessions")
    await expect(page.messages).to_have_count(2)
    await page.expect_newest("Only visible to you", "Guests can't use this bot")
    await expect(page.messages.first.get_by_role("button", name="Revoke all sessions")).to_be_visible()
    assert page.deletes == 0


async def test_refusals__ignore_an_external_users_click(page: SandboxPage) -> None:
    await page.switch_to("Ravi")
    await page.send_command("revoke @tom")
    page.run.slack.channels[personas.APPROVALS].members.append(personas.ONA)  # the channel is shared later
    await page.switch_to("Ona")
    await page.open_conversation("channel approvals")
    await page.click_and_confirm("Revoke all sessions")
    await expect(page.messages).to_have_count(2)
    await page.expect_newest("Only visible to you", "Nothing was changed")
    await expect(page.messages.first.get_by_role("button", name="Revoke all sessions")).to_be_visible()
    assert page.deletes == 0


async def test_composer__is_disabled_for_an_external_user(page: SandboxPage) -> None:
    await page.switch_to("Ona")
    await expect(page.tab.get_by_role("button", name="channel partner")).to_be_visible()
    await expect(page.tab.get_by_role("button", name="channel ops")).to_have_count(0)
    await expect(page.composer).to_be_disabled()


async def test_composer__is_disabled_in_read_only_direct_messages(page: SandboxPage) -> None:
    await page.open_conversation("direct messages with PureCloud")
    await expect(page.composer).to_be_disabled()
    await expect(page.composer).to_have_attribute("placeholder", "Sending messages to this app has been turned off.")


@pytest.mark.parametrize(
    ("fault", "texts"),
    [
        ("403: permission missing", ("Refused by Genesys Cloud", "oauth:token:delete")),
        ("401: token not accepted", ("Failed",)),
    ],
)
async def test_faults__are_named_on_the_card(page: SandboxPage, fault: str, texts: tuple[str, ...]) -> None:
    await page.inject_fault(fault)
    await page.send_command("revoke @tom")
    await page.open_conversation("direct messages with PureCloud")
    await page.click_and_confirm("Revoke all sessions")
    await page.expect_newest(*texts)
    await page.expect_no_buttons()
    await page.expect_sessions("Tom Target", "2 sessions")


async def test_faults__that_are_cleared_in_time_do_not_stop_a_revocation(page: SandboxPage) -> None:
    faults = {"503: unavailable": "tom.target", "429: too many requests": "dan.departed", "connection cut": "una"}
    for fault, target in faults.items():
        await page.open_conversation("channel ops")
        await page.send_command(f"revoke {target}@example.com")
        await page.open_conversation("direct messages with PureCloud")
        await page.inject_fault(fault)
        before = page.deletes
        await page.click_and_confirm("Revoke all sessions")
        await page.run.genesys.wait_for_request("delete_token", before + 1)
        page.run.faults.clear()
        await page.expect_newest("Revoked: all sessions of")
        await page.expect_no_buttons()
        assert page.deletes == before + 2
    for name in ("Tom Target", "Dan Departed", "Una Unconfirmed"):
        await page.expect_sessions(name, "logged out")


async def test_faults__do_not_lose_a_click_while_slack_is_down(page: SandboxPage) -> None:
    await page.send_command("revoke @tom")
    await page.open_conversation("direct messages with PureCloud")
    await page.inject_fault("does not respond to the bot")
    calls = len(page.run.slack.calls_of("users.info"))
    await page.click_and_confirm("Revoke all sessions")
    while len(page.run.slack.calls_of("users.info")) == calls:  # noqa: ASYNC110 - wait for a failed lookup
        await asyncio.sleep(0.01)
    assert page.deletes == 0
    page.run.faults.clear()
    await page.expect_newest("Revoked: all sessions of Tom Target")
    await page.expect_no_buttons()
    assert page.deletes == 1


async def test_replica__loses_no_work_when_it_is_killed(page: SandboxPage) -> None:
    await page.inject_fault("responds after 5 s")
    await page.tab.get_by_role("button", name="Start replica 2").click()
    await expect(page.tab.get_by_role("button", name="Kill replica 2")).to_be_visible()
    await page.send_command("revoke @tom")
    await page.open_conversation("direct messages with PureCloud")
    await page.click_and_confirm("Revoke all sessions")
    await page.run.genesys.wait_for_request("delete_token")
    await page.tab.get_by_role("button", name="Kill replica 2").click()
    await page.tab.get_by_label("works", exact=True).click()
    await page.expect_newest("Revoked: all sessions of Tom Target")
    await page.expect_no_buttons()
    await page.expect_sessions("Tom Target", "logged out")
    trail = [row.tag for row, _ in await page.run.store.audit_events()]
    assert trail.count(EventType.REVOKED) == 1


async def test_reset__clears_everything(page: SandboxPage) -> None:
    await page.send_command("whoami")
    await page.send("good morning")
    await page.expect_newest("good morning")
    await page.tab.get_by_role("button", name="Reset").click()
    await expect(page.messages).to_have_count(0)
    await expect(page.tab.get_by_role("radio", name="Olivia")).to_be_checked()
    assert page.run.slack.seen_by(personas.OLIVIA) == []


async def test_reload__keeps_the_person_the_conversation_and_the_draft(page: SandboxPage) -> None:
    await page.send_command("revoke @tom")
    await page.switch_to("Ben")
    await page.send("good morning")
    await page.open_conversation("channel approvals")
    await page.composer.fill("/purecloud who")
    await expect(page.tab).to_have_url(f"{page.url}#as=ben&room=approvals&do=who")
    await page.tab.reload()
    await page.wait_for_run()
    await expect(page.tab.get_by_role("radio", name="Ben")).to_be_checked()
    await expect(page.tab.get_by_role("heading", name="approvals")).to_be_visible()
    await expect(page.composer).to_have_value("/purecloud who")
    await expect(page.tab.get_by_role("button", name="channel ops")).not_to_contain_text("unread")
    await expect(page.tab.get_by_role("radio", name="Olivia admin 2 unread")).to_be_visible()
