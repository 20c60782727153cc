"""The verbs of `audit` on a SQLite file: output, filters and exit codes."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from bot.cli import main
from bot.db.job_queue import JobQueue
from bot.db.requests import RequestStore
from bot.db.sqlite import SqliteDriver
from tests.support.database import approve, create_request, open_database
from tests.support.examples import OLIVIA, RAVI, SEALS, TOM_IN_GENESYS

DAY = 86400
HEADER = ["number", "at", "event", "tag", "actor", "reference", "request_id", "target", "detail", "salt", "hash"]


@pytest.fixture
async def url(tmp_path: Path) -> str:
    """The URL of a file with two requests, made a day apart."""
    path = tmp_path / "bot.db"
    async with open_database(SqliteDriver(path)) as db:
        store = RequestStore(db.database, JobQueue(db.database, "one#1"), SEALS)
        await create_request(store, "first", reason="laptop\tstolen\n\x1b[31m")
        await approve(store, "first", OLIVIA)
        db.clock.advance(DAY)
        await create_request(store, "second", reason='=HYPERLINK("https://evil.example")', requester=OLIVIA)
    return f"sqlite:///{path}"


def run(url: str, capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    """Run a verb of `audit` and return what it prints."""
    assert main(["audit", *arguments], {"DATABASE_URL": url}) == code
    return capsys.readouterr().out


def test_list__prints_columns_separated_by_tabs(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [line.split("\t") for line in run(url, capsys, "list").splitlines()]
    assert [row[0] for row in rows] == ["1", "2", "3"]
    assert {len(row) for row in rows} == {7}
    assert rows[0][1:6] == ["2026-06-21 12:00:00", "request:requested", RAVI, TOM_IN_GENESYS.id, "FIRST"]
    assert "\x1b" not in rows[0][6]


@pytest.mark.parametrize(
    ("arguments", "numbers"),
    [
        (["--actor", OLIVIA], ["2", "3"]),
        (["--reference", "FIRST"], ["1", "2"]),
        (["--target", TOM_IN_GENESYS.id], ["1", "2", "3"]),
        (["--target", "me"], []),
        (["--limit", "2"], ["2", "3"]),
        (["--limit", "1", "--reference", "FIRST"], ["2"]),
        (["--since", "2026-06-22"], ["3"]),
        (["--since", "2026-06-22T12:00:01"], []),
        (["--since", "2026-06-21T13:00:00+02:00"], ["1", "2", "3"]),
        (["--actor", "' OR 1 = 1 --"], []),
    ],
)
def test_filters__select_rows(
    url: str, capsys: pytest.CaptureFixture[str], arguments: list[str], numbers: list[str]
) -> None:
    listed = run(url, capsys, "list", *arguments).splitlines()
    assert [line.split("\t")[0] for line in listed] == numbers
    exported = run(url, capsys, "export", *arguments).splitlines()
    assert [str(json.loads(line)["number"]) for line in exported] == numbers


def test_export__prints_every_column_as_json(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    first = json.loads(run(url, capsys, "export").splitlines()[0])
    assert list(first) == HEADER
    assert first["detail"]["reason"] == "laptop\tstolen\n\x1b[31m"
    assert (first["event"], first["tag"]) == ("request:requested", "request:asked")
    assert first["at"] == "2026-06-21T12:00:00+00:00"


def test_export__prints_csv_that_starts_no_formula(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    rows = list(csv.reader(io.StringIO(run(url, capsys, "export", "--format", "csv"))))
    assert rows[0] == HEADER
    assert json.loads(rows[3][8])["reason"].startswith("=HYPERLINK")
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)


def test_verify__prints_one_line_and_exits_1_for_a_problem(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "verify"], {"DATABASE_URL": url}) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("ok: 3 rows, head 3:")
    assert printed.out.count("\n") == 1
    assert "without a checkpoint" in printed.err
    head = printed.out.split()[-1]
    assert run(url, capsys, "verify", "--checkpoint", head) == f"ok: 3 rows, head {head}\n"
    wrong = run(url, capsys, "verify", "--checkpoint", head, "--checkpoint", "2:0123456789abcdef", code=1)
    assert wrong.startswith("checkpoint 2:0123456789abcdef is different: row 2 is now 2:")
    assert "missing" in run(url, capsys, "verify", "--checkpoint", "9:0123456789abcdef", code=1)


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["list", "--since", "yesterday"], "--since"),
        (["verify", "--checkpoint", "7"], "--checkpoint"),
        (["verify", "--key-file", "/no/such/file"], "--key-file"),
    ],
)
def test_invalid_argument__exits_2_and_is_named(
    url: str, capsys: pytest.CaptureFixture[str], arguments: list[str], names: str
) -> None:
    assert main(["audit", *arguments], {"DATABASE_URL": url}) == 2
    assert capsys.readouterr().err.startswith(names)


def test_missing_file__exits_2_and_is_not_created(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "none.db"
    assert main(["audit", "list"], {"DATABASE_URL": f"sqlite:///{path}"}) == 2
    assert capsys.readouterr().err == f"DATABASE_URL: there is no file {path}\n"
    assert not path.exists()


def test_foreign_file__exits_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "other.db"
    path.write_text("not a database, but long enough to be read as one" * 100)
    assert main(["audit", "verify"], {"DATABASE_URL": f"sqlite:///{path}"}) == 2
    assert capsys.readouterr().err.startswith("DATABASE_URL: ")
