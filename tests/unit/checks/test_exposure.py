"""`check` warns about connections without TLS and about files that other users can read."""

from __future__ import annotations

import pytest

from bot.checks.exposure import check_connections, check_file_modes
from bot.checks.result import CheckResult, Status, exit_code
from bot.settings import read_settings
from tests.support.checks_harness import ChecksHarness
from tests.support.examples import REQUIRED_SETTINGS
from tests.support.schema import put_database

FILE_MODES = "DATABASE_URL file modes"


def connections(**variables: str) -> list[CheckResult]:
    return check_connections(read_settings(REQUIRED_SETTINGS | variables))


def test_connections__without_tls_are_warnings_with_a_hint() -> None:
    results = connections(SLACK_API_URL="http://slack.example.com", DATABASE_URL="postgres://bot:very-secret@db/bot")

    assert [result.check for result in results] == ["SLACK_API_URL encryption", "DATABASE_URL encryption"]
    assert {result.status for result in results} == {Status.UNDETERMINED}
    assert all(result.hint for result in results)
    assert exit_code(results) == 0
    assert "very-secret" not in str(results)


def test_connections__with_tls_are_not_mentioned() -> None:
    assert connections(DATABASE_URL="postgres://bot@db/bot?sslmode=verify-full") == []


async def test_connections__are_in_the_report_of_check(harness: ChecksHarness) -> None:
    report = await harness.check({"DATABASE_URL": "postgres://bot:very-secret@db.invalid/bot"})

    assert report.of("DATABASE_URL encryption").status is Status.UNDETERMINED
    assert not [name for name in report.undetermined if name.startswith(("SLACK_API_URL", "PURECLOUD_"))]


async def test_address__that_libpq_cannot_read_is_reported_once(harness: ChecksHarness) -> None:
    report = await harness.check({"DATABASE_URL": "postgres://bot@db/bot?sslmoody=require"})

    assert [result.check for result in report.results if result.check.startswith("DATABASE_URL")] == ["DATABASE_URL"]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o620, 0o602])
@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", ".3000.lock"])
async def test_files__that_others_can_read_or_change_are_named_and_left_as_they_are(
    harness: ChecksHarness, mode: int, suffix: str
) -> None:
    path = harness.folder / "sandbox.db"
    put_database(path)
    path.chmod(0o600)
    readable = path.with_name(f"{path.name}{suffix}")
    readable.touch()
    readable.chmod(mode)

    report = await harness.check()

    assert report.undetermined == {FILE_MODES}
    assert report.of(FILE_MODES).message == f"users other than the owner can read or change {readable}"
    assert report.of(FILE_MODES).hint == f"Run chmod go-rw {readable}"
    assert report.exit_code == 0
    assert readable.stat().st_mode & 0o777 == mode


async def test_files__of_the_owner_alone_are_not_mentioned(harness: ChecksHarness) -> None:
    path = harness.folder / "sandbox.db"
    put_database(path)
    path.chmod(0o600)
    for name in ("other.db", "sandbox.db.backup", "notes.lock"):  # not the bot's
        (harness.folder / name).touch()
        (harness.folder / name).chmod(0o644)

    assert (await harness.check()).undetermined == set()


@pytest.mark.parametrize("path", ["no/such/folder/bot.db", "a" * 300])
def test_files__that_cannot_exist_are_not_mentioned(path: str) -> None:
    assert check_file_modes(read_settings(REQUIRED_SETTINGS | {"DATABASE_URL": f"sqlite:////{path}"})) == []


def test_files__of_postgresql_are_not_looked_for() -> None:
    assert check_file_modes(read_settings(REQUIRED_SETTINGS | {"DATABASE_URL": "postgres://bot@db/bot"})) == []
