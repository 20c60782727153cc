"""Begin lookups before their turn, so that clicks and commands wait for fewer calls.

Who clicked is looked up while the click is being stored. A decision then looks up requester and target together with
the approver, and a command looks up its target together with the requester.

Only people who were allowed to decide or to request the last time cause early lookups, so a click or a command of
anyone else costs one call. What is remembered decides nothing: the answers that decide are requested after the click or
the command arrived, and the decision finds them among the shared reads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from bot.domain.principals import Principal
from bot.services.identity import Identity

Answer = TypeVar("Answer")

MAX_REMEMBERED = 1000
"""Maximum number of people that are remembered. Workspaces have far fewer approvers."""


class EarlyLookups:
    """The people who were allowed the last time, with the principals that were asked about."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._remembered: dict[str, Sequence[Principal]] = {}
        self._running: set[asyncio.Task[Any]] = set()

    def remember(self, user_id: str, principals: Sequence[Principal]) -> None:
        """Remember that one of the principals names a person."""
        if len(self._remembered) >= MAX_REMEMBERED:
            self._remembered.clear()
        self._remembered[user_id] = principals

    def forget(self, user_id: str) -> None:
        """Forget a person whose click or command was denied."""
        self._remembered.pop(user_id, None)

    def remembers(self, user_id: str) -> bool:
        """Return whether a person was allowed the last time."""
        return user_id in self._remembered

    def start(self, user_id: str, *, since: float | None = None) -> None:
        """Start to look a person up, if that person is remembered.

        `since` is when an answer may have begun at the earliest, in monotonic seconds; None reads again.
        """
        principals = self._remembered.get(user_id)
        if principals is not None:
            self.run(self._identity.member(user_id, since=since))
            self.run(self._identity.prefetch_groups(user_id, principals, since=since))

    def run(self, lookup: Coroutine[Any, Any, Answer]) -> asyncio.Task[Answer]:
        """Run a lookup in a task. Its error is the decision's, which needs the same answer."""
        task = asyncio.create_task(lookup)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return task
