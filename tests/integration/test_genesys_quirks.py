"""The traps of the Genesys Cloud API as people meet them in Slack: what the card, the answer and the journal say."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.sandbox import personas
from bot.sandbox.genesys.responses import token_info
from bot.sandbox.genesys.server import LOGIN_RATE_LIMITED, Fault
from tests.conftest import StartApp
from tests.support.app_harness import PATIENCE, TOM_ID, AppHarness

DONE = "Revoked: every session of Tom Target"
RECORD = {"Genesys-Correlation-Id": "c0ffee00-0000-4000-8000-000000000001"}


async def ends(world: AppHarness, words: str, *faults: Fault) -> str:
    """Confirm a revocation that meets these faults, and read its card once it says this."""
    card = await world.card(personas.OLIVIA, "revoke @tom")
    for fault in faults:
        world.genesys.fault("delete_token", fault)
    await world.slack.click(personas.OLIVIA, card, "approve")
    await world.reads(words)
    await world.idle()
    return world.slack.text_of(card)


@pytest.mark.parametrize("word", ["me", "timeout", "ME", "%6de", "..", "tokens/me"])
async def test_trap_1__a_word_in_place_of_a_person_is_refused(world: AppHarness, word: str) -> None:
    await world.types(personas.OLIVIA, f"revoke {word}")

    await world.hears(personas.OLIVIA, "names nobody I can look up")
    await world.idle()
    assert not world.genesys.journal


async def test_trap_1__what_is_deleted_is_the_id_that_genesys_told(world: AppHarness) -> None:
    await ends(world, DONE)

    assert [entry.path for entry in world.deletes] == [f"/api/v2/tokens/{TOM_ID}"]
    assert not world.genesys.received("delete_tokens_me")


async def test_trap_2__the_bot_may_delete_everybodys_tokens_and_its_askers_may_not(start_app_with: StartApp) -> None:
    world = await start_app_with(REQUESTERS=personas.OLIVIA)

    for who in (personas.NADIA, personas.BEN):
        await world.types(who, "revoke @tom")
        await world.hears(who, "nothing in REQUESTERS names you")

    await world.idle()
    assert await world.trail() == ["request:ask_refused"] * 2
    assert not world.genesys.journal


async def test_trap_3__a_missing_permission_is_named_on_the_card(world: AppHarness) -> None:
    clients = world.genesys.state.clients
    for client in list(clients.values()):
        clients[client.id] = replace(client, permissions=client.permissions - {"oauth:token:delete"})

    card = await ends(world, "Refused by Genesys Cloud")

    assert "the bot's role lacks permission oauth:token:delete" in card
    assert "Nothing was changed" in card
    assert len(world.deletes) == 1


async def test_trap_4__the_card_says_what_cannot_be_undone_and_what_sso_does(world: AppHarness) -> None:
    asked = world.slack.text_of(await world.card(personas.OLIVIA, "revoke @tom"))

    for words in ("live call or chat may drop", "cannot be undone", "single sign-on may log them straight back in"):
        assert words in asked
    assert not world.deletes


async def test_trap_5__whoami_tells_the_person_apart_from_the_bot(world: AppHarness) -> None:
    await world.types(personas.BEN, "whoami")
    told = world.slack.text_of(await world.hears(personas.BEN, "The bot's token"))

    you, _, bot = told.partition("The bot's token")
    assert "6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e02" in you
    assert "Slack revoke bot" in bot
    assert "Ben Baker" not in bot


async def test_trap_6__a_dead_token_is_renewed_once_and_the_work_is_done(world: AppHarness) -> None:
    card = await world.card(personas.OLIVIA, "revoke @tom")
    world.genesys.state.end_all()
    await world.slack.click(personas.OLIVIA, card, "approve")
    await world.reads(DONE)

    assert [entry.status for entry in world.deletes] == [401, 200]
    assert len(world.genesys.received("login")) == 2


async def test_trap_6__a_token_that_is_never_accepted_is_no_storm_of_log_ins(world: AppHarness) -> None:
    card = await ends(world, "Failed: every session", Fault(status=401, times=None))

    assert "also after a renewal" in card
    assert "Treat the sessions as alive" in card
    assert len(world.genesys.received("login")) == 2
    assert len(world.deletes) == 2


async def test_trap_7__the_client_in_pascal_case_is_read(world: AppHarness) -> None:
    await world.types(personas.OLIVIA, "whoami")

    told = world.slack.text_of(await world.hears(personas.OLIVIA, "Slack revoke bot (5e1d0b3c"))
    assert "CLIENT-CREDENTIALS" in told


async def test_trap_8__the_logins_rate_limit_is_waited_out_and_not_mistaken_for_a_wrong_client(
    world: AppHarness,
) -> None:
    world.genesys.fault("login", LOGIN_RATE_LIMITED)

    await world.card(personas.OLIVIA, "revoke @tom")

    assert [entry.status for entry in world.genesys.received("login")] == [400, 200]


async def test_trap_8__a_wrong_secret_is_named(start_app_with: StartApp) -> None:
    world = await start_app_with(PURECLOUD_SECRET="not-the-secret")

    await world.types(personas.OLIVIA, "revoke @tom")

    told = world.slack.text_of(await world.hears(personas.OLIVIA, "does not accept PURECLOUD_SECRET"))
    assert "Nothing was changed" in told
    assert "not-the-secret" not in told


async def test_trap_9__a_wait_of_hours_is_not_waited(world: AppHarness) -> None:
    card = await ends(world, "Failed: every session", Fault(status=429, headers={"Retry-After": "3600"}))

    assert "takes no more requests for now (429)" in card
    assert len(world.deletes) == 1


async def test_trap_10__a_search_without_results_is_nobody(world: AppHarness) -> None:
    await world.types(personas.OLIVIA, "revoke nobody@example.com")

    await world.hears(personas.OLIVIA, "Genesys Cloud knows nobody as `nobody@example.com`")
    assert await world.trail() == ["request:ask_refused"]


async def test_trap_10__an_inactive_person_is_not_taken(world: AppHarness) -> None:
    world.genesys.people[str(TOM_ID)].state = "inactive"

    for named in ("@tom", str(TOM_ID)):
        await world.types(personas.OLIVIA, f"revoke {named}")
    await world.hears(personas.OLIVIA, f"`{TOM_ID}` is inactive")
    await world.hears(personas.OLIVIA, "`tom.target@example.com` is inactive")

    assert not any(world.slack.buttons(message) for message in world.slack.messages)


async def test_trap_10__an_address_in_other_letters_is_the_same(world: AppHarness) -> None:
    card = await world.card(personas.OLIVIA, "revoke Tom.TARGET@Example.com")

    assert "Revoke every session of Tom Target?" in world.slack.text_of(card)


@pytest.mark.parametrize("status", [200, 202, 204])
async def test_trap_11__an_empty_answer_is_a_yes(world: AppHarness, status: int) -> None:
    card = await ends(world, DONE, Fault(status=status, body="", acts=True))

    assert "Genesys Cloud confirmed" in card
    assert len(world.deletes) == 1


async def test_trap_11__a_web_page_is_no_yes(world: AppHarness) -> None:
    page = Fault(status=200, body="<html>Please log in to the proxy</html>", times=None)

    card = await ends(world, "Unknown: every session", page)

    assert "Treat them as alive" in card
    assert "<html>" not in card
    assert world.genesys.people[str(TOM_ID)].sessions == 2


async def test_trap_12__whoami_does_not_keep_the_token_from_idling_out(world: AppHarness) -> None:
    next(iter(world.genesys.state.clients.values())).idle_timeout = 1800
    await world.types(personas.OLIVIA, "whoami")
    await world.hears(personas.OLIVIA, "idles out")
    token = next(iter(world.genesys.state._live.values()))
    idles_at = token.idles_at

    await world.types(personas.NOMAIL, "whoami")  # without an address, nobody is looked up besides
    await world.hears(personas.NOMAIL, "idles out")

    assert len(world.genesys.received("get_tokens_me")) == 2
    assert token.idles_at == idles_at
    assert not world.genesys.received("head_tokens_me")


async def test_trap_13__a_home_organization_that_differs_is_shown(world: AppHarness) -> None:
    token = world.genesys.state.issue(next(iter(world.genesys.state.clients.values())))
    body = token_info(world.genesys.state, token) | {"homeOrganization": {"id": "trustee-1", "name": "Trustee Ltd"}}
    world.genesys.fault("get_tokens_me", Fault(status=200, body=body))

    await world.types(personas.OLIVIA, "whoami")

    told = world.slack.text_of(await world.hears(personas.OLIVIA, "(home: Trustee Ltd (trustee-1))"))
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
    world = await start_app_with(APPROVERS="permission:oauth:token:delete")
    ben = next(person for person in world.genesys.people.values() if person.name == "Ben Baker")
    ben.policies, ben.permissions = tuple(policies), tuple(permissions)
    card = await world.card(personas.RAVI, "revoke @tom")

    await world.slack.click(personas.BEN, card, "approve")

    await (world.reads(DONE) if may else world.hears(personas.BEN, "You may not confirm this"))
    await world.idle()
    assert len(world.deletes) == int(may)


async def test_trap_14__roles_that_cannot_be_read_count_as_none(start_app_with: StartApp) -> None:
    world = await start_app_with(APPROVERS="permission:oauth:token:delete")
    ben = next(person for person in world.genesys.people.values() if person.name == "Ben Baker")
    ben.permissions = ("oauth:token:delete",)
    card = await world.card(personas.RAVI, "revoke @tom")
    world.genesys.fault("get_user_roles", Fault(status=403, times=None))

    await world.slack.click(personas.BEN, card, "approve")

    await world.hears(personas.BEN, "what cannot be checked counts as no")
    await world.idle()
    assert not world.deletes


async def test_trap_15__words_that_are_new_break_nothing(world: AppHarness) -> None:
    token = world.genesys.state.issue(next(iter(world.genesys.state.clients.values())))
    body = token_info(world.genesys.state, token) | {"planet": {"name": "Mars"}}
    body["OAuthClient"] |= {"authorizedGrantType": "TELEPATHY", "state": "dreaming"}
    world.genesys.fault("get_tokens_me", Fault(status=200, body=body))

    await world.types(personas.OLIVIA, "whoami")

    await world.hears(personas.OLIVIA, "TELEPATHY")


async def test_trap_15__a_state_that_is_new_is_not_taken_for_active(world: AppHarness) -> None:
    world.genesys.people[str(TOM_ID)].state = "hibernating"

    await world.types(personas.OLIVIA, f"revoke {TOM_ID}")

    await world.hears(personas.OLIVIA, "is inactive in Genesys Cloud")
    assert await world.trail() == ["request:ask_refused"]


async def test_trap_16__the_command_is_acknowledged_before_genesys_is_asked(world: AppHarness) -> None:
    answering = asyncio.Event()
    world.genesys.fault("search_by_email", Fault(until=answering))

    delivery = await world.types(personas.OLIVIA, "revoke @tom")
    async with asyncio.timeout(PATIENCE):
        await world.genesys.arrival("search_by_email")

    assert (delivery.status, delivery.body) == (200, "")
    assert await world.trail() == []
    answering.set()
    await world.hears(personas.OLIVIA, "Revoke every session of Tom Target?")


async def test_trap_18__the_correlation_id_stands_where_it_failed(world: AppHarness) -> None:
    card = await ends(world, "Refused by Genesys Cloud", Fault(status=404, headers=RECORD))

    assert RECORD["Genesys-Correlation-Id"] in card


async def test_trap_18__the_correlation_id_stands_in_the_answer_to_a_command(world: AppHarness) -> None:
    world.genesys.fault("search_by_email", Fault(status=400, headers=RECORD))

    await world.types(personas.OLIVIA, "revoke @tom")

    await world.hears(personas.OLIVIA, RECORD["Genesys-Correlation-Id"])
    assert not any(world.slack.buttons(message) for message in world.slack.messages)


async def test_trap_19__a_client_of_another_region_is_said_to_be_one(start_app_with: StartApp) -> None:
    world = await start_app_with(PURECLOUD_CLIENT_ID="00000000-0000-4000-8000-000000000000")

    for line in ("revoke @tom", "whoami"):
        await world.types(personas.OLIVIA, line)
        await world.hears(personas.OLIVIA, "or it belongs to another region than PURECLOUD_ENVIRONMENT")

    assert not world.deletes


async def test_trap_20__no_scopes_are_no_fault(world: AppHarness) -> None:
    await world.types(personas.OLIVIA, "whoami")

    await world.hears(personas.OLIVIA, "none (a client's roles count)")
