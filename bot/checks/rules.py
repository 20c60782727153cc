"""Say in words what the settings let people do. Whether the principals exist is checked elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bot.bootstrap.options import rules_of
from bot.checks.approvals import bulk_approvals
from bot.checks.result import CheckResult, ok, undetermined
from bot.domain.bulk import SMALL_BULK
from bot.domain.principals import Principal, PrincipalKind
from bot.domain.watch import MAX_LOOKS
from bot.services.mentions import MAX_MENTIONS
from bot.services.reminders import MIN_TIME_LEFT
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
        _break_glass(settings),
        ok("where cards go", _cards(settings)),
        ok("whom cards mention", _mentions(settings)),
        ok("when a reminder follows", _reminder(settings)),
        ok("where outcomes go", _outcomes(settings)),
        ok("when a new login is reported", _watch(settings)),
    ]


def _requesters(settings: Settings) -> str:
    if not settings.requesters:
        return "those who may approve, because REQUESTERS is not set"
    return _people(settings.requesters)


def _approvers(settings: Settings) -> str:
    if settings.approvals_required > 1:
        own = "the requester's own does not count, because APPROVALS_REQUIRED is above 1"
    elif settings.self_approval:
        own = "the requester's own counts, if they may approve"
    else:
        own = "the requester's own does not count, because SELF_APPROVAL is off"
    needed, duration = _approvals(settings.approvals_required), f"{settings.request_ttl / 60:g} minutes"
    return f"{_people(settings.approvers)}. A request needs {needed} within {duration}; {own}"


def _protected(settings: Settings) -> str:
    if not settings.protected:
        return "no one, because PROTECTED is not set"
    needed = _approvals(settings.protected_approvals)
    return f"{_people(settings.protected)}. A request about them needs {needed} by others"


def _admins(settings: Settings) -> str:
    if not settings.admins:
        return "no one, because ADMINS is not set, so no one may rotate, revoke many people or read the history"
    rotation = f"a rotation, which needs {_approvals(1)}"
    needed, protected = (bulk_approvals(rules_of(settings), protected=one) for one in (False, True))
    more = f" ({protected} if one of them is protected)" if settings.protected and protected > needed else ""
    bulk = f"a revocation of more than {SMALL_BULK} people, which needs {_approvals(needed)}{more}"
    return f"{_people(settings.admins)}. They may request and approve {rotation}, and {bulk}, and read the history"


def _break_glass(settings: Settings) -> CheckResult:
    name = "who may break glass"
    if not settings.break_glass:
        return ok(name, "no one, because BREAK_GLASS is not set")
    channels = list(dict.fromkeys(one for one in (settings.approvals_channel, settings.audit_channel) if one))
    rule = f"{_people(settings.break_glass)}. They may revoke alone, with a reason, once in 10 minutes"
    if not channels:
        hint = "Set APPROVALS_CHANNEL and AUDIT_CHANNEL, so that others notice."
        return undetermined(name, f"{rule}. It is announced nowhere, because no channel is set", hint)
    return ok(name, f"{rule}. It is announced in {' and '.join(channels)} before the revocation")


def _cards(settings: Settings) -> str:
    others = f"the channel {settings.approvals_channel}" if settings.approvals_channel else "the channel of the command"
    limit = "never to a channel that another organization shares"
    if not settings.self_approval or settings.approvals_required > 1:
        return f"to {others}; {limit}"
    return f"to the requester alone, if they may approve their own request; otherwise to {others}; {limit}"


def _mentions(settings: Settings) -> str:
    if not settings.ping_approvers:
        return "no one, because PING_APPROVERS is off"
    mentioned = [one for one in settings.approvers if one.kind in (PrincipalKind.USER, PrincipalKind.GROUP)]
    if not mentioned:
        return "no one, because APPROVERS names no Slack user or user group"
    return f"{_people(mentioned[:MAX_MENTIONS])}, once in 5 minutes for each requester"


def _reminder(settings: Settings) -> str:
    if settings.remind_after is None:
        return "never, because REMIND_AFTER is off"
    if settings.request_ttl - settings.remind_after < MIN_TIME_LEFT:
        return "never, because a request expires less than a minute after REMIND_AFTER, or before"
    return f"once, after {settings.remind_after / 60:g} minutes without a decision"


def _watch(settings: Settings) -> str:
    if settings.watch_for is None:
        return "never, because WATCH_FOR is off"
    return f"within {settings.watch_for / 60:g} minutes after a revocation, with {MAX_LOOKS} calls per person at most"


def _outcomes(settings: Settings) -> str:
    target = "; a revoked person is notified too" if settings.notify_target else ""
    if not settings.audit_channel:
        return f"to the card and the people concerned; to no channel, because AUDIT_CHANNEL is not set{target}"
    return f"to the card, the people concerned and the channel {settings.audit_channel}{target}"


def _approvals(count: int) -> str:
    return "1 approval" if count == 1 else f"{count} approvals"


def _people(principals: Sequence[Principal]) -> str:
    """Return principals in words, as a list that ends with "or"."""
    words = [_WORDS[one.kind].format(one.value) for one in dict.fromkeys(principals)]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
