"""Requests: what a command creates, and what it denies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest

from bot.db.jobs import Job, JobKind
from bot.domain.actions import REVOKE, Actions
from bot.domain.commands import Invoker, TargetRef
from bot.domain.denials import DenialCode, Denied
from bot.domain.principals import parse_principals
from bot.domain.requests import MessageRef, Request
from bot.domain.rules import Rules
from bot.errors import SlackUnavailable
from bot.sandbox import personas
from bot.sandbox.genesys.server import GenesysFault
from bot.sandbox.slack.faults import SlackFault
from bot.services.identity import Identity
from bot.services.postponement import MAX_POSTPONEMENT
from bot.services.reasons import MAX_REASON_LENGTH
from bot.services.requesting import COMMAND_PATIENCE
from bot.slack.users import SlackUsers
from bot.slack.workspace import WorkspaceIdentity
from tests.support.components import PIA, TOM, TOM_IN_GENESYS, Components, open_components
from tests.support.database import tags

TOM_MENTION = TargetRef(slack_user_id=personas.TOM)


@pytest.fixture
async def components(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        yield opened


def invoker(user_id: str = personas.RAVI, **changes: Any) -> Invoker:
    return replace(Invoker(user_id, "T0HOME0001", personas.OPS, f"trigger of {user_id}"), **changes)


async def created(
    components: Components, by: Invoker, target: TargetRef | None, reason: str = "", *, action: str = "revoke",
    **options: Any,
) -> Request:  # fmt: skip
    """Process a command and return the request that it created."""
    job = await components.command(by, target, action=action, reason=reason)
    result = await components.requests(**options).process(job)
    assert [one.kind for one in result.follow_up] == [JobKind.CARD]
    assert await components.store.jobs.is_done(job.id)
    found = await components.store.get(job.request_id)
    assert found
    return found


async def denied(
    components: Components, by: Invoker, target: TargetRef | None, reason: DenialCode, *, action: str = "revoke",
    problem: Denied | None = None, **options: Any,
) -> dict[str, Any]:  # fmt: skip
    """Process a command that is denied: counted, in the audit log, with a reply, and without a request."""
    job = await components.command(by, target, action=action, problem=problem)
    result = await components.requests(**options).process(job)
    assert [one.kind for one in result.follow_up] == [JobKind.REPLY]
    assert result.follow_up[0].payload["code"] == reason
    assert await components.store.get(job.request_id) is None
    assert await components.store.jobs.is_done(job.id)
    assert await tags(components.store) == ["request:ask_refused"]
    assert components.metrics.registry.get_sample_value("purecloud_bot_refusals_total", {"reason": reason}) == 1
    return dict(result.follow_up[0].payload["params"])


@pytest.mark.parametrize(
    ("target", "slack_id", "slack_name"),
    [
        (TOM_MENTION, personas.TOM, "Tom Target"),
        (TargetRef(email=TOM.email.upper()), None, None),
        (TargetRef(genesys_user_id=TOM.id), None, None),
    ],
    ids=["mention", "email", "id"],
)
async def test_process__stores_the_target_that_it_found(
    components: Components, target: TargetRef, slack_id: str | None, slack_name: str | None
) -> None:
    found = await created(components, invoker(), target, "laptop stolen")
    assert (found.target, found.target_slack_id, found.target_slack_name) == (TOM_IN_GENESYS, slack_id, slack_name)
    assert (found.action, found.requester, found.requested_in) == ("revoke", personas.RAVI, personas.OPS)
    assert (found.reason, found.approvals_required, len(found.reference)) == ("laptop stolen", 1, 7)
    assert components.genesys.received("delete_token") == []


async def test_process__command_of_a_process_that_has_just_started_is_retried(components: Components) -> None:
    """A restarted process claims the commands of its predecessor before Slack has answered `auth.test`."""
    job = await components.command(invoker(), TOM_MENTION)
    users = SlackUsers(components.api, clock=components.clock)
    unknown = WorkspaceIdentity(components.api)
    identity = Identity(unknown, users, components.purecloud.users, components.purecloud.authorization)
    starting = replace(components, identity=identity)
    with pytest.raises(SlackUnavailable, match="not_called_yet"):
        await starting.requests().process(job)
    assert await components.store.jobs.still_leased(job)
    assert await tags(components.store) == []
    assert [one.kind for one in (await components.requests().process(job)).follow_up] == [JobKind.CARD]


async def test_process__repeated_after_a_crash_creates_one_request(components: Components) -> None:
    job = await components.command(invoker(), TOM_MENTION)
    service = components.requests()
    first, second = await service.process(job), await service.process(job)
    assert (len(first.follow_up), second.follow_up) == (1, ())
    assert await tags(components.store) == ["request:asked"]


async def test_process__shortens_a_reason_and_removes_secrets(components: Components) -> None:
    secret = "xoxb-" + "123456789012-abcdefghijkl"
    found = await created(components, invoker(), TOM_MENTION, f" {secret} {'x' * 600}")
    assert secret not in found.reason
    assert len(found.reason) == MAX_REASON_LENGTH
    assert found.reason.endswith("x… (shortened)")


async def test_process__removes_the_bots_own_secrets_from_reason_and_audit_log(components: Components) -> None:
    secret = "0123456789abcdef0123456789abcdef"
    service = components.requests(secret_values=(secret,))
    job = await components.command(invoker(), TOM_MENTION, reason=f"the signing secret {secret} leaked")
    unreadable = Denied(DenialCode.TARGET_UNREADABLE, word=secret)
    denied = await components.command(replace(invoker(), key="other"), None, problem=unreadable)

    await service.process(job)
    await service.process(denied)

    request = await components.store.get(job.request_id)
    audit = str(await components.store.audit_events())
    assert request is not None
    assert request.reason == "the signing secret [redacted] leaked"
    assert secret not in audit
    assert audit.count("[redacted]") >= 1


@pytest.mark.parametrize(
    ("user_id", "reason"),
    [
        (personas.NADIA, DenialCode.NOT_A_REQUESTER),
        (personas.GUS, DenialCode.GUEST),
        (personas.ONA, DenialCode.OUTSIDER),
        (personas.DAN, DenialCode.DEACTIVATED),
        ("U0NOBODY01", DenialCode.OUTSIDER),
    ],
)
async def test_process__denies_other_people_without_looking_up_the_target(
    components: Components, user_id: str, reason: DenialCode
) -> None:
    await denied(components, invoker(user_id), TOM_MENTION, reason)
    assert components.genesys.requests == []


async def test_process__checks_the_role_before_the_line(components: Components) -> None:
    await denied(
        components,
        invoker(personas.NADIA),
        None,
        DenialCode.NOT_A_REQUESTER,
        problem=Denied(DenialCode.TARGET_UNREADABLE, word="tom"),
    )


async def test_process__denies_an_unreadable_line(components: Components) -> None:
    problem = Denied(DenialCode.TARGET_UNREADABLE, word="tom")
    params = await denied(components, invoker(), None, DenialCode.TARGET_UNREADABLE, problem=problem)
    assert params == {"word": "tom"}


async def test_process__denies_another_workspace_without_a_lookup(components: Components) -> None:
    await denied(components, invoker(team_id=personas.OTHER_TEAM), TOM_MENTION, DenialCode.OUTSIDER)
    assert components.slack.calls_of("users.info") == []


@pytest.mark.parametrize(
    ("user_id", "reason"),
    [
        (personas.GUS, DenialCode.TARGET_GUEST),
        (personas.ONA, DenialCode.TARGET_OUTSIDER),
        (personas.BEA, DenialCode.TARGET_BOT),
        (personas.DAN, DenialCode.TARGET_DEACTIVATED),
        ("U0NOBODY01", DenialCode.TARGET_NOT_IN_SLACK),
        (personas.NOMAIL, DenialCode.NO_EMAIL),
        (personas.UNA, DenialCode.EMAIL_UNCONFIRMED),
    ],
)
async def test_process__denies_a_mention_that_identifies_no_person(
    components: Components, user_id: str, reason: DenialCode
) -> None:
    params = await denied(components, invoker(), TargetRef(slack_user_id=user_id), reason)
    assert params == {"member": user_id}
    assert components.genesys.requests == []


async def test_process__denies_an_unknown_address(components: Components) -> None:
    await denied(components, invoker(), TargetRef(email="unknown@example.com"), DenialCode.UNKNOWN_IN_GENESYS)


async def test_process__replies_with_the_error_of_genesys_cloud(components: Components) -> None:
    components.genesys.fault("search_by_email", GenesysFault(status=500))
    job = await components.command(invoker(), TOM_MENTION)
    result = await components.requests().process(job)
    assert [one.payload["code"] for one in result.follow_up] == ["genesys_server_error"]
    assert await components.store.get(job.request_id) is None
    assert await tags(components.store) == []


async def test_process__command_waits_until_slack_answers_again(components: Components) -> None:
    components.slack.fault("users.info", SlackFault(drop=True, times=None))
    job = await components.command(invoker(), TOM_MENTION)
    notices: list[Job] = []
    started = components.database.clock.now
    while components.database.clock.now < started + 120:
        notices += (await components.requests().process(job)).follow_up
        job = await again(components)
    assert [one.payload["code"] for one in notices] == ["command_postponed"]
    components.slack.clear_faults()
    assert [one.kind for one in (await components.requests().process(job)).follow_up] == [JobKind.CARD]
    assert await components.store.get(job.request_id)


@pytest.mark.parametrize("answered", [True, False])
async def test_process__notice_that_a_command_waits_is_sent_only_while_it_does(
    components: Components, answered: bool
) -> None:
    components.slack.fault("users.info", SlackFault(drop=True, times=None))
    job = await components.command(invoker(), TOM_MENTION)
    notices: tuple[Job, ...] = ()
    while not notices:
        notices = (await components.requests().process(job)).follow_up
        job = await again(components)
    if answered:
        components.slack.clear_faults()
        await components.requests().process(job)

    await components.notifier().process_reply(notices[0])

    said = [one for one in components.slack.messages if "Your command is stored" in one.text]
    assert len(said) == (0 if answered else 1)
    assert await components.store.jobs.is_done(notices[0].id)


async def again(components: Components) -> Job:
    """Return the command once it is due again, which takes half a minute at most."""
    for _ in range(int(MAX_POSTPONEMENT)):
        components.clock.advance(1)
        components.database.clock.advance(1)
        due = [one for one in await components.store.jobs.claim(10) if one.kind is JobKind.COMMAND]
        if due:
            return due[0]
    raise AssertionError


async def test_process__replies_with_the_error_of_slack_after_five_minutes(components: Components) -> None:
    components.slack.fault("users.info", SlackFault(error="internal_error", times=None))
    job = await components.command(invoker(), TOM_MENTION)
    while True:
        result = await components.requests().process(job)
        if await components.store.jobs.is_done(job.id):
            break
        job = await again(components)
    assert COMMAND_PATIENCE - MAX_POSTPONEMENT <= components.database.clock.now - job.created_at <= COMMAND_PATIENCE
    assert [one.payload["code"] for one in result.follow_up] == ["slack_unavailable"]
    assert await components.store.get(job.request_id) is None


@pytest.mark.parametrize("fault", [SlackFault(error="token_revoked"), SlackFault(retry_after=3600)])
async def test_process__replies_at_once_if_waiting_does_not_help(components: Components, fault: SlackFault) -> None:
    components.slack.fault("users.info", fault)
    job = await components.command(invoker(), TOM_MENTION)
    result = await components.requests().process(job)
    assert [one.payload["code"] for one in result.follow_up] == ["slack_unavailable"]
    assert await components.store.get(job.request_id) is None


async def test_process__unexpected_error_names_an_incident_and_nothing_else(components: Components) -> None:
    def broken(_rules: Rules) -> NoReturn:
        raise RuntimeError("a secret detail")

    job = await components.command(invoker(), TargetRef(genesys_user_id=TOM.id))
    result = await components.requests(actions=Actions([replace(REVOKE, requesters=broken)])).process(job)
    (reply,) = result.follow_up
    assert (reply.payload["code"], list(reply.payload["params"])) == ("internal_error", ["incident"])


@pytest.mark.parametrize(
    "target",
    [TargetRef(slack_user_id=personas.PIA), TargetRef(email=PIA.email), TargetRef(genesys_user_id=PIA.id)],
    ids=["mention", "email", "id"],
)
async def test_protected__applies_however_the_target_is_named(components: Components, target: TargetRef) -> None:
    assert (await created(components, invoker(), target)).approvals_required == 2


@pytest.mark.parametrize("rule", ["role:Managers", "permission:routing:queue:edit", "S0MANAGER1"])
async def test_protected__by_role_permission_or_group(components: Components, rule: str) -> None:
    tom = components.genesys.users[TOM.id]
    tom.roles = (replace(tom.division, name="Managers"),)
    tom.policies = ({"domain": "routing", "entityName": "queue", "actionSet": ["*"]},)
    group = replace(components.slack.groups[personas.TOKEN_APPROVERS], members=[personas.TOM])
    components.slack.groups["S0MANAGER1"] = group
    target = TargetRef(genesys_user_id=TOM.id)
    found = await created(components, invoker(), target, protected=parse_principals(rule))
    assert found.approvals_required == 2


@pytest.mark.parametrize(
    ("method", "rule"),
    [("users.lookupByEmail", personas.PIA), ("usergroups.users.list", personas.TOKEN_APPROVERS)],
)
async def test_protected__what_slack_does_not_answer_counts_as_yes(
    components: Components, method: str, rule: str
) -> None:
    components.slack.fault(method, SlackFault(error="missing_scope", times=None))
    found = await created(
        components,
        invoker(),
        TargetRef(email=TOM.email),
        protected=parse_principals(rule),
        approvers=parse_principals(f"{personas.BEN}, {personas.OLIVIA}"),
    )
    assert found.approvals_required == 2


async def test_protected__what_genesys_cloud_does_not_answer_counts_as_yes(components: Components) -> None:
    components.genesys.fault("get_user_roles", GenesysFault(status=403, times=None))
    protected = parse_principals("role:Managers")
    found = await created(components, invoker(), TargetRef(email=TOM.email), protected=protected)
    assert found.approvals_required == 2


async def test_protected__an_empty_setting_protects_no_one_and_looks_nothing_up(components: Components) -> None:
    found = await created(components, invoker(), TargetRef(slack_user_id=personas.PIA), protected=())
    assert found.approvals_required == 1
    assert components.slack.calls_of("users.lookupByEmail") == []


@pytest.mark.parametrize(
    ("user_id", "options", "channel"),
    [
        (personas.RAVI, {}, personas.APPROVALS),  # someone else must approve
        (personas.RAVI, {"approvals_channel": None}, personas.OPS),
        (personas.OLIVIA, {}, personas.OLIVIA),  # she may approve it herself, so it stays between her and the bot
        (personas.OLIVIA, {"self_approval": False}, personas.APPROVALS),
    ],
)
async def test_card__goes_where_it_can_be_approved(
    components: Components, user_id: str, options: dict[str, Any], channel: str
) -> None:
    found = await created(components, invoker(user_id), TOM_MENTION, **options)
    assert found.card == MessageRef(channel)


@pytest.mark.parametrize(
    ("channel", "reason"),
    [(personas.SHARED, DenialCode.CHANNEL_SHARED), ("C0SECRET01", DenialCode.CHANNEL_UNREADABLE)],
)
async def test_card__into_the_channel_of_the_command_needs_its_audience(
    components: Components, channel: str, reason: DenialCode
) -> None:
    params = await denied(components, invoker(channel=channel), TOM_MENTION, reason, approvals_channel=None)
    assert params == {"channel": channel}


@pytest.mark.parametrize(
    ("user_id", "options", "channel"),
    [
        (personas.RAVI, {}, personas.APPROVALS),
        (personas.OLIVIA, {}, personas.OLIVIA),
        (personas.OLIVIA, {"approvals_channel": None}, personas.OLIVIA),
    ],
)
async def test_card__of_a_command_in_a_shared_channel_goes_elsewhere(
    components: Components, user_id: str, options: dict[str, Any], channel: str
) -> None:
    found = await created(components, invoker(user_id, channel=personas.SHARED), TOM_MENTION, **options)
    assert found.card == MessageRef(channel)
    assert len(components.slack.calls_of("conversations.info")) == (channel == personas.APPROVALS)


async def test_card__into_a_configured_channel_that_is_shared_is_denied(components: Components) -> None:
    components.slack.channels[personas.APPROVALS].is_ext_shared = True
    params = await denied(components, invoker(), TOM_MENTION, DenialCode.CHANNEL_SHARED)
    assert params == {"channel": personas.APPROVALS, "configured": "yes"}


async def test_card__does_not_wait_for_a_channel_that_slack_cannot_show_now(components: Components) -> None:
    """The channel is read again before the card is posted."""
    components.slack.fault("conversations.info", SlackFault(error="internal_error", times=None))
    found = await created(components, invoker(), TOM_MENTION)
    assert found.card == MessageRef(personas.APPROVALS)


@pytest.mark.parametrize(
    ("user_id", "options", "pings"),
    [
        (personas.RAVI, {}, True),
        (personas.RAVI, {"approvals_channel": None}, True),
        (personas.RAVI, {"ping_approvers": False}, False),
        (personas.OLIVIA, {}, False),  # her card is for herself
    ],
)
async def test_card__for_others_mentions_the_approvers(
    components: Components, user_id: str, options: dict[str, Any], pings: bool
) -> None:
    job = await components.command(invoker(user_id), TOM_MENTION)
    (card,) = (await components.requests(**options).process(job)).follow_up
    assert card.payload == ({"ping": True} if pings else {})


async def test_card__of_a_protected_target_never_stays_with_the_requester(components: Components) -> None:
    approvers = parse_principals(f"{personas.OLIVIA}, {personas.BEN}, {personas.NADIA}")
    found = await created(
        components, invoker(personas.OLIVIA), TargetRef(slack_user_id=personas.PIA), approvers=approvers
    )
    assert found.card == MessageRef(personas.APPROVALS)


@pytest.mark.parametrize("channel", ["D0RAVIREQ1", ""], ids=["direct message", "global shortcut"])
async def test_card__without_a_channel_that_approvers_see_is_denied(components: Components, channel: str) -> None:
    by = invoker(channel=channel)
    await denied(components, by, TOM_MENTION, DenialCode.NO_APPROVER_HERE, approvals_channel=None)


async def test_process__recognises_the_requesters_own_account(components: Components) -> None:
    found = await created(components, invoker(personas.OLIVIA), TargetRef(email="olivia.ortega@example.com"))
    assert (found.target_slack_id, found.target_slack_name) == (personas.OLIVIA, "Olivia Ortega")


async def test_process__keeps_names_as_they_are_so_that_the_card_can_warn(components: Components) -> None:
    components.slack.members[personas.TOM].real_name = "Anna\u202e\0 Admin"
    components.genesys.users[TOM.id].name = "Tom\u200b\nTarget\0"

    found = await created(components, invoker(), TOM_MENTION)

    assert found.target
    assert (found.target.name, found.target_slack_name) == ("Tom\u200b\nTarget", "Anna\u202e Admin")


async def test_process__only_admins_request_a_rotation(components: Components) -> None:
    found = await created(components, invoker(personas.OLIVIA), None, action="rotate")
    assert (found.action, found.target, found.card) == ("rotate", None, MessageRef(personas.OLIVIA))
    assert components.genesys.requests == []


async def test_process__denies_a_rotation_to_approvers(components: Components) -> None:
    await denied(components, invoker(personas.BEN), None, DenialCode.NOT_AN_ADMIN, action="rotate")
