"""What the bench reckons with: rounds, medians, ratios, goals, the table and its way into the documents."""

from __future__ import annotations

import asyncio
from xml.etree import ElementTree as ET

import pytest

from bench import results, table
from bench.chart import AFTER, picture
from bench.fakes import SIGNING_SECRET
from bench.load import Connection, WrongAnswerError, volley
from bench.sampling import Sample, Samples, interleave
from bench.slack_sends import EXAMPLE, Sends
from bench.table import Goal, Line
from bench.web import Asked, Reply, listen, reply
from bot.slack.dispatch import InvalidSlackRequest
from bot.slack.http import parse, verify


async def test_interleave__lets_everybody_take_turns_and_begin_in_turn() -> None:
    order: list[str] = []

    async def turn(name: str) -> Sample:
        order.append(name)
        return {"ms": len(order)}

    await interleave({name: lambda name=name: turn(name) for name in "abc"}, 3)  # type: ignore[misc]

    assert "".join(order) == "abcbcacab"


def test_ratio__is_the_median_of_the_rounds_not_the_ratio_of_the_medians() -> None:
    samples = Samples({"ours": [{"ms": 1}, {"ms": 2}, {"ms": 9}], "theirs": [{"ms": 2}, {"ms": 8}, {"ms": 9}]})

    assert samples.of("ours", "ms") == 2
    assert samples.ratio("ours", "theirs", "ms") == 0.5
    assert not samples.has("nobody")


@pytest.mark.parametrize(
    ("goal", "ours", "ratio", "met"),
    [
        (Goal(0.5), 10.0, 0.5, True),
        (Goal(0.5), 10.0, 0.51, False),
        (Goal(60, of="ours"), 60.0, 9.9, True),
        (Goal(150, of="ours", least=True), 149.0, 2.0, False),
        (Goal(0.5), "not here", None, None),
        (None, 1.0, 1.0, None),
    ],
)
def test_line__meets_its_goal_or_not(
    goal: Goal | None, ours: float | str, ratio: float | None, met: bool | None
) -> None:
    assert Line("it", "them", ours, 1.0, "ms", ratio, goal).met is met


def test_table__comes_back_from_what_is_kept() -> None:
    line = Line("a | b", "them", 0.12345, 1234.5, "ms", 0.0001, Goal(2, unit="ms"), (" (p99 3)", ""))

    assert table.line_of(line.as_json()) == line
    row = r"| a \| b | them | 0.123 ms (p99 3) | 1,234 ms | 0.000 | ≤ 2 ms | yes |"
    assert table.markdown([line]).splitlines()[-1] == row
    assert table.plain([line]).splitlines()[1].split("  ")[0] == "a | b"


def test_picture__has_a_bar_for_every_moment_in_the_order_of_time() -> None:
    lines = [Line("later", AFTER, 4.0), Line("first", AFTER, 1.0), Line("no moment", "them", 9.0)]

    drawn = ET.fromstring(picture(lines))  # noqa: S314 - drawn a line above

    texts = [one.text for one in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == ["1.0 ms: first", "4.0 ms: later"]


def test_docs__have_the_markers_the_table_is_written_between() -> None:
    document = results.DOCS.read_text()

    assert document.index(results.BEGIN) < document.index(results.END)


async def test_volley__takes_no_wrong_answer() -> None:
    server, url = await listen(lambda _: reply(200, {"ok": True}))
    async with server:
        with pytest.raises(WrongAnswerError, match="answered 200"):
            await volley(int(url.rpartition(":")[2]), [Sends(url).command("whoami")], 1)


async def test_web__answers_requests_that_come_in_pieces_and_together() -> None:
    heard: list[Asked] = []

    def answering(asked: Asked) -> Reply:
        heard.append(asked)
        return reply(200)

    server, url = await listen(answering)
    wire = b"POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"
    async with server:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        for piece in (wire[:10], wire[10:] + wire[:-1], wire[-1:]):
            writer.write(piece)
            await writer.drain()
        for _ in range(2):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        writer.close()

    assert [(one.method, one.path, one.body) for one in heard] == [("POST", "/a", b"abc")] * 2


async def test_connection__reads_an_answer_in_chunks() -> None:
    connection = Connection()
    transport = type("Transport", (), {"write": lambda _self, _data: None})()
    connection.connection_made(transport)
    asking = asyncio.ensure_future(connection.ask(b"x"))
    await asyncio.sleep(0)
    for piece in (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc", b"\r\n1\r\nd\r\n0\r\n\r\n"):
        connection.data_received(piece)

    assert await asking == (200, b"abcd")


def test_sends__are_what_the_bot_takes_for_slack_and_forged_ones_are_not() -> None:
    sends = Sends("http://127.0.0.1")
    first, second = (_parts(sends.click(EXAMPLE)) for _ in range(2))

    verify(SIGNING_SECRET.encode(), first[1], first[0], now=int(first[0]["X-Slack-Request-Timestamp"]))
    body, other = (parse(one[1], "application/x-www-form-urlencoded") for one in (first, second))
    assert body["actions"][0]["value"] == EXAMPLE.request_id
    assert body["trigger_id"] != other["trigger_id"]
    headers, raw = _parts(sends.forged().command("whoami"))
    with pytest.raises(InvalidSlackRequest, match="signature is wrong"):
        verify(SIGNING_SECRET.encode(), raw, headers, now=int(headers["X-Slack-Request-Timestamp"]))


def _parts(wire: bytes) -> tuple[dict[str, str], bytes]:
    head, _, body = wire.partition(b"\r\n\r\n")
    return dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:]), body
