"""Say in words what the settings let people do. Whether the principals exist is checked elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bot.checks.result import CheckResult, ok
from bot.domain.principals import Principal, PrincipalKind
from bot.domain.rules import PROTECTED_APPROVALS
from bot.settings import Settings

_WORDS: Final = {
    PrincipalKind.USER: "the Slack user {}",
    PrincipalKind.GROUP: "members of the Slack user group {}",
    PrincipalKind.ROLE: "people with the Genesys Cloud role {}",
    PrincipalKind.PERMISSION: "people with the Genesys Cloud permission {}",
}


def check_rules(settings: Settings) -> list[CheckResult]:
    """Return a line for each rule."""
    return [
        ok("who may request", _requesters(settings)),
        ok("who may approve", _approvers(settings)),
        ok("who is protected", _protected(settings)),
        ok("who may administer", _admins(settings)),
        ok("where cards go", _cards(settings)),
        ok("where outcomes go", _outcomes(settings)),
    ]


def _requesters(settings: Settings) -> str:
    if not settings.requesters:
        return "those who may approve, because REQUESTERS is not set"
    return _people(settings.requesters)


def _approvers(settings: Settings) -> str:
    own = (
        "the requester's own counts, if they may approve"
        if settings.self_approval
        else "the requester's own does not count, because SELF_APPROVAL is off"
    )
    duration = f"{settings.request_ttl / 60:g} minutes"
    return f"{_people(settings.approvers)}. A request needs 1 approval within {duration}; {own}"


def _protected(settings: Settings) -> str:
    if not settings.protected:
        return "no one, because PROTECTED is not set"
    return f"{_people(settings.protected)}. A request about them needs {PROTECTED_APPROVALS} approvals by others"


def _admins(settings: Settings) -> str:
    if not settings.admins:
        return "no one, because ADMINS is not set, so no one may rotate or read the history"
    return f"{_people(settings.admins)}. They may request and approve a rotation, and read the history"


def _cards(settings: Settings) -> str:
    others = f"the channel {settings.approvals_channel}" if settings.approvals_channel else "the channel of the command"
    if not settings.self_approval:
        return f"to {others}"
    return f"to the requester alone, if they may approve their own request; otherwise to {others}"


def _outcomes(settings: Settings) -> str:
    if not settings.audit_channel:
        return "to the card and the people concerned; to no channel, because AUDIT_CHANNEL is not set"
    return f"to the card, the people concerned and the channel {settings.audit_channel}"


def _people(principals: Sequence[Principal]) -> str:
    """Return principals in words, as a list that ends with "or"."""
    words = [_WORDS[one.kind].format(one.value) for one in dict.fromkeys(principals)]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
