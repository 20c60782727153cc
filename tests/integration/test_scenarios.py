"""The main job as people live it: who asks, who confirms, who is told, and how it ends."""

from __future__ import annotations

import asyncio

import pytest

from bot.sandbox import personas as cast
from bot.sandbox.genesys.server import Fault
from tests.conftest import StartWorld
from tests.support.app_harness import World

QUESTION = "Revoke every session of Tom Target?"
DONE = "Revoked: every session of Tom Target"

both_ways = pytest.mark.parametrize("transport", ["http", "socket"])
"""How Slack reaches the bot; what differs between the two ends where these scenarios begin."""


async def all_of(world: World, channel_id: str) -> list[str]:
    """What stands in a channel, once all is said."""
    await world.idle()
    return [world.slack.text_of(one) for one in world.slack.messages if one.channel_id == channel_id]


@pytest.mark.parametrize(
    ("who", "may", "may_not"),
    [
        pytest.param(cast.OLIVIA, ["revoke @user", "rotate", "You may confirm requests"], [], id="admin"),
        pytest.param(cast.BEN, ["revoke @user", "You may confirm requests"], ["rotate"], id="approver"),
        pytest.param(cast.RAVI, ["revoke @user", "You may ask; somebody else confirms."], ["rotate"], id="requester"),
        pytest.param(cast.NADIA, ["whoami", "neither ask"], ["revoke @user", "rotate"], id="colleague"),
        pytest.param(cast.GUS, ["whoami", "Guests may not"], ["revoke @user", "rotate"], id="guest"),
    ],
)
async def test_help__tells_each_what_they_can_do(world: World, who: str, may: list[str], may_not: list[str]) -> None:
    for line in ("", "help"):
        await world.types(who, line)
    told = world.slack.text_of(await world.hears(who, "What you can do"))

    assert all(words in told for words in may)
    assert not any(f"/purecloud {words}" in told for words in may_not)
    assert not world.deletes


@both_ways
async def test_help__answers_an_unknown_word_with_the_nearest(world: World) -> None:
    await world.types(cast.OLIVIA, "revok @tom")

    await world.hears(cast.OLIVIA, "Did you mean `/purecloud revoke`?")
    assert await world.trail() == []


@pytest.mark.parametrize(
    ("who", "asks", "confirms", "rotates"),
    [
        pytest.param(cast.OLIVIA, cast.OLIVIA, cast.TOKEN_APPROVERS, cast.OLIVIA, id="admin"),
        pytest.param(cast.BEN, cast.BEN, cast.TOKEN_APPROVERS, None, id="approver"),
        pytest.param(cast.RAVI, cast.RAVI, None, None, id="requester"),
        pytest.param(cast.NADIA, None, None, None, id="colleague"),
    ],
)
async def test_whoami__tells_each_who_they_are_and_by_which_rule(
    world: World, who: str, asks: str | None, confirms: str | None, rotates: str | None
) -> None:
    await world.types(who, "whoami")
    told = world.slack.text_of(await world.hears(who, "The bot's token"))

    assert world.slack.members[who].email in told.split("\n")
    for what, rule in (("ask for a revocation", asks), ("confirm a revocation", confirms), ("rotate the bot", rotates)):
        line = next(line for line in told.split("\n") if what in line)
        assert line.endswith(f"*yes*, by `{rule}`" if rule else ": no")
    assert "Acme Contact Center" in told
    assert world.slack.bot_token not in told
    assert len(world.genesys.received("get_tokens_me")) == 1


@both_ways
async def test_whoami__tells_a_guest_nothing_of_the_token(world: World) -> None:
    await world.types(cast.GUS, "whoami")

    told = world.slack.text_of(await world.hears(cast.GUS, "Shown to full members"))
    assert "Acme Contact Center" not in told
    assert not world.genesys.received("get_tokens_me")


@both_ways
async def test_revoke__alone_in_private_and_told_to_the_audit_channel(world: World) -> None:
    card = await world.card(cast.OLIVIA, "revoke @tom laptop stolen")

    assert card.channel_id == world.slack.workspace.dm(cast.OLIVIA).id
    text = world.slack.text_of(card)
    for words in (QUESTION, "tom.target@example.com", "Support", "active", "laptop stolen", "cannot be undone"):
        assert words in text
    await world.slack.click(cast.OLIVIA, card, "approve")
    await world.reads(DONE)

    assert [DONE in told for told in await all_of(world, cast.AUDIT)] == [True]
    assert not await all_of(world, cast.APPROVALS)
    assert not world.slack.buttons(card)
    assert len(world.deletes) == 1


@both_ways
async def test_revoke__confirmed_by_another_in_the_approvals_channel(world: World) -> None:
    card = await world.card(cast.RAVI, "revoke @tom laptop stolen")

    assert card.channel_id == cast.APPROVALS
    await world.hears(cast.RAVI, f"I posted the card in <#{cast.APPROVALS}>")
    await world.slack.click(cast.BEN, card, "approve")
    outcome = world.slack.text_of(await world.hears(cast.RAVI, DONE))
    await world.idle()

    for told in (world.slack.text_of(card), outcome):
        assert f"Asked by <@{cast.RAVI}>" in told
        assert f"confirmed by <@{cast.BEN}>" in told
    assert not world.slack.buttons(card)
    assert len(world.deletes) == 1


