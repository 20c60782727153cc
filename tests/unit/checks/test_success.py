"""A correct setup passes every check, and a check that cannot determine its result says so."""

from __future__ import annotations

import asyncio

import pytest

from bot.checks.genesys import ACTION_PERMISSIONS
from bot.checks.result import Status
from bot.checks.slack import SCOPES
from bot.sandbox import personas
from bot.sandbox.genesys.server import EntityRef, GenesysFault
from bot.sandbox.slack.faults import SlackFault
from tests.support.checks_harness import ChecksHarness

DELETE = "permission oauth:token:delete"
BY_DIVISION = "get_authorization_divisionspermitted_paged_me"
BY_ROLE = "get_authorization_subjects_me"
REJECTED = GenesysFault(status=400, times=None)
EMPTY = GenesysFault(status=200, body={"entities": [], "allDivsPermitted": False}, times=None)


async def test_check__of_the_sandbox_passes(harness: ChecksHarness) -> None:
    report = await harness.check()

    assert report.failed | report.undetermined == set()
    assert report.exit_code == 0
    assert {f"scope {scope}" for scope in SCOPES} <= report.names(Status.OK)
    assert "of 300 requests used" in report.of("rate limit").message


async def test_live_state__names_the_parts_that_the_client_may_see(harness: ChecksHarness) -> None:
    shown = "Genesys Cloud shows the client conversations, queue, presence, last login"
    assert (await harness.check()).of("live state").message == shown

    for number, user in enumerate(harness.genesys.users.values()):
        user.presence = None
        user.last_token_issued = None if number == 0 else user.last_token_issued  # one who has never logged in
    report = await harness.check()
    assert report.undetermined == {"live state"}
    assert report.of("live state").message.startswith("Genesys Cloud does not show the client presence; cards say")
    assert report.exit_code == 0


@pytest.mark.parametrize("status", [403, 404, 503])
async def test_live_state__that_cannot_be_read_is_undetermined(harness: ChecksHarness, status: int) -> None:
    harness.genesys.fault("get_user", GenesysFault(status=status, times=None))
    report = await harness.check()
    assert report.undetermined == {"live state"}
    assert report.exit_code == 0
    assert len(harness.genesys.received("get_user")) == 1


async def test_live_state__without_any_user_shows_nothing(harness: ChecksHarness) -> None:
    harness.genesys.users.clear()
    message = (await harness.check()).of("live state").message
    assert "does not show the client conversations, queue, presence, last login; " in message


@pytest.mark.parametrize("status", [400, 403])
async def test_list_calls__that_a_search_refuses_are_a_warning(harness: ChecksHarness, status: int) -> None:
    harness.genesys.state.refuses_expanded_search = status
    report = await harness.check()
    assert report.undetermined == {"calls of many people"}
    assert "not known who is in a call" in report.of("calls of many people").message
    assert report.exit_code == 0


async def test_list_calls__that_a_search_leaves_out_are_a_warning(harness: ChecksHarness) -> None:
    harness.genesys.users.clear()
    message = (await harness.check()).of("calls of many people").message
    assert message.startswith("Genesys Cloud does not add conversations to a search")


async def test_socket_mode__requests_a_connection_url_and_does_not_connect(socket_harness: ChecksHarness) -> None:
    report = await socket_harness.check()

    assert report.exit_code == 0
    assert "expires unused" in report.of("SLACK_APP_TOKEN").message
    assert socket_harness.slack.sockets.opened == 0


async def test_clock_skew__is_harmless_in_socket_mode(socket_harness: ChecksHarness) -> None:
    report = await socket_harness.check(clock_skew=4000)

    assert "harmless in Socket Mode" in report.of("clock").message
    assert report.exit_code == 0


@pytest.mark.parametrize(
    ("error", "exit_code", "message"),
    [("invalid_auth", 2, "Slack does not accept it (invalid_auth)"), ("internal_error", 1, "internal_error")],
)
async def test_app_token__rejected_is_an_invalid_setting_but_a_slack_failure_is_not(
    socket_harness: ChecksHarness, error: str, exit_code: int, message: str
) -> None:
    socket_harness.slack.fault("apps.connections.open", SlackFault(error=error, times=None))

    report = await socket_harness.check()

    assert report.failed == {"SLACK_APP_TOKEN"}
    assert message in report.of("SLACK_APP_TOKEN").message
    assert report.exit_code == exit_code


async def test_channel__is_read_with_the_scopes_of_the_manifest(harness: ChecksHarness) -> None:
    harness.slack.api.scopes = frozenset(SCOPES)

    report = await harness.check()

    assert report.of(f"AUDIT_CHANNEL {personas.AUDIT}").message.endswith("#audit, which only this organization sees")
    assert report.exit_code == 0


@pytest.mark.parametrize("missing", ["channels:read", "groups:read"])
async def test_channel__without_a_scope_is_undetermined(harness: ChecksHarness, missing: str) -> None:
    harness.slack.api.scopes = frozenset(SCOPES) - {missing}

    report = await harness.check()

    assert report.failed == {f"scope {missing}"}
    assert report.undetermined == {f"APPROVALS_CHANNEL {personas.APPROVALS}", f"AUDIT_CHANNEL {personas.AUDIT}"}
    assert "/invite" in (report.of(f"AUDIT_CHANNEL {personas.AUDIT}").hint or "")
    assert "whether another organization shares the channel" in report.of(f"AUDIT_CHANNEL {personas.AUDIT}").message
    assert harness.slack.calls_of("conversations.info") == []


