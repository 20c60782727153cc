"""Policy: every way to be allowed, every way to be denied, and doubt is a denial."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.actions import BREAK_GLASS, REVOKE, ROTATE, Action
from bot.domain.denials import DenialCode, Denied
from bot.domain.failed_checks import CheckUnavailable
from bot.domain.people import Actor, Grants, Permission, Person
from bot.domain.policy import (
    Case,
    Verdict,
    could_approve,
    covers,
    denial,
    ineligibility,
    is_requester,
    is_target,
    matches,
    may_administer,
    may_approve,
    may_cancel,
    may_decline,
    may_follow,
    may_request,
    may_self_approve,
    permits,
    rule_for,
)
from bot.domain.principals import Principal, PrincipalKind
from bot.domain.requests import Follower, Request, State
from bot.domain.rules import Rules
from tests.support.examples import (
    BEN,
    OLIVIA,
    RAVI,
    TOM,
    UNREAD_GROUP,
    UNREAD_ROLES,
    WORKSPACE,
    actor,
    case,
    member,
    request,
    rotation,
    rules,
    users,
)

ACTIONS = {action.name: action for action in (REVOKE, ROTATE)}
DELETE: Permission = ("oauth", "token", "delete")
NO_FULL_MEMBER: list[tuple[dict[str, Any], DenialCode]] = [
    ({"team_id": "T0OTHER001"}, DenialCode.OUTSIDER),
    ({"stranger": True}, DenialCode.OUTSIDER),
    ({"deleted": True}, DenialCode.DEACTIVATED),
    ({"bot": True}, DenialCode.BOT),
    ({"guest": True}, DenialCode.GUEST),
]


@pytest.mark.parametrize(("changes", "reason"), NO_FULL_MEMBER)
def test_ineligibility__excludes_all_but_full_members_from_everything(
    changes: dict[str, Any], reason: DenialCode
) -> None:
    named_everywhere = rules(requesters=users(BEN), approvers=users(BEN), admins=users(BEN))
    person = actor(BEN, **changes)

    assert ineligibility(member(BEN, **changes), WORKSPACE) is reason
    assert may_administer(person, named_everywhere, WORKSPACE) == Verdict(reason=reason)
    for action in (REVOKE, ROTATE):
        assert may_request(person, action, named_everywhere, WORKSPACE) == Verdict(reason=reason)
    for asked in (request(), rotation(), request(requester=BEN)):
        action = ACTIONS[asked.action]
        assert may_approve(person, case(asked, named_everywhere, action=action)) == Verdict(reason=reason)
        assert may_cancel(person, case(asked, named_everywhere, action=action)) == Verdict(reason=reason)
        assert may_decline(person, case(asked, named_everywhere, action=action)) == Verdict(reason=reason)


def test_ineligibility__is_none_for_a_full_member() -> None:
    assert ineligibility(member(), WORKSPACE) is None


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
def test_covers__reads_wildcards_on_the_granted_side_only(
    granted: Permission, wanted: Permission, covered: bool
) -> None:
    assert covers(granted, wanted) is covered


def test_covers__compares_whole_permissions_only() -> None:
    with pytest.raises(ValueError, match="zip"):
        covers(("oauth", "token", "delete"), ("oauth", "token"))  # type: ignore[arg-type]


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
def test_permits__ignores_permissions_under_a_condition(grants: Grants, permitted: bool) -> None:
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
def test_matches__every_kind_of_principal(principal: Principal, meant: bool) -> None:
    grants = Grants(roles=frozenset({"token approver"}), unconditional=frozenset({DELETE}))
    person = actor(groups=("S0APPROVE1",), grants=grants)

    assert matches(person, principal) is meant
    assert rule_for(person, [principal]) == (principal if meant else None)


def test_rule_for__returns_the_first_matching_principal() -> None:
    group = Principal(PrincipalKind.GROUP, "S0APPROVE1")

    assert rule_for(actor(groups=("S0APPROVE1",)), [*users(BEN), group, *users(RAVI)]) == group
    assert rule_for(actor(), []) is None


@pytest.mark.parametrize(
    ("who", "action", "verdict"),
    [
        (RAVI, REVOKE, Verdict(rule=users(RAVI)[0])),
        (OLIVIA, REVOKE, Verdict(reason=DenialCode.NOT_A_REQUESTER)),
        (TOM, REVOKE, Verdict(reason=DenialCode.NOT_A_REQUESTER)),
        (OLIVIA, ROTATE, Verdict(rule=users(OLIVIA)[0])),
        (RAVI, ROTATE, Verdict(reason=DenialCode.NOT_AN_ADMIN)),
        (BEN, ROTATE, Verdict(reason=DenialCode.NOT_AN_ADMIN)),
    ],
)
def test_may_request__requesters_revoke_and_admins_rotate(who: str, action: Action, verdict: Verdict) -> None:
    assert may_request(actor(who), action, rules(), WORKSPACE) == verdict


def test_may_administer__admins_only() -> None:
    held = rules(admins=users(OLIVIA))
    assert may_administer(actor(OLIVIA), held, WORKSPACE) == Verdict(rule=users(OLIVIA)[0])
    unread = actor(BEN, unverified=(UNREAD_GROUP,), retry_after=7.0)
    assert may_administer(unread, held, WORKSPACE) == Verdict(
        reason=DenialCode.NOT_AN_ADMIN, unverified=unread.unverified, retry_after=7.0
    )


def test_all_rules__are_the_ones_of_now_and_of_the_request() -> None:
    now, before = rules(approvers=users(BEN)), rules(approvers=users(OLIVIA))
    assert case(request(rules=before), now).all_rules == (now, before)
    assert case(request(), now).all_rules == (now,)


def test_may_request__approvers_if_no_requesters_are_set() -> None:
    only_approvers = Rules(approvers=users(BEN))

    assert may_request(actor(BEN), REVOKE, only_approvers, WORKSPACE).allowed
    assert not may_request(actor(RAVI), REVOKE, only_approvers, WORKSPACE).allowed
    assert not may_request(actor(BEN), ROTATE, only_approvers, WORKSPACE).allowed


def test_may_request__failed_check_counts_as_no_and_is_named() -> None:
    verdict = may_request(actor(TOM, unverified=(UNREAD_GROUP,)), REVOKE, rules(), WORKSPACE)

    assert verdict == Verdict(reason=DenialCode.NOT_A_REQUESTER, unverified=(UNREAD_GROUP,))


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
        (BEN, request(approvals_required=2, approvals=(BEN,)), {}, DenialCode.ALREADY_APPROVED),
        (OLIVIA, request(approvals_required=2, approvals=(BEN,)), {}, None),
        (OLIVIA, rotation(), {}, None),
        (OLIVIA, rotation(), {"self_approval": False}, DenialCode.OWN_REQUEST),
        (BEN, rotation(), {}, DenialCode.NOT_AN_ADMIN),
        (BEN, request(), {"approvers": ()}, DenialCode.NOT_AN_APPROVER),
        (OLIVIA, rotation(), {"admins": ()}, DenialCode.NOT_AN_ADMIN),
    ],
)
def test_may_approve__checks_the_role_before_the_request(
    who: str, asked: Request, changes: dict[str, Any], reason: DenialCode | None
) -> None:
    verdict = may_approve(actor(who), case(asked, rules(**changes), action=ACTIONS[asked.action]))

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
def test_may_cancel__requester_and_approvers_of_a_request_of_an_earlier_version(
    who: str, asked: Request, reason: DenialCode | None
) -> None:
    assert may_cancel(actor(who), case(asked, action=ACTIONS[asked.action])).reason is reason


def test_may_cancel__no_approver_where_the_card_has_a_button_to_decline() -> None:
    asked = request(rules=rules())
    assert may_cancel(actor(BEN), case(asked)).reason is DenialCode.NOT_YOURS_TO_CANCEL
    assert may_cancel(actor(RAVI), case(asked)).allowed
    assert may_cancel(actor(TOM), case(asked)).reason is DenialCode.NOT_YOURS_TO_CANCEL
    assert may_cancel(actor("U1", enterprise_user_id=RAVI), case(asked)).allowed


def test_may_cancel__names_what_could_not_be_read_of_an_approver() -> None:
    unread = actor("U1", unverified=(UNREAD_GROUP,), retry_after=7.0)
    assert may_cancel(unread, case(request())).retry_after == 7.0


@pytest.mark.parametrize(
    ("who", "asked", "reason"),
    [
        (BEN, request(), None),
        (OLIVIA, rotation(requester=RAVI), None),
        (BEN, request(requester=BEN), DenialCode.OWN_REQUEST_TO_DECLINE),
        (RAVI, request(), DenialCode.OWN_REQUEST_TO_DECLINE),
        (BEN, request(requester=BEN, target_slack_id=BEN), DenialCode.TARGET_CANNOT_DECIDE),
        (BEN, request(target_slack_id=BEN), DenialCode.TARGET_CANNOT_DECIDE),
        (TOM, request(), DenialCode.NOT_YOURS_TO_DECLINE),
        (BEN, rotation(), DenialCode.NOT_YOURS_TO_DECLINE),
        (BEN, request(approvals=(BEN,), approvals_required=2), None),
    ],
)
def test_may_decline__approvers_other_than_requester_and_target(
    who: str, asked: Request, reason: DenialCode | None
) -> None:
    for held in (asked, replace(asked, rules=rules())):
        verdict = may_decline(actor(who), case(held, action=ACTIONS[asked.action]))
        assert verdict.reason is reason
        assert (str(verdict.rule) == who) is (reason is None)


def test_may_decline__not_the_requester_under_another_id() -> None:
    held = rules(approvers=users("U1"))
    verdict = may_decline(actor("U1", enterprise_user_id=RAVI), case(request(), held))
    assert verdict.reason is DenialCode.OWN_REQUEST_TO_DECLINE


def test_may_cancel__requester_even_without_the_role() -> None:
    only_ben = Rules(approvers=users(BEN), requesters=users(BEN))

    assert may_cancel(actor(RAVI), case(request(), only_ben)).allowed


@pytest.mark.parametrize(
    ("who", "action", "changes", "alone"),
    [
        (BEN, REVOKE, {}, True),
        (BEN, REVOKE, {"self_approval": False}, False),
        (RAVI, REVOKE, {}, False),
        (OLIVIA, ROTATE, {}, True),
        (BEN, ROTATE, {}, False),
    ],
)
def test_may_self_approve__approvers_with_self_approval(
    who: str, action: Action, changes: dict[str, Any], alone: bool
) -> None:
    assert may_self_approve(actor(who), action, rules(**changes)) is alone


@given(
    approvers=st.lists(st.sampled_from([RAVI, OLIVIA, BEN]), max_size=3),
    self_approval=st.booleans(),
    requester=st.sampled_from([RAVI, OLIVIA, BEN]),
    clicks=st.lists(st.sampled_from([RAVI, OLIVIA, BEN]), max_size=6),
)
def test_may_approve__protected_target_always_needs_two_other_people(
    approvers: list[str], self_approval: bool, requester: str, clicks: list[str]
) -> None:
    held = Rules(approvers=users(*approvers), self_approval=self_approval)
    approvals: tuple[str, ...] = ()
    for who in clicks:
        asked = request(requester=requester, approvals_required=2, approvals=approvals)
        if may_approve(actor(who), case(asked, held)).allowed:
            approvals = (*approvals, who)

    assert requester not in approvals
    assert len(set(approvals)) == len(approvals)
    assert set(approvals) <= set(approvers)


TWO_IDS: dict[str, Any] = {"enterprise_user_id": "W0RAVI0001"}


@pytest.mark.parametrize(
    ("clicker", "reason"),
    [
        (actor("U0RAVI0002", **TWO_IDS), DenialCode.OWN_REQUEST),
        (actor("U0RAVI0002", asked_id="W0RAVI0001"), DenialCode.OWN_REQUEST),
        (actor("U0RAVI0002", email="RAVI@example.com"), DenialCode.OWN_REQUEST),
        (actor("U0RAVI0002", email="ravi@example.com", email_confirmed=False), None),
        (actor("U0RAVI0002"), None),
    ],
)
def test_may_approve__requester_under_another_id_is_the_requester(clicker: Actor, reason: DenialCode | None) -> None:
    asked = request(requester="W0RAVI0001")
    held = rules(approvers=users("U0RAVI0002"), self_approval=False)
    requester = member("W0RAVI0001", email="ravi@example.com")

    assert may_approve(clicker, case(asked, held, requester=requester)).reason is reason


def test_case__knows_no_people_by_default() -> None:
    unknown = Case(request(), REVOKE, rules(), WORKSPACE)

    assert (unknown.requester, unknown.approvers) == (None, ())
    assert unknown.requester_counts
    assert not Case(request(), REVOKE, rules(self_approval=False), WORKSPACE).requester_counts
    assert not Case(request(approvals_required=2), REVOKE, rules(), WORKSPACE).requester_counts


RULES_CHANGED = [
    # who clicks, the request, the rules that it stored, the rules of now, the reason
    (BEN, request(), {}, {}, None),
    (BEN, request(), {"approvers": users(OLIVIA)}, {}, DenialCode.RULES_CHANGED),
    (BEN, request(), {}, {"approvers": users(OLIVIA)}, DenialCode.NOT_AN_APPROVER),
    (BEN, request(requester=BEN), {"self_approval": False}, {}, DenialCode.RULES_CHANGED),
    (BEN, request(requester=BEN), {}, {"self_approval": False}, DenialCode.OWN_REQUEST),
    (BEN, request(requester=BEN, target_protected=True), {}, {}, DenialCode.OWN_PROTECTED_REQUEST),
    (OLIVIA, request(), {"self_approval": False}, {}, None),
    (BEN, request(target_slack_id=BEN), {"approvers": users(OLIVIA)}, {}, DenialCode.TARGET_CANNOT_DECIDE),
    (BEN, rotation(), {}, {"admins": users(BEN)}, DenialCode.RULES_CHANGED),
    (OLIVIA, rotation(), {}, {"admins": users(BEN)}, DenialCode.NOT_AN_ADMIN),
    (OLIVIA, rotation(), {"approvers": ()}, {}, None),  # a rotation is confirmed by admins
]


@pytest.mark.parametrize(("who", "asked", "then", "now", "reason"), RULES_CHANGED)
def test_may_approve__needs_the_rules_of_now_and_of_the_request(
    who: str, asked: Request, then: dict[str, Any], now: dict[str, Any], reason: DenialCode | None
) -> None:
    asked = replace(asked, rules=rules(**then))
    verdict = may_approve(actor(who), case(asked, rules(**now), action=ACTIONS[asked.action]))

    assert verdict.reason is reason
    assert (str(verdict.rule) == who) is (reason is None)


@pytest.mark.parametrize(
    ("who", "asked", "then", "now", "reason"),
    [
        (BEN, request(), {}, {}, None),
        (BEN, request(), {"approvers": users(OLIVIA)}, {}, DenialCode.RULES_CHANGED_TO_DECLINE),
        (BEN, request(), {}, {"approvers": users(OLIVIA)}, DenialCode.NOT_YOURS_TO_DECLINE),
        (BEN, request(target_slack_id=BEN), {}, {}, DenialCode.TARGET_CANNOT_DECIDE),
        (BEN, request(target_slack_id=BEN), {"approvers": ()}, {}, DenialCode.RULES_CHANGED_TO_DECLINE),
    ],
)
def test_may_decline__needs_the_rules_of_now_and_of_the_request(
    who: str, asked: Request, then: dict[str, Any], now: dict[str, Any], reason: DenialCode | None
) -> None:
    verdict = may_decline(actor(who), case(replace(asked, rules=rules(**then)), rules(**now)))

    assert verdict.reason is reason


GROUP = (Principal(PrincipalKind.GROUP, "S0OLDGROUP"),)


def test_other_approvers__are_those_of_the_request_if_they_are_not_the_ones_of_now() -> None:
    assert case(request()).other_approvers is None
    assert case(request(rules=rules(approvers=users(BEN, OLIVIA)))).other_approvers is None
    assert case(request(rules=rules(approvers=GROUP))).other_approvers == GROUP
    admins = rotation(rules=rules(admins=GROUP))
    assert case(admins, action=ROTATE).other_approvers == GROUP


@pytest.mark.parametrize(
    ("at_request", "reason"),
    [
        (None, DenialCode.RULES_CHANGED),  # what was not read counts as "no"
        (actor(BEN), DenialCode.RULES_CHANGED),
        (actor(BEN, groups=("S0OLDGROUP",)), None),
    ],
)
def test_may_approve__judges_other_approvers_by_what_was_read_for_them(
    at_request: Actor | None, reason: DenialCode | None
) -> None:
    held = case(request(rules=rules(approvers=GROUP)))

    verdict = may_approve(actor(BEN), held, at_request)
    assert verdict.reason is reason
    assert verdict.rule == (None if reason else users(BEN)[0])  # the one of now
    assert may_decline(actor(BEN), held, at_request).allowed is (reason is None)


def test_may_approve__unreadable_group_of_the_request_is_no_verdict_yet() -> None:
    unread = actor(BEN, unverified=(UNREAD_GROUP,), retry_after=7.0)
    held = case(request(rules=rules(approvers=GROUP)))

    for verdict in (may_approve(actor(BEN), held, unread), may_decline(actor(BEN), held, unread)):
        assert verdict.unverified == unread.unverified
        assert isinstance(denial(verdict), CheckUnavailable)


SOME_RULES = st.builds(
    Rules,
    approvers=st.lists(st.sampled_from([RAVI, OLIVIA, BEN]), max_size=3).map(lambda ids: users(*ids)),
    admins=st.lists(st.sampled_from([RAVI, OLIVIA, BEN]), max_size=3).map(lambda ids: users(*ids)),
    self_approval=st.booleans(),
)


@given(
    then=SOME_RULES,
    now=SOME_RULES,
    who=st.sampled_from([RAVI, OLIVIA, BEN, TOM]),
    asked=st.builds(
        request,
        requester=st.sampled_from([RAVI, OLIVIA, BEN]),
        target_protected=st.booleans(),
        approvals_required=st.integers(1, 2),
        approvals=st.sampled_from([(), (OLIVIA,)]),
        action=st.sampled_from(sorted(ACTIONS)),
    ),
)
def test_policy__is_never_laxer_than_the_rules_of_now_or_of_the_request(
    then: Rules, now: Rules, who: str, asked: Request
) -> None:
    action, both = ACTIONS[asked.action], replace(asked, rules=then)
    for judge in (may_approve, may_decline):
        allowed = [judge(actor(who), case(asked, held, action=action)).allowed for held in (then, now)]
        assert judge(actor(who), case(both, now, action=action)).allowed is all(allowed)
    counts = [case(asked, held).requester_counts for held in (then, now)]
    assert case(both, now).requester_counts is all(counts)


def test_is_requester__needs_an_id_or_a_known_requester() -> None:
    asked = request(requester="W0RAVI0001")

    assert is_requester(member(RAVI, enterprise_user_id="W0RAVI0001"), asked, None)
    assert not is_requester(member(RAVI), asked, None)
    assert not is_requester(member(RAVI), asked, member(BEN))
    assert is_requester(member(BEN), asked, member(BEN))


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("changes", [{"enterprise_user_id": BEN}, {"asked_id": BEN}, {"email": "ben@example.com"}])
def test_may_approve__second_approval_of_one_person_does_not_count(count: int, changes: dict[str, Any]) -> None:
    asked = request(approvals_required=count, approvals=(BEN,))
    held = rules(approvers=users("U0BEN00002"))
    known = (member(BEN, email="ben@example.com"),)

    assert may_approve(actor("U0BEN00002"), case(asked, held, approvers=known)).allowed
    verdict = may_approve(actor("U0BEN00002", **changes), case(asked, held, approvers=known))
    assert verdict.reason is DenialCode.ALREADY_APPROVED


@pytest.mark.parametrize(
    "changes", [{}, {"user_id": "U0TOM00002", "email": "tom.target@example.com"}, {"enterprise_user_id": TOM}]
)
def test_target__can_neither_approve_decline_nor_cancel(changes: dict[str, Any]) -> None:
    who = changes.pop("user_id", "U0TOM00002" if changes else TOM)
    held = rules(approvers=users(who))
    asked = request(requester=who)

    assert may_approve(actor(who, **changes), case(asked, held)).reason is DenialCode.TARGET_CANNOT_DECIDE
    cancelled = may_cancel(actor(who, **changes), case(asked, held))
    assert cancelled.reason is DenialCode.TARGET_CANNOT_DECIDE
    for one in (asked, request()):
        declined = may_decline(actor(who, **changes), case(one, held))
        assert declined.reason is DenialCode.TARGET_CANNOT_DECIDE


def test_target__is_not_recognised_by_an_unconfirmed_or_missing_email_address() -> None:
    held = rules(approvers=users(BEN))
    unconfirmed = actor(BEN, email="tom.target@example.com", email_confirmed=False)

    assert may_approve(unconfirmed, case(request(), held)).allowed
    nameless = request(target=Person("id", "Tom"), target_slack_id=None)
    assert may_approve(actor(BEN, email=None), case(nameless, held)).allowed
    assert may_approve(actor(BEN), case(rotation(), rules(admins=users(BEN)), action=ROTATE)).allowed


@pytest.mark.parametrize("email", [" Tom.Target@Example.com ", "TOM.TARGET@EXAMPLE.COM"])
def test_target__is_recognised_by_email_without_case_and_spaces(email: str) -> None:
    asked = request(target=Person("id", "Tom", email=email), target_slack_id=None)

    assert is_target(member("U0TOM00002", email="tom.target@example.com"), asked)
    assert is_target(member("U0TOM00002", email="Tom.Target@example.com "), asked)
    assert not is_target(member("U0TOM00002", email="tom@example.com"), asked)
    assert not is_target(member("U0TOM00002", email=None), asked)


@pytest.mark.parametrize("target", [None, Person("id", "Tom"), Person("id", "Tom", email="")])
def test_target__without_an_email_address_is_no_member(target: Person | None) -> None:
    asked = request(target=target, target_slack_id=None)

    assert is_target(member(email="none"), asked) is False
    assert not is_target(member(email=None), asked)
    assert not is_target(member(email=""), asked)


def test_denial__of_a_check_that_may_succeed_later_is_no_verdict() -> None:
    asker = actor(BEN, unverified=(UNREAD_GROUP,), retry_after=12.0)
    verdict = may_approve(asker, case(request(), rules(approvers=())))
    error = denial(verdict, request())

    assert isinstance(error, CheckUnavailable)
    assert (error.retry_after, error.unverified) == (12.0, (UNREAD_GROUP,))
    later = denial(Verdict(reason=DenialCode.NOT_AN_APPROVER, unverified=(UNREAD_GROUP, UNREAD_ROLES), retry_after=0.0))
    assert isinstance(later, CheckUnavailable)
    assert later.params == {"unread": [UNREAD_GROUP.params, UNREAD_ROLES.params], "retry_after": None}
    assert str(later) == (
        "check_unavailable (user group S0X (ratelimited); genesys roles (genesys_no_response, correlation id c-1), "
        "retry_after=0)"
    )


def test_denied__has_a_code_and_parameters() -> None:
    denied = Denied(DenialCode.NO_EMAIL, member=TOM)

    assert (denied.reason, denied.code, denied.params) == (DenialCode.NO_EMAIL, "no_email", {"member": TOM})


def test_denial__names_the_requester_and_the_failed_checks() -> None:
    verdict = Verdict(reason=DenialCode.NOT_AN_APPROVER, unverified=(UNREAD_GROUP, UNREAD_ROLES))

    error = denial(verdict, request())

    assert error.params == {
        "requester": RAVI,
        "unverified": [
            {"subject": "user_group", "cause": "ratelimited", "id": "S0X"},
            {"subject": "genesys_roles", "cause": "genesys_no_response", "correlation_id": "c-1"},
        ],
    }
    assert denial(Verdict(reason=DenialCode.GUEST)).params == {}
    assert denial(Verdict(reason=DenialCode.GUEST)).code == "guest"
    assert denial(Verdict()).code == "not_an_approver"


def test_matches__user_under_another_id() -> None:
    known = replace(Actor(member(RAVI)), users=frozenset({"W0RAVI0001"}))
    assert matches(known, Principal(PrincipalKind.USER, "W0RAVI0001"))
    assert matches(known, Principal(PrincipalKind.USER, RAVI))
    assert not matches(known, Principal(PrincipalKind.GROUP, "W0RAVI0001"))
    assert not matches(known, Principal(PrincipalKind.USER, BEN))


@pytest.mark.parametrize(("changes", "_reason"), NO_FULL_MEMBER)
def test_could_approve__only_full_members(changes: dict[str, Any], _reason: DenialCode) -> None:
    assert could_approve(member(OLIVIA), case(request()))
    assert not could_approve(member(OLIVIA, **changes), case(request()))


def test_could_approve__no_one_whose_approval_would_not_count() -> None:
    protected = request(approvals_required=2)
    assert could_approve(member(BEN), case(protected))
    assert not could_approve(member(protected.requester), case(protected))
    assert not could_approve(member(TOM), case(request(target_slack_id=TOM)))
    assert not could_approve(member(BEN), replace(case(request()), approvers=(member(BEN),)))


@pytest.mark.parametrize(("then", "now"), [(False, True), (True, False), (False, False)])
def test_could_approve__no_one_to_whom_one_of_the_rules_objects(then: bool, now: bool) -> None:
    own = request(requester=BEN, rules=rules(self_approval=then))
    assert could_approve(member(BEN), case(own, rules(self_approval=now))) is False
    assert could_approve(member(OLIVIA), case(own, rules(self_approval=now)))


GLASS = rules(break_glass=users(RAVI, BEN), self_approval=False)


def glass(**changes: Any) -> Request:
    """Return Ravi's break-glass request about a protected person, made under `GLASS`."""
    return request(**({"action": "break-glass", "target_protected": True, "rules": GLASS} | changes))


