"""The eighteen ways in which bots of this kind were talked into something: none of them ends a session here."""

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

PRIVATE = "Nothing was changed."

both_ways = pytest.mark.parametrize("transport", ["http", "socket"])
"""How Slack reaches the bot."""


async def request_of_ravi(app: AppHarness) -> PostedMessage:
    """A card that an approver must confirm, where Ona of another workspace sees it too."""
    return await app.request_card(personas.RAVI, "revoke @tom")


def give_permission(app: AppHarness, email: str) -> None:
    """Let whoever has this address delete tokens in Genesys Cloud."""
    person = next(one for one in app.genesys.users.values() if one.email == email)
    person.policies = ({"domain": "oauth", "entityName": "token", "actionSet": ["delete"]},)


async def nothing_ended(app: AppHarness) -> None:
    await app.wait_until_idle()
    assert not app.deletes
    assert "request:approved" not in await app.audit_tags()
    assert all(person.sessions for person in app.genesys.users.values())


@both_ways
async def test_pitfall_1__an_external_clicker_in_a_shared_channel(start_app_with: StartApp) -> None:
    app = await start_app_with(APPROVALS_CHANNEL=personas.SHARED, APPROVERS=f"{personas.BEN},{personas.ONA}")
    card = await request_of_ravi(app)

    await app.slack.click(personas.ONA, card, "approve")

    await app.wait_for_private_message(personas.ONA, "Only members of the workspace this bot belongs to")
    await nothing_ended(app)
    assert app.slack.buttons(card)


async def test_pitfall_1__an_external_clicker_whom_only_the_directory_gives_away(start_app_with: StartApp) -> None:
    app = await start_app_with(APPROVALS_CHANNEL=personas.SHARED, APPROVERS=f"{personas.BEN},{personas.ONA}")
    card = await request_of_ravi(app)

    await app.slack.click(personas.ONA, card, "approve", user_team_id=app.slack.team_id)

    await app.wait_for_private_message(personas.ONA, "Only members of the workspace this bot belongs to")
    await nothing_ended(app)


@both_ways
@pytest.mark.parametrize("mark", ["is_restricted", "is_ultra_restricted"])
async def test_pitfall_2__a_guest(app: AppHarness, mark: str) -> None:
    card = await request_of_ravi(app)
    gus = replace(app.slack.members[personas.GUS], is_restricted=False)
    setattr(gus, mark, True)
    app.slack.members[personas.GUS] = gus

    await app.slack.click(personas.GUS, card, "approve")

    await app.wait_for_private_message(personas.GUS, "Guests may not do this")
    await nothing_ended(app)


async def test_pitfall_3__a_deactivated_approver(app: AppHarness) -> None:
    card = await request_of_ravi(app)
    app.slack.members[personas.BEN].deleted = True

    await app.slack.click(personas.BEN, card, "approve", force=True)

    await app.wait_for_private_message(personas.BEN, "Your Slack account is deactivated")
    await nothing_ended(app)


@both_ways
async def test_pitfall_4__a_bot_that_clicks(start_app_with: StartApp) -> None:
    app = await start_app_with(APPROVERS=f"{personas.BEN},{personas.BEA}")
    card = await request_of_ravi(app)

    await app.slack.click(personas.BEA, card, "approve", force=True)

    await app.wait_for_private_message(personas.BEA, "Bots and apps may not do this")
    await nothing_ended(app)


@pytest.mark.parametrize(
    ("target", "words"),
    [("@una", "has not confirmed their e-mail address"), ("@nomail", "has no e-mail address in Slack")],
)
async def test_pitfall_5__an_e_mail_address_unconfirmed_or_missing(app: AppHarness, target: str, words: str) -> None:
    await app.send_command(personas.OLIVIA, f"revoke {target}")

    await app.wait_for_private_message(personas.OLIVIA, words)
    await nothing_ended(app)
    assert not app.genesys.received("search_by_email")


async def test_pitfall_5__an_approver_by_role_whose_address_is_unconfirmed(start_app_with: StartApp) -> None:
    app = await start_app_with(APPROVERS="permission:oauth:token:delete", APPROVALS_CHANNEL=personas.OPS)
    give_permission(app, "una@example.com")
    card = await app.request_card(personas.RAVI, "revoke @tom")

    await app.slack.click(personas.UNA, card, "approve")

    await app.wait_for_private_message(personas.UNA, "You may not confirm this")
    await nothing_ended(app)


