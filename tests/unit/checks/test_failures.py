"""Each fault alone: its check fails with a hint, the exit code is 1, and the other checks run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from bot.checks.genesys import CLIENT
from bot.checks.result import Status
from bot.checks.slack import SCOPES
from bot.sandbox import personas
from bot.sandbox.genesys.server import LOGIN_RATE_LIMITED, EntityRef, GenesysFault
from bot.sandbox.slack.faults import SlackFault
from tests.support.checks_harness import ChecksHarness
from tests.support.process import free_port

CLOSED_URL = f"http://127.0.0.1:{free_port()}"
GROUP = f"APPROVERS {personas.TOKEN_APPROVERS}"
APPROVALS = f"APPROVALS_CHANNEL {personas.APPROVALS}"
AUDIT = f"AUDIT_CHANNEL {personas.AUDIT}"
RAVI = f"REQUESTERS {personas.RAVI}"
ROLE = "role:Supervisor"
PERMISSION = "permission:oauth:token:delete"

InjectFault = Callable[[ChecksHarness], object]


@dataclass(frozen=True)
class Case:
    """A fault, the checks that it fails, and a part of the first one's message and hint."""

    inject: InjectFault
    failed: tuple[str, ...]
    message: str
    hint: str
    environ: dict[str, str] = field(default_factory=dict)
    clock_skew: float = 0.0


def slack(method: str, **fault: object) -> InjectFault:
    return lambda harness: harness.slack.fault(method, SlackFault(times=None, **fault))  # type: ignore[arg-type]


def genesys(operation: str, fault: GenesysFault) -> InjectFault:
    return lambda harness: harness.genesys.fault(operation, fault)


def channel(channel_id: str, **state: object) -> InjectFault:
    return lambda harness: vars(harness.slack.channels[channel_id]).update(state)


def member(**state: object) -> InjectFault:
    return lambda harness: vars(harness.slack.members[personas.RAVI]).update(state)


def missing(permission: str) -> InjectFault:
    return lambda harness: setattr(harness.client, "permissions", harness.client.permissions - {permission})


def may_list_roles(harness: ChecksHarness) -> None:
    harness.client.permissions |= {"authorization:role:view"}


def without_channel_scopes(harness: ChecksHarness) -> None:
    harness.slack.api.scopes = frozenset(SCOPES) - {"channels:read", "groups:read"}


def no_fault(_harness: ChecksHarness) -> None:
    pass


