"""A database driver that records its commits, and fails where a test wants it to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.db.driver import Connection, Cursor, Dialect, Driver, Row


@dataclass
class RecordingDriver:
    """A driver around another one.

    `commits` has an entry for each commit, whether it was durable. `errors` has the errors that the next calls of a
    method of the connection raise, by its name; `connect` is one of them.
    """

    driver: Driver
    commits: list[bool] = field(default_factory=list)
    rollbacks: int = 0
    connects: int = 0
    verifications: int = 0
    statements: list[str] = field(default_factory=list)
    errors: dict[str, list[Exception]] = field(default_factory=dict)

    @property
    def error(self) -> type[Exception]:
        return self.driver.error

    def connect(self) -> Connection:
        self.connects += 1
        self.fail("connect")
        return RecordingConnection(self, self.driver.connect())

    def translate(self, error: Exception) -> Exception:
        return self.driver.translate(error)

    def fail(self, method: str) -> None:
        """Raise the next error of a method, if there is one."""
        waiting = self.errors.get(method)
        if waiting:
            raise waiting.pop(0)


class RecordingConnection:
    """A connection of a RecordingDriver."""

    def __init__(self, recorder: RecordingDriver, connection: Connection) -> None:
        self._recorder = recorder
        self._connection = connection
        self._durable = True

    @property
    def dialect(self) -> Dialect:
        return self._connection.dialect

    def begin(self, *, durable: bool, limited: bool) -> float | None:
        self._recorder.fail("begin")
        self._durable = durable
        return self._connection.begin(durable=durable, limited=limited)

    def now(self) -> float:
        return self._connection.now()

    def execute(self, statement: str, values: Mapping[str, Any]) -> Cursor:
        self._recorder.statements.append(statement)
        self._recorder.fail("execute")
        return self._connection.execute(statement, values)

    def fetch_each(self, statement: str, rows: Sequence[Mapping[str, Any]]) -> list[Row | None]:
        self._recorder.statements += [statement] * len(rows)
        self._recorder.fail("execute")
        return self._connection.fetch_each(statement, rows)

    def send(self, statement: str, values: Mapping[str, Any]) -> None:
        self._recorder.statements.append(statement)
        self._recorder.fail("execute")
        self._connection.send(statement, values)

    def commit(self) -> None:
        self._recorder.fail("commit")
        self._connection.commit()
        self._recorder.commits.append(self._durable)

    def rollback(self) -> None:
        self._recorder.rollbacks += 1
        self._recorder.fail("rollback")
        self._connection.rollback()

    def verify(self) -> None:
        self._recorder.verifications += 1
        self._connection.verify()

    def interrupt(self) -> None:
        self._connection.interrupt()

    def close(self) -> None:
        self._connection.close()
