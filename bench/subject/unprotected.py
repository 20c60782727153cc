"""The bot without what protects it from untrusted traffic, to measure what that costs.

It has no seals, no checks of the database's files and time, no limits of connections and people, and it neither cleans
texts nor checks rows that another version may have written. `python -m bench.subject.unprotected acks` stops after the
acknowledgement, as `bench.subject.acks` does.
"""

from __future__ import annotations

import runpy
import sys
from dataclasses import replace
from typing import Any

from aiohttp import web

from bot import visible_text


def _unchanged(text: str) -> str:
    return text


for name in ("visible_text", "visible_lines", "storable_text"):
    setattr(visible_text, name, _unchanged)  # before other modules import them

from bot.db import job_queue  # noqa: E402
from bot.db.clock import DatabaseClock  # noqa: E402
from bot.db.driver import Connection as DatabaseConnection  # noqa: E402
from bot.db.sqlite import SqliteDriver  # noqa: E402
from bot.domain.requests import Request, State  # noqa: E402
from bot.domain.seals import Seals  # noqa: E402
from bot.web import connections  # noqa: E402
from handlers.budgets import PersonBudgets  # noqa: E402


def _seal(_self: Seals, request: Request) -> Request:
    return replace(request, seal="")


def _add_approval(_self: Seals, request: Request, _approver: str, _at: float) -> Request:
    return request


def _authorizes(_self: Seals, request: Request, _now: float) -> bool:
    return request.state is State.APPROVED


def _time(self: DatabaseClock, _connection: DatabaseConnection, clock: float, at: float, *, write: bool) -> float:  # noqa: ARG001
    self.read_at = at
    return clock


REMOVED: dict[type, dict[str, Any]] = {
    Seals: {
        "seal": _seal,
        "is_intact": lambda *_: True,
        "add_approval": _add_approval,
        "without_forged_approvals": lambda _self, request: request,
        "authorizes": _authorizes,
        "seal_input": lambda _self, _kind, _id, _at, payload: dict(payload),
        "is_genuine_input": lambda *_: True,
    },
    SqliteDriver: {"_verification": lambda _self: lambda: None},
    DatabaseClock: {"read": _time},
    PersonBudgets: {"allows": lambda *_: True},
    connections.Connection: {
        "connection_made": web.RequestHandler.connection_made,
        "connection_lost": web.RequestHandler.connection_lost,
        "data_received": web.RequestHandler.data_received,
        "begin_request": lambda *_: None,
        "end_request": lambda *_: None,
    },
}


def remove_protection() -> None:
    """Replace the methods that protect the bot, and the check of rows."""
    for owner, methods in REMOVED.items():
        for name, method in methods.items():
            setattr(owner, name, method)
    job_queue.check_payload = lambda *_: None  # type: ignore[attr-defined]


if __name__ == "__main__":
    remove_protection()
    runpy.run_module(f"bench.subject.{sys.argv.pop(1)}", run_name="__main__")