async def test_revoke__confirmed_by_another_where_it_was_asked(start_world: StartWorld) -> None:
    world = await start_world(APPROVALS_CHANNEL="")

    card = await world.card(cast.RAVI, "revoke @tom", cast.OPS)
    assert card.channel_id == cast.OPS
    await world.slack.click(cast.RAVI, card, "approve")
    await world.hears(cast.RAVI, "You may not confirm this")
    assert not world.deletes
    await world.slack.click(cast.BEN, card, "approve")
    await world.reads(DONE)

    assert len(world.deletes) == 1


async def test_revoke__where_nobody_else_can_see_it_is_refused(start_world: StartWorld) -> None:
    world = await start_world(APPROVALS_CHANNEL="")

    await world.types(cast.RAVI, "revoke @tom", world.slack.workspace.dm(cast.RAVI).id)

    await world.hears(cast.RAVI, "Somebody else must confirm this")
    assert await world.trail() == ["request:ask_refused"]


@both_ways
async def test_self_approval__off_needs_another_approver(start_world: StartWorld) -> None:
    world = await start_world(SELF_APPROVAL="false")

    card = await world.card(cast.OLIVIA, "revoke @tom")
    assert card.channel_id == cast.APPROVALS
    await world.slack.click(cast.OLIVIA, card, "approve")
    await world.hears(cast.OLIVIA, "somebody else must confirm it")
    await world.idle()
    assert not world.deletes
    assert world.slack.buttons(card)
    await world.slack.click(cast.BEN, card, "approve")
    await world.reads(DONE)

    assert len(world.deletes) == 1


@both_ways
async def test_protected__takes_two_approvers_other_than_the_requester(start_world: StartWorld) -> None:
    world = await start_world(APPROVERS=f"{cast.OLIVIA},{cast.BEN},{cast.NADIA}")
    world.slack.channels[cast.APPROVALS].members.append(cast.NADIA)

    card = await world.card(cast.OLIVIA, "revoke @pia left her desk unlocked")
    assert "2 different approvers must confirm" in world.slack.text_of(card)
    await world.slack.click(cast.OLIVIA, card, "approve")
    await world.hears(cast.OLIVIA, "two other approvers must confirm")
    await world.slack.click(cast.BEN, card, "approve")
    await world.reads(f"Approved so far: <@{cast.BEN}> (1 of 2)")
    await world.slack.click(cast.BEN, card, "approve")
    await world.hears(cast.BEN, "the same person counts once")
    await world.idle()
    assert not world.deletes
    await world.slack.click(cast.NADIA, card, "approve")
    await world.reads("Revoked: every session of Pia Protected")

    await world.idle()
    assert f"confirmed by <@{cast.BEN}>, <@{cast.NADIA}>" in world.slack.text_of(card)
    assert len(world.deletes) == 1


@pytest.mark.parametrize("named", ["pia.protected@example.com", "6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e10"])
async def test_protected__however_the_target_is_named(world: World, named: str) -> None:
    card = await world.card(cast.OLIVIA, f"revoke {named}")

    assert card.channel_id == cast.APPROVALS
    assert "2 different approvers must confirm" in world.slack.text_of(card)
    assert not world.deletes


@both_ways
@pytest.mark.parametrize("who", [pytest.param(cast.RAVI, id="requester"), pytest.param(cast.BEN, id="approver")])
async def test_cancel__by_requester_or_approver_ends_it(start_world: StartWorld, who: str) -> None:
    world = await start_world(APPROVALS_CHANNEL=cast.OPS)
    card = await world.card(cast.RAVI, "revoke @tom")

    await world.slack.click(who, card, "cancel")
    await world.reads("Cancelled: every session of Tom Target")
    await world.slack.click(cast.BEN, card, "approve", force=True)
    await world.hears(cast.BEN, "the request was cancelled already")

    await world.idle()
    assert f"cancelled by <@{who}>" in world.slack.text_of(card)
    assert not world.slack.buttons(card)
    assert [("Cancelled" in told) for told in await all_of(world, cast.AUDIT)] == [True]
    assert not world.deletes


async def test_cancel__by_anybody_else_changes_nothing(start_world: StartWorld) -> None:
    world = await start_world(APPROVALS_CHANNEL=cast.OPS)
    card = await world.card(cast.RAVI, "revoke @tom")

    await world.slack.click(cast.NADIA, card, "cancel")

    await world.hears(cast.NADIA, f"Only <@{cast.RAVI}>")
    await world.idle()
    assert len(world.slack.buttons(card)) == 2
    assert await world.trail() == ["request:asked", "click:refused"]


