"""The connections of Socket Mode as Slack can treat them: refreshed, refused, frozen, cut; and what is acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import ClientSession
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.admission import Admission
from bot.directory import Directory
from bot.errors import SettingsError
from bot.metrics import Metrics
from bot.purecloud import PureCloud, region
from bot.sandbox import cast
from bot.sandbox.slack import SlackStandIn
from bot.sandbox.slack_calls import Fault
from bot.socket_mode import CONNECTIONS, FORGET, LINGER, REBUILD, SocketMode
from tests.process import Hold

RUBBISH = [
    "{bad",
    "[1]",
    "7",
    "null",
    "{}",
    '{"type": 7}',
    '{"type": "hello"}',
    '{"type": "disconnect", "reason": "too_many_websockets"}',
    '{"type": "interactive", "envelope_id": "1", "payload": 7}',
    '{"type": "interactive", "envelope_id": "1", "payload": "block_actions"}',
    '{"type": "interactive", "envelope_id": ["1"], "payload": {}}',
    '{"type": "tomorrows", "envelope_id": "1", "payload": {"type": "tomorrows"}}',
    '{"type": "events_api", "envelope_id": "1", "payload": {"type": "url_verification", "challenge": 7}}',
    '{"type": "slash_commands", "envelope_id": "1", "payload": {"command": "/purecloud", "user_id": "\\ud800"}}',
    '{"type": "interactive", "envelope_id": "1", "payload": ' + '{"a":' * 100_000,
    "x" * 100_000,
]


@dataclass
class Clock:
    """Time that stands until a test moves it."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, _seconds: float) -> None:
        await asyncio.sleep(0.005)


@dataclass
class Rig:
    """The sockets under test, between the stand-in and a listener that does what it is told."""

    slack: SlackStandIn
    web: AsyncWebClient
    directory: Directory
    metrics: Metrics
    clock: Clock
    hold: Hold
    heard: list[dict[str, Any]] = field(default_factory=list)
    answer: BoltResponse = field(default_factory=lambda: BoltResponse(status=200))
    listening: asyncio.Event = field(default_factory=asyncio.Event)
    """Set: the listener answers at once; cleared: once it is set."""

    async def dispatch(self, body: dict[str, Any]) -> BoltResponse:
        self.heard.append(body)
        await self.listening.wait()
        return self.answer

    def sockets(self, token: str = "", ping: float = 5.0) -> SocketMode:
        admission = Admission(self.dispatch, self.directory, self.metrics)
        token = token or self.slack.sockets.app_token
        return SocketMode(token, self.web, admission, ping=ping, clock=self.clock, sleep=self.clock.sleep)

    async def connected(self) -> None:
        """Wait until as many connections stand as shall, and none besides."""
        await self.slack.sockets.until(lambda: len(self.slack.sockets.connections) == CONNECTIONS)


async def until(met: Callable[[], bool]) -> None:
    """Wait for something that rings no bell."""
    async with asyncio.timeout(30):
        while not met():  # noqa: ASYNC110 - that is how
            await asyncio.sleep(0.005)


async def becomes_up(sockets: SocketMode, *, up: bool = True) -> None:
    async with asyncio.timeout(30):
        while await sockets.is_up() is not up:  # noqa: ASYNC110 - it rings no bell
            await asyncio.sleep(0.005)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    hold = Hold()
    slack = SlackStandIn(
        members=cast.members(), groups=cast.groups(), channels=cast.channels(), sleep=hold, socket_mode=True
    )
    await slack.start()
    async with ClientSession() as session:
        web = AsyncWebClient(slack.bot_token, base_url=slack.api_url, session=session, retry_handlers=[])
        purecloud = PureCloud(session, region("mypurecloud.com"), "made-up", "made-up")
        directory = Directory(web, purecloud.users, purecloud.authorization, lambda *_: None, clock=lambda: 0.0)
        await directory.identify()
        rig = Rig(slack, web, directory, Metrics(), Clock(), hold)
        rig.listening.set()
        yield rig
    hold.over.set()
    await slack.stop()


@pytest.fixture
async def sockets(rig: Rig) -> AsyncIterator[SocketMode]:
    async with AsyncExitStack() as closing:
        started = rig.sockets()
        closing.push_async_callback(started.stop, 5)
        started.start()
        await rig.connected()
        await becomes_up(started)
        yield started


def acks(rig: Rig) -> dict[str, int]:
    """How many acknowledgements were timed, by kind and status."""
    return {
        " ".join(sample.labels.values()): int(sample.value)
        for family in rig.metrics.acks.collect()
        for sample in family.samples
        if sample.name.endswith("_count")
    }


@pytest.mark.usefixtures("sockets")
async def test_envelope__is_dispatched_acknowledged_and_timed(rig: Rig) -> None:
    delivery = await rig.slack.command(cast.OLIVIA, "whoami")

    assert (delivery.status, delivery.error, delivery.json) == (200, None, {})
    assert [body["text"] for body in rig.heard] == ["whoami"]
    assert acks(rig) == {"command 200": 1}


