"""Envelopes over Socket Mode: acknowledged only once processed; invalid frames; shutdown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from slack_bolt.response import BoltResponse

from bot.errors import SettingsError
from bot.sandbox import personas
from bot.sandbox.slack.faults import SlackFault
from bot.slack.socket_mode import CONNECTIONS, SocketMode
from tests.support.socket_harness import Rig, open_rig, open_sockets, until

INVALID_FRAMES = [
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
    '{"type": "slash_commands", "envelope_id": "1", "payload": {"command": "/purecloud", "user_id": "\\u0000"}}',
    '{"type": "interactive", "envelope_id": "1", "payload": ' + '{"a":' * 100_000,
    "x" * 100_000,
]


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with open_rig() as opened:
        yield opened


@pytest.fixture
async def sockets(rig: Rig) -> AsyncIterator[SocketMode]:
    async with open_sockets(rig) as started:
        yield started


def acks(rig: Rig) -> dict[str, int]:
    """Return the number of timed acknowledgements by payload type and status."""
    return {
        " ".join(sample.labels.values()): int(sample.value)
        for family in rig.metrics.acks.collect()
        for sample in family.samples
        if sample.name.endswith("_count")
    }


@pytest.mark.usefixtures("sockets")
async def test_envelope__is_dispatched_acknowledged_and_measured(rig: Rig) -> None:
    delivery = await rig.slack.command(personas.OLIVIA, "whoami")

    assert (delivery.status, delivery.error, delivery.json) == (200, None, {})
    assert [body["text"] for body in rig.received] == ["whoami"]
    assert acks(rig) == {"command 200": 1}


@pytest.mark.usefixtures("sockets")
@pytest.mark.parametrize(
    ("body", "shown"), [('{"response_type": "ephemeral", "text": "Hello"}', "Hello"), ("Good day", "Good day")]
)
async def test_envelope__the_response_in_its_acknowledgement_is_posted(rig: Rig, body: str, shown: str) -> None:
    rig.response = BoltResponse(status=200, body=body)

    await rig.slack.command(personas.OLIVIA, "whoami", personas.OPS)

    said = await rig.slack.wait_for_message(lambda message: message.text == shown)
    assert said.only_for == personas.OLIVIA


@pytest.mark.usefixtures("sockets")
async def test_envelope__that_failed_is_not_acknowledged(rig: Rig) -> None:
    rig.response, rig.slack.response_timeout = BoltResponse(status=503), 0.2

    failed = await rig.slack.command(personas.OLIVIA, "whoami")
    foreign = await rig.slack.command(personas.OLIVIA, "whoami", api_app_id="A0SOMEBODY")
    await until(lambda: len(acks(rig)) > 1)  # Slack has given up by then

    assert [(one.status, one.error) for one in (failed, foreign)] == [(None, "dispatch_failed")] * 2
    assert len(rig.received) == 1
    assert acks(rig) == {"command 503": 1, "command 401": 1}
    assert len([one for one in rig.slack.messages if "dispatch_failed" in one.text]) == 2


@pytest.mark.usefixtures("sockets")
async def test_envelope__a_duplicate_is_acknowledged_and_not_processed_again(rig: Rig) -> None:
    for _ in range(2):
        delivery = await rig.slack.command(personas.OLIVIA, "whoami", trigger_id="1.2.same")
        assert delivery.status == 200

    assert len(rig.received) == 1


async def test_envelope__before_the_workspace_is_known_gets_a_notice(rig: Rig) -> None:
    rig.workspace.is_known = False
    sockets = rig.sockets()
    sockets.start()
    await rig.connected()

    delivery = await rig.slack.command(personas.OLIVIA, "revoke @tom")
    await sockets.stop(5)

    assert "still starting" in delivery.json["text"]
    assert not rig.received


@pytest.mark.parametrize("frame", INVALID_FRAMES, ids=range(len(INVALID_FRAMES)))
async def test_frame__an_invalid_one_keeps_the_connection(rig: Rig, sockets: SocketMode, frame: str) -> None:
    await rig.slack.sockets.broadcast(frame)

    delivery = await rig.slack.command(personas.OLIVIA, "help")

    assert delivery.status == 200
    assert [body["text"] for body in rig.received] == ["help"]
    assert await sockets.is_up()
    assert rig.slack.sockets.opened == CONNECTIONS


@pytest.mark.parametrize(
    ("answer", "token", "code"),
    [
        pytest.param(None, "xapp-1-made-up", "invalid_auth", id="unknown"),
        pytest.param(None, "xoxb-made-up", "not_allowed_token_type", id="of a bot"),
        pytest.param(SlackFault(error="missing_scope"), "", "missing_scope", id="scopeless"),
        pytest.param(SlackFault(error="token_revoked"), "", "token_revoked", id="revoked"),
    ],
)
async def test_check__rejects_a_token_that_slack_rejects(
    rig: Rig, answer: SlackFault | None, token: str, code: str
) -> None:
    if answer:
        rig.slack.fault("apps.connections.open", answer)

    with pytest.raises(SettingsError) as raised:
        await rig.sockets(token).check()

    assert raised.value.problems == [f"SLACK_APP_TOKEN: Slack does not accept it ({code})"]


@pytest.mark.parametrize(
    "fault",
    [SlackFault(drop=True), SlackFault(html="Down"), SlackFault(retry_after=9), SlackFault(error="internal_error")],
)
async def test_check__passes_while_slack_is_unavailable(rig: Rig, fault: SlackFault) -> None:
    rig.slack.fault("apps.connections.open", fault)

    await rig.sockets().check()

    assert rig.slack.sockets.opened == 0


async def test_stop__finishes_pending_envelopes_accepts_no_more_and_disconnects(rig: Rig, sockets: SocketMode) -> None:
    rig.responding.clear()
    begun = asyncio.create_task(rig.slack.command(personas.OLIVIA, "whoami"))
    await until(lambda: bool(rig.received))

    stopping = asyncio.create_task(sockets.stop(3))
    late = asyncio.create_task(rig.slack.command(personas.OLIVIA, "help"))
    await asyncio.sleep(0.05)
    rig.responding.set()
    await stopping

    assert (await begun).status == 200
    assert (await late).status is None
    assert [body["text"] for body in rig.received] == ["whoami"]
    await rig.slack.sockets.wait_until(lambda: not rig.slack.sockets.connections)


async def test_stop__ends_at_its_timeout(rig: Rig, sockets: SocketMode) -> None:
    rig.responding.clear()
    begun = asyncio.create_task(rig.slack.command(personas.OLIVIA, "whoami"))
    await until(lambda: bool(rig.received))

    await sockets.stop(0)

    assert (await begun).status is None
    rig.responding.set()
