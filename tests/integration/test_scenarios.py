"""Whole scenarios: who may request and approve, who is notified, and every outcome."""

from __future__ import annotations

import asyncio

import pytest

from bot.sandbox import personas
from bot.sandbox.genesys.server import GenesysFault
from tests.conftest import StartApp
from tests.support.app_harness import AppHarness

QUESTION = "Revoke all sessions of Tom Target?"
DONE = "Revoked: all sessions of Tom Target"

both_transports = pytest.mark.parametrize("transport", ["http", "socket"])
"""Runs a test over HTTP and over Socket Mode. The transports share all code that these scenarios cover."""


async def texts_in(app: AppHarness, channel_id: str) -> list[str]:
    """Return the texts of a channel's messages once the job queue is empty."""
    await app.wait_until_idle()
    return [app.slack.text_of(message) for message in app.slack.messages if message.channel_id == channel_id]


@pytest.mark.parametrize(
    ("user", "allowed", "denied"),
    [
        pytest.param(personas.OLIVIA, ["/purecloud revoke", "rotate", "You can approve requests"], [], id="admin"),
        pytest.param(personas.BEN, ["/purecloud revoke", "You can approve requests"], ["rotate"], id="approver"),
        pytest.param(
            personas.RAVI, ["/purecloud revoke", "You can request; an approver decides."], ["rotate"], id="requester"
        ),
        pytest.param(
            personas.NADIA, ["whoami", "can't request or approve"], ["/purecloud revoke", "rotate"], id="colleague"
        ),
        pytest.param(personas.GUS, ["whoami", "Guests can't"], ["/purecloud revoke", "rotate"], id="guest"),
    ],
)
async def test_help__lists_what_the_user_can_do(
    app: AppHarness, user: str, allowed: list[str], denied: list[str]
) -> None:
    for line in ("", "help"):
        await app.send_command(user, line)
    text = app.slack.text_of(await app.wait_for_private_message(user, "What you can do"))

    assert all(words in text for words in allowed)
    assert not any(f"/purecloud {words}" in text for words in denied)
    assert not app.deletes


@both_transports
async def test_help__suggests_the_nearest_command(app: AppHarness) -> None:
    await app.send_command(personas.OLIVIA, "revok @tom")

    await app.wait_for_private_message(personas.OLIVIA, "Did you mean `/purecloud revoke`?")
    assert await app.audit_tags() == []


async def test_help__suggests_only_what_the_user_may_use(app: AppHarness) -> None:
    for line in ("rovoke @tom", "rotat", "@tom stolen"):
        await app.send_command(personas.NADIA, line)
        text = app.slack.text_of(
            await app.wait_for_private_message(personas.NADIA, f"I don't know `{line.split()[0]}`")
        )
        assert "Did you mean" not in text


@pytest.mark.parametrize(
    "line", ["revoke", "revoke garbage", "revoke a@b@example.com", "revoke @tom @pia", "kick", "revoke " + "x" * 2000]
)
async def test_revoke__checks_the_role_before_the_line(app: AppHarness, line: str) -> None:
    await app.send_command(personas.NADIA, line)

    await app.wait_for_private_message(personas.NADIA, "You can't request this.")
    assert not app.genesys.received("search_by_email")


async def test_revoke__of_me_is_a_request_for_the_own_account(app: AppHarness) -> None:
    card = app.slack.text_of(await app.request_card(personas.OLIVIA, "log me out"))

    assert f"<@{personas.OLIVIA}> requests this for their own account" in card


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("revoke access for @tom: phished, see https://medium.com/@evil/post", "phished, see https://medium.com/@evil/post"),
        ("terminate Tom Target <tom.target@example.com> laptop WS0012345678 stolen @home",
         "laptop WS0012345678 stolen @home"),
        ("revoke \u2060`tom.target\uff20example.com` conversation 3fa85f64-5717-4562-b3fc-2c963f66afa6",
         "conversation 3fa85f64-5717-4562-b3fc-2c963f66afa6"),
        ("revoke https://apps.mypurecloud.com/directory/#/person/6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09 gone", "gone"),
        ("revoke mailto:tom.target%40example.com?subject=x gone", "gone"),
    ],
)  # fmt: skip
async def test_revoke__reads_what_people_type(app: AppHarness, line: str, reason: str) -> None:
    card = app.slack.text_of(await app.request_card(personas.OLIVIA, line))

    assert QUESTION in card
    assert reason in card


@pytest.mark.parametrize("word", ["<mailto:tom|tom>", "mailto:tom", "a@b@example.com", "tom@localhost"])
async def test_revoke__of_what_is_no_address_is_explained(app: AppHarness, word: str) -> None:
    await app.send_command(personas.OLIVIA, f"revoke {word}")

    await app.wait_for_private_message(personas.OLIVIA, "is not an email address")
    assert await app.audit_tags() == ["request:ask_refused"]


