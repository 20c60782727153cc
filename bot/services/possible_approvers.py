"""Deny a request that no one could approve, where that is known."""

from __future__ import annotations

from dataclasses import replace

from bot.domain.denials import DenialCode, Denied
from bot.domain.policy import Case, could_approve
from bot.errors import SlackUnavailable
from bot.services.identity import Identity

MAX_LOOKUPS = 30
"""People who are looked up for one request. If they do not suffice, the bot does not know who else could approve."""


async def require_approvers(case: Case, identity: Identity) -> None:
    """Raise Denied if too few people could approve a request.

    Roles and permissions of Genesys Cloud name people whom the bot cannot list, and Slack may fail. In both cases the
    request goes on, because its approvers may exist.
    """
    try:
        found = await _find_approvers(case, identity)
    except SlackUnavailable:
        return
    needed = case.request.approvals_required
    if found is not None and len(found.approvers) < needed:
        approvers = ",".join(one.canonical_id for one in found.approvers)
        raise Denied(DenialCode.TOO_FEW_APPROVERS, approvers=approvers, required=str(needed))


async def _find_approvers(case: Case, identity: Identity) -> Case | None:
    """Return the case with as many approvers as are needed or known; None if not everyone is known."""
    listed = await identity.listed_members(case.action.approvers(case.rules))
    if listed is None:
        return None
    for user_id in listed[:MAX_LOOKUPS]:
        member = await identity.member(user_id, since=identity.recently)
        if member and could_approve(member, case):
            case = replace(case, approvers=(*case.approvers, member))
        if len(case.approvers) >= case.request.approvals_required:
            return case
    return case if len(listed) <= MAX_LOOKUPS else None
