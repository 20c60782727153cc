"""Warnings about misspelt names, and the check of HOST and PORT."""

from __future__ import annotations

import socket

import pytest

from bot.checks.result import Status
from tests.support.checks_harness import ChecksHarness


@pytest.mark.parametrize("name", ["PROTECTD", "APROVERS", "SELF_APROVAL"])
async def test_check__warns_about_a_misspelt_name(harness: ChecksHarness, name: str) -> None:
    report = await harness.check({name: "U0RAVI0001", "PATH": "/bin", "ADMIN_EMAIL": "a@example.com"})

    assert report.undetermined == {name}
    assert "it is not a setting" in report.of(name).message
    assert report.exit_code == 0


async def test_check__warns_about_an_unusual_client_id(harness: ChecksHarness) -> None:
    report = await harness.check({"PURECLOUD_CLIENT_ID": "slack-bot"})

    assert "PURECLOUD_CLIENT_ID" in report.undetermined


async def test_check__opens_the_port_and_closes_it(harness: ChecksHarness) -> None:
    report = await harness.check()

    assert report.of("HOST, PORT").message == "port 0 on 127.0.0.1 can be opened"


async def test_check__accepts_a_port_on_which_the_bot_runs(harness: ChecksHarness) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        report = await harness.check({"PORT": str(port)})

    assert report.of("HOST, PORT").status is Status.OK
    assert f"port {port} is in use, as it is while the bot runs" in report.of("HOST, PORT").message


@pytest.mark.parametrize("host", ["x86_64-conda-linux-gnu", "203.0.113.7"])
async def test_check__fails_for_a_host_that_serve_refuses(harness: ChecksHarness, host: str) -> None:
    report = await harness.check({"HOST": host})

    assert report.failed == {"HOST"}
    assert report.exit_code == 2
