"""Help shows a person what they can do, and no more."""

from __future__ import annotations

import re

import pytest
from syrupy.assertion import SnapshotAssertion

from bot.domain.actions import ACTIONS
from bot.domain.denials import DenialCode
from bot.domain.failed_checks import FailedCheck, Subject
from bot.domain.principals import Principal, PrincipalKind
from bot.domain.requests import BREAK_GLASS
from bot.sandbox.slack.block_kit import problems
from bot.services.account import Permissions
from handlers import help as help_command
from handlers.commands import READ_ONLY
from tests.support.examples import UNREAD_GROUP
from tests.support.render_text import buttons, readable, texts, words
from tests.support.sample_outcomes import HOSTILE
from tests.support.stub_services import ENGLISH, INVOKER, StubServices

RULE = Principal(PrincipalKind.GROUP, "S0TOKENAPP")
REVOKE, ALL = {"revoke": RULE}, {name: RULE for name in ACTIONS if name != BREAK_GLASS}
PEOPLE = {
    "no rights": Permissions(),
    "guest": Permissions(denied_because=DenialCode.GUEST),
    "requester": Permissions(request=REVOKE),
    "requester, a group is unreadable": Permissions(request=REVOKE, unverified=(UNREAD_GROUP,)),
    "no rights, a group is unreadable": Permissions(unverified=(UNREAD_GROUP,)),
    "approver": Permissions(request=REVOKE, approve=REVOKE),
    "approver of others": Permissions(request=REVOKE, approve=REVOKE, self_approval=False),
    "approver with others": Permissions(request=REVOKE, approve=REVOKE, approvals_required=2),
    "approver who cannot request": Permissions(approve=REVOKE),
    "admin": Permissions(request=ALL, approve=ALL, administer=RULE),
}


def offered_to(permissions: Permissions) -> str:
    return words({"text": "", "blocks": [help_command.command_block(ENGLISH, permissions)]})


@pytest.mark.parametrize("who", PEOPLE)
async def test_help__shows_what_a_person_can_do(who: str, snapshot: SnapshotAssertion) -> None:
    message = await help_command.answer(INVOKER, StubServices(PEOPLE[who]), ENGLISH)
    assert readable(message) == snapshot
    assert problems(message) == []
    assert buttons(message) == []


@pytest.mark.parametrize("who", PEOPLE)
def test_commands_for__offers_no_command_without_the_right(who: str) -> None:
    offered = offered_to(PEOPLE[who])
    assert ("/purecloud revoke" in offered) == ("revoke" in PEOPLE[who].request)
    assert ("/purecloud rotate" in offered) == ("rotate" in PEOPLE[who].request)


@pytest.mark.parametrize("action", [name for name in ACTIONS if name != BREAK_GLASS])
def test_approval_hint__fits_whatever_a_person_may_approve(action: str) -> None:
    for permissions in (
        Permissions(approve={action: RULE}, approvals_required=2),
        Permissions(approve={action: RULE}),
        Permissions(approve={action: RULE}, self_approval=False),
    ):
        said = help_command.approval_hint(ENGLISH, permissions)
        assert said.startswith("You can approve requests")
        assert not any(word in said.lower() for word in ("revo", "rotat", "session"))


def test_commands_for__shows_every_command_to_an_admin() -> None:
    offered = offered_to(PEOPLE["admin"])
    codes = [*(f"{name}.help" for name in ALL), *(f"command.{name}" for name in READ_ONLY)]
    typed = [re.findall("`(/purecloud[^`]*)`", ENGLISH.template(code))[0] for code in codes if code in ENGLISH]
    assert len(typed) == len(codes) - 1  # the list is the answer to `help`
    assert all(f"`{line}`" in offered for line in typed)


async def test_help__names_an_unknown_word_first(snapshot: SnapshotAssertion) -> None:
    message = await help_command.answer(INVOKER, StubServices(), ENGLISH, unknown="revok", suggest=lambda _: "revoke")
    assert readable(message) == snapshot


async def test_help__escapes_unknown_words_and_failed_checks() -> None:
    for word in HOSTILE:
        services = StubServices(Permissions(unverified=(FailedCheck(Subject.GENESYS_ROLES, word, word, word),)))
        message = await help_command.answer(INVOKER, services, ENGLISH, unknown=word)
        assert problems(message) == []
        assert not any(markup in "".join(texts(message, "mrkdwn")) for markup in ("<!", "<@", "<http"))
