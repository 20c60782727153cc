"""Replicas on one PostgreSQL act as one bot, also when a replica, the database or the network fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.audit import EventType
from bot.domain.audit_chain import first_invalid
from bot.sandbox import personas
from bot.sandbox.genesys.server import GenesysFault
from bot.sandbox.slack.faults import SlackFault
from bot.web.readiness import EXPLANATIONS
from tests.support.agents import add_agents
from tests.support.postgres import Server
from tests.support.proxy import TcpProxy, proxy_to
from tests.support.replicas import Replicas, start_beside, start_replicas

pytestmark = pytest.mark.heavy

DONE = "Revoked: all sessions of Tom Target"
APPROVERS = (personas.OLIVIA, personas.BEN)


@pytest.fixture
async def address(postgres: Server) -> AsyncIterator[str]:
    async with postgres.database() as found:
        yield found


@pytest.fixture
async def proxy(postgres: Server) -> AsyncIterator[TcpProxy]:
    async with proxy_to(postgres.url) as started:
        yield started


@pytest.fixture
async def two(address: str, tmp_path: Path) -> AsyncIterator[Replicas]:
    async with start_replicas(tmp_path, address, address) as started:
        yield started


@pytest.mark.parametrize(("count", "cards"), [(2, 20), (3, 20)])
async def test_clicks__fifty_on_each_card_through_all_replicas_send_one_delete_per_card(
    address: str, tmp_path: Path, count: int, cards: int
) -> None:
    async with start_replicas(tmp_path, *[address] * count, APPROVALS_CHANNEL=personas.OPS) as replicas:
        agents = add_agents(replicas.genesys, cards)
        posted = [
            await replicas.request_card(personas.RAVI, f"revoke {agent.id}", number)
            for number, agent in enumerate(agents)
        ]
        for card in posted:
            clicks = [replicas.click(APPROVERS[number % 2], card, number) for number in range(50)]
            assert {delivery.status for delivery in await asyncio.gather(*clicks)} == {200}
        await replicas.wait_until_idle()

        assert len(replicas.deletes) == cards
        trail = await replicas.store.audit_events()
        assert first_invalid(trail) is None
        tags = [row.tag for row, _ in trail]
        assert tags.count(EventType.APPROVED) == tags.count(EventType.REVOKED) == cards
        assert tags.count(EventType.CLICK_STALE) == 49 * cards
        assert all("Revoked: all sessions of Agent" in replicas.slack.text_of(card) for card in posted)
        assert not any(replicas.slack.buttons(card) for card in posted)


async def test_click__on_a_card_of_one_replica_is_processed_by_another(two: Replicas) -> None:
    card = await two.request_card(personas.OLIVIA, "revoke @tom", replica=0)
    await two.click(personas.OLIVIA, card, replica=1)
    await two.wait_for_message(DONE)
    await two.wait_until_idle()

    assert len(two.deletes) == 1
    assert await two.audit_tags() == ["request:asked", "request:approved", "token:revoked"]


async def test_card__that_slack_rejects_is_updated_once_by_a_remaining_replica(address: str, tmp_path: Path) -> None:
    async with start_replicas(tmp_path, address) as remaining:
        async with start_beside(remaining) as leaving:
            card = await leaving.request_card(personas.OLIVIA, "revoke @tom")
            await leaving.wait_until_idle()  # until the card's ts is stored
            fault = SlackFault(error="internal_error", times=None)
            leaving.slack.fault("chat.update", fault)
            leaving.slack.fault("chat.postMessage", fault)
            await leaving.click(personas.OLIVIA, card, 0)
            await leaving.genesys.wait_for_request("delete_token")
        rejected = len(remaining.slack.calls_of("chat.update"))
        remaining.slack.clear_faults()
        await remaining.wait_until_idle()

        updates = remaining.slack.calls_of("chat.update")[rejected:]
        assert {(one.args["channel"], one.args["ts"]) for one in updates} == {(card.channel_id, card.ts)}
        assert DONE in remaining.slack.text_of(card)
        assert len(remaining.deletes) == 1


async def test_database__that_stops_and_restarts_loses_nothing(postgres: Server, address: str, tmp_path: Path) -> None:
    if postgres.programs is None:
        pytest.skip("TEST_DATABASE_URL names a server that the tests may not stop")
    async with start_replicas(tmp_path, address, address) as both:
        card = await both.request_card(personas.OLIVIA, "revoke @tom")
        await both.wait_until_idle()

        await asyncio.to_thread(postgres.stop)
        missing = [await both.wait_for_readyz(503, number) for number in range(2)]
        clicks = [await both.click(personas.OLIVIA, card, number) for number in range(2)]
        await asyncio.to_thread(postgres.start)
        for number in range(2):
            assert await both.wait_for_readyz(200, number) == {}

        assert missing == [{"store": EXPLANATIONS["store"]}] * 2
        assert [click.status for click in clicks] == [503, 503]
        assert both.slack.buttons(card)
        assert not both.deletes
        await both.click(personas.OLIVIA, card, 1)
        await both.wait_for_message(DONE)
        await both.wait_until_idle()
        assert await both.audit_tags() == ["request:asked", "request:approved", "token:revoked"]


async def test_database__that_starts_after_the_bot_is_used(postgres: Server, proxy: TcpProxy, tmp_path: Path) -> None:
    async with postgres.database(empty=True) as empty:
        proxy.cut()
        async with start_replicas(tmp_path, proxy.route(empty)) as early:
            missing = await early.wait_for_readyz(503)
            async with early.session.get(f"{early.url(0)}/healthz") as response:
                healthz = response.status
            proxy.restore()
            assert await early.wait_for_readyz(200) == {}

            assert (healthz, set(missing)) == (200, {"store"})
            await early.click(personas.OLIVIA, await early.request_card(personas.OLIVIA, "revoke @tom"), 0)
            await early.wait_for_message(DONE)


@pytest.mark.parametrize("failure", ["cut", "stall"])
async def test_database__lost_by_one_replica_during_a_delete_is_taken_over_by_the_other(
    address: str, proxy: TcpProxy, tmp_path: Path, failure: str
) -> None:
    """The disconnected replica reports no outcome of its own, and is ready again afterwards."""
    async with start_replicas(tmp_path, proxy.route(address), address) as both:
        card = await both.request_card(personas.OLIVIA, "revoke @tom", replica=1)
        released = asyncio.Event()
        both.genesys.fault("delete_token", GenesysFault(until=released))
        await both.click(personas.OLIVIA, card, replica=0)
        await both.genesys.wait_for_request("delete_token")

        getattr(proxy, failure)()
        missing, click, _ = await asyncio.gather(
            both.wait_for_readyz(503, 0), both.click(personas.BEN, card, replica=0), both.wait_for_message(DONE)
        )
        proxy.restore()
        released.set()
        assert await both.wait_for_readyz(200, 0) == {}
        await both.wait_until_idle()

        assert set(missing) == {"store"}
        assert click.status != 200  # 503, or none if Slack timed out first
        assert len(both.deletes) in (2, 3)  # one per replica, and a retry by the first client without a response
        trail = await both.servers[1].services.store.audit_events()
        tags = [row.tag for row, _ in trail]
        assert [tag for tag in tags if tag.startswith("token:")] == ["token:revoked"]
        assert first_invalid(trail) is None