async def test_pitfall_6__an_external_profile_with_an_internal_address(start_app_with: StartApp) -> None:
    app = await start_app_with(APPROVALS_CHANNEL=personas.SHARED, APPROVERS="permission:oauth:token:delete")
    give_permission(app, "ben.baker@example.com")
    card = await request_of_ravi(app)
    app.slack.members[personas.ONA].email = "ben.baker@example.com"

    await app.slack.click(personas.ONA, card, "approve")
    await app.wait_for_private_message(personas.ONA, "Only members of the workspace")
    await app.send_command(personas.OLIVIA, f"revoke <@{personas.ONA}>")
    await app.wait_for_private_message(personas.OLIVIA, "an outsider's e-mail address proves nothing here")

    await nothing_ended(app)
    ben = next(person.id for person in app.genesys.users.values() if person.name == "Ben Baker")
    assert not [entry for entry in app.genesys.received("get_user_roles") if ben in entry.path]


async def test_pitfall_7__an_address_that_changes_between_request_and_click(app: AppHarness) -> None:
    card = await request_of_ravi(app)
    app.slack.members[personas.TOM].email = "ben.baker@example.com"

    await app.slack.click(personas.BEN, card, "approve")
    await app.wait_for_message("Revoked: every session of Tom Target")

    await app.wait_until_idle()
    assert [entry.path for entry in app.deletes] == [f"/api/v2/tokens/{TOM_ID}"]


@both_ways
@pytest.mark.parametrize("value", ["", "1", TOM_ID, "me", "' OR 1=1 --", "x" * 2000])
async def test_pitfall_8__a_button_with_a_foreign_value(app: AppHarness, value: str) -> None:
    card = await request_of_ravi(app)

    await app.slack.click(personas.BEN, card, "approve", value=value)

    await app.wait_for_private_message(personas.BEN, "I do not know this request")
    await nothing_ended(app)
    assert app.slack.buttons(card)


async def test_pitfall_8__a_button_that_carries_another_request(app: AppHarness) -> None:
    mine = await app.request_card(personas.OLIVIA, "revoke @tom")
    protected = await app.request_card(personas.OLIVIA, "revoke @pia")
    value = app.slack.buttons(protected)[0]["value"]

    await app.slack.click(personas.OLIVIA, mine, "approve", value=value)

    await app.wait_for_private_message(personas.OLIVIA, "two other approvers must confirm")
    await nothing_ended(app)


@both_ways
async def test_pitfall_9__four_eyes(start_app_with: StartApp) -> None:
    app = await start_app_with(SELF_APPROVAL="no")
    card = await app.request_card(personas.BEN, "revoke @tom")

    await app.slack.click(personas.BEN, card, "approve")

    await app.wait_for_private_message(personas.BEN, "You asked for this yourself")
    await nothing_ended(app)


@both_ways
async def test_pitfall_10__a_role_taken_away_between_request_and_click(app: AppHarness) -> None:
    card = await app.request_card(personas.BEN, "revoke @tom")
    app.slack.groups[personas.TOKEN_APPROVERS].members.remove(personas.BEN)

    await app.slack.click(personas.BEN, card, "approve")

    await app.wait_for_private_message(personas.BEN, "nothing in APPROVERS names you (any more)")
    await nothing_ended(app)


async def test_pitfall_11__an_expired_request(start_app_with: StartApp) -> None:
    app = await start_app_with(REQUEST_TTL="1s")
    card = await request_of_ravi(app)
    await app.wait_for_message("Expired: every session")

    await app.slack.click(personas.BEN, card, "approve", force=True)

    await app.wait_for_private_message(personas.BEN, "the request had expired")
    await nothing_ended(app)


@both_ways
async def test_pitfall_11__a_request_that_was_used(app: AppHarness) -> None:
    card = await request_of_ravi(app)
    await app.slack.click(personas.BEN, card, "approve")
    await app.wait_for_message("Revoked: every session")

    await app.slack.click(personas.OLIVIA, card, "approve", force=True)

    await app.wait_for_private_message(personas.OLIVIA, "it was confirmed already and carried out")
    await app.wait_until_idle()
    assert len(app.deletes) == 1


