"""Replicas on one PostgreSQL: one truth, whoever is clicked at, whoever goes away, whatever breaks between them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.audit import EventType, first_invalid
from bot.sandbox import personas
from bot.sandbox.genesys.server import GenesysFault
from bot.sandbox.slack.faults import SlackFault
from tests.support.postgres import Server
from tests.support.proxy import Wire, wire_to
from tests.support.replicas import Replicas, replicas

pytestmark = pytest.mark.heavy

DONE = "Revoked: every session of Tom Target"
CROWD = (personas.OLIVIA, personas.BEN)


@pytest.fixture
async def address(postgres: Server) -> AsyncIterator[str]:
    async with postgres.database() as found:
        yield found


@pytest.fixture
async def cable(postgres: Server) -> AsyncIterator[Wire]:
    async with wire_to(postgres.url) as laid:
        yield laid


@pytest.fixture
async def two(address: str, tmp_path: Path) -> AsyncIterator[Replicas]:
    async with replicas(tmp_path, address, address) as started:
        yield started


@pytest.mark.parametrize(("count", "cards"), [(2, 20), (3, 20)])
async def test_clicks__fifty_on_each_card_through_all_replicas_are_one_delete_each(
    address: str, tmp_path: Path, count: int, cards: int
) -> None:
    async with replicas(tmp_path, *[address] * count, APPROVALS_CHANNEL=personas.OPS) as all_of_them:
        posted = [await all_of_them.card(personas.RAVI, f"revoke @tom {number}", number) for number in range(cards)]
        for card in posted:
            clicks = [all_of_them.click(CROWD[number % 2], card, number) for number in range(50)]
            assert {delivery.status for delivery in await asyncio.gather(*clicks)} == {200}
        await all_of_them.idle()

        assert len(all_of_them.deletes) == cards
        trail = await all_of_them.store.audit_events()
        assert first_invalid(trail) is None
        tags = [row.tag for row, _ in trail]
        assert tags.count(EventType.APPROVED) == tags.count(EventType.REVOKED) == cards
        assert tags.count(EventType.CLICK_STALE) == 49 * cards
        assert all(DONE in all_of_them.slack.text_of(card) for card in posted)
        assert not any(all_of_them.slack.buttons(card) for card in posted)


async def test_card__of_one_replica_is_answered_by_another(two: Replicas) -> None:
    card = await two.card(personas.OLIVIA, "revoke @tom", through=0)
    await two.click(personas.OLIVIA, card, through=1)
    await two.reads(DONE)
    await two.idle()

    assert len(two.deletes) == 1
    assert await two.trail() == ["request:asked", "request:approved", "token:revoked"]


async def test_card__that_slack_would_not_take_is_repainted_once_by_whoever_is_left(
    address: str, tmp_path: Path
) -> None:
    async with replicas(tmp_path, address) as left:
        async with replicas(tmp_path, address) as leaving:
            card = await leaving.card(personas.OLIVIA, "revoke @tom")
            await leaving.idle()  # until it is noted where the card stands, or the click's own address is used, too
            place = card.channel_id, card.ts
            leaving.slack.fault("chat.update", SlackFault(error="internal_error", times=None))
            leaving.slack.fault("chat.postMessage", SlackFault(error="internal_error", times=None))
            await leaving.click(personas.OLIVIA, card, 0)
            await leaving.genesys.wait_for_request("delete_token")
        async with asyncio.timeout(60):
            while not (painted := left.slack.calls_of("chat.update")):  # noqa: ASYNC110 - the stand-in rings for messages
                await asyncio.sleep(0.05)
        await left.idle()

        assert {(one.args["channel"], one.args["ts"]) for one in left.slack.calls_of("chat.update")} == {place}
        assert len(painted) == 1
        assert not left.deletes


async def test_database__whose_machine_goes_down_and_comes_back(postgres: Server, address: str, tmp_path: Path) -> None:
    if postgres.programs is None:
        pytest.skip("TEST_DATABASE_URL names a server that is not the tests' to stop")
    async with replicas(tmp_path, address, address) as both:
        card = await both.card(personas.OLIVIA, "revoke @tom")
        await both.idle()

        await asyncio.to_thread(postgres.stop)
        missing = [await both.becomes(503, number) for number in range(2)]
        clicks = [await both.click(personas.OLIVIA, card, number) for number in range(2)]
        await asyncio.to_thread(postgres.start)
        for number in range(2):
            assert await both.becomes(200, number) == {}

        assert [set(one) for one in missing] == [{"store"}, {"store"}]
        assert "cannot be reached" in missing[0]["store"]
        assert [click.status for click in clicks] == [503, 503]
        assert both.slack.buttons(card)
        assert not both.deletes
        await both.click(personas.OLIVIA, card, 1)
        await both.reads(DONE)
        await both.idle()
        assert await both.trail() == ["request:asked", "request:approved", "token:revoked"]


async def test_database__that_appears_after_the_bot(postgres: Server, cable: Wire, tmp_path: Path) -> None:
    async with postgres.database(empty=True) as empty:
        cable.cut()
        async with replicas(tmp_path, cable.instead_of(empty)) as early:
            missing = await early.becomes(503)
            async with early.session.get(f"{early.door(0)}/healthz") as answer:
                alive = answer.status
            cable.mend()
            assert await early.becomes(200) == {}

            assert (alive, set(missing)) == (200, {"store"})
            await early.click(personas.OLIVIA, await early.card(personas.OLIVIA, "revoke @tom"), 0)
            await early.reads(DONE)


@pytest.mark.parametrize("how", ["cut", "hold"])
async def test_wire__between_a_replica_and_the_database_that_breaks_during_a_delete(
    address: str, cable: Wire, tmp_path: Path, how: str
) -> None:
    """The other replica takes over; the cut off one tells nothing of its own, and is ready again afterwards."""
    async with replicas(tmp_path, cable.instead_of(address), address) as both:
        card = await both.card(personas.OLIVIA, "revoke @tom", through=1)
        answered = asyncio.Event()
        both.genesys.fault("delete_token", GenesysFault(until=answered))
        await both.click(personas.OLIVIA, card, through=0)
        await both.genesys.wait_for_request("delete_token")

        getattr(cable, how)()
        missing, click, _ = await asyncio.gather(
            both.becomes(503, 0), both.click(personas.BEN, card, through=0), both.reads(DONE)
        )
        cable.mend()
        answered.set()
        assert await both.becomes(200, 0) == {}
        await both.idle()

        assert set(missing) == {"store"}
        assert click.status != 200  # 503, or none where Slack gave up first
        assert len(both.deletes) in (2, 3)  # one each, and the first client's own repeat while no answer comes
        tags = [row.tag for row, _ in await both.servers[1].services.store.audit_events()]
        assert [tag for tag in tags if tag.startswith("token:")] == ["token:revoked"]
        assert first_invalid(await both.servers[1].services.store.audit_events()) is None
