"""The panel beside Slack: the audit log with its verification, and the lock screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.async_api import expect

from bot.sandbox import personas

if TYPE_CHECKING:
    from tests.browser.sandbox_page import SandboxPage


async def test_audit_log__shows_where_a_changed_row_breaks_the_chain(page: SandboxPage) -> None:
    await page.send_command("revoke @tom laptop stolen")
    await page.open_conversation("direct messages with PureCloud")
    await page.click_and_confirm("Revoke all sessions")
    await page.expect_newest("Revoked: all sessions of Tom Target")
    await page.tab.get_by_role("button", name="Audit log").click()
    rows = page.tab.get_by_role("list", name="Audit log, newest first").get_by_role("listitem")
    await expect(rows.filter(has_text="token:revoked")).to_be_visible()
    await page.tab.get_by_role("button", name="Verify").click()
    result = page.tab.get_by_role("status").filter(has_text="row")
    await expect(result).to_contain_text("ok: ")
    approved = rows.filter(has_text="request:approved")
    number = (await approved.inner_text()).partition(" ")[0]
    await approved.get_by_role("button", name=f"Change the actor of row {number}").press("Enter")
    await expect(approved).to_contain_text("Nadia Novak")
    await page.tab.get_by_role("button", name="Verify").click()
    await expect(result).to_contain_text(f"row {number} does not fit")
    await expect(approved).to_have_class("broken")


async def test_card__shows_a_call_and_that_single_sign_on_has_logged_the_person_in_again(page: SandboxPage) -> None:
    await page.inject_fault("logs the person in again after 5 s")
    await expect(page.tab.get_by_label("logs the person in again after 5 s")).to_be_checked()
    await page.expect_sessions("Tom Target", "on a call")
    await page.send_command("revoke @tom laptop stolen")
    await page.open_conversation("direct messages with PureCloud")
    await page.expect_newest("in 1 call", "on queue", "last logged in")
    await page.click_and_confirm("Revoke all sessions")
    await page.expect_newest("Revoked: all sessions of Tom Target", "just before: in 1 call", "I watch until")
    await page.expect_sessions("Tom Target", "logged out")
    await page.expect_sessions("Tom Target", "1 session")
    message = page.messages.filter(has_text="logged in to Genesys Cloud again")
    await expect(message).to_contain_text("/purecloud revoke tom.target@example.com laptop stolen", timeout=30_000)
    card = page.messages.filter(has_text="Revoked: all sessions of Tom Target")
    await expect(card).to_contain_text("Logged in again")


async def test_lock_screen__shows_the_text_of_each_notification(page: SandboxPage) -> None:
    await page.send_command("revoke @tom laptop stolen")
    slack = page.run.slack.conversations
    card = slack.post(personas.APPROVALS, f"<!subteam^{personas.TOKEN_APPROVERS}> *decide* please")
    slack.edit(card, "decided", [])
    slack.post(personas.APPROVALS, "no mention")
    await page.switch_to("Ben")
    await page.tab.get_by_role("button", name="Phone").click()
    notifications = page.tab.get_by_role("list", name="Notifications, newest first").get_by_role("listitem")
    await expect(notifications).to_have_count(2)
    await expect(notifications.first).to_contain_text("Slack notifies only people who chose all messages")
    await expect(notifications.last).to_contain_text("@token-approvers decide please")  # an edit notifies no one
    await expect(notifications.last).not_to_contain_text("chose all messages")
    await page.switch_to("Olivia")
    await expect(notifications.first).to_contain_text("no mention")
    await expect(notifications.filter(has_text="direct message")).to_contain_text("Tom Target")
    await page.switch_to("Nadia")
    await expect(notifications).to_have_text(["No notifications yet."])
