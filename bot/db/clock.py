"""The time of a database, which never goes back, and the clock that nothing sets."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import structlog

from bot.db.driver import Connection

MAX_LAG = 60.0
"""Seconds that the clock may be behind the database's time. Beyond it, the bot approves nothing and sends no DELETE,
because the age of an approval is uncertain."""

CATCH_UP_RATE = 0.99
"""Speed of the database's time while the clock is behind it, so that small corrections of the clock do not add up."""

STORE_INTERVAL = 1.0
"""Seconds between two times that a process stores, so that the other transactions cost nothing."""

CONTINUED_FOR = 0.5
"""Seconds for which reads continue the last time by `boottime`, because a server needs a round trip to say its own."""

STORED = "SELECT value FROM metadata WHERE name = 'clock'"

STORE = """
INSERT INTO metadata (name, value) VALUES ('clock', :value) ON CONFLICT (name) DO UPDATE SET value = excluded.value
"""

log = structlog.get_logger()


def boottime() -> float:
    """Return seconds on a clock that nothing sets, and that also counts while the machine is suspended."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class DatabaseClock:
    """The time of a database, as one process reads it.

    The time is the clock's, but never behind a time that was read before or that any process has stored. While the
    clock is behind, the time continues by `boottime`.
    """

    def __init__(self, boottime: Callable[[], float] = boottime) -> None:
        self.boottime = boottime
        self.lag = 0.0
        """Seconds that the clock was behind the time when it was read last."""
        self.read_at = boottime()
        """The `boottime` before the last reading, which may have waited for the lock of the database."""
        self._read_until = self.read_at
        """The `boottime` after the last reading."""
        self._time = 0.0
        self._synchronized = self._stored = -math.inf
        self._warned = False

    @property
    def is_behind(self) -> bool:
        """Whether the clock is too far behind to approve anything or to send a DELETE."""
        return self.lag > MAX_LAG

    def read(self, connection: Connection, clock: float, at: float, *, write: bool) -> float:
        """Return the time in epoch seconds; `clock` was read at `at` or later, in seconds of `boottime`.

        Once in `STORE_INTERVAL`, the stored time is read, and a transaction that writes stores this one.
        """
        time = self._advance(clock, at, 0.0)
        if time - (self._stored if write else self._synchronized) >= STORE_INTERVAL and _has_metadata(connection):
            time = self._advance(clock, at, _stored(connection))
            self._synchronized = time
            if write:
                connection.send(STORE, {"value": repr(time)})
                self._stored = time
        if self.is_behind is not self._warned:
            self._warn()
        return time

    def continued(self, at: float) -> float | None:
        """Return the time at a `boottime` shortly after the last reading, None if that was too long ago.

        It is never ahead of the next reading, because that continues the time at the same rate at least.
        """
        passed = max(0.0, at - self._read_until)
        known = self._synchronized > 0 and passed < CONTINUED_FOR
        return self._time + passed * CATCH_UP_RATE if known else None

    def forget(self) -> None:
        """Read and store the time again in the next transaction, because this one or its connection is lost."""
        self._synchronized = self._stored = -math.inf

    def _advance(self, clock: float, at: float, stored: float) -> float:
        passed = max(0.0, at - self._read_until) * CATCH_UP_RATE
        self._time = max(clock, stored, self._time + passed)
        self.read_at = max(at, self.read_at)
        self._read_until = max(self.boottime(), self._read_until)
        self.lag = self._time - clock
        return self._time

    def _warn(self) -> None:
        """Log that the clock is too far behind, or that it is not any more."""
        if self.is_behind:
            log.error("clock.behind", seconds=round(self.lag))
        else:
            log.warning("clock.corrected")
        self._warned = self.is_behind


def _has_metadata(connection: Connection) -> bool:
    found = connection.execute(connection.dialect.table_exists, {"name": "metadata"}).fetchone()
    return found is not None and found[0] is not None


def _stored(connection: Connection) -> float:
    """Return the stored time, 0 if there is none."""
    row = connection.execute(STORED, {}).fetchone()
    try:
        stored = float(row.value) if row else 0.0
    except ValueError:
        return 0.0
    return stored if math.isfinite(stored) else 0.0
