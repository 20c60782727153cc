"""The result of sending a payload to the app, and what Slack shows of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, NamedTuple

ACK_TIMEOUT = 3.0
"""How long Slack waits for an acknowledgement, in seconds (docs.slack.dev, "Handling user interaction")."""

MODAL_NOTICE = "We had some trouble connecting. Try again?"
"""What a modal shows if the app does not take a submission or responds with something that Slack cannot use."""

SHORTCUT_NOTICE = "Sorry, that didn't work. Try again?"
"""What Slack's client shows if the app does not take a shortcut."""

CLICK_NOTICE = "⚠️"
"""The warning triangle that Slack's client shows beside a button if the app does not take the click."""

_NOTICES = {
    "view_submission": MODAL_NOTICE,
    "shortcut": SHORTCUT_NOTICE,
    "message_action": SHORTCUT_NOTICE,
    "block_actions": CLICK_NOTICE,
}


class NotPossibleInSlack(Exception):
    """Slack's client does not offer this action; `force=True` sends it anyway."""


class InvalidAppResponse(Exception):
    """The app acknowledged a submission with a response that Slack cannot use."""


class Retry(NamedTuple):
    """The number of an event's retry, and the reason; number 0 is the first attempt."""

    number: int = 0
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """A payload that was sent to the app, and the app's response.

    `status` is None without a response. `seconds` is the response time by the fake's clock. `raw` and `headers` are
    the request, so that a test can send it again; they are empty over Socket Mode.
    """

    status: int | None
    body: str
    content_type: str
    seconds: float
    raw: bytes
    headers: dict[str, str]
    payload: dict[str, Any] = field(default_factory=dict)
    response_headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def json(self) -> Any:
        """The decoded body; raises JSONDecodeError."""
        return json.loads(self.body)

    @property
    def error(self) -> str | None:
        """Slack's error code; None if the app acknowledged in time."""
        if self.seconds > ACK_TIMEOUT:
            return "operation_timeout"
        if self.status is None or self.status < HTTPStatus.OK:
            return "dispatch_failed"
        if self.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return "http_service_error"
        if self.status >= HTTPStatus.BAD_REQUEST:
            return "http_client_error"
        return None if self.status == HTTPStatus.OK else "dispatch_failed"

    @property
    def notice(self) -> str | None:
        """What Slack's client shows because of the error; None for nothing."""
        if self.error is None:
            return None
        if "command" in self.payload:
            return f'{self.payload["command"]} failed with the error "{self.error}"'
        return _NOTICES.get(str(self.payload.get("type")))
