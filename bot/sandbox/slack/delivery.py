"""What Slack sent to an app and what became of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

ACK_TIMEOUT = 3.0
"""How long Slack waits for an app (docs.slack.dev, "Implementing slash commands")."""


class NotPossibleInSlack(Exception):
    """Slack's own screen does not offer that to this person; hand in `force=True` to send it nevertheless."""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What was sent to the app and what it answered; `status` is None when no answer came.

    `seconds` is the time to the answer by the stand-in's clock; `raw` and `headers` are the request as sent, to be
    sent again; `payload` is the same as fields.
    """

    status: int | None
    body: str
    content_type: str
    seconds: float
    raw: bytes
    headers: dict[str, str]
    payload: dict[str, Any] = field(default_factory=dict)

    @property
    def json(self) -> Any:
        """The answer's body as JSON; raises JSONDecodeError when it is none."""
        return json.loads(self.body)

    @property
    def error(self) -> str | None:
        """What Slack calls the failure, as people read it; None when the app acknowledged in time."""
        if self.seconds > ACK_TIMEOUT:
            return "operation_timeout"
        return None if self.status == HTTPStatus.OK else "dispatch_failed"
