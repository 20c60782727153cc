"""Requests that prove nothing cost nothing: the bot checks headers before the body."""

from __future__ import annotations

import asyncio
import zlib
from urllib.parse import urlsplit

import pytest
from aiohttp import ClientSession

from bot.sandbox import personas
from bot.slack.http import BODY_TIMEOUT, MAX_BODY_SIZE
from tests.support.app_harness import AppHarness

BODY = b"command=%2Fpurecloud&text=whoami&user_id=U0OLIVIA01&team_id=T0HOME0001&trigger_id=1.2.limits"


async def send(
    app: AppHarness, headers: dict[str, str], body: bytes = b""
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Send a request to the endpoint; the body may be shorter than its length says."""
    address = urlsplit(app.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    lines = ["POST /slack/events HTTP/1.1", "Host: bot", *(f"{name}: {value}" for name, value in headers.items())]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    await writer.drain()
    return reader, writer


async def status_without_body(app: AppHarness, headers: dict[str, str]) -> int:
    """Return the status that answers the headers alone."""
    reader, writer = await send(app, headers)
    async with asyncio.timeout(BODY_TIMEOUT / 2):
        status = int((await reader.readline()).split()[1])
    writer.close()
    return status


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        pytest.param({"X-Slack-Signature": ""}, 401, id="no signature"),
        pytest.param({"X-Slack-Signature": "v0=" + "g" * 64}, 401, id="malformed signature"),
        pytest.param({"X-Slack-Request-Timestamp": "1"}, 401, id="stale timestamp"),
        pytest.param({"X-Slack-Request-Timestamp": "soon"}, 401, id="malformed timestamp"),
        pytest.param({"Content-Encoding": "gzip"}, 400, id="compressed"),
        pytest.param({"Content-Length": str(MAX_BODY_SIZE + 1)}, 413, id="too long"),
    ],
)
async def test_request__is_rejected_before_its_body_arrives(
    app: AppHarness, changed: dict[str, str], status: int
) -> None:
    headers = {"Content-Length": "1000", **app.slack.signed_headers(BODY), **changed}

    assert await status_without_body(app, headers) == status
    assert not app.genesys.requests


async def test_compressed_bodies__delay_no_click(app: AppHarness) -> None:
    card = await app.request_card(personas.OLIVIA, "revoke @tom")
    bomb = zlib.compress(b"\0" * 20_000_000)
    async with ClientSession() as session:
        for encoding in ("deflate", "gzip", "br"):
            headers = {"Content-Encoding": encoding}
            async with session.post(app.slack.events_url, data=bomb, headers=headers, compress=False) as answer:
                assert answer.status == 401

    await app.slack.click(personas.OLIVIA, card, "approve")

    await app.wait_for_message("Revoked: all sessions of Tom Target")


async def test_aborted_requests__are_neither_errors_nor_failures_to_acknowledge(
    app: AppHarness, capfd: pytest.CaptureFixture[str]
) -> None:
    headers = {"Content-Length": "1000", **app.slack.signed_headers(BODY)}
    for _ in range(20):
        _, writer = await send(app, headers, b"half")
        writer.transport.abort()

    await app.slack.command(personas.OLIVIA, "whoami")
    await app.wait_for_private_message(personas.OLIVIA, "The bot's token")
    metrics = app.server.services.metrics.render().decode()
    said = capfd.readouterr()

    assert 'status="503"' not in metrics
    assert 'kind="rejected",status="400"' in metrics
    assert "Traceback" not in said.out + said.err
    assert "[error" not in said.out + said.err
