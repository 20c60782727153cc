"""What each operation gives, asks for and never does."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from bot.purecloud import Done, errors
from bot.sandbox.genesys.server import CLIENT, ORGANIZATION, EntityRef, GenesysFault, GenesysUser
from tests.unit.purecloud.conftest import JANE, OMAR

if TYPE_CHECKING:
    from tests.unit.purecloud.conftest import AppHarness

NOBODY = "ffffffff-ffff-4fff-8fff-ffffffffffff"


def deletions(world: AppHarness) -> list[tuple[str, int | None, int | None]]:
    return [(e.path, e.generation, e.status) for e in world.genesys.requests if e.method == "DELETE"]


async def test_get_tokens_me__tells_of_the_clients_own_token(world: AppHarness) -> None:
    info = await world.purecloud.tokens.get_tokens_me()

    assert info.organization
    assert info.organization.name == ORGANIZATION.name
    assert info.oauth_client
    assert info.oauth_client.id == CLIENT.id
    assert info.date_token_idles


async def test_get_tokens_me__does_not_keep_the_token_from_idling_out(world: AppHarness) -> None:
    world.genesys.state.clients[CLIENT.id].idle_timeout = 600
    first = await world.purecloud.tokens.get_tokens_me()
    world.clock.now += 300

    assert (await world.purecloud.tokens.get_tokens_me()).date_token_idles == first.date_token_idles


@pytest.mark.parametrize("body", ["", "<html>", {"OAuthClient": "what?"}])
async def test_get_tokens_me__an_answer_that_cannot_be_read_is_an_error(world: AppHarness, body: Any) -> None:
    world.genesys.fault("get_tokens_me", GenesysFault(status=200, body=body))

    with pytest.raises((errors.GenesysRejected, errors.GenesysNoResponse)):
        await world.purecloud.tokens.get_tokens_me()
    assert world.asked("get_tokens_me") == [200]


async def test_head_tokens_me__raises_where_the_token_cannot_serve(world: AppHarness) -> None:
    await world.purecloud.tokens.head_tokens_me()
    world.genesys.fault("head_tokens_me", GenesysFault(status=401, times=2))

    with pytest.raises(errors.GenesysUnauthenticated):
        await world.purecloud.tokens.head_tokens_me()


async def test_delete_token__ends_one_persons_tokens_and_says_under_which_correlation_id(world: AppHarness) -> None:
    done = await world.purecloud.tokens.delete_token(JANE.upper())

    assert done.status == 200
    assert done.correlation_id
    assert deletions(world) == [(f"/api/v2/tokens/{JANE}", 1, 200)]
    assert (world.sessions(JANE), world.sessions(OMAR)) == (0, 1)


@pytest.mark.parametrize("status", [200, 202, 204])
async def test_delete_token__any_empty_yes_will_do(world: AppHarness, status: int) -> None:
    world.genesys.fault("delete_token", GenesysFault(status=status, body="", executes=True))

    assert (await world.purecloud.tokens.delete_token(JANE)).status == status


async def test_delete_token__a_web_page_with_status_200_is_not_shown_as_success(world: AppHarness) -> None:
    world.genesys.fault("delete_token", GenesysFault(status=200, body="<html>Please log in to the network</html>"))

    with pytest.raises(errors.GenesysNoResponse):
        await world.purecloud.tokens.delete_token(JANE)
    assert world.asked("delete_token") == [200]


async def test_delete_token__of_nobody_is_not_found(world: AppHarness) -> None:
    with pytest.raises(errors.GenesysNotFound):
        await world.purecloud.tokens.delete_token(NOBODY)


@pytest.mark.parametrize(
    "user_id", ["me", "timeout", "../users", "", " ", f"{{{JANE}}}", f"urn:uuid:{JANE}", f"{JANE}/x"]
)
async def test_delete_token__of_what_is_no_user_id_sends_nothing_at_all(world: AppHarness, user_id: str) -> None:
    for call in (
        world.purecloud.tokens.delete_token,
        world.purecloud.users.get_user,
        world.purecloud.authorization.get_user_roles,
    ):
        with pytest.raises(ValueError, match="is not a Genesys Cloud user id"):
            await call(user_id)

    assert world.genesys.requests == []


async def test_delete_tokens_me__ends_the_token_in_use_and_the_next_call_takes_another(world: AppHarness) -> None:
    await world.purecloud.tokens.head_tokens_me()

    done = await world.purecloud.tokens.delete_tokens_me()

    assert done.status == 200
    assert world.genesys.state.live_generations == []
    await world.purecloud.tokens.head_tokens_me()
    assert world.genesys.state.live_generations == [2]
    assert world.asked("head_tokens_me") == [200, 200]


async def test_delete_tokens_me__of_a_dead_token_is_done_and_ends_no_other(world: AppHarness) -> None:
    await world.purecloud.tokens.head_tokens_me()
    world.genesys.state.revoke_all_tokens()

    assert (await world.purecloud.tokens.delete_tokens_me()).status == 401
    assert world.asked("login") == [200]
    assert len(deletions(world)) == 1


async def test_delete_tokens_me__refused_for_certain_keeps_the_token(world: AppHarness) -> None:
    world.genesys.fault("delete_tokens_me", GenesysFault(status=500))

    with pytest.raises(errors.GenesysServerError):
        await world.purecloud.tokens.delete_tokens_me()

    await world.purecloud.tokens.head_tokens_me()
    assert world.asked("login") == [200]


async def test_delete_tokens_me__without_an_answer_uses_the_token_no_more(world: AppHarness) -> None:
    world.genesys.fault("delete_tokens_me", GenesysFault(status=408))

    with pytest.raises(errors.GenesysNoResponse):
        await world.purecloud.tokens.delete_tokens_me()

    await world.purecloud.tokens.head_tokens_me()
    assert world.asked("head_tokens_me") == [200]
    assert world.genesys.state.live_generations == [1, 2]


async def test_delete_tokens_me__carried_out_unseen_is_confirmed_by_the_401_that_follows(world: AppHarness) -> None:
    world.genesys.fault("delete_tokens_me", GenesysFault(drop="after"))

    done = await world.purecloud.tokens.delete_tokens_me()

    assert done.status == 401
    assert [generation for _, generation, _ in deletions(world)] == [1, None]


async def test_rotate__takes_the_new_token_first_and_ends_the_old_one(world: AppHarness) -> None:
    await world.purecloud.tokens.head_tokens_me()

    done = await world.purecloud.tokens.rotate()

    assert done.status == 200
    operations = [(entry.operation, entry.generation) for entry in world.genesys.requests]
    assert operations == [("login", None), ("head_tokens_me", 1), ("login", None), ("delete_tokens_me", 1)]
    assert world.genesys.state.live_generations == [2]


async def test_rotate__lets_calls_in_flight_pass(world: AppHarness) -> None:
    await world.purecloud.tokens.head_tokens_me()

    await asyncio.gather(world.purecloud.tokens.rotate(), *(world.purecloud.tokens.get_tokens_me() for _ in range(20)))

    assert world.asked("login") == [200, 200]
    assert world.genesys.state.live_generations == [2]


async def test_rotate__without_a_new_token_ends_nothing(world: AppHarness) -> None:
    await world.purecloud.tokens.head_tokens_me()
    world.genesys.fault("login", GenesysFault(status=500))

    with pytest.raises(errors.GenesysLoginFailed):
        await world.purecloud.tokens.rotate()

    assert deletions(world) == []
    await world.purecloud.tokens.head_tokens_me()
    assert world.genesys.state.live_generations == [1]


async def test_rotate__of_a_token_that_was_dead_is_done(world: AppHarness) -> None:
    await world.purecloud.tokens.head_tokens_me()
    world.genesys.state.revoke_all_tokens()

    assert (await world.purecloud.tokens.rotate()).status == 401
    assert world.genesys.state.live_generations == [2]


async def test_rotate__that_could_not_end_the_old_token_ends_it_next_time(world: AppHarness) -> None:
    await world.purecloud.tokens.head_tokens_me()
    world.genesys.fault("delete_tokens_me", GenesysFault(status=500))

    with pytest.raises(errors.GenesysServerError):
        await world.purecloud.tokens.rotate()
    assert world.genesys.state.live_generations == [1, 2]

    assert (await world.purecloud.tokens.rotate()).status == 200
    assert world.genesys.state.live_generations == [3]


async def test_rotate__ten_at_once_go_one_after_the_other(world: AppHarness) -> None:
    await asyncio.gather(*(world.purecloud.tokens.rotate() for _ in range(10)))

    assert world.genesys.state.live_generations == [11]
    assert [generation for _, generation, _ in deletions(world)] == list(range(1, 11))
    assert {status for _, _, status in deletions(world)} == {200}


async def test_rotate__and_delete_tokens_me_do_not_cross(world: AppHarness) -> None:
    await asyncio.gather(world.purecloud.tokens.rotate(), world.purecloud.tokens.delete_tokens_me())

    assert world.genesys.state.live_generations == []
    assert {status for _, _, status in deletions(world)} == {200}


async def test_search_by_email__finds_one_whatever_the_case(world: AppHarness) -> None:
    (jane,) = await world.purecloud.users.search_by_email(" JANE.doe@ACME.example ")

    assert (jane.id, jane.name, jane.active) == (JANE, "Jane Doe", True)
    assert jane.division
    assert jane.division.name == "Home"


async def test_search_by_email__tells_inactive_several_and_nobody_apart(world: AppHarness) -> None:
    world.genesys.state.add(GenesysUser(NOBODY, "Jane Double", "jane.doe@acme.example"))

    assert [user.active for user in await world.purecloud.users.search_by_email("omar@acme.example")] == [False]
    assert {user.id for user in await world.purecloud.users.search_by_email("jane.doe@acme.example")} == {JANE, NOBODY}
    assert await world.purecloud.users.search_by_email("nobody@acme.example") == []


async def test_search_by_email__leaves_out_whoever_does_not_have_exactly_that_address(world: AppHarness) -> None:
    results = [
        {"id": "1", "email": "jane.doe@acme.example.org", "state": "active"},
        {"id": "2", "email": "mary.jane.doe@acme.example", "state": "active"},
        {"id": "3", "email": "jane.doe@acme.example", "state": "deleted"},
        {"id": "4", "email": None, "state": "active"},
        {"id": "5"},
        {"id": "6", "email": "Jane.Doe@acme.example", "state": "active"},
    ]
    world.genesys.fault("search_by_email", GenesysFault(status=200, body={"results": results}))

    assert [user.id for user in await world.purecloud.users.search_by_email("jane.doe@acme.example")] == ["6"]


async def test_search_by_email__of_no_address_sends_nothing(world: AppHarness) -> None:
    with pytest.raises(ValueError, match="is not an e-mail address"):
        await world.purecloud.users.search_by_email("jane")
    assert world.genesys.requests == []


async def test_get_user__is_found_by_id_or_not_at_all(world: AppHarness) -> None:
    world.genesys.state.users[OMAR].state = "deleted"

    assert (await world.purecloud.users.get_user(JANE)).email == "Jane.Doe@acme.example"
    for user_id in (OMAR, NOBODY):
        with pytest.raises(errors.GenesysNotFound):
            await world.purecloud.users.get_user(user_id)


async def test_get_user_roles__gives_roles_permissions_and_policies(world: AppHarness) -> None:
    jane = world.genesys.state.users[JANE]
    jane.roles, jane.permissions = (EntityRef("r1", "Supervisor"),), ("oauth:*:*",)
    jane.policies = ({"domain": "oauth", "entityName": "*", "actionSet": ["*"]},)

    granted = await world.purecloud.authorization.get_user_roles(JANE)

    assert [role.name for role in granted.roles] == ["Supervisor"]
    assert granted.permissions == ("oauth:*:*",)
    assert granted.permission_policies[0].action_set == ("*",)


async def test_divisions_permitted__are_all_some_or_none(world: AppHarness) -> None:
    ask = world.purecloud.authorization.get_authorization_divisionspermitted_paged_me
    client = world.genesys.state.clients[CLIENT.id]

    everywhere, nowhere = await ask("oauth:token:delete"), await ask("oauth:client:delete")
    client.divisions = (EntityRef("d1", "Support"),)
    somewhere = await ask("oauth:token:delete")

    assert (everywhere.all_divs_permitted, everywhere.entities) == (True, ())
    assert (nowhere.all_divs_permitted, nowhere.entities) == (False, ())
    assert (somewhere.all_divs_permitted, [one.name for one in somewhere.entities]) == (False, ["Support"])


async def test_subjects_me__tells_what_the_clients_own_roles_permit(world: AppHarness) -> None:
    subject = await world.purecloud.authorization.get_authorization_subjects_me()

    (role,) = [grant.role for grant in subject.grants if grant.role]
    told = {f"{one.domain}:{one.entity_name}:{action}" for one in role.policies for action in one.actions}
    assert told == world.genesys.state.clients[CLIENT.id].permissions


async def test_roles__are_found_by_id_or_whole_name_on_whatever_page(world: AppHarness) -> None:
    by_id = "7c1b7f3e-0f0a-4d53-8a5e-2f7b8a1c9d10"
    world.genesys.state.roles = [EntityRef(f"r{number}", f"Supervisor {number}") for number in range(120)]
    world.genesys.state.roles += [EntityRef("r", "Supervisor"), EntityRef(by_id, "Team lead")]
    client = world.genesys.state.clients[CLIENT.id]
    client.permissions |= {"authorization:role:view"}
    ask = world.purecloud.authorization.get_authorization_roles

    assert [role.id for role in await ask("supervisor")] == ["r"]
    assert [role.name for role in await ask(by_id.upper())] == ["Team lead"]
    assert await ask("Super") == []
    assert world.asked("get_authorization_roles") == [200] * 5


async def test_roles__need_a_permission_that_the_bot_has_no_other_use_for(world: AppHarness) -> None:
    with pytest.raises(errors.GenesysForbidden) as refused:
        await world.purecloud.authorization.get_authorization_roles("Supervisor")

    assert refused.value.permissions == ("authorization:role:view",)


async def test_permissions__are_told_by_domain_entity_and_action(world: AppHarness) -> None:
    found = await world.purecloud.authorization.get_authorization_permissions()

    (oauth,) = [one for one in found if one.domain == "oauth"]
    assert [one.action for one in oauth.permission_map["token"]] == ["delete"]


async def test_done__is_a_value() -> None:
    assert Done(200, "c") == Done(200, "c")