async def test_signing_secret__in_the_wrong_format_is_undetermined(harness: ChecksHarness) -> None:
    report = await harness.check({"SLACK_SIGNING_SECRET": "the client secret?"})

    assert report.undetermined == {"SLACK_SIGNING_SECRET"}
    assert report.exit_code == 0


@pytest.mark.parametrize("user_id", [personas.GUS, personas.ONA, personas.DAN])
async def test_protected__accepts_guests_external_and_deactivated_users(harness: ChecksHarness, user_id: str) -> None:
    assert (await harness.check({"PROTECTED": user_id})).exit_code == 0


async def test_region__unknown_is_undetermined(harness: ChecksHarness) -> None:
    report = await harness.check({"PURECLOUD_ENVIRONMENT": "new1.pure.cloud"})

    assert report.undetermined == {"PURECLOUD_ENVIRONMENT"}
    assert report.exit_code == 0


async def test_role__is_undetermined_without_the_permission_to_list_roles(harness: ChecksHarness) -> None:
    report = await harness.check({"APPROVERS": "role:Supervisor"})

    assert report.undetermined == {"APPROVERS role:Supervisor"}
    assert "authorization:role:view" in report.of("APPROVERS role:Supervisor").message
    assert report.of("permission authorization:grant:view").status is Status.OK
    assert report.exit_code == 0


@pytest.mark.parametrize("principal", ["permission:oauth:token:delete", "permission:oauth:*:*"])
async def test_permission_principal__matches_the_catalogue_with_wildcards(
    harness: ChecksHarness, principal: str
) -> None:
    assert (await harness.check({"APPROVERS": principal})).of(f"APPROVERS {principal}").status is Status.OK


async def test_permission__is_reported_with_its_divisions(harness: ChecksHarness) -> None:
    harness.client.divisions = tuple(EntityRef(f"d{number}", f"Division {number}") for number in range(7))

    message = (await harness.check()).of(DELETE).message

    assert "in Division 0, Division 1, Division 2, Division 3, Division 4 and 2 more;" in message
    assert "people in other divisions cannot be revoked" in message


@pytest.mark.parametrize("response", [REJECTED, EMPTY], ids=["rejected", "empty"])
async def test_permission__is_read_from_the_roles_if_the_divisions_are_not_shown(
    harness: ChecksHarness, response: GenesysFault
) -> None:
    harness.genesys.fault(BY_DIVISION, response)
    assert (await harness.check()).of(DELETE).status is Status.OK

    harness.client.permissions -= {"oauth:token:delete"}
    assert (await harness.check()).of(DELETE).status is Status.FAILED


async def test_permission__of_a_conditional_policy_does_not_count(harness: ChecksHarness) -> None:
    harness.genesys.fault(BY_DIVISION, REJECTED)
    policies = [
        {"domain": "directory", "entityName": "*", "actions": ["*"]},
        {"domain": "oauth", "entityName": "*", "actions": ["*"], "condition": "{}"},
    ]
    grants = [{"division": {"id": "d", "name": "Home"}, "role": {"name": "Bot", "policies": policies}}]
    harness.genesys.fault(BY_ROLE, GenesysFault(status=200, body={"grants": grants}, times=None))

    assert (await harness.check()).of(DELETE).status is Status.FAILED


@pytest.mark.parametrize("response", [REJECTED, EMPTY], ids=["rejected", "empty"])
async def test_delete_permission__is_undetermined_and_not_tried_if_genesys_does_not_show_it(
    harness: ChecksHarness, response: GenesysFault
) -> None:
    harness.genesys.fault(BY_DIVISION, response)
    harness.genesys.fault(BY_ROLE, response)

    report = await harness.check({"APPROVERS": "permission:oauth:token:delete"})

    assert report.undetermined == {f"permission {needed}" for needed in ACTION_PERMISSIONS}
    assert "would change something" in report.of(DELETE).message
    assert "roles of an unknown user" in report.of("permission authorization:grant:view").message
    assert report.exit_code == 0


async def test_grant_permission__is_tried_if_genesys_does_not_show_it(harness: ChecksHarness) -> None:
    harness.genesys.fault(BY_DIVISION, REJECTED)
    harness.genesys.fault(BY_ROLE, REJECTED)
    harness.client.permissions -= {"authorization:grant:view"}

    report = await harness.check({"APPROVERS": "permission:oauth:token:delete"})

    assert report.failed == {"permission authorization:grant:view"}


async def test_check__without_a_response_ends_at_its_time_limit(harness: ChecksHarness) -> None:
    harness.genesys.fault("search_by_email", GenesysFault(until=asyncio.Event(), times=None))

    report = await harness.check(time_limit=1.0)

    assert report.exit_code == 1
    late = {result.message for result in report.results if result.status is Status.FAILED}
    assert late & {"Genesys Cloud did not respond", "no response within 1 seconds"}
