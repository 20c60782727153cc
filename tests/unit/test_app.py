"""What the log says while the bot starts."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.app import MAX_IDENTIFY_INTERVAL, identify, log_ready
from bot.domain.people import Workspace
from bot.errors import SlackUnavailable
from tests.support.clock import FakeClock


class UnreachableSlack:
    """A workspace that is found out after `failures`, which are Slack's codes."""

    def __init__(self, *failures: str) -> None:
        self.failures = list(failures)
        self.is_known = False

    async def identify(self) -> Workspace:
        if self.failures:
            raise SlackUnavailable("auth.test", self.failures.pop(0), retryable=True)
        self.is_known = True
        return Workspace("T0HOME0001", "Home", "U0BOT", None, "A0REVOKE01")


class SlowStart:
    """A bot that is ready after some looks."""

    def __init__(self, looks: int) -> None:
        self.looks = looks

    async def is_ready(self) -> bool:
        self.looks -= 1
        return self.looks <= 0


async def start(*failures: str) -> tuple[FakeClock, list[Any]]:
    clock, slack = FakeClock(), UnreachableSlack(*failures)
    with capture_logs() as logs:
        await identify(slack, sleep=clock.sleep, clock=clock)  # type: ignore[arg-type]
    return clock, logs


async def test_identify__backs_off_and_reports_an_unreachable_slack_once_a_minute() -> None:
    clock, logs = await start(*["connect_error"] * 20)

    assert clock.slept[:4] == [2.0, 4.0, 8.0, MAX_IDENTIFY_INTERVAL]
    assert max(clock.slept) == MAX_IDENTIFY_INTERVAL
    reports = [one for one in logs if one["event"] == "workspace.unknown"]
    assert len(reports) == 1 + int(clock.now // 70)
    assert {one["log_level"] for one in reports} == {"error"}
    assert logs[-1]["event"] == "workspace.known"


async def test_identify__reports_another_problem_at_once() -> None:
    _, logs = await start("connect_error", "connect_error", "invalid_auth", "invalid_auth")

    problems = [one["problem"] for one in logs if one["event"] == "workspace.unknown"]
    assert [problem.partition("slack_code=")[2] for problem in problems] == ["connect_error)", "invalid_auth)"]


@pytest.mark.parametrize("looks", [1, 4])
async def test_log_ready__logs_one_line_once_the_bot_is_ready(looks: int) -> None:
    clock = FakeClock()
    with capture_logs() as logs:
        await log_ready(SlowStart(looks), lambda: {"region": "mypurecloud.com"}, sleep=clock.sleep)  # type: ignore[arg-type]

    assert logs == [{"event": "app.ready", "log_level": "info", "region": "mypurecloud.com"}]
    assert clock.slept == [1.0, 2.0, 4.0][: looks - 1]
