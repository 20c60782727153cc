"""The eighteen ways in which bots of this kind were talked into something: none of them ends a session here."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.sandbox import personas
from bot.sandbox.genesys.server import Person
from bot.sandbox.slack.calls import Fault
from bot.sandbox.slack.messages import Message
from tests.conftest import StartApp
from tests.support.app_harness import TOM_ID, AppHarness

PRIVATE = "Nothing was changed."

both_ways = pytest.mark.parametrize("transport", ["http", "socket"])
"""How Slack reaches the bot."""


async def request_of_ravi(world: AppHarness) -> Message:
    """A card that an approver must confirm, where Ona of another workspace sees it too."""
    return await world.card(personas.RAVI, "revoke @tom")


def give_permission(world: AppHarness, email: str) -> None:
    """Let whoever has this address delete tokens in Genesys Cloud."""
    person = next(one for one in world.genesys.people.values() if one.email == email)
    person.policies = ({"domain": "oauth", "entityName": "token", "actionSet": ["delete"]},)


async def nothing_ended(world: AppHarness) -> None:
    await world.idle()
    assert not world.deletes
    assert "request:approved" not in await world.trail()
    assert all(person.sessions for person in world.genesys.people.values())


@both_ways
async def test_pitfall_1__an_external_clicker_in_a_shared_channel(start_app_with: StartApp) -> None:
    world = await start_app_with(APPROVALS_CHANNEL=personas.SHARED, APPROVERS=f"{personas.BEN},{personas.ONA}")
    card = await request_of_ravi(world)

    await world.slack.click(personas.ONA, card, "approve")

    await world.hears(personas.ONA, "Only members of the workspace this bot belongs to")
    await nothing_ended(world)
    assert world.slack.buttons(card)


async def test_pitfall_1__an_external_clicker_whom_only_the_directory_gives_away(start_app_with: StartApp) -> None:
    world = await start_app_with(APPROVALS_CHANNEL=personas.SHARED, APPROVERS=f"{personas.BEN},{personas.ONA}")
    card = await request_of_ravi(world)

    await world.slack.click(personas.ONA, card, "approve", user_team_id=world.slack.team_id)

    await world.hears(personas.ONA, "Only members of the workspace this bot belongs to")
    await nothing_ended(world)


@both_ways
@pytest.mark.parametrize("mark", ["is_restricted", "is_ultra_restricted"])
async def test_pitfall_2__a_guest(world: AppHarness, mark: str) -> None:
    card = await request_of_ravi(world)
    gus = replace(world.slack.members[personas.GUS], is_restricted=False)
    setattr(gus, mark, True)
    world.slack.members[personas.GUS] = gus

    await world.slack.click(personas.GUS, card, "approve")

    await world.hears(personas.GUS, "Guests may not do this")
    await nothing_ended(world)


async def test_pitfall_3__a_deactivated_approver(world: AppHarness) -> None:
    card = await request_of_ravi(world)
    world.slack.members[personas.BEN].deleted = True

    await world.slack.click(personas.BEN, card, "approve", force=True)

    await world.hears(personas.BEN, "Your Slack account is deactivated")
    await nothing_ended(world)


@both_ways
async def test_pitfall_4__a_bot_that_clicks(start_app_with: StartApp) -> None:
    world = await start_app_with(APPROVERS=f"{personas.BEN},{personas.BEA}")
    card = await request_of_ravi(world)

    await world.slack.click(personas.BEA, card, "approve", force=True)

    await world.hears(personas.BEA, "Bots and apps may not do this")
    await nothing_ended(world)


@pytest.mark.parametrize(
    ("target", "words"),
    [("@una", "has not confirmed their e-mail address"), ("@nomail", "has no e-mail address in Slack")],
)
async def test_pitfall_5__an_e_mail_address_unconfirmed_or_missing(world: AppHarness, target: str, words: str) -> None:
    await world.types(personas.OLIVIA, f"revoke {target}")

    await world.hears(personas.OLIVIA, words)
    await nothing_ended(world)
    assert not world.genesys.received("search_by_email")


async def test_pitfall_5__an_approver_by_role_whose_address_is_unconfirmed(start_app_with: StartApp) -> None:
    world = await start_app_with(APPROVERS="permission:oauth:token:delete", APPROVALS_CHANNEL=personas.OPS)
    give_permission(world, "una@example.com")
    card = await world.card(personas.RAVI, "revoke @tom")

    await world.slack.click(personas.UNA, card, "approve")

    await world.hears(personas.UNA, "You may not confirm this")
    await nothing_ended(world)


async def test_pitfall_6__an_external_profile_with_an_internal_address(start_app_with: StartApp) -> None:
    world = await start_app_with(APPROVALS_CHANNEL=personas.SHARED, APPROVERS="permission:oauth:token:delete")
    give_permission(world, "ben.baker@example.com")
    card = await request_of_ravi(world)
    world.slack.members[personas.ONA].email = "ben.baker@example.com"

    await world.slack.click(personas.ONA, card, "approve")
    await world.hears(personas.ONA, "Only members of the workspace")
    await world.types(personas.OLIVIA, f"revoke <@{personas.ONA}>")
    await world.hears(personas.OLIVIA, "an outsider's e-mail address proves nothing here")

    await nothing_ended(world)
    ben = next(person.id for person in world.genesys.people.values() if person.name == "Ben Baker")
    assert not [entry for entry in world.genesys.received("get_user_roles") if ben in entry.path]


async def test_pitfall_7__an_address_that_changes_between_request_and_click(world: AppHarness) -> None:
    card = await request_of_ravi(world)
    world.slack.members[personas.TOM].email = "ben.baker@example.com"

    await world.slack.click(personas.BEN, card, "approve")
    await world.reads("Revoked: every session of Tom Target")

    await world.idle()
    assert [entry.path for entry in world.deletes] == [f"/api/v2/tokens/{TOM_ID}"]


@both_ways
@pytest.mark.parametrize("value", ["", "1", TOM_ID, "me", "' OR 1=1 --", "x" * 2000])
async def test_pitfall_8__a_button_with_a_foreign_value(world: AppHarness, value: str) -> None:
    card = await request_of_ravi(world)

    await world.slack.click(personas.BEN, card, "approve", value=value)

    await world.hears(personas.BEN, "I do not know this request")
    await nothing_ended(world)
    assert world.slack.buttons(card)


async def test_pitfall_8__a_button_that_carries_another_request(world: AppHarness) -> None:
    mine = await world.card(personas.OLIVIA, "revoke @tom")
    protected = await world.card(personas.OLIVIA, "revoke @pia")
    value = world.slack.buttons(protected)[0]["value"]

    await world.slack.click(personas.OLIVIA, mine, "approve", value=value)

    await world.hears(personas.OLIVIA, "two other approvers must confirm")
    await nothing_ended(world)


@both_ways
async def test_pitfall_9__four_eyes(start_app_with: StartApp) -> None:
    world = await start_app_with(SELF_APPROVAL="no")
    card = await world.card(personas.BEN, "revoke @tom")

    await world.slack.click(personas.BEN, card, "approve")

    await world.hears(personas.BEN, "You asked for this yourself")
    await nothing_ended(world)


@both_ways
async def test_pitfall_10__a_role_taken_away_between_request_and_click(world: AppHarness) -> None:
    card = await world.card(personas.BEN, "revoke @tom")
    world.slack.groups[personas.TOKEN_APPROVERS].members.remove(personas.BEN)

    await world.slack.click(personas.BEN, card, "approve")

    await world.hears(personas.BEN, "nothing in APPROVERS names you (any more)")
    await nothing_ended(world)


async def test_pitfall_11__an_expired_request(start_app_with: StartApp) -> None:
    world = await start_app_with(REQUEST_TTL="1s")
    card = await request_of_ravi(world)
    await world.reads("Expired: every session")

    await world.slack.click(personas.BEN, card, "approve", force=True)

    await world.hears(personas.BEN, "the request had expired")
    await nothing_ended(world)


@both_ways
async def test_pitfall_11__a_request_that_was_used(world: AppHarness) -> None:
    card = await request_of_ravi(world)
    await world.slack.click(personas.BEN, card, "approve")
    await world.reads("Revoked: every session")

    await world.slack.click(personas.OLIVIA, card, "approve", force=True)

    await world.hears(personas.OLIVIA, "it was confirmed already and carried out")
    await world.idle()
    assert len(world.deletes) == 1


async def test_pitfall_12__a_double_click_two_admins_two_processes(start_app_with: StartApp) -> None:
    world = await start_app_with()
    shared = {name: world.environ[name] for name in world.environ if name.startswith(("SLACK_", "PURECLOUD_"))}
    other = await start_app_with(**shared)
    card = await request_of_ravi(world)

    await asyncio.gather(
        *(
            world.slack.click(who, card, "approve", to=to, force=True)
            for who in (personas.BEN, personas.BEN, personas.OLIVIA)
            for to in (world.slack.events_url, other.slack.events_url)
        )
    )
    await world.reads("Revoked: every session")

    await world.idle()
    assert len(world.deletes) == 1
    assert (await world.trail()).count("token:revoked") == 1


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("@bea", "is a bot, not a person"),
        (f"<@{personas.ONA}>", "is not in this workspace"),
        ("@gus", "is a guest in Slack"),
    ],
)
async def test_pitfall_13__a_target_that_is_a_bot_or_external(world: AppHarness, target: str, words: str) -> None:
    await world.types(personas.OLIVIA, f"revoke {target}")

    await world.hears(personas.OLIVIA, words)
    await nothing_ended(world)


@pytest.mark.parametrize("target", [pytest.param("@olivia", id="self and admin"), pytest.param("@ben", id="approver")])
async def test_pitfall_13__a_target_that_is_oneself_or_an_admin_still_needs_the_button(
    world: AppHarness, target: str
) -> None:
    card = await world.card(personas.OLIVIA, f"revoke {target}")

    assert len(world.slack.buttons(card)) == 2
    await nothing_ended(world)


async def test_pitfall_14__another_app_or_workspace(world: AppHarness) -> None:
    card = await request_of_ravi(world)

    app = await world.slack.click(personas.BEN, card, "approve", api_app_id="A0OTHER001")
    await world.slack.click(personas.BEN, card, "approve", user_team_id=personas.OTHER_TEAM)
    await world.hears(personas.BEN, "Only members of the workspace")

    assert app.status == 401
    await nothing_ended(world)


async def test_pitfall_15__a_signed_request_sent_again(world: AppHarness) -> None:
    card = await request_of_ravi(world)
    refused = await world.slack.click(personas.RAVI, card, "approve", force=True)
    await world.hears(personas.RAVI, "You may not confirm this")
    world.slack.groups[personas.TOKEN_APPROVERS].members.append(personas.RAVI)

    again = await world.slack.send_raw(refused.raw, refused.headers)

    assert again.status == 200
    await nothing_ended(world)


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
async def test_pitfall_16__a_line_that_names_several_or_nobody(world: AppHarness, text: str, words: str) -> None:
    await world.types(personas.OLIVIA, text)

    await world.hears(personas.OLIVIA, words)
    await world.hears(personas.OLIVIA, PRIVATE)
    await nothing_ended(world)
    assert not any(world.slack.buttons(message) for message in world.slack.messages)


async def test_pitfall_17__the_service_that_knows_the_roles_is_down(world: AppHarness) -> None:
    card = await request_of_ravi(world)
    world.slack.fault("usergroups.users.list", Fault(error="internal_error", times=None))

    await world.slack.click(personas.BEN, card, "approve")

    told = await world.hears(personas.BEN, "what cannot be checked counts as no")
    assert personas.TOKEN_APPROVERS in world.slack.text_of(told)
    await nothing_ended(world)
    assert world.slack.buttons(card)


async def test_pitfall_17__slack_cannot_tell_who_clicks(world: AppHarness) -> None:
    card = await request_of_ravi(world)
    world.slack.fault("users.info", Fault(error="fatal_error", times=None))

    await world.slack.click(personas.BEN, card, "approve")

    await world.hears(personas.BEN, "Slack could not tell me who you are")
    await nothing_ended(world)


async def test_pitfall_18__an_address_that_several_people_have(world: AppHarness) -> None:
    twin = Person(id="6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4eff", name="Tim Target", email="tom.target@example.com")
    world.genesys.state.add(twin)

    await world.types(personas.OLIVIA, "revoke @tom")

    await world.hears(personas.OLIVIA, "Genesys Cloud knows 2 active people")
    await nothing_ended(world)