NAMED, MEMBER = "you are named", f"as a member of <!subteam^{personas.TOKEN_APPROVERS}>"


@pytest.mark.parametrize(
    ("user", "requests", "approves", "rotates"),
    [
        pytest.param(personas.OLIVIA, NAMED, MEMBER, NAMED, id="admin"),
        pytest.param(personas.BEN, NAMED, MEMBER, None, id="approver"),
        pytest.param(personas.RAVI, NAMED, None, None, id="requester"),
        pytest.param(personas.NADIA, None, None, None, id="colleague"),
    ],
)
async def test_whoami__shows_the_users_permissions_and_their_rules(
    app: AppHarness, user: str, requests: str | None, approves: str | None, rotates: str | None
) -> None:
    await app.send_command(user, "whoami")
    text = app.slack.text_of(await app.wait_for_private_message(user, "The bot's token"))

    assert f"In Slack and in Genesys Cloud, as {app.slack.members[user].email} (" in text
    for what, rule in (
        ("Request a revocation", requests),
        ("Approve a revocation", approves),
        ("Rotate the bot", rotates),
    ):
        line = next(line for line in text.split("\n") if what in line)
        assert line.endswith(f"yes, {rule}" if rule else ": no")
    assert "Acme Contact Center" in text
    assert app.slack.bot_token not in text
    assert len(app.genesys.received("get_tokens_me")) == 1


@both_transports
async def test_whoami__hides_the_token_from_a_guest(app: AppHarness) -> None:
    await app.send_command(personas.GUS, "whoami")

    text = app.slack.text_of(await app.wait_for_private_message(personas.GUS, "is shown to full members"))
    assert "Acme Contact Center" not in text
    assert not app.genesys.received("get_tokens_me")


@both_transports
async def test_revoke__approved_by_its_requester_posts_in_the_audit_channel(app: AppHarness) -> None:
    card = await app.request_card(personas.OLIVIA, "revoke @tom laptop stolen")

    assert card.channel_id == app.slack.workspace.dm(personas.OLIVIA).id
    text = app.slack.text_of(card)
    for words in (QUESTION, "tom.target@example.com", "Support", "active", "laptop stolen", "can't be undone"):
        assert words in text
    await app.slack.click(personas.OLIVIA, card, "approve")
    await app.wait_for_message(DONE)

    assert [DONE in text for text in await texts_in(app, personas.AUDIT)] == [True]
    assert not await texts_in(app, personas.APPROVALS)
    assert not app.slack.buttons(card)
    assert len(app.deletes) == 1


@both_transports
async def test_revoke__approved_by_another_person_in_the_approvals_channel(app: AppHarness) -> None:
    card = await app.request_card(personas.RAVI, "revoke @tom laptop stolen")

    assert card.channel_id == personas.APPROVALS
    await app.wait_for_private_message(personas.RAVI, f"Sent to <#{personas.APPROVALS}>: open the card.")
    await app.slack.click(personas.BEN, card, "approve")
    outcome = app.slack.text_of(await app.wait_for_private_message(personas.RAVI, DONE))
    await app.wait_until_idle()

    for text in (app.slack.text_of(card), outcome):
        assert f"Requested by <@{personas.RAVI}>" in text
        assert f"approved by <@{personas.BEN}>" in text
    assert not app.slack.buttons(card)
    assert len(app.deletes) == 1


async def test_revoke__without_an_approvals_channel_is_approved_in_the_same_channel(start_app_with: StartApp) -> None:
    app = await start_app_with(APPROVALS_CHANNEL="")

    card = await app.request_card(personas.RAVI, "revoke @tom", personas.OPS)
    assert card.channel_id == personas.OPS
    await app.slack.click(personas.RAVI, card, "approve")
    await app.wait_for_private_message(personas.RAVI, "You can't approve this request")
    assert not app.deletes
    await app.slack.click(personas.BEN, card, "approve")
    await app.wait_for_message(DONE)

    assert len(app.deletes) == 1


async def test_revoke__where_no_approver_can_see_the_card_is_refused(start_app_with: StartApp) -> None:
    app = await start_app_with(APPROVALS_CHANNEL="")

    await app.send_command(personas.RAVI, "revoke @tom", app.slack.workspace.dm(personas.RAVI).id)

    await app.wait_for_private_message(personas.RAVI, "This needs an approver")
    assert await app.audit_tags() == ["request:ask_refused"]


