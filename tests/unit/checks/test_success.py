"""Where nothing is wrong the doctor says so, and what it cannot know it does not claim."""

from __future__ import annotations

import asyncio

import pytest

from bot.checks.result import Mark
from bot.checks.slack import SCOPES
from bot.sandbox import personas
from bot.sandbox.genesys.server import EntityRef, GenesysFault
from bot.sandbox.slack.faults import SlackFault
from tests.support.checks_harness import ChecksHarness

DELETE = "permission oauth:token:delete"
BY_DIVISION = "get_authorization_divisionspermitted_paged_me"
BY_ROLE = "get_authorization_subjects_me"
SILENT = GenesysFault(status=400, times=None)
EMPTY = GenesysFault(status=200, body={"entities": [], "allDivsPermitted": False}, times=None)


async def test_check__of_the_sandbox_is_well_in_everything(ward: ChecksHarness) -> None:
    report = await ward.check()

    assert report.wrong | report.unknown == set()
    assert report.code == 0
    assert {f"scope {scope}" for scope in SCOPES} <= report.marked(Mark.WELL)
    assert "of 300 requests are used" in report.of("rate limit").says


async def test_check__of_socket_mode_asks_for_a_connection_and_makes_none(socket_ward: ChecksHarness) -> None:
    report = await socket_ward.check()

    assert report.code == 0
    assert "lapses unused" in report.of("SLACK_APP_TOKEN").says
    assert socket_ward.slack.sockets.opened == 0


async def test_clock__does_no_harm_in_socket_mode(socket_ward: ChecksHarness) -> None:
    report = await socket_ward.check(ahead=4000)

    assert "no harm in Socket Mode" in report.of("clock").says
    assert report.code == 0


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [("invalid_auth", 2, "Slack does not accept it (invalid_auth)"), ("internal_error", 1, "internal_error")],
)
async def test_app_token__refused_is_a_wrong_setting_and_unanswered_is_not(
    socket_ward: ChecksHarness, error: str, code: int, says: str
) -> None:
    socket_ward.slack.fault("apps.connections.open", SlackFault(error=error, times=None))

    report = await socket_ward.check()

    assert report.wrong == {"SLACK_APP_TOKEN"}
    assert says in report.of("SLACK_APP_TOKEN").says
    assert report.code == code


async def test_channel__with_the_scopes_of_the_manifest_is_known_but_not_whether_the_bot_is_in_it(
    ward: ChecksHarness,
) -> None:
    ward.slack.api.scopes = frozenset(SCOPES)

    report = await ward.check()

    assert report.unknown == {f"APPROVALS_CHANNEL {personas.APPROVALS}", f"AUDIT_CHANNEL {personas.AUDIT}"}
    assert "/invite" in (report.of(f"AUDIT_CHANNEL {personas.AUDIT}").advice or "")
    assert ward.slack.calls_of("conversations.info") == []
    assert report.code == 0


async def test_signing_secret__that_looks_like_none_is_doubted(ward: ChecksHarness) -> None:
    report = await ward.check({"SLACK_SIGNING_SECRET": "the client secret?"})

    assert report.unknown == {"SLACK_SIGNING_SECRET"}
    assert report.code == 0


@pytest.mark.parametrize("who", [personas.GUS, personas.ONA, personas.DAN])
async def test_protected__may_be_anybody_there_is(ward: ChecksHarness, who: str) -> None:
    assert (await ward.check({"PROTECTED": who})).code == 0


async def test_region__that_is_not_known_is_doubted(ward: ChecksHarness) -> None:
    report = await ward.check({"PURECLOUD_ENVIRONMENT": "new1.pure.cloud"})

    assert report.unknown == {"PURECLOUD_ENVIRONMENT"}
    assert report.code == 0


async def test_role__cannot_be_told_without_a_permission_that_the_bot_does_not_need(ward: ChecksHarness) -> None:
    report = await ward.check({"APPROVERS": "role:Supervisor"})

    assert report.unknown == {"APPROVERS role:Supervisor"}
    assert "authorization:role:view" in report.of("APPROVERS role:Supervisor").says
    assert report.of("permission authorization:grant:view").mark is Mark.WELL
    assert report.code == 0


@pytest.mark.parametrize("principal", ["permission:oauth:token:delete", "permission:oauth:*:*"])
async def test_permission__of_a_principal_is_looked_for_with_wildcards(ward: ChecksHarness, principal: str) -> None:
    assert (await ward.check({"APPROVERS": principal})).of(f"APPROVERS {principal}").mark is Mark.WELL


async def test_permission__is_told_with_the_divisions_it_is_held_in(ward: ChecksHarness) -> None:
    ward.client.divisions = tuple(EntityRef(f"d{number}", f"Division {number}") for number in range(7))

    says = (await ward.check()).of(DELETE).says

    assert "in Division 0, Division 1, Division 2, Division 3, Division 4 and 2 more;" in says
    assert "people of other divisions cannot be revoked" in says


@pytest.mark.parametrize("answer", [SILENT, EMPTY], ids=["silent", "knows nothing"])
async def test_permission__is_read_from_the_clients_roles_where_divisions_are_not_told(
    ward: ChecksHarness, answer: GenesysFault
) -> None:
    ward.genesys.fault(BY_DIVISION, answer)
    assert (await ward.check()).of(DELETE).mark is Mark.WELL

    ward.client.permissions -= {"oauth:token:delete"}
    assert (await ward.check()).of(DELETE).mark is Mark.WRONG


async def test_permission__under_a_condition_is_not_held(ward: ChecksHarness) -> None:
    ward.genesys.fault(BY_DIVISION, SILENT)
    policies = [
        {"domain": "directory", "entityName": "*", "actions": ["*"]},
        {"domain": "oauth", "entityName": "*", "actions": ["*"], "condition": "{}"},
    ]
    grants = [{"division": {"id": "d", "name": "Home"}, "role": {"name": "Bot", "policies": policies}}]
    ward.genesys.fault(BY_ROLE, GenesysFault(status=200, body={"grants": grants}, times=None))

    assert (await ward.check()).of(DELETE).mark is Mark.WRONG


@pytest.mark.parametrize("answer", [SILENT, EMPTY], ids=["silent", "knows nothing"])
async def test_permission__to_revoke_is_not_tried_where_genesys_cloud_does_not_tell(
    ward: ChecksHarness, answer: GenesysFault
) -> None:
    ward.genesys.fault(BY_DIVISION, answer)
    ward.genesys.fault(BY_ROLE, answer)

    report = await ward.check({"APPROVERS": "permission:oauth:token:delete"})

    assert report.unknown == {DELETE}
    assert "would end somebody's sessions" in report.of(DELETE).says
    assert "roles of nobody" in report.of("permission authorization:grant:view").says
    assert report.code == 0


async def test_permission__to_read_roles_is_tried_where_genesys_cloud_does_not_tell(ward: ChecksHarness) -> None:
    ward.genesys.fault(BY_DIVISION, SILENT)
    ward.genesys.fault(BY_ROLE, SILENT)
    ward.client.permissions -= {"authorization:grant:view"}

    report = await ward.check({"APPROVERS": "permission:oauth:token:delete"})

    assert report.wrong == {"permission authorization:grant:view"}


async def test_check__that_gets_no_answer_ends_all_the_same(ward: ChecksHarness) -> None:
    ward.genesys.fault("search_by_email", GenesysFault(until=asyncio.Event(), times=None))

    report = await ward.check(seconds=1.0)

    assert "permission directory:user:view" in report.wrong
