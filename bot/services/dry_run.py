"""Find out what a command would request, and request nothing."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.db.requests import RequestStore
from bot.domain.actions import Actions
from bot.domain.audit import AuditEvent, EventType, target_of
from bot.domain.commands import RequestCommand
from bot.domain.denials import Denied
from bot.domain.principals import Principal
from bot.domain.requests import Request
from bot.domain.rules import Rules
from bot.redaction import redact
from bot.services.requesting import RequestService


@dataclass(frozen=True, slots=True)
class DryRun:
    """The request that a command would make, and who could approve it if its requester could not."""

    request: Request
    approvers: Sequence[Principal]


class DryRuns:
    """Examines commands. Only the audit log remembers it; `ttl` is in seconds."""

    def __init__(
        self,
        store: RequestStore,
        requests: RequestService,
        *,
        actions: Actions,
        rules: Rules,
        ttl: float,
        secret_values: tuple[str, ...] = (),
    ) -> None:
        self._store = store
        self._requests = requests
        self._actions = actions
        self._rules = rules
        self._ttl = ttl
        self._secret_values = secret_values

    async def dry_run(self, command: RequestCommand) -> DryRun:
        """Return what a command would request; raises as `RequestService.prepare`."""
        by = command.invoker.user_id
        try:
            request = await self._requests.prepare(secrets.token_hex(16), command)
        except Denied as denied:
            detail = {"kind": command.action, "reason": denied.code, **denied.params, "dry_run": True}
            safe = redact(detail, *self._secret_values)
            await self._store.record_event(AuditEvent(0.0, EventType.REQUEST_DENIED, by, detail=safe))
            raise
        now = await self._store.jobs.now()
        request = replace(request, created_at=now, expires_at=now + self._ttl)
        detail = {"kind": request.action, "reason": request.reason, "needed": request.approvals_required}
        target = target_of(request)
        await self._store.record_event(
            AuditEvent(0.0, EventType.DRY_RUN, request.requester, request.reference, target=target, detail=detail)
        )
        return DryRun(request, self._actions[request.action].approvers(self._rules))
