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
from bot.domain.policy import Reason, Refused
from bot.domain.requests import APPROVE, Kind, Place, Request
from bot.errors import GenesysBroken, SlackUnavailable
from bot.purecloud import TokenInfo
from bot.sandbox import personas as cast
from bot.sandbox.genesys.server import Fault as GenesysFault
from bot.sandbox.slack.calls import Fault
from bot.services.clicks import Click
from bot.services.requesting import LONGEST_REASON, Asker, Wanted, same_email
from tests.support.components import PIA, TOM, TOM_IN_GENESYS, Office, open_office
from tests.support.database import tags
from tests.support.examples import member


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(tmp_path) as opened:
        yield opened


def asker(user_id: str = cast.RAVI, **changes: Any) -> Asker:
    return replace(Asker(user_id, "T0HOME0001", cast.OPS, f"trigger of {user_id}"), **changes)


async def asked(office: Office, who: Asker, wanted: Wanted, reason: str = "", **settings: Any) -> Request:
    """Somebody asks; the request as it is kept."""
    before = len(office.taken)
    await office.service(**settings).revoke(who, wanted, reason)
    (job,) = office.taken[before:]
    assert job.kind is JobKind.CARD
    found = await office.store.find(job.request_id)
    assert found
    return found


async def refused(office: Office, who: Asker, wanted: Wanted, reason: Reason, **settings: Any) -> Refused:
    """It is refused, counted and in the trail; nothing is asked."""
    with pytest.raises(Refused) as caught:
        await office.service(**settings).revoke(who, wanted, "")
    assert caught.value.reason is reason
    assert office.taken == []
    assert await tags(office.store) == ["request:ask_refused"]
    counted = office.metrics.registry.get_sample_value("purecloud_bot_refusals_total", {"reason": reason})
    assert counted == 1
    return caught.value


@pytest.mark.parametrize(
    ("wanted", "user_id"),
    [(Wanted(member=cast.TOM), cast.TOM), (Wanted(email=TOM.email.upper()), None), (Wanted(person=TOM.id), None)],
    ids=["mention", "email", "id"],
)
async def test_revoke__freezes_whom_it_means(office: Office, wanted: Wanted, user_id: str | None) -> None:
    found = await asked(office, asker(), wanted, "laptop stolen")
    assert (found.target, found.target_member) == (TOM_IN_GENESYS, user_id)
    assert (found.kind, found.requester, found.asked_in) == (Kind.REVOKE, cast.RAVI, cast.OPS)
    assert (found.reason, found.needed, len(found.reference)) == ("laptop stolen", 1, 7)
    assert office.genesys.received("delete_token") == []


async def test_revoke__a_replayed_command_is_asked_once(office: Office) -> None:
    await asked(office, asker(), Wanted(member=cast.TOM))
    await office.service().revoke(asker(), Wanted(member=cast.TOM), "")
    assert len(office.taken) == 1
    assert await tags(office.store) == ["request:asked"]


async def test_revoke__a_reason_is_shortened_and_without_secrets(office: Office) -> None:
    secret = "xoxb-" + "123456789012-abcdefghijkl"
    found = await asked(office, asker(), Wanted(member=cast.TOM), f" {secret} {'x' * 600}")
    assert secret not in found.reason
    assert len(found.reason) == LONGEST_REASON


@pytest.mark.parametrize(
    ("user_id", "reason"),
    [
        (cast.NADIA, Reason.NOT_A_REQUESTER),
        (cast.GUS, Reason.GUEST),
        (cast.ONA, Reason.OUTSIDER),
        (cast.DAN, Reason.DEACTIVATED),
        ("U0NOBODY01", Reason.OUTSIDER),
    ],
)
async def test_revoke__whoever_may_not_ask_asks_nothing(office: Office, user_id: str, reason: Reason) -> None:
    await refused(office, asker(user_id), Wanted(member=cast.TOM), reason)
    assert office.genesys.journal == []  # and learns nothing of the target


async def test_revoke__another_workspaces_command_is_refused_unseen(office: Office) -> None:
    await refused(office, asker(team_id=cast.OTHER_TEAM), Wanted(member=cast.TOM), Reason.OUTSIDER)
    assert office.slack.calls_of("users.info") == []