async def test_pitfall_12__a_double_click_two_admins_two_processes(start_app_with: StartApp) -> None:
    app = await start_app_with()
    shared = {name: app.environ[name] for name in app.environ if name.startswith(("SLACK_", "PURECLOUD_"))}
    other = await start_app_with(**shared)
    card = await request_of_ravi(app)

    await asyncio.gather(
        *(
            app.slack.click(who, card, "approve", to=to, force=True)
            for who in (personas.BEN, personas.BEN, personas.OLIVIA)
            for to in (app.slack.events_url, other.slack.events_url)
        )
    )
    await app.wait_for_message("Revoked: every session")

    await app.wait_until_idle()
    assert len(app.deletes) == 1
    assert (await app.audit_tags()).count("token:revoked") == 1


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("@bea", "is a bot, not a person"),
        (f"<@{personas.ONA}>", "is not in this workspace"),
        ("@gus", "is a guest in Slack"),
    ],
)
async def test_pitfall_13__a_target_that_is_a_bot_or_external(app: AppHarness, target: str, words: str) -> None:
    await app.send_command(personas.OLIVIA, f"revoke {target}")

    await app.wait_for_private_message(personas.OLIVIA, words)
    await nothing_ended(app)


@pytest.mark.parametrize("target", [pytest.param("@olivia", id="self and admin"), pytest.param("@ben", id="approver")])
async def test_pitfall_13__a_target_that_is_oneself_or_an_admin_still_needs_the_button(
    app: AppHarness, target: str
) -> None:
    card = await app.request_card(personas.OLIVIA, f"revoke {target}")

    assert len(app.slack.buttons(card)) == 2
    await nothing_ended(app)


async def test_pitfall_14__another_app_or_workspace(app: AppHarness) -> None:
    card = await request_of_ravi(app)

    other_app = await app.slack.click(personas.BEN, card, "approve", api_app_id="A0OTHER001")
    await app.slack.click(personas.BEN, card, "approve", user_team_id=personas.OTHER_TEAM)
    await app.wait_for_private_message(personas.BEN, "Only members of the workspace")

    assert other_app.status == 401
    await nothing_ended(app)


async def test_pitfall_15__a_signed_request_sent_again(app: AppHarness) -> None:
    card = await request_of_ravi(app)
    refused = await app.slack.click(personas.RAVI, card, "approve", force=True)
    await app.wait_for_private_message(personas.RAVI, "You may not confirm this")
    app.slack.groups[personas.TOKEN_APPROVERS].members.append(personas.RAVI)

    again = await app.slack.send_raw(refused.raw, refused.headers)

    assert again.status == 200
    await nothing_ended(app)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("revoke @tom @pia", "I see 2 people in that line"),
        ("revoke @tom because @ben said so", "I see 2 people in that line"),
        ("revoke tom.target@example.com ben.baker@example.com", "I see 2 people in that line"),
        ("revoke @token-approvers", "not a user group or everybody here"),
        ("revoke @here", "not a user group or everybody here"),
        ("revoke @everyone now", "not a user group or everybody here"),
        ("revoke <#C0OPS00001|ops>", "That is a channel"),
        ("revoke @tomm", "arrived as plain text"),
        ("revoke", "Whose sessions?"),
    ],
)
async def test_pitfall_16__a_line_that_names_several_or_nobody(app: AppHarness, text: str, words: str) -> None:
    await app.send_command(personas.OLIVIA, text)

    await app.wait_for_private_message(personas.OLIVIA, words)
    await app.wait_for_private_message(personas.OLIVIA, PRIVATE)
    await nothing_ended(app)
    assert not any(app.slack.buttons(message) for message in app.slack.messages)


async def test_pitfall_17__the_service_that_knows_the_roles_is_down(app: AppHarness) -> None:
    card = await request_of_ravi(app)
    app.slack.fault("usergroups.users.list", SlackFault(error="internal_error", times=None))

    await app.slack.click(personas.BEN, card, "approve")

    told = await app.wait_for_private_message(personas.BEN, "what cannot be checked counts as no")
    assert personas.TOKEN_APPROVERS in app.slack.text_of(told)
    await nothing_ended(app)
    assert app.slack.buttons(card)


async def test_pitfall_17__slack_cannot_tell_who_clicks(app: AppHarness) -> None:
    card = await request_of_ravi(app)
    app.slack.fault("users.info", SlackFault(error="fatal_error", times=None))

    await app.slack.click(personas.BEN, card, "approve")

    await app.wait_for_private_message(personas.BEN, "Slack could not tell me who you are")
    await nothing_ended(app)


async def test_pitfall_18__an_address_that_several_people_have(app: AppHarness) -> None:
    twin = GenesysUser(id="6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4eff", name="Tim Target", email="tom.target@example.com")
    app.genesys.state.add(twin)

    await app.send_command(personas.OLIVIA, "revoke @tom")

    await app.wait_for_private_message(personas.OLIVIA, "Genesys Cloud knows 2 active people")
    await nothing_ended(app)