@pytest.mark.parametrize(
    ("who", "reason"),
    [
        (RAVI, None),
        (BEN, DenialCode.BREAK_GLASS_OF_ANOTHER),
        (OLIVIA, DenialCode.MAY_NOT_BREAK_GLASS),
        (TOM, DenialCode.MAY_NOT_BREAK_GLASS),
    ],
)
def test_break_glass__is_confirmed_by_its_requester_alone(who: str, reason: DenialCode | None) -> None:
    judged = case(glass(), GLASS, action=BREAK_GLASS)

    assert may_approve(actor(who), judged).reason is reason
    assert could_approve(member(BEN), judged) is False
    assert could_approve(member(RAVI), judged) is True


@pytest.mark.parametrize(
    ("who", "reason"),
    [(RAVI, None), (BEN, DenialCode.BREAK_GLASS_OF_ANOTHER), (OLIVIA, DenialCode.BREAK_GLASS_OF_ANOTHER)],
)
def test_break_glass__is_cancelled_by_its_requester_alone(who: str, reason: DenialCode | None) -> None:
    assert may_cancel(actor(who), case(glass(), GLASS, action=BREAK_GLASS)).reason is reason
    assert may_cancel(actor(who), case(glass(rules=None), GLASS, action=BREAK_GLASS)).reason is reason