@both_transports
async def test_self_approval__off_needs_another_approver(start_app_with: StartApp) -> None:
    app = await start_app_with(SELF_APPROVAL="false")

    card = await app.request_card(personas.OLIVIA, "revoke @tom")
    assert card.channel_id == personas.APPROVALS
    await app.slack.click(personas.OLIVIA, card, "approve")
    await app.wait_for_private_message(personas.OLIVIA, "a different approver must decide")
    await app.wait_until_idle()
    assert not app.deletes
    assert app.slack.buttons(card)
    await app.slack.click(personas.BEN, card, "approve")
    await app.wait_for_message(DONE)

    assert len(app.deletes) == 1


@both_transports
async def test_protected__needs_two_approvers_other_than_the_requester(start_app_with: StartApp) -> None:
    app = await start_app_with(APPROVERS=f"{personas.OLIVIA},{personas.BEN},{personas.NADIA}")
    app.slack.channels[personas.APPROVALS].members.append(personas.NADIA)

    card = await app.request_card(personas.OLIVIA, "revoke @pia left her desk unlocked")
    assert "0 of 2 approvals. Still needed: two other approvers" in app.slack.text_of(card)
    await app.slack.click(personas.OLIVIA, card, "approve")
    await app.wait_for_private_message(personas.OLIVIA, "It needs the approval of two other approvers")
    await app.slack.click(personas.BEN, card, "approve")
    await app.wait_for_message(f"1 of 2 approvals (<@{personas.BEN}>)")
    await app.slack.click(personas.BEN, card, "approve")
    await app.wait_for_private_message(personas.BEN, "You have already approved this request")
    await app.wait_until_idle()
    assert not app.deletes
    await app.slack.click(personas.NADIA, card, "approve")
    await app.wait_for_message("Revoked: all sessions of Pia Protected")

    await app.wait_until_idle()
    assert f"approved by <@{personas.BEN}>, <@{personas.NADIA}>" in app.slack.text_of(card)
    assert len(app.deletes) == 1


@pytest.mark.parametrize("target", ["pia.protected@example.com", "6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e10"])
async def test_protected__applies_to_an_address_and_an_id(app: AppHarness, target: str) -> None:
    card = await app.request_card(personas.RAVI, f"revoke {target}")

    assert card.channel_id == personas.APPROVALS
    assert "0 of 2 approvals. Still needed: two other approvers" in app.slack.text_of(card)
    assert not app.deletes


@both_transports
async def test_cancel__by_the_requester_closes_the_request(start_app_with: StartApp) -> None:
    app = await start_app_with(APPROVALS_CHANNEL=personas.OPS)
    card = await app.request_card(personas.RAVI, "revoke @tom")

    await app.slack.click(personas.RAVI, card, "cancel")
    await app.wait_for_message("Cancelled: sessions of Tom Target not touched")
    await app.slack.click(personas.BEN, card, "approve", force=True)
    await app.wait_for_private_message(personas.BEN, "this request is already cancelled")

    await app.wait_until_idle()
    assert f"cancelled by <@{personas.RAVI}>" in app.slack.text_of(card)
    assert not app.slack.buttons(card)
    assert ["Cancelled" in text for text in await texts_in(app, personas.AUDIT)] == [True]
    assert not app.deletes


async def test_cancel__by_another_person_changes_nothing(start_app_with: StartApp) -> None:
    app = await start_app_with(APPROVALS_CHANNEL=personas.OPS)
    card = await app.request_card(personas.RAVI, "revoke @tom")

    await app.slack.click(personas.NADIA, card, "cancel")

    await app.wait_for_private_message(personas.NADIA, f"Only <@{personas.RAVI}>")
    await app.wait_until_idle()
    assert len(app.slack.buttons(card)) == 3
    assert await app.audit_tags() == ["request:asked", "click:refused"]


@both_transports
async def test_expiry__updates_the_card_and_notifies(start_app_with: StartApp) -> None:
    app = await start_app_with(REQUEST_TTL="1s")

    card = await app.request_card(personas.RAVI, "revoke @tom")
    await app.wait_for_private_message(personas.RAVI, "Expired: sessions of Tom Target not touched")
    await app.wait_until_idle()
    assert "Request it again if it is still needed: /purecloud revoke tom.target@example.com" in app.slack.text_of(card)
    assert not app.slack.buttons(card)
    await app.slack.click(personas.BEN, card, "approve", force=True)
    await app.wait_for_private_message(personas.BEN, "this request has expired")

    assert len(await texts_in(app, personas.AUDIT)) == 1
    assert await app.audit_tags() == ["request:asked", "request:expired", "click:stale"]
    assert not app.deletes


