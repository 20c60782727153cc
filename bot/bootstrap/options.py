"""Derive from the settings what the services need to know: rules, options, keys and the region."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import structlog

from bot import __version__
from bot.domain.actions import Actions
from bot.domain.audit_chain import AuditChain
from bot.domain.principals import Principal
from bot.domain.requests import Request, State
from bot.domain.rules import Rules, to_json
from bot.domain.seals import Seals, derive_key
from bot.errors import SettingsError
from bot.purecloud import Region, region
from bot.services.notifications import recipients_of
from bot.settings import Settings

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Options:
    """What the settings say about requests; `ttl` is in seconds."""

    rules: Rules
    actions: Actions
    ttl: float
    approvals_channel: str | None = None
    audit_channel: str | None = None
    secret_values: tuple[str, ...] = ()
    ping_approvers: bool = True
    remind_after: float | None = None
    max_open: int | None = None
    require_reason: bool = False
    notify_target: bool = False
    watch_for: float | None = None

    def approvers(self, request: Request) -> tuple[Principal, ...]:
        """Return who may approve a request of this action now."""
        return self.actions[request.action].approvers(self.rules)

    def recipients(self, request: Request) -> tuple[str, ...]:
        """Return who is notified when a request ends, and both channels after a call under break glass."""
        announced = self.announce_in if request.break_glass and request.state is State.APPROVED else ()
        return tuple(dict.fromkeys((*recipients_of(request, self.audit_channel), *announced)))

    @property
    def announce_in(self) -> tuple[str, ...]:
        """The channels to notify before a DELETE under break glass."""
        return tuple(one for one in (self.approvals_channel, self.audit_channel) if one)


def options_of(settings: Settings, actions: Actions) -> Options:
    """Return what the settings say about requests."""
    return Options(
        rules_of(settings), actions, settings.request_ttl, settings.approvals_channel, settings.audit_channel,
        settings.secret_values, settings.ping_approvers, settings.remind_after, settings.max_open_requests,
        settings.require_reason, settings.notify_target, settings.watch_for,
    )  # fmt: skip


def rules_of(settings: Settings) -> Rules:
    """Return who may do what."""
    return Rules(
        approvers=settings.approvers,
        requesters=settings.requesters,
        admins=settings.admins,
        protected=settings.protected,
        self_approval=settings.self_approval,
        approvals_required=settings.approvals_required,
        protected_approvals=settings.protected_approvals,
        bulk_approvals=settings.bulk_approvals,
        break_glass=settings.break_glass,
    )


def effective_settings(settings: Settings, rules: Rules) -> dict[str, Any]:
    """Return what decides who may do what, for the audit log; no secrets."""
    return {
        "rules": json.loads(to_json(rules)),
        "request_ttl": settings.request_ttl,
        "approvals_channel": settings.approvals_channel,
        "audit_channel": settings.audit_channel,
        "version": __version__,
    }


def seals_of(settings: Settings) -> Seals:
    """Return the seals, with AUDIT_KEY or a key that all replicas derive from PURECLOUD_SECRET."""
    secret = settings.audit_key or settings.purecloud_secret
    return Seals(derive_key(secret.get_secret_value()))


def chain_of(settings: Settings) -> AuditChain:
    """Return the chain of the audit log, with AUDIT_KEY if it is set."""
    return AuditChain(settings.audit_key.get_secret_value() if settings.audit_key else None)


def region_of(settings: Settings) -> Region:
    """Return the region; an unknown one is allowed, because Genesys adds some. Raises SettingsError."""
    name = "PURECLOUD_ENVIRONMENT"
    try:
        found = region(settings.purecloud_environment)
        name = "PURECLOUD_API_URL, PURECLOUD_LOGIN_URL"
        found = region(found.domain, api_url=settings.purecloud_api_url, login_url=settings.purecloud_login_url)
    except ValueError as error:
        raise SettingsError([f"{name}: {error}"]) from None
    if not found.known:
        log.warning("setting.unknown_region", region=found.domain)
    return found


def client_of(settings: Settings, region: Region) -> str:
    """Return what identifies the OAuth client."""
    return f"{settings.purecloud_client_id}@{region.domain}"