NETWORK = "Make sure that this machine can reach"
TOKEN = "Set SLACK_BOT_TOKEN to the Bot User OAuth Token"
INVITE = "/invite"
SLACK_CASES = {
    "invalid token": Case(no_fault, ("SLACK_BOT_TOKEN",), "invalid_auth", TOKEN, {"SLACK_BOT_TOKEN": "xoxb-1-wrong"}),
    "revoked token": Case(slack("auth.test", error="token_revoked"), ("SLACK_BOT_TOKEN",), "token_revoked", TOKEN),
    "user token": Case(
        lambda harness: setattr(harness.slack.workspace, "bot_id", ""), ("SLACK_BOT_TOKEN",), "a user token", "xoxb-"
    ),
    "token of an organization": Case(
        lambda harness: setattr(harness.slack.workspace, "is_enterprise_install", True),
        ("SLACK_BOT_TOKEN",),
        "a whole organization",
        "Install the app to one workspace",
    ),
    "connection reset by slack": Case(
        slack("auth.test", drop=True), ("SLACK_BOT_TOKEN",), "did not respond to auth.test", NETWORK
    ),
    "slack down": Case(slack("auth.test", html="<h1>Down</h1>"), ("SLACK_BOT_TOKEN",), "http_503", "Wait"),
    "slack rate limit": Case(slack("auth.test", retry_after=30), ("SLACK_BOT_TOKEN",), "ratelimited", "Wait"),
    "slack unreachable": Case(
        no_fault, ("SLACK_BOT_TOKEN",), "connect_error", "can reach Slack", {"SLACK_API_URL": CLOSED_URL}
    ),
    "clock ahead": Case(no_fault, ("clock",), "seconds ahead of Slack's", "NTP", clock_skew=400),
    "clock behind": Case(no_fault, ("clock",), "seconds behind Slack's", "NTP", clock_skew=-400),
    "not a member of the channel": Case(
        channel(personas.APPROVALS, is_member=False, is_private=False),
        (APPROVALS,),
        "not a member of #approvals",
        INVITE,
    ),
    "not a member of the private channel": Case(
        channel(personas.AUDIT, is_member=False), (AUDIT,), "no such channel", INVITE
    ),
    "archived channel": Case(channel(personas.AUDIT, is_archived=True), (AUDIT,), "#audit is archived", "Unarchive"),
    "unknown channel": Case(
        no_fault, ("AUDIT_CHANNEL C0NOWHERE1",), "no such channel", INVITE, {"AUDIT_CHANNEL": "C0NOWHERE1"}
    ),
    "shared channel": Case(
        channel(personas.APPROVALS, is_ext_shared=True), (APPROVALS,), "people of another organization", "stop sharing"
    ),
    "channel with an invited organization": Case(
        channel(personas.AUDIT, is_pending_ext_shared=True), (AUDIT,), "or are invited to it", "stop sharing"
    ),
    "unknown channel, without the scopes of channels": Case(
        without_channel_scopes,
        ("AUDIT_CHANNEL C0NOWHERE1", "scope channels:read", "scope groups:read"),
        "no such channel",
        INVITE,
        {"AUDIT_CHANNEL": "C0NOWHERE1"},
    ),
    "unknown user": Case(no_fault, ("ADMINS U0UNKNOWN1",), "no such user", "Correct ADMINS", {"ADMINS": "U0UNKNOWN1"}),
    "deactivated user": Case(member(deleted=True), (RAVI,), "Ravi Rao is deactivated", "Name a full, active member"),
    "guest": Case(member(is_restricted=True), (RAVI,), "is a guest", "Name a full, active member"),
    "bot user": Case(member(is_bot=True), (RAVI,), "is a bot", "Name a full, active member"),
    "user of another workspace": Case(
        member(team_id="T0AWAY0001"), (RAVI,), "another workspace", "Name a full, active member"
    ),
    "unknown group": Case(
        no_fault,
        ("APPROVERS S0UNKNOWN1",),
        "no such user group",
        "Correct APPROVERS",
        {"APPROVERS": "S0UNKNOWN1"},
    ),
    "disabled group": Case(
        lambda harness: setattr(harness.slack.groups[personas.TOKEN_APPROVERS], "disabled", True),
        (GROUP,),
        "disabled",
        "Correct APPROVERS",
    ),
    "empty group": Case(
        lambda harness: harness.slack.groups[personas.TOKEN_APPROVERS].members.clear(),
        (GROUP,),
        "no members",
        "Add members",
    ),
    "plan without groups": Case(
        slack("usergroups.users.list", error="plan_upgrade_required"),
        (GROUP,),
        "does not include user groups",
        "Name users",
    ),
    "slack rate limit for a group": Case(
        slack("usergroups.users.list", retry_after=60), (GROUP,), "usergroups.users.list with ratelimited", "Wait"
    ),
}
GENESYS_CASES = {
    "client of another region": Case(
        no_fault,
        (CLIENT,),
        "belongs to another region",
        "Set PURECLOUD_ENVIRONMENT",
        {"PURECLOUD_CLIENT_ID": "other"},
    ),
    "wrong secret": Case(
        no_fault, (CLIENT,), "its secret is wrong", "Set PURECLOUD_SECRET", {"PURECLOUD_SECRET": "no"}
    ),
    "rate limit of the login host": Case(
        genesys("login", replace(LOGIN_RATE_LIMITED, times=None, headers={"Retry-After": "600"})),
        (CLIENT,),
        "rate limit",
        "Wait",
    ),
    "login host fails": Case(
        genesys("login", GenesysFault(status=500, times=None)), (CLIENT,), "500", "grant type Client Credentials"
    ),
    "login host unreachable": Case(
        no_fault, (CLIENT,), "cannot be reached", NETWORK, {"PURECLOUD_LOGIN_URL": CLOSED_URL}
    ),
    "api host unreachable": Case(no_fault, (CLIENT,), "cannot be reached", NETWORK, {"PURECLOUD_API_URL": CLOSED_URL}),
    "gateway timeout": Case(
        genesys("get_tokens_me", GenesysFault(status=504, times=None)), (CLIENT,), "did not respond (504)", NETWORK
    ),
    "web page of a proxy": Case(
        genesys("get_tokens_me", GenesysFault(status=200, body="<html>Log in</html>", times=None)),
        (CLIENT,),
        "not Genesys Cloud responded in its place",
        NETWORK,
    ),
    "another api": Case(
        genesys("get_tokens_me", GenesysFault(status=404, times=None)), (CLIENT,), "404 Not Found", "PURECLOUD_API_URL"
    ),
    "token rejected": Case(
        genesys("get_tokens_me", GenesysFault(status=401, times=None)),
        (CLIENT,),
        "401 Unauthorized: Invalid login",
        "correlation id",
    ),
    "genesys rate limit": Case(
        genesys("search_by_email", GenesysFault(status=429, headers={"Retry-After": "600"}, times=None)),
        ("permission directory:user:view",),
        "429 Too Many Requests: Rate limit exceeded",
        "Wait",
    ),
    "no permission to search": Case(
        missing("directory:user:view"), ("permission directory:user:view",), "lack directory:user:view", "to the role"
    ),
    "no permission to revoke": Case(
        missing("oauth:token:delete"), ("permission oauth:token:delete",), "lack oauth:token:delete", "to the role"
    ),
    "no permission to read roles": Case(
        missing("authorization:grant:view"),
        ("permission authorization:grant:view",),
        "lack authorization:grant:view",
        "to the role",
        {"APPROVERS": PERMISSION},
    ),
    "unknown role": Case(
        may_list_roles, (f"APPROVERS {ROLE}",), "no role with this id or name", "Correct it", {"APPROVERS": ROLE}
    ),
    "unknown permission": Case(
        no_fault,
        ("ADMINS permission:oauth:tokens:delete",),
        "no such permission",
        "domain:entity:action",
        {"ADMINS": "permission:oauth:tokens:delete"},
    ),
}
CASES = SLACK_CASES | GENESYS_CASES


