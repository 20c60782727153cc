"""The users of a division, a group or a queue, within the allowance."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.domain.bulk import BulkSource
from bot.domain.denials import DenialCode, Denied
from bot.domain.failed_checks import CheckUnavailable
from bot.purecloud import GenesysForbidden, GenesysServerError, NamedEntity
from bot.services.genesys_reads import MAX_REQUESTER_SHARE
from bot.services.genesys_sets import GenesysSets

PAGE = 100


class StubMembers:
    """A listing for each kind, which has `pages` pages; `read` has those that were read."""

    def __init__(self, allowance: StubAllowance) -> None:
        self.named = [NamedEntity(id="1", name="Sales")]
        self.error: Exception | None = None
        self.pages = 3
        self.read: list[str] = []
        self._allowance = allowance

    async def _find(self, _name: str) -> list[NamedEntity]:
        if self.error:
            raise self.error
        return self.named

    async def _listing(self, kind: str) -> AsyncIterator[list[str]]:
        for page in range(self.pages):
            self.read.append(kind)
            self._allowance.used += self._allowance.cost
            yield [f"{kind}-{page}-{number}" for number in range(PAGE)]

    get_authorization_divisions = post_groups_search = get_routing_queues = _find

    def search_by_division(self, _id: str) -> AsyncIterator[list[str]]:
        return self._listing("division")

    def get_group_members(self, _id: str) -> AsyncIterator[list[str]]:
        return self._listing("group")

    def get_routing_queue_members(self, _id: str) -> AsyncIterator[list[str]]:
        return self._listing("queue")


class StubAllowance:
    """An allowance of which each page takes `cost`."""

    allowed: float | None = 300.0
    resets_in = 7.0

    def __init__(self) -> None:
        self.used = 0.0
        self.cost = 0.0


@pytest.fixture
def members() -> StubMembers:
    return StubMembers(StubAllowance())


def sets_of(members: StubMembers) -> GenesysSets:
    return GenesysSets(members, members._allowance)


@pytest.mark.parametrize("source", [BulkSource.DIVISION, BulkSource.GROUP, BulkSource.QUEUE])
async def test_members__come_from_the_listing_of_their_kind(members: StubMembers, source: BulkSource) -> None:
    ids = await sets_of(members).members(source, "Sales", limit=1000)

    assert len(ids) == 3 * PAGE
    assert {one.partition("-")[0] for one in ids} == {str(source)}


async def test_members__above_the_limit_are_not_read(members: StubMembers) -> None:
    members.pages = 50

    assert len(await sets_of(members).members(BulkSource.QUEUE, "Sales", limit=PAGE + 1)) == 2 * PAGE
    assert len(members.read) == 2


@pytest.mark.parametrize(("count", "code"), [(0, DenialCode.SET_UNKNOWN), (2, DenialCode.SET_AMBIGUOUS)])
async def test_name__of_no_set_or_several_is_denied(members: StubMembers, count: int, code: DenialCode) -> None:
    members.named *= count

    with pytest.raises(Denied) as denied:
        await sets_of(members).members(BulkSource.GROUP, "Sales", limit=10)

    assert (denied.value.code, denied.value.params["word"]) == (code, "group:Sales")
    assert members.read == []


async def test_error__that_may_pass_is_not_a_verdict(members: StubMembers) -> None:
    members.error = GenesysServerError()
    with pytest.raises(CheckUnavailable):
        await sets_of(members).members(BulkSource.GROUP, "Sales", limit=10)

    members.error = GenesysForbidden()
    with pytest.raises(GenesysForbidden):
        await sets_of(members).members(BulkSource.GROUP, "Sales", limit=10)


async def test_allowance__that_is_used_up_postpones_the_next_page(members: StubMembers) -> None:
    members._allowance.cost = MAX_REQUESTER_SHARE / 2

    with pytest.raises(CheckUnavailable) as postponed:
        await sets_of(members).members(BulkSource.QUEUE, "Sales", limit=1000)

    assert postponed.value.retry_after == 7.0
    assert len(members.read) == 2
