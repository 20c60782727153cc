"""Verify the audit log of a run, and change a row so that the chain breaks there."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bot.audit_log.verify import verify
from bot.domain.audit_chain import AuditChain, first_invalid
from bot.sandbox.personas import NADIA

if TYPE_CHECKING:
    from bot.db.requests import RequestStore

CHANGE = "UPDATE audit SET actor = :actor WHERE number = :number"


class Verification(NamedTuple):
    """What `audit verify` says, and the number of the first row that does not fit."""

    line: str
    broken: int | None = None


async def verify_audit_log(store: RequestStore, key: str | None) -> Verification:
    """Verify the log like the command `audit verify`."""
    chain = AuditChain(key)
    report = await verify(store.database, key=chain)
    place = first_invalid(await store.audit_events(), chain)
    return Verification(report.line, None if place is None else place + 1)


async def change_row(store: RequestStore, number: int) -> None:
    """Replace the actor of a row, as someone with access to the database could."""
    await store.database.write(lambda tx: tx.execute(CHANGE, actor=NADIA, number=number))
