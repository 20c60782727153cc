"""The eighteen ways in which bots of this kind were talked into something: none of them ends a session here."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.sandbox import personas as cast
from bot.sandbox.genesys.server import Person
from bot.sandbox.slack.calls import Fault
from bot.sandbox.slack.messages import Message
from tests.conftest import StartWorld
from tests.support.app_harness import TOM_ID, World

PRIVATE = "Nothing was changed."

both_ways = pytest.mark.parametrize("transport", ["http", "socket"])
"""How Slack reaches the bot."""


async def request_of_ravi(world: World) -> Message:
    """A card that an approver must confirm, where Ona of another workspace sees it too."""
    return await world.card(cast.RAVI, "revoke @tom")


def give_permission(world: World, email: str) -> None:
    """Let whoever has this address delete tokens in Genesys Cloud."""
    person = next(one for one in world.genesys.people.values() if one.email == email)
    person.policies = ({"domain": "oauth", "entityName": "token", "actionSet": ["delete"]},)


async def nothing_ended(world: World) -> None:
    await world.idle()
    assert not world.deletes
    assert "request:approved" not in await world.trail()
    assert all(person.sessions for person in world.genesys.people.values())


@both_ways
async def test_pitfall_1__an_external_clicker_in_a_shared_channel(start_world: StartWorld) -> None:
    world = await start_world(APPROVALS_CHANNEL=cast.SHARED, APPROVERS=f"{cast.BEN},{cast.ONA}")
    card = await request_of_ravi(world)

    await world.slack.click(cast.ONA, card, "approve")

    await world.hears(cast.ONA, "Only members of the workspace this bot belongs to")
    await nothing_ended(world)
    assert world.slack.buttons(card)


async def test_pitfall_1__an_external_clicker_whom_only_the_directory_gives_away(start_world: StartWorld) -> None:
    world = await start_world(APPROVALS_CHANNEL=cast.SHARED, APPROVERS=f"{cast.BEN},{cast.ONA}")
    card = await request_of_ravi(world)

    await world.slack.click(cast.ONA, card, "approve", user_team_id=world.slack.team_id)

    await world.hears(cast.ONA, "Only members of the workspace this bot belongs to")
    await nothing_ended(world)


@both_ways
@pytest.mark.parametrize("mark", ["is_restricted", "is_ultra_restricted"])
async def test_pitfall_2__a_guest(world: World, mark: str) -> None:
    card = await request_of_ravi(world)
    gus = replace(world.slack.members[cast.GUS], is_restricted=False)
    setattr(gus, mark, True)
    world.slack.members[cast.GUS] = gus

    await world.slack.click(cast.GUS, card, "approve")

    await world.hears(cast.GUS, "Guests may not do this")
    await nothing_ended(world)


async def test_pitfall_3__a_deactivated_approver(world: World) -> None:
    card = await request_of_ravi(world)
    world.slack.members[cast.BEN].deleted = True

    await world.slack.click(cast.BEN, card, "approve", force=True)

    await world.hears(cast.BEN, "Your Slack account is deactivated")
    await nothing_ended(world)


@both_ways
async def test_pitfall_4__a_bot_that_clicks(start_world: StartWorld) -> None:
    world = await start_world(APPROVERS=f"{cast.BEN},{cast.BEA}")
    card = await request_of_ravi(world)

    await world.slack.click(cast.BEA, card, "approve", force=True)

    await world.hears(cast.BEA, "Bots and apps may not do this")
    await nothing_ended(world)


@pytest.mark.parametrize(
    ("target", "words"),
    [("@una", "has not confirmed their e-mail address"), ("@nomail", "has no e-mail address in Slack")],
)
async def test_pitfall_5__an_e_mail_address_unconfirmed_or_missing(world: World, target: str, words: str) -> None:
    await world.types(cast.OLIVIA, f"revoke {target}")

    await world.hears(cast.OLIVIA, words)
    await nothing_ended(world)
    assert not world.genesys.received("search_by_email")


async def test_pitfall_5__an_approver_by_role_whose_address_is_unconfirmed(start_world: StartWorld) -> None:
    world = await start_world(APPROVERS="permission:oauth:token:delete", APPROVALS_CHANNEL=cast.OPS)
    give_permission(world, "una@example.com")
    card = await world.card(cast.RAVI, "revoke @tom")

    await world.slack.click(cast.UNA, card, "approve")

    await world.hears(cast.UNA, "You may not confirm this")
    await nothing_ended(world)


async def test_pitfall_6__an_external_profile_with_an_internal_address(start_world: StartWorld) -> None:
    world = await start_world(APPROVALS_CHANNEL=cast.SHARED, APPROVERS="permission:oauth:token:delete")
    give_permission(world, "ben.baker@example.com")
    card = await request_of_ravi(world)
    world.slack.members[cast.ONA].email = "ben.baker@example.com"

    await world.slack.click(cast.ONA, card, "approve")
    await world.hears(cast.ONA, "Only members of the workspace")
    await world.types(cast.OLIVIA, f"revoke <@{cast.ONA}>")
    await world.hears(cast.OLIVIA, "an outsider's e-mail address proves nothing here")

    await nothing_ended(world)
    ben = next(person.id for person in world.genesys.people.values() if person.name == "Ben Baker")
    assert not [entry for entry in world.genesys.received("get_user_roles") if ben in entry.path]


async def test_pitfall_7__an_address_that_changes_between_request_and_click(world: World) -> None:
    card = await request_of_ravi(world)
    world.slack.members[cast.TOM].email = "ben.baker@example.com"

    await world.slack.click(cast.BEN, card, "approve")
    await world.reads("Revoked: every session of Tom Target")

    await world.idle()
    assert [entry.path for entry in world.deletes] == [f"/api/v2/tokens/{TOM_ID}"]


@both_ways
@pytest.mark.parametrize("value", ["", "1", TOM_ID, "me", "' OR 1=1 --", "x" * 2000])
async def test_pitfall_8__a_button_with_a_foreign_value(world: World, value: str) -> None:
    card = await request_of_ravi(world)

    await world.slack.click(cast.BEN, card, "approve", value=value)

    await world.hears(cast.BEN, "I do not know this request")
    await nothing_ended(world)
    assert world.slack.buttons(card)


async def test_pitfall_8__a_button_that_carries_another_request(world: World) -> None:
    mine = await world.card(cast.OLIVIA, "revoke @tom")
    protected = await world.card(cast.OLIVIA, "revoke @pia")
    value = world.slack.buttons(protected)[0]["value"]

    await world.slack.click(cast.OLIVIA, mine, "approve", value=value)

    await world.hears(cast.OLIVIA, "two other approvers must confirm")
    await nothing_ended(world)


@both_ways
async def test_pitfall_9__four_eyes(start_world: StartWorld) -> None:
    world = await start_world(SELF_APPROVAL="no")
    card = await world.card(cast.BEN, "revoke @tom")

    await world.slack.click(cast.BEN, card, "approve")

    await world.hears(cast.BEN, "You asked for this yourself")
    await nothing_ended(world)


@both_ways
async def test_pitfall_10__a_role_taken_away_between_request_and_click(world: World) -> None:
    card = await world.card(cast.BEN, "revoke @tom")
    world.slack.groups[cast.TOKEN_APPROVERS].members.remove(cast.BEN)

    await world.slack.click(cast.BEN, card, "approve")

    await world.hears(cast.BEN, "nothing in APPROVERS names you (any more)")
    await nothing_ended(world)


async def test_pitfall_11__an_expired_request(start_world: StartWorld) -> None:
    world = await start_world(REQUEST_TTL="1s")
    card = await request_of_ravi(world)
    await world.reads("Expired: every session")

    await world.slack.click(cast.BEN, card, "approve", force=True)

    await world.hears(cast.BEN, "the request had expired")
    await nothing_ended(world)


@both_ways
async def test_pitfall_11__a_request_that_was_used(world: World) -> None:
    card = await request_of_ravi(world)
    await world.slack.click(cast.BEN, card, "approve")
    await world.reads("Revoked: every session")

    await world.slack.click(cast.OLIVIA, card, "approve", force=True)

    await world.hears(cast.OLIVIA, "it was confirmed already and carried out")
    await world.idle()
    assert len(world.deletes) == 1


async def test_pitfall_12__a_double_click_two_admins_two_processes(start_world: StartWorld) -> None:
    world = await start_world()
    shared = {name: world.environ[name] for name in world.environ if name.startswith(("SLACK_", "PURECLOUD_"))}
    other = await start_world(**shared)
    card = await request_of_ravi(world)

    await asyncio.gather(
        *(
            world.slack.click(who, card, "approve", to=to, force=True)
            for who in (cast.BEN, cast.BEN, cast.OLIVIA)
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
        (f"<@{cast.ONA}>", "is not in this workspace"),
        ("@gus", "is a guest in Slack"),
    ],
)
async def test_pitfall_13__a_target_that_is_a_bot_or_external(world: World, target: str, words: str) -> None:
    await world.types(cast.OLIVIA, f"revoke {target}")

    await world.hears(cast.OLIVIA, words)
    await nothing_ended(world)


@pytest.mark.parametrize("target", [pytest.param("@olivia", id="self and admin"), pytest.param("@ben", id="approver")])
async def test_pitfall_13__a_target_that_is_oneself_or_an_admin_still_needs_the_button(
    world: World, target: str
) -> None:
    card = await world.card(cast.OLIVIA, f"revoke {target}")

    assert len(world.slack.buttons(card)) == 2
    await nothing_ended(world)


async def test_pitfall_14__another_app_or_workspace(world: World) -> None:
    card = await request_of_ravi(world)

    app = await world.slack.click(cast.BEN, card, "approve", api_app_id="A0OTHER001")
    await world.slack.click(cast.BEN, card, "approve", user_team_id=cast.OTHER_TEAM)
    await world.hears(cast.BEN, "Only members of the workspace")

    assert app.status == 401
    await nothing_ended(world)


async def test_pitfall_15__a_signed_request_sent_again(world: World) -> None:
    card = await request_of_ravi(world)
    refused = await world.slack.click(cast.RAVI, card, "approve", force=True)
    await world.hears(cast.RAVI, "You may not confirm this")
    world.slack.groups[cast.TOKEN_APPROVERS].members.append(cast.RAVI)

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
async def test_pitfall_16__a_line_that_names_several_or_nobody(world: World, text: str, words: str) -> None:
    await world.types(cast.OLIVIA, text)

    await world.hears(cast.OLIVIA, words)
    await world.hears(cast.OLIVIA, PRIVATE)
    await nothing_ended(world)
    assert not any(world.slack.buttons(message) for message in world.slack.messages)


async def test_pitfall_17__the_service_that_knows_the_roles_is_down(world: World) -> None:
    card = await request_of_ravi(world)
    world.slack.fault("usergroups.users.list", Fault(error="internal_error", times=None))

    await world.slack.click(cast.BEN, card, "approve")

    told = await world.hears(cast.BEN, "what cannot be checked counts as no")
    assert cast.TOKEN_APPROVERS in world.slack.text_of(told)
    await nothing_ended(world)
    assert world.slack.buttons(card)


async def test_pitfall_17__slack_cannot_tell_who_clicks(world: World) -> None:
    card = await request_of_ravi(world)
    world.slack.fault("users.info", Fault(error="fatal_error", times=None))

    await world.slack.click(cast.BEN, card, "approve")

    await world.hears(cast.BEN, "Slack could not tell me who you are")
    await nothing_ended(world)


async def test_pitfall_18__an_address_that_several_people_have(world: World) -> None:
    twin = Person(id="6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4eff", name="Tim Target", email="tom.target@example.com")
    world.genesys.state.add(twin)

    await world.types(cast.OLIVIA, "revoke @tom")

    await world.hears(cast.OLIVIA, "Genesys Cloud knows 2 active people")
    await nothing_ended(world)
