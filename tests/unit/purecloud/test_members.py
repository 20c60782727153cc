"""Divisions, groups and queues by name, and the users in them, page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from bot.purecloud import GenesysForbidden, PureCloud
from bot.purecloud.members import MAX_MEMBER_PAGES
from bot.sandbox.genesys.faults import GenesysFault
from bot.sandbox.genesys.server import CLIENT
from bot.sandbox.genesys.state import EntityRef, GenesysUser, UserSet
from tests.unit.purecloud.conftest import ClientHarness

COUNT = 230
SALES = EntityRef("11111111-2222-4333-8444-555555555501", "Sales")
IDS = [f"aaaaaaaa-0000-4000-8000-{number:012}" for number in range(COUNT)]

Read = Callable[[PureCloud], AsyncIterator[list[str]]]

READS: dict[str, Read] = {
    "search_by_email": lambda purecloud: purecloud.members.search_by_division(SALES.id),
    "get_group_members": lambda purecloud: purecloud.members.get_group_members("a group/1"),
    "get_routing_queue_members": lambda purecloud: purecloud.members.get_routing_queue_members("a queue?1"),
}
"""The listings by their operation. The ids need escapes in a path."""


@pytest.fixture
def sets(harness: ClientHarness) -> ClientHarness:
    """Genesys Cloud with a division, a group and a queue of the same people, one of them deleted."""
    state = harness.genesys.state
    for number, user_id in enumerate(IDS):
        status = "deleted" if number == 0 else "active"
        state.add(GenesysUser(user_id, f"Agent {number}", f"a{number}@acme.example", state=status, division=SALES))
    state.groups = [UserSet("a group/1", "Night shift", tuple(IDS)), UserSet("2", "Night shift 2")]
    state.queues = [UserSet("a queue?1", "Billing EN", tuple(IDS)), UserSet("2", "Billing"), UserSet("3", "billing en")]
    return harness


@pytest.mark.parametrize("operation", READS)
async def test_members__are_read_page_by_page_without_deleted_users(sets: ClientHarness, operation: str) -> None:
    pages = [page async for page in READS[operation](sets.purecloud)]

    assert sorted(one for page in pages for one in page) == IDS[1:]
    assert [len(page) for page in pages] == [100, 100, 29]
    assert sets.statuses(operation) == [200] * 3


@pytest.mark.parametrize(
    ("pages", "read"),
    [
        ([{"pageSize": 2, "nextUri": "/next"}, {"pageSize": 2}], 2),
        ([{"nextUri": "/next"}, {"pageSize": 2, "nextUri": ""}], 2),
        ([{"pageSize": 1}, {"pageSize": 1, "entities": []}], 2),
        ([{}, {"entities": []}], 2),
        ([{"pageSize": 2}, {"pageSize": 2}], 1),
    ],
)
async def test_queue_members__are_read_to_the_end_without_a_number_of_pages(
    sets: ClientHarness, pages: list[dict[str, Any]], read: int
) -> None:
    for page in pages:
        body = {"entities": [{"id": IDS[1]}]} | page
        sets.genesys.fault("get_routing_queue_members", GenesysFault(status=200, body=body))

    found = [one async for one in READS["get_routing_queue_members"](sets.purecloud)]

    assert len(found) == read


async def test_queue_members__that_never_end_are_not_read_forever(sets: ClientHarness) -> None:
    body = {"entities": [{"id": IDS[1]}], "nextUri": "/next"}
    sets.genesys.fault("get_routing_queue_members", GenesysFault(status=200, body=body, times=None))

    found = [one async for one in READS["get_routing_queue_members"](sets.purecloud)]

    assert len(found) == MAX_MEMBER_PAGES


@pytest.mark.parametrize("operation", READS)
async def test_members__are_read_no_further_than_the_caller_wants(sets: ClientHarness, operation: str) -> None:
    async for _ in READS[operation](sets.purecloud):
        break

    assert sets.statuses(operation) == [200]


async def test_names__match_as_a_whole_in_any_letter_case(sets: ClientHarness) -> None:
    members = sets.purecloud.members

    assert [one.id for one in await members.get_authorization_divisions("sales")] == [SALES.id]
    assert [one.id for one in await members.post_groups_search("NIGHT SHIFT")] == ["a group/1"]
    assert [one.id for one in await members.get_routing_queues("Billing EN")] == ["a queue?1", "3"]
    assert await members.get_authorization_divisions("Sale") == []
    assert await members.post_groups_search("shift") == []


async def test_queues__need_a_permission_of_their_own(sets: ClientHarness) -> None:
    sets.genesys.state.clients[CLIENT.id].permissions -= {"routing:queue:view"}

    with pytest.raises(GenesysForbidden) as refused:
        await sets.purecloud.members.get_routing_queues("Billing EN")

    assert refused.value.permissions == ("routing:queue:view",)
