"""Identity: who a person is and what they hold; what cannot be read is never a "yes"."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.domain.denials import DenialCode, Denied
from bot.domain.failed_checks import FailedCheck, Subject
from bot.domain.people import Actor, Grants, Member, Person
from bot.domain.policy import matches, rule_for
from bot.domain.principals import Principal, PrincipalKind, parse_principals
from bot.errors import SlackUnavailable
from bot.purecloud import GenesysError, GenesysServerError, UserAuthorization
from bot.sandbox import personas
from bot.sandbox.genesys.server import EntityRef, GenesysFault
from bot.sandbox.slack.faults import SlackFault
from bot.services.identity import CACHE_TTL, read_grants
from tests.support.components import PIA, TOM, TOM_IN_GENESYS, Components, open_components

GROUP = parse_principals(personas.TOKEN_APPROVERS)


@pytest.fixture
async def components(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        yield opened


async def member(components: Components, user_id: str) -> Member:
    found = await components.identity.member(user_id)
    assert found
    return found


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (SlackFault(error="invalid_auth", times=None), "invalid_auth"),
        (SlackFault(error="missing_scope", times=None), "missing_scope"),
        (SlackFault(error="internal_error", times=None), "internal_error"),
        (SlackFault(html="<h1>Sorry</h1>", status=500, times=None), "http_500"),
        (SlackFault(html="<h1>Sorry</h1>", status=200, times=None), "http_200"),
        (SlackFault(retry_after=30, times=None), "ratelimited"),
        (SlackFault(drop=True, times=None), "connection_lost"),
    ],
)
async def test_member__failed_call_raises_slacks_code(components: Components, fault: SlackFault, code: str) -> None:
    components.slack.fault("users.info", replace(fault))
    with pytest.raises(SlackUnavailable) as caught:
        await components.identity.member(personas.OLIVIA)
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
async def test_member__transient_error_is_retried_once(components: Components, fault: SlackFault) -> None:
    components.slack.fault("users.info", fault)
    assert (await member(components, personas.OLIVIA)).id == personas.OLIVIA
    assert len(components.slack.calls_of("users.info")) == 2


async def test_member__unresponsive_slack_times_out(tmp_path: Path) -> None:
    async with open_components(tmp_path, timeout=1) as components:
        components.slack.fault("users.info", SlackFault(delay=1, times=None))
        with pytest.raises(SlackUnavailable, match="=timeout"):
            await components.identity.member(personas.OLIVIA)


async def test_member__unknown_id_is_none(components: Components) -> None:
    assert await components.identity.member("U0NOBODY01") is None
    components.slack.fault("users.info", SlackFault(error="user_not_visible"))
    assert await components.identity.member(personas.OLIVIA) is None


async def test_actor__has_the_groups_that_contain_the_member(components: Components) -> None:
    for user_id, groups in ((personas.OLIVIA, [personas.TOKEN_APPROVERS]), (personas.RAVI, [])):
        actor = await components.identity.actor(await member(components, user_id), GROUP, since=None)
        assert sorted(actor.groups) == groups
        assert actor.unverified == ()


@pytest.mark.parametrize(
    ("code", "retry_after"), [("missing_scope", 0.0), ("no_such_subteam", None), ("ratelimited", 0.0)]
)
async def test_actor__unreadable_group_counts_as_no_and_is_named(
    components: Components, code: str, retry_after: float | None
) -> None:
    components.slack.fault("usergroups.users.list", SlackFault(error=code, times=None))
    actor = await components.identity.actor(await member(components, personas.OLIVIA), GROUP, since=None)
    assert rule_for(actor, GROUP) is None
    assert actor.unverified == (FailedCheck(Subject.USER_GROUP, code, personas.TOKEN_APPROVERS),)
    assert actor.retry_after == retry_after


async def test_actor__another_rule_counts_when_a_group_is_unreadable(components: Components) -> None:
    components.slack.fault("usergroups.users.list", SlackFault(error="missing_scope", times=None))
    rules = parse_principals(f"{personas.TOKEN_APPROVERS}, {personas.OLIVIA}")
    actor = await components.identity.actor(await member(components, personas.OLIVIA), rules, since=None)
    assert str(rule_for(actor, rules)) == personas.OLIVIA
    assert components.slack.calls_of("usergroups.users.list") == []  # the answer is known already


async def test_actor__caches_a_group_for_a_minute_but_not_for_a_decision(components: Components) -> None:
    olivia = await member(components, personas.OLIVIA)
    await components.identity.actor(olivia, GROUP, since=None)
    components.slack.groups[personas.TOKEN_APPROVERS].members.remove(personas.OLIVIA)
    components.clock.advance(CACHE_TTL - 1)
    assert (await components.identity.actor(olivia, GROUP, since=components.identity.recently)).groups
    components.clock.advance(1)
    assert not (await components.identity.actor(olivia, GROUP, since=components.identity.recently)).groups
    components.slack.groups[personas.TOKEN_APPROVERS].members.append(personas.OLIVIA)
    assert (await components.identity.actor(olivia, GROUP, since=None)).groups
    assert len(components.slack.calls_of("usergroups.users.list")) == 3


async def test_actor__concurrent_reads_share_one_call(components: Components) -> None:
    olivia = await member(components, personas.OLIVIA)
    found = await asyncio.gather(*(components.identity.actor(olivia, GROUP, since=None) for _ in range(20)))
    assert all(one.groups for one in found)
    assert len(components.slack.calls_of("usergroups.users.list")) == 1


ROLE = parse_principals("role:Token Admin")


def role_reads(components: Components) -> tuple[int, int]:
    received = components.genesys.received
    return len(received("search_by_email")), len(received("get_user_roles"))


async def test_actor__roles_serve_every_click_from_before_their_reads(components: Components) -> None:
    olivia = await member(components, personas.OLIVIA)
    arrived = components.clock.now
    components.clock.advance(1)
    for _ in range(3):
        await asyncio.gather(*(components.identity.actor(olivia, ROLE, since=arrived) for _ in range(5)))
    assert role_reads(components) == (1, 1)
    await components.identity.actor(olivia, ROLE, since=components.clock.now)
    assert role_reads(components) == (2, 2)
    await components.identity.actor(olivia, ROLE, since=None)
    assert role_reads(components) == (3, 3)


async def test_actor__failed_read_of_roles_is_not_shared_with_later_clicks(components: Components) -> None:
    olivia = await member(components, personas.OLIVIA)
    arrived = components.clock.now
    components.clock.advance(1)
    components.genesys.fault("get_user_roles", GenesysFault(status=400))
    assert (await components.identity.actor(olivia, ROLE, since=arrived)).unverified
    assert not (await components.identity.actor(olivia, ROLE, since=arrived)).unverified


async def test_target_actor__reads_the_roles_of_a_target_each_time(components: Components) -> None:
    for _ in range(2):
        await components.identity.target_actor(None, TOM_IN_GENESYS, ROLE, since=components.identity.recently)
    assert role_reads(components)[1] == 2


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
async def test_actor__reads_roles_and_permissions_from_genesys_cloud(
    components: Components, rule: str, *, allowed: bool
) -> None:
    olivia = next(one for one in components.genesys.users.values() if one.name == "Olivia Ortega")
    olivia.roles = (EntityRef("role-id", "Token Admin"),)
    olivia.permissions = ("oauth:token:*", "routing:queue:edit", "directory:user:view")
    condition = {"conjunction": "AND", "nodes": []}
    olivia.policies = (
        {"domain": "oauth", "entityName": "token", "actionSet": ["*"]},
        {"domain": "routing", "entityName": "queue", "actionSet": ["edit"], "resourceConditionNode": condition},
        {"domain": "directory", "entityName": "user", "actionSet": ["view"]},
    )
    principals = parse_principals(rule)
    actor = await components.identity.actor(await member(components, personas.OLIVIA), principals, since=None)
    assert (rule_for(actor, principals) is not None) is allowed
    assert actor.unverified == ()


@pytest.mark.parametrize("operation", ["search_by_email", "get_user_roles", "login"])
async def test_actor__genesys_outage_counts_as_no_and_is_named(components: Components, operation: str) -> None:
    components.genesys.fault(operation, GenesysFault(status=500, times=None))
    principals = parse_principals("role:Token Admin")
    actor = await components.identity.actor(await member(components, personas.OLIVIA), principals, since=None)
    assert rule_for(actor, principals) is None
    assert [(one.subject, bool(one.correlation_id)) for one in actor.unverified] == [(Subject.GENESYS_ROLES, True)]
    assert actor.retry_after == 0.0


async def test_actor__rate_limit_of_genesys_cloud_says_when_to_try_again(components: Components) -> None:
    fault = GenesysFault(status=429, headers={"Retry-After": "12"}, times=None)
    components.genesys.fault("get_user_roles", fault)
    principals = parse_principals("role:Token Admin")
    actor = await components.identity.actor(await member(components, personas.OLIVIA), principals, since=None)
    assert actor.retry_after == 12.0


async def test_actor__person_with_two_ids_is_named_by_either(components: Components) -> None:
    """On Enterprise Grid, user groups and settings may list the id from before the migration."""
    olivia = replace(await member(components, personas.OLIVIA), id="W0OLIVIA01", enterprise_user_id="W0OLIVIA01")
    for rules in (GROUP, parse_principals(personas.OLIVIA), parse_principals("W0OLIVIA01")):
        assert rule_for(await components.identity.actor(olivia, rules, since=None), rules)


@pytest.mark.parametrize(("user_id", "why"), [(personas.UNA, "email_unconfirmed"), (personas.NOMAIL, "no_email")])
async def test_actor__member_without_a_genesys_person_holds_no_role(
    components: Components, user_id: str, why: str
) -> None:
    principals = parse_principals("role:Token Admin")
    actor = await components.identity.actor(await member(components, user_id), principals, since=None)
    assert rule_for(actor, principals) is None
    assert actor.unverified == (FailedCheck(Subject.GENESYS_ROLES, why),)
    assert components.genesys.requests == []


async def test_person__is_the_only_person_with_the_address(components: Components) -> None:
    found = await components.identity.person_of(await member(components, personas.TOM))
    assert found == Person(TOM.id, "Tom Target", TOM.email, "Support", "active")
    assert await components.identity.person_by_id(TOM.id) == found


@pytest.mark.parametrize("changes", [{"state": "deleted"}, {"state": "Deleted"}, {"email": "another@example.com"}])
async def test_person_by_email__is_denied_without_a_person(components: Components, changes: dict[str, str]) -> None:
    for name, value in changes.items():
        setattr(components.genesys.users[TOM.id], name, value)
    with pytest.raises(Denied) as caught:
        await components.identity.person_by_email(TOM.email)
    assert (caught.value.reason, caught.value.params) == (DenialCode.UNKNOWN_IN_GENESYS, {"named": TOM.email})


@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        ("tom@xn--bcher-kva.example", "tom@bücher.example"),
        ("Tom@Bücher.example", "tom@xn--bcher-kva.example"),
        ("tom@xn--bcher-kva.example", "tom@XN--bcher-kva.example"),
    ],
)
async def test_person_by_email__finds_both_spellings_of_a_domain(
    components: Components, asked: str, stored: str
) -> None:
    components.genesys.users[TOM.id].email = stored
    assert (await components.identity.person_by_email(asked)).id == TOM.id


async def test_person_by_email__takes_no_similar_domain_for_another_spelling(components: Components) -> None:
    components.genesys.users[TOM.id].email = "tom@strasse.example"
    with pytest.raises(Denied) as caught:
        await components.identity.person_by_email("tom@straße.example")
    assert caught.value.reason is DenialCode.UNKNOWN_IN_GENESYS


async def test_person_by_email__prefers_the_active_person(components: Components) -> None:
    components.genesys.users[PIA.id].email = TOM.email
    with pytest.raises(Denied) as caught:
        await components.identity.person_by_email(TOM.email)
    assert caught.value.reason is DenialCode.SEVERAL_IN_GENESYS
    components.genesys.users[PIA.id].state = "inactive"
    assert (await components.identity.person_by_email(TOM.email)).id == TOM.id


async def test_person_by_email__is_denied_for_two_inactive_people(components: Components) -> None:
    for one in (PIA.id, TOM.id):
        components.genesys.users[one].email = TOM.email
        components.genesys.users[one].state = "inactive"
    with pytest.raises(Denied) as caught:
        await components.identity.person_by_email(TOM.email)
    assert (caught.value.reason, caught.value.params["count"]) == (DenialCode.SEVERAL_IN_GENESYS, "2")


@pytest.mark.parametrize("state", ["inactive", "INACTIVE", "hibernating"])
async def test_person__may_be_inactive(components: Components, state: str) -> None:
    components.genesys.users[TOM.id].state = state
    found = [
        await components.identity.person_by_email(TOM.email),
        await components.identity.person_by_id(TOM.id),
        await components.identity.person_of(await member(components, personas.TOM)),
    ]
    assert {(one.id, one.state, one.active) for one in found} == {(TOM.id, state, False)}


async def test_actor__inactive_person_has_no_roles(components: Components) -> None:
    tom = await member(components, personas.TOM)
    components.genesys.users[TOM.id].state = "inactive"
    actor = await components.identity.actor(tom, parse_principals("role:Agent"), since=None)
    assert (actor.person, actor.grants) == (None, Grants())
    assert actor.unverified == (FailedCheck(Subject.GENESYS_ROLES, "inactive_in_genesys"),)
    assert actor.retry_after is None
    assert components.genesys.received("get_user_roles") == []


async def test_person_by_id__is_denied_for_deleted_people(components: Components) -> None:
    components.genesys.users[TOM.id].state = "deleted"
    with pytest.raises(Denied) as caught:
        await components.identity.person_by_id(TOM.id)
    assert caught.value.reason is DenialCode.UNKNOWN_IN_GENESYS


async def test_person_by_id__is_denied_if_genesys_cloud_returns_a_deleted_person(components: Components) -> None:
    body = {"id": TOM.id, "name": "Tom Target", "state": "deleted"}
    components.genesys.fault("get_user", GenesysFault(status=200, body=body))
    with pytest.raises(Denied) as caught:
        await components.identity.person_by_id(TOM.id)
    assert caught.value.reason is DenialCode.UNKNOWN_IN_GENESYS


@pytest.mark.parametrize("email", ["tom", "a@b@example.com", "tom @example.com", "@", "x" * 300])
async def test_person_by_email__is_denied_for_what_is_no_address(components: Components, email: str) -> None:
    """A stored command of another version, or a profile in Slack, may contain anything."""
    with pytest.raises(Denied) as caught:
        await components.identity.person_by_email(email)
    assert (caught.value.reason, caught.value.params) == (DenialCode.TARGET_IS_NO_ADDRESS, {"word": email})


async def test_person_by_id__is_denied_for_what_is_no_id(components: Components) -> None:
    with pytest.raises(Denied) as caught:
        await components.identity.person_by_id("me")
    assert (caught.value.reason, caught.value.params) == (DenialCode.TARGET_UNREADABLE, {"word": "me"})


async def test_person__genesys_outage_is_an_error(components: Components) -> None:
    components.genesys.fault("get_user", GenesysFault(status=500))
    with pytest.raises(GenesysServerError):
        await components.identity.person_by_id(TOM.id)
    components.genesys.fault("search_by_email", GenesysFault(drop="before", times=None))
    with pytest.raises(GenesysError):
        await components.identity.person_by_email(TOM.email)


@pytest.mark.parametrize(
    "condition",
    [
        {"allowConditions": True},
        {"resourceCondition": "division == mine"},
        {"resourceConditionNode": {"conjunction": "AND"}},
        {"namedResources": ["one"]},
    ],
)
def test_grants__policy_with_a_condition_is_kept_apart(condition: dict[str, Any]) -> None:
    policy = {"domain": "OAuth", "entityName": "Token", "actionSet": ["Delete"]}
    payload = {"permissionPolicies": [policy | condition], "permissions": ["oauth:token:delete", "no permission"]}
    granted = ("oauth", "token", "delete")
    found = read_grants(UserAuthorization.model_validate(payload))
    assert found == Grants(listed=frozenset({granted}), conditional=frozenset({granted}))


@pytest.mark.parametrize("spell", [str, str.upper])
def test_grants__name_that_looks_like_an_id_is_no_id(spell: Callable[[str], str]) -> None:
    """An id in a rule matches the role with this id, and no role with such a name."""
    real, other = "0a6f8a9c-31aa-4d6c-9b5a-7a4f2f1c0001", "0a6f8a9c-31aa-4d6c-9b5a-7a4f2f1c0002"
    payload = {"roles": [{"id": other, "name": spell(real)}]}
    found = read_grants(UserAuthorization.model_validate(payload))
    member = Actor(Member(id=personas.RAVI, team_id="", name=""), grants=found)

    assert matches(member, Principal(PrincipalKind.ROLE, spell(other)))
    assert not matches(member, Principal(PrincipalKind.ROLE, real))
    assert not matches(member, Principal(PrincipalKind.ROLE, real.upper()))
