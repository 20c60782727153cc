"""Break glass: one person revokes alone, announced before the DELETE, and at most once in ten minutes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.sandbox import personas
from bot.sandbox.genesys.server import GenesysFault
from bot.sandbox.slack.faults import SlackFault
from bot.sandbox.slack.messages import PostedMessage
from tests.conftest import StartApp
from tests.support.app_harness import MESSAGE_TIMEOUT, AppHarness
from tests.support.replicas import Replicas, start_replicas
from tests.support.schema import put_database

LINE = "break-glass @tom laptop stolen"
ANNOUNCED = "Break glass: revocation of all sessions of Tom Target"
DONE = "Break glass, revoked: all sessions of Tom Target"
CHANNELS = (personas.APPROVALS, personas.AUDIT)


def announced_in(app: AppHarness | Replicas, title: str = ANNOUNCED) -> list[str]:
    """Return the channels that have an announcement, once for each message."""
    return sorted(one.channel_id for one in app.slack.messages if title in app.slack.text_of(one))


async def wait_for_delete(app: AppHarness, count: int = 1) -> None:
    """Wait until Genesys Cloud has received a number of DELETEs."""
    async with asyncio.timeout(MESSAGE_TIMEOUT):
        while len(app.deletes) < count:  # noqa: ASYNC110 - the fake sends no event
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("line", [LINE, "breakglass @tom laptop stolen", "Break Glass @tom: laptop stolen"])
async def test_break_glass__is_confirmed_by_its_requester_alone(app: AppHarness, line: str) -> None:
    card = await app.request_card(personas.SAM, line)
    assert card.channel_id == app.slack.workspace.dm(personas.SAM).id
    assert "Break glass: revoke all sessions of Tom Target?" in app.slack.text_of(card)
    assert announced_in(app) == []
    assert app.deletes == []

    held = asyncio.Event()
    app.genesys.fault("delete_token", GenesysFault(until=held))
    await app.slack.click(personas.SAM, card, "approve")
    await wait_for_delete(app)
    assert announced_in(app) == sorted(CHANNELS)
    held.set()

    await app.wait_until_idle()
    assert len(app.deletes) == 1
    assert announced_in(app, DONE) == sorted([*CHANNELS, card.channel_id])
    announcement = await app.wait_for_message(ANNOUNCED)
    assert f"<@{personas.SAM}> has approved this alone" in app.slack.text_of(announcement)
    assert "laptop stolen" in app.slack.text_of(announcement)
    tags = ["request:break_glass_requested", "request:break_glass_approved", "token:revoked"]
    assert await app.audit_tags() == tags


async def test_break_glass__ends_messages_in_the_audit_channel_with_a_checkpoint(app: AppHarness) -> None:
    card = await app.request_card(personas.SAM, LINE)
    await app.slack.click(personas.SAM, card, "approve")
    await app.wait_until_idle()

    audit = [one for one in app.slack.messages if one.channel_id == personas.AUDIT]
    assert len(audit) == 2
    assert all("audit " in app.slack.text_of(one).splitlines()[-1] for one in audit)


@pytest.mark.parametrize(
    ("who", "reply"),
    [
        pytest.param(personas.RAVI, "You can't revoke alone under break glass.", id="requester"),
        pytest.param(personas.OLIVIA, "You can't revoke alone under break glass.", id="admin"),
        pytest.param(personas.GUS, "Guests can't use this bot", id="guest"),
    ],
)
async def test_break_glass__needs_the_right(app: AppHarness, who: str, reply: str) -> None:
    await app.slack.command(who, LINE, personas.OPS, force=True)

    await app.wait_for_private_message(who, reply)
    await app.wait_until_idle()
    assert await app.audit_tags() == ["request:ask_refused"]
    assert announced_in(app) == []
    assert app.deletes == []


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("break-glass @tom", "Break glass needs a reason"),
        ("break-glass @tom  -", "Break glass needs a reason"),
        ("break-glass", "Who is it about?"),
        ("break-glass me laptop stolen", "You can't break glass on your own account."),
        ("break-glass sam.sentry@example.com laptop stolen", "You can't break glass on your own account."),
        ("break-glass @tom @pia laptop stolen", "That names 2 people"),
    ],
)
async def test_break_glass__denies_what_it_cannot_do(app: AppHarness, line: str, reply: str) -> None:
    await app.send_command(personas.SAM, line)

    text = app.slack.text_of(await app.wait_for_private_message(personas.SAM, reply))
    assert "*Nothing was changed.*" in text
    await app.wait_until_idle()
    assert await app.audit_tags() == ["request:ask_refused"]
    assert app.deletes == []


async def test_break_glass__without_a_reason_gets_an_example(app: AppHarness) -> None:
    await app.send_command(personas.SAM, "break-glass @tom")

    await app.wait_for_private_message(personas.SAM, "`/purecloud break-glass @tom laptop stolen")


async def test_break_glass__includes_protected_people_and_does_not_wait_for_others(start_app_with: StartApp) -> None:
    app = await start_app_with(SELF_APPROVAL="false", APPROVALS_REQUIRED="3", PROTECTED_APPROVALS="3")
    card = await app.request_card(personas.SAM, "break-glass @pia account taken over")
    assert "break glass does not wait for approvers" in app.slack.text_of(card)

    await app.slack.click(personas.SAM, card, "approve")
    await app.wait_until_idle()
    assert len(app.deletes) == 1
    announced = await app.wait_for_message("Break glass: revocation of all sessions of Pia Protected")
    assert "although this person is" in app.slack.text_of(announced)


@pytest.mark.parametrize("action", ["approve", "cancel"])
@pytest.mark.parametrize(
    ("who", "reply"),
    [
        (personas.OLIVIA, "You can't revoke alone under break glass."),
        (personas.BEN, f"Only <@{personas.SAM}> can approve or cancel this"),
    ],
)
async def test_break_glass__by_someone_else_is_refused(
    start_app_with: StartApp, action: str, who: str, reply: str
) -> None:
    app = await start_app_with(BREAK_GLASS=f"{personas.SAM},{personas.BEN}")
    card = await app.request_card(personas.SAM, LINE)
    await app.slack.click(who, card, action, force=True)

    if action == "cancel":
        reply = f"Only <@{personas.SAM}> can approve or cancel this"
    text = app.slack.text_of(await app.wait_for_private_message(who, reply))
    assert "*Nothing was changed.*" in text
    await app.wait_until_idle()
    assert await app.audit_tags() == ["request:break_glass_requested", "click:refused"]
    assert announced_in(app) == []
    assert app.deletes == []


async def test_break_glass__can_be_cancelled_by_its_requester(app: AppHarness) -> None:
    card = await app.request_card(personas.SAM, LINE)
    await app.slack.click(personas.SAM, card, "cancel")

    await app.wait_for_message("Break glass, cancelled: sessions of Tom Target not touched")
    await app.wait_until_idle()
    assert announced_in(app) == []
    assert app.deletes == []


async def test_break_glass__twice_in_ten_minutes_is_refused_and_says_when_it_is_possible(app: AppHarness) -> None:
    first = await app.request_card(personas.SAM, LINE)
    second = await app.request_card(personas.SAM, "break-glass @pia account taken over")
    await app.slack.click(personas.SAM, first, "approve")
    await app.wait_until_idle()

    await app.slack.click(personas.SAM, second, "approve")
    refused = await app.wait_for_private_message(personas.SAM, "You can break glass once in 10 minutes")
    assert "and again from <!date^" in app.slack.text_of(refused)
    await app.send_command(personas.SAM, "break-glass @una account taken over")
    await app.wait_until_idle()

    assert len(app.deletes) == 1
    tags = await app.audit_tags()
    assert tags.count("request:break_glass_approved") == 1
    assert (tags.count("click:refused"), tags.count("request:ask_refused")) == (1, 1)


async def test_break_glass__is_possible_again_at_once_if_genesys_cloud_refused(app: AppHarness) -> None:
    app.genesys.fault("delete_token", GenesysFault(status=403))
    first = await app.request_card(personas.SAM, LINE)
    await app.slack.click(personas.SAM, first, "approve")
    await app.wait_for_message("Break glass, refused by Genesys Cloud")
    await app.wait_until_idle()

    second = await app.request_card(personas.SAM, LINE)
    await app.slack.click(personas.SAM, second, "approve")
    await app.wait_for_message(DONE)
    await app.wait_until_idle()


async def test_break_glass__does_not_wait_for_an_open_request(app: AppHarness) -> None:
    await app.request_card(personas.RAVI, "revoke @tom")
    card = await app.request_card(personas.SAM, LINE)
    await app.slack.click(personas.SAM, card, "approve")
    await app.wait_for_message(DONE)
    await app.wait_until_idle()
    assert len(app.deletes) == 1


SLACK_FAULTS = {
    "refuses": SlackFault(error="channel_not_found", times=None),
    "is down": SlackFault(drop=True, times=None),
    "limits": SlackFault(retry_after=30, times=None),
    "hangs": SlackFault(delay=20, times=None),
}


@pytest.mark.parametrize("fault", SLACK_FAULTS.values(), ids=SLACK_FAULTS)
async def test_break_glass__deletes_within_seconds_although_slack(app: AppHarness, fault: SlackFault) -> None:
    card = await app.request_card(personas.SAM, LINE)
    await app.wait_until_idle()
    app.slack.fault("chat.postMessage", fault)
    await app.slack.click(personas.SAM, card, "approve")

    await wait_for_delete(app)
    assert announced_in(app) == []
    assert (await app.server.services.store.jobs.depth())["announcement"] == len(CHANNELS)


async def test_break_glass__is_announced_once_slack_works_again(app: AppHarness) -> None:
    card = await app.request_card(personas.SAM, LINE)
    await app.wait_until_idle()
    app.slack.fault("chat.postMessage", SlackFault(drop=True, times=None))
    await app.slack.click(personas.SAM, card, "approve")
    await wait_for_delete(app)

    app.slack.clear_faults()
    await app.wait_until_idle()
    assert announced_in(app) == sorted(CHANNELS)
    assert len(app.deletes) == 1


async def test_break_glass__without_channels_deletes_at_once(start_app_with: StartApp) -> None:
    app = await start_app_with(APPROVALS_CHANNEL="", AUDIT_CHANNEL="")
    card = await app.request_card(personas.SAM, LINE)
    await app.slack.click(personas.SAM, card, "approve")
    await app.wait_for_message(DONE)
    assert len(app.deletes) == 1


async def test_break_glass__with_one_channel_for_both_announces_once(start_app_with: StartApp) -> None:
    app = await start_app_with(APPROVALS_CHANNEL=personas.AUDIT)
    card = await app.request_card(personas.SAM, LINE)
    await app.slack.click(personas.SAM, card, "approve")
    await app.wait_until_idle()
    assert announced_in(app) == [personas.AUDIT]
    assert len(app.deletes) == 1


async def test_break_glass__is_shown_to_those_with_the_right_only(app: AppHarness) -> None:
    for who in (personas.SAM, personas.OLIVIA):
        for line in ("help", "whoami", "break-glas @tom", "pending"):
            await app.send_command(who, line)
        await app.slack.open_home(who)
    await app.wait_for_private_message(personas.SAM, "Did you mean `/purecloud break-glass`?")
    await app.wait_for_private_message(personas.SAM, "/purecloud break-glass @tom laptop stolen")
    await app.wait_for_private_message(personas.SAM, "under break glass: yes")
    await app.wait_for_private_message(personas.OLIVIA, "I don't know `break-glas`")
    await app.wait_for_private_message(personas.OLIVIA, "You are Olivia Ortega")
    await app.wait_until_idle()

    assert all(
        "break-glass" not in app.slack.text_of(one) and "break glass" not in app.slack.text_of(one)
        for one in app.slack.messages
        if one.only_for == personas.OLIVIA
    )


async def test_pending__shows_a_break_glass_request_to_its_requester_alone(start_app_with: StartApp) -> None:
    app = await start_app_with(BREAK_GLASS=f"{personas.SAM},{personas.BEN}")
    await app.request_card(personas.SAM, LINE)
    for who in (personas.SAM, personas.BEN):
        await app.send_command(who, "pending")

    await app.wait_for_private_message(personas.SAM, "that you made or may approve")
    await app.wait_for_private_message(personas.BEN, "There is no open request")


@asynccontextmanager
async def two_replicas(folder: Path, each: tuple[Mapping[str, str], ...] = ()) -> AsyncIterator[Replicas]:
    put_database(folder / "bot.db")
    url = f"sqlite:///{folder / 'bot.db'}"
    async with start_replicas(folder, url, url, each=each) as started:
        yield started


async def test_break_glass__at_two_replicas_at_once_is_one_revocation(tmp_path: Path) -> None:
    async with two_replicas(tmp_path) as bot:
        cards: list[PostedMessage] = [
            await bot.request_card(personas.SAM, f"break-glass {who} account taken over") for who in ("@tom", "@pia")
        ]
        await asyncio.gather(*(bot.click(personas.SAM, card, replica) for replica, card in enumerate(cards)))
        await bot.wait_for_message("You can break glass once in 10 minutes")
        await bot.wait_for_message("Break glass, revoked: all sessions of")
        await bot.wait_until_idle()

        assert len(bot.deletes) == 1
        assert (await bot.audit_tags()).count("request:break_glass_approved") == 1


async def test_break_glass__by_two_people_on_one_target_at_once_has_an_outcome_for_each(tmp_path: Path) -> None:
    """Neither waits for the other. Each request sends its own DELETE once, and is announced."""
    async with two_replicas(tmp_path, (BEN_TOO, BEN_TOO)) as bot:
        people = (personas.SAM, personas.BEN)
        asking = [
            bot.slack.command(person, LINE, personas.OPS, to=f"{bot.url(replica)}/slack/events")
            for replica, person in enumerate(people)
        ]
        assert {one.status for one in await asyncio.gather(*asking)} == {200}
        await bot.wait_until_idle()
        cards = [
            next(one for one in bot.slack.messages if one.channel_id == bot.slack.workspace.dm(person).id)
            for person in people
        ]
        clicks = [
            bot.click(person, card, replica) for person, card in zip(people, cards, strict=True) for replica in range(2)
        ]
        assert {one.status for one in await asyncio.gather(*clicks)} == {200}
        await bot.wait_until_idle()

        assert all(DONE in bot.slack.text_of(card) for card in cards)
        assert len(bot.deletes) == len(people)
        assert announced_in(bot) == sorted(CHANNELS * 2)
        tags = await bot.audit_tags()
        assert (tags.count("request:break_glass_approved"), tags.count("click:stale")) == (2, 2)


SAM_ONLY, BEN_TOO = {"BREAK_GLASS": personas.SAM}, {"BREAK_GLASS": f"{personas.SAM},{personas.BEN}"}
NOT_SAM = {"BREAK_GLASS": personas.BEN}


@pytest.mark.parametrize(
    ("before", "after", "reply"),
    [
        pytest.param(SAM_ONLY, NOT_SAM, "You can't revoke alone under break glass.", id="lost"),
        pytest.param(SAM_ONLY, {"BREAK_GLASS": ""}, "You can't revoke alone under break glass.", id="switched off"),
    ],
)
async def test_break_glass__needs_the_right_at_the_click_too(
    tmp_path: Path, before: Mapping[str, str], after: Mapping[str, str], reply: str
) -> None:
    async with two_replicas(tmp_path, (before, after)) as bot:
        card = await bot.request_card(personas.SAM, LINE, 0)
        await bot.click(personas.SAM, card, 1)
        await bot.wait_for_message(reply)
        await bot.wait_until_idle()
        assert bot.deletes == []
        assert announced_in(bot) == []


async def test_break_glass__lost_in_a_user_group_is_refused(start_app_with: StartApp) -> None:
    app = await start_app_with(BREAK_GLASS=personas.TOKEN_APPROVERS)
    card = await app.request_card(personas.BEN, LINE)
    app.slack.workspace.groups[personas.TOKEN_APPROVERS].members.remove(personas.BEN)
    await app.slack.click(personas.BEN, card, "approve")

    await app.wait_for_private_message(personas.BEN, "You can't revoke alone under break glass.")
    await app.wait_until_idle()
    assert app.deletes == []
