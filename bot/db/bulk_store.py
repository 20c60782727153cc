"""The execution of bulk requests, as all replicas share it. Each public method is one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from bot.db import bulk_entries, bulk_runs, statements
from bot.db.bulk_runs import BulkItem, ItemResult
from bot.db.jobs import Job, JobKind, JobSpec
from bot.db.requests import Recipients, RequestStore
from bot.db.transaction import Transaction
from bot.domain.audit import EVENT_TYPES, AuditEvent, EventType, audit_event
from bot.domain.bulk import CONTROLS, BulkProgress, RunState
from bot.domain.bulk_files import BulkFile
from bot.domain.requests import TRANSITIONS, Event, Request, State, advance, worst_of
from bot.errors import StaleRequest

STOPPED, TOO_LATE, NOT_AUTHORIZED = "stopped", "too_late", "not_authorized"
"""Why nothing more is sent: an admin has stopped the request, its approval is too old, or no one has approved it so."""

OUTCOMES: Mapping[Event, str] = {event: state.value for event, state in TRANSITIONS[State.APPROVED].items()}
"""The outcome of a person, by what happened."""

EVENTS: Mapping[str, Event] = {outcome: event for event, outcome in OUTCOMES.items()}

END_JOBS = """
UPDATE jobs SET done_at = :now, lease_owner = NULL WHERE request_id = :request_id AND kind = 'bulk' AND done_at IS NULL
"""

_EVENT_TYPES: Mapping[RunState, EventType] = {
    RunState.PAUSED: EventType.BULK_PAUSED,
    RunState.RUNNING: EventType.BULK_RESUMED,
    RunState.STOPPED: EventType.BULK_STOPPED,
}
"""The event of a button, by the state that follows."""


class Group(NamedTuple):
    """The people that a lane has taken, and their request; `ends` says why nothing may be sent any more."""

    request: Request
    now: float
    items: tuple[BulkItem, ...] = ()
    ends: str | None = None


class Recorded(NamedTuple):
    """A request after outcomes were stored, these outcomes, when, and the jobs that this process holds."""

    request: Request
    outcomes: tuple[str, ...]
    at: float
    follow_up: tuple[Job, ...] = ()


class BulkStore:
    """The bulk requests of one store. `recipients` returns the channels to notify when a request ends."""

    def __init__(self, store: RequestStore, recipients: Recipients) -> None:
        self.requests = store
        self._recipients = recipients

    async def take(self, job: Job, limit: int) -> Group | None:
        """Take up to `limit` people for a lane, or return why none may be sent any more.

        Returns None if there is nothing to do now; the job is then done, or due later.
        """
        return await self.requests.database.write(lambda tx: self._take(tx, job, limit), durable=False)

    async def record(self, job: Job, results: Sequence[ItemResult], *, delay: float) -> Recorded | None:
        """Store how the attempts of a group ended, and give the job back, due in `delay` seconds.

        The last outcome ends the request. Returns None, storing nothing, when the lease was lost.
        """
        return await self.requests.database.write(lambda tx: self._record(tx, job, results, delay))

    async def end(self, job: Job, code: str, limit: int, *, unsent: Sequence[BulkItem] = ()) -> Recorded | None:
        """Store for up to `limit` people of a lane, and of none, that their DELETE is not sent any more.

        `unsent` are people whom this process has taken, and sent nothing for. Returns None, storing nothing, when the
        lease was lost.
        """
        return await self.requests.database.write(lambda tx: self._end(tx, job, code, limit, unsent))

    async def target_ids(self, request_id: str) -> dict[int, str]:
        """Return the Genesys Cloud ids of the people of a request, by place in its list."""
        return await self.requests.database.read(lambda tx: bulk_entries.found(tx, request_id))

    async def progress(self, request_id: str) -> BulkProgress | None:
        """Return how far a bulk request is, None for one that was never approved. Raises UnreadableRow."""
        return await self.requests.database.read(lambda tx: bulk_runs.progress(tx, request_id))

    async def control(self, request_id: str, action: str, by: str, *, click: Job | None = None) -> Request:
        """Pause, resume or stop a request, as a button says; complete the click.

        `action` is the `action_id` of the button, `by` the admin's Slack user id. A paused request sends nothing more,
        except for the groups in progress. In a stopped one, people whose DELETE was not sent fail: the lanes store
        these outcomes, hundreds at a time, because thousands would block the database.
        Raises StaleRequest, changing nothing, if the button does nothing in the state of the request.
        """
        return await self.requests.database.write(lambda tx: self._control(tx, request_id, action, by, click))

    def _take(self, tx: Transaction, job: Job, limit: int) -> Group | None:
        jobs = self.requests.jobs
        if not jobs.renew_in(tx, job):
            return None
        request = self.requests.snapshot_in(tx, job.request_id, progress=False).request
        run = bulk_runs.get(tx, job.request_id)
        if request is None or run is None or request.state is not State.APPROVED:
            jobs.complete_in(tx, job)
            return None
        state, left = bulk_runs.state_of(run), _seconds_left(request, tx.now)
        lane = job.payload["lane"]
        if state is RunState.STOPPED or left < 0:
            if bulk_runs.remaining(tx, job.request_id, lane, 1):
                return Group(request, tx.now, ends=STOPPED if state is RunState.STOPPED else TOO_LATE)
        elif state is RunState.PAUSED:
            jobs.put_back_in(tx, job, delay=left + 1)
            return None
        elif items := bulk_runs.take(tx, job.request_id, lane, limit):
            return Group(request, tx.now, tuple(items))
        due = bulk_runs.next_due(tx, job.request_id, lane)
        if due is None:
            jobs.complete_in(tx, job)
        else:
            jobs.put_back_in(tx, job, delay=max(0.0, due - tx.now))
        return None

    def _record(self, tx: Transaction, job: Job, results: Sequence[ItemResult], delay: float) -> Recorded | None:
        run = bulk_runs.get(tx, job.request_id)
        state = bulk_runs.state_of(run) if run else None
        if not self.requests.jobs.put_back_in(tx, job, delay=delay if state is RunState.RUNNING else 0.0):
            return None
        request = self.requests.snapshot_in(tx, job.request_id, progress=False).request
        if request is None:
            return None
        outcomes = self._store(tx, request, results)
        if bulk_runs.any_open(tx, request.id):
            self._render(tx, request, is_last=state is RunState.PAUSED)
            return Recorded(request, outcomes, tx.now)
        finished, follow_up = self._finish(tx, request)
        return Recorded(finished, outcomes, tx.now, tuple(follow_up))

    def _store(self, tx: Transaction, request: Request, results: Sequence[ItemResult]) -> tuple[str, ...]:
        """Store the results of people, with an audit row for each outcome; return the outcomes."""
        outcomes = []
        for one in results:
            if bulk_runs.record(tx, request.id, one) and one.outcome:
                outcomes.append(one.outcome)
                self.requests.audit_in(tx, _person_event(tx, request, one))
        return tuple(outcomes)

    def _end(self, tx: Transaction, job: Job, code: str, limit: int, unsent: Sequence[BulkItem]) -> Recorded | None:
        places = {one.place for one in unsent}
        items = bulk_runs.remaining(tx, job.request_id, job.payload["lane"], limit)
        begun = [one._replace(attempts=one.attempts - (one.place in places)) for one in items]
        return self._record(tx, job, [_ended(one, code) for one in begun], delay=0.0)

    def _render(self, tx: Transaction, request: Request, *, is_last: bool) -> None:
        """Update the card, unless it was updated just now; the last group before a pause is always shown."""
        if bulk_runs.take_rendering(tx, request.id) or is_last:
            self.requests.jobs.enqueue(tx, request.id, *self.requests.card_jobs(request))

    def _finish(self, tx: Transaction, request: Request) -> tuple[Request, list[Job]]:
        """End a request whose people all have an outcome; return it and the jobs that this process holds."""
        progress = bulk_runs.progress(tx, request.id)
        counts = dict(progress.outcomes) if progress else {}
        event = worst_of([EVENTS[one] for one in counts] or [Event.REFUSE])
        outcome = {"code": "bulk", "counts": counts, "seconds": tx.now - (request.approved_at or tx.now)}
        if progress and progress.state is RunState.STOPPED:
            outcome["stopped_by"] = progress.changed_by
        before = replace(request, outcome=outcome, progress=progress)
        tx.send(END_JOBS, request_id=request.id, now=tx.now)
        tx.send(statements.SET_ITEM_EVENT, id=request.id, place=0, event=event.value)
        saved, follow_up = self.requests.save_in(
            tx, before, advance(before, event, at=tx.now), event,
            actor="bot", notify=self._recipients(request), detail=outcome,
        )  # fmt: skip
        self.requests.jobs.enqueue_once(tx, request.id, _outcomes_file(saved))
        return saved, follow_up

    def _control(self, tx: Transaction, request_id: str, action: str, by: str, click: Job | None) -> Request:
        requests = self.requests
        if click and not requests.jobs.complete_in(tx, click):
            raise StaleRequest
        request, run = requests.snapshot_in(tx, request_id, progress=False).request, bulk_runs.get(tx, request_id)
        control = CONTROLS[action]
        if request is None or run is None or request.state is not State.APPROVED:
            raise StaleRequest
        if bulk_runs.state_of(run) not in control.possible_in:
            raise StaleRequest
        bulk_runs.set_state(tx, request_id, control.leads_to, by)
        progress = bulk_runs.progress(tx, request_id)
        detail = {"counts": dict(progress.outcomes), "open": progress.open} if progress else {}
        requests.audit_in(tx, audit_event(request, _EVENT_TYPES[control.leads_to], at=tx.now, actor=by, **detail))
        requests.jobs.enqueue(tx, request_id, *requests.card_jobs(request))
        if control.leads_to is not RunState.PAUSED:
            requests.jobs.enqueue(tx, request_id, *bulk_runs.lane_specs(request_id, run.lanes, clicked_at=tx.now))
        return replace(request, progress=progress)


def _outcomes_file(request: Request) -> JobSpec:
    """Return the job that shares the outcomes of a bulk request that has ended."""
    return JobSpec(JobKind.FILE, f"{request.id}:{BulkFile.OUTCOMES}", {"file": BulkFile.OUTCOMES.value})


def _seconds_left(request: Request, now: float) -> float:
    """Return the seconds for which DELETEs of a request may still be sent."""
    return (request.approved_at or now) + request.execution_window - now


def _ended(item: BulkItem, code: str) -> ItemResult:
    """Return the result of a person whose DELETE is not sent any more.

    An earlier attempt may have been executed.
    """
    known = int(item.detail.get("attempts", 0))
    uncertain = bool(item.detail.get("uncertain")) or item.attempts > known
    certain = Event.REFUSE if code == NOT_AUTHORIZED else Event.FAIL
    event = Event.LOSE_TRACK if uncertain else certain
    detail = {**item.detail, "code": code, "attempts": item.attempts, "uncertain": uncertain}
    return ItemResult(item, item.attempts, OUTCOMES[event], detail)


def _person_event(tx: Transaction, request: Request, result: ItemResult) -> AuditEvent:
    event = EVENT_TYPES[EVENTS[result.outcome or ""]]
    found = audit_event(request, event, at=tx.now, **{"place": result.item.place, **result.detail})
    return replace(found, target=result.item.person.id)
