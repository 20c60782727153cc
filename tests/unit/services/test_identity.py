"""Who somebody is, asked of the stand-ins: what cannot be read is never taken for "yes"."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.domain.people import Grants, Member, Person, parse_principals
from bot.domain.policy import DenialCode, Denied, rule_for
from bot.errors import SlackUnavailable
from bot.purecloud import GenesysError, GenesysServerError, UserAuthorization
from bot.sandbox import personas
from bot.sandbox.genesys.server import EntityRef, GenesysFault
from bot.sandbox.slack.faults import SlackFault
from bot.services.identity import GROUP_CACHE, Directory, read_grants
from tests.support.components import PIA, TOM, Components, open_components

GROUP = parse_principals(personas.TOKEN_APPROVERS)


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        yield opened


async def member(office: Components, user_id: str) -> Member:
    found = await office.directory.member(user_id)
    assert found
    return found


async def test_identify__tells_the_workspace_and_the_app(office: Components) -> None:
    assert office.directory.known.is_set()
    told = office.directory.workspace
    assert (told.team_id, told.app_id) == (office.slack.team_id, office.slack.app_id)


async def test_identify__goes_without_the_apps_id_where_slack_does_not_tell_it(office: Components) -> None:
    office.slack.workspace.app_id = ""
    office.slack.fault("bots.info", SlackFault(error="missing_scope"))
    assert (await office.directory.identify()).app_id is None


async def test_identify__a_token_without_a_bot_tells_no_app(office: Components) -> None:
    office.slack.workspace.app_id = office.slack.workspace.bot_id = ""
    assert (await office.directory.identify()).app_id is None
    assert len(office.slack.calls_of("bots.info")) == 0


async def test_the_workspace__is_not_guessed_before_slack_has_told_it(office: Components) -> None:
    fresh = Directory(
        office.directory._client, office.purecloud.users, office.purecloud.authorization, print, clock=office.monotonic
    )
    assert not fresh.known.is_set()
    with pytest.raises(SlackUnavailable, match=r"auth\.test"):
        _ = fresh.workspace


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (SlackFault(error="invalid_auth", times=None), "invalid_auth"),
        (SlackFault(error="missing_scope", times=None), "missing_scope"),
        (SlackFault(error="internal_error", times=None), "internal_error"),
        (SlackFault(html="<h1>Sorry</h1>", status=500, times=None), "http_500"),
        (SlackFault(html="<h1>Sorry</h1>", status=200, times=None), "http_200"),
        (SlackFault(retry_after=30, times=None), "ratelimited"),
        (SlackFault(drop=True, times=None), "ServerDisconnectedError"),
    ],
)
async def test_member__what_slack_does_not_answer_is_told_with_its_code(
    office: Components, fault: SlackFault, code: str
) -> None:
    office.slack.fault("users.info", replace(fault))
    with pytest.raises(SlackUnavailable) as caught:
        await office.directory.member(personas.OLIVIA)
    assert (caught.value.method, caught.value.slack_code) == ("users.info", code)


@pytest.mark.parametrize(
    "fault",
    [
        SlackFault(error="internal_error"),
        SlackFault(html="<h1>Bad gateway</h1>", status=502),
        SlackFault(retry_after=0),
        SlackFault(drop=True),
    ],
)
async def test_member__a_passing_fault_is_asked_once_more(office: Components, fault: SlackFault) -> None:
    office.slack.fault("users.info", fault)
    assert (await member(office, personas.OLIVIA)).id == personas.OLIVIA
    assert len(office.slack.calls_of("users.info")) == 2


async def test_member__slack_that_never_answers_is_given_up(tmp_path: Path) -> None:
    async with open_components(tmp_path, timeout=1) as office:
        office.slack.fault("users.info", SlackFault(delay=1, times=None))
        with pytest.raises(SlackUnavailable, match="TimeoutError"):
            await office.directory.member(personas.OLIVIA)


async def test_member__an_id_slack_does_not_know_is_nobody(office: Components) -> None:
    assert await office.directory.member("U0NOBODY01") is None
    office.slack.fault("users.info", SlackFault(error="user_not_visible"))
    assert await office.directory.member(personas.OLIVIA) is None


async def test_member_by_email__finds_nobody_or_somebody_or_says_it_could_not_ask(office: Components) -> None:
    found = await office.directory.member_by_email(PIA.email)
    assert found
    assert found.id == personas.PIA
    assert await office.directory.member_by_email("nobody@example.com") is None
    office.slack.fault("users.lookupByEmail", SlackFault(error="missing_scope"))
    with pytest.raises(SlackUnavailable):
        await office.directory.member_by_email(PIA.email)


async def test_actor__is_in_the_group_or_not(office: Components) -> None:
    for user_id, groups in ((personas.OLIVIA, [personas.TOKEN_APPROVERS]), (personas.RAVI, [])):
        actor = await office.directory.actor(await member(office, user_id), GROUP, fresh=True)
        assert sorted(actor.groups) == groups
        assert actor.unread == ()


@pytest.mark.parametrize("code", ["missing_scope", "no_such_subteam", "ratelimited"])
async def test_actor__a_group_that_cannot_be_read_counts_as_no_and_is_named(office: Components, code: str) -> None:
    office.slack.fault("usergroups.users.list", SlackFault(error=code, times=None))
    actor = await office.directory.actor(await member(office, personas.OLIVIA), GROUP, fresh=True)
    assert rule_for(actor, GROUP) is None
    assert actor.unread == (f"user group {personas.TOKEN_APPROVERS} ({code})",)


async def test_actor__another_rule_still_counts_when_a_group_cannot_be_read(office: Components) -> None:
    office.slack.fault("usergroups.users.list", SlackFault(error="missing_scope", times=None))
    rules = parse_principals(f"{personas.TOKEN_APPROVERS}, {personas.OLIVIA}")
    actor = await office.directory.actor(await member(office, personas.OLIVIA), rules, fresh=True)
    assert str(rule_for(actor, rules)) == personas.OLIVIA
    assert office.slack.calls_of("usergroups.users.list") == []  # what is known already is not asked


async def test_actor__a_group_is_remembered_for_a_minute_but_never_for_a_decision(office: Components) -> None:
    olivia = await member(office, personas.OLIVIA)
    await office.directory.actor(olivia, GROUP, fresh=True)
    office.slack.groups[personas.TOKEN_APPROVERS].members.remove(personas.OLIVIA)
    office.monotonic.now += GROUP_CACHE - 1
    assert (await office.directory.actor(olivia, GROUP, fresh=False)).groups
    office.monotonic.now += 1
    assert not (await office.directory.actor(olivia, GROUP, fresh=False)).groups
    office.slack.groups[personas.TOKEN_APPROVERS].members.append(personas.OLIVIA)
    assert (await office.directory.actor(olivia, GROUP, fresh=True)).groups
    assert len(office.slack.calls_of("usergroups.users.list")) == 3


async def test_actor__many_at_the_same_moment_ask_slack_once(office: Components) -> None:
    olivia = await member(office, personas.OLIVIA)
    found = await asyncio.gather(*(office.directory.actor(olivia, GROUP, fresh=True) for _ in range(20)))
    assert all(one.groups for one in found)
    assert len(office.slack.calls_of("usergroups.users.list")) == 1


@pytest.mark.parametrize(
    ("rule", "allowed"),
    [
        ("role:Token Admin", True),
        ("role:token admin", True),
        ("role:role-id", True),
        ("role:Token", False),
        ("permission:oauth:token:delete", True),  # granted as oauth:token:*
        ("permission:oauth:client:view", False),
        ("permission:routing:queue:edit", False),  # granted only under a condition
        ("permission:directory:user:view", True),
    ],
)
async def test_actor__roles_and_permissions_come_from_genesys_cloud(
    office: Components, rule: str, *, allowed: bool
) -> None:
    olivia = next(one for one in office.genesys.users.values() if one.name == "Olivia Ortega")
    olivia.roles = (EntityRef("role-id", "Token Admin"),)
    olivia.permissions = ("oauth:token:*", "routing:queue:edit", "directory:user:view")
    condition = {"conjunction": "AND", "nodes": []}
    olivia.policies = (
        {"domain": "oauth", "entityName": "token", "actionSet": ["*"]},
        {"domain": "routing", "entityName": "queue", "actionSet": ["edit"], "resourceConditionNode": condition},
        {"domain": "directory", "entityName": "user", "actionSet": ["view"]},
    )
    principals = parse_principals(rule)
    actor = await office.directory.actor(await member(office, personas.OLIVIA), principals, fresh=True)
    assert (rule_for(actor, principals) is not None) is allowed
    assert actor.unread == ()


@pytest.mark.parametrize("operation", ["search_by_email", "get_user_roles", "login"])
async def test_actor__genesys_cloud_that_is_down_counts_as_no_and_is_named(office: Components, operation: str) -> None:
    office.genesys.fault(operation, GenesysFault(status=500, times=None))
    principals = parse_principals("role:Token Admin")
    actor = await office.directory.actor(await member(office, personas.OLIVIA), principals, fresh=True)
    assert rule_for(actor, principals) is None
    assert [one.partition(" (")[0] for one in actor.unread] == ["Genesys Cloud roles"]


@pytest.mark.parametrize(("user_id", "why"), [(personas.UNA, "email_unconfirmed"), (personas.NOMAIL, "no_email")])
async def test_actor__who_is_nobody_in_genesys_cloud_holds_no_role(office: Components, user_id: str, why: str) -> None:
    principals = parse_principals("role:Token Admin")
    actor = await office.directory.actor(await member(office, user_id), principals, fresh=True)
    assert rule_for(actor, principals) is None
    assert actor.unread == (f"Genesys Cloud roles ({why})",)
    assert office.genesys.requests == []


async def test_person__is_the_one_active_person_with_the_address(office: Components) -> None:
    found = await office.directory.person_of(await member(office, personas.TOM))
    assert found == Person(TOM.id, "Tom Target", TOM.email, "Support", "active")
    assert await office.directory.person_by_id(TOM.id) == found


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"state": "inactive"}, DenialCode.INACTIVE_IN_GENESYS),
        ({"state": "deleted"}, DenialCode.UNKNOWN_IN_GENESYS),
        ({"email": "another@example.com"}, DenialCode.UNKNOWN_IN_GENESYS),
    ],
)
async def test_person__by_email_is_refused_where_it_is_not_certain(
    office: Components, changes: dict[str, str], reason: DenialCode
) -> None:
    for name, value in changes.items():
        setattr(office.genesys.users[TOM.id], name, value)
    with pytest.raises(Denied) as caught:
        await office.directory.person_by_email(TOM.email)
    assert (caught.value.reason, caught.value.facts) == (reason, {"named": TOM.email})


async def test_person__two_active_people_with_one_address_are_nobody(office: Components) -> None:
    office.genesys.users[PIA.id].email = TOM.email
    with pytest.raises(Denied) as caught:
        await office.directory.person_by_email(TOM.email)
    assert caught.value.reason is DenialCode.SEVERAL_IN_GENESYS
    office.genesys.users[PIA.id].state = "inactive"
    assert (await office.directory.person_by_email(TOM.email)).id == TOM.id


@pytest.mark.parametrize(
    ("state", "reason"), [("inactive", DenialCode.INACTIVE_IN_GENESYS), ("deleted", DenialCode.UNKNOWN_IN_GENESYS)]
)
async def test_person__by_id_is_refused_where_nobody_can_be_logged_in(
    office: Components, state: str, reason: DenialCode
) -> None:
    office.genesys.users[TOM.id].state = state
    with pytest.raises(Denied) as caught:
        await office.directory.person_by_id(TOM.id)
    assert caught.value.reason is reason


async def test_person__genesys_cloud_that_is_down_is_an_error_and_no_reason(office: Components) -> None:
    office.genesys.fault("get_user", GenesysFault(status=500))
    with pytest.raises(GenesysServerError):
        await office.directory.person_by_id(TOM.id)
    office.genesys.fault("search_by_email", GenesysFault(drop="before", times=None))
    with pytest.raises(GenesysError):
        await office.directory.person_by_email(TOM.email)


@pytest.mark.parametrize(
    "condition",
    [
        {"allowConditions": True},
        {"resourceCondition": "division == mine"},
        {"resourceConditionNode": {"conjunction": "AND"}},
        {"namedResources": ["one"]},
    ],
)
def test_grants__a_policy_with_any_condition_is_set_apart(condition: dict[str, Any]) -> None:
    policy = {"domain": "OAuth", "entityName": "Token", "actionSet": ["Delete"]}
    said = {"permissionPolicies": [policy | condition], "permissions": ["oauth:token:delete", "no permission"]}
    granted = ("oauth", "token", "delete")
    found = read_grants(UserAuthorization.model_validate(said))
    assert found == Grants(listed=frozenset({granted}), conditional=frozenset({granted}))
