"""Nothing that is logged, by this code or by a library, shows a secret; and every JSON line can be read back."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest
import structlog

from bot import logs

OPAQUE = "8Kq2mZ-opaque-genesys-secret"
SECRETS = [
    OPAQUE,
    "xoxb-1234567890-abcDEF",
    "https://hooks.slack.com/commands/T0HOME0001/1234/abcdef",
    "Bearer abcdefgh12345678",
]


pytestmark = pytest.mark.usefixtures("logging_as_it_was")


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize("form", ["json", "human"])
@pytest.mark.parametrize("secret", SECRETS)
def test_logs__no_secret_is_shown_however_it_gets_in(form: str, secret: str) -> None:
    stream = io.StringIO()
    logs.configure("debug", form, OPAQUE, stream=stream)
    log = structlog.get_logger()

    log.info("said", problem=f"before {secret} after", deep=[{"headers": {"x": secret}}], error=ValueError(secret))
    logging.getLogger("slack_sdk.web").warning("sent %s", secret)
    logging.getLogger("elsewhere").error("%(what)s", {"what": secret})
    for speak in (log.exception, logging.getLogger("aiohttp").exception):
        try:
            raise ValueError(secret)  # noqa: TRY301 - the traceback must show it
        except ValueError:
            speak("it failed")

    said = stream.getvalue()
    assert secret not in said
    assert secret.removeprefix("Bearer ") not in said
    assert said.count("it failed") == 2
    assert said.count("ValueError") >= 2
    assert "[redacted]" in said


@pytest.mark.parametrize("name", ["Authorization", "response_url", "access_token", "body"])
def test_logs__what_stands_under_a_telling_name_is_hidden(name: str) -> None:
    stream = io.StringIO()
    logs.configure("info", "json", stream=stream)

    structlog.get_logger().info("asked", **{name: "nothing-secret-about-its-shape"}, reference="7K3M9QX")

    (line,) = lines(stream)
    assert line[name] == "[redacted]"
    assert line["reference"] == "7K3M9QX"


def test_logs__every_line_is_json_with_its_level_its_time_and_its_words() -> None:
    stream = io.StringIO()
    logs.configure("info", "json", stream=stream)

    structlog.get_logger("bot.services.requesting").info(
        "asked\nin two lines", by="U0RAVI0001", names=["Zoë 🚨"], nothing=None
    )
    logging.getLogger("slack_bolt").warning("a %s says", "library")

    ours, theirs = lines(stream)
    assert (ours["event"], ours["level"], ours["by"], ours["names"]) == (
        "asked\nin two lines",
        "info",
        "U0RAVI0001",
        ["Zoë 🚨"],
    )
    assert ours["timestamp"].endswith("Z")
    assert (theirs["event"], theirs["level"], theirs["logger"]) == ("a library says", "warning", "slack_bolt")


@pytest.mark.parametrize("library", logs._QUIET)
def test_logs__libraries_are_asked_for_their_warnings_only_even_at_debug(library: str) -> None:
    stream = io.StringIO()
    logs.configure("debug", "json", stream=stream)

    logging.getLogger(library).debug("the whole body")
    logging.getLogger(f"{library}.inner").info("the whole body")

    assert stream.getvalue() == ""


def test_logs__nothing_below_the_level_is_said() -> None:
    stream = io.StringIO()
    logs.configure("warning", "json", stream=stream)

    structlog.get_logger().info("small talk")
    structlog.get_logger().warning("heed this")

    assert [line["event"] for line in lines(stream)] == ["heed this"]


def test_logs__are_json_where_no_person_reads_them() -> None:
    stream = io.StringIO()
    logs.configure("info", "auto", stream=stream)

    structlog.get_logger().info("hello")

    assert lines(stream)[0]["event"] == "hello"


def test_logs__configuring_twice_does_not_say_everything_twice() -> None:
    stream = io.StringIO()
    logs.configure("info", "json", stream=io.StringIO())
    logs.configure("info", "json", stream=stream)

    structlog.get_logger().info("once")

    assert len(lines(stream)) == 1
