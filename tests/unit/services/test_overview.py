"""Lists of requests: who sees which."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.db.clicks import ClickStore
from bot.domain.actions import REVOKE, ROTATE
from bot.domain.commands import Invoker, TargetRef
from bot.domain.denials import DenialCode, Denied
from bot.domain.failed_checks import CheckUnavailable
from bot.domain.principals import parse_principals
from bot.domain.requests import BREAK_GLASS, Event, Follower, MessageRef
from bot.sandbox import personas
from bot.sandbox.slack.faults import SlackFault
from bot.services.overview import Overview, Query, RequestList
from tests.support.components import RULES, Components, open_components
from tests.support.database import click, create_request, stored


@pytest.fixture
async def components(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        yield opened


@pytest.fixture
def overview(components: Components) -> Overview:
    return components.overview()


def invoker(user_id: str) -> Invoker:
    return Invoker(user_id, "T0HOME0001", personas.OPS, f"trigger of {user_id}")


FOLLOWED = (Follower(personas.OLIVIA),)


async def create(components: Components, name: str, **changes: Any) -> None:
    usual = {"requester": personas.RAVI, "target_slack_id": personas.TOM, "card": None}
    await create_request(components.store, name, **(usual | changes))


async def cancel(components: Components, name: str) -> None:
    job = await click(components.store, name, personas.RAVI)
    await ClickStore(components.store).apply(
        await stored(components.store, name), Event.CANCEL, job=job, by=personas.RAVI
    )


def names(found: RequestList) -> list[tuple[str, bool]]:
    return [(one.request.id, one.waits) for one in found.requests]


@pytest.mark.parametrize(
    ("user_id", "expected"),
    [
        (personas.RAVI, [("revoke", False)]),
        (personas.BEN, [("revoke", True)]),
        (personas.OLIVIA, [("rotate", True), ("revoke", True)]),
        (personas.NADIA, []),
        (personas.TOM, []),
    ],
)
async def test_pending__lists_what_a_person_made_or_may_approve(
    components: Components, overview: Overview, user_id: str, expected: list[tuple[str, bool]]
) -> None:
    await create(components, "revoke")
    components.database.clock.advance(1)
    await create(components, "rotate", action=ROTATE.name, requester=personas.OLIVIA, target=None, target_slack_id=None)
    assert names(await overview.pending(invoker(user_id))) == expected
    waiting = [(name, waits) for name, waits in expected if waits]
    assert names((await overview.concerning(invoker(user_id))).waiting) == waiting


async def test_pending__requests_about_the_person_do_not_wait_for_them(
    components: Components, overview: Overview
) -> None:
    await create(components, "about ben", target_slack_id=personas.BEN)
    assert names((await overview.concerning(invoker(personas.BEN))).waiting) == []


async def test_pending__own_requests_wait_only_with_self_approval(components: Components) -> None:
    await create(components, "own", requester=personas.BEN)
    await create(components, "protected", requester=personas.BEN, approvals_required=2)
    for self_approval, expected in ((True, ["own"]), (False, [])):
        overview = components.overview(self_approval=self_approval)
        assert [name for name, _ in names((await overview.concerning(invoker(personas.BEN))).waiting)] == expected
        assert len((await overview.pending(invoker(personas.BEN))).requests) == 2


@pytest.mark.parametrize(
    ("requester", "changes", "cancels"),
    [
        pytest.param(personas.RAVI, {}, True, id="own"),
        pytest.param(personas.RAVI, {"followers": FOLLOWED}, False, id="followed by others"),
        pytest.param(personas.BEN, {"followers": FOLLOWED}, True, id="approver, followed by others"),
        pytest.param(personas.BEN, {"target_slack_id": personas.BEN}, False, id="about themself"),
        pytest.param(personas.BEN, {"action": BREAK_GLASS}, True, id="break glass"),
    ],
)
async def test_lists__let_those_cancel_who_may(
    components: Components, requester: str, changes: dict[str, Any], cancels: bool
) -> None:
    overview = components.overview(self_approval=False)
    await create(components, "own", requester=requester, **changes)

    (pending,) = (await overview.pending(invoker(requester))).requests
    (own,) = (await overview.concerning(invoker(requester))).own.requests
    assert (pending.own, pending.cancels, own.cancels) == (True, cancels, cancels)
    for_another = (await overview.pending(invoker(personas.OLIVIA))).requests
    assert not any(one.own or one.cancels for one in for_another)


@pytest.mark.parametrize(
    ("at_request", "waits"),
    [("U0NADIA001", False), (personas.OLIVIA, True), (personas.TOKEN_APPROVERS, True), ("S0OLDGROUP", False)],
)
async def test_pending__waits_only_for_approvers_by_the_rules_of_the_request_too(
    components: Components, at_request: str, waits: bool
) -> None:
    overview = components.overview(approvers=parse_principals(personas.OLIVIA))
    await create(components, "revoke", rules=replace(RULES, approvers=parse_principals(at_request)))

    assert names(await overview.pending(invoker(personas.OLIVIA))) == [("revoke", waits)]
    assert names((await overview.concerning(invoker(personas.OLIVIA))).waiting) == [("revoke", True)] * waits


async def test_pending__approved_requests_no_longer_wait_for_their_approver(
    components: Components, overview: Overview
) -> None:
    await create(components, "first", approvals_required=2)
    job = await click(components.store, "first", personas.BEN)
    before = await stored(components.store, "first")
    await ClickStore(components.store).apply(before, Event.ADD_APPROVAL, job=job, by=personas.BEN)
    assert names(await overview.pending(invoker(personas.BEN))) == [("first", False)]
    assert names(await overview.pending(invoker(personas.OLIVIA))) == [("first", True)]


@pytest.mark.parametrize("user_id", [personas.GUS, personas.ONA])
async def test_lists__deny_guests_and_outsiders(overview: Overview, user_id: str) -> None:
    for read in (overview.pending, overview.history, overview.concerning, overview.recent):
        with pytest.raises(Denied):
            await read(invoker(user_id))


async def test_pending__waits_while_a_user_group_cannot_be_read(components: Components, overview: Overview) -> None:
    await create(components, "first")
    components.slack.fault(
        "usergroups.users.list", SlackFault(error="ratelimited", status=429, retry_after=7, times=None)
    )
    with pytest.raises(CheckUnavailable):
        await overview.pending(invoker(personas.BEN))


async def test_history__is_for_admins(components: Components, overview: Overview) -> None:
    await create(components, "first")
    await cancel(components, "first")
    assert names(await overview.history(invoker(personas.OLIVIA))) == [("first", False)]
    for user_id in (personas.BEN, personas.RAVI, personas.NADIA):
        with pytest.raises(Denied) as caught:
            await overview.history(invoker(user_id))
        assert caught.value.reason is DenialCode.NOT_AN_ADMIN


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (Query(TargetRef(slack_user_id=personas.TOM)), ["by email", "by mention"]),
        (Query(TargetRef(email="tom.target@example.com")), ["by email", "by mention"]),
        (Query(TargetRef(slack_user_id=personas.PIA)), []),
        (Query(reference="BY EMAIL"), ["by email"]),
    ],
)
async def test_history__finds_a_person_however_they_were_named(
    components: Components, overview: Overview, query: Query, expected: list[str]
) -> None:
    for name, slack_id in (("by mention", personas.TOM), ("by email", None)):
        await create(components, name, target_slack_id=slack_id)
        await cancel(components, name)
        components.database.clock.advance(1)
    found = await overview.history(invoker(personas.OLIVIA), query)
    assert [name for name, _ in names(found)] == expected


async def test_recent__lists_what_a_person_made_or_decided(components: Components, overview: Overview) -> None:
    await create(components, "ravi's")
    await create(components, "ben's", requester=personas.BEN)
    for name in ("ravi's", "ben's"):
        await cancel(components, name)
    assert [name for name, _ in names(await overview.recent(invoker(personas.BEN)))] == ["ben's"]
    assert len((await overview.recent(invoker(personas.RAVI))).requests) == 2  # he cancelled both


async def test_links__lead_to_cards_that_the_person_can_open(components: Components, overview: Overview) -> None:
    channel = await components.messenger.post(personas.APPROVALS, {"text": "a card"})
    direct = await components.messenger.post(personas.RAVI, {"text": "a card"})
    await create(components, "in a channel", card=channel, action=REVOKE.name)
    await create(components, "in direct messages", card=direct)
    await create(components, "not posted yet", card=MessageRef(personas.APPROVALS))

    async def linked(user_id: str) -> set[str]:
        found = await overview.pending(invoker(user_id))
        return {one.request.id for one in found.requests if one.link}

    assert await linked(personas.RAVI) == {"in a channel", "in direct messages"}
    assert await linked(personas.BEN) == {"in a channel"}