@pytest.mark.parametrize(
    ("user_id", "reason"),
    [
        (cast.GUS, Reason.TARGET_GUEST),
        (cast.ONA, Reason.TARGET_OUTSIDER),
        (cast.BEA, Reason.TARGET_BOT),
        (cast.DAN, Reason.TARGET_DEACTIVATED),
        ("U0NOBODY01", Reason.TARGET_NOT_IN_SLACK),
        (cast.NOMAIL, Reason.NO_EMAIL),
        (cast.UNA, Reason.EMAIL_UNCONFIRMED),
    ],
)
async def test_revoke__a_mention_that_is_no_certain_person_is_refused(
    office: Office, user_id: str, reason: Reason
) -> None:
    error = await refused(office, asker(), Wanted(member=user_id), reason)
    assert error.facts == {"member": user_id}
    assert office.genesys.journal == []


async def test_revoke__an_address_genesys_cloud_does_not_know_is_refused(office: Office) -> None:
    await refused(office, asker(), Wanted(email="nobody@example.com"), Reason.UNKNOWN_IN_GENESYS)


async def test_revoke__genesys_cloud_that_is_down_is_no_refusal(office: Office) -> None:
    office.genesys.fault("search_by_email", GenesysFault(status=500))
    with pytest.raises(GenesysBroken):
        await office.service().revoke(asker(), Wanted(member=cast.TOM), "")
    assert office.taken == []
    assert await tags(office.store) == []


@pytest.mark.parametrize(
    "wanted",
    [Wanted(member=cast.PIA), Wanted(email=PIA.email), Wanted(person=PIA.id)],
    ids=["mention", "email", "id"],
)
async def test_protected__however_the_target_is_named(office: Office, wanted: Wanted) -> None:
    assert (await asked(office, asker(), wanted)).needed == 2


@pytest.mark.parametrize("rule", ["role:Managers", "permission:routing:queue:edit", "S0MANAGER1"])
async def test_protected__by_role_permission_or_group(office: Office, rule: str) -> None:
    tom = office.genesys.people[TOM.id]
    tom.roles = (replace(tom.division, name="Managers"),)
    tom.policies = ({"domain": "routing", "entityName": "queue", "actionSet": ["*"]},)
    office.slack.groups["S0MANAGER1"] = replace(office.slack.groups[cast.TOKEN_APPROVERS], members=[cast.TOM])
    protected = parse_principals(rule)
    assert (await asked(office, asker(), Wanted(person=TOM.id), protected=protected)).needed == 2


@pytest.mark.parametrize(
    ("method", "rule"),
    [("users.lookupByEmail", cast.PIA), ("usergroups.users.list", cast.TOKEN_APPROVERS)],
)
async def test_protected__what_slack_does_not_tell_counts_as_yes(office: Office, method: str, rule: str) -> None:
    office.slack.fault(method, Fault(error="missing_scope", times=None))
    found = await asked(
        office, asker(), Wanted(email=TOM.email), protected=parse_principals(rule), approvers=parse_principals(cast.BEN)
    )
    assert found.needed == 2


async def test_protected__what_genesys_cloud_does_not_tell_counts_as_yes(office: Office) -> None:
    office.genesys.fault("get_user_roles", GenesysFault(status=403, times=None))
    protected = parse_principals("role:Managers")
    assert (await asked(office, asker(), Wanted(email=TOM.email), protected=protected)).needed == 2


async def test_protected__nobody_is_where_nobody_is_named(office: Office) -> None:
    assert (await asked(office, asker(), Wanted(member=cast.PIA), protected=())).needed == 1
    assert office.slack.calls_of("users.lookupByEmail") == []


@pytest.mark.parametrize(
    ("user_id", "settings", "channel"),
    [
        (cast.RAVI, {}, cast.APPROVALS),  # somebody else must confirm
        (cast.RAVI, {"approvals_channel": None}, cast.OPS),
        (cast.OLIVIA, {}, cast.OLIVIA),  # she may confirm it herself: between her and the bot
        (cast.OLIVIA, {"self_approval": False}, cast.APPROVALS),
    ],
)
async def test_the_card__goes_where_it_can_be_confirmed(
    office: Office, user_id: str, settings: dict[str, Any], channel: str
) -> None:
    found = await asked(office, asker(user_id), Wanted(member=cast.TOM), **settings)
    assert found.place == Place(channel)


async def test_the_card__of_a_protected_target_never_stays_with_the_requester(office: Office) -> None:
    found = await asked(office, asker(cast.OLIVIA), Wanted(member=cast.PIA))
    assert found.place == Place(cast.APPROVALS)


