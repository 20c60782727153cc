"""Principals of Slack: whom they name, under another id or by email address, and whom they protect."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.failed_checks import Cause, FailedCheck, Subject
from bot.domain.people import Actor, Person
from bot.domain.policy import rule_for
from bot.domain.principals import parse_principals
from bot.sandbox import personas
from bot.sandbox.slack.faults import SlackFault
from bot.sandbox.slack.workspace import UserGroup
from bot.services.identity import CACHE_TTL
from bot.services.slack_principals import MAX_GROUP_SIZE
from bot.slack.named_users import REFRESH_AFTER
from tests.support.components import PIA, TOM_IN_GENESYS, Components, open_components

PIA_IN_GENESYS = Person(PIA.id, PIA.name, PIA.email)
VIPS, GLOBAL_ID = "S0VIPS0001", "W0PIA00001"


@pytest.fixture
async def components(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        yield opened


def add_group(components: Components, *members: str) -> UserGroup:
    group = components.slack.groups[VIPS] = UserGroup(id=VIPS, handle="vips", members=list(members))
    return group


def put_on_grid(components: Components, user_id: str, global_id: str, answered_as: str) -> None:
    """Give a user two ids; Slack answers with `answered_as` as `id`."""
    user = components.slack.members.pop(user_id)
    user.id, user.enterprise_user = answered_as, {"id": global_id, "enterprise_id": "E0GRID0001", "teams": []}
    components.slack.members[user_id] = user
    components.slack.workspace.enterprise_id = "E0GRID0001"


async def move_to_grid(components: Components) -> None:
    components.slack.workspace.enterprise_id = "E0GRID0001"
    await components.workspace.identify()


async def target(components: Components, rule: str, person: Person, slack_id: str | None = None) -> Actor:
    return await components.identity.target_actor(slack_id, person, parse_principals(rule))


async def protects(components: Components, rule: str, person: Person, slack_id: str | None = None) -> bool:
    """Return whether a rule names a target; asserts that nothing is left open."""
    actor = await target(components, rule, person, slack_id)
    found = rule_for(actor, parse_principals(rule)) is not None
    assert found or not actor.unverified, actor.unverified
    return found


@pytest.mark.parametrize("rule", [personas.PIA, VIPS])
@pytest.mark.parametrize("address", [PIA.email, PIA.email.upper(), f" {PIA.email}"])
async def test_protected__deactivated_user_is_found_by_address(components: Components, rule: str, address: str) -> None:
    """`users.lookupByEmail` does not find deactivated users."""
    add_group(components, personas.PIA)
    components.slack.members[personas.PIA].deleted = True
    assert await protects(components, rule, replace(PIA_IN_GENESYS, email=address))
    assert not await protects(components, rule, TOM_IN_GENESYS)


async def test_protected__address_of_slack_may_be_in_punycode(components: Components) -> None:
    pia = components.slack.members[personas.PIA]
    pia.deleted, pia.email = True, "pia@xn--bcher-kva.example"
    assert await protects(components, personas.PIA, replace(PIA_IN_GENESYS, email="Pia@B\u00fccher.example"))


async def test_protected__unconfirmed_address_protects_too(components: Components) -> None:
    pia = components.slack.members[personas.PIA]
    pia.deleted, pia.is_email_confirmed = True, False
    assert await protects(components, personas.PIA, PIA_IN_GENESYS)


async def test_protected__second_account_with_the_address_is_the_same_person(components: Components) -> None:
    components.slack.members[personas.PIA].deleted = True
    assert await protects(components, personas.PIA, PIA_IN_GENESYS, personas.NADIA)


@pytest.mark.parametrize("listed", ["user", "group"])
@pytest.mark.parametrize("answered_as", [personas.PIA, GLOBAL_ID])
@pytest.mark.parametrize("named", [personas.PIA, GLOBAL_ID])
@pytest.mark.parametrize("typed", [personas.PIA, GLOBAL_ID, None])
async def test_protected__both_ids_of_enterprise_grid_are_one_person(
    components: Components, listed: str, answered_as: str, named: str, typed: str | None
) -> None:
    put_on_grid(components, personas.PIA, GLOBAL_ID, answered_as)
    add_group(components, named)
    person = PIA_IN_GENESYS if typed is None else replace(PIA_IN_GENESYS, email="other@example.com")
    rule = named if listed == "user" else VIPS
    assert await protects(components, rule, person, typed)
    assert not await protects(components, rule, TOM_IN_GENESYS, personas.TOM)


async def test_protected__user_who_was_never_read_leaves_it_open(components: Components) -> None:
    components.slack.fault("users.info", SlackFault(retry_after=20, times=None))
    actor = await target(components, personas.PIA, TOM_IN_GENESYS)
    assert actor.unverified == (FailedCheck(Subject.SLACK_USER, "ratelimited", personas.PIA),)
    assert actor.retry_after == 20


async def test_protected__user_who_was_read_once_is_known_while_slack_fails(components: Components) -> None:
    components.slack.members[personas.PIA].deleted = True
    await protects(components, personas.PIA, TOM_IN_GENESYS)
    components.clock.advance(REFRESH_AFTER)
    components.slack.fault("users.info", SlackFault(error="internal_error", times=None))
    assert await protects(components, personas.PIA, PIA_IN_GENESYS)
    assert not await protects(components, personas.PIA, TOM_IN_GENESYS)


async def test_protected__user_without_any_address_leaves_a_target_without_slack_user_open(
    components: Components,
) -> None:
    unknown = replace(TOM_IN_GENESYS, email="not.in.slack@example.com")
    actor = await target(components, personas.NOMAIL, unknown)
    assert actor.unverified == (FailedCheck(Subject.SLACK_USER, Cause.NO_EMAIL_ADDRESS, personas.NOMAIL),)
    assert not await protects(components, personas.NOMAIL, TOM_IN_GENESYS)


async def test_protected__id_that_slack_does_not_know_leaves_everyone_open(components: Components) -> None:
    actor = await target(components, "U0NOBODY01", TOM_IN_GENESYS)
    assert (actor.unverified, actor.retry_after) == (
        (FailedCheck(Subject.SLACK_USER, "user_not_found", "U0NOBODY01"),),
        None,
    )


@pytest.mark.parametrize("problem", ["empty", "disabled", "unknown"])
async def test_protected__group_that_names_no_one_leaves_everyone_open(components: Components, problem: str) -> None:
    group = add_group(components, *([] if problem == "empty" else [personas.PIA]))
    group.disabled = problem == "disabled"
    if problem == "unknown":
        del components.slack.groups[VIPS]
    reason = "no_members" if problem == "empty" else "no_such_subteam"
    for slack_id in (None, personas.TOM):
        actor = await target(components, VIPS, TOM_IN_GENESYS, slack_id)
        assert (actor.unverified, actor.retry_after) == ((FailedCheck(Subject.USER_GROUP, reason, VIPS),), None)


async def test_protected__large_group_leaves_only_targets_without_slack_user_open(components: Components) -> None:
    add_group(components, *(f"U0MEMBER{number:03}" for number in range(MAX_GROUP_SIZE + 1)))
    unknown = replace(TOM_IN_GENESYS, email="not.in.slack@example.com")
    assert (await target(components, VIPS, unknown)).unverified == (
        FailedCheck(Subject.USER_GROUP, Cause.TOO_MANY_MEMBERS, VIPS),
    )
    assert not await protects(components, VIPS, TOM_IN_GENESYS)
    assert components.slack.calls_of("users.info") == []


async def test_protected__groups_of_targets_with_a_slack_user_need_no_lookup(components: Components) -> None:
    add_group(components, personas.PIA, personas.OLIVIA)
    assert not await protects(components, VIPS, TOM_IN_GENESYS)
    assert components.slack.calls_of("users.info") == []


@pytest.mark.parametrize("listed", ["user", "group"])
@pytest.mark.parametrize("answered_as", [personas.PIA, GLOBAL_ID])
@pytest.mark.parametrize("named", [personas.PIA, GLOBAL_ID])
@pytest.mark.parametrize("acts_as", [personas.PIA, GLOBAL_ID])
async def test_rights__both_ids_of_enterprise_grid_are_one_person(
    components: Components, listed: str, answered_as: str, named: str, acts_as: str
) -> None:
    put_on_grid(components, personas.PIA, GLOBAL_ID, answered_as)
    add_group(components, named)
    rules = parse_principals(named if listed == "user" else VIPS)
    for user_id, expected in ((acts_as, True), (personas.TOM, False)):
        member = await components.identity.member(user_id)
        assert member
        actor = await components.identity.actor(member, rules, since=None)
        assert (rule_for(actor, rules) is not None) is expected
        assert actor.unverified == ()


async def test_rights__are_not_granted_by_address(components: Components) -> None:
    """A new account may get the address of a former colleague."""
    await move_to_grid(components)
    pia, nadia = components.slack.members[personas.PIA], components.slack.members[personas.NADIA]
    pia.deleted, nadia.email = True, pia.email
    member = await components.identity.member(personas.NADIA)
    assert member
    rules = parse_principals(personas.PIA)
    assert rule_for(await components.identity.actor(member, rules, since=None), rules) is None


async def test_rights__unreadable_user_on_enterprise_grid_is_no_verdict(components: Components) -> None:
    await move_to_grid(components)
    nadia = await components.identity.member(personas.NADIA)
    assert nadia
    components.slack.fault("users.info", SlackFault(retry_after=20, times=None))
    rules = parse_principals(personas.BEN)
    actor = await components.identity.actor(nadia, rules, since=None)
    assert (actor.unverified, actor.retry_after) == (
        (FailedCheck(Subject.SLACK_USER, "ratelimited", personas.BEN),),
        20,
    )


async def test_rights__outside_enterprise_grid_need_no_lookup(components: Components) -> None:
    nadia = await components.identity.member(personas.NADIA)
    assert nadia
    rules = parse_principals(f"{personas.BEN}, {personas.TOKEN_APPROVERS}")
    since = components.clock() - CACHE_TTL
    assert rule_for(await components.identity.actor(nadia, rules, since=since), rules) is None
    assert len(components.slack.calls_of("users.info")) == 1
