"""`python -m bot check` as people run it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.cli import main
from bot.sandbox.genesys.server import CLIENT
from tests.support.process import bot_process

pytestmark = pytest.mark.process


async def test_check__says_that_all_is_well_and_changes_nothing(tmp_path: Path) -> None:
    async with bot_process(tmp_path) as bot:
        ended = await (await bot.start("check")).wait()

        assert (ended.code, ended.stderr) == (0, "")
        assert ended.stdout.splitlines()[-1].endswith(" well, 0 wrong, 0 could not be told; nothing was changed.")
        assert not any(word in ended.stdout for word in (CLIENT.secret, bot.slack.bot_token))
        assert not bot.database.exists()
        assert bot.slack.messages == []
        assert {entry.method for entry in bot.genesys.requests} == {"GET", "POST"}


async def test_check__writes_json_and_exits_1_on_a_cross(tmp_path: Path) -> None:
    async with bot_process(tmp_path) as bot:
        ended = await (await bot.start("check", "--json", PURECLOUD_CLIENT_ID="other")).wait()

    findings = {one["check"]: one for one in json.loads(ended.stdout)}
    assert ended.code == 1
    assert "PURECLOUD_ENVIRONMENT" in findings["PURECLOUD_CLIENT_ID, PURECLOUD_SECRET"]["advice"]


@pytest.mark.usefixtures("restore_logging")
def test_check__of_nothing_set_names_every_setting_and_exits_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"], {}) == 2

    told = capsys.readouterr().out
    assert all(name in told for name in ("SLACK_BOT_TOKEN", "PURECLOUD_CLIENT_ID", "PURECLOUD_SECRET", "APPROVERS"))
