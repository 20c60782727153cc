"""What a person sees who plays the main job in the sandbox."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from bot.domain.audit import EventType
from bot.sandbox import personas

if TYPE_CHECKING:
    from tests.browser.sandbox_page import Desk


async def test_whoami__is_answered_to_oneself_alone(desk: Desk) -> None:
    await desk.asks("whoami")
    await desk.sees(
        "Only visible to you", "olivia.ortega@example.com", "confirm a revocation: yes", "Acme Contact Center"
    )
    await desk.plays("Ben")
    await expect(desk.messages).to_have_count(0)


async def test_revoke__alone_by_the_card_in_direct_messages(desk: Desk) -> None:
    await desk.asks("revoke @tom laptop stolen")
    await desk.sees("I sent you the card")
    await desk.goes_to("direct messages with PureCloud")
    await desk.sees("Revoke every session of Tom Target?", "tom.target@example.com", "Reason: laptop stolen")
    await desk.presses("Revoke access")
    await desk.page.get_by_role("dialog").get_by_role("button", name="Go back").click()
    await desk.sees_sessions("Tom Target", "2 sessions")
    assert desk.deletes == 0
    await desk.confirms("Revoke access")
    await desk.sees("Revoked: every session of Tom Target.", "(edited)")
    await desk.sees_no_button()
    await desk.sees_sessions("Tom Target", "logged out")
    received = desk.page.get_by_role("list", name="Requests, newest first").get_by_role("listitem").first
    await expect(received).to_contain_text("delete_token · Tom Target")
    await expect(received).to_contain_text("200")
    await desk.page.get_by_role("button", name="Audit trail").click()
    await expect(desk.page.get_by_role("list", name="Rows of the trail")).to_contain_text("token:revoked")
    assert desk.deletes == 1


async def test_revoke__with_a_second_person(desk: Desk) -> None:
    await desk.plays("Ravi")
    await desk.asks("revoke @tom")
    await desk.sees("I posted the card in #approvals")
    await expect(desk.page.get_by_role("radio", name="Ben approver 1 not read")).to_be_visible()
    await desk.plays("Ben")
    await desk.goes_to("channel approvals")
    await desk.confirms("Revoke access")
    await desk.sees("Revoked: every session of Tom Target.", "Asked by @ravi", "confirmed by @ben")
    await desk.sees_no_button()
    await desk.goes_to("private channel audit")
    await desk.sees("Revoked: every session of Tom Target.")
    await desk.plays("Ravi")
    await desk.goes_to("direct messages with PureCloud")
    await desk.sees("Revoked: every session of Tom Target.")
    assert desk.deletes == 1


async def test_revoke__of_a_protected_person_takes_two_approvers(desk: Desk) -> None:
    await desk.plays("Ravi")
    await desk.asks("revoke @pia")
    await desk.plays("Ben")
    await desk.goes_to("channel approvals")
    await desk.confirms("Revoke access")
    await desk.sees("Approved so far: @ben (1 of 2)")
    await desk.confirms("Revoke access")
    await expect(desk.messages).to_have_count(2)
    await desk.sees("Only visible to you", "You have approved this already")
    assert desk.deletes == 0
    await desk.plays("Olivia")
    await desk.goes_to("channel approvals")
    await desk.confirms("Revoke access")
    await desk.sees("Revoked: every session of Pia Protected.", "confirmed by @ben, @olivia")
    assert desk.deletes == 1


async def test_cancel__ends_it_and_nothing_was_asked_of_genesys(desk: Desk) -> None:
    await desk.asks("revoke @tom")
    await desk.goes_to("direct messages with PureCloud")
    await desk.presses("Cancel")
    await desk.sees("Cancelled", "cancelled by @olivia")
    await desk.sees_no_button()
    assert desk.deletes == 0


async def test_rotate__exchanges_the_bots_own_token(desk: Desk) -> None:
    await desk.asks("rotate")
    await desk.goes_to("direct messages with PureCloud")
    await desk.confirms("Exchange token", yes="Exchange")
    await desk.sees("Exchanged: the bot's own token.")
    await desk.sees_sessions("The bot itself", "1 token, 1 ended")
    assert desk.play.genesys.received("delete_tokens_me")


async def test_expiry__takes_the_buttons_away(desk: Desk) -> None:
    await desk.asks("revoke @tom")
    await desk.goes_to("direct messages with PureCloud")
    await desk.page.get_by_role("button", name="Go wrong").click()
    await desk.page.get_by_role("button", name="1 minute passes").click()
    await expect(desk.last.get_by_role("button", name="Revoke access")).to_be_visible()
    await desk.page.get_by_role("button", name="5 minutes pass").click()
    await desk.sees("Expired")
    await desk.sees_no_button()
    assert desk.deletes == 0


REFUSALS = {
    "Nadia": {"revoke @tom": "nothing in REQUESTERS names you"},
    "Gus": {"revoke @tom": "Guests may not do this"},
    "Ravi": {"rotate": "Only admins of this bot may do this"},
    "Olivia": {
        "revoke @nomail": "has no e-mail address in Slack",
        "revoke @una": "has not confirmed their e-mail address",
        "revoke @bea": "is a bot, not a person",
        "revoke @ona": "is not in this workspace",
        "revoke @gus": "is a guest in Slack",
        "revoke @dan": "arrived as plain text, not as a mention",
        "revoke @tom @pia": "never just the first",
        "revoke nobody@example.com": "knows nobody as nobody@example.com",
        "revoke tom": "names nobody I can look up",
        "revoke": "Whose sessions?",
    },
}


async def test_refusals__each_kind_is_told_in_private_and_changes_nothing(desk: Desk) -> None:
    for name, lines in REFUSALS.items():
        await desk.plays(name)
        for line, words in lines.items():
            await desk.asks(line)
            await desk.sees("Only visible to you", words, "Nothing was changed")
    assert desk.deletes == 0


async def test_refusals__a_guests_click_counts_for_nothing(desk: Desk) -> None:
    await desk.plays("Ravi")
    await desk.asks("revoke @tom")
    await desk.plays("Gus")
    await desk.goes_to("channel approvals")
    await desk.confirms("Revoke access")
    await expect(desk.messages).to_have_count(2)
    await desk.sees("Only visible to you", "Guests may not do this")
    await expect(desk.messages.first.get_by_role("button", name="Revoke access")).to_be_visible()
    assert desk.deletes == 0


async def test_refusals__an_outsider_is_offered_no_command(desk: Desk) -> None:
    await desk.plays("Ona")
    await expect(desk.page.get_by_role("button", name="channel partner")).to_be_visible()
    await expect(desk.page.get_by_role("button", name="channel ops")).to_have_count(0)
    await expect(desk.line).to_be_disabled()


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        ("403: permission missing", ("Refused by Genesys Cloud", "oauth:token:delete")),
        ("401: token not accepted", ("Failed",)),
    ],
)
async def test_faults__the_card_tells_what_went_wrong(desk: Desk, trouble: str, told: tuple[str, ...]) -> None:
    await desk.lets(trouble)
    await desk.asks("revoke @tom")
    await desk.goes_to("direct messages with PureCloud")
    await desk.confirms("Revoke access")
    await desk.sees(*told)
    await desk.sees_no_button()
    await desk.sees_sessions("Tom Target", "2 sessions")


async def test_faults__that_pass_are_outlived(desk: Desk) -> None:
    troubles = {"503: unavailable": "tom.target", "429: too many requests": "dan.departed", "connection cut": "una"}
    for trouble, target in troubles.items():
        await desk.goes_to("channel ops")
        await desk.asks(f"revoke {target}@example.com")
        await desk.goes_to("direct messages with PureCloud")
        await desk.lets(trouble)
        before = desk.deletes
        await desk.confirms("Revoke access")
        await desk.play.genesys.wait_for_request("delete_token", before + 1)
        desk.play.mishaps.heal()
        await desk.sees("Revoked: every session of")
        await desk.sees_no_button()
        assert desk.deletes == before + 2
    for name in ("Tom Target", "Dan Departed", "Una Unconfirmed"):
        await desk.sees_sessions(name, "logged out")


async def test_faults__a_click_that_slack_sent_before_it_went_down_is_not_lost(desk: Desk) -> None:
    await desk.asks("revoke @tom")
    await desk.goes_to("direct messages with PureCloud")
    await desk.lets("does not answer the bot")
    asked = len(desk.play.slack.calls_of("users.info"))
    await desk.confirms("Revoke access")
    while len(desk.play.slack.calls_of("users.info")) == asked:  # noqa: ASYNC110 - who clicked could not be told
        await asyncio.sleep(0.01)
    assert desk.deletes == 0
    desk.play.mishaps.heal()
    await desk.sees("Revoked: every session of Tom Target.")
    await desk.sees_no_button()
    assert desk.deletes == 1


async def test_replica__killed_in_the_middle_of_it_loses_nothing(desk: Desk) -> None:
    await desk.lets("answers after 5 s")
    await desk.page.get_by_role("button", name="Start a second").click()
    await expect(desk.page.get_by_role("button", name="Kill the second")).to_be_visible()
    await desk.asks("revoke @tom")
    await desk.goes_to("direct messages with PureCloud")
    await desk.confirms("Revoke access")
    await desk.play.genesys.wait_for_request("delete_token")
    await desk.page.get_by_role("button", name="Kill the second").click()
    await desk.page.get_by_label("works", exact=True).click()
    await desk.sees("Revoked: every session of Tom Target.")
    await desk.sees_no_button()
    await desk.sees_sessions("Tom Target", "logged out")
    trail = [row.tag for row, _ in await desk.play.store.audit_events()]
    assert trail.count(EventType.REVOKED) == 1


async def test_begin_anew__forgets_everything(desk: Desk) -> None:
    await desk.asks("whoami")
    await desk.types("good morning")
    await desk.sees("good morning")
    await desk.page.get_by_role("button", name="Begin anew").click()
    await expect(desk.messages).to_have_count(0)
    await expect(desk.page.get_by_role("radio", name="Olivia")).to_be_checked()
    assert desk.play.slack.seen_by(personas.OLIVIA) == []
