"""Who am I: the person here and in Genesys Cloud, what they may do by which rule, and the token but never itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from bot.domain.people import Person, Principal, PrincipalKind
from bot.domain.policy import DenialCode, Denied
from bot.purecloud import GenesysForbidden, GenesysUnreachable, TokenInfo, region
from bot.sandbox.slack.block_kit import problems
from bot.services.requesting import Permissions, WhoAmI
from handlers import whoami
from tests.support.examples import RAVI, WORKSPACE, member
from tests.support.render_text import readable, texts, words
from tests.support.sample_outcomes import HOSTILE
from tests.support.stub_service import INVOKER, StubService

TOKEN: dict[str, Any] = {
    "organization": {"id": "0c1d", "name": "Example Ltd"},
    "homeOrganization": {"id": "0c1d", "name": "Example Ltd"},
    "dateTokenIdles": "2026-06-21T12:30:00Z",
    "OAuthClient": {"id": "b07", "name": "Revoke bot", "authorizedGrantType": "CLIENT_CREDENTIALS"},
}
RAVI_IN_GENESYS = Person("6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e03", "Ravi Rao", "ravi.rao@example.com", "Home", "active")
ABILITIES = Permissions(
    ask=Principal(PrincipalKind.USER, RAVI), confirm=Principal(PrincipalKind.ROLE, "Token <Approver>")
)
WHO = WhoAmI(
    member=member(email="ravi.rao@example.com"),
    abilities=ABILITIES,
    person=RAVI_IN_GENESYS,
    token=TokenInfo.model_validate(TOKEN),
    region=region("mypurecloud.ie"),
    workspace=WORKSPACE,
)


def token(**changes: Any) -> WhoAmI:
    return replace(WHO, token=TokenInfo.model_validate(TOKEN | changes))


EVERYBODY = {
    "a member": WHO,
    "not found": replace(WHO, person=Denied(DenialCode.UNKNOWN_IN_GENESYS, named="ravi.rao@example.com")),
    "no e-mail": replace(WHO, member=member(), person=Denied(DenialCode.NO_EMAIL, member=RAVI)),
    "genesys away": replace(WHO, person=GenesysUnreachable(), token=GenesysForbidden(status=403)),
    "a guest": replace(WHO, abilities=Permissions(against=DenialCode.GUEST), token=None),
    "not all could be read": replace(WHO, abilities=Permissions(unread=("user group S0X (ratelimited)", "roles (x)"))),
    "a token of another home": token(homeOrganization={"id": "0c2e", "name": "Partner Ltd"}),
    "a token with scopes": token(OAuthClient={"id": "b07", "scope": ["authorization", "users:readonly"]}),
    "a token that says nothing": replace(WHO, token=TokenInfo()),
}


@pytest.mark.parametrize("who", EVERYBODY)
async def test_whoami__tells_each_who_they_are(who: str, snapshot: SnapshotAssertion) -> None:
    message = await whoami.answer(INVOKER, "", StubService(who=EVERYBODY[who]))

    assert readable(message) == snapshot
    assert problems(message) == []


async def test_whoami__names_the_home_organization_only_where_it_is_another() -> None:
    same = words(await whoami.answer(INVOKER, "", StubService(who=WHO)))
    other = words(await whoami.answer(INVOKER, "", StubService(who=EVERYBODY["a token of another home"])))

    assert "home:" not in same
    assert "Example Ltd (0c1d) (home: Partner Ltd (0c2e))" in other


@pytest.mark.parametrize("who", EVERYBODY)
async def test_whoami__says_nothing_of_changes_to_who_only_asked(who: str) -> None:
    assert "changed" not in words(await whoami.answer(INVOKER, "", StubService(who=EVERYBODY[who])))


async def test_whoami__shows_no_token_to_who_is_no_full_member() -> None:
    said = words(await whoami.answer(INVOKER, "", StubService(who=EVERYBODY["a guest"])))

    assert "full members of the workspace only" in said
    assert "Revoke bot" not in said


async def test_whoami__shows_hostile_names_as_they_are_and_harmless() -> None:
    for called in HOSTILE:
        named = {"id": called, "name": called}
        client = {**named, "authorizedGrantType": called, "scope": [called]}
        who = replace(
            token(organization=named, homeOrganization=named, OAuthClient=client),
            member=member(name=called, email=called),
            person=Person(called, called, called, called, called),
            workspace=replace(WORKSPACE, name=called),
            abilities=Permissions(ask=Principal(PrincipalKind.ROLE, called), unread=(called,)),
        )
        message = await whoami.answer(INVOKER, "", StubService(who=who))

        assert problems(message) == []
        assert not any(call in "".join(texts(message, "mrkdwn")) for call in ("<!channel", "<!sub", "<@", "<http"))
