"""`python -m bot check` as a process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.checks.genesys import CLIENT as CLIENT_CHECK
from bot.cli import main
from bot.sandbox.genesys.server import CLIENT
from tests.support.checks_harness import ADMINS, APPROVERS
from tests.support.process import bot_process

pytestmark = pytest.mark.process


async def test_check__passes_and_changes_nothing(tmp_path: Path) -> None:
    async with bot_process(tmp_path) as bot:
        ended = await (await bot.start("check", APPROVERS=APPROVERS, ADMINS=ADMINS)).wait()

        assert (ended.code, ended.stderr) == (0, "")
        assert ended.stdout.splitlines()[-1].endswith(" passed, 0 failed, 0 undetermined. Nothing was changed.")
        assert not any(secret in ended.stdout for secret in (CLIENT.secret, bot.slack.bot_token))
        assert not bot.database.exists()
        assert bot.slack.messages == []
        assert {request.method for request in bot.genesys.requests} == {"GET", "POST"}


async def test_check__with_a_failure_writes_json_and_exits_1(tmp_path: Path) -> None:
    async with bot_process(tmp_path) as bot:
        ended = await (await bot.start("check", "--json", PURECLOUD_CLIENT_ID="other")).wait()

    results = {result["check"]: result for result in json.loads(ended.stdout)}
    assert ended.code == 1
    assert "PURECLOUD_ENVIRONMENT" in results[CLIENT_CHECK]["advice"]


@pytest.mark.usefixtures("restore_logging")
def test_check__without_settings_names_each_of_them_and_exits_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"], {}) == 2

    printed = capsys.readouterr().out
    assert all(name in printed for name in ("SLACK_BOT_TOKEN", "PURECLOUD_CLIENT_ID", "PURECLOUD_SECRET", "APPROVERS"))