@pytest.mark.parametrize(
    ("who", "reason"),
    [(RAVI, DenialCode.OWN_REQUEST_TO_DECLINE), (BEN, DenialCode.BREAK_GLASS_OF_ANOTHER)],
)
def test_break_glass__cannot_be_declined(who: str, reason: DenialCode) -> None:
    assert may_decline(actor(who), case(glass(), GLASS, action=BREAK_GLASS)).reason is reason


def test_break_glass__counts_by_the_rules_of_both_times() -> None:
    without = replace(GLASS, break_glass=users(BEN))

    lost = may_approve(actor(RAVI), case(glass(), without, action=BREAK_GLASS))
    assert lost.reason is DenialCode.MAY_NOT_BREAK_GLASS
    gained = may_approve(actor(RAVI), case(glass(rules=without), GLASS, action=BREAK_GLASS))
    assert gained.reason is DenialCode.RULES_CHANGED


def test_break_glass__of_another_under_the_same_address_is_not_ones_own() -> None:
    twin = actor(BEN, email="ravi@example.com")
    judged = case(glass(), GLASS, action=BREAK_GLASS, requester=member(RAVI, email="ravi@example.com"))

    assert may_approve(twin, judged).reason is DenialCode.BREAK_GLASS_OF_ANOTHER


