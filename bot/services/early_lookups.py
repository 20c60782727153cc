"""Begin to look up who clicked while the click is being stored, which saves the time of the commit.

Only people who were allowed to decide the last time are looked up early, so a click of anyone else costs one call, as
before. What is remembered decides nothing: the answers that decide are requested after the click arrived.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from bot.domain.people import Member
from bot.domain.principals import Principal
from bot.services.identity import Groups, Identity

MAX_REMEMBERED = 1000
"""Maximum number of people that are remembered. Workspaces have far fewer approvers."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class EarlyLookup:
    """Lookups of one person that are under way. `principals` are those whose groups are read."""

    principals: Sequence[Principal]
    member: asyncio.Task[Member | None]
    groups: asyncio.Task[Groups]


class EarlyLookups:
    """The people who were allowed to decide, by Slack user id, with the principals that were asked about."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._remembered: dict[str, Sequence[Principal]] = {}

    def remember(self, user_id: str, principals: Sequence[Principal]) -> None:
        """Remember that one of the principals names a person."""
        if len(self._remembered) >= MAX_REMEMBERED:
            self._remembered.clear()
        self._remembered[user_id] = principals

    def forget(self, user_id: str) -> None:
        """Forget a person whose click was denied."""
        self._remembered.pop(user_id, None)

    def start(self, user_id: str) -> EarlyLookup | None:
        """Start to look a person up; return None for one who is not remembered."""
        principals = self._remembered.get(user_id)
        if principals is None:
            return None
        return EarlyLookup(
            principals,
            _task(self._identity.member(user_id)),
            _task(self._identity.groups(user_id, principals, fresh=True)),
        )


def _task(lookup: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
    """Start a task whose error is not logged if no click needs its result, for example after a replay."""
    task = asyncio.create_task(lookup)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return task
