"""What people can ask for and who they are told to be: frozen when it was asked, and nothing asked that may not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.db.jobs import JobKind
from bot.domain.people import Person, parse_principals
from bot.domain.policy import DenialCode, Denied
from bot.domain.requests import APPROVE, Kind, MessageRef, Request
from bot.errors import SlackUnavailable
from bot.purecloud import GenesysServerError, TokenInfo
from bot.sandbox import personas
from bot.sandbox.genesys.server import GenesysFault
from bot.sandbox.slack.faults import SlackFault
from bot.services.clicks import Click
from bot.services.requesting import LONGEST_REASON, Invoker, TargetRef, same_email
from tests.support.components import PIA, TOM, TOM_IN_GENESYS, Components, open_components
from tests.support.database import tags
from tests.support.examples import member


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        yield opened


def asker(user_id: str = personas.RAVI, **changes: Any) -> Invoker:
    return replace(Invoker(user_id, "T0HOME0001", personas.OPS, f"trigger of {user_id}"), **changes)


async def asked(office: Components, who: Invoker, wanted: TargetRef, reason: str = "", **settings: Any) -> Request:
    """Somebody asks; the request as it is kept."""
    before = len(office.taken)
    await office.service(**settings).revoke(who, wanted, reason)
    (job,) = office.taken[before:]
    assert job.kind is JobKind.CARD
    found = await office.store.get(job.request_id)
    assert found
    return found


async def refused(office: Components, who: Invoker, wanted: TargetRef, reason: DenialCode, **settings: Any) -> Denied:
    """It is refused, counted and in the trail; nothing is asked."""
    with pytest.raises(Denied) as caught:
        await office.service(**settings).revoke(who, wanted, "")
    assert caught.value.reason is reason
    assert office.taken == []
    assert await tags(office.store) == ["request:ask_refused"]
    counted = office.metrics.registry.get_sample_value("purecloud_bot_refusals_total", {"reason": reason})
    assert counted == 1
    return caught.value


@pytest.mark.parametrize(
    ("wanted", "user_id"),
    [
        (TargetRef(member=personas.TOM), personas.TOM),
        (TargetRef(email=TOM.email.upper()), None),
        (TargetRef(person=TOM.id), None),
    ],
    ids=["mention", "email", "id"],
)
async def test_revoke__freezes_whom_it_means(office: Components, wanted: TargetRef, user_id: str | None) -> None:
    found = await asked(office, asker(), wanted, "laptop stolen")
    assert (found.target, found.target_slack_id) == (TOM_IN_GENESYS, user_id)
    assert (found.kind, found.requester, found.requested_in) == (Kind.REVOKE, personas.RAVI, personas.OPS)
    assert (found.reason, found.approvals_required, len(found.reference)) == ("laptop stolen", 1, 7)
    assert office.genesys.received("delete_token") == []


async def test_revoke__a_replayed_command_is_asked_once(office: Components) -> None:
    await asked(office, asker(), TargetRef(member=personas.TOM))
    await office.service().revoke(asker(), TargetRef(member=personas.TOM), "")
    assert len(office.taken) == 1
    assert await tags(office.store) == ["request:asked"]


async def test_revoke__a_reason_is_shortened_and_without_secrets(office: Components) -> None:
    secret = "xoxb-" + "123456789012-abcdefghijkl"
    found = await asked(office, asker(), TargetRef(member=personas.TOM), f" {secret} {'x' * 600}")
    assert secret not in found.reason
    assert len(found.reason) == LONGEST_REASON


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
async def test_revoke__whoever_may_not_ask_asks_nothing(office: Components, user_id: str, reason: DenialCode) -> None:
    await refused(office, asker(user_id), TargetRef(member=personas.TOM), reason)
    assert office.genesys.requests == []  # and learns nothing of the target


async def test_revoke__another_workspaces_command_is_refused_unseen(office: Components) -> None:
    await refused(office, asker(team_id=personas.OTHER_TEAM), TargetRef(member=personas.TOM), DenialCode.OUTSIDER)
    assert office.slack.calls_of("users.info") == []


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
async def test_revoke__a_mention_that_is_no_certain_person_is_refused(
    office: Components, user_id: str, reason: DenialCode
) -> None:
    error = await refused(office, asker(), TargetRef(member=user_id), reason)
    assert error.facts == {"member": user_id}
    assert office.genesys.requests == []


async def test_revoke__an_address_genesys_cloud_does_not_know_is_refused(office: Components) -> None:
    await refused(office, asker(), TargetRef(email="nobody@example.com"), DenialCode.UNKNOWN_IN_GENESYS)


async def test_revoke__genesys_cloud_that_is_down_is_no_refusal(office: Components) -> None:
    office.genesys.fault("search_by_email", GenesysFault(status=500))
    with pytest.raises(GenesysServerError):
        await office.service().revoke(asker(), TargetRef(member=personas.TOM), "")
    assert office.taken == []
    assert await tags(office.store) == []


@pytest.mark.parametrize(
    "wanted",
    [TargetRef(member=personas.PIA), TargetRef(email=PIA.email), TargetRef(person=PIA.id)],
    ids=["mention", "email", "id"],
)
async def test_protected__however_the_target_is_named(office: Components, wanted: TargetRef) -> None:
    assert (await asked(office, asker(), wanted)).approvals_required == 2


@pytest.mark.parametrize("rule", ["role:Managers", "permission:routing:queue:edit", "S0MANAGER1"])
async def test_protected__by_role_permission_or_group(office: Components, rule: str) -> None:
    tom = office.genesys.users[TOM.id]
    tom.roles = (replace(tom.division, name="Managers"),)
    tom.policies = ({"domain": "routing", "entityName": "queue", "actionSet": ["*"]},)
    office.slack.groups["S0MANAGER1"] = replace(office.slack.groups[personas.TOKEN_APPROVERS], members=[personas.TOM])
    protected = parse_principals(rule)
    assert (await asked(office, asker(), TargetRef(person=TOM.id), protected=protected)).approvals_required == 2


@pytest.mark.parametrize(
    ("method", "rule"),
    [("users.lookupByEmail", personas.PIA), ("usergroups.users.list", personas.TOKEN_APPROVERS)],
)
async def test_protected__what_slack_does_not_tell_counts_as_yes(office: Components, method: str, rule: str) -> None:
    office.slack.fault(method, SlackFault(error="missing_scope", times=None))
    found = await asked(
        office,
        asker(),
        TargetRef(email=TOM.email),
        protected=parse_principals(rule),
        approvers=parse_principals(personas.BEN),
    )
    assert found.approvals_required == 2


async def test_protected__what_genesys_cloud_does_not_tell_counts_as_yes(office: Components) -> None:
    office.genesys.fault("get_user_roles", GenesysFault(status=403, times=None))
    protected = parse_principals("role:Managers")
    assert (await asked(office, asker(), TargetRef(email=TOM.email), protected=protected)).approvals_required == 2


async def test_protected__nobody_is_where_nobody_is_named(office: Components) -> None:
    assert (await asked(office, asker(), TargetRef(member=personas.PIA), protected=())).approvals_required == 1
    assert office.slack.calls_of("users.lookupByEmail") == []


@pytest.mark.parametrize(
    ("user_id", "settings", "channel"),
    [
        (personas.RAVI, {}, personas.APPROVALS),  # somebody else must confirm
        (personas.RAVI, {"approvals_channel": None}, personas.OPS),
        (personas.OLIVIA, {}, personas.OLIVIA),  # she may confirm it herself: between her and the bot
        (personas.OLIVIA, {"self_approval": False}, personas.APPROVALS),
    ],
)
async def test_the_card__goes_where_it_can_be_confirmed(
    office: Components, user_id: str, settings: dict[str, Any], channel: str
) -> None:
    found = await asked(office, asker(user_id), TargetRef(member=personas.TOM), **settings)
    assert found.card == MessageRef(channel)


async def test_the_card__of_a_protected_target_never_stays_with_the_requester(office: Components) -> None:
    found = await asked(office, asker(personas.OLIVIA), TargetRef(member=personas.PIA))
    assert found.card == MessageRef(personas.APPROVALS)


async def test_the_card__in_direct_messages_nobody_else_could_confirm(office: Components) -> None:
    who = asker(channel="D0RAVIREQ1")
    await refused(office, who, TargetRef(member=personas.TOM), DenialCode.NOBODY_ELSE_HERE, approvals_channel=None)


async def test_the_target__that_is_the_requester_is_known_as_such(office: Components) -> None:
    found = await asked(office, asker(personas.OLIVIA), TargetRef(email="olivia.ortega@example.com"))
    assert found.target_slack_id == personas.OLIVIA


async def test_rotate__only_admins_ask(office: Components) -> None:
    with pytest.raises(Denied) as caught:
        await office.service().rotate(asker(personas.BEN))
    assert caught.value.reason is DenialCode.NOT_AN_ADMIN
    await office.service().rotate(asker(personas.OLIVIA))
    (job,) = office.taken
    found = await office.store.get(job.request_id)
    assert found
    assert (found.kind, found.target, found.card) == (Kind.ROTATE, None, MessageRef(personas.OLIVIA))
    assert office.genesys.requests == []


async def test_abilities__say_by_which_rule_and_what_could_not_be_read(office: Components) -> None:
    can = await office.service().abilities(asker(personas.OLIVIA))
    assert [str(one) for one in (can.ask, can.confirm, can.administer)] == [
        personas.OLIVIA, personas.TOKEN_APPROVERS, personas.OLIVIA,
    ]  # fmt: skip
    office.monotonic.now += 60
    office.slack.fault("usergroups.users.list", SlackFault(error="missing_scope", times=None))
    can = await office.service().abilities(asker(personas.BEN))
    assert (can.confirm, can.unread) == (None, (f"user group {personas.TOKEN_APPROVERS} (missing_scope)",))


async def test_abilities__a_guest_has_none_and_is_told_why(office: Components) -> None:
    can = await office.service().abilities(asker(personas.GUS))
    assert (can.against, can.ask, can.confirm, can.administer) == (DenialCode.GUEST, None, None, None)


async def test_whoami__tells_the_person_and_the_bots_token(office: Components) -> None:
    told = await office.service().whoami(asker(personas.TOM))
    assert told.member.id == personas.TOM
    assert told.person == TOM_IN_GENESYS
    assert isinstance(told.token, TokenInfo)
    assert (told.region.domain, told.workspace.team_id) == ("mypurecloud.ie", office.slack.team_id)


async def test_whoami__a_guest_is_not_told_of_the_token(office: Components) -> None:
    assert (await office.service().whoami(asker(personas.GUS))).token is None
    assert office.genesys.received("get_tokens_me") == []


async def test_whoami__tells_why_there_is_no_person_or_no_token(office: Components) -> None:
    told = await office.service().whoami(asker(personas.NOMAIL))
    assert isinstance(told.person, Denied)
    office.genesys.fault("search_by_email", GenesysFault(status=500))
    office.genesys.fault("get_tokens_me", GenesysFault(status=500))
    told = await office.service().whoami(asker(personas.TOM))
    assert isinstance(told.person, GenesysServerError)
    assert isinstance(told.token, GenesysServerError)


async def test_whoami__slack_that_does_not_answer_is_an_error(office: Components) -> None:
    office.slack.fault("users.info", SlackFault(error="internal_error", times=None))
    with pytest.raises(SlackUnavailable):
        await office.service().whoami(asker(personas.TOM))


async def test_click__is_on_disk_before_it_is_judged_and_a_replay_is_nothing(office: Components) -> None:
    await office.ask()
    press = Click("first", APPROVE, personas.OLIVIA, office.slack.team_id, "trigger")
    service = office.service()
    await service.click(press)
    await service.click(press)
    assert [job.kind for job in office.taken] == [JobKind.CLICK]
    assert (await office.store.jobs.depth())["click"] == 1
    assert office.slack.calls_of("users.info") == []


async def test_tell__answers_the_command_or_writes_a_direct_message(office: Components) -> None:
    service, message = office.service(), {"text": "Hello", "blocks": []}
    await service.tell(asker(response_url=office.response_url(personas.RAVI)), message)
    assert (office.slack.messages[-1].channel_id, office.slack.messages[-1].only_for) == (personas.OPS, personas.RAVI)
    await service.tell(asker(), message)
    assert office.slack.messages[-1].channel_id == office.slack.workspace.dm(personas.RAVI).id
    office.slack.fault("chat.postMessage", SlackFault(error="user_disabled"))
    await service.tell(asker(), message)
    assert len(office.slack.messages) == 2


async def test_drain__what_was_begun_comes_to_its_end(office: Components) -> None:
    service, go, done = office.service(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        await go.wait()
        done.set()

    await service.drain(0)
    service.begin(work())
    await service.drain(0)
    assert not done.is_set()
    go.set()
    await service.drain(60)
    assert done.is_set()


def test_a_person__without_an_address_is_nobodys_own() -> None:
    nameless = Person("id", "Name")
    assert not same_email(nameless, member(email=None))
    assert same_email(replace(nameless, email="A@example.com"), member(email="a@EXAMPLE.com"))