def test_break_glass__about_oneself_is_denied() -> None:
    asked = glass(target_slack_id=RAVI)

    assert may_approve(actor(RAVI), case(asked, GLASS, action=BREAK_GLASS)).reason is DenialCode.TARGET_CANNOT_DECIDE


@pytest.mark.parametrize(("who", "allowed"), [(RAVI, True), (BEN, True), (OLIVIA, False)])
def test_may_request__break_glass(who: str, allowed: bool) -> None:
    verdict = may_request(actor(who), BREAK_GLASS, GLASS, WORKSPACE)

    assert verdict.reason is (None if allowed else DenialCode.MAY_NOT_BREAK_GLASS)
    assert not may_request(actor(who), BREAK_GLASS, rules(), WORKSPACE).allowed


@pytest.mark.parametrize(
    ("who", "reason"),
    [
        (RAVI, DenialCode.FOLLOWED_BY_OTHERS), (OLIVIA, None), (BEN, None), (TOM, DenialCode.NOT_YOURS_TO_CANCEL),
    ],
)  # fmt: skip
def test_may_cancel__a_followed_request_needs_an_approver(who: str, reason: DenialCode | None) -> None:
    asked = request(followers=(Follower(BEN),))
    verdict = may_cancel(actor(who), case(asked))

    assert verdict.reason is reason
    if reason:
        error = denial(verdict, asked)
        assert isinstance(error, Denied)
        assert error.params["follower"] == BEN


