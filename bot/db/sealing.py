"""Seal what versions of the bot stored that had no seals."""

from __future__ import annotations

import json
from contextlib import suppress

from bot.db import statements
from bot.db.payloads import parse_payload
from bot.db.transaction import Transaction
from bot.db.unreadable import UnreadableRow
from bot.domain.seals import Seals

SEALED_SINCE = "0003"
"""The revision of the schema that added seals."""

INPUT_SEALED_SINCE = "0008"
"""The revision of the schema since which clicks and commands are sealed."""

WAITING_INPUT = (
    "SELECT id, kind, request_id, created_at, payload FROM jobs WHERE done_at IS NULL AND kind IN ('click', 'command')"
)

SET_PAYLOAD = "UPDATE jobs SET payload = :payload WHERE id = :id"


def seal_older_rows(tx: Transaction, revision: str, seals: Seals) -> None:
    """Seal open requests, and waiting clicks and commands, that a schema before `revision` stored.

    Only the upgrade may do this, because a seal that is missing later was removed.
    """
    if revision < INPUT_SEALED_SINCE:
        _seal_waiting_input(tx, seals)
    if revision >= SEALED_SINCE:
        return
    for request in statements.open_requests(tx):
        sealed = seals.seal(request)
        for approver in request.approvals:
            sealed = seals.add_approval(sealed, approver, request.approved_at or tx.now)
        statements.set_seals(tx, sealed)


def _seal_waiting_input(tx: Transaction, seals: Seals) -> None:
    for row in tx.fetch(WAITING_INPUT):
        with suppress(UnreadableRow):
            payload = seals.seal_input(row.kind, row.request_id, row.created_at, parse_payload(row.id, row.payload))
            tx.send(SET_PAYLOAD, id=row.id, payload=json.dumps(payload))
