"""Find out what a command would request, and request nothing."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from bot.db.requests import RequestStore
from bot.domain.actions import Actions
from bot.domain.audit import AuditEvent, EventType, target_of
from bot.domain.commands import RequestCommand
from bot.domain.denials import Denied
from bot.domain.principals import Principal
from bot.domain.requests import MessageRef, Request
from bot.domain.rules import Rules
from bot.redaction import redact
from bot.services.requesting import Prepared, RequestService


class Permalinks(Protocol):
    """Finds links to messages."""

    async def of(self, message: MessageRef | None) -> str | None:
        """Return the link to a message, None if there is none."""


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """The open request that a command is about: its link, and whether the same person made it."""

    request: Request
    own: bool
    link: str | None


@dataclass(frozen=True, slots=True)
class DryRun:
    """The request that a command would make, and who could approve it if its requester could not.

    `follows` is the open request that the requester would follow instead.
    """

    request: Request
    approvers: Sequence[Principal]
    follows: OpenRequest | None = None


class DryRuns:
    """Examines commands. Only the audit log remembers it; `ttl` is in seconds."""

    def __init__(
        self,
        store: RequestStore,
        requests: RequestService,
        permalinks: Permalinks,
        *,
        actions: Actions,
        rules: Rules,
        ttl: float,
        secret_values: tuple[str, ...] = (),
    ) -> None:
        self._store = store
        self._requests = requests
        self._permalinks = permalinks
        self._actions = actions
        self._rules = rules
        self._ttl = ttl
        self._secret_values = secret_values

    async def dry_run(self, command: RequestCommand) -> DryRun:
        """Return what a command would request; raises as `RequestService.prepare`."""
        by = command.invoker.user_id
        try:
            prepared = await self._requests.prepare(secrets.token_hex(16), command)
        except Denied as denied:
            detail = {"kind": command.action, "reason": denied.code, **denied.params, "dry_run": True}
            safe = redact(detail, *self._secret_values)
            await self._store.record_event(AuditEvent(0.0, EventType.REQUEST_DENIED, by, detail=safe))
            raise
        now = await self._store.jobs.now()
        request, found = replace(prepared.request, created_at=now, expires_at=now + self._ttl), prepared.follows
        needed = (found or request).approvals_required
        detail = {"kind": request.action, "reason": request.reason, "needed": needed}
        reference = (found or request).reference
        await self._store.record_event(AuditEvent(
            0.0, EventType.DRY_RUN, request.requester, reference, target=target_of(request), detail=detail,
        ))  # fmt: skip
        approvers = self._actions[request.action].approvers(self._rules)
        return DryRun(request, approvers, await self._followed(prepared))

    async def _followed(self, prepared: Prepared) -> OpenRequest | None:
        found, ids = prepared.follows, prepared.requester.ids
        if found is None:
            return None
        return OpenRequest(found, found.requester in ids, await self._permalinks.of(found.card_for(ids)))
