"""Begin to look up who clicked while the click is being stored, which saves the time of the commit.

Only people who were allowed to decide the last time are looked up early, so a click of anyone else costs one call, as
before. What is remembered decides nothing: the answers that decide are requested after the click arrived, and the
decision finds them among the shared reads. The decision itself begins the lookups of requester and target together with
those of the approver, so that it waits for Slack once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

from bot.domain.principals import Principal
from bot.services.identity import Identity

MAX_REMEMBERED = 1000
"""Maximum number of people that are remembered. Workspaces have far fewer approvers."""


class EarlyLookups:
    """The people who were allowed to decide, by Slack user id, with the principals that were asked about."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._remembered: dict[str, Sequence[Principal]] = {}
        self._running: set[asyncio.Task[object]] = set()

    def remember(self, user_id: str, principals: Sequence[Principal]) -> None:
        """Remember that one of the principals names a person."""
        if len(self._remembered) >= MAX_REMEMBERED:
            self._remembered.clear()
        self._remembered[user_id] = principals

    def forget(self, user_id: str) -> None:
        """Forget a person whose click was denied."""
        self._remembered.pop(user_id, None)

    def remembers(self, user_id: str) -> bool:
        """Return whether a person was allowed to decide the last time."""
        return user_id in self._remembered

    def start(self, user_id: str) -> None:
        """Start to look a person up, if that person is remembered."""
        principals = self._remembered.get(user_id)
        if principals is not None:
            self.run(self._identity.member(user_id))
            self.run(self._identity.prefetch_groups(user_id, principals))

    def run(self, lookup: Coroutine[Any, Any, object]) -> None:
        """Run a lookup in a task. Its error is the decision's, which needs the same answer."""
        task = asyncio.create_task(lookup)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
