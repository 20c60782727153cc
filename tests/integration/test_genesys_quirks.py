"""How the bot handles surprising behaviour of the Genesys Cloud API, seen from Slack."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.sandbox import personas
from bot.sandbox.genesys.responses import token_info
from bot.sandbox.genesys.server import LOGIN_RATE_LIMITED, GenesysFault
from tests.conftest import StartApp
from tests.support.app_harness import MESSAGE_TIMEOUT, TOM_ID, AppHarness

DONE = "Revoked: all sessions of Tom Target"
CORRELATION = {"Genesys-Correlation-Id": "c0ffee00-0000-4000-8000-000000000001"}


async def card_after(app: AppHarness, words: str, *faults: GenesysFault) -> str:
    """Approve a revocation that meets the faults, and return its card once it contains the words."""
    card = await app.request_card(personas.OLIVIA, "revoke @tom")
    for fault in faults:
        app.genesys.fault("delete_token", fault)
    await app.slack.click(personas.OLIVIA, card, "approve")
    await app.wait_for_message(words)
    await app.wait_until_idle()
    return app.slack.text_of(card)


@pytest.mark.parametrize("word", ["timeout", "%6de", "tokens/me", "meme"])
async def test_revoke__refuses_a_word_that_is_no_user_id(app: AppHarness, word: str) -> None:
    await app.send_command(personas.OLIVIA, f"revoke {word}")

    await app.wait_for_private_message(personas.OLIVIA, "I don't know who")
    await app.wait_until_idle()
    assert not app.genesys.requests


async def test_delete__uses_the_id_that_genesys_returned(app: AppHarness) -> None:
    await card_after(app, DONE)

    assert [entry.path for entry in app.deletes] == [f"/api/v2/tokens/{TOM_ID}"]
    assert not app.genesys.received("delete_tokens_me")


async def test_revoke__needs_a_requester_although_the_bot_may_delete_all_tokens(start_app_with: StartApp) -> None:
    app = await start_app_with(REQUESTERS=personas.OLIVIA)

    for who in (personas.NADIA, personas.BEN):
        await app.send_command(who, "revoke @tom")
        await app.wait_for_private_message(who, "You can't request this")

    await app.wait_until_idle()
    assert await app.audit_tags() == ["request:ask_refused"] * 2
    assert not app.genesys.requests


async def test_card__names_a_missing_permission(app: AppHarness) -> None:
    clients = app.genesys.state.clients
    for client in list(clients.values()):
        clients[client.id] = replace(client, permissions=client.permissions - {"oauth:token:delete"})

    card = await card_after(app, "Refused by Genesys Cloud")

    assert "the bot's role lacks the permission oauth:token:delete" in card
    assert "Nothing was changed" in card
    assert len(app.deletes) == 1


async def test_card__warns_that_it_cannot_be_undone_and_that_sso_may_log_in_again(app: AppHarness) -> None:
    card = app.slack.text_of(await app.request_card(personas.OLIVIA, "revoke @tom"))

    for words in (
        "call or chat in progress may drop",
        "can't be undone",
        "single sign-on can log them back in at once",
    ):
        assert words in card
    assert not app.deletes


async def test_whoami__separates_the_person_from_the_bot(app: AppHarness) -> None:
    await app.send_command(personas.BEN, "whoami")
    reply = app.slack.text_of(await app.wait_for_private_message(personas.BEN, "The bot's token"))

    you, _, bot = reply.partition("The bot's token")
    assert "You are Ben Baker" in you
    assert "6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e02" not in reply
    assert "Slack revoke bot" in bot
    assert "Ben Baker" not in bot


async def test_delete__renews_a_revoked_token_once_and_succeeds(app: AppHarness) -> None:
    card = await app.request_card(personas.OLIVIA, "revoke @tom")
    app.genesys.state.revoke_all_tokens()
    app.genesys.fault("get_user", GenesysFault(status=503))  # otherwise the reading before the DELETE meets the 401
    await app.slack.click(personas.OLIVIA, card, "approve")
    await app.wait_for_message(DONE)

    assert [entry.status for entry in app.deletes] == [401, 200]
    assert len(app.genesys.received("login")) == 2


async def test_delete__logs_in_first_if_the_reading_before_it_was_answered_401(app: AppHarness) -> None:
    card = await app.request_card(personas.OLIVIA, "revoke @tom")
    app.genesys.state.revoke_all_tokens()
    await app.slack.click(personas.OLIVIA, card, "approve")
    await app.wait_for_message(DONE)

    assert [entry.status for entry in app.deletes] == [200]
    assert len(app.genesys.received("login")) == 2


async def test_delete__logs_in_only_twice_if_no_token_is_accepted(app: AppHarness) -> None:
    card = await card_after(app, "Failed: sessions of", GenesysFault(status=401, times=None))

    assert "even after a renewal" in card
    assert "Nothing was changed." in card
    assert len(app.genesys.received("login")) == 2
    assert len(app.deletes) == 2


async def test_whoami__reads_the_oauth_client_in_pascal_case(app: AppHarness) -> None:
    await app.send_command(personas.OLIVIA, "whoami")

    reply = app.slack.text_of(await app.wait_for_private_message(personas.OLIVIA, "Slack revoke bot (5e1d0b3c"))
    assert "CLIENT-CREDENTIALS" in reply


async def test_login__waits_after_a_rate_limit_instead_of_reporting_a_wrong_client(
    app: AppHarness,
) -> None:
    app.genesys.fault("login", LOGIN_RATE_LIMITED)

    await app.request_card(personas.OLIVIA, "revoke @tom")

    assert [entry.status for entry in app.genesys.received("login")] == [400, 200]


async def test_revoke__names_a_wrong_client_secret(start_app_with: StartApp) -> None:
    app = await start_app_with(PURECLOUD_SECRET="not-the-secret")

    await app.send_command(personas.OLIVIA, "revoke @tom")

    reply = app.slack.text_of(await app.wait_for_private_message(personas.OLIVIA, "doesn't accept PURECLOUD_SECRET"))
    assert "Nothing was changed" in reply
    assert "not-the-secret" not in reply


async def test_delete__fails_if_retry_after_is_hours(app: AppHarness) -> None:
    card = await card_after(app, "Failed: sessions of", GenesysFault(status=429, headers={"Retry-After": "3600"}))

    assert "takes no more requests for now (429)" in card
    assert len(app.deletes) == 1


async def test_revoke__refuses_an_address_without_a_user(app: AppHarness) -> None:
    await app.send_command(personas.OLIVIA, "revoke unknown@example.com")

    await app.wait_for_private_message(personas.OLIVIA, "Genesys Cloud has no user `unknown@example.com`")
    assert await app.audit_tags() == ["request:ask_refused"]


@pytest.mark.parametrize("named", ["@tom", "tom.target@example.com", str(TOM_ID)])
@pytest.mark.parametrize("state", ["inactive", "hibernating"])
async def test_revoke__ends_the_sessions_of_a_person_who_is_not_active(app: AppHarness, named: str, state: str) -> None:
    app.genesys.users[str(TOM_ID)].state = state

    card = await app.request_card(personas.OLIVIA, f"revoke {named}")
    assert f"{state}; open sessions, if any, end" in app.slack.text_of(card)
    await app.slack.click(personas.OLIVIA, card, "approve")

    await app.wait_for_message("Revoked: all sessions of Tom Target")
    assert len(app.deletes) == 1


async def test_revoke__refuses_a_deleted_person(app: AppHarness) -> None:
    app.genesys.users[str(TOM_ID)].state = "deleted"

    for named in ("@tom", str(TOM_ID)):
        await app.send_command(personas.OLIVIA, f"revoke {named}")
    await app.wait_for_private_message(personas.OLIVIA, f"no user `{TOM_ID}`")
    text = app.slack.text_of(await app.wait_for_private_message(personas.OLIVIA, "no user `tom.target@example.com`"))

    assert "Deleted users can't be found" in text
    assert not any(app.slack.buttons(message) for message in app.slack.messages)


async def test_revoke__ignores_the_case_of_an_address(app: AppHarness) -> None:
    card = await app.request_card(personas.OLIVIA, "revoke Tom.TARGET@Example.com")

    assert "Revoke all sessions of Tom Target?" in app.slack.text_of(card)


@pytest.mark.parametrize("status", [200, 202, 204])
async def test_delete__succeeds_with_an_empty_response(app: AppHarness, status: int) -> None:
    card = await card_after(app, DONE, GenesysFault(status=status, body="", executes=True))

    assert "Genesys Cloud confirmed" in card
    assert len(app.deletes) == 1


async def test_delete__is_unknown_if_the_response_is_a_web_page(app: AppHarness) -> None:
    page = GenesysFault(status=200, body="<html>Please log in to the proxy</html>", times=None)

    card = await card_after(app, "Unknown: Tom Target may still be logged in", page)

    assert "as logged in" in card
    assert "<html>" not in card
    assert app.genesys.users[str(TOM_ID)].sessions == 2


async def test_whoami__does_not_extend_the_idle_timeout_of_the_token(app: AppHarness) -> None:
    next(iter(app.genesys.state.clients.values())).idle_timeout = 1800
    await app.send_command(personas.OLIVIA, "whoami")
    await app.wait_for_private_message(personas.OLIVIA, "expires when idle")
    token = app.genesys.state.live_tokens[0]
    idles_at = token.idles_at

    await app.server.services.purecloud.tokens.get_tokens_me()  # what `whoami` calls once its cache is too old

    assert len(app.genesys.received("get_tokens_me")) == 2
    assert token.idles_at == idles_at
    assert not app.genesys.received("head_tokens_me")


async def test_whoami__shows_a_different_home_organization(app: AppHarness) -> None:
    token = app.genesys.state.issue(next(iter(app.genesys.state.clients.values())))
    body = token_info(app.genesys.state, token) | {"homeOrganization": {"id": "trustee-1", "name": "Trustee Ltd"}}
    app.genesys.fault("get_tokens_me", GenesysFault(status=200, body=body))

    await app.send_command(personas.OLIVIA, "whoami")

    reply = app.slack.text_of(await app.wait_for_private_message(personas.OLIVIA, "(home: Trustee Ltd (trustee-1))"))
    assert "Acme Contact Center" in reply


POLICY = {"domain": "oauth", "entityName": "token", "actionSet": ["delete"]}
CONDITION = {"resourceConditionNode": {"variableName": "division", "operator": "EQ"}}


@pytest.mark.parametrize(
    ("policies", "permissions", "may"),
    [
        pytest.param([POLICY], [], True, id="the policy"),
        pytest.param([POLICY | {"entityName": "*"}], [], True, id="any entity"),
        pytest.param([POLICY | {"actionSet": ["*"]}], [], True, id="any action"),
        pytest.param([POLICY | {"domain": "*", "entityName": "*", "actionSet": ["*"]}], [], True, id="anything"),
        pytest.param([POLICY | {"actionSet": ["view"]}], [], False, id="another action"),
        pytest.param([POLICY | CONDITION], [], False, id="on a condition"),
        pytest.param([POLICY | CONDITION], ["oauth:token:delete"], False, id="on a condition, and listed"),
        pytest.param([], ["oauth:token:delete"], True, id="listed"),
        pytest.param([], ["oauth:token:*"], True, id="listed with a wildcard"),
        pytest.param([], [], False, id="nothing"),
    ],
)
async def test_approver_by_permission__wildcards_count_and_conditional_policies_do_not(
    start_app_with: StartApp, policies: list[dict[str, object]], permissions: list[str], *, may: bool
) -> None:
    app = await start_app_with(APPROVERS="permission:oauth:token:delete")
    ben = next(person for person in app.genesys.users.values() if person.name == "Ben Baker")
    ben.policies, ben.permissions = tuple(policies), tuple(permissions)
    card = await app.request_card(personas.RAVI, "revoke @tom")

    await app.slack.click(personas.BEN, card, "approve")

    await (
        app.wait_for_message(DONE)
        if may
        else app.wait_for_private_message(personas.BEN, "You can't approve this request")
    )
    await app.wait_until_idle()
    assert len(app.deletes) == int(may)


async def test_approver_by_permission__is_refused_if_roles_cannot_be_read(start_app_with: StartApp) -> None:
    app = await start_app_with(APPROVERS="permission:oauth:token:delete")
    ben = next(person for person in app.genesys.users.values() if person.name == "Ben Baker")
    ben.permissions = ("oauth:token:delete",)
    card = await app.request_card(personas.RAVI, "revoke @tom")
    app.genesys.fault("get_user_roles", GenesysFault(status=403, times=None))

    await app.slack.click(personas.BEN, card, "approve")

    await app.wait_for_private_message(personas.BEN, "Could not be checked, so it counts as no")
    await app.wait_until_idle()
    assert not app.deletes


async def test_whoami__accepts_unknown_fields_and_values(app: AppHarness) -> None:
    token = app.genesys.state.issue(next(iter(app.genesys.state.clients.values())))
    body = token_info(app.genesys.state, token) | {"planet": {"name": "Mars"}}
    body["OAuthClient"] |= {"authorizedGrantType": "TELEPATHY", "state": "dreaming"}
    app.genesys.fault("get_tokens_me", GenesysFault(status=200, body=body))

    await app.send_command(personas.OLIVIA, "whoami")

    await app.wait_for_private_message(personas.OLIVIA, "TELEPATHY")


async def test_command__is_acknowledged_before_genesys_responds(app: AppHarness) -> None:
    answering = asyncio.Event()
    app.genesys.fault("search_by_email", GenesysFault(until=answering))

    delivery = await app.send_command(personas.OLIVIA, "revoke @tom")
    async with asyncio.timeout(MESSAGE_TIMEOUT):
        await app.genesys.wait_for_request("search_by_email")

    assert (delivery.status, delivery.body) == (200, "")
    assert await app.audit_tags() == []
    answering.set()
    await app.wait_for_private_message(personas.OLIVIA, "Revoke all sessions of Tom Target?")


async def test_card__shows_the_correlation_id_of_a_failure(app: AppHarness) -> None:
    card = await card_after(app, "Refused by Genesys Cloud", GenesysFault(status=404, headers=CORRELATION))

    assert CORRELATION["Genesys-Correlation-Id"] in card


async def test_command__reply_shows_the_correlation_id_of_a_failure(app: AppHarness) -> None:
    app.genesys.fault("search_by_email", GenesysFault(status=400, headers=CORRELATION))

    await app.send_command(personas.OLIVIA, "revoke @tom")

    await app.wait_for_private_message(personas.OLIVIA, CORRELATION["Genesys-Correlation-Id"])
    assert not any(app.slack.buttons(message) for message in app.slack.messages)


async def test_command__names_a_client_of_another_region(start_app_with: StartApp) -> None:
    app = await start_app_with(PURECLOUD_CLIENT_ID="00000000-0000-4000-8000-000000000000")

    for line in ("revoke @tom", "whoami"):
        await app.send_command(personas.OLIVIA, line)
        await app.wait_for_private_message(
            personas.OLIVIA, "or it belongs to another region than PURECLOUD_ENVIRONMENT"
        )

    assert not app.deletes


async def test_whoami__accepts_a_client_without_scopes(app: AppHarness) -> None:
    await app.send_command(personas.OLIVIA, "whoami")

    await app.wait_for_private_message(personas.OLIVIA, "no scopes: the roles of the client count")
