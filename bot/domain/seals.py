"""Seals: message authentication codes of what people send, see and approve.

Who can write to the database but lacks the key can invalidate a request, and cannot make the bot execute one.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.domain import bulk
from bot.domain.canonical_json import encode
from bot.domain.requests import ApprovalSeal, Request, State
from bot.domain.rules import to_json

DERIVATION = b"purecloud-bot: seals of requests, version 1"
"""The purpose of the derived key, so that it differs from other keys of the same secret."""

_VERSION = "2:"
"""The start of the seals of this version. Open requests of an earlier version keep their seals until a click."""


def derive_key(secret: str) -> bytes:
    """Return the key of the seals; the secret itself signs nothing."""
    return hmac.digest(secret.encode(), DERIVATION, hashlib.sha256)


class Seals:
    """Makes and checks seals with one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def seal(self, request: Request) -> Request:
        """Return a request with the seal of what its card shows, and of its rules."""
        return replace(request, seal=self._of_request(request))

    def is_intact(self, request: Request) -> bool:
        """Return whether a request is what the bot has stored."""
        if request.seal is None:
            return False
        current = request.seal.startswith(_VERSION)
        return _same(request.seal, self._of_request(request) if current else self._of_earlier_request(request))

    def add_approval(self, request: Request, approver: str, at: float) -> Request:
        """Return a request with the seal of its newest approval, made at this time in epoch seconds."""
        kept = tuple(one for one in request.approval_seals if one.approver in request.approvals)
        mac = self._of_approval(request, approver, at)
        return replace(request, approval_seals=(*kept, ApprovalSeal(approver, at, mac)))

    def without_forged_approvals(self, request: Request) -> Request:
        """Return a request without approvals that the bot has not stored."""
        sealed = self._sealed_at(request)
        genuine = tuple(one for one in dict.fromkeys(request.approvals) if one in sealed)
        return request if genuine == request.approvals else replace(request, approvals=genuine)

    def authorizes(self, request: Request, now: float) -> bool:
        """Return whether a request may be executed: it is approved, intact and has the approvals it requires.

        The last approval must be as recent as the execution window, so that an old one authorizes nothing again.
        """
        if request.state is not State.APPROVED or not self.is_intact(request):
            return False
        genuine = self.without_forged_approvals(request).approvals
        if genuine != request.approvals or len(genuine) < request.approvals_required:
            return False
        sealed = self._sealed_at(request)
        return now - max(sealed[one] for one in genuine) <= request.execution_window

    def seal_input(self, kind: str, request_id: str, at: float, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Return the payload of a click or command with the seal of who sent what, and when."""
        return {**payload, "seal": self._of_input(kind, request_id, at, payload)}

    def is_genuine_input(self, kind: str, request_id: str, at: float, payload: Mapping[str, Any]) -> bool:
        """Return whether the bot stored a click or command, and so whether Slack signed it."""
        unsealed = {name: value for name, value in payload.items() if name != "seal"}
        return _same(payload.get("seal"), self._of_input(kind, request_id, at, unsealed))

    def _sealed_at(self, request: Request) -> dict[str, float]:
        """Return when each approver with a genuine seal approved."""
        return {
            one.approver: one.at
            for one in request.approval_seals
            if _same(one.mac, self._of_approval(request, one.approver, one.at))
        }

    def _of_request(self, request: Request) -> str:
        """Return the seal of a request. A request of a version before schema 0006 has no rules to cover."""
        target = request.target
        names = (target.name, target.email, target.division, target.state) if target else ()
        rules = (request.target_protected, to_json(request.rules)) if request.rules else ()
        people = (bulk.to_json(request.bulk),) if request.bulk else ()
        shown = (request.target_slack_name, request.reason)
        return _VERSION + self._mac(*_identifying(request), *names, *shown, *rules, *people)

    def _of_earlier_request(self, request: Request) -> str:
        """Return the seal as it was before schema 0004, without names and the reason."""
        return self._mac(*_identifying(request))

    def _of_approval(self, request: Request, approver: str, at: float) -> str:
        target = request.target.id if request.target else None
        return self._mac("approval", request.id, request.action, target, approver, at)

    def _of_input(self, kind: str, request_id: str, at: float, payload: Mapping[str, Any]) -> str:
        return self._mac("input", kind, request_id, float(at), dict(payload))

    def _mac(self, *parts: Any) -> str:
        return hmac.digest(self._key, encode(parts).encode(), hashlib.sha256).hex()


def _identifying(request: Request) -> tuple[Any, ...]:
    target = request.target.id if request.target else None
    return (
        "request", request.id, request.reference, request.action, request.requester, target,
        request.target_slack_id, request.approvals_required, request.created_at, request.expires_at,
    )  # fmt: skip


def _same(stored: Any, expected: str) -> bool:
    """Compare in constant time; what is stored may be any JSON value."""
    return hmac.compare_digest(str(stored).encode(errors="replace"), expected.encode())
