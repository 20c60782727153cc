"""Choose whom a message about a request mentions."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain.principals import Principal, PrincipalKind
from bot.domain.requests import Request

MAX_MENTIONS = 10
"""User groups and users that a message mentions. Roles and permissions of Genesys Cloud cannot be mentioned."""


def approvers_to_mention(request: Request, approvers: Sequence[Principal]) -> tuple[Principal, ...]:
    """Return the user groups and users among the approvers, without the requester and the target."""
    groups = [one for one in approvers if one.kind is PrincipalKind.GROUP]
    concerned = (request.requester, request.target_slack_id)
    users = [one for one in approvers if one.kind is PrincipalKind.USER and one.value not in concerned]
    return tuple(dict.fromkeys([*groups, *users]))[:MAX_MENTIONS]
