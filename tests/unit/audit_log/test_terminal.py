"""The table and the progress bar of `audit` on a terminal."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from io import StringIO

import pytest

from bot.audit_log import show, terminal
from bot.audit_log.terminal import print_table, progress_bar
from bot.db.audit_pages import LogRow
from bot.domain.audit import AuditEvent, EventType
from tests.support.clock import FakeClock
from tests.support.examples import NOON, RAVI, TOM_IN_GENESYS

STYLE = re.compile(r"\x1b\[[0-9;]*m")


class Terminal(StringIO):
    """A file that is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "160")


async def rows(count: int, reason: str = "laptop stolen") -> AsyncIterator[LogRow]:
    for number in range(1, count + 1):
        event = AuditEvent(
            NOON, EventType.REQUESTED, RAVI, "7K3M9QX", "request-id", TOM_IN_GENESYS.id, {"reason": reason}
        )
        yield LogRow(number, event, "hash")


async def table(count: int, reason: str = "laptop stolen") -> str:
    out = Terminal()
    await print_table(rows(count, reason), out, show.cells)
    return out.getvalue()


async def test_table__has_a_bold_heading_and_a_line_for_each_row() -> None:
    heading, *lines = (await table(3)).splitlines()
    assert heading.startswith("\x1b[1m")
    assert STYLE.sub("", heading).split() == list(terminal.COLUMNS)
    assert [line.split()[0] for line in lines] == ["1", "2", "3"]
    assert all(TOM_IN_GENESYS.id in line and "laptop stolen" in line for line in lines)


async def test_table__in_parts_has_one_heading_and_one_width(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = STYLE.sub("", await table(7))
    monkeypatch.setattr(terminal, "ROWS_AT_A_TIME", 2)
    assert STYLE.sub("", await table(7)) == whole
    assert whole.count("reference") == 1


async def test_table__without_rows_is_a_heading() -> None:
    assert STYLE.sub("", await table(0)).split() == list(terminal.COLUMNS)


@pytest.mark.parametrize(
    "reason", ["[bold red]x[/]", "[link=https://evil.example]x[/link]", "[/nothing]", ":skull:", "\\[b]"]
)
async def test_table__shows_markup_as_it_is_written(reason: str) -> None:
    lines = (await table(1, reason)).splitlines()[1:]
    details = "".join(line.split("7K3M9QX")[-1].strip() for line in lines)
    assert details == f"reason={json.dumps(reason)}"


async def test_table__has_no_control_character_of_a_row() -> None:
    printed = STYLE.sub("", await table(1, "a\x1b[2J\x9b31m\x07\r\n\u202eb"))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", printed)


@pytest.mark.parametrize("columns", [60, 80, 120, 149])
async def test_table__on_a_narrow_terminal_cuts_nothing(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    printed = "".join(STYLE.sub("", await table(1)).split())
    assert "…" not in printed
    assert all(printed.count(letter) >= TOM_IN_GENESYS.id.count(letter) for letter in set(TOM_IN_GENESYS.id))


def test_progress_bar__is_shown_after_a_second_and_removed() -> None:
    clock, err = FakeClock(), Terminal()
    with progress_bar("verified", 100, err, clock) as report:
        report(10)
        assert err.getvalue() == ""
        clock.advance(1.1)
        report(50)
        shown = STYLE.sub("", err.getvalue())
        assert "verified" in shown
        assert "50/100" in shown
    assert err.getvalue().endswith("\x1b[2K")


def test_progress_bar__is_not_shown_without_a_terminal() -> None:
    clock, err = FakeClock(), StringIO()
    with progress_bar("verified", 100, err, clock) as report:
        clock.advance(5)
        report(50)
    assert err.getvalue() == ""


def test_progress_bar__of_quick_work_is_not_shown() -> None:
    err = Terminal()
    with progress_bar("verified", 100, err, FakeClock()) as report:
        report(100)
    assert err.getvalue() == ""


LOADED = """
import sys
import bot.app, bot.audit_log.commands
print("rich.console" in sys.modules)
import bot.audit_log.terminal
print("rich.console" in sys.modules)
"""


def test_rich__is_loaded_for_a_terminal_only() -> None:
    """Structlog would load it as well, which makes the start of `serve` a third slower."""
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
