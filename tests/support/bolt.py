"""A Bolt app with the bot's listeners and stub services, for tests of single listeners."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

import handlers
from bot.domain.people import Workspace
from handlers.budgets import PersonBudgets
from handlers.messages import Catalog
from handlers.middleware import Gate, ReplayFilter
from tests.support.clock import FakeClock
from tests.support.examples import WORKSPACE
from tests.support.stub_services import ENGLISH, StubServices

UNREACHABLE = "http://127.0.0.1:9/api/"
"""A Web API on a port on which no server listens, because listeners call Slack through the services."""

USER = {"id": "U0RAVI0001", "team_id": WORKSPACE.team_id}


@dataclass
class StubWorkspace:
    """A workspace that is known, or not yet."""

    current: Workspace = WORKSPACE
    is_known: bool = True


@dataclass
class BoltHarness:
    """Bolt with the bot's listeners."""

    services: StubServices = field(default_factory=StubServices)
    workspace: StubWorkspace = field(default_factory=StubWorkspace)
    catalog: Catalog = ENGLISH
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        self.gate = Gate(
            self.services,
            self.workspace,
            self.catalog,
            PersonBudgets(30, 60, clock=self.clock),
            ReplayFilter(self.clock),
        )

        async def authorize(**_: Any) -> AuthorizeResult:
            return AuthorizeResult(enterprise_id=None, team_id=WORKSPACE.team_id, bot_token="xoxb-made-up")

        self.app = AsyncApp(
            client=AsyncWebClient("xoxb-made-up", base_url=UNREACHABLE, retry_handlers=[]),
            authorize=authorize,
            before_authorize=self.gate,
            process_before_response=True,
            request_verification_enabled=False,
            raise_error_for_unhandled_request=True,
        )
        handlers.register(self.app)

    async def send(self, payload: dict[str, Any]) -> BoltResponse:
        """Dispatch a verified payload."""
        return await self.app.async_dispatch(AsyncBoltRequest(body=payload, mode="socket_mode"))

    async def command(self, line: str, **fields: Any) -> BoltResponse:
        """Dispatch `/purecloud <line>`."""
        return await self.send({
            "command": "/purecloud", "text": line, "user_id": USER["id"], "team_id": USER["team_id"],
            "channel_id": "C0OPS00001", "trigger_id": "1.2.trigger", **fields,
        })  # fmt: skip


def body(response: BoltResponse) -> dict[str, Any]:
    """Return the JSON body of a response."""
    parsed = json.loads(response.body)
    assert isinstance(parsed, dict)
    return parsed