@both_transports
async def test_rotate__replaces_the_bots_token(app: AppHarness) -> None:
    await app.send_command(personas.OLIVIA, "whoami")
    await app.wait_for_private_message(personas.OLIVIA, "The bot's token")
    before = app.genesys.state.live_generations

    card = await app.request_card(personas.OLIVIA, "rotate")
    assert app.genesys.state.live_generations == before
    await app.slack.click(personas.OLIVIA, card, "approve")
    await app.wait_for_message("Rotated: the bot's own token")
    await app.send_command(personas.OLIVIA, "whoami")
    await app.wait_for_private_message(personas.OLIVIA, "Acme Contact Center")
    await app.wait_until_idle()

    assert (before, app.genesys.state.live_generations) == ([1], [2])
    assert [entry.generation for entry in app.genesys.received("delete_tokens_me")] == [1]
    assert not app.deletes


@pytest.mark.parametrize("user", [personas.BEN, personas.RAVI, personas.NADIA, personas.GUS])
async def test_rotate__is_refused_without_the_admin_role(app: AppHarness, user: str) -> None:
    await app.send_command(user, "rotate")

    await app.wait_for_private_message(user, "Nothing was changed.")
    await app.wait_until_idle()
    assert await app.audit_tags() == ["request:ask_refused"]
    assert not app.genesys.received("delete_tokens_me")


async def test_rotate__is_approved_by_admins_only(start_app_with: StartApp) -> None:
    app = await start_app_with(SELF_APPROVAL="false", ADMINS=f"{personas.OLIVIA},{personas.NADIA}")
    card = await app.request_card(personas.OLIVIA, "rotate")

    for user, words in ((personas.BEN, "Only admins"), (personas.OLIVIA, "a different approver must decide")):
        await app.slack.click(user, card, "approve")
        await app.wait_for_private_message(user, words)

    assert not app.genesys.received("delete_tokens_me")


@both_transports
@pytest.mark.parametrize(
    ("fault", "headline", "sentence"),
    [
        pytest.param(
            GenesysFault(status=404),
            "Refused by Genesys Cloud: sessions of Tom Target not ended",
            "no longer has this user (404)",
            id="refused",
        ),
        pytest.param(
            GenesysFault(status=429, headers={"Retry-After": "3600"}),
            "Failed: sessions of Tom Target not ended",
            "Nothing was changed. Genesys Cloud takes no more requests for now (429). I asked once.",
            id="failed",
        ),
        pytest.param(
            GenesysFault(drop="after", times=6),
            "Unknown: Tom Target may still be logged in",
            "I asked Genesys Cloud 6 times",
            id="unknown",
        ),
    ],
)
async def test_outcome__other_than_revoked_reaches_the_requester_and_the_audit_channel(
    app: AppHarness, fault: GenesysFault, headline: str, sentence: str
) -> None:
    card = await app.request_card(personas.RAVI, "revoke @tom")
    app.genesys.fault("delete_token", fault)

    await app.slack.click(personas.BEN, card, "approve")
    outcome = await app.wait_for_private_message(personas.RAVI, headline)
    await app.wait_until_idle()

    audited = await texts_in(app, personas.AUDIT)
    assert len(audited) == 1
    for text in (app.slack.text_of(card), app.slack.text_of(outcome), audited[0]):
        assert sentence in text
        assert "Revoked" not in text
    assert not app.slack.buttons(card)


async def test_revoke__of_the_requester_is_marked_on_the_card(app: AppHarness) -> None:
    card = await app.request_card(personas.OLIVIA, "revoke @olivia")

    assert "requests this for their own account" in app.slack.text_of(card)
    assert not app.deletes


@both_transports
@pytest.mark.parametrize(
    "approvers",
    [
        pytest.param(
            [personas.OLIVIA, personas.BEN, personas.NADIA, personas.RAVI, personas.UNA], id="different approvers"
        ),
        pytest.param([personas.BEN], id="the same approver"),
    ],
)
async def test_revoke__fifty_concurrent_clicks_send_one_delete(start_app_with: StartApp, approvers: list[str]) -> None:
    app = await start_app_with(APPROVERS=",".join(approvers), APPROVALS_CHANNEL=personas.OPS)
    card = await app.request_card(personas.RAVI, "revoke @tom")

    clicks = [app.slack.click(approvers[number % len(approvers)], card, "approve", force=True) for number in range(50)]
    deliveries = await asyncio.gather(*clicks)
    await app.wait_for_message(DONE)
    await app.wait_until_idle()

    assert {delivery.status for delivery in deliveries} == {200}
    assert len(app.deletes) == 1
    tags = await app.audit_tags()
    assert tags.count("request:approved") == tags.count("token:revoked") == 1
    assert tags.count("click:stale") == 49
    replies = [one for one in app.slack.messages if one.only_for in approvers and "changed nothing" in one.text]
    assert len(replies) == 49