async def test_the_card__in_direct_messages_nobody_else_could_confirm(office: Office) -> None:
    who = asker(channel="D0RAVIREQ1")
    await refused(office, who, Wanted(member=cast.TOM), Reason.NOBODY_ELSE_HERE, approvals_channel=None)


async def test_the_target__that_is_the_requester_is_known_as_such(office: Office) -> None:
    found = await asked(office, asker(cast.OLIVIA), Wanted(email="olivia.ortega@example.com"))
    assert found.target_member == cast.OLIVIA


async def test_rotate__only_admins_ask(office: Office) -> None:
    with pytest.raises(Refused) as caught:
        await office.service().rotate(asker(cast.BEN))
    assert caught.value.reason is Reason.NOT_AN_ADMIN
    await office.service().rotate(asker(cast.OLIVIA))
    (job,) = office.taken
    found = await office.store.find(job.request_id)
    assert found
    assert (found.kind, found.target, found.place) == (Kind.ROTATE, None, Place(cast.OLIVIA))
    assert office.genesys.journal == []


async def test_abilities__say_by_which_rule_and_what_could_not_be_read(office: Office) -> None:
    can = await office.service().abilities(asker(cast.OLIVIA))
    assert [str(one) for one in (can.ask, can.confirm, can.administer)] == [
        cast.OLIVIA, cast.TOKEN_APPROVERS, cast.OLIVIA,
    ]  # fmt: skip
    office.monotonic.now += 60
    office.slack.fault("usergroups.users.list", Fault(error="missing_scope", times=None))
    can = await office.service().abilities(asker(cast.BEN))
    assert (can.confirm, can.unread) == (None, (f"user group {cast.TOKEN_APPROVERS} (missing_scope)",))


async def test_abilities__a_guest_has_none_and_is_told_why(office: Office) -> None:
    can = await office.service().abilities(asker(cast.GUS))
    assert (can.against, can.ask, can.confirm, can.administer) == (Reason.GUEST, None, None, None)


async def test_whoami__tells_the_person_and_the_bots_token(office: Office) -> None:
    told = await office.service().whoami(asker(cast.TOM))
    assert told.member.id == cast.TOM
    assert told.person == TOM_IN_GENESYS
    assert isinstance(told.token, TokenInfo)
    assert (told.region.domain, told.workspace.team_id) == ("mypurecloud.ie", office.slack.team_id)


async def test_whoami__a_guest_is_not_told_of_the_token(office: Office) -> None:
    assert (await office.service().whoami(asker(cast.GUS))).token is None
    assert office.genesys.received("get_tokens_me") == []


async def test_whoami__tells_why_there_is_no_person_or_no_token(office: Office) -> None:
    told = await office.service().whoami(asker(cast.NOMAIL))
    assert isinstance(told.person, Refused)
    office.genesys.fault("search_by_email", GenesysFault(status=500))
    office.genesys.fault("get_tokens_me", GenesysFault(status=500))
    told = await office.service().whoami(asker(cast.TOM))
    assert isinstance(told.person, GenesysBroken)
    assert isinstance(told.token, GenesysBroken)


async def test_whoami__slack_that_does_not_answer_is_an_error(office: Office) -> None:
    office.slack.fault("users.info", Fault(error="internal_error", times=None))
    with pytest.raises(SlackUnavailable):
        await office.service().whoami(asker(cast.TOM))


async def test_click__is_on_disk_before_it_is_judged_and_a_replay_is_nothing(office: Office) -> None:
    await office.ask()
    press = Click("first", APPROVE, cast.OLIVIA, office.slack.team_id, "trigger")
    service = office.service()
    await service.click(press)
    await service.click(press)
    assert [job.kind for job in office.taken] == [JobKind.CLICK]
    assert (await office.store.depth())["click"] == 1
    assert office.slack.calls_of("users.info") == []


async def test_tell__answers_the_command_or_writes_a_direct_message(office: Office) -> None:
    service, message = office.service(), {"text": "Hello", "blocks": []}
    await service.tell(asker(response_url=office.response_url(cast.RAVI)), message)
    assert (office.slack.messages[-1].channel_id, office.slack.messages[-1].only_for) == (cast.OPS, cast.RAVI)
    await service.tell(asker(), message)
    assert office.slack.messages[-1].channel_id == office.slack.workspace.dm(cast.RAVI).id
    office.slack.fault("chat.postMessage", Fault(error="user_disabled"))
    await service.tell(asker(), message)
    assert len(office.slack.messages) == 2


async def test_drain__what_was_begun_comes_to_its_end(office: Office) -> None:
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
