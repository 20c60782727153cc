"""Permissions and whoami."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.commands import Invoker
from bot.domain.denials import DenialCode, Denied
from bot.domain.failed_checks import FailedCheck, Subject
from bot.domain.people import Person
from bot.domain.principals import parse_principals
from bot.errors import SlackUnavailable
from bot.purecloud import GenesysServerError, TokenInfo
from bot.sandbox import personas
from bot.sandbox.genesys.server import GenesysFault
from bot.sandbox.slack.faults import SlackFault
from bot.services.identity import same_email
from tests.support.components import TOM_IN_GENESYS, Components, open_components
from tests.support.examples import member


@pytest.fixture
async def components(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        yield opened


def invoker(user_id: str) -> Invoker:
    return Invoker(user_id, "T0HOME0001", personas.OPS, f"trigger of {user_id}")


async def test_permissions__name_the_rules(components: Components) -> None:
    found = await components.account().permissions(invoker(personas.OLIVIA))
    assert [str(found.request[name]) for name in ("revoke", "rotate")] == [personas.OLIVIA, personas.OLIVIA]
    assert [str(found.approve[name]) for name in ("revoke", "rotate")] == [personas.TOKEN_APPROVERS, personas.OLIVIA]
    assert str(found.administer) == personas.OLIVIA


async def test_permissions__say_how_many_approvals_a_revocation_needs(components: Components) -> None:
    ben = invoker(personas.BEN)
    assert (await components.account().permissions(ben)).approvals_required == 1
    assert (await components.account(approvals_required=2).permissions(ben)).approvals_required == 2


async def test_permissions__name_what_could_not_be_read(components: Components) -> None:
    components.slack.fault("usergroups.users.list", SlackFault(error="missing_scope", times=None))
    found = await components.account().permissions(invoker(personas.BEN))
    assert found.approve == {}
    assert found.unverified == (FailedCheck(Subject.USER_GROUP, "missing_scope", personas.TOKEN_APPROVERS),)


@pytest.mark.parametrize(
    ("fault", "unknown"),
    [
        (SlackFault(retry_after=30), {"revoke"}),
        (SlackFault(html="<h1>Bad gateway</h1>", status=502, times=2), {"revoke"}),
        (SlackFault(drop=True, times=2), {"revoke"}),
        (SlackFault(error="missing_scope"), {"revoke"}),
        (SlackFault(error="no_such_subteam"), set()),
    ],
)
async def test_permissions__what_may_be_readable_later_is_unknown(
    components: Components, fault: SlackFault, unknown: set[str]
) -> None:
    components.slack.fault("usergroups.users.list", fault)
    found = await components.account().permissions(invoker(personas.BEN))
    assert (set(found.request_unknown), set(found.approve_unknown)) == (set(), unknown)
    assert found.unverified


async def test_permissions__person_without_a_genesys_cloud_user_holds_no_role(components: Components) -> None:
    found = await components.account(approvers=parse_principals("role:Any")).permissions(invoker(personas.NOMAIL))
    assert not found.approve_unknown
    assert found.unverified == (FailedCheck(Subject.GENESYS_ROLES, "no_email"),)


async def test_permissions__guest_has_none(components: Components) -> None:
    found = await components.account().permissions(invoker(personas.GUS))
    assert found.denied_because is DenialCode.GUEST
    assert (found.request, found.approve, found.administer) == ({}, {}, None)


async def test_permissions__other_workspace_is_denied(components: Components) -> None:
    with pytest.raises(Denied) as caught:
        await components.account().permissions(invoker(personas.ONA))
    assert caught.value.reason is DenialCode.OUTSIDER


async def test_whoami__returns_the_person_and_the_bots_token(components: Components) -> None:
    who = await components.account().whoami(invoker(personas.TOM))
    assert (who.member.id, who.person) == (personas.TOM, TOM_IN_GENESYS)
    assert isinstance(who.token, TokenInfo)
    assert (who.region.domain, who.workspace.team_id) == ("mypurecloud.ie", components.slack.team_id)


async def test_whoami__does_not_read_the_token_for_a_guest(components: Components) -> None:
    assert (await components.account().whoami(invoker(personas.GUS))).token is None
    assert components.genesys.received("get_tokens_me") == []


async def test_whoami__returns_why_there_is_no_person_or_no_token(components: Components) -> None:
    assert isinstance((await components.account().whoami(invoker(personas.NOMAIL))).person, Denied)
    components.genesys.fault("search_by_email", GenesysFault(status=500))
    components.genesys.fault("get_tokens_me", GenesysFault(status=500))
    who = await components.account().whoami(invoker(personas.TOM))
    assert isinstance(who.person, GenesysServerError)
    assert isinstance(who.token, GenesysServerError)


async def test_whoami__slack_outage_is_an_error(components: Components) -> None:
    components.slack.fault("users.info", SlackFault(error="internal_error", times=None))
    with pytest.raises(SlackUnavailable):
        await components.account().whoami(invoker(personas.TOM))


def test_same_email__missing_addresses_are_not_the_same() -> None:
    person = Person("id", "Name")
    assert not same_email(person, member(email=None))
    assert same_email(replace(person, email="A@example.com"), member(email="a@EXAMPLE.com"))
