"""Run `audit list`, `audit export` and `audit verify`."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from argparse import Namespace
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from bot.audit_log import show
from bot.audit_log.progress import ReportProgress, counted, no_progress
from bot.audit_log.verify import Report, verify
from bot.db.audit_pages import LogFilter, LogRow, count_rows, count_work, read_log
from bot.db.connect import existing_database, unusable_database
from bot.db.engine import Database
from bot.db.migrate import HEAD, revision
from bot.domain.audit_chain import AuditChain, Checkpoint, parse_checkpoint
from bot.errors import SettingsError
from bot.settings import DatabaseSettings, read_database_settings
from bot.visible_text import visible_text

_AGE = re.compile(r"(\d{1,6})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def run_list(options: Namespace, environ: Mapping[str, str]) -> int:
    """Print the rows that match: as a table on a terminal, else separated by tabs."""
    return _print(options, environ, _print_table if sys.stdout.isatty() else show.print_tabs)


async def _print_table(rows: AsyncIterator[LogRow], out: TextIO) -> None:
    from bot.audit_log.terminal import print_table  # noqa: PLC0415 - rich loads slowly, and only a terminal needs it

    await print_table(rows, out, show.cells)


def run_export(options: Namespace, environ: Mapping[str, str]) -> int:
    """Print every column of the rows that match."""
    return _print(options, environ, show.EXPORTS[options.format])


def run_verify(options: Namespace, environ: Mapping[str, str]) -> int:
    """Verify the log and print the result; return 1 if something does not fit."""
    settings = read_database_settings(environ)
    checkpoints = [_checkpoint(text) for text in options.checkpoint]
    keys = [AuditChain(_read_key(path)) for path in options.key_file]
    report = asyncio.run(_verify(settings, keys, checkpoints))
    print(visible_text(report.line))  # noqa: T201 - the result
    for note in report.notes:
        print(note, file=sys.stderr)  # noqa: T201
    return 1 if report.problem else 0


def _print(options: Namespace, environ: Mapping[str, str], printer: show.Printer) -> int:
    settings, wanted = read_database_settings(environ), _filter(options)

    async def run() -> None:
        async with opened(existing_database(settings)) as database:
            shown = sys.stderr.isatty() and not sys.stdout.isatty()
            with await _progress("read", lambda: count_rows(database, wanted, options.limit), shown=shown) as report:
                await printer(counted(read_log(database, wanted, options.limit), report), sys.stdout)

    try:
        asyncio.run(run())
        sys.stdout.flush()
    except BrokenPipeError:  # a program such as `head` has read enough
        sys.stdout = None  # otherwise Python reports it once more at exit
    return 0


async def _verify(settings: DatabaseSettings, keys: list[AuditChain], checkpoints: list[Checkpoint]) -> Report:
    key = AuditChain(settings.audit_key.get_secret_value() if settings.audit_key else None)
    async with opened(existing_database(settings)) as database:
        with await _progress("verified", lambda: count_work(database), shown=sys.stderr.isatty()) as report:
            return await verify(database, key=key, earlier_keys=keys, checkpoints=checkpoints, progress=report)


async def _progress(
    label: str, count: Callable[[], Awaitable[int]], *, shown: bool
) -> AbstractContextManager[ReportProgress]:
    """Return a progress bar on standard error; only one that is shown counts the rows before it begins."""
    if not shown:
        return nullcontext(no_progress)
    from bot.audit_log.terminal import progress_bar  # noqa: PLC0415 - rich loads slowly, and only a terminal needs it

    return progress_bar(label, await count(), sys.stderr)


@asynccontextmanager
async def opened(database: Database) -> AsyncIterator[Database]:
    """Yield a database and close it. Raises SettingsError for one that this version did not prepare."""
    try:
        found = await database.read(revision)
        if found != HEAD:
            raise SettingsError([f"DATABASE_URL: its schema is {found or 'missing'}, not {HEAD}; start the bot once"])
        yield database
    except database.driver.error as error:
        raise unusable_database(database.driver, error) from error
    finally:
        await database.close()


def _filter(options: Namespace) -> LogFilter:
    return LogFilter(_since(options.since), options.actor, options.target, options.reference)


def _since(text: str | None, clock: Callable[[], float] = time.time) -> float | None:
    """Return the epoch seconds of an age such as 7d, or of a date. Raises SettingsError."""
    if text is None:
        return None
    age = _AGE.fullmatch(text.strip().lower())
    if age:
        return clock() - int(age[1]) * _SECONDS[age[2]]
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        message = f"--since: {text!r} is neither an age such as 90m, 12h or 7d nor a date such as 2026-11-01"
        raise SettingsError([message]) from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _checkpoint(text: str) -> Checkpoint:
    try:
        return parse_checkpoint(text)
    except ValueError as error:
        raise SettingsError([f"--checkpoint: {error}"]) from None


def _read_key(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"--key-file: {path} cannot be read ({error})"]) from None
