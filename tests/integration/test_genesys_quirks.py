"""The traps of the Genesys Cloud API as people meet them in Slack: what the card, the answer and the journal say."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.sandbox import personas
from bot.sandbox.genesys.responses import token_info
from bot.sandbox.genesys.server import LOGIN_RATE_LIMITED, GenesysFault
from tests.conftest import StartApp
from tests.support.app_harness import MESSAGE_TIMEOUT, TOM_ID, AppHarness

DONE = "Revoked: every session of Tom Target"
RECORD = {"Genesys-Correlation-Id": "c0ffee00-0000-4000-8000-000000000001"}


async def ends(app: AppHarness, words: str, *faults: GenesysFault) -> str:
    """Confirm a revocation that meets these faults, and read its card once it says this."""
    card = await app.request_card(personas.OLIVIA, "revoke @tom")
    for fault in faults:
        app.genesys.fault("delete_token", fault)
    await app.slack.click(personas.OLIVIA, card, "approve")
    await app.wait_for_message(words)
    await app.wait_until_idle()
    return app.slack.text_of(card)


@pytest.mark.parametrize("word", ["me", "timeout", "ME", "%6de", "..", "tokens/me"])
async def test_trap_1__a_word_in_place_of_a_person_is_refused(app: AppHarness, word: str) -> None:
    await app.send_command(personas.OLIVIA, f"revoke {word}")

    await app.wait_for_private_message(personas.OLIVIA, "names nobody I can look up")
    await app.wait_until_idle()
    assert not app.genesys.requests


async def test_trap_1__what_is_deleted_is_the_id_that_genesys_told(app: AppHarness) -> None:
    await ends(app, DONE)

    assert [entry.path for entry in app.deletes] == [f"/api/v2/tokens/{TOM_ID}"]
    assert not app.genesys.received("delete_tokens_me")


async def test_trap_2__the_bot_may_delete_everybodys_tokens_and_its_askers_may_not(start_app_with: StartApp) -> None:
    app = await start_app_with(REQUESTERS=personas.OLIVIA)

    for who in (personas.NADIA, personas.BEN):
        await app.send_command(who, "revoke @tom")
        await app.wait_for_private_message(who, "nothing in REQUESTERS names you")

    await app.wait_until_idle()
    assert await app.audit_tags() == ["request:ask_refused"] * 2
    assert not app.genesys.requests


async def test_trap_3__a_missing_permission_is_named_on_the_card(app: AppHarness) -> None:
    clients = app.genesys.state.clients
    for client in list(clients.values()):
        clients[client.id] = replace(client, permissions=client.permissions - {"oauth:token:delete"})

    card = await ends(app, "Refused by Genesys Cloud")

    assert "the bot's role lacks permission oauth:token:delete" in card
    assert "Nothing was changed" in card
    assert len(app.deletes) == 1


async def test_trap_4__the_card_says_what_cannot_be_undone_and_what_sso_does(app: AppHarness) -> None:
    asked = app.slack.text_of(await app.request_card(personas.OLIVIA, "revoke @tom"))

    for words in ("live call or chat may drop", "cannot be undone", "single sign-on may log them straight back in"):
        assert words in asked
    assert not app.deletes


async def test_trap_5__whoami_tells_the_person_apart_from_the_bot(app: AppHarness) -> None:
    await app.send_command(personas.BEN, "whoami")
    told = app.slack.text_of(await app.wait_for_private_message(personas.BEN, "The bot's token"))

    you, _, bot = told.partition("The bot's token")
    assert "6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e02" in you
    assert "Slack revoke bot" in bot
    assert "Ben Baker" not in bot


async def test_trap_6__a_dead_token_is_renewed_once_and_the_work_is_done(app: AppHarness) -> None:
    card = await app.request_card(personas.OLIVIA, "revoke @tom")
    app.genesys.state.revoke_all_tokens()
    await app.slack.click(personas.OLIVIA, card, "approve")
    await app.wait_for_message(DONE)

    assert [entry.status for entry in app.deletes] == [401, 200]
    assert len(app.genesys.received("login")) == 2


async def test_trap_6__a_token_that_is_never_accepted_is_no_storm_of_log_ins(app: AppHarness) -> None:
    card = await ends(app, "Failed: every session", GenesysFault(status=401, times=None))

    assert "also after a renewal" in card
    assert "Treat the sessions as alive" in card
    assert len(app.genesys.received("login")) == 2
    assert len(app.deletes) == 2


async def test_trap_7__the_client_in_pascal_case_is_read(app: AppHarness) -> None:
    await app.send_command(personas.OLIVIA, "whoami")

    told = app.slack.text_of(await app.wait_for_private_message(personas.OLIVIA, "Slack revoke bot (5e1d0b3c"))
    assert "CLIENT-CREDENTIALS" in told


async def test_trap_8__the_logins_rate_limit_is_waited_out_and_not_mistaken_for_a_wrong_client(
    app: AppHarness,
) -> None:
    app.genesys.fault("login", LOGIN_RATE_LIMITED)

    await app.request_card(personas.OLIVIA, "revoke @tom")

    assert [entry.status for entry in app.genesys.received("login")] == [400, 200]


async def test_trap_8__a_wrong_secret_is_named(start_app_with: StartApp) -> None:
    app = await start_app_with(PURECLOUD_SECRET="not-the-secret")

    await app.send_command(personas.OLIVIA, "revoke @tom")

    told = app.slack.text_of(await app.wait_for_private_message(personas.OLIVIA, "does not accept PURECLOUD_SECRET"))
    assert "Nothing was changed" in told
    assert "not-the-secret" not in told


async def test_trap_9__a_wait_of_hours_is_not_waited(app: AppHarness) -> None:
    card = await ends(app, "Failed: every session", GenesysFault(status=429, headers={"Retry-After": "3600"}))

    assert "takes no more requests for now (429)" in card
    assert len(app.deletes) == 1


async def test_trap_10__a_search_without_results_is_nobody(app: AppHarness) -> None:
    await app.send_command(personas.OLIVIA, "revoke nobody@example.com")

    await app.wait_for_private_message(personas.OLIVIA, "Genesys Cloud knows nobody as `nobody@example.com`")
    assert await app.audit_tags() == ["request:ask_refused"]


async def test_trap_10__an_inactive_person_is_not_taken(app: AppHarness) -> None:
    app.genesys.users[str(TOM_ID)].state = "inactive"

    for named in ("@tom", str(TOM_ID)):
        await app.send_command(personas.OLIVIA, f"revoke {named}")
    await app.wait_for_private_message(personas.OLIVIA, f"`{TOM_ID}` is inactive")
    await app.wait_for_private_message(personas.OLIVIA, "`tom.target@example.com` is inactive")

    assert not any(app.slack.buttons(message) for message in app.slack.messages)


async def test_trap_10__an_address_in_other_letters_is_the_same(app: AppHarness) -> None:
    card = await app.request_card(personas.OLIVIA, "revoke Tom.TARGET@Example.com")

    assert "Revoke every session of Tom Target?" in app.slack.text_of(card)


@pytest.mark.parametrize("status", [200, 202, 204])
async def test_trap_11__an_empty_answer_is_a_yes(app: AppHarness, status: int) -> None:
    card = await ends(app, DONE, GenesysFault(status=status, body="", executes=True))

    assert "Genesys Cloud confirmed" in card
    assert len(app.deletes) == 1


async def test_trap_11__a_web_page_is_no_yes(app: AppHarness) -> None:
    page = GenesysFault(status=200, body="<html>Please log in to the proxy</html>", times=None)

    card = await ends(app, "Unknown: every session", page)

    assert "Treat them as alive" in card
    assert "<html>" not in card
    assert app.genesys.users[str(TOM_ID)].sessions == 2


async def test_trap_12__whoami_does_not_keep_the_token_from_idling_out(app: AppHarness) -> None:
    next(iter(app.genesys.state.clients.values())).idle_timeout = 1800
    await app.send_command(personas.OLIVIA, "whoami")
    await app.wait_for_private_message(personas.OLIVIA, "idles out")
    token = app.genesys.state.live_tokens[0]
    idles_at = token.idles_at

    await app.send_command(personas.NOMAIL, "whoami")  # without an address, nobody is looked up besides
    await app.wait_for_private_message(personas.NOMAIL, "idles out")

    assert len(app.genesys.received("get_tokens_me")) == 2
    assert token.idles_at == idles_at
    assert not app.genesys.received("head_tokens_me")


async def test_trap_13__a_home_organization_that_differs_is_shown(app: AppHarness) -> None:
    token = app.genesys.state.issue(next(iter(app.genesys.state.clients.values())))
    body = token_info(app.genesys.state, token) | {"homeOrganization": {"id": "trustee-1", "name": "Trustee Ltd"}}
    app.genesys.fault("get_tokens_me", GenesysFault(status=200, body=body))

    await app.send_command(personas.OLIVIA, "whoami")

    told = app.slack.text_of(await app.wait_for_private_message(personas.OLIVIA, "(home: Trustee Ltd (trustee-1))"))
    assert "Acme Contact Center" in told


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
async def test_trap_14__wildcards_count_and_conditions_do_not(
    start_app_with: StartApp, policies: list[dict[str, object]], permissions: list[str], *, may: bool
) -> None:
    app = await start_app_with(APPROVERS="permission:oauth:token:delete")
    ben = next(person for person in app.genesys.users.values() if person.name == "Ben Baker")
    ben.policies, ben.permissions = tuple(policies), tuple(permissions)
    card = await app.request_card(personas.RAVI, "revoke @tom")

    await app.slack.click(personas.BEN, card, "approve")

    await (
        app.wait_for_message(DONE) if may else app.wait_for_private_message(personas.BEN, "You may not confirm this")
    )
    await app.wait_until_idle()
    assert len(app.deletes) == int(may)


async def test_trap_14__roles_that_cannot_be_read_count_as_none(start_app_with: StartApp) -> None:
    app = await start_app_with(APPROVERS="permission:oauth:token:delete")
    ben = next(person for person in app.genesys.users.values() if person.name == "Ben Baker")
    ben.permissions = ("oauth:token:delete",)
    card = await app.request_card(personas.RAVI, "revoke @tom")
    app.genesys.fault("get_user_roles", GenesysFault(status=403, times=None))

    await app.slack.click(personas.BEN, card, "approve")

    await app.wait_for_private_message(personas.BEN, "what cannot be checked counts as no")
    await app.wait_until_idle()
    assert not app.deletes


async def test_trap_15__words_that_are_new_break_nothing(app: AppHarness) -> None:
    token = app.genesys.state.issue(next(iter(app.genesys.state.clients.values())))
    body = token_info(app.genesys.state, token) | {"planet": {"name": "Mars"}}
    body["OAuthClient"] |= {"authorizedGrantType": "TELEPATHY", "state": "dreaming"}
    app.genesys.fault("get_tokens_me", GenesysFault(status=200, body=body))

    await app.send_command(personas.OLIVIA, "whoami")

    await app.wait_for_private_message(personas.OLIVIA, "TELEPATHY")


async def test_trap_15__a_state_that_is_new_is_not_taken_for_active(app: AppHarness) -> None:
    app.genesys.users[str(TOM_ID)].state = "hibernating"

    await app.send_command(personas.OLIVIA, f"revoke {TOM_ID}")

    await app.wait_for_private_message(personas.OLIVIA, "is inactive in Genesys Cloud")
    assert await app.audit_tags() == ["request:ask_refused"]


async def test_trap_16__the_command_is_acknowledged_before_genesys_is_asked(app: AppHarness) -> None:
    answering = asyncio.Event()
    app.genesys.fault("search_by_email", GenesysFault(until=answering))

    delivery = await app.send_command(personas.OLIVIA, "revoke @tom")
    async with asyncio.timeout(MESSAGE_TIMEOUT):
        await app.genesys.wait_for_request("search_by_email")

    assert (delivery.status, delivery.body) == (200, "")
    assert await app.audit_tags() == []
    answering.set()
    await app.wait_for_private_message(personas.OLIVIA, "Revoke every session of Tom Target?")


async def test_trap_18__the_correlation_id_stands_where_it_failed(app: AppHarness) -> None:
    card = await ends(app, "Refused by Genesys Cloud", GenesysFault(status=404, headers=RECORD))

    assert RECORD["Genesys-Correlation-Id"] in card


async def test_trap_18__the_correlation_id_stands_in_the_answer_to_a_command(app: AppHarness) -> None:
    app.genesys.fault("search_by_email", GenesysFault(status=400, headers=RECORD))

    await app.send_command(personas.OLIVIA, "revoke @tom")

    await app.wait_for_private_message(personas.OLIVIA, RECORD["Genesys-Correlation-Id"])
    assert not any(app.slack.buttons(message) for message in app.slack.messages)


async def test_trap_19__a_client_of_another_region_is_said_to_be_one(start_app_with: StartApp) -> None:
    app = await start_app_with(PURECLOUD_CLIENT_ID="00000000-0000-4000-8000-000000000000")

    for line in ("revoke @tom", "whoami"):
        await app.send_command(personas.OLIVIA, line)
        await app.wait_for_private_message(
            personas.OLIVIA, "or it belongs to another region than PURECLOUD_ENVIRONMENT"
        )

    assert not app.deletes


async def test_trap_20__no_scopes_are_no_fault(app: AppHarness) -> None:
    await app.send_command(personas.OLIVIA, "whoami")

    await app.wait_for_private_message(personas.OLIVIA, "none (a client's roles count)")
