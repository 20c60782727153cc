"""Pages of requests: which ones to list, and where a page begins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from bot.domain.requests import Request

PAGE_SIZE = 10
"""Requests on one page."""


class Direction(StrEnum):
    """Which side of a position a page is on."""

    OLDER = "older"
    NEWER = "newer"


class Position(NamedTuple):
    """A place between two requests: the time of one of them in epoch seconds, and its id.

    The page holds the requests on the given side of it.
    """

    direction: Direction
    at: float
    id: str


NEWEST = Position(Direction.OLDER, 1e12, "")
"""The position before the newest request."""


@dataclass(frozen=True, slots=True)
class RequestFilter:
    """Which requests to list: those with a reference, or those that involve a person.

    An empty filter lists all.
    """

    reference: str | None = None
    slack_ids: frozenset[str] = frozenset()
    email: str | None = None
    genesys_user_id: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether every request matches."""
        return not (self.reference or self.slack_ids or self.email or self.genesys_user_id)

    def matches(self, request: Request) -> bool:
        """Return whether a request has the reference or involves the person.

        The target, the requester, the followers and the approvers are involved.
        """
        if self.is_empty:
            return True
        if self.reference:
            return request.reference == self.reference
        involved = {request.target_slack_id, request.requester, request.decided_by, *request.approvals}
        involved |= {one.user_id for one in request.followers}
        if involved & self.slack_ids:
            return True
        target = request.target
        if target is None:
            return False
        return target.id == self.genesys_user_id or bool(
            self.email and (target.email or "").casefold() == self.email.casefold()
        )


class Page(NamedTuple):
    """Requests, newest first, and the positions of the pages on both sides if there are any."""

    requests: Sequence[Request]
    newer: Position | None = None
    older: Position | None = None


def cut(found: Sequence[Request], position: Position, time_of: Callable[[Request], float]) -> Page:
    """Return the page of requests that were read on one side of a position, nearest first.

    One request more than `PAGE_SIZE` shows that there is another page.
    """
    more, requests = len(found) > PAGE_SIZE, list(found[:PAGE_SIZE])
    if position.direction is Direction.NEWER:
        requests.reverse()
    if not requests:
        return Page(())
    newest, oldest = requests[0], requests[-1]
    newer = Position(Direction.NEWER, time_of(newest), newest.id)
    older = Position(Direction.OLDER, time_of(oldest), oldest.id)
    if position.direction is Direction.NEWER:
        return Page(requests, newer if more else None, older)
    return Page(requests, None if position == NEWEST else newer, older if more else None)
