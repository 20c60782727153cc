"""whoami shows the person, their rights by rule, and the bot's token without its value."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from bot.domain.denials import DenialCode, Denied
from bot.domain.failed_checks import FailedCheck, Subject
from bot.domain.people import Person
from bot.domain.principals import Principal, PrincipalKind
from bot.purecloud import GenesysForbidden, GenesysUnreachable, TokenInfo, region
from bot.sandbox.slack.block_kit import problems
from bot.services.account import Permissions, WhoAmI
from handlers import whoami
from handlers.ui.blocks import Message
from tests.support.examples import RAVI, UNREAD_GROUP, UNREAD_ROLES, WORKSPACE, member
from tests.support.render_text import readable, texts, words
from tests.support.sample_outcomes import HOSTILE
from tests.support.stub_services import ENGLISH, INVOKER, StubServices

TOKEN: dict[str, Any] = {
    "organization": {"id": "0c1d", "name": "Example Ltd"},
    "homeOrganization": {"id": "0c1d", "name": "Example Ltd"},
    "dateTokenIdles": "2026-06-21T12:30:00Z",
    "OAuthClient": {"id": "b07", "name": "Revoke bot", "authorizedGrantType": "CLIENT_CREDENTIALS"},
}
RAVI_IN_GENESYS = Person("6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e03", "Ravi Rao", "ravi.rao@example.com", "Home", "active")
PERMISSIONS = Permissions(
    request={"revoke": Principal(PrincipalKind.USER, RAVI)},
    approve={"revoke": Principal(PrincipalKind.ROLE, "Token <Approver>")},
)
ADMIN = replace(PERMISSIONS, administer=Principal(PrincipalKind.USER, RAVI))
WHO = WhoAmI(
    member=member(email="ravi.rao@example.com"),
    permissions=PERMISSIONS,
    person=RAVI_IN_GENESYS,
    token=TokenInfo.model_validate(TOKEN),
    region=region("mypurecloud.ie"),
    workspace=WORKSPACE,
)


def token(**changes: Any) -> WhoAmI:
    return replace(WHO, token=TokenInfo.model_validate(TOKEN | changes))


PEOPLE = {
    "a member": WHO,
    "an admin": replace(WHO, permissions=ADMIN),
    "not found": replace(WHO, person=Denied(DenialCode.UNKNOWN_IN_GENESYS, named="ravi.rao@example.com")),
    "inactive": replace(WHO, person=replace(RAVI_IN_GENESYS, state="inactive")),
    "no email": replace(WHO, member=member(), person=Denied(DenialCode.NO_EMAIL, member=RAVI)),
    "genesys unreachable": replace(WHO, person=GenesysUnreachable(), token=GenesysForbidden(status=403)),
    "by rules of each kind": replace(
        WHO,
        permissions=Permissions(
            request={
                "revoke": Principal(PrincipalKind.GROUP, "S0TOKENAPP"),
                "rotate": Principal(PrincipalKind.PERMISSION, "oauth:token:delete"),
            },
            approve={"revoke": Principal(PrincipalKind.USER, RAVI)},
        ),
    ),
    "email not confirmed": replace(WHO, person=Denied(DenialCode.EMAIL_UNCONFIRMED, member=RAVI)),
    "several in Genesys Cloud": replace(
        WHO, person=Denied(DenialCode.SEVERAL_IN_GENESYS, email="ravi.rao@example.com", count="2")
    ),
    "another name in Genesys Cloud": replace(WHO, person=replace(RAVI_IN_GENESYS, name="R. Rao")),
    "a guest": replace(WHO, permissions=Permissions(denied_because=DenialCode.GUEST), token=None),
    "not checked": replace(
        WHO,
        permissions=Permissions(
            approve={"rotate": Principal(PrincipalKind.USER, RAVI)},
            unverified=(UNREAD_GROUP,),
            request_unknown=frozenset({"revoke"}),
            approve_unknown=frozenset({"revoke"}),
        ),
    ),
    "unverified": replace(WHO, permissions=Permissions(unverified=(UNREAD_GROUP, UNREAD_ROLES))),
    "another home organization": token(homeOrganization={"id": "0c2e", "name": "Partner Ltd"}),
    "a token with scopes": token(OAuthClient={"id": "b07", "scope": ["authorization", "users:readonly"]}),
    "an empty token": replace(WHO, token=TokenInfo()),
}


async def answer(who: WhoAmI) -> Message:
    return await whoami.answer(INVOKER, StubServices(who=who), ENGLISH)


@pytest.mark.parametrize("who", PEOPLE)
async def test_whoami__shows_who_a_person_is(who: str, snapshot: SnapshotAssertion) -> None:
    message = await answer(PEOPLE[who])
    assert readable(message) == snapshot
    assert problems(message) == []


async def test_whoami__names_the_home_organization_only_if_it_differs() -> None:
    assert "home:" not in words(await answer(WHO))
    assert "Example Ltd (home: Partner Ltd)" in words(await answer(PEOPLE["another home organization"]))


async def test_whoami__shows_ids_to_admins_only() -> None:
    hidden = words(await answer(WHO))
    for one in ("0c1d", "b07", RAVI_IN_GENESYS.id, RAVI):
        assert one not in hidden
    shown = words(await answer(PEOPLE["an admin"]))
    assert RAVI_IN_GENESYS.id in shown
    assert "Example Ltd (0c1d)" in shown
    assert "Revoke bot (b07)" in shown


@pytest.mark.parametrize("who", PEOPLE)
async def test_whoami__speaks_to_the_person_and_not_about_them(who: str) -> None:
    assert f"<@{RAVI}>" not in words(await answer(PEOPLE[who]))
    assert " they " not in words(await answer(PEOPLE[who]))


@pytest.mark.parametrize("who", PEOPLE)
async def test_whoami__says_nothing_about_changes(who: str) -> None:
    assert "changed" not in words(await answer(PEOPLE[who]))


async def test_whoami__hides_the_token_from_guests() -> None:
    said = words(await answer(PEOPLE["a guest"]))
    assert "full members of the workspace only" in said
    assert "Revoke bot" not in said


async def test_whoami__escapes_names() -> None:
    for called in HOSTILE:
        named = {"id": called, "name": called}
        client = {**named, "authorizedGrantType": called, "scope": [called]}
        who = replace(
            token(organization=named, homeOrganization=named, OAuthClient=client),
            member=member(name=called, email=called),
            person=Person(called, called, called, called, called),
            workspace=replace(WORKSPACE, name=called),
            permissions=Permissions(
                request={"revoke": Principal(PrincipalKind.ROLE, called)},
                administer=Principal(PrincipalKind.ROLE, called),
                unverified=(FailedCheck(Subject.GENESYS_ROLES, called, called, called),),
            ),
        )
        message = await answer(who)
        assert problems(message) == []
        assert not any(one in "".join(texts(message, "mrkdwn")) for one in ("<!channel", "<!sub", "<@", "<http"))
