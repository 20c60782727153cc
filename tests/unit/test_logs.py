"""Logs of the bot and of libraries show no secret, and every JSON line can be parsed."""

from __future__ import annotations

import io
import json
import logging
import re
from typing import Any

import pytest
import structlog

from bot import logs
from tests.support.clock import FakeClock

OPAQUE = "8Kq2mZ-opaque-genesys-secret"
SECRETS = [
    OPAQUE,
    "xoxb-1234567890-abcDEF",
    "https://hooks.slack.com/commands/T0HOME0001/1234/abcdef",
    "Bearer abcdefgh12345678",
]


pytestmark = pytest.mark.usefixtures("restore_logging")


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize("form", ["json", "human"])
@pytest.mark.parametrize("secret", SECRETS)
def test_logs__show_no_secret_from_any_source(form: str, secret: str) -> None:
    stream = io.StringIO()
    logs.configure("debug", form, OPAQUE, stream=stream)
    log = structlog.get_logger()

    log.info("logged", problem=f"before {secret} after", deep=[{"headers": {"x": secret}}], error=ValueError(secret))
    logging.getLogger("slack_sdk.web").warning("sent %s", secret)
    logging.getLogger("elsewhere").error("%(what)s", {"what": secret})
    for log_exception in (log.exception, logging.getLogger("aiohttp").exception):
        try:
            raise ValueError(secret)  # noqa: TRY301 - the traceback must show it
        except ValueError:
            log_exception("it failed")

    logged = stream.getvalue()
    assert secret not in logged
    assert secret.removeprefix("Bearer ") not in logged
    assert logged.count("it failed") == 2
    assert logged.count("ValueError") >= 2
    assert "[redacted]" in logged


@pytest.mark.parametrize("name", ["Authorization", "response_url", "access_token", "body"])
def test_logs__hide_the_value_of_a_field_with_a_secret_name(name: str) -> None:
    stream = io.StringIO()
    logs.configure("info", "json", stream=stream)

    structlog.get_logger().info("requested", **{name: "nothing-secret-about-its-shape"}, reference="7K3M9QX")

    (line,) = lines(stream)
    assert line[name] == "[redacted]"
    assert line["reference"] == "7K3M9QX"


def test_logs__write_json_lines_with_level_time_and_event() -> None:
    stream = io.StringIO()
    logs.configure("info", "json", stream=stream)

    structlog.get_logger("bot.services.requesting").info("requested", by="U0RAVI0001", names=["Zoë 🚨"], nothing=None)
    logging.getLogger("slack_bolt").warning("a %s says", "library")

    own, library = lines(stream)
    assert (own["event"], own["level"], own["by"], own["names"]) == (
        "requested",
        "info",
        "U0RAVI0001",
        ["Zoë 🚨"],
    )
    assert own["timestamp"].endswith("Z")
    assert (library["event"], library["level"], library["logger"]) == ("library.message", "warning", "slack_bolt")
    assert library["message"] == "a library says"


@pytest.mark.parametrize("form", ["json", "human"])
def test_logs__have_no_control_character_and_no_forged_line(form: str) -> None:
    stream = io.StringIO()
    logs.configure("info", form, stream=stream)
    name = "Tom\n2026-06-21 [info] click.applied\x1b[2J\u202e\u009b31m"
    log = structlog.get_logger()

    event = f"asked for {name}"
    log.info(event, problem=name, deep=[name], error=ValueError(name))
    logging.getLogger("aiohttp").warning("got %s", name)
    try:
        raise ValueError(name)  # noqa: TRY301 - the traceback must show it
    except ValueError:
        log.exception("it failed")

    logged = stream.getvalue()
    if form == "json":
        assert [line["event"][:5] for line in lines(stream)] == ["asked", "libra", "it fa"]
        assert lines(stream)[1]["message"].startswith("got Tom")
    escapes = ("\x1b[2J", "\u202e", "\u009b", "\\u001b", "\\u202e", "\\u009b")
    assert not any(one in logged for one in escapes)
    assert not any(line.startswith("2026-06-21") for line in logged.splitlines())


@pytest.mark.parametrize("library", logs.WARNINGS_ONLY)
def test_logs__limit_libraries_to_warnings_even_at_debug(library: str) -> None:
    stream = io.StringIO()
    logs.configure("debug", "json", stream=stream)

    logging.getLogger(library).debug("the whole body")
    logging.getLogger(f"{library}.inner").info("the whole body")

    assert stream.getvalue() == ""


def test_logs__drop_events_below_the_level() -> None:
    stream = io.StringIO()
    logs.configure("warning", "json", stream=stream)

    structlog.get_logger().info("small talk")
    structlog.get_logger().warning("keep this")

    assert [line["event"] for line in lines(stream)] == ["keep this"]


def test_logs__are_json_if_the_stream_is_no_terminal() -> None:
    stream = io.StringIO()
    logs.configure("info", "auto", stream=stream)

    structlog.get_logger().info("hello")

    assert lines(stream)[0]["event"] == "hello"


def test_logs__configured_twice_write_each_line_once() -> None:
    stream = io.StringIO()
    logs.configure("info", "json", stream=io.StringIO())
    logs.configure("info", "json", stream=stream)

    structlog.get_logger().info("once")

    assert len(lines(stream)) == 1


def test_logs__begin_with_time_level_and_event_and_keep_one_order_of_fields() -> None:
    stream = io.StringIO()
    logs.configure("info", "json", stream=stream)
    log = structlog.get_logger("bot.services.execution")

    log.info("request.executed", status=204, by="U0BEN", target="6f1c", kind="revoke", reference="7K3M9QX", attempts=1)
    log.info("request.executed", attempts=1, reference="7K3M9QX", kind="revoke", target="6f1c", by="U0BEN", status=204)
    try:
        raise ValueError("broken")  # noqa: TRY301 - the traceback must be last
    except ValueError:
        log.exception("job.failed", job="click")

    one, other, failed = [list(line) for line in lines(stream)]
    beginning = ["timestamp", "level", "event", "reference", "kind", "target", "by"]
    assert one == other == [*beginning, "attempts", "status", "logger"]
    assert failed == ["timestamp", "level", "event", "job", "logger", "exception"]


def test_logs__on_a_terminal_show_event_and_fields_in_order_and_the_words_of_libraries() -> None:
    stream = io.StringIO()
    logs.configure("info", "human", stream=stream)

    structlog.get_logger().info("request.executed", status=204, by="U0BEN", target="6f1c")
    logging.getLogger("aiohttp").warning("a library says")

    own, library = (re.sub(r"\x1b\[\d*m", "", line) for line in stream.getvalue().splitlines())
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[info +\] request.executed ", own)
    assert own.index("target=6f1c") < own.index("by=U0BEN") < own.index("status=204")
    assert "a library says" in library
    assert "library.message" not in library


def test_repeat_limit__allows_the_first_report_then_one_a_minute() -> None:
    clock = FakeClock()
    limit = logs.RepeatLimit(clock)
    allowed = []
    for _ in range(61):
        allowed.append(limit.allows("timeout"))
        clock.advance(2.0)

    assert allowed == [True, *[False] * 29, True, *[False] * 29, True]


def test_repeat_limit__allows_another_problem_and_a_problem_that_returns() -> None:
    limit = logs.RepeatLimit(FakeClock())

    assert [limit.allows("timeout"), limit.allows("connect_error"), limit.allows("connect_error")] == [
        True,
        True,
        False,
    ]
    limit.reset()
    assert limit.allows("connect_error")
