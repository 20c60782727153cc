"""May this person do this? Each way to yes, each way to no, and that doubt is a no."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.people import Grants, Permission, Principal, PrincipalKind
from bot.domain.policy import (
    DenialCode,
    Denied,
    Rules,
    Verdict,
    covers,
    matches,
    may_approve,
    may_ask,
    may_cancel,
    may_self_approve,
    permits,
    rule_for,
    standing,
)
from bot.domain.requests import Kind, Request
from tests.support.examples import BEN, OLIVIA, RAVI, TOM, WORKSPACE, actor, member, request, rotation, rules, users

DELETE: Permission = ("oauth", "token", "delete")
NO_FULL_MEMBER: list[tuple[dict[str, Any], DenialCode]] = [
    ({"team_id": "T0OTHER001"}, DenialCode.OUTSIDER),
    ({"stranger": True}, DenialCode.OUTSIDER),
    ({"deleted": True}, DenialCode.DEACTIVATED),
    ({"bot": True}, DenialCode.BOT),
    ({"guest": True}, DenialCode.GUEST),
]


@pytest.mark.parametrize(("changes", "reason"), NO_FULL_MEMBER)
def test_standing__keeps_everybody_but_full_members_from_everything(
    changes: dict[str, Any], reason: DenialCode
) -> None:
    named_everywhere = rules(requesters=users(BEN), approvers=users(BEN), admins=users(BEN))
    person = actor(BEN, **changes)

    assert standing(member(BEN, **changes), WORKSPACE) is reason
    for kind in Kind:
        assert may_ask(person, kind, named_everywhere, WORKSPACE) == Verdict(reason=reason)
    for asked in (request(), rotation(), request(requester=BEN)):
        assert may_approve(person, asked, named_everywhere, WORKSPACE) == Verdict(reason=reason)
        assert may_cancel(person, asked, named_everywhere, WORKSPACE) == Verdict(reason=reason)


def test_standing__has_nothing_against_a_full_member() -> None:
    assert standing(member(), WORKSPACE) is None


@pytest.mark.parametrize(
    ("granted", "wanted", "covered"),
    [
        (("oauth", "token", "delete"), DELETE, True),
        (("oauth", "token", "*"), DELETE, True),
        (("*", "*", "*"), DELETE, True),
        (("oauth", "*", "view"), DELETE, False),
        (("oauth", "client", "delete"), DELETE, False),
        (("oauth", "token", "delete"), ("oauth", "token", "*"), False),
        (("oauth", "*", "*"), ("oauth", "token", "*"), True),
    ],
)
def test_covers__understands_wildcards_on_the_granted_side_alone(
    granted: Permission, wanted: Permission, covered: bool
) -> None:
    assert covers(granted, wanted) is covered


@pytest.mark.parametrize(
    ("grants", "permitted"),
    [
        (Grants(), False),
        (Grants(unconditional=frozenset({DELETE})), True),
        (Grants(listed=frozenset({DELETE})), True),
        (Grants(conditional=frozenset({DELETE})), False),
        (Grants(listed=frozenset({DELETE}), conditional=frozenset({DELETE})), False),
        (Grants(listed=frozenset({DELETE}), conditional=frozenset({("oauth", "*", "*")})), False),
        (Grants(listed=frozenset({DELETE}), conditional=frozenset({("oauth", "client", "view")})), True),
        (Grants(unconditional=frozenset({DELETE}), conditional=frozenset({DELETE})), True),
        (Grants(listed=frozenset({("oauth", "token", "view")})), False),
    ],
)
def test_permits__counts_no_permission_under_a_condition(grants: Grants, permitted: bool) -> None:
    assert permits(grants, "oauth:token:delete") is permitted
    assert permits(grants, "OAuth:Token:Delete") is permitted


@pytest.mark.parametrize(
    ("principal", "meant"),
    [
        (Principal(PrincipalKind.USER, RAVI), True),
        (Principal(PrincipalKind.USER, BEN), False),
        (Principal(PrincipalKind.GROUP, "S0APPROVE1"), True),
        (Principal(PrincipalKind.GROUP, "S0OTHER001"), False),
        (Principal(PrincipalKind.ROLE, "Token Approver"), True),
        (Principal(PrincipalKind.ROLE, "Token"), False),
        (Principal(PrincipalKind.PERMISSION, "oauth:token:delete"), True),
        (Principal(PrincipalKind.PERMISSION, "oauth:token:*"), False),
    ],
)
def test_matches__each_kind_of_principal_by_what_was_read(principal: Principal, meant: bool) -> None:
    grants = Grants(roles=frozenset({"token approver"}), unconditional=frozenset({DELETE}))
    person = actor(groups=("S0APPROVE1",), grants=grants)

    assert matches(person, principal) is meant
    assert rule_for(person, [principal]) == (principal if meant else None)


def test_rule_for__names_the_first_rule_that_means_somebody() -> None:
    group = Principal(PrincipalKind.GROUP, "S0APPROVE1")

    assert rule_for(actor(groups=("S0APPROVE1",)), [*users(BEN), group, *users(RAVI)]) == group
    assert rule_for(actor(), []) is None


@pytest.mark.parametrize(
    ("who", "kind", "verdict"),
    [
        (RAVI, Kind.REVOKE, Verdict(rule=users(RAVI)[0])),
        (OLIVIA, Kind.REVOKE, Verdict(reason=DenialCode.NOT_A_REQUESTER)),
        (TOM, Kind.REVOKE, Verdict(reason=DenialCode.NOT_A_REQUESTER)),
        (OLIVIA, Kind.ROTATE, Verdict(rule=users(OLIVIA)[0])),
        (RAVI, Kind.ROTATE, Verdict(reason=DenialCode.NOT_AN_ADMIN)),
        (BEN, Kind.ROTATE, Verdict(reason=DenialCode.NOT_AN_ADMIN)),
    ],
)
def test_may_ask__requesters_for_people_and_admins_for_the_token(who: str, kind: Kind, verdict: Verdict) -> None:
    assert may_ask(actor(who), kind, rules(), WORKSPACE) == verdict


def test_may_ask__approvers_where_no_requesters_are_named() -> None:
    only_approvers = Rules(approvers=users(BEN))

    assert may_ask(actor(BEN), Kind.REVOKE, only_approvers, WORKSPACE).allowed
    assert not may_ask(actor(RAVI), Kind.REVOKE, only_approvers, WORKSPACE).allowed
    assert not may_ask(actor(BEN), Kind.ROTATE, only_approvers, WORKSPACE).allowed


def test_may_ask__what_could_not_be_read_counts_as_no_and_is_named() -> None:
    verdict = may_ask(actor(TOM, unread=("user group S0X (ratelimited)",)), Kind.REVOKE, rules(), WORKSPACE)

    assert verdict == Verdict(reason=DenialCode.NOT_A_REQUESTER, unread=("user group S0X (ratelimited)",))


@pytest.mark.parametrize(
    ("who", "asked", "changes", "reason"),
    [
        (BEN, request(), {}, None),
        (RAVI, request(), {}, DenialCode.NOT_AN_APPROVER),
        (TOM, request(), {}, DenialCode.NOT_AN_APPROVER),
        (BEN, request(requester=BEN), {}, None),
        (BEN, request(requester=BEN), {"self_approval": False}, DenialCode.OWN_REQUEST),
        (BEN, request(), {"self_approval": False}, None),
        (RAVI, request(), {"self_approval": False}, DenialCode.NOT_AN_APPROVER),
        (BEN, request(requester=BEN, approvals_required=2), {}, DenialCode.OWN_PROTECTED_REQUEST),
        (BEN, request(requester=BEN, approvals_required=2), {"self_approval": False}, DenialCode.OWN_PROTECTED_REQUEST),
        (BEN, request(approvals_required=2), {}, None),
        (BEN, request(approvals_required=2, approvals=(BEN,)), {}, DenialCode.ALREADY_AGREED),
        (OLIVIA, request(approvals_required=2, approvals=(BEN,)), {}, None),
        (OLIVIA, rotation(), {}, None),
        (OLIVIA, rotation(), {"self_approval": False}, DenialCode.OWN_REQUEST),
        (BEN, rotation(), {}, DenialCode.NOT_AN_ADMIN),
        (BEN, request(), {"approvers": ()}, DenialCode.NOT_AN_APPROVER),
        (OLIVIA, rotation(), {"admins": ()}, DenialCode.NOT_AN_ADMIN),
    ],
)
def test_may_confirm__the_role_first_then_whose_request_it_is(
    who: str, asked: Request, changes: dict[str, Any], reason: DenialCode | None
) -> None:
    verdict = may_approve(actor(who), asked, rules(**changes), WORKSPACE)

    assert verdict.reason is reason
    assert verdict.allowed is (reason is None)
    assert (verdict.rule is not None) is verdict.allowed


@pytest.mark.parametrize(
    ("who", "asked", "reason"),
    [
        (RAVI, request(), None),
        (BEN, request(), None),
        (TOM, request(), DenialCode.NOT_YOURS_TO_CANCEL),
        (BEN, rotation(), DenialCode.NOT_YOURS_TO_CANCEL),
        (OLIVIA, rotation(requester=RAVI), None),
    ],
)
def test_may_cancel__the_requester_and_who_may_confirm(who: str, asked: Request, reason: DenialCode | None) -> None:
    assert may_cancel(actor(who), asked, rules(), WORKSPACE).reason is reason


def test_may_cancel__the_requester_also_after_losing_the_role() -> None:
    assert may_cancel(actor(RAVI), request(), Rules(approvers=users(BEN), requesters=users(BEN)), WORKSPACE).allowed


@pytest.mark.parametrize(
    ("who", "kind", "changes", "alone"),
    [
        (BEN, Kind.REVOKE, {}, True),
        (BEN, Kind.REVOKE, {"self_approval": False}, False),
        (RAVI, Kind.REVOKE, {}, False),
        (OLIVIA, Kind.ROTATE, {}, True),
        (BEN, Kind.ROTATE, {}, False),
    ],
)
def test_confirms_alone__who_may_confirm_their_own_request(
    who: str, kind: Kind, changes: dict[str, Any], alone: bool
) -> None:
    assert may_self_approve(actor(who), kind, rules(**changes)) is alone


@given(
    approvers=st.lists(st.sampled_from([RAVI, OLIVIA, BEN]), max_size=3),
    self_approval=st.booleans(),
    requester=st.sampled_from([RAVI, OLIVIA, BEN]),
    clicks=st.lists(st.sampled_from([RAVI, OLIVIA, BEN]), max_size=6),
)
def test_may_confirm__a_protected_person_always_takes_two_others(
    approvers: list[str], self_approval: bool, requester: str, clicks: list[str]
) -> None:
    held = Rules(approvers=users(*approvers), self_approval=self_approval)
    agreed: tuple[str, ...] = ()
    for who in clicks:
        asked = request(requester=requester, approvals_required=2, approvals=agreed)
        if may_approve(actor(who), asked, held, WORKSPACE).allowed:
            agreed = (*agreed, who)

    assert requester not in agreed
    assert len(set(agreed)) == len(agreed)
    assert set(agreed) <= set(approvers)


def test_refused__keeps_its_reason_and_the_facts_for_its_sentence() -> None:
    refused = Denied(DenialCode.NO_EMAIL, member=TOM)

    assert (refused.reason, refused.facts) == (DenialCode.NO_EMAIL, {"member": TOM})
    assert str(refused) == "Refused: no_email."
