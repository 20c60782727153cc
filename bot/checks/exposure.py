"""Check what others on the network or on the machine could read. Each finding is a warning."""

from __future__ import annotations

import re
import shlex
import stat
import sys
from pathlib import Path

from bot.bootstrap.unencrypted import unencrypted_connections
from bot.checks.result import CheckResult, undetermined
from bot.errors import SettingsError
from bot.settings import Settings

OTHERS_ACCESS = stat.S_IRGRP | stat.S_IWGRP | stat.S_IROTH | stat.S_IWOTH
"""The bits of a mode that let the group or others read or change a file."""

_LOCK = re.compile(r"\.\d+\.lock")
"""What follows the name of the database in the name of a lock file."""


def check_connections(settings: Settings) -> list[CheckResult]:
    """Return a warning for each connection to another machine that TLS does not protect."""
    try:
        found = unencrypted_connections(settings)
    except SettingsError:  # the check of the database reports it
        return []
    return [undetermined(f"{one.setting} encryption", one.problem, one.hint) for one in found]


def check_file_modes(settings: Settings) -> list[CheckResult]:
    """Return a warning if users other than the owner can read the SQLite file or one next to it.

    The bot creates its files for their owner alone, and leaves the mode of an existing file as it is.
    """
    path = settings.database_path
    if path is None or sys.platform == "win32":  # Windows has no modes
        return []
    names = [str(file) for file in _files(path) if _others_have_access(file)]
    if not names:
        return []
    message = f"users other than the owner can read or change {', '.join(names)}"
    return [undetermined("DATABASE_URL file modes", message, f"Run chmod go-rw {shlex.join(names)}")]


def _files(path: Path) -> list[Path]:
    """Return the SQLite file, its write-ahead log, its shared memory, and the locks of the processes."""
    try:
        target = path.resolve()
        locks = sorted(file for file in target.parent.iterdir() if _LOCK.fullmatch(file.name.removeprefix(target.name)))
    except OSError:  # the check of the database reports it
        return []
    return [target, *(target.with_name(f"{target.name}{suffix}") for suffix in ("-wal", "-shm")), *locks]


def _others_have_access(path: Path) -> bool:
    try:
        status = path.stat()
    except OSError:  # there is no such file
        return False
    return stat.S_ISREG(status.st_mode) and bool(status.st_mode & OTHERS_ACCESS)
