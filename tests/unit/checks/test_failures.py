"""Each fault by itself: the doctor names it, says what to do, exits 1, and goes on with the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from bot.checks.result import Mark
from bot.checks.slack import SCOPES
from bot.sandbox import personas
from bot.sandbox.genesys.server import LOGIN_RATE_LIMITED, EntityRef, GenesysFault
from bot.sandbox.slack.faults import SlackFault
from tests.support.checks_harness import SECONDS, ChecksHarness
from tests.support.process import free_port

CLIENT = "PURECLOUD_CLIENT_ID, PURECLOUD_SECRET"
CLOSED = f"http://127.0.0.1:{free_port()}"
GROUP = f"APPROVERS {personas.TOKEN_APPROVERS}"
APPROVALS = f"APPROVALS_CHANNEL {personas.APPROVALS}"
AUDIT = f"AUDIT_CHANNEL {personas.AUDIT}"
RAVI = f"REQUESTERS {personas.RAVI}"
NARROW = frozenset(SCOPES)
ROLE = "role:Supervisor"
CATALOGUED = "permission:oauth:token:delete"


@dataclass(frozen=True)
class Case:
    """A fault: how it comes about, which crosses it makes, what the first of them says and advises."""

    lay: Callable[[ChecksHarness], object]
    wrong: tuple[str, ...]
    says: str
    advice: str
    environ: dict[str, str] = field(default_factory=dict)
    ahead: float = 0.0
    seconds: float = SECONDS


def slack(method: str, **kwargs: object) -> Callable[[ChecksHarness], object]:
    return lambda ward: ward.slack.fault(method, SlackFault(times=None, **kwargs))  # type: ignore[arg-type]


def genesys(operation: str, fault: GenesysFault) -> Callable[[ChecksHarness], object]:
    return lambda ward: ward.genesys.fault(operation, fault)


def channel(channel_id: str, **state: object) -> Callable[[ChecksHarness], object]:
    return lambda ward: vars(ward.slack.channels[channel_id]).update(state)


def member(**state: object) -> Callable[[ChecksHarness], object]:
    return lambda ward: vars(ward.slack.members[personas.RAVI]).update(state)


def lacking(permission: str) -> Callable[[ChecksHarness], object]:
    return lambda ward: setattr(ward.client, "permissions", ward.client.permissions - {permission})


def granted(ward: ChecksHarness) -> None:
    ward.client.permissions |= {"authorization:role:view"}


def narrow(ward: ChecksHarness) -> None:
    ward.slack.api.scopes = NARROW


def nothing(_ward: ChecksHarness) -> None:
    pass


NETWORK = "See that this machine reaches"
TOKEN = "Set SLACK_BOT_TOKEN to the Bot User OAuth Token"
INVITE = "/invite"
SLACK_CASES = {
    "token that is not one": Case(
        nothing, ("SLACK_BOT_TOKEN",), "invalid_auth", TOKEN, {"SLACK_BOT_TOKEN": "xoxb-1-wrong"}
    ),
    "token revoked": Case(slack("auth.test", error="token_revoked"), ("SLACK_BOT_TOKEN",), "token_revoked", TOKEN),
    "token of a person": Case(
        lambda ward: setattr(ward.slack.workspace, "bot_id", ""), ("SLACK_BOT_TOKEN",), "of a person", "xoxb-"
    ),
    "slack breaks off": Case(slack("auth.test", drop=True), ("SLACK_BOT_TOKEN",), "not answer auth.test", NETWORK),
    "slack is down": Case(slack("auth.test", html="<h1>Down</h1>"), ("SLACK_BOT_TOKEN",), "http_503", "Wait"),
    "slack takes no more": Case(slack("auth.test", retry_after=30), ("SLACK_BOT_TOKEN",), "ratelimited", "Wait"),
    "no slack": Case(nothing, ("SLACK_BOT_TOKEN",), "ClientConnectorError", "reaches Slack", {"SLACK_API_URL": CLOSED}),
    "clock ahead": Case(nothing, ("clock",), "seconds ahead of Slack's", "NTP", ahead=400),
    "clock behind": Case(nothing, ("clock",), "seconds behind Slack's", "NTP", ahead=-400),
    "bot not in the channel": Case(
        channel(personas.APPROVALS, is_member=False), (APPROVALS,), "not in #approvals", INVITE
    ),
    "bot not in the private channel": Case(
        channel(personas.AUDIT, is_member=False), (AUDIT,), "no such channel", INVITE
    ),
    "channel archived": Case(channel(personas.AUDIT, is_archived=True), (AUDIT,), "#audit is archived", "Unarchive"),
    "no such channel": Case(
        nothing, ("AUDIT_CHANNEL C0NOWHERE1",), "no such channel", INVITE, {"AUDIT_CHANNEL": "C0NOWHERE1"}
    ),
    "no such channel, with few scopes": Case(
        narrow, ("AUDIT_CHANNEL C0NOWHERE1",), "no such channel", INVITE, {"AUDIT_CHANNEL": "C0NOWHERE1"}
    ),
    "user unknown": Case(
        nothing, ("ADMINS U0NOBODY01",), "knows no such user", "Correct ADMINS", {"ADMINS": "U0NOBODY01"}
    ),
    "user deactivated": Case(member(deleted=True), (RAVI,), "Ravi Rao is deactivated", "Name a full, active member"),
    "user is a guest": Case(member(is_restricted=True), (RAVI,), "is a guest", "Name a full, active member"),
    "user is a bot": Case(member(is_bot=True), (RAVI,), "is a bot", "Name a full, active member"),
    "user of elsewhere": Case(member(team_id="T0AWAY0001"), (RAVI,), "another workspace", "Name a full, active member"),
    "group unknown": Case(
        nothing, ("APPROVERS S0NOBODY01",), "knows no such user group", "Correct", {"APPROVERS": "S0NOBODY01"}
    ),
    "group switched off": Case(
        lambda ward: setattr(ward.slack.groups[personas.TOKEN_APPROVERS], "disabled", True),
        (GROUP,),
        "switched on",
        "Correct APPROVERS",
    ),
    "group empty": Case(
        lambda ward: ward.slack.groups[personas.TOKEN_APPROVERS].members.clear(), (GROUP,), "nobody is in", "Add people"
    ),
    "plan without groups": Case(
        slack("usergroups.users.list", error="plan_upgrade_required"), (GROUP,), "no user groups", "Name people"
    ),
    "slack takes no more questions": Case(
        slack("usergroups.users.list", retry_after=60), (GROUP,), "usergroups.users.list with ratelimited", "Wait"
    ),
}
GENESYS_CASES = {
    "client of another region": Case(
        nothing, (CLIENT,), "belongs to another region", "Set PURECLOUD_ENVIRONMENT", {"PURECLOUD_CLIENT_ID": "other"}
    ),
    "wrong secret": Case(nothing, (CLIENT,), "its secret is wrong", "Set PURECLOUD_SECRET", {"PURECLOUD_SECRET": "no"}),
    "login host takes no more": Case(
        genesys("login", replace(LOGIN_RATE_LIMITED, times=None)),
        (CLIENT,),
        "no more tokens",
        "Wait",
        seconds=1.0,  # shorter than the first pause between two tries
    ),
    "login host breaks": Case(
        genesys("login", GenesysFault(status=500, times=None)), (CLIENT,), "500", "grant Client Credentials"
    ),
    "no login host": Case(nothing, (CLIENT,), "cannot be reached", NETWORK, {"PURECLOUD_LOGIN_URL": CLOSED}),
    "no api host": Case(nothing, (CLIENT,), "cannot be reached", NETWORK, {"PURECLOUD_API_URL": CLOSED}),
    "api without an answer": Case(
        genesys("get_tokens_me", GenesysFault(status=504, times=None)), (CLIENT,), "did not answer (504)", NETWORK
    ),
    "another api": Case(
        genesys("get_tokens_me", GenesysFault(status=404, times=None)), (CLIENT,), "not found", "PURECLOUD_API_URL"
    ),
    "token refused": Case(
        genesys("get_tokens_me", GenesysFault(status=401, times=None)), (CLIENT,), "Invalid login", "correlation id"
    ),
    "api takes no more": Case(
        genesys("search_by_email", GenesysFault(status=429, headers={"Retry-After": "600"}, times=None)),
        ("permission directory:user:view",),
        "Rate limit exceeded",
        "Wait",
    ),
    "no permission to search": Case(
        lacking("directory:user:view"), ("permission directory:user:view",), "lack directory:user:view", "to the role"
    ),
    "no permission to revoke": Case(
        lacking("oauth:token:delete"), ("permission oauth:token:delete",), "lack oauth:token:delete", "to the role"
    ),
    "no permission to read roles": Case(
        lacking("authorization:grant:view"),
        ("permission authorization:grant:view",),
        "lack authorization:grant:view",
        "to the role",
        {"APPROVERS": CATALOGUED},
    ),
    "role unknown": Case(
        granted, (f"APPROVERS {ROLE}",), "no role of that id or name", "Correct it", {"APPROVERS": ROLE}
    ),
    "permission unknown": Case(
        nothing,
        ("ADMINS permission:oauth:tokens:delete",),
        "no such permission",
        "domain:entity:action",
        {"ADMINS": "permission:oauth:tokens:delete"},
    ),
}
CASES = SLACK_CASES | GENESYS_CASES


@pytest.mark.parametrize("name", CASES)
async def test_fault__is_named_with_what_to_do_about_it(ward: ChecksHarness, name: str) -> None:
    case = CASES[name]
    case.lay(ward)

    report = await ward.check(case.environ, ahead=case.ahead, seconds=case.seconds)

    assert report.wrong == set(case.wrong)
    finding = report.of(case.wrong[0])
    assert case.says in finding.says
    assert case.advice in (finding.advice or "")
    assert report.code == 1


@pytest.mark.parametrize("scope", SCOPES)
async def test_scope__that_is_lacking_is_named_with_what_fails_without_it(ward: ChecksHarness, scope: str) -> None:
    ward.slack.api.scopes -= {scope}

    report = await ward.check()

    assert {one for one in report.wrong if one.startswith("scope")} == {f"scope {scope}"}
    assert SCOPES[scope] in report.of(f"scope {scope}").says
    assert report.code == 1


@pytest.mark.parametrize("name", SLACK_CASES)
async def test_fault__of_slack_keeps_nothing_else_from_being_told(ward: ChecksHarness, name: str) -> None:
    case = SLACK_CASES[name]
    case.lay(ward)

    report = await ward.check(case.environ, ahead=case.ahead)

    assert report.of("permission oauth:token:delete").mark is Mark.WELL
    assert report.of("DATABASE_URL").mark is Mark.WELL


async def test_token__refused_leaves_what_hangs_on_it_untried(ward: ChecksHarness) -> None:
    ward.slack.fault("auth.test", SlackFault(error="invalid_auth", times=None))

    report = await ward.check()

    assert {AUDIT, APPROVALS, GROUP, RAVI, "scope chat:write"} <= report.unknown
    assert report.of(GROUP).says == "not tried, because SLACK_BOT_TOKEN failed its check"
    assert {call.method for call in ward.slack.calls} == {"auth.test"}


async def test_client__refused_leaves_what_hangs_on_it_untried(ward: ChecksHarness) -> None:
    report = await ward.check({"PURECLOUD_SECRET": "no", "APPROVERS": f"{ROLE},{CATALOGUED}"})

    hanging = {f"permission {one}" for one in ward.client.permissions} | {
        f"APPROVERS {ROLE}",
        f"APPROVERS {CATALOGUED}",
    }
    assert hanging | {"rate limit"} <= report.unknown
    assert all("not tried, because the client failed" in report.of(one).says for one in hanging)
    assert {entry.operation for entry in ward.genesys.requests} == {"login"}


async def test_genesys__failing_is_told_with_its_correlation_id(ward: ChecksHarness) -> None:
    ward.genesys.fault("search_by_email", GenesysFault(status=403, headers={"ININ-Correlation-Id": "c-1"}))

    finding = (await ward.check()).of("permission directory:user:view")

    assert finding.mark is Mark.WRONG
    assert finding.correlation_id


async def test_network__that_is_not_there_is_told_and_not_waited_for(ward: ChecksHarness) -> None:
    urls = ("SLACK_API_URL", "PURECLOUD_API_URL", "PURECLOUD_LOGIN_URL")

    report = await ward.check(dict.fromkeys(urls, CLOSED))

    assert report.wrong == {"SLACK_BOT_TOKEN", CLIENT}
    assert report.of("DATABASE_URL").mark is Mark.WELL
    assert report.of("clock").says == "not tried, because no answer of Slack's told the time"
    assert report.code == 1


async def test_role__is_found_where_the_client_may_list_roles(ward: ChecksHarness) -> None:
    granted(ward)
    ward.genesys.state.roles = [EntityRef("r1", "Supervisor"), EntityRef("r2", "Supervisor of Supervisors")]

    report = await ward.check({"APPROVERS": "role:supervisor"})

    assert report.of("APPROVERS role:supervisor").says == "it is the role Supervisor (r1)"
    assert report.code == 0