@pytest.mark.usefixtures("sockets")
@pytest.mark.parametrize(
    ("body", "shown"), [('{"response_type": "ephemeral", "text": "Hello"}', "Hello"), ("Good day", "Good day")]
)
async def test_envelope__an_answer_in_the_acknowledgement_is_shown(rig: Rig, body: str, shown: str) -> None:
    rig.answer = BoltResponse(status=200, body=body)

    await rig.slack.command(cast.OLIVIA, "whoami", cast.OPS)

    said = await rig.slack.wait_for_message(lambda message: message.text == shown)
    assert said.only_for == cast.OLIVIA


@pytest.mark.usefixtures("sockets")
async def test_envelope__that_was_not_done_is_not_acknowledged(rig: Rig) -> None:
    rig.answer, rig.slack.patience = BoltResponse(status=503), 0.2

    failed = await rig.slack.command(cast.OLIVIA, "whoami")
    foreign = await rig.slack.command(cast.OLIVIA, "whoami", api_app_id="A0SOMEBODY")

    assert [(one.status, one.error) for one in (failed, foreign)] == [(None, "dispatch_failed")] * 2
    assert len(rig.heard) == 1
    assert acks(rig) == {"command 503": 1, "command 401": 1}
    assert len([one for one in rig.slack.messages if "dispatch_failed" in one.text]) == 2


@pytest.mark.usefixtures("sockets")
async def test_envelope__that_comes_again_is_acknowledged_and_not_done_again(rig: Rig) -> None:
    for _ in range(2):
        delivery = await rig.slack.command(cast.OLIVIA, "whoami", trigger_id="1.2.same")
        assert delivery.status == 200

    assert len(rig.heard) == 1


async def test_envelope__before_slack_told_the_workspace_says_so(rig: Rig) -> None:
    rig.directory.known.clear()
    sockets = rig.sockets()
    sockets.start()
    await rig.connected()

    delivery = await rig.slack.command(cast.OLIVIA, "revoke @tom")
    await sockets.stop(5)

    assert "still starting" in delivery.json["text"]
    assert not rig.heard


@pytest.mark.parametrize("frame", RUBBISH, ids=range(len(RUBBISH)))
async def test_frame__that_makes_no_sense_ends_nothing(rig: Rig, sockets: SocketMode, frame: str) -> None:
    await rig.slack.sockets.say(frame)

    delivery = await rig.slack.command(cast.OLIVIA, "help")

    assert delivery.status == 200
    assert [body["text"] for body in rig.heard] == ["help"]
    assert await sockets.is_up()
    assert rig.slack.sockets.opened == CONNECTIONS


