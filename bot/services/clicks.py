"""What a recorded click leads to: the clicker is looked up afresh and judged, and the request moves or does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.db.jobs import Job
from bot.db.requests import RequestStore, ResponseUrls
from bot.domain.audit import AuditEvent, EventType
from bot.domain.people import Member, Workspace
from bot.domain.policy import DenialCode, Denied, Rules, Verdict, may_approve, may_cancel, standing
from bot.domain.requests import CANCEL, FINAL, Event, Request, State, approval_event
from bot.errors import BotError, SlackUnavailable, StaleRequest
from bot.services.identity import Directory

TRIES = 3
"""How often a click is judged while Slack does not answer; after that the answer is no."""


@dataclass(frozen=True, slots=True)
class Click:
    """A press of a card's button. `request_id` is all that is taken from the button; the rest says who pressed it."""

    request_id: str
    action: str
    user_id: str
    team_id: str | None
    key: str
    """Names this press (its `trigger_id`), so that a replay is known."""
    response_url: str | None = None
    installed_in: str | None = None
    """The workspace whose installation posted the message; none where the app is installed org-wide."""
    ts: str | None = None

    def card_url(self, request: Request) -> str | None:
        """Where the clicked message can be edited, if it is another than the card that `chat.update` reaches."""
        known = request.card is not None and self.ts == request.card.ts
        return None if known else self.response_url

    @property
    def payload(self) -> dict[str, Any]:
        """What is written down of it."""
        return {
            "action": self.action,
            "user_id": self.user_id,
            "team_id": self.team_id,
            "response_url": self.response_url,
            "installed_in": self.installed_in,
            "ts": self.ts,
        }


def read_click(job: Job) -> Click:
    """Read a click as it was written down, perhaps by another version of the bot."""
    known = {name: job.payload.get(name) for name in ("team_id", "response_url", "installed_in", "ts")}
    return Click(job.request_id, job.payload["action"], job.payload["user_id"], key="", **known)


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a click: the request as it stands, work to do at once, and what the clicker is told in private.

    Nothing at all where another replica has taken the click over.
    """

    request: Request | None = None
    work: tuple[Job, ...] = ()
    answer: BotError | None = None
    ended: tuple[Request, ...] = ()
    """Requests that this click has brought to their end: cancelled, or found to be over their time."""


class Decisions:
    """Judges clicks. `audience` names the channels that hear of a request's end."""

    def __init__(
        self, store: RequestStore, directory: Directory, rules: Rules, audience: Callable[[Request], tuple[str, ...]]
    ) -> None:
        self._store = store
        self._directory = directory
        self._rules = rules
        self._audience = audience

    async def settle(self, job: Job) -> Settled:
        """Judge a click and act on it.

        Raises SlackUnavailable while it is worth another try: the click stays written down.
        """
        click, seen = read_click(job), job.snapshot
        while True:
            request, now = seen or await self._store.get_with_clock(click.request_id)
            if request is None:
                return await self._stale(job, click, None)
            late = request.expired(job.created_at) or job.is_stale(now)
            if request.state is not State.PENDING or late:
                return await self._stale(job, click, request)
            try:
                return await self._judge(job, click, request)
            except Denied as refused:
                return await self._refuse(job, click, request, refused)
            except StaleRequest:
                seen = None
                if not await self._store.jobs.still_leased(job):
                    return Settled()

    async def _judge(self, job: Job, click: Click, request: Request) -> Settled:
        """Ask who clicks and whether they may, as things stand now; then move the request."""
        member = await self._clicker(job, click)
        principals = self._rules.deciders(request.kind)
        actor = await self._directory.actor(member, principals, fresh=True)
        judge = may_cancel if click.action == CANCEL else may_approve
        verdict = judge(actor, request, self._rules, self._directory.workspace)
        if not verdict.allowed:
            raise refusal(verdict, request)
        event = Event.CANCEL if click.action == CANCEL else approval_event(request, member.id)
        moved, work = await self._store.apply_click(
            request,
            event,
            job=job,
            by=member.id,
            notify=self._audience(request) if event is Event.CANCEL else (),
            click_url=click.card_url(request),
        )
        return Settled(moved, tuple(work), ended=(moved,) if moved.state in FINAL else ())

    async def _clicker(self, job: Job, click: Click) -> Member:
        """Look up who clicks, afresh; outsiders, guests and bots are turned away before anything else is asked."""
        workspace = self._directory.workspace
        if foreign(click.team_id, workspace) or foreign(click.installed_in, workspace):
            raise Denied(DenialCode.OUTSIDER)
        try:
            member = await self._directory.member(click.user_id)
        except SlackUnavailable as error:
            if job.attempts < TRIES:
                raise
            raise Denied(DenialCode.CLICKER_UNREADABLE, method=error.method, code=error.slack_code) from error
        against = standing(member, workspace) if member else DenialCode.OUTSIDER
        if member is None or against:
            raise Denied(against or DenialCode.OUTSIDER)
        return member

    async def _stale(self, job: Job, click: Click, request: Request | None) -> Settled:
        """Answer a click that comes too late, or for nothing; a request whose time is over ends now."""
        detail = {"action": click.action, "state": request.state if request else "no such request"}
        clicked = ResponseUrls(click=click.card_url(request)) if request else None
        if not await self._record(EventType.CLICK_STALE, job, click, request, detail, clicked=clicked):
            return Settled()
        if request is None or request.state in FINAL:
            return Settled(request, answer=StaleRequest())
        ended = await self._store.expire_due(self._audience)
        return Settled(await self._store.get(request.id), answer=StaleRequest(), ended=tuple(ended))

    async def _refuse(self, job: Job, click: Click, request: Request, refused: Denied) -> Settled:
        detail = {"action": click.action, "reason": refused.reason} | refused.facts
        recorded = await self._record(EventType.CLICK_REFUSED, job, click, request, detail)
        return Settled(request, answer=refused) if recorded else Settled()

    async def _record(
        self,
        tag: EventType,
        job: Job,
        click: Click,
        request: Request | None,
        detail: dict[str, Any],
        *,
        clicked: ResponseUrls | None = None,
    ) -> bool:
        target = request.target.id if request and request.target else None
        reference = request.reference if request else None
        row = AuditEvent(0.0, tag, click.user_id, reference, request.id if request else None, target, detail)
        return await self._store.record_event(row, done=job, clicked=clicked)


def foreign(team_id: str | None, workspace: Workspace) -> bool:
    """Whether a payload's team shows an outsider; on Enterprise Grid only `users.info` can tell."""
    return bool(team_id) and workspace.enterprise_id is None and team_id != workspace.team_id


def refusal(verdict: Verdict, request: Request | None = None) -> Denied:
    """Turn a verdict against somebody into the error that is told and written down."""
    facts = {"unread": "; ".join(verdict.unread)} if verdict.unread else {}
    if request:
        facts["requester"] = request.requester
    return Denied(verdict.reason or DenialCode.NOT_AN_APPROVER, **facts)
