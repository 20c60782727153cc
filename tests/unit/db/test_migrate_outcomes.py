"""Migration 0002: the sentences that version 0001 stored become codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bot.db.engine import Database
from bot.db.migrate import MIGRATIONS, migrate
from bot.db.migrations.outcome_codes import converted
from bot.db.sqlite import SqliteDriver
from bot.db.transaction import Transaction
from bot.domain.requests import State
from handlers.messages import Catalog
from handlers.messages.en import SENTENCES
from handlers.ui import outcomes
from tests.support.examples import request
from tests.support.render_text import plain

FACTS: dict[str, Any] = {"attempts": 2, "uncertain": True}
FORBIDDEN = FACTS | {
    "error": "GenesysForbidden", "status": 403, "code": "missing.permission", "message": "You need a permission.",
    "correlation_id": "c-1", "permissions": ["oauth:token:delete"],
}  # fmt: skip
CASES: list[tuple[State, dict[str, Any], dict[str, Any], str]] = [
    (State.APPROVED, {}, {}, ""),
    (State.REVOKED, FACTS | {"status": 200}, FACTS | {"status": 200, "code": "executed"}, "confirmed"),
    (
        State.REFUSED,
        FORBIDDEN,
        FACTS | {
            "status": 403, "code": "genesys_forbidden", "error_code": "missing.permission",
            "detail": "You need a permission.", "correlation_id": "c-1", "permissions": ["oauth:token:delete"],
        },
        "lacks the permission oauth:token:delete",
    ),
    (
        State.UNKNOWN,
        FACTS | {
            "error": "GenesysNoAnswer", "status": None, "code": None,
            "message": "Genesys Cloud was asked and did not answer; whether it acted is not known.",
        },
        FACTS | {"status": None, "code": "genesys_no_response", "error_code": None, "detail": None},
        "Genesys Cloud did not answer in time.",
    ),
    (
        State.UNKNOWN,
        FACTS | {"message": "more than 10 minutes have passed since the approval"},
        FACTS | {"code": "too_late"},
        "More than 10 minutes have passed",
    ),
    (
        State.FAILED,
        FACTS | {
            "error": "GenesysLoginFailed", "cause": "no_answer", "code": None,
            "message": "The Genesys Cloud login host gave no token, so nothing was asked of Genesys Cloud.",
        },
        FACTS | {"cause": "no_response", "code": "genesys_login_failed", "error_code": None, "detail": None},
        "Genesys Cloud's login did not answer in time.",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("state", "before", "after", "words"), CASES)
def test_converted__outcome_is_shown_as_before(
    state: State, before: dict[str, Any], after: dict[str, Any], words: str
) -> None:
    assert converted(before) == after
    paragraphs = outcomes.outcome(Catalog(SENTENCES), request(state=state, outcome=after))
    assert words in "".join(map(plain, paragraphs))


async def test_upgrade__converts_stored_outcomes_and_events(tmp_path: Path) -> None:
    database = Database(SqliteDriver(tmp_path / "bot.db"))
    await migrate(database, MIGRATIONS[:1])

    def insert_old_rows(tx: Transaction) -> None:
        for name, outcome in (("old", json.dumps(FORBIDDEN)), ("pending", "{}")):
            tx.execute(
                "INSERT INTO requests (id, reference, ask_key, kind, state, requester, asked_in, reason, needed,"
                " approvals, created_at, expires_at, outcome, revision) "
                "VALUES (:id, :id, :id, 'revoke', 'refused', 'U1', 'C1', '', 1, '[]', 0, 1, :outcome, 3)",
                id=name,
                outcome=outcome,
            )
        tx.execute("INSERT INTO items (request_id, place, event) VALUES ('old', 0, 'lose'), ('pending', 0, NULL)")

    await database.write(insert_old_rows)
    assert await migrate(database) is True

    def stored(tx: Transaction) -> tuple[list[str], list[Any]]:
        outcomes = [row.outcome for row in tx.fetch("SELECT outcome FROM requests ORDER BY id")]
        return outcomes, [row.event for row in tx.fetch("SELECT event FROM items ORDER BY request_id")]

    (old, pending), events = await database.read(stored)
    await database.close()
    assert json.loads(old)["code"] == "genesys_forbidden"
    assert (pending, events) == ("{}", ["lose_track", None])
