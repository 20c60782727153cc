"""Lists with buttons to page, the Home tab's buttons, and the message shortcut, in the browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.async_api import expect

from bot.domain.pages import PAGE_SIZE
from bot.sandbox import personas
from tests.support.finished_requests import copy_finished_request

if TYPE_CHECKING:
    from playwright.async_api import FilePayload

    from tests.browser.sandbox_page import SandboxPage


async def request_and_cancel(page: SandboxPage) -> None:
    """Request and cancel as Ravi, without the page."""
    slack = page.run.slack
    known = {message.ts for message in slack.messages}
    await slack.command(personas.RAVI, "revoke @tom", personas.OPS)
    card = await slack.wait_for_message(lambda one: one.channel_id == personas.APPROVALS and one.ts not in known)
    await slack.click(personas.RAVI, card, "cancel", force=True)
    await slack.wait_for_message(lambda one: one is card and bool(one.history))


async def test_pending__links_to_the_card(page: SandboxPage) -> None:
    await page.switch_to("Ravi")
    await page.send_command("revoke @tom laptop stolen")
    await page.switch_to("Ben")
    await page.send_command("pending")
    await page.expect_newest("Only visible to you", "Tom Target", "laptop stolen")
    await page.newest.get_by_role("link", name="Open the card").click()
    await expect(page.tab.get_by_role("heading", name="approvals")).to_be_visible()
    await expect(page.newest).to_be_focused()
    await expect(page.newest.get_by_role("button", name="Revoke all sessions")).to_be_visible()


async def test_history__pages_with_buttons_in_place(page: SandboxPage) -> None:
    await request_and_cancel(page)
    await copy_finished_request(page.run.store, PAGE_SIZE)
    await page.send_command("history")
    cards = page.newest.get_by_role("link", name="Open the card")
    await expect(cards).to_have_count(PAGE_SIZE)
    await page.newest.get_by_role("button", name="Older").click()
    await expect(cards).to_have_count(1)
    await page.newest.get_by_role("button", name="Newer").press("Enter")
    await expect(cards).to_have_count(PAGE_SIZE)
    await expect(page.messages).to_have_count(1)


async def test_home__approves_what_waits_there(page: SandboxPage) -> None:
    await page.switch_to("Ravi")
    await page.send_command("revoke @tom laptop stolen")
    await page.switch_to("Ben")
    await page.open_conversation("direct messages with PureCloud")
    await page.tab.get_by_role("button", name="Home", exact=True).click()
    home = page.tab.get_by_role("main")
    await home.get_by_role("button", name="Revoke all sessions").click()
    await page.tab.get_by_role("dialog").get_by_role("button", name="Revoke all sessions").click()
    await expect(home.get_by_text("No request waits for you.")).to_be_visible()
    await expect(home.get_by_text("Revoked: all sessions of Tom Target")).to_be_visible()
    await page.open_conversation("channel approvals")
    await page.expect_newest("Revoked: all sessions of Tom Target")
    assert page.deletes == 1


async def test_message_shortcut__fills_in_the_author(page: SandboxPage) -> None:
    page.run.slack.say(personas.TOM, "hello, my laptop is gone", personas.OPS)
    await page.tab.get_by_label("Message shortcuts").select_option("revoke_author")
    modal = page.tab.get_by_role("dialog")
    await expect(modal.get_by_label("Person")).to_have_value(personas.TOM)
    await modal.get_by_role("button", name="Request").click()
    await expect(modal).to_have_count(0)
    await page.open_conversation("direct messages with PureCloud")
    await page.expect_newest("Revoke all sessions of Tom Target?")
    assert page.deletes == 0


async def test_bulk__from_a_file_to_the_outcome_of_each_person(page: SandboxPage) -> None:
    """An admin uploads a list, approves the card, and reads how it ended."""
    await page.switch_to("Olivia")
    await page.send("/purecloud revoke-many")
    modal = page.tab.get_by_role("dialog")
    listed = "name;email\nTom;tom.target@example.com\nBen;ben.baker@example.com\nX;who?\n"
    file: FilePayload = {"name": "phished.csv", "mimeType": "text/csv", "buffer": listed.encode()}
    await modal.get_by_label("Or a CSV file").set_input_files(file)
    await modal.get_by_role("button", name="Request").click()
    await expect(modal).to_have_count(0)

    await page.open_conversation("direct messages with PureCloud")
    await expect(page.tab.get_by_text("from the file phished.csv").first).to_be_visible()
    await expect(page.tab.get_by_text("1 that I can't read").first).to_be_visible()
    assert page.deletes == 0
    await page.tab.get_by_role("button", name="Revoke all sessions of 2 people").click()
    await page.tab.get_by_role("dialog").get_by_role("button", name="Revoke all sessions").click()
    await expect(page.tab.get_by_text("Revoked: all sessions of 2 people").first).to_be_visible()
    assert page.deletes == 2
