"""Socket Mode connections that Slack refreshes, refuses, freezes or aborts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.sandbox import personas
from bot.sandbox.slack.faults import SlackFault
from bot.slack.socket_client import SocketClient
from bot.slack.socket_mode import (
    CONNECTIONS,
    DRAIN_PERIOD,
    RECONNECT_AFTER,
    STALE_URL_AFTER,
    ConnectionSupervisor,
    SocketMode,
)
from tests.support.socket_harness import Rig, becomes_up, open_rig, open_sockets, short_sleep, until


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with open_rig() as opened:
        yield opened


@pytest.fixture
async def sockets(rig: Rig) -> AsyncIterator[SocketMode]:
    async with open_sockets(rig) as started:
        yield started


async def test_refresh__loses_no_command(rig: Rig, sockets: SocketMode) -> None:
    old = list(rig.slack.sockets.connections)
    for number in range(40):
        if number in (5, 6):
            await rig.slack.sockets.disconnect("warning", old[number - 5])
        if number in (20, 30):
            await rig.slack.sockets.wait_until(lambda: rig.slack.sockets.opened == 2 * CONNECTIONS)
            await rig.slack.sockets.disconnect("refresh_requested", old[number // 10 - 2])
        delivery = await rig.slack.command(personas.OLIVIA, f"help {number}")
        assert delivery.status == 200

    assert [body["text"] for body in rig.received] == [f"help {number}" for number in range(40)]
    assert len(rig.slack.sockets.connections) == CONNECTIONS
    assert await sockets.is_up()


async def test_refresh__opens_new_connections_before_closing_old_ones(rig: Rig, sockets: SocketMode) -> None:
    old = list(rig.slack.sockets.connections)

    await rig.slack.sockets.disconnect("warning")
    await rig.slack.sockets.wait_until(lambda: len(rig.slack.sockets.connections) == 2 * CONNECTIONS)
    rig.clock.now += DRAIN_PERIOD
    await rig.connected()

    assert not set(old) & set(rig.slack.sockets.connections)
    assert rig.slack.sockets.opened == 2 * CONNECTIONS
    assert await sockets.is_up()


@pytest.mark.parametrize("reason", ["link_disabled", "too_many_websockets"])
async def test_disconnect__for_another_reason_reconnects(rig: Rig, sockets: SocketMode, reason: str) -> None:
    await rig.slack.sockets.disconnect(reason)
    await rig.slack.sockets.wait_until(lambda: rig.slack.sockets.opened == 2 * CONNECTIONS)
    await becomes_up(sockets)

    assert (await rig.slack.command(personas.OLIVIA, "help")).status == 200


async def test_network__an_aborted_connection_is_replaced(rig: Rig, sockets: SocketMode) -> None:
    rig.slack.sockets.redeliver = True
    rig.responding.clear()
    pending = asyncio.create_task(rig.slack.command(personas.OLIVIA, "whoami"))
    await until(lambda: bool(rig.received))

    rig.slack.sockets.abort()  # the connections may be replaced before anyone sees that they are gone
    await rig.slack.sockets.wait_until(lambda: rig.slack.sockets.opened >= 2 * CONNECTIONS)
    await becomes_up(sockets)
    rig.responding.set()
    await asyncio.gather(pending)

    assert len(rig.received) == 1
    assert (await rig.slack.command(personas.OLIVIA, "help")).status == 200


async def test_network__a_silent_connection_is_detected_by_pings(rig: Rig) -> None:
    sockets = rig.sockets(ping_interval=0.2)
    sockets.start()
    await rig.connected()
    old = list(rig.slack.sockets.connections)

    rig.slack.sockets.freeze()
    await rig.slack.sockets.wait_until(lambda: not set(old) & set(rig.slack.sockets.connections))
    await becomes_up(sockets)
    await sockets.stop(5)

    assert rig.slack.sockets.opened >= 2 * CONNECTIONS


class BrokenClient(SocketClient):
    """A client whose connection check raises."""

    async def is_connected(self) -> bool:
        raise RuntimeError("unexpected")


async def test_connection__is_replaced_if_its_check_raises(rig: Rig) -> None:
    kinds = [BrokenClient, SocketClient]
    supervisor = ConnectionSupervisor(
        lambda: kinds.pop(0)(rig.slack.sockets.app_token, rig.web, 5.0), rig.clock, short_sleep
    )

    running = asyncio.create_task(supervisor.run())
    await until(lambda: not kinds)
    await rig.slack.sockets.wait_until(lambda: len(rig.slack.sockets.connections) == 1)

    await becomes_up(supervisor)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await rig.slack.sockets.wait_until(lambda: not rig.slack.sockets.connections)


async def test_connection__that_never_answered_a_ping_is_not_up(rig: Rig) -> None:
    rig.slack.sockets.freeze_new = True
    sockets = rig.sockets()
    sockets.start()
    await rig.connected()
    await until(lambda: all(one.connecting is not None and one.connecting.done() for one in clients_of(sockets)))

    assert not await sockets.is_up()

    rig.slack.sockets.freeze_new = False
    await rig.slack.sockets.disconnect("warning")
    await becomes_up(sockets)
    await sockets.stop(5)


def clients_of(sockets: SocketMode) -> list[SocketClient]:
    return [client for one in sockets._supervisors for client in one._clients]


async def test_url__that_keeps_failing_is_discarded(rig: Rig) -> None:
    rig.slack.sockets.refuse_next = CONNECTIONS
    sockets = rig.sockets(ping_interval=0.02)
    sockets.start()
    await rig.slack.sockets.wait_until(lambda: rig.slack.sockets.refused >= 3 * CONNECTIONS)
    assert not await sockets.is_up()
    assert (rig.slack.sockets.opened, len(rig.slack.calls_of("apps.connections.open"))) == (0, CONNECTIONS)

    rig.clock.now += STALE_URL_AFTER
    await rig.slack.sockets.wait_until(lambda: rig.slack.sockets.opened >= CONNECTIONS)
    await becomes_up(sockets)
    await sockets.stop(5)


async def test_connecting__is_restarted_if_it_hangs(rig: Rig) -> None:
    rig.slack.fault("apps.connections.open", SlackFault(delay=1, times=CONNECTIONS))
    sockets = rig.sockets()
    sockets.start()
    await rig.hold.entered.wait()
    assert not await sockets.is_up()

    async with asyncio.timeout(30):
        while rig.slack.sockets.opened < CONNECTIONS:
            rig.clock.now += RECONNECT_AFTER
            await asyncio.sleep(0.05)
    await sockets.stop(5)


async def test_connecting__continues_while_slack_fails(rig: Rig) -> None:
    rig.slack.fault("apps.connections.open", SlackFault(html="<h1>Down</h1>", times=2))
    rig.slack.fault("apps.connections.open", SlackFault(retry_after=0, times=1))
    rig.slack.fault("apps.connections.open", SlackFault(drop=True, times=1))
    sockets = rig.sockets(ping_interval=0.02)
    sockets.start()

    await rig.connected()
    await becomes_up(sockets)
    await sockets.stop(5)
