"""Commands read Genesys Cloud from a short cache, and leave a reserve for DELETEs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.purecloud import GenesysRateLimited, GenesysServerError
from bot.sandbox.genesys.server import GenesysFault
from bot.services.genesys_reads import MAX_SHARE, PERSON_TTL, TOKEN_TTL, GenesysReads
from tests.support.components import TOM, Components, open_components


@pytest.fixture
async def components(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        yield opened


def reads_of(components: Components) -> GenesysReads:
    api = components.purecloud
    return GenesysReads(api.users, api.authorization, api.tokens, api.allowance, clock=components.clock)


async def test_read__is_cached_for_a_short_time(components: Components) -> None:
    reads = reads_of(components)
    for _ in range(20):
        assert (await reads.get_tokens_me()).organization
        assert await reads.search_by_email(TOM.email)
        assert (await reads.get_user(TOM.id)).id == TOM.id
        await reads.get_user_roles(TOM.id)
    counts = [len(components.genesys.received(one)) for one in ("get_tokens_me", "search_by_email", "get_user_roles")]
    assert counts == [1, 1, 1]

    components.clock.advance(TOKEN_TTL)
    await reads.get_tokens_me()
    await reads.search_by_email(TOM.email)
    components.clock.advance(PERSON_TTL - TOKEN_TTL)
    await reads.search_by_email(TOM.email)
    assert len(components.genesys.received("get_tokens_me")) == 2
    assert len(components.genesys.received("search_by_email")) == 2


async def test_read__that_fails_is_not_cached(components: Components) -> None:
    reads = reads_of(components)
    components.genesys.fault("get_tokens_me", GenesysFault(status=500, times=3))
    with pytest.raises(GenesysServerError):
        await reads.get_tokens_me()
    components.genesys.faults.clear()
    assert (await reads.get_tokens_me()).organization


async def test_read__stops_at_its_share_of_the_allowance_until_the_window_ends(components: Components) -> None:
    reads = reads_of(components)
    used = {"inin-ratelimit-count": "210", "inin-ratelimit-allowed": "300", "inin-ratelimit-reset": "40"}
    components.purecloud.allowance.note(used)
    assert components.purecloud.allowance.used == MAX_SHARE
    with pytest.raises(GenesysRateLimited) as refused:
        await reads.get_user(TOM.id)
    assert refused.value.retry_after == 40
    assert components.genesys.received("get_user") == []

    await components.purecloud.tokens.delete_token(TOM.id)  # the reserve is for this
    components.clock.advance(61)
    assert (await reads.get_user(TOM.id)).id == TOM.id


async def test_get_user_now__is_not_cached_not_repeated_and_within_the_share(components: Components) -> None:
    reads = reads_of(components)
    components.genesys.fault("get_user", GenesysFault(status=503))
    with pytest.raises(GenesysServerError):
        await reads.get_user_now(TOM.id, ["presence"])
    for presence in ("Busy", "Away"):
        components.genesys.users[TOM.id].presence = presence
        found = (await reads.get_user_now(TOM.id, ["presence"])).presence
        assert found
        assert found.presence_definition
        assert found.presence_definition.system_presence == presence
    assert len(components.genesys.received("get_user")) == 3

    used = {"inin-ratelimit-count": "210", "inin-ratelimit-allowed": "300", "inin-ratelimit-reset": "40"}
    components.purecloud.allowance.note(used)
    with pytest.raises(GenesysRateLimited):
        await reads.get_user_now(TOM.id, ["presence"])
    assert len(components.genesys.received("get_user")) == 3


async def test_cached_read__needs_no_allowance(components: Components) -> None:
    reads = reads_of(components)
    await reads.get_user(TOM.id)
    components.purecloud.allowance.note(
        {"inin-ratelimit-count": "300", "inin-ratelimit-allowed": "300", "inin-ratelimit-reset": "40"}
    )
    assert (await reads.get_user(TOM.id)).id == TOM.id
