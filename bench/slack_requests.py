"""Commands and clicks as Slack sends them, signed or forged, as raw bytes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from bench.fakes import APP, APPROVER, SIGNING_SECRET, TEAM, PostedCard
from bot.sandbox.slack.payloads import as_form, as_payload_form, signature


@dataclass(frozen=True)
class SlackRequests:
    """A source of unique requests; their response URLs start with `response_url`."""

    response_url: str
    secret: str = SIGNING_SECRET
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def forged(self) -> SlackRequests:
        """Return a source of requests that are signed with a wrong secret."""
        return replace(self, secret="f" * 32)

    def command(self, text: str, *, response: str = "") -> bytes:
        """Return `/purecloud <text>` by the approver; `response` ends its response URL."""
        number = next(self._numbers)
        fields = {
            "token": "deprecated",
            "team_id": TEAM,
            "team_domain": "bench",
            "channel_id": "C0OPS00001",
            "channel_name": "ops",
            "user_id": APPROVER,
            "user_name": "approver",
            "command": "/purecloud",
            "text": text,
            "api_app_id": APP,
            "is_enterprise_install": "false",
            "response_url": f"{self.response_url}/response/{response or number}",
            "trigger_id": f"{number}.{time.monotonic_ns()}.command",
        }
        return self._signed(as_form(fields))

    def click(self, card: PostedCard, action: str = "approve") -> bytes:
        """Return the approver's click on a button of a card."""
        number = next(self._numbers)
        button = {"type": "button", "action_id": action, "value": card.request_id, "style": "danger"}
        payload: dict[str, Any] = {
            "type": "block_actions",
            "user": {"id": APPROVER, "username": "approver", "name": "approver", "team_id": TEAM},
            "api_app_id": APP,
            "token": "deprecated",
            "team": {"id": TEAM, "domain": "bench"},
            "enterprise": None,
            "is_enterprise_install": False,
            "container": {"type": "message", "message_ts": card.ts, "channel_id": card.channel, "is_ephemeral": False},
            "channel": {"id": card.channel, "name": "directmessage"},
            "state": {"values": {}},
            "message": {"type": "message", "ts": card.ts, "user": "U0BENCHBOT", "text": "", "blocks": card.blocks},
            "response_url": f"{self.response_url}/response/{number}",
            "trigger_id": f"{number}.{time.monotonic_ns()}.click",
            "actions": [button | {"block_id": "actions", "action_ts": f"{time.time():.6f}"}],
        }
        return self._signed(as_payload_form(payload))

    def _signed(self, body: bytes) -> bytes:
        timestamp = str(int(time.time()))
        lines = (
            "POST /slack/events HTTP/1.1",
            "Host: bot.example",
            "User-Agent: Slackbot 1.0 (+https://api.slack.com/robots)",
            "Accept: application/json,*/*",
            "Accept-Encoding: gzip,deflate",
            "Content-Type: application/x-www-form-urlencoded",
            f"X-Slack-Request-Timestamp: {timestamp}",
            f"X-Slack-Signature: {signature(self.secret, body, timestamp)}",
            f"Content-Length: {len(body)}",
            "",
            "",
        )
        return "\r\n".join(lines).encode() + body


EXAMPLE_CARD = PostedCard(
    "D0APPROVER",
    "1700000000.000001",
    [
        {"type": "header", "text": {"type": "plain_text", "text": "Revoke access of Person 1?"}, "block_id": "b1"},
        {
            "type": "section",
            "block_id": "b2",
            "fields": [
                {"type": "mrkdwn", "text": f"*{name}*\n{value}"}
                for name, value in (
                    ("Person", "Person 1"),
                    ("E-mail", "t1@example.com"),
                    ("Id", "00000001-0000-4000-8000-000000000000"),
                    ("Division", "Home"),
                    ("State", "active"),
                    ("Slack", "<@U0T1>"),
                )
            ],
        },
        {"type": "section", "block_id": "b3", "text": {"type": "mrkdwn", "text": "What will happen. " * 30}},
        {
            "type": "actions",
            "block_id": "b4",
            "elements": [
                {
                    "type": "button",
                    "action_id": action,
                    "text": {"type": "plain_text", "text": action},
                    "value": "kJ8sH2nQ0xYwB3vT5rLmZaPc",
                }
                for action in ("approve", "cancel")
            ],
        },
    ],
)
"""A card of the usual size, for servers that do not post one."""