async def test_refresh__loses_no_command(rig: Rig, sockets: SocketMode) -> None:
    old = list(rig.slack.sockets.connections)
    for number in range(40):
        if number in (5, 6):
            await rig.slack.sockets.disconnect("warning", old[number - 5])
        if number in (20, 30):
            await rig.slack.sockets.until(lambda: rig.slack.sockets.opened == 2 * CONNECTIONS)
            await rig.slack.sockets.disconnect("refresh_requested", old[number // 10 - 2])
        delivery = await rig.slack.command(cast.OLIVIA, f"help {number}")
        assert delivery.status == 200

    assert [body["text"] for body in rig.heard] == [f"help {number}" for number in range(40)]
    assert len(rig.slack.sockets.connections) == CONNECTIONS
    assert await sockets.is_up()


async def test_refresh__opens_the_next_before_it_closes_the_last(rig: Rig, sockets: SocketMode) -> None:
    old = list(rig.slack.sockets.connections)

    await rig.slack.sockets.disconnect("warning")
    await rig.slack.sockets.until(lambda: len(rig.slack.sockets.connections) == 2 * CONNECTIONS)
    rig.clock.now += LINGER
    await rig.connected()

    assert not set(old) & set(rig.slack.sockets.connections)
    assert rig.slack.sockets.opened == 2 * CONNECTIONS
    assert await sockets.is_up()


@pytest.mark.parametrize("reason", ["link_disabled", "too_many_websockets"])
async def test_disconnect__for_another_reason_is_tried_again(rig: Rig, sockets: SocketMode, reason: str) -> None:
    await rig.slack.sockets.disconnect(reason)
    await rig.slack.sockets.until(lambda: rig.slack.sockets.opened == 2 * CONNECTIONS)
    await becomes_up(sockets)

    assert (await rig.slack.command(cast.OLIVIA, "help")).status == 200


async def test_network__that_is_cut_is_noticed_and_another_connection_opened(rig: Rig, sockets: SocketMode) -> None:
    rig.slack.sockets.redelivers = True
    rig.listening.clear()
    pending = asyncio.create_task(rig.slack.command(cast.OLIVIA, "whoami"))
    await until(lambda: bool(rig.heard))

    rig.slack.sockets.cut()
    await becomes_up(sockets, up=False)
    await rig.slack.sockets.until(lambda: rig.slack.sockets.opened >= 2 * CONNECTIONS)
    await becomes_up(sockets)
    rig.listening.set()
    await asyncio.gather(pending)

    assert len(rig.heard) == 1
    assert (await rig.slack.command(cast.OLIVIA, "help")).status == 200


async def test_network__that_falls_silent_is_noticed_by_pings(rig: Rig) -> None:
    sockets = rig.sockets(ping=0.2)
    sockets.start()
    await rig.connected()
    old = list(rig.slack.sockets.connections)

    rig.slack.sockets.freeze()
    await rig.slack.sockets.until(lambda: not set(old) & set(rig.slack.sockets.connections))
    await becomes_up(sockets)
    await sockets.stop(5)

    assert rig.slack.sockets.opened >= 2 * CONNECTIONS


async def test_ticket__that_is_used_up_is_forgotten(rig: Rig) -> None:
    rig.slack.sockets.refusing = CONNECTIONS
    sockets = rig.sockets(ping=0.02)
    sockets.start()
    await rig.slack.sockets.until(lambda: rig.slack.sockets.refused >= 3 * CONNECTIONS)
    assert not await sockets.is_up()
    assert (rig.slack.sockets.opened, len(rig.slack.calls_of("apps.connections.open"))) == (0, CONNECTIONS)

    rig.clock.now += FORGET
    await rig.slack.sockets.until(lambda: rig.slack.sockets.opened >= CONNECTIONS)
    await becomes_up(sockets)
    await sockets.stop(5)


async def test_connecting__that_hangs_is_begun_anew(rig: Rig) -> None:
    rig.slack.fault("apps.connections.open", Fault(delay=1, times=CONNECTIONS))
    sockets = rig.sockets()
    sockets.start()
    await rig.hold.begun.wait()
    assert not await sockets.is_up()

    async with asyncio.timeout(30):
        while rig.slack.sockets.opened < CONNECTIONS:
            rig.clock.now += REBUILD
            await asyncio.sleep(0.05)
    await sockets.stop(5)


async def test_connecting__goes_on_while_slack_refuses(rig: Rig) -> None:
    rig.slack.fault("apps.connections.open", Fault(html="<h1>Down</h1>", times=2))
    rig.slack.fault("apps.connections.open", Fault(retry_after=0, times=1))
    rig.slack.fault("apps.connections.open", Fault(drop=True, times=1))
    sockets = rig.sockets(ping=0.02)
    sockets.start()

    await rig.connected()
    await becomes_up(sockets)
    await sockets.stop(5)


@pytest.mark.parametrize(
    ("answer", "token", "code"),
    [
        pytest.param(None, "xapp-1-made-up", "invalid_auth", id="unknown"),
        pytest.param(None, "xoxb-made-up", "not_allowed_token_type", id="of a bot"),
        pytest.param(Fault(error="missing_scope"), "", "missing_scope", id="scopeless"),
        pytest.param(Fault(error="token_revoked"), "", "token_revoked", id="revoked"),
    ],
)
async def test_check__refuses_a_token_that_slack_does_not_accept(
    rig: Rig, answer: Fault | None, token: str, code: str
) -> None:
    if answer:
        rig.slack.fault("apps.connections.open", answer)

    with pytest.raises(SettingsError) as raised:
        await rig.sockets(token).check()

    assert raised.value.problems == [f"SLACK_APP_TOKEN: Slack does not accept it ({code})"]


@pytest.mark.parametrize(
    "fault", [Fault(drop=True), Fault(html="Down"), Fault(retry_after=9), Fault(error="internal_error")]
)
async def test_check__lets_a_slack_that_cannot_be_asked_be_tried_later(rig: Rig, fault: Fault) -> None:
    rig.slack.fault("apps.connections.open", fault)

    await rig.sockets().check()

    assert rig.slack.sockets.opened == 0


async def test_stop__answers_what_is_in_hand_takes_no_more_and_hangs_up(rig: Rig, sockets: SocketMode) -> None:
    rig.listening.clear()
    begun = asyncio.create_task(rig.slack.command(cast.OLIVIA, "whoami"))
    await until(lambda: bool(rig.heard))

    stopping = asyncio.create_task(sockets.stop(30))
    late = asyncio.create_task(rig.slack.command(cast.OLIVIA, "help"))
    await asyncio.sleep(0.05)
    rig.listening.set()
    await stopping

    assert (await begun).status == 200
    assert (await late).status is None
    assert [body["text"] for body in rig.heard] == ["whoami"]
    await rig.slack.sockets.until(lambda: not rig.slack.sockets.connections)


async def test_stop__waits_for_nothing_without_end(rig: Rig, sockets: SocketMode) -> None:
    rig.listening.clear()
    begun = asyncio.create_task(rig.slack.command(cast.OLIVIA, "whoami"))
    await until(lambda: bool(rig.heard))

    await sockets.stop(0)

    assert (await begun).status is None
    rig.listening.set()
