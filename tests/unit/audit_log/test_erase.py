"""`python -m bot erase` on a SQLite file: a dry run, the erasure, and what it refuses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.cli import main
from bot.db.executions import ExecutionStore
from bot.db.sqlite import SqliteDriver
from bot.domain.requests import Event
from tests.support.database import approve, create_request, open_database
from tests.support.examples import OLIVIA, TOM, TOM_IN_GENESYS


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A file with a finished request and an open one."""
    path = tmp_path / "bot.db"
    async with open_database(SqliteDriver(path)) as db:
        store = db.store()
        await create_request(store, "first", target_slack_id=TOM, reason="Tom left us")
        _, work = await approve(store, "first", OLIVIA)
        await ExecutionStore(store).finish(work, Event.SUCCEED, outcome={"status": 200}, notify=[])
        await create_request(store, "open", requester=OLIVIA)
    return path


def run(path: Path, *arguments: str, **environ: str) -> int:
    return main(["erase", *arguments], {"DATABASE_URL": f"sqlite:///{path}"} | environ)


def test_dry_run__counts_and_changes_nothing(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = path.read_bytes()
    assert run(path, "--person", TOM_IN_GENESYS.id) == 0
    printed = capsys.readouterr()
    assert printed.out == "would erase: audit rows 3, finished requests 1\n"
    assert "--confirm" in printed.err
    assert f"add --person for each: {TOM}" in printed.err
    assert "left out, repeat the command when they have ended: OPEN" in printed.err
    assert path.read_bytes() == before


def test_erasure__prints_pseudonym_and_checkpoint(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(path, "--person", OLIVIA, "--confirm") == 0
    printed = capsys.readouterr().out
    erased = re.fullmatch(
        r"erased: audit rows 1, finished requests 1\nthe person is now erased-[0-9a-f]{8}; audit (5:\w{16})\n",
        printed,
    )
    assert erased
    url = {"DATABASE_URL": f"sqlite:///{path}"}
    assert main(["audit", "verify", "--checkpoint", erased[1]], url) == 0
    assert capsys.readouterr().out == f"ok: 5 rows, head {erased[1]}\n"


def test_other_key__is_refused(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = path.read_bytes()
    assert run(path, "--person", OLIVIA, "--confirm", AUDIT_KEY="a key that is long enough") == 2
    assert capsys.readouterr().err.startswith("AUDIT_KEY: ")
    assert path.read_bytes() == before


@pytest.mark.parametrize("person", ["tom", "tom@example.com", "%", "' OR 1 = 1"])
def test_invalid_id__is_refused(path: Path, capsys: pytest.CaptureFixture[str], person: str) -> None:
    assert run(path, "--person", person, "--confirm") == 2
    assert capsys.readouterr().err.startswith("--person: ")


def test_missing_file__is_refused_and_not_created(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = tmp_path / "none.db"
    assert run(missing, "--person", OLIVIA, "--confirm") == 2
    assert not missing.exists()
    assert "there is no file" in capsys.readouterr().err
