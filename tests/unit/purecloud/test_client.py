"""What each operation returns and requires, and what it never does."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from bot.purecloud import Done, errors
from bot.sandbox.genesys.server import CLIENT, ORGANIZATION, EntityRef, GenesysFault, GenesysUser
from tests.unit.purecloud.conftest import JANE, OMAR

if TYPE_CHECKING:
    from tests.unit.purecloud.conftest import ClientHarness

UNKNOWN_USER = "ffffffff-ffff-4fff-8fff-ffffffffffff"


def deletions(harness: ClientHarness) -> list[tuple[str, int | None, int | None]]:
    return [(e.path, e.generation, e.status) for e in harness.genesys.requests if e.method == "DELETE"]


async def test_get_tokens_me__describes_the_clients_own_token(harness: ClientHarness) -> None:
    info = await harness.purecloud.tokens.get_tokens_me()

    assert info.organization
    assert info.organization.name == ORGANIZATION.name
    assert info.oauth_client
    assert info.oauth_client.id == CLIENT.id
    assert info.date_token_idles


async def test_get_tokens_me__does_not_reset_the_idle_timeout(harness: ClientHarness) -> None:
    harness.genesys.state.clients[CLIENT.id].idle_timeout = 600
    first = await harness.purecloud.tokens.get_tokens_me()
    harness.clock.now += 300

    assert (await harness.purecloud.tokens.get_tokens_me()).date_token_idles == first.date_token_idles


@pytest.mark.parametrize("body", ["", "<html>", {"OAuthClient": "what?"}])
async def test_get_tokens_me__unreadable_response_raises(harness: ClientHarness, body: Any) -> None:
    harness.genesys.fault("get_tokens_me", GenesysFault(status=200, body=body))

    with pytest.raises((errors.GenesysRejected, errors.GenesysNoResponse)):
        await harness.purecloud.tokens.get_tokens_me()
    assert harness.statuses("get_tokens_me") == [200]


async def test_head_tokens_me__rejected_token_raises(harness: ClientHarness) -> None:
    await harness.purecloud.tokens.head_tokens_me()
    harness.genesys.fault("head_tokens_me", GenesysFault(status=401, times=2))

    with pytest.raises(errors.GenesysUnauthenticated):
        await harness.purecloud.tokens.head_tokens_me()


async def test_delete_token__deletes_one_users_tokens_and_returns_the_correlation_id(harness: ClientHarness) -> None:
    done = await harness.purecloud.tokens.delete_token(JANE.upper())

    assert done.status == 200
    assert done.correlation_id
    assert deletions(harness) == [(f"/api/v2/tokens/{JANE}", 1, 200)]
    assert (harness.sessions(JANE), harness.sessions(OMAR)) == (0, 1)


@pytest.mark.parametrize("status", [200, 202, 204])
async def test_delete_token__accepts_any_empty_success_status(harness: ClientHarness, status: int) -> None:
    harness.genesys.fault("delete_token", GenesysFault(status=status, body="", executes=True))

    assert (await harness.purecloud.tokens.delete_token(JANE)).status == status


async def test_delete_token__web_page_with_status_200_raises_no_response(harness: ClientHarness) -> None:
    harness.genesys.fault("delete_token", GenesysFault(status=200, body="<html>Please log in to the network</html>"))

    with pytest.raises(errors.GenesysNoResponse):
        await harness.purecloud.tokens.delete_token(JANE)
    assert harness.statuses("delete_token") == [200]


@pytest.mark.parametrize("status", [301, 302, 307])
async def test_delete_token__redirection_raises_no_response(harness: ClientHarness, status: int) -> None:
    harness.genesys.fault("delete_token", GenesysFault(status=status, body="", headers={"Location": "/elsewhere"}))

    with pytest.raises(errors.GenesysNoResponse):
        await harness.purecloud.tokens.delete_token(JANE)
    assert harness.statuses("delete_token") == [status]


async def test_delete_token__error_in_a_200_raises_no_response(harness: ClientHarness) -> None:
    harness.genesys.fault("delete_token", GenesysFault(status=200, body={"status": 503, "code": "unavailable"}))

    with pytest.raises(errors.GenesysNoResponse):
        await harness.purecloud.tokens.delete_token(JANE)
    assert harness.statuses("delete_token") == [200]


async def test_delete_token__unknown_user_raises_not_found(harness: ClientHarness) -> None:
    with pytest.raises(errors.GenesysNotFound):
        await harness.purecloud.tokens.delete_token(UNKNOWN_USER)


@pytest.mark.parametrize(
    "user_id", ["me", "timeout", "../users", "", " ", f"{{{JANE}}}", f"urn:uuid:{JANE}", f"{JANE}/x"]
)
async def test_operations_on_a_user__invalid_user_id_sends_no_request(harness: ClientHarness, user_id: str) -> None:
    for call in (
        harness.purecloud.tokens.delete_token,
        harness.purecloud.users.get_user,
        lambda user_id: harness.purecloud.users.get_user_once(user_id, ["presence"]),
        harness.purecloud.authorization.get_user_roles,
    ):
        with pytest.raises(ValueError, match="is not a Genesys Cloud user id"):
            await call(user_id)

    assert harness.genesys.requests == []


async def test_delete_tokens_me__deletes_the_current_token_and_the_next_call_logs_in(harness: ClientHarness) -> None:
    await harness.purecloud.tokens.head_tokens_me()

    done = await harness.purecloud.tokens.delete_tokens_me()

    assert done.status == 200
    assert harness.genesys.state.live_generations == []
    await harness.purecloud.tokens.head_tokens_me()
    assert harness.genesys.state.live_generations == [2]
    assert harness.statuses("head_tokens_me") == [200, 200]


async def test_delete_tokens_me__of_an_invalid_token_succeeds_and_deletes_no_other(harness: ClientHarness) -> None:
    await harness.purecloud.tokens.head_tokens_me()
    harness.genesys.state.revoke_all_tokens()

    assert (await harness.purecloud.tokens.delete_tokens_me()).status == 401
    assert harness.statuses("login") == [200]
    assert len(deletions(harness)) == 1


async def test_delete_tokens_me__definite_error_keeps_the_token(harness: ClientHarness) -> None:
    harness.genesys.fault("delete_tokens_me", GenesysFault(status=500))

    with pytest.raises(errors.GenesysServerError):
        await harness.purecloud.tokens.delete_tokens_me()

    await harness.purecloud.tokens.head_tokens_me()
    assert harness.statuses("login") == [200]


async def test_delete_tokens_me__without_a_response_discards_the_token(harness: ClientHarness) -> None:
    harness.genesys.fault("delete_tokens_me", GenesysFault(status=408))

    with pytest.raises(errors.GenesysNoResponse):
        await harness.purecloud.tokens.delete_tokens_me()

    await harness.purecloud.tokens.head_tokens_me()
    assert harness.statuses("head_tokens_me") == [200]
    assert harness.genesys.state.live_generations == [1, 2]


async def test_delete_tokens_me__executed_without_a_response_is_confirmed_by_a_401(harness: ClientHarness) -> None:
    harness.genesys.fault("delete_tokens_me", GenesysFault(drop="after"))

    done = await harness.purecloud.tokens.delete_tokens_me()

    assert done.status == 401
    assert [generation for _, generation, _ in deletions(harness)] == [1, None]


async def test_rotate__requests_the_new_token_before_it_deletes_the_old_one(harness: ClientHarness) -> None:
    await harness.purecloud.tokens.head_tokens_me()

    done = await harness.purecloud.tokens.rotate()

    assert done.status == 200
    operations = [(entry.operation, entry.generation) for entry in harness.genesys.requests]
    assert operations == [("login", None), ("head_tokens_me", 1), ("login", None), ("delete_tokens_me", 1)]
    assert harness.genesys.state.live_generations == [2]


async def test_rotate__does_not_fail_concurrent_calls(harness: ClientHarness) -> None:
    await harness.purecloud.tokens.head_tokens_me()

    await asyncio.gather(
        harness.purecloud.tokens.rotate(), *(harness.purecloud.tokens.get_tokens_me() for _ in range(20))
    )

    assert harness.statuses("login") == [200, 200]
    assert harness.genesys.state.live_generations == [2]


async def test_rotate__failed_login_deletes_no_token(harness: ClientHarness) -> None:
    await harness.purecloud.tokens.head_tokens_me()
    harness.genesys.fault("login", GenesysFault(status=500))

    with pytest.raises(errors.GenesysLoginFailed):
        await harness.purecloud.tokens.rotate()

    assert deletions(harness) == []
    await harness.purecloud.tokens.head_tokens_me()
    assert harness.genesys.state.live_generations == [1]


async def test_rotate__of_an_invalid_token_succeeds(harness: ClientHarness) -> None:
    await harness.purecloud.tokens.head_tokens_me()
    harness.genesys.state.revoke_all_tokens()

    assert (await harness.purecloud.tokens.rotate()).status == 401
    assert harness.genesys.state.live_generations == [2]


async def test_rotate__after_a_failed_deletion_deletes_both_old_tokens(harness: ClientHarness) -> None:
    await harness.purecloud.tokens.head_tokens_me()
    harness.genesys.fault("delete_tokens_me", GenesysFault(status=500))

    with pytest.raises(errors.GenesysServerError):
        await harness.purecloud.tokens.rotate()
    assert harness.genesys.state.live_generations == [1, 2]

    assert (await harness.purecloud.tokens.rotate()).status == 200
    assert harness.genesys.state.live_generations == [3]


async def test_rotate__unconfirmed_deletion_is_repeated_by_the_next_rotation(harness: ClientHarness) -> None:
    await harness.purecloud.tokens.head_tokens_me()
    harness.genesys.fault("delete_tokens_me", GenesysFault(status=200, body={"status": 503, "message": "Try later"}))

    with pytest.raises(errors.GenesysNoResponse):
        await harness.purecloud.tokens.rotate()
    assert harness.genesys.state.live_generations == [1, 2]

    assert (await harness.purecloud.tokens.rotate()).status == 200
    assert harness.genesys.state.live_generations == [3]


async def test_rotate__ten_concurrent_calls_run_one_after_another(harness: ClientHarness) -> None:
    await asyncio.gather(*(harness.purecloud.tokens.rotate() for _ in range(10)))

    assert harness.genesys.state.live_generations == [11]
    assert [generation for _, generation, _ in deletions(harness)] == list(range(1, 11))
    assert {status for _, _, status in deletions(harness)} == {200}


async def test_rotate__does_not_interleave_with_delete_tokens_me(harness: ClientHarness) -> None:
    await asyncio.gather(harness.purecloud.tokens.rotate(), harness.purecloud.tokens.delete_tokens_me())

    assert harness.genesys.state.live_generations == []
    assert {status for _, _, status in deletions(harness)} == {200}


async def test_search_by_email__ignores_letter_case(harness: ClientHarness) -> None:
    (jane,) = await harness.purecloud.users.search_by_email(" JANE.doe@ACME.example ")

    assert (jane.id, jane.name, jane.active) == (JANE, "Jane Doe", True)
    assert jane.division
    assert jane.division.name == "Home"


async def test_search_by_email__returns_inactive_users_duplicates_or_none(harness: ClientHarness) -> None:
    harness.genesys.state.add(GenesysUser(UNKNOWN_USER, "Jane Double", "jane.doe@acme.example"))

    assert [user.active for user in await harness.purecloud.users.search_by_email("omar@acme.example")] == [False]
    assert {user.id for user in await harness.purecloud.users.search_by_email("jane.doe@acme.example")} == {
        JANE,
        UNKNOWN_USER,
    }
    assert await harness.purecloud.users.search_by_email("unknown@acme.example") == []


async def test_search_by_email__omits_users_without_exactly_this_address(harness: ClientHarness) -> None:
    results = [
        {"id": "1", "email": "jane.doe@acme.example.org", "state": "active"},
        {"id": "2", "email": "mary.jane.doe@acme.example", "state": "active"},
        {"id": "3", "email": "jane.doe@acme.example", "state": "deleted"},
        {"id": "4", "email": None, "state": "active"},
        {"id": "5"},
        {"id": JANE, "email": "Jane.Doe@acme.example", "state": "active"},
    ]
    harness.genesys.fault("search_by_email", GenesysFault(status=200, body={"results": results}))

    assert [user.id for user in await harness.purecloud.users.search_by_email("jane.doe@acme.example")] == [JANE]


async def test_search_by_email__returns_a_user_once_that_the_response_repeats(harness: ClientHarness) -> None:
    results = [{"id": JANE, "email": "jane.doe@acme.example", "state": "active"}] * 2
    harness.genesys.fault("search_by_email", GenesysFault(status=200, body={"results": results}))

    assert [user.id for user in await harness.purecloud.users.search_by_email("jane.doe@acme.example")] == [JANE]


@pytest.mark.parametrize("user_id", [None, "", "me", "6"])
async def test_search__user_without_a_usable_id_is_not_returned(harness: ClientHarness, user_id: str | None) -> None:
    results = [{"id": user_id, "email": "jane.doe@acme.example", "state": "active"}]
    harness.genesys.fault("search_by_email", GenesysFault(status=200, body={"results": results}, times=2))

    with pytest.raises(errors.GenesysRejected) as raised:
        await harness.purecloud.users.search_by_email("jane.doe@acme.example")
    assert (raised.value.problem, raised.value.expected) == ("unreadable_response", "UsersSearchResponse")
    assert await harness.purecloud.users.search_by_emails(["jane.doe@acme.example"]) == []


@pytest.mark.parametrize("user_id", [None, "", OMAR])
async def test_get_user__of_another_id_raises(harness: ClientHarness, user_id: str | None) -> None:
    harness.genesys.fault("get_user", GenesysFault(status=200, body={"id": user_id, "name": "Omar Haddad"}))

    with pytest.raises(errors.GenesysRejected) as raised:
        await harness.purecloud.users.get_user(JANE)
    assert (raised.value.problem, raised.value.expected) == ("unreadable_response", "User")


@pytest.mark.parametrize(
    ("search", "values"), [("search_by_emails", ["jane.doe@acme.example"]), ("search_by_ids", [JANE])]
)
async def test_search_for_people__asks_for_conversations_only_on_demand(
    harness: ClientHarness, search: str, values: list[str]
) -> None:
    call = getattr(harness.purecloud.users, search)
    (jane,) = await call(values, with_conversations=True)
    assert jane.conversation_summary

    harness.genesys.state.refuses_expanded_search = 400
    (jane,) = await call(values)
    assert jane.conversation_summary is None
    with pytest.raises(errors.GenesysRejected):
        await call(values, with_conversations=True)


async def test_search_by_email__invalid_address_sends_no_request(harness: ClientHarness) -> None:
    with pytest.raises(ValueError, match="is not an e-mail address"):
        await harness.purecloud.users.search_by_email("jane")
    assert harness.genesys.requests == []


async def test_get_user__returns_a_user_and_raises_for_unknown_or_deleted_ones(harness: ClientHarness) -> None:
    harness.genesys.state.users[OMAR].state = "deleted"

    assert (await harness.purecloud.users.get_user(JANE)).email == "Jane.Doe@acme.example"
    for user_id in (OMAR, UNKNOWN_USER):
        with pytest.raises(errors.GenesysNotFound):
            await harness.purecloud.users.get_user(user_id)


async def test_get_user_once__with_a_rejected_token_sends_nothing_again(harness: ClientHarness) -> None:
    with pytest.raises(errors.GenesysNotSent):
        await harness.purecloud.users.get_user_once(JANE, ["presence"], login=False)
    assert harness.genesys.requests == []

    assert (await harness.purecloud.users.get_user_once(JANE, ["presence"])).presence
    harness.genesys.state.revoke_all_tokens()
    with pytest.raises(errors.GenesysUnauthenticated):
        await harness.purecloud.users.get_user_once(JANE, ["presence"])
    assert harness.statuses("get_user") == [200, 401]
    assert len(harness.genesys.received("login")) == 1

    assert (await harness.purecloud.users.get_user_once(JANE, ["presence"])).presence


async def test_get_user_once__expands_what_is_named_in_one_attempt(harness: ClientHarness) -> None:
    jane = harness.genesys.users[JANE]
    jane.routing_status, jane.conversations, jane.last_token_issued = "IDLE", {"call": 2}, 1234.5
    harness.genesys.fault("get_user", GenesysFault(status=503))
    with pytest.raises(errors.GenesysServerError):
        await harness.purecloud.users.get_user_once(JANE, ["presence"])

    found = await harness.purecloud.users.get_user_once(JANE, ["routingStatus", "conversationSummary"])
    assert found.routing_status
    assert found.routing_status.status == "IDLE"
    assert found.conversation_summary
    assert found.conversation_summary.call
    assert found.conversation_summary.call.contact_center
    assert found.conversation_summary.call.contact_center.active == 2
    assert (found.presence, found.last_token_issued) == (None, None)
    issued = (await harness.purecloud.users.get_user_once(JANE, ["lasttokenissued"])).last_token_issued
    assert issued
    assert issued.date_issued == datetime.fromtimestamp(1234.5, UTC)
    assert harness.statuses("get_user") == [503, 200, 200]


async def test_get_user_roles__returns_roles_permissions_and_policies(harness: ClientHarness) -> None:
    jane = harness.genesys.state.users[JANE]
    jane.roles, jane.permissions = (EntityRef("r1", "Supervisor"),), ("oauth:*:*",)
    jane.policies = ({"domain": "oauth", "entityName": "*", "actionSet": ["*"]},)

    granted = await harness.purecloud.authorization.get_user_roles(JANE)

    assert [role.name for role in granted.roles] == ["Supervisor"]
    assert granted.permissions == ("oauth:*:*",)
    assert granted.permission_policies[0].action_set == ("*",)


async def test_divisions_permitted__are_all_some_or_none_of_the_divisions(harness: ClientHarness) -> None:
    call = harness.purecloud.authorization.get_authorization_divisionspermitted_paged_me
    client = harness.genesys.state.clients[CLIENT.id]

    everywhere, nowhere = await call("oauth:token:delete"), await call("oauth:client:delete")
    client.divisions = (EntityRef("d1", "Support"),)
    somewhere = await call("oauth:token:delete")

    assert (everywhere.all_divs_permitted, everywhere.entities) == (True, ())
    assert (nowhere.all_divs_permitted, nowhere.entities) == (False, ())
    assert (somewhere.all_divs_permitted, [one.name for one in somewhere.entities]) == (False, ["Support"])


async def test_subjects_me__returns_the_permissions_of_the_clients_own_roles(harness: ClientHarness) -> None:
    subject = await harness.purecloud.authorization.get_authorization_subjects_me()

    (role,) = [grant.role for grant in subject.grants if grant.role]
    permitted = {f"{one.domain}:{one.entity_name}:{action}" for one in role.policies for action in one.actions}
    assert permitted == harness.genesys.state.clients[CLIENT.id].permissions


async def test_roles__are_found_by_id_or_full_name_on_every_page(harness: ClientHarness) -> None:
    by_id = "7c1b7f3e-0f0a-4d53-8a5e-2f7b8a1c9d10"
    harness.genesys.state.roles = [EntityRef(f"r{number}", f"Supervisor {number}") for number in range(120)]
    harness.genesys.state.roles += [EntityRef("r", "Supervisor"), EntityRef(by_id, "Team lead")]
    client = harness.genesys.state.clients[CLIENT.id]
    client.permissions |= {"authorization:role:view"}
    call = harness.purecloud.authorization.get_authorization_roles

    assert [role.id for role in await call("supervisor")] == ["r"]
    assert [role.name for role in await call(by_id.upper())] == ["Team lead"]
    assert await call("Super") == []
    assert harness.statuses("get_authorization_roles") == [200] * 5


async def test_roles__without_the_permission_raise_forbidden(harness: ClientHarness) -> None:
    with pytest.raises(errors.GenesysForbidden) as raised:
        await harness.purecloud.authorization.get_authorization_roles("Supervisor")

    assert raised.value.permissions == ("authorization:role:view",)


async def test_permissions__are_listed_by_domain_entity_and_action(harness: ClientHarness) -> None:
    found = await harness.purecloud.authorization.get_authorization_permissions()

    (oauth,) = [one for one in found if one.domain == "oauth"]
    assert [one.action for one in oauth.permission_map["token"]] == ["delete"]


async def test_done__is_a_value() -> None:
    assert Done(200, "c") == Done(200, "c")
