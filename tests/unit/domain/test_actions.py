"""Actions: who may request and approve each, and the one call that it makes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.actions import ACTIONS, BREAK_GLASS, REVOKE, REVOKE_MANY, ROTATE, Action, Actions, GenesysApi, Response
from bot.domain.denials import DenialCode
from bot.domain.requests import Request
from bot.domain.rules import Rules
from bot.purecloud import Done
from tests.support.examples import BEN, OLIVIA, RAVI, TOM, TOM_IN_GENESYS, request, rotation, users
from tests.support.fake_genesys_api import FakeGenesysApi

RULES = Rules(approvers=users(BEN), requesters=users(RAVI), admins=users(OLIVIA))


async def executed(action: Action, asked: Request) -> list[str]:
    genesys = FakeGenesysApi()
    assert await action.execute(genesys, asked) is genesys.answer
    return genesys.calls


async def test_revoke__deletes_the_tokens_of_the_target_alone() -> None:
    assert await executed(REVOKE, request()) == [f"delete_token {TOM_IN_GENESYS.id}"]


async def test_revoke__without_a_target_makes_no_call() -> None:
    genesys = FakeGenesysApi()

    with pytest.raises(ValueError, match=r"^the request has no target$"):
        await REVOKE.execute(genesys, request(target=None))

    assert genesys.calls == []


async def test_rotate__replaces_the_token_of_the_bot_alone() -> None:
    assert await executed(ROTATE, rotation()) == ["rotate"]
    assert await executed(ROTATE, request()) == ["rotate"]


def test_revoke__is_requested_by_requesters_and_approved_by_approvers() -> None:
    assert REVOKE.requesters(RULES) == users(RAVI)
    assert REVOKE.approvers(RULES) == users(BEN)
    assert REVOKE.requesters(Rules(approvers=users(BEN))) == users(BEN)
    assert (REVOKE.not_a_requester, REVOKE.not_an_approver) == (DenialCode.NOT_A_REQUESTER, DenialCode.NOT_AN_APPROVER)


def test_rotate__is_requested_and_approved_by_admins() -> None:
    assert ROTATE.requesters(RULES) == ROTATE.approvers(RULES) == users(OLIVIA)
    assert (ROTATE.not_a_requester, ROTATE.not_an_approver) == (DenialCode.NOT_AN_ADMIN, DenialCode.NOT_AN_ADMIN)


async def test_break_glass__makes_the_call_of_a_revocation() -> None:
    assert await executed(BREAK_GLASS, request(action="break-glass")) == [f"delete_token {TOM_IN_GENESYS.id}"]
    assert (BREAK_GLASS.permission, BREAK_GLASS.has_target, BREAK_GLASS.repeatable) == (REVOKE.permission, True, True)


def test_break_glass__belongs_to_the_people_of_its_own_setting() -> None:
    held = replace(RULES, break_glass=users(TOM))
    assert BREAK_GLASS.requesters(held) == BREAK_GLASS.approvers(held) == users(TOM)
    assert BREAK_GLASS.requesters(RULES) == ()
    codes = (BREAK_GLASS.not_a_requester, BREAK_GLASS.not_an_approver)
    assert codes == (DenialCode.MAY_NOT_BREAK_GLASS, DenialCode.MAY_NOT_BREAK_GLASS)


def test_actions__have_a_permission_a_target_and_may_be_repeated() -> None:
    assert (REVOKE.permission, REVOKE.has_target, REVOKE.repeatable) == ("oauth:token:delete", True, True)
    assert (ROTATE.permission, ROTATE.has_target, ROTATE.repeatable) == (None, False, False)


def test_actions__are_a_mapping_by_name_in_order() -> None:
    actions = Actions([ROTATE, REVOKE])

    assert list(actions) == ["rotate", "revoke"]
    assert dict(actions) == {"revoke": REVOKE, "rotate": ROTATE}
    assert (len(actions), len(Actions([ROTATE]))) == (2, 1)
    with pytest.raises(KeyError, match="unknown"):
        actions["unknown"]


def test_actions__of_this_version() -> None:
    assert [*ACTIONS.values()] == [REVOKE, ROTATE, BREAK_GLASS, REVOKE_MANY]


async def test_action__that_names_only_a_call_has_the_rules_of_a_revocation() -> None:
    async def answer(_genesys: GenesysApi, _request: Request) -> Response:
        return Done(204, None)

    action = Action("wake", execute=answer)

    assert (action.requesters(RULES), action.approvers(RULES)) == (users(RAVI), users(BEN))
    assert (action.not_a_requester, action.not_an_approver) == (REVOKE.not_a_requester, REVOKE.not_an_approver)
    assert (action.permission, action.has_target, action.repeatable) == (None, True, True)
    assert (await action.execute(FakeGenesysApi(), request())).status == 204


def test_revoke_many__belongs_to_admins_and_is_not_watched() -> None:
    assert REVOKE_MANY.name == "revoke-many"
    assert (REVOKE_MANY.requesters(RULES), REVOKE_MANY.approvers(RULES)) == (users(OLIVIA), users(OLIVIA))
    assert REVOKE_MANY.not_a_requester is DenialCode.MAY_NOT_REVOKE_MANY
    assert REVOKE_MANY.not_an_approver is DenialCode.NOT_AN_ADMIN
    assert (REVOKE_MANY.permission, REVOKE_MANY.has_target) == ("oauth:token:delete", False)
    assert (BREAK_GLASS.name, BREAK_GLASS.permission) == ("break-glass", "oauth:token:delete")


def test_actions__about_one_person_end_sessions() -> None:
    assert [name for name, action in ACTIONS.items() if action.ends_sessions] == ["revoke", "break-glass"]
    assert not Action("wave", REVOKE.execute).ends_sessions
