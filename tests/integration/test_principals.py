"""Principals over HTTP: whom they name and protect, and what happens while Slack does not say."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.sandbox import personas
from bot.sandbox.slack.faults import SlackFault
from bot.sandbox.slack.workspace import UserGroup
from tests.support.app_harness import AppHarness, start_app

GROUPS = "usergroups.users.list"
PIA_EMAIL, PIA_ID = "pia.protected@example.com", "6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e10"
VIPS = "S0VIPS0001"


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[AppHarness]:
    async with start_app(tmp_path) as started:
        yield started


async def approvals_required(app: AppHarness) -> list[int]:
    """Return how many approvals each request requires."""
    database = app.server.services.store.database
    return [row.needed for row in await database.read(lambda tx: tx.fetch("SELECT needed FROM requests"))]


@pytest.mark.parametrize("target", [PIA_EMAIL, PIA_ID])
@pytest.mark.parametrize("rule", [personas.PIA, VIPS])
async def test_protected__deactivated_user_needs_two_approvers(tmp_path: Path, rule: str, target: str) -> None:
    async with start_app(tmp_path, overrides={"PROTECTED": rule}) as app:
        app.slack.groups[VIPS] = UserGroup(id=VIPS, handle="vips", members=[personas.PIA])
        app.slack.members[personas.PIA].deleted = True

        card = await app.request_card(personas.RAVI, f"revoke {target}")
        await app.slack.click(personas.OLIVIA, card, "approve")
        await app.wait_for_message("1 of 2")

        assert app.deletes == []
        await app.slack.click(personas.BEN, card, "approve")
        await app.wait_for_message("Revoked: all sessions of Pia Protected")


@pytest.mark.parametrize("rule", ["W0PIA00001", personas.PIA])
@pytest.mark.parametrize("target", [PIA_EMAIL, PIA_ID, "@pia"])
async def test_protected__user_of_enterprise_grid_needs_two_approvers(tmp_path: Path, rule: str, target: str) -> None:
    async with start_app(tmp_path, overrides={"PROTECTED": rule}) as app:
        app.slack.members[personas.PIA].enterprise_user = {"id": "W0PIA00001", "enterprise_id": "E0GRID0001"}
        await app.request_card(personas.RAVI, f"revoke {target}")
        assert await approvals_required(app) == [2]


@pytest.mark.parametrize("disabled", [False, True])
async def test_protected__group_without_members_protects_everyone(tmp_path: Path, *, disabled: bool) -> None:
    async with start_app(tmp_path, overrides={"PROTECTED": VIPS}) as app:
        members = [personas.PIA] if disabled else []
        app.slack.groups[VIPS] = UserGroup(id=VIPS, handle="vips", members=members, disabled=disabled)
        await app.request_card(personas.RAVI, "revoke @tom")
        assert await approvals_required(app) == [2]


async def test_protected__request_that_too_few_could_approve_is_refused(app: AppHarness) -> None:
    await app.send_command(personas.OLIVIA, "revoke @pia")
    reply = await app.wait_for_private_message(personas.OLIVIA, "could approve this request")

    text = app.slack.text_of(reply)
    assert text.startswith(f"Only <@{personas.BEN}> could approve this request, and two approvers are needed")
    assert "Nothing was changed" in text
    assert await app.audit_tags() == ["request:ask_refused"]
    assert not any(app.slack.buttons(message) for message in app.slack.messages)


UNREADABLE = {
    "rate limit": SlackFault(retry_after=1, times=2),
    "bad gateway": SlackFault(html="<h1>Bad gateway</h1>", status=502, times=2),
    "no response": SlackFault(drop=True, times=2),
}


@pytest.mark.parametrize("fault", UNREADABLE)
async def test_click__waits_for_an_unreadable_group(app: AppHarness, fault: str) -> None:
    card = await app.request_card(personas.RAVI, "revoke @tom")
    app.slack.fault(GROUPS, UNREADABLE[fault])

    await app.slack.click(personas.BEN, card, "approve")
    await app.wait_for_message("Revoked: all sessions of Tom Target")

    assert len(app.deletes) == 1
    assert "click:refused" not in await app.audit_tags()


async def test_click__on_an_unreadable_group_is_kept_for_slacks_delay(app: AppHarness) -> None:
    card = await app.request_card(personas.RAVI, "revoke @tom")
    app.slack.fault(GROUPS, SlackFault(retry_after=50, times=None))

    await app.slack.click(personas.BEN, card, "approve")
    reply = await app.wait_for_private_message(personas.BEN, "could not be checked")

    assert "50 s" in app.slack.text_of(reply)
    assert app.deletes == []
    assert "click:refused" not in await app.audit_tags()


async def test_command__of_an_unreadable_group_is_no_denial(tmp_path: Path) -> None:
    async with start_app(tmp_path, overrides={"REQUESTERS": personas.TOKEN_APPROVERS}) as app:
        app.slack.fault(GROUPS, SlackFault(retry_after=50, times=None))
        await app.send_command(personas.BEN, "revoke @tom")
        reply = await app.wait_for_private_message(personas.BEN, "could not be checked")
        assert "I try again in 50 s" in app.slack.text_of(reply)
        assert "request:ask_refused" not in await app.audit_tags()


async def test_whoami__of_an_unreadable_group_says_that_it_could_not_be_checked(app: AppHarness) -> None:
    app.slack.fault(GROUPS, SlackFault(retry_after=50, times=None))
    await app.send_command(personas.BEN, "whoami")
    reply = app.slack.text_of(await app.wait_for_private_message(personas.BEN, "Approve a revocation"))
    assert "Approve a revocation: could not be checked" in reply
    assert "Rotate the bot's token: no" in reply
