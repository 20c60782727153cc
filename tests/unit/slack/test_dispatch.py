"""What is turned away: each is counted, and the log tells of a flood without becoming one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from slack_bolt.response import BoltResponse
from structlog.testing import capture_logs

from bot.metrics import Metrics
from bot.slack.dispatch import QUIET, Dispatcher, InvalidSlackRequest
from tests.support.clock import FakeClock
from tests.support.components import Components, open_components


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        yield opened


async def forged() -> dict[str, Any]:
    raise InvalidSlackRequest("The signature is wrong.", 401)


async def never(_body: dict[str, Any]) -> BoltResponse:
    raise AssertionError("nothing of it may be dispatched")


async def test_rejected__the_log_tells_of_one_in_a_while_and_the_metric_counts_all(office: Components) -> None:
    metrics, clock = Metrics(), FakeClock()
    admission = Dispatcher(never, office.directory, metrics, clock=clock)
    with capture_logs() as said:
        first = [await admission.admit(forged()) for _ in range(20)]
        clock.now += QUIET
        later = await admission.admit(forged())

    assert {answer.status for answer in [*first, later]} == {401}
    assert [(line["event"], line["status"]) for line in said] == [("rejected", 401)] * 2
    told = {"kind": "rejected", "status": "401"}
    assert metrics.registry.get_sample_value("purecloud_bot_ack_seconds_count", told) == 21


COMMAND = {"command": "/purecloud", "text": "revoke @tom", "user_id": "U1", "trigger_id": "1.2.same"}


async def a_command() -> dict[str, Any]:
    return COMMAND


@pytest.mark.parametrize("failure", [BoltResponse(status=503), RuntimeError("nobody thought of it")])
async def test_command__that_was_not_done_is_done_when_it_comes_again_and_then_no_more(
    office: Components, failure: BoltResponse | Exception
) -> None:
    await office.directory.identify()
    answers: list[BoltResponse | Exception] = [failure, BoltResponse(status=200)]

    async def dispatch(_body: dict[str, Any]) -> BoltResponse:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    admission = Dispatcher(dispatch, office.directory, Metrics())

    assert [(await admission.admit(a_command())).status for _ in range(3)] == [503, 200, 200]
    assert answers == []
