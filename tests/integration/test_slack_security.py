"""Known attacks on approval bots in Slack. None of them ends a session here."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.sandbox import personas
from bot.sandbox.genesys.server import GenesysUser
from bot.sandbox.slack.faults import SlackFault
from bot.sandbox.slack.messages import PostedMessage
from tests.conftest import StartApp
from tests.support.app_harness import TOM_ID, AppHarness

NO_CHANGE = "Nothing was changed."

over_both_transports = pytest.mark.parametrize("transport", ["http", "socket"])
"""How Slack reaches the bot."""


async def card_of_ravi(app: AppHarness) -> PostedMessage:
    """Return a card for others, in a channel that is shared with the workspace of Ona afterwards."""
    app.slack.channels[personas.SHARED].is_ext_shared = False
    card = await app.request_card(personas.RAVI, "revoke @tom")
    app.slack.channels[personas.SHARED].is_ext_shared = True
    return card


def give_permission(app: AppHarness, email: str) -> None:
    """Permit the person with this address to delete tokens in Genesys Cloud."""
    person = next(one for one in app.genesys.users.values() if one.email == email)
    person.policies = ({"domain": "oauth", "entityName": "token", "actionSet": ["delete"]},)


async def assert_nothing_revoked(app: AppHarness) -> None:
    await app.wait_until_idle()
    assert not app.deletes
    assert "request:approved" not in await app.audit_tags()
    assert all(person.sessions for person in app.genesys.users.values())


@over_both_transports
async def test_click__by_an_external_member_in_a_shared_channel_is_refused(start_app_with: StartApp) -> None:
    app = await start_app_with(APPROVALS_CHANNEL=personas.SHARED, APPROVERS=f"{personas.BEN},{personas.ONA}")
    card = await card_of_ravi(app)

    await app.slack.click(personas.ONA, card, "approve")

    await app.wait_for_private_message(personas.ONA, "Only members of this workspace")
    await assert_nothing_revoked(app)
    assert app.slack.buttons(card)


async def test_click__by_an_external_member_with_a_false_team_id_is_refused(start_app_with: StartApp) -> None:
    app = await start_app_with(APPROVALS_CHANNEL=personas.SHARED, APPROVERS=f"{personas.BEN},{personas.ONA}")
    card = await card_of_ravi(app)

    await app.slack.click(personas.ONA, card, "approve", user_team_id=app.slack.team_id)

    await app.wait_for_private_message(personas.ONA, "Only members of this workspace")
    await assert_nothing_revoked(app)


@over_both_transports
@pytest.mark.parametrize("mark", ["is_restricted", "is_ultra_restricted"])
async def test_click__by_a_guest_is_refused(app: AppHarness, mark: str) -> None:
    card = await card_of_ravi(app)
    gus = replace(app.slack.members[personas.GUS], is_restricted=False)
    setattr(gus, mark, True)
    app.slack.members[personas.GUS] = gus

    await app.slack.click(personas.GUS, card, "approve")

    await app.wait_for_private_message(personas.GUS, "Guests can't use this bot")
    await assert_nothing_revoked(app)


async def test_click__by_a_deactivated_approver_is_refused(app: AppHarness) -> None:
    card = await card_of_ravi(app)
    app.slack.members[personas.BEN].deleted = True

    await app.slack.click(personas.BEN, card, "approve", force=True)

    await app.wait_for_private_message(personas.BEN, "Your Slack account is deactivated")
    await assert_nothing_revoked(app)


@over_both_transports
async def test_click__by_a_bot_is_refused(start_app_with: StartApp) -> None:
    app = await start_app_with(APPROVERS=f"{personas.BEN},{personas.BEA}")
    card = await card_of_ravi(app)

    await app.slack.click(personas.BEA, card, "approve", force=True)

    await app.wait_for_private_message(personas.BEA, "Bots and apps can't use this bot")
    await assert_nothing_revoked(app)


@pytest.mark.parametrize(
    ("target", "words"),
    [("@una", "has not confirmed their email address"), ("@nomail", "has no email address in Slack")],
)
async def test_revoke__refuses_a_target_without_a_confirmed_address(app: AppHarness, target: str, words: str) -> None:
    await app.send_command(personas.OLIVIA, f"revoke {target}")

    await app.wait_for_private_message(personas.OLIVIA, words)
    await assert_nothing_revoked(app)
    assert not app.genesys.received("search_by_email")


async def test_click__by_an_approver_with_an_unconfirmed_address_is_refused(start_app_with: StartApp) -> None:
    app = await start_app_with(APPROVERS="permission:oauth:token:delete", APPROVALS_CHANNEL=personas.OPS)
    give_permission(app, "una@example.com")
    card = await app.request_card(personas.RAVI, "revoke @tom")

    await app.slack.click(personas.UNA, card, "approve")

    await app.wait_for_private_message(personas.UNA, "You can't approve this request")
    await assert_nothing_revoked(app)


async def test_address__of_an_external_profile_is_never_trusted(start_app_with: StartApp) -> None:
    app = await start_app_with(APPROVALS_CHANNEL=personas.SHARED, APPROVERS="permission:oauth:token:delete")
    give_permission(app, "ben.baker@example.com")
    card = await card_of_ravi(app)
    app.slack.members[personas.ONA].email = "ben.baker@example.com"

    await app.slack.click(personas.ONA, card, "approve")
    await app.wait_for_private_message(personas.ONA, "Only members of this workspace")
    await app.send_command(personas.OLIVIA, f"revoke <@{personas.ONA}>")
    await app.wait_for_private_message(personas.OLIVIA, "so their email address proves nothing here")

    await assert_nothing_revoked(app)
    ben = next(person.id for person in app.genesys.users.values() if person.name == "Ben Baker")
    assert not [entry for entry in app.genesys.received("get_user_roles") if ben in entry.path]


async def test_delete__keeps_its_target_if_the_address_changes_before_the_click(app: AppHarness) -> None:
    card = await card_of_ravi(app)
    app.slack.members[personas.TOM].email = "ben.baker@example.com"

    await app.slack.click(personas.BEN, card, "approve")
    await app.wait_for_message("Revoked: all sessions of Tom Target")

    await app.wait_until_idle()
    assert [entry.path for entry in app.deletes] == [f"/api/v2/tokens/{TOM_ID}"]


@over_both_transports
@pytest.mark.parametrize("value", ["", "1", TOM_ID, "me", "' OR 1=1 --", "x" * 2000])
async def test_click__with_an_unknown_value_is_refused(app: AppHarness, value: str) -> None:
    card = await card_of_ravi(app)

    await app.slack.click(personas.BEN, card, "approve", value=value)

    await app.wait_for_private_message(personas.BEN, "I don't know this request")
    await assert_nothing_revoked(app)
    assert app.slack.buttons(card)


async def test_click__with_the_value_of_another_request_follows_the_rules_of_that_request(app: AppHarness) -> None:
    app.slack.groups[personas.TOKEN_APPROVERS].members.append(personas.NADIA)  # Olivia needs two others
    mine = await app.request_card(personas.OLIVIA, "revoke @tom")
    protected = await app.request_card(personas.OLIVIA, "revoke @pia")
    value = app.slack.buttons(protected)[0]["value"]

    await app.slack.click(personas.OLIVIA, mine, "approve", value=value)

    await app.wait_for_private_message(personas.OLIVIA, "It needs the approval of two other approvers")
    await assert_nothing_revoked(app)


@over_both_transports
async def test_click__by_the_requester_is_refused_without_self_approval(start_app_with: StartApp) -> None:
    app = await start_app_with(SELF_APPROVAL="no")
    card = await app.request_card(personas.BEN, "revoke @tom")

    await app.slack.click(personas.BEN, card, "approve")

    await app.wait_for_private_message(personas.BEN, "You requested this yourself")
    await assert_nothing_revoked(app)


@over_both_transports
async def test_click__is_refused_if_the_role_was_removed_after_the_request(app: AppHarness) -> None:
    card = await app.request_card(personas.BEN, "revoke @tom")
    app.slack.groups[personas.TOKEN_APPROVERS].members.remove(personas.BEN)

    await app.slack.click(personas.BEN, card, "approve")

    await app.wait_for_private_message(personas.BEN, "You can't approve this request")
    await assert_nothing_revoked(app)


async def test_click__on_an_expired_request_is_refused(start_app_with: StartApp) -> None:
    app = await start_app_with(REQUEST_TTL="1s")
    card = await card_of_ravi(app)
    await app.wait_for_message("Expired: sessions of")

    await app.slack.click(personas.BEN, card, "approve", force=True)

    await app.wait_for_private_message(personas.BEN, "this request has expired")
    await assert_nothing_revoked(app)


@over_both_transports
async def test_click__on_an_executed_request_is_refused(app: AppHarness) -> None:
    card = await card_of_ravi(app)
    await app.slack.click(personas.BEN, card, "approve")
    await app.wait_for_message("Revoked: all sessions")

    await app.slack.click(personas.OLIVIA, card, "approve", force=True)

    await app.wait_for_private_message(personas.OLIVIA, "already approved and executed")
    await app.wait_until_idle()
    assert len(app.deletes) == 1


async def test_clicks__by_two_approvers_on_two_replicas_revoke_once(start_app_with: StartApp) -> None:
    app = await start_app_with()
    shared = {name: app.environ[name] for name in app.environ if name.startswith(("SLACK_", "PURECLOUD_"))}
    other = await start_app_with(**shared)
    card = await card_of_ravi(app)

    await asyncio.gather(
        *(
            app.slack.click(who, card, "approve", to=to, force=True)
            for who in (personas.BEN, personas.BEN, personas.OLIVIA)
            for to in (app.slack.events_url, other.slack.events_url)
        )
    )
    await app.wait_for_message("Revoked: all sessions")

    await app.wait_until_idle()
    assert len(app.deletes) == 1
    assert (await app.audit_tags()).count("token:revoked") == 1


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("@bea", "is a bot, not a person"),
        (f"<@{personas.ONA}>", "is not a member of this workspace"),
        ("@gus", "is a guest in Slack"),
    ],
)
async def test_revoke__refuses_a_target_that_is_a_bot_a_guest_or_external(
    app: AppHarness, target: str, words: str
) -> None:
    await app.send_command(personas.OLIVIA, f"revoke {target}")

    await app.wait_for_private_message(personas.OLIVIA, words)
    await assert_nothing_revoked(app)


@pytest.mark.parametrize("target", [pytest.param("@olivia", id="self and admin"), pytest.param("@ben", id="approver")])
async def test_revoke__of_oneself_or_an_approver_still_needs_the_button(app: AppHarness, target: str) -> None:
    card = await app.request_card(personas.OLIVIA, f"revoke {target}")

    assert len(app.slack.buttons(card)) == 3
    await assert_nothing_revoked(app)


async def test_click__from_another_app_or_workspace_is_refused(app: AppHarness) -> None:
    card = await card_of_ravi(app)

    other_app = await app.slack.click(personas.BEN, card, "approve", api_app_id="A0OTHER001")
    await app.slack.click(personas.BEN, card, "approve", user_team_id=personas.OTHER_TEAM)
    await app.wait_for_private_message(personas.BEN, "Only members of this workspace")

    assert other_app.status == 401
    await assert_nothing_revoked(app)


async def test_click__replayed_after_the_role_was_granted_is_ignored(app: AppHarness) -> None:
    card = await card_of_ravi(app)
    refused = await app.slack.click(personas.RAVI, card, "approve", force=True)
    await app.wait_for_private_message(personas.RAVI, "You can't approve this request")
    app.slack.groups[personas.TOKEN_APPROVERS].members.append(personas.RAVI)

    again = await app.slack.send_raw(refused.raw, refused.headers)

    assert again.status == 200
    await assert_nothing_revoked(app)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("revoke @tom @pia", "No one could approve this request, and two approvers are needed"),
        ("revoke @tom @ben reported by @pia", "The reason names"),
        ("revoke @tom because @ben said so", "That names 2 people"),
        ("revoke @tom and @token-approvers", "I can't act on a channel, or on a user group in the middle"),
        ("revoke @here", "I can't act on a channel"),
        ("revoke @everyone now", "I can't act on a channel"),
        ("revoke <#C0OPS00001|ops>", "That is a channel"),
        ("revoke @tomm", "as plain text"),
    ],
)
async def test_revoke__refuses_a_line_that_does_not_say_whom_it_is_about(
    app: AppHarness, text: str, words: str
) -> None:
    await app.send_command(personas.OLIVIA, text)

    await app.wait_for_private_message(personas.OLIVIA, words)
    await app.wait_for_private_message(personas.OLIVIA, NO_CHANGE)
    await assert_nothing_revoked(app)
    assert not any(app.slack.buttons(message) for message in app.slack.messages)


@pytest.mark.parametrize("text", ["revoke @tom @pia", "revoke @token-approvers", "revoke-many @tom"])
async def test_revoke__of_several_people_is_refused_to_anyone_but_admins(app: AppHarness, text: str) -> None:
    await app.send_command(personas.RAVI, text)

    await app.wait_for_private_message(personas.RAVI, "Only admins of this bot can name several people")
    await assert_nothing_revoked(app)
    assert not app.genesys.received("search_by_email")


async def test_click__is_refused_if_the_user_group_is_disabled(app: AppHarness) -> None:
    card = await card_of_ravi(app)
    app.slack.groups[personas.TOKEN_APPROVERS].disabled = True

    await app.slack.click(personas.BEN, card, "approve")

    reply = await app.wait_for_private_message(personas.BEN, "Could not be checked, so it counts as no")
    assert personas.TOKEN_APPROVERS in app.slack.text_of(reply)
    await assert_nothing_revoked(app)
    assert app.slack.buttons(card)


@pytest.mark.parametrize("method", ["users.info", "usergroups.users.list"])
async def test_click__waits_while_slack_cannot_be_asked(app: AppHarness, method: str) -> None:
    card = await card_of_ravi(app)
    app.slack.fault(method, SlackFault(error="fatal_error", times=4))

    assert (await app.slack.click(personas.BEN, card, "approve")).status == 200

    await app.wait_for_message("Revoked: all sessions of Tom Target")
    assert len(app.deletes) == 1


async def test_revoke__refuses_an_address_of_several_people(app: AppHarness) -> None:
    twin = GenesysUser(id="6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4eff", name="Tim Target", email="tom.target@example.com")
    app.genesys.state.add(twin)

    await app.send_command(personas.OLIVIA, "revoke @tom")

    await app.wait_for_private_message(personas.OLIVIA, "Genesys Cloud has 2 users")
    await assert_nothing_revoked(app)
