"""Pass verified payloads from Slack to Bolt, over HTTP and Socket Mode alike."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot.domain.people import nested, text
from bot.errors import BotError
from bot.metrics import Metrics

REJECTION_LOG_INTERVAL = 1.0
"""Seconds between two log lines about rejected requests, so that a flood does not fill the log."""

MAX_ACTIONS = 10
"""Actions of one payload; Slack sends one, and each costs a commit before the acknowledgement."""

MAX_USER_ID_LENGTH = 255
"""Characters of a Slack user id; the id is part of the addresses of lookups, which servers limit."""

_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")

Payload = dict[str, Any]
"""The fields of a command, or the JSON of an interaction or event, as Slack documents them."""

log = structlog.get_logger()


class InvalidSlackRequest(BotError):
    """A request is not from Slack, not for this app, or malformed; `status` is the HTTP status (4xx)."""

    code = "invalid_slack_request"

    def __init__(self, problem: str, status: int) -> None:
        super().__init__(problem)
        self.status = status


def is_storable_text(document: str) -> bool:
    """Return whether a JSON document can be stored.

    No database accepts lone surrogates, and PostgreSQL rejects NUL.
    """
    try:
        document.encode()
    except UnicodeEncodeError:
        return False
    return "\\u0000" not in document or _NUL.search(document) is None


def _is_user_id(value: str | None) -> bool:
    return value is not None and len(value) <= MAX_USER_ID_LENGTH


def _has_user(payload: Payload) -> bool:
    return _is_user_id(text(nested(payload, "user"), "id"))


def _is_command(payload: Payload) -> bool:
    return text(payload, "command") is not None and _is_user_id(text(payload, "user_id"))


def _is_block_actions(payload: Payload) -> bool:
    actions = payload.get("actions")
    return (
        _has_user(payload)
        and isinstance(actions, list)
        and 0 < len(actions) <= MAX_ACTIONS
        and all(isinstance(one, dict) and isinstance(one.get("action_id"), str) for one in actions)
    )


def _is_view(payload: Payload) -> bool:
    view = nested(payload, "view")  # Slack sends an empty callback_id for a view that was opened without one
    return _has_user(payload) and isinstance(view.get("callback_id"), str) and text(view, "type") is not None


def _is_shortcut(payload: Payload) -> bool:
    return _has_user(payload) and bool(text(payload, "callback_id")) and bool(text(payload, "trigger_id"))


def _is_event(payload: Payload) -> bool:
    event = nested(payload, "event")
    kind = text(event, "type")
    return kind is not None and (kind != "app_home_opened" or _is_user_id(text(event, "user")))


_WELL_FORMED: Mapping[str, Callable[[Payload], bool]] = {
    "command": _is_command,
    "block_actions": _is_block_actions,
    "view_submission": _is_view,
    "view_closed": _is_view,
    "shortcut": _is_shortcut,
    "message_action": _is_shortcut,
    "event_callback": _is_event,
    "url_verification": lambda payload: bool(text(payload, "challenge")),
    "ssl_check": lambda _: True,
}


_OUTDATED = frozenset({"interactive_message", "dialog_submission", "dialog_cancellation", "workflow_step_edit"})
"""Types that Slack's older features send. Bolt would pass them to the listener of a button, by their `callback_id`."""


def payload_type(payload: Payload) -> str:
    """Return the type of a payload, as a metrics label; "other" for types that this version does not know.

    Raises InvalidSlackRequest: 400 if a field is missing that Bolt or a listener reads without asking, 404 for an
    outdated type.
    """
    kind = payload.get("type")
    if "command" in payload:
        kind = "command"
    elif kind is None and "ssl_check" in payload:
        kind = "ssl_check"
    if not isinstance(kind, str):
        raise InvalidSlackRequest("unexpected payload", 400)
    if kind in _OUTDATED:
        raise InvalidSlackRequest("no listener", 404)
    is_well_formed = _WELL_FORMED.get(kind)
    if is_well_formed is None:
        return "other"
    if not is_well_formed(payload):
        raise InvalidSlackRequest(f"malformed {kind}", 400)
    return kind


class Dispatcher:
    """Dispatches payloads to Bolt's listeners; never raises, and never answers 500."""

    def __init__(self, app: AsyncApp, metrics: Metrics, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._metrics = metrics
        self._clock = clock
        self._next_rejection_log = 0.0

    async def dispatch(self, payload: Payload, started: float) -> BoltResponse:
        """Return Bolt's response to a verified payload; `started` is `time.perf_counter()` at its arrival."""
        try:
            kind = payload_type(payload)
            response = await self._app.async_dispatch(_bolt_request(payload))
        except InvalidSlackRequest as error:
            return self.reject(error, started)
        except Exception:
            log.exception("payload.dispatch_failed")
            kind, response = "other", BoltResponse(status=503, body="internal_error")
        self._observe(kind, response, started)
        return response

    def reject(self, error: InvalidSlackRequest, started: float) -> BoltResponse:
        """Return the response to a request that is not dispatched; each is counted, few are logged."""
        now = self._clock()
        if now >= self._next_rejection_log:
            self._next_rejection_log = now + REJECTION_LOG_INTERVAL
            log.warning("payload.rejected", problem=str(error), status=error.status)
        response = BoltResponse(status=error.status, body=str(error))
        self._observe("rejected", response, started)
        return response

    def _observe(self, kind: str, response: BoltResponse, started: float) -> None:
        self._metrics.acks.labels(kind, response.status).observe(time.perf_counter() - started)


def _bolt_request(payload: Payload) -> AsyncBoltRequest:
    """Return Bolt's request.

    With the mode `socket_mode` Bolt neither parses the body nor checks a signature.
    """
    try:
        return AsyncBoltRequest(body=payload, mode="socket_mode")
    except (AttributeError, KeyError, TypeError) as error:  # it reads nested fields without checking their types
        raise InvalidSlackRequest("unexpected payload", 400) from error