@both_ways
async def test_expiry__repaints_the_card_and_tells(start_world: StartWorld) -> None:
    world = await start_world(REQUEST_TTL="1s")

    card = await world.card(cast.RAVI, "revoke @tom")
    await world.hears(cast.RAVI, "Expired: every session of Tom Target")
    await world.idle()
    assert "Ask again with" in world.slack.text_of(card)
    assert not world.slack.buttons(card)
    await world.slack.click(cast.BEN, card, "approve", force=True)
    await world.hears(cast.BEN, "the request had expired")

    assert len(await all_of(world, cast.AUDIT)) == 1
    assert await world.trail() == ["request:asked", "request:expired", "click:stale"]
    assert not world.deletes


@both_ways
async def test_rotate__gives_the_bot_another_token(world: World) -> None:
    await world.types(cast.OLIVIA, "whoami")
    await world.hears(cast.OLIVIA, "The bot's token")
    before = world.genesys.state.live_generations

    card = await world.card(cast.OLIVIA, "rotate")
    assert world.genesys.state.live_generations == before
    await world.slack.click(cast.OLIVIA, card, "approve")
    await world.reads("Exchanged: the bot's own token")
    await world.types(cast.OLIVIA, "whoami")
    await world.hears(cast.OLIVIA, "Acme Contact Center")
    await world.idle()

    assert (before, world.genesys.state.live_generations) == ([1], [2])
    assert [entry.generation for entry in world.genesys.received("delete_tokens_me")] == [1]
    assert not world.deletes


@pytest.mark.parametrize("who", [cast.BEN, cast.RAVI, cast.NADIA, cast.GUS])
async def test_rotate__is_for_admins(world: World, who: str) -> None:
    await world.types(who, "rotate")

    await world.hears(who, "Nothing was changed.")
    await world.idle()
    assert await world.trail() == ["request:ask_refused"]
    assert not world.genesys.received("delete_tokens_me")


async def test_rotate__is_confirmed_by_admins_alone(start_world: StartWorld) -> None:
    world = await start_world(SELF_APPROVAL="false")
    card = await world.card(cast.OLIVIA, "rotate")

    for who, words in ((cast.BEN, "Only admins"), (cast.OLIVIA, "somebody else must confirm")):
        await world.slack.click(who, card, "approve")
        await world.hears(who, words)

    assert not world.genesys.received("delete_tokens_me")


@both_ways
@pytest.mark.parametrize(
    ("fault", "headline", "sentence"),
    [
        pytest.param(
            Fault(status=404), "Refused by Genesys Cloud", "knows no such person any more (404)", id="refused"
        ),
        pytest.param(
            Fault(status=429, headers={"Retry-After": "3600"}), "Failed", "Treat the sessions as alive", id="failed"
        ),
        pytest.param(Fault(drop="after", times=6), "Unknown", "it was tried 2 times", id="unknown"),
    ],
)
async def test_outcome__other_than_revoked_is_told_to_everybody_who_must_know(
    world: World, fault: Fault, headline: str, sentence: str
) -> None:
    card = await world.card(cast.RAVI, "revoke @tom")
    world.genesys.fault("delete_token", fault)

    await world.slack.click(cast.BEN, card, "approve")
    outcome = await world.hears(cast.RAVI, f"{headline}: every session of Tom Target")
    await world.idle()

    audited = await all_of(world, cast.AUDIT)
    assert len(audited) == 1
    for told in (world.slack.text_of(card), world.slack.text_of(outcome), audited[0]):
        assert sentence in told
        assert "Revoked" not in told
    assert not world.slack.buttons(card)


async def test_revoke__of_oneself_says_so(world: World) -> None:
    card = await world.card(cast.OLIVIA, "revoke @olivia")

    assert "This is the account of the person who asks" in world.slack.text_of(card)
    assert not world.deletes


@both_ways
@pytest.mark.parametrize(
    "crowd",
    [
        pytest.param([cast.OLIVIA, cast.BEN, cast.NADIA, cast.TOM, cast.UNA], id="different approvers"),
        pytest.param([cast.BEN], id="the same approver"),
    ],
)
async def test_revoke__fifty_clicks_at_once_are_one_delete(start_world: StartWorld, crowd: list[str]) -> None:
    world = await start_world(APPROVERS=",".join(crowd), APPROVALS_CHANNEL=cast.OPS)
    card = await world.card(cast.RAVI, "revoke @tom")

    clicks = [world.slack.click(crowd[number % len(crowd)], card, "approve", force=True) for number in range(50)]
    deliveries = await asyncio.gather(*clicks)
    await world.reads(DONE)
    await world.idle()

    assert {delivery.status for delivery in deliveries} == {200}
    assert len(world.deletes) == 1
    trail = await world.trail()
    assert trail.count("request:approved") == trail.count("token:revoked") == 1
    assert trail.count("click:stale") == 49
    answers = [one for one in world.slack.messages if one.only_for in crowd and "changed nothing" in one.text]
    assert len(answers) == 49
