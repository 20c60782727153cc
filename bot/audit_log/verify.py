"""Verify the audit log: its chain, the checkpoints at hand, and the requests that it speaks of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field

from bot.audit_log.progress import ReportProgress, counted, no_progress
from bot.db.audit_pages import LogFilter, LoggedRequest, LogRow, read_log, read_request, read_requests
from bot.db.engine import Database
from bot.domain.audit_chain import AuditChain, ChainVerifier, Checkpoint, Defect, checkpoint_of, scheme_of
from bot.domain.audit_check import Contradiction, contradiction

REREADS = 3
"""Reads of a request that must agree before it counts as contradictory."""

DEFECTS = {
    Defect.CHANGED: "does not fit: it or the row before it was changed, moved, inserted or deleted",
    Defect.NUMBER: "has another number than its place in the log: rows are missing or were inserted",
    Defect.UNKNOWN_KEY: "was written with the key {scheme}, which is not at hand; pass it with --key-file",
    Defect.NOT_ERASED: "looks as if personal data was erased from it, and no row about an erasure lists it as it is",
    Defect.UNPROTECTED: "has a weaker protection than the rows before it: it was not written with AUDIT_KEY",
}

CONTRADICTIONS = {
    Contradiction.UNKNOWN_REQUEST: "the log speaks of it, and the database does not have it",
    Contradiction.NOT_REQUESTED: "the log does not say who made it",
    Contradiction.APPROVAL_WITHOUT_CLICKS: "it is approved without the clicks of the approvers that it required",
    Contradiction.EXECUTION_WITHOUT_APPROVAL: "it was executed without an approval before",
    Contradiction.STATE: "its state is another one than the log says",
}

NO_ROWS = "no rows: there is nothing to verify"
NO_CHECKPOINT = (
    "note: without a checkpoint a log that was cut off at the end, or rewritten as a whole, looks valid; pass one with "
    "--checkpoint, from a message in AUDIT_CHANNEL"
)
KEY_UNUSED = "the last row is not protected by AUDIT_KEY: it was written without this key"


@dataclass
class Report:
    """What a verification found; it failed if there is a `problem`."""

    problem: str | None = None
    notes: list[str] = field(default_factory=list)
    head: Checkpoint | None = None

    @property
    def line(self) -> str:
        """The result in one line."""
        return self.problem or f"ok: {self.head.number if self.head else 0} rows, head {self.head}"


async def verify(
    database: Database,
    *,
    key: AuditChain,
    earlier_keys: Iterable[AuditChain] = (),
    checkpoints: Sequence[Checkpoint] = (),
    progress: ReportProgress = no_progress,
) -> Report:
    """Read the whole log and every request; stop at the first problem."""
    chain = ChainVerifier([key, *earlier_keys])
    problem = await verify_rows(read_log(database, LogFilter()), chain, key, checkpoints, progress)
    if problem:
        return Report(problem)
    problem = await _contradiction(database, lambda requests: progress(chain.number + requests))
    return Report(problem, _notes(chain, checkpoints), checkpoint_of(chain.number, chain.head))


async def verify_rows(
    rows: AsyncIterator[LogRow],
    chain: ChainVerifier,
    key: AuditChain,
    checkpoints: Sequence[Checkpoint],
    progress: ReportProgress = no_progress,
) -> str | None:
    """Return the first problem of the rows of a log, None if they fit each other and the checkpoints."""
    wanted: defaultdict[int, set[Checkpoint]] = defaultdict(set)
    for one in checkpoints:
        wanted[one.number].add(one)
    async for row in counted(rows, progress):
        defect = chain.add(row.event, row.hash, row.number)
        if defect:
            return f"row {chain.number} {DEFECTS[defect].format(scheme=scheme_of(row.hash))}"
        different = wanted.pop(chain.number, set()) - {chain.checkpoint}
        if different:
            return f"checkpoint {min(different)} is different: row {chain.number} is now {chain.checkpoint}"
    if wanted:
        missing = min(wanted[min(wanted)])
        return f"checkpoint {missing} is missing: the log ends at row {chain.number}"
    return _problem_at_end(chain, key)


def _problem_at_end(chain: ChainVerifier, key: AuditChain) -> str | None:
    if not chain.number:
        return NO_ROWS
    unlisted = chain.first_unlisted()
    if unlisted:
        return f"row {unlisted} {DEFECTS[Defect.NOT_ERASED]}"
    return KEY_UNUSED if key.is_keyed and scheme_of(chain.head) != key.scheme else None


async def _contradiction(database: Database, progress: ReportProgress) -> str | None:
    async for request in counted(read_requests(database), progress):
        if _contradicts(request):
            found = await _lasting_contradiction(database, request.id)
            if found:
                return f"request {request.reference or request.id} does not fit: {CONTRADICTIONS[found]}"
    return None


async def _lasting_contradiction(database: Database, request_id: str) -> Contradiction | None:
    """Read a request again, because a serving bot may have changed it between two reads."""
    found: Contradiction | None = None
    for _ in range(REREADS):
        found = _contradicts(await read_request(database, request_id))
        if found is None:
            return None
    return found


def _contradicts(request: LoggedRequest) -> Contradiction | None:
    if request.state is None:
        return Contradiction.UNKNOWN_REQUEST if request.rows else None
    return contradiction(request.state, request.approvals_required, request.rows)


def _notes(chain: ChainVerifier, checkpoints: Sequence[Checkpoint]) -> list[str]:
    notes = [f"note: personal data was erased from {chain.erased} rows"] if chain.erased else []
    if not checkpoints:
        return [*notes, NO_CHECKPOINT]
    uncovered = chain.number - max(one.number for one in checkpoints)
    return [
        *notes,
        *([f"note: the last {uncovered} rows are newer than every checkpoint at hand"] if uncovered else []),
    ]