@pytest.mark.parametrize("name", CASES)
async def test_check__fails_with_a_hint_for_each_fault(harness: ChecksHarness, name: str) -> None:
    case = CASES[name]
    case.inject(harness)

    report = await harness.check(case.environ, clock_skew=case.clock_skew)

    assert report.failed == set(case.failed)
    result = report.of(case.failed[0])
    assert case.message in result.message
    assert case.hint in (result.hint or "")
    assert report.exit_code == 1


@pytest.mark.parametrize("scope", SCOPES)
async def test_scope__missing_fails_with_its_consequence(harness: ChecksHarness, scope: str) -> None:
    harness.slack.api.scopes -= {scope}

    report = await harness.check()

    assert {check for check in report.failed if check.startswith("scope")} == {f"scope {scope}"}
    assert SCOPES[scope] in report.of(f"scope {scope}").message
    assert report.exit_code == 1


@pytest.mark.parametrize("name", SLACK_CASES)
async def test_slack_fault__leaves_the_other_checks_running(harness: ChecksHarness, name: str) -> None:
    case = SLACK_CASES[name]
    case.inject(harness)

    report = await harness.check(case.environ, clock_skew=case.clock_skew)

    assert report.of("permission oauth:token:delete").status is Status.OK
    assert report.of("DATABASE_URL").status is Status.OK


async def test_bot_token__rejected_skips_the_checks_that_depend_on_it(harness: ChecksHarness) -> None:
    harness.slack.fault("auth.test", SlackFault(error="invalid_auth", times=None))

    report = await harness.check()

    assert {AUDIT, APPROVALS, GROUP, RAVI, "scope chat:write"} <= report.undetermined
    assert report.of(GROUP).message == "skipped because the check of SLACK_BOT_TOKEN failed"
    assert {call.method for call in harness.slack.calls} == {"auth.test"}


async def test_oauth_client__rejected_skips_the_checks_that_depend_on_it(harness: ChecksHarness) -> None:
    report = await harness.check({"PURECLOUD_SECRET": "no", "APPROVERS": f"{ROLE},{PERMISSION}"})

    permissions = {f"permission {permission}" for permission in harness.client.permissions}
    skipped = permissions | {
        f"APPROVERS {ROLE}",
        f"APPROVERS {PERMISSION}",
        "live state",
        "calls of many people",
        "rate limit",
    }
    assert skipped <= report.undetermined
    assert {report.of(check).message for check in skipped} == {"skipped because the check of the OAuth client failed"}
    assert {request.operation for request in harness.genesys.requests} == {"login"}


async def test_genesys_error__is_reported_with_its_correlation_id(harness: ChecksHarness) -> None:
    harness.genesys.fault("search_by_email", GenesysFault(status=403, headers={"ININ-Correlation-Id": "c-1"}))

    result = (await harness.check()).of("permission directory:user:view")

    assert result.status is Status.FAILED
    assert result.correlation_id


async def test_network__unreachable_fails_slack_and_genesys_but_not_the_database(harness: ChecksHarness) -> None:
    urls = ("SLACK_API_URL", "PURECLOUD_API_URL", "PURECLOUD_LOGIN_URL")

    report = await harness.check(dict.fromkeys(urls, CLOSED_URL))

    assert report.failed == {"SLACK_BOT_TOKEN", CLIENT}
    assert report.of("DATABASE_URL").status is Status.OK
    assert report.of("clock").message == "skipped because no response from Slack has a valid Date header"
    assert report.exit_code == 1


async def test_role__is_found_if_the_client_may_list_roles(harness: ChecksHarness) -> None:
    may_list_roles(harness)
    harness.genesys.state.roles = [EntityRef("r1", "Supervisor"), EntityRef("r2", "Supervisor of Supervisors")]

    report = await harness.check({"APPROVERS": "role:supervisor"})

    assert report.of("APPROVERS role:supervisor").message == "role Supervisor (r1)"
    assert report.exit_code == 0
