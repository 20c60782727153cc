"""Store what people requested or clicked, before Slack gets its acknowledgement."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from bot.db.jobs import Job
from bot.db.requests import RequestStore
from bot.domain.clicks import Click
from bot.domain.commands import RequestCommand
from bot.domain.denials import Denied
from bot.redaction import redact


class Inbox:
    """The inbox that all replicas share. Any of them may process what one of them stored.

    `look_up` begins to look up who clicked, by Slack user id, if that is worthwhile. What people type is stored without
    the secrets in it, `secret_values` among them.
    """

    def __init__(
        self,
        store: RequestStore,
        submit: Callable[[Job], None],
        look_up: Callable[[str], None] = lambda _user_id: None,
        *,
        clock: Callable[[], float] = time.monotonic,
        secret_values: Sequence[str] = (),
    ) -> None:
        self._secret_values = secret_values
        self._store = store
        self._submit = submit
        self._look_up = look_up
        self._clock = clock

    async def record_command(self, command: RequestCommand) -> None:
        """Commit a command or modal submission; a replay is ignored. Raises DatabaseUnavailable."""
        request_id = secrets.token_urlsafe(18)
        payload = self._without_secrets(command).payload
        job = await self._store.record_command(request_id, command.invoker.key, payload)
        if job:
            self._submit(job)

    async def record_click(self, click: Click) -> None:
        """Commit a click; a replay is ignored. Raises DatabaseUnavailable."""
        received_at = self._clock()
        self._look_up(click.user_id)
        payload = replace(click, reason=redact(click.reason, *self._secret_values)).payload
        job = await self._store.record_click(click.request_id, click.key, payload)
        if job:
            self._submit(replace(job, received_at=received_at))

    def _without_secrets(self, command: RequestCommand) -> RequestCommand:
        """Return a command without the secrets in its reason, and in the words that its problem quotes."""
        problem = command.problem
        if problem:
            problem = Denied(problem.reason, **redact(problem.params, *self._secret_values))
        return replace(command, reason=redact(command.reason, *self._secret_values), problem=problem)