def test_may_cancel__a_requester_who_is_an_approver_even_if_others_follow() -> None:
    assert may_cancel(actor(BEN), case(request(requester=BEN, followers=(Follower(RAVI),)))).allowed


@pytest.mark.parametrize(
    ("asked", "allowed"),
    [
        (request(rules=rules()), True),
        (request(rules=rules(approvers=users(OLIVIA, BEN, RAVI))), True),
        (request(rules=rules(approvers=users(OLIVIA))), False),
        (request(rules=rules(approvers=users(OLIVIA)), state=State.APPROVED), True),
        (request(rules=rules(self_approval=False, approvals_required=3)), True),
        (request(rules=None), True),
        (request(rules=rules(), action="break-glass"), False),
    ],
)
def test_may_follow__only_if_every_approver_of_now_could_approve(asked: Request, allowed: bool) -> None:
    assert may_follow(asked, REVOKE, rules()) is allowed


@pytest.mark.parametrize("needed", [1, 2, 5])
def test_denial__of_an_own_request_says_how_many_must_approve(needed: int) -> None:
    own = request(requester=BEN, approvals_required=needed, target_protected=True)
    error = denial(may_approve(actor(BEN), case(own)), own)
    assert error.params == {"requester": BEN, "required": str(needed)}
    assert denial(Verdict(reason=DenialCode.OWN_REQUEST), own).params == {"requester": BEN}
    assert denial(Verdict(reason=DenialCode.OWN_PROTECTED_REQUEST)).params == {}
