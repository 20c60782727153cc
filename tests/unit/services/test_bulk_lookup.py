"""Lookups for bulk requests: few calls, an entry for each line, and safe protection."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bot.domain.bulk import BulkEntry, EntryFinding
from bot.domain.bulk_list import Written, read_list
from bot.domain.failed_checks import CheckUnavailable
from bot.domain.principals import parse_principals
from bot.errors import SlackUnavailable
from bot.purecloud import GenesysForbidden, User
from bot.sandbox import personas
from bot.sandbox.genesys.faults import GenesysFault
from bot.sandbox.genesys.state import GenesysUser
from bot.sandbox.slack.faults import SlackFault
from bot.services.bulk_lookup import BulkLookup
from bot.services.people_search import ANSWER_AGE
from bot.services.protected_people import ProtectedPeople
from bot.slack.named_users import READ_INTERVAL
from bot.slack.users import SlackUsers
from tests.support.components import PIA, TOM, Components, open_components


@pytest.fixture
async def components(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        yield opened


class StubAllowance:
    """A rate allowance of which a share is used."""

    def __init__(self, used: float) -> None:
        self.used = used
        self.resets_in = 42.0


@dataclass
class StubSearch:
    """Finds the same people whatever is searched for."""

    found: list[User]

    async def search_by_emails(self, emails: Sequence[str], *, with_conversations: bool = False) -> list[User]:
        assert emails
        assert with_conversations
        return self.found

    async def search_by_ids(self, user_ids: Sequence[str], *, with_conversations: bool = False) -> list[User]:
        raise NotImplementedError(user_ids, with_conversations)


def lookup(components: Components, protected: str = personas.PIA, used: float = 0.0) -> BulkLookup:
    users = SlackUsers(components.api, clock=components.clock)
    people = ProtectedPeople(users, parse_principals(protected))
    return BulkLookup(components.purecloud.users, StubAllowance(used), users, people, components.workspace)


async def find(components: Components, text: str, protected: str = personas.PIA) -> list[BulkEntry]:
    requester = await components.identity.member(personas.OLIVIA)
    assert requester
    return await lookup(components, protected).find(read_list(text), requester=requester)


async def test_find__names_each_kind_of_entry(components: Components) -> None:
    twin = next(one for one in components.genesys.state.users.values() if one.name == "Tom Target")
    for user_id in ("00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"):
        components.genesys.state.users[user_id] = replace(twin, id=user_id, email="twin@example.com")
    requester = await components.identity.member(personas.OLIVIA)
    assert requester
    lines = [
        TOM.email, TOM.id, PIA.email.upper(), "no-one@example.com", "twin@example.com", "who?", f"<@{personas.TOM}>",
        requester.email or "", f"<@{personas.GUS}>",
    ]  # fmt: skip

    entries = await find(components, "\n".join(lines))

    assert [one.finding for one in entries] == [
        EntryFinding.FOUND, EntryFinding.DUPLICATE, EntryFinding.FOUND, EntryFinding.UNKNOWN,
        EntryFinding.AMBIGUOUS, EntryFinding.UNREADABLE, EntryFinding.DUPLICATE,
        EntryFinding.REQUESTER, EntryFinding.UNKNOWN,
    ]  # fmt: skip
    assert [one.text for one in entries] == [*lines[:2], PIA.email.upper(), *lines[3:6], *entries_text(entries[6:])]
    assert [one.person.id for one in entries if one.person] == [TOM.id, PIA.id, entries[7].person.id]  # type: ignore[union-attr]
    assert [one.protected for one in entries if one.finding is EntryFinding.FOUND] == [False, True]


def entries_text(entries: Sequence[BulkEntry]) -> list[str]:
    return [one.text for one in entries]


def add_agents(components: Components, count: int) -> list[str]:
    """Add users with the addresses `agent<number>@example.com`, and return their ids."""
    ids = [f"00000000-0000-4000-8000-{number:012x}" for number in range(count)]
    for number, user_id in enumerate(ids):
        components.genesys.state.users[user_id] = GenesysUser(user_id, f"Agent {number}", f"agent{number}@example.com")
    return ids


async def test_find__of_two_thousand_addresses_takes_twenty_calls(components: Components) -> None:
    add_agents(components, 2_000)
    text = "\n".join(f"agent{number}@example.com" for number in range(2_000))

    entries = await find(components, text)

    assert len(components.genesys.received("search_by_email")) == 20
    assert sum(one.finding is EntryFinding.FOUND for one in entries) == 2_000
    assert [one.person.name for one in entries[:2] if one.person] == ["Agent 0", "Agent 1"]


@pytest.mark.parametrize("protected", ["role:Supervisor", "permission:oauth:token:delete", "S0NOSUCHGRP"])
async def test_find__protects_everyone_if_it_is_not_known_whom_to_protect(
    components: Components, protected: str
) -> None:
    entries = await find(components, TOM.email, protected=protected)
    assert [one.protected for one in entries] == [True]


async def test_find__protects_no_one_without_protected(components: Components) -> None:
    assert [one.protected for one in await find(components, PIA.email, protected="")] == [False]


async def test_find__protects_members_of_a_group_by_their_address(components: Components) -> None:
    group = components.slack.groups[personas.TOKEN_APPROVERS]
    components.slack.groups["S0PROTECT1"] = replace(group, id="S0PROTECT1", members=[personas.TOM])
    entries = await find(components, f"{TOM.email}\n{PIA.id}", protected="S0PROTECT1")
    assert [one.protected for one in entries] == [True, False]


async def test_find__waits_while_the_allowance_is_used_up(components: Components) -> None:
    requester = await components.identity.member(personas.OLIVIA)
    assert requester
    with pytest.raises(CheckUnavailable) as unavailable:
        await lookup(components, used=0.96).find(read_list(TOM.email), requester=requester)
    assert unavailable.value.retry_after == 42.0
    assert components.genesys.received("search_by_email") == []


async def test_find__of_an_answer_that_may_come_later_is_no_verdict(components: Components) -> None:
    components.genesys.fault("search_by_email", GenesysFault(status=503, times=None))
    with pytest.raises(CheckUnavailable):
        await find(components, TOM.email)


@pytest.mark.parametrize("status", [400, 403, 404, 500])
async def test_find__does_without_conversations_if_genesys_cloud_refuses_to_add_them(
    components: Components, status: int
) -> None:
    ids = add_agents(components, 250)
    components.genesys.state.refuses_expanded_search = status

    entries = await find(components, "\n".join(ids))

    assert {one.finding for one in entries} == {EntryFinding.FOUND}
    assert {one.conversations for one in entries} == {None}
    searches = components.genesys.received("search_by_email")
    assert [one.status for one in searches] == [status, 200, 200, 200]  # refused once, not for each batch

    components.genesys.state.refuses_expanded_search = None
    assert {one.conversations for one in await find(components, "\n".join(ids))} == {0}


async def test_find__does_without_conversations_that_genesys_cloud_cannot_read(components: Components) -> None:
    for fault in (GenesysFault(status=200, body={"results": "none"}), GenesysFault(drop="after", times=3)):
        components.genesys.fault("search_by_email", fault)
        (entry,) = await find(components, TOM.email)
        assert (entry.finding, entry.conversations) == (EntryFinding.FOUND, None)


async def test_find__reports_the_missing_permission_for_the_search_itself(components: Components) -> None:
    components.genesys.fault("search_by_email", GenesysFault(status=403, times=2))
    with pytest.raises(GenesysForbidden):
        await find(components, TOM.email)
    assert [one.status for one in components.genesys.received("search_by_email")] == [403, 403]


async def test_find__knows_the_calls_of_those_whose_answer_has_them(components: Components) -> None:
    none = {"contactCenter": {"active": 0}}
    facts: list[dict[str, object]] = [{}, {"conversationSummary": {}}, {"conversationSummary": {"call": none}}]
    people = [
        User.model_validate({"id": f"00000000-0000-4000-8000-{number:012x}", "email": f"{number}@example.com", **facts})
        for number, facts in enumerate(facts)
    ]
    users = SlackUsers(components.api, clock=components.clock)
    lookup = BulkLookup(StubSearch(people), StubAllowance(0), users, ProtectedPeople(users, ()), components.workspace)
    requester = await components.identity.member(personas.OLIVIA)
    assert requester
    entries = await lookup.find(read_list("0@example.com 1@example.com 2@example.com"), requester=requester)
    assert [one.conversations for one in entries] == [None, None, 0]


async def test_find__is_no_verdict_while_slack_does_not_say_whom_to_protect(components: Components) -> None:
    requester = await components.identity.member(personas.OLIVIA)
    assert requester
    components.slack.fault("users.info", SlackFault(error="internal_error", times=None))
    with pytest.raises(CheckUnavailable):
        await lookup(components).find(read_list(TOM.email), requester=requester)


async def test_find__ignores_people_that_were_not_searched_for(components: Components) -> None:
    found = [User(id=TOM.id, name="Tom", email="other@example.com", state="active")]
    users = SlackUsers(components.api, clock=components.clock)
    careless = BulkLookup(StubSearch(found), StubAllowance(0), users, ProtectedPeople(users, ()), components.workspace)
    requester = await components.identity.member(personas.OLIVIA)
    assert requester
    (entry,) = await careless.find([Written(TOM.email, read_list(TOM.email)[0].ref)], requester=requester)
    assert entry.finding is EntryFinding.UNKNOWN


LIMITED = GenesysFault(status=429, headers={"Retry-After": "60"})


async def test_find__continues_after_the_batches_that_an_earlier_attempt_has_read(components: Components) -> None:
    people, requester = lookup(components), await components.identity.member(personas.OLIVIA)
    assert requester
    written = read_list("\n".join([*add_agents(components, 250), "agent7@example.com", "no-one@example.com"]))
    for fault in (GenesysFault(), GenesysFault(), LIMITED, GenesysFault(), LIMITED):
        components.genesys.fault("search_by_email", fault)

    for _ in range(2):
        with pytest.raises(CheckUnavailable) as unavailable:
            await people.find(written, requester=requester)
        assert unavailable.value.retry_after == 60.0
    entries = await people.find(written, requester=requester)

    findings = [one.finding for one in entries]
    assert findings == [*[EntryFinding.FOUND] * 250, EntryFinding.DUPLICATE, EntryFinding.UNKNOWN]
    statuses = [one.status for one in components.genesys.received("search_by_email")]
    assert statuses == [200, 200, 429, 200, 429, 200]  # four batches, each answered once


async def test_find__searches_again_once_a_lookup_has_ended_or_its_answers_are_old(components: Components) -> None:
    people, requester = lookup(components), await components.identity.member(personas.OLIVIA)
    assert requester
    written = read_list(f"{TOM.email}\n{PIA.id}")

    async def searches() -> int:
        components.genesys.requests.clear()
        with suppress(CheckUnavailable):
            await people.find(written, requester=requester)
        return len(components.genesys.received("search_by_email"))

    assert [await searches(), await searches()] == [2, 2]
    components.genesys.fault("search_by_email", GenesysFault())
    components.genesys.fault("search_by_email", LIMITED)
    assert await searches() == 2
    components.clock.now += ANSWER_AGE
    assert await searches() == 2


async def test_find__reads_no_member_again_that_an_earlier_attempt_has_read(components: Components) -> None:
    people, requester = lookup(components, protected=""), await components.identity.member(personas.OLIVIA)
    assert requester
    written = read_list(f"<@{personas.TOM}> <@{personas.BEN}> {TOM.email}")
    components.genesys.fault("search_by_email", LIMITED)
    components.slack.calls.clear()
    with pytest.raises(CheckUnavailable):
        await people.find(written, requester=requester)

    entries = await people.find(written, requester=requester)

    assert [one.finding for one in entries] == [EntryFinding.FOUND, EntryFinding.FOUND, EntryFinding.DUPLICATE]
    assert sorted(one.args["user"] for one in components.slack.calls) == sorted([personas.TOM, personas.BEN])


async def test_find__of_a_large_group_keeps_to_the_pace_of_slack_and_reads_each_member_once(
    components: Components,
) -> None:
    members = [f"U0AGENT{number:03d}" for number in range(90)]
    for one in members:
        components.slack.members[one] = replace(
            components.slack.members[personas.TOM], id=one, email=f"{one}@example.com"
        )
    users = SlackUsers(components.api, clock=components.clock, sleep=components.clock.sleep)
    people = BulkLookup(
        components.purecloud.users, StubAllowance(0), users, ProtectedPeople(users, ()), components.workspace
    )
    requester = await components.identity.member(personas.OLIVIA)
    assert requester
    written = read_list(" ".join(f"<@{one}>" for one in members))
    components.slack.calls.clear()
    began = components.clock.now
    components.slack.fault("users.info", SlackFault(delay=0, times=40))
    components.slack.fault("users.info", SlackFault(retry_after=30))

    with pytest.raises(SlackUnavailable):
        await people.find(written, requester=requester)
    components.clock.now += 30
    entries = await people.find(written, requester=requester)

    assert len(entries) == 90
    asked = [one.args["user"] for one in components.slack.calls_of("users.info") if one.status == 200]
    assert asked == members
    assert components.clock.now - began == (11 + 20) * READ_INTERVAL + 30  # after thirty at once each time


@pytest.mark.parametrize(
    ("listed", "known"), [("xn--bcher-kva.example", "bücher.example"), ("bücher.example", "xn--bcher-kva.example")]
)
async def test_find__searches_both_spellings_of_a_domain(components: Components, listed: str, known: str) -> None:
    users = components.genesys.state.users
    for user_id in add_agents(components, 150):
        users[user_id] = replace(users[user_id], email=users[user_id].email.replace("example.com", known))
    text = "\n".join([*(f"Agent{number}@{listed}" for number in range(151)), f"agent3@{known}", f"agent1@{listed}"])

    entries = await find(components, text)

    assert [one.finding for one in entries] == [
        *[EntryFinding.FOUND] * 150, EntryFinding.UNKNOWN, EntryFinding.DUPLICATE, EntryFinding.DUPLICATE,
    ]  # fmt: skip
    assert len(components.genesys.received("search_by_email")) == 4  # two for each spelling


async def test_find__of_ten_thousand_unknown_addresses_in_any_spelling_takes_two_hundred_calls(
    components: Components,
) -> None:
    components.genesys.state.refuses_expanded_search = 400
    entries = await find(components, "\n".join(f"agent{number}@bücher.example" for number in range(10_000)))

    assert {one.finding for one in entries} == {EntryFinding.UNKNOWN}
    assert len(components.genesys.received("search_by_email")) == 1 + 2 * 100


async def test_find__of_a_slack_user_finds_the_other_spelling_in_genesys_cloud(components: Components) -> None:
    users = components.genesys.state.users
    users[TOM.id] = replace(users[TOM.id], email="tom@bücher.example")
    components.slack.members[personas.TOM] = replace(
        components.slack.members[personas.TOM], email="tom@xn--bcher-kva.example"
    )
    (entry,) = await find(components, f"<@{personas.TOM}>")
    assert entry.person
    assert entry.person.id == TOM.id


async def test_find__takes_no_other_domain_that_idna_reads_as_the_same(components: Components) -> None:
    users = components.genesys.state.users
    users[TOM.id] = replace(users[TOM.id], email="tom@strasse.example")
    (entry,) = await find(components, "tom@straße.example")
    assert entry.finding is EntryFinding.UNKNOWN
