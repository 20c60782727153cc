"""`check` reports rules with too few approvers, and counts groups by their full members."""

from __future__ import annotations

import pytest

from bot.checks.result import Status
from bot.sandbox import personas
from bot.sandbox.slack.faults import SlackFault
from bot.sandbox.slack.workspace import UserGroup
from bot.services.slack_principals import MAX_GROUP_SIZE
from tests.support.checks_harness import ChecksHarness

OLIVIA, BEN, RAVI, NADIA = personas.OLIVIA, personas.BEN, personas.RAVI, personas.NADIA
GUS, DAN, BEA, ONA, PIA = personas.GUS, personas.DAN, personas.BEA, personas.ONA, personas.PIA
GROUP, VIPS = personas.TOKEN_APPROVERS, "S0VIPS0001"

RULES: dict[str, tuple[dict[str, str], str, Status, str]] = {
    "two of two remain for others": (
        {"APPROVERS": f"{OLIVIA},{BEN}", "REQUESTERS": RAVI},
        "approvals PROTECTED", Status.OK, "2 people can approve a request about a protected person",
    ),
    "one of two remains for an approver": (
        {"APPROVERS": f"{OLIVIA},{BEN}"},
        "approvals PROTECTED", Status.UNDETERMINED, "Olivia Ortega, Ben Baker can approve a request about a protected",
    ),
    "one approver for a protected person": (
        {"APPROVERS": OLIVIA, "REQUESTERS": RAVI},
        "approvals PROTECTED", Status.FAILED, "needs 2 approvers, and Olivia Ortega can approve",
    ),
    "only the approvers request": (
        {"APPROVERS": f"{OLIVIA},{BEN}", "REQUESTERS": ""},
        "approvals PROTECTED", Status.FAILED, "only Olivia Ortega, Ben Baker can request and approve",
    ),
    "a protected person is an approver": (
        {"APPROVERS": f"{BEN},{PIA}", "REQUESTERS": RAVI},
        "approvals PROTECTED", Status.UNDETERMINED, "too few remain",
    ),
    "a guest does not count": (
        {"APPROVERS": GROUP, "REQUESTERS": RAVI},
        "approvals PROTECTED", Status.OK, "2 people can approve",
    ),
    "a person counts once": (
        {"APPROVERS": f"{GROUP},{BEN}"}, "approvals", Status.OK, "2 people can approve a request",
    ),
    "the only approver could be the target": (
        {"APPROVERS": OLIVIA, "PROTECTED": ""}, "approvals", Status.UNDETERMINED, "by or about them",
    ),
    "the only approver requests alone": (
        {"APPROVERS": OLIVIA, "REQUESTERS": "", "PROTECTED": "", "SELF_APPROVAL": "false"},
        "approvals", Status.FAILED, "needs 1 approver besides the requester, and only Olivia Ortega",
    ),
    "two approvers where two are required": (
        {"APPROVERS": f"{OLIVIA},{BEN}", "REQUESTERS": RAVI, "PROTECTED": "", "APPROVALS_REQUIRED": "2"},
        "approvals", Status.UNDETERMINED, "can approve a request, which needs 2 approvers; too few remain",
    ),
    "one approver where two are required": (
        {"APPROVERS": OLIVIA, "REQUESTERS": RAVI, "PROTECTED": "", "APPROVALS_REQUIRED": "2"},
        "approvals", Status.FAILED, "a request needs 2 approvers, and Olivia Ortega can approve",
    ),
    "only the approvers request where two are required": (
        {"APPROVERS": f"{OLIVIA},{BEN}", "REQUESTERS": "", "PROTECTED": "", "APPROVALS_REQUIRED": "2"},
        "approvals", Status.FAILED, "a request needs 2 approvers besides the requester, and only Olivia Ortega",
    ),
    "one approver suffices for a protected person": (
        {"APPROVERS": OLIVIA, "REQUESTERS": RAVI, "PROTECTED_APPROVALS": "1"},
        "approvals PROTECTED", Status.OK, "1 person can approve a request about a protected person",
    ),
    "three approvers for a protected person": (
        {"APPROVERS": f"{OLIVIA},{BEN}", "REQUESTERS": RAVI, "PROTECTED_APPROVALS": "3"},
        "approvals PROTECTED", Status.FAILED, "needs 3 approvers",
    ),
    "the only admin rotates where two are required": (
        {"ADMINS": OLIVIA, "APPROVALS_REQUIRED": "2"}, "approvals ADMINS", Status.OK, "1 person can approve a rotation",
    ),
    "two admins approve the bulk request of a third": (
        {"ADMINS": f"{OLIVIA},{BEN},{NADIA}"}, "approvals BULK", Status.OK, "3 people can approve a revocation of more",
    ),
    "two admins are too few for a bulk request": (
        {"ADMINS": f"{OLIVIA},{BEN}"},
        "approvals BULK", Status.UNDETERMINED, "needs 2 approvers besides the requester, and only Olivia Ortega, Ben",
    ),
    "three admins are too few if each request needs three": (
        {"ADMINS": f"{OLIVIA},{BEN},{NADIA}", "APPROVALS_REQUIRED": "3", "PROTECTED_APPROVALS": "3"},
        "approvals BULK", Status.UNDETERMINED, "needs 3 approvers besides the requester, and only Olivia Ortega, Ben",
    ),
    "the only admin cannot approve a bulk request": (
        {"ADMINS": OLIVIA}, "approvals BULK", Status.UNDETERMINED, "needs 2 approvers, and Olivia Ortega can approve",
    ),
    "the only admin alone approves a bulk request": (
        {"ADMINS": OLIVIA, "BULK_APPROVALS": "1"}, "approvals BULK", Status.OK, "1 person can approve a revocation of",
    ),
    "the only admin may not approve a bulk request alone": (
        {"ADMINS": OLIVIA, "BULK_APPROVALS": "1", "SELF_APPROVAL": "false"},
        "approvals BULK", Status.UNDETERMINED, "needs 1 approver besides the requester, and only Olivia Ortega",
    ),
    "the only admin cannot alone approve a list with protected people": (
        {"ADMINS": OLIVIA, "BULK_APPROVALS": "1", "PROTECTED_APPROVALS": "1"},
        "approvals BULK PROTECTED", Status.UNDETERMINED, "needs 1 approver besides the requester, and only Olivia",
    ),
    "three admins are too few for a list with protected people": (
        {"ADMINS": f"{OLIVIA},{BEN},{NADIA}", "PROTECTED_APPROVALS": "3"},
        "approvals BULK PROTECTED", Status.UNDETERMINED, "people with a protected one needs 3 approvers besides the",
    ),
    "the only admin rotates": ({"ADMINS": OLIVIA}, "approvals ADMINS", Status.OK, "1 person can approve a rotation"),
    "the only admin may not rotate alone": (
        {"ADMINS": OLIVIA, "SELF_APPROVAL": "false"},
        "approvals ADMINS", Status.FAILED, "a rotation needs 1 approver besides the requester, and only Olivia Ortega",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RULES)
async def test_approvals__of_rules_are_counted(harness: ChecksHarness, name: str) -> None:
    environ, check, status, message = RULES[name]
    found = (await harness.check(environ)).of(check)
    assert (found.status, message in found.message) == (status, True), found


@pytest.mark.parametrize("approvers", [f"{OLIVIA},role:Supervisor", f"{OLIVIA},permission:oauth:token:delete"])
async def test_approvals__are_not_counted_if_only_genesys_cloud_knows_the_approvers(
    harness: ChecksHarness, approvers: str
) -> None:
    report = await harness.check({"APPROVERS": approvers})
    assert not {one.check for one in report.results} & {"approvals", "approvals PROTECTED"}


async def test_approvals__of_lists_with_protected_people_are_counted_only_if_they_differ(
    harness: ChecksHarness,
) -> None:
    report = await harness.check({"ADMINS": f"{OLIVIA},{BEN},{NADIA}"})
    assert not {one.check for one in report.results} & {"approvals BULK PROTECTED"}


async def test_group__is_counted_by_full_members(harness: ChecksHarness) -> None:
    harness.slack.groups[GROUP].members = [OLIVIA, GUS, DAN, BEA, ONA, "U0NOBODY01"]
    found = (await harness.check()).of(f"APPROVERS {GROUP}")
    counted = "1 full member; not counted: 1 guest, 1 deactivated user, 1 bot, 1 person of another workspace"
    assert (found.status, found.message) == (
        Status.OK,
        f"user group with {counted}; Slack decides who may edit the group",
    )


async def test_group__without_a_full_member_fails(harness: ChecksHarness) -> None:
    harness.slack.groups[GROUP].members = [GUS]
    found = (await harness.check()).of(f"APPROVERS {GROUP}")
    assert (found.status, found.message) == (Status.FAILED, "user group with 0 full members; not counted: 1 guest")


async def test_group__whose_members_slack_does_not_show_is_undetermined(harness: ChecksHarness) -> None:
    harness.slack.groups[GROUP].members = [OLIVIA, BEN]
    harness.slack.fault("users.info", SlackFault(retry_after=30, times=None))
    report = await harness.check({"APPROVERS": GROUP, "REQUESTERS": "", "ADMINS": "", "PROTECTED": ""})
    assert report.of(f"APPROVERS {GROUP}").status is Status.UNDETERMINED
    assert "ratelimited" in report.of(f"APPROVERS {GROUP}").message
    assert "approvals" not in {one.check for one in report.results}


async def test_group__that_is_too_large_is_not_looked_up(harness: ChecksHarness) -> None:
    harness.slack.groups[GROUP].members = [f"U0MEMBER{number:03}" for number in range(MAX_GROUP_SIZE + 1)]
    report = await harness.check({"APPROVERS": GROUP, "PROTECTED": GROUP})
    found = report.of(f"APPROVERS, PROTECTED {GROUP}")
    assert (found.status, "people without a Slack user count as protected" in found.message) == (
        Status.UNDETERMINED,
        True,
    )
    found = (await harness.check({"APPROVERS": GROUP})).of(f"APPROVERS {GROUP}")
    assert (found.status, found.message.endswith("; Slack decides who may edit the group")) == (Status.OK, True)


PROTECTED: dict[str, tuple[str, Status, str]] = {
    "empty group": (VIPS, Status.FAILED, "no members, so everyone counts as protected"),
    "disabled group": (VIPS, Status.FAILED, "or it is disabled, so everyone counts as protected"),
    "unknown group": ("S0NOSUCH01", Status.FAILED, "no such user group, or it is disabled, so everyone counts"),
    "unknown user": ("U0NOBODY01", Status.FAILED, "no such user, so everyone counts as protected"),
    "user without an address": (personas.NOMAIL, Status.UNDETERMINED, "has no email address in Slack"),
    "group of guests": (VIPS, Status.OK, "user group with 0 full members, 1 guest; Slack decides who may edit"),
}


@pytest.mark.parametrize("name", PROTECTED)
async def test_protected__principal_that_protects_everyone_is_reported(harness: ChecksHarness, name: str) -> None:
    principal, status, message = PROTECTED[name]
    members = [] if name == "empty group" else [GUS]
    harness.slack.groups[VIPS] = UserGroup(id=VIPS, handle="vips", members=members, disabled=name == "disabled group")
    found = (await harness.check({"PROTECTED": principal})).of(f"PROTECTED {principal}")
    assert (found.status, message in found.message) == (status, True), found
