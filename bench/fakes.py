"""Fast fakes of Slack and Genesys Cloud that answer only what the bot and its baselines request.

Users are numbered: U0T12 in Slack is t12@example.com, and user 0000000c-… in Genesys Cloud.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from bench.events import EventRecorder
from bench.http_server import HttpRequest, HttpResponse, listen, respond

SIGNING_SECRET = "0123456789abcdef0123456789abcdef"
BOT_TOKEN = "xoxb-bench"
TEAM, APP, BOT_USER = "T0BENCH001", "A0BENCH001", "U0BENCHBOT"
APPROVER, GROUP = "U0APPROVER", "S0APPROVER"
APPROVALS, AUDIT = "C0APPROVE1", "C0AUDIT001"

_EMAIL = re.compile(rb"\bt(\d+)@example\.com")
_PERSON = re.compile(rb"Person (\d+)")
_REVOKED = re.compile(rb"Revoked: [a-z ]+ Person (\d+)")
_TOKEN_INFO = {
    "organization": {"id": "org-1", "name": "Bench"},
    "homeOrganization": {"id": "org-1", "name": "Bench"},
    "authorizedScope": [],
    "dateTokenIdles": "2030-01-01T00:00:00.000Z",
    "OAuthClient": {
        "id": "client-1",
        "name": "Bench client",
        "authorizedGrantType": "CLIENT-CREDENTIALS",
        "scope": [],
        "state": "active",
        "organization": {"id": "org-1", "name": "Bench"},
    },
}
_LIVE_STATE = {
    "presence": {"presenceDefinition": {"systemPresence": "Available"}},
    "routingStatus": {"status": "IDLE"},
    "conversationSummary": {
        kind: {"contactCenter": {"active": 0, "acw": 0}, "enterprise": {"active": 0, "acw": 0}}
        for kind in ("call", "callback", "email", "message", "chat", "socialExpression", "video")
    },
}
_SLACK_OK = respond(200, {"ok": True})
_EMPTY = respond(200)
_UNAUTHORIZED = respond(401, {"status": 401, "code": "bad.credentials", "message": "Invalid login credentials."})


def genesys_id(number: int) -> str:
    """Return the id of a user in Genesys Cloud."""
    return f"{number:08x}-0000-4000-8000-000000000000"


@dataclass
class FastGenesys:
    """The login host and the Platform API of Genesys Cloud."""

    url: str = ""
    latency: float = 0.0
    """Delay of each response of the API, in seconds."""
    retry_after: int = 0
    """If not 0, the API returns 429 with this Retry-After, in seconds."""
    allowed: int = 0
    """If not 0, the responses to DELETEs report this allowance, in requests a minute. It is not enforced."""
    stalled: bool = False
    """Whether the API never responds."""
    deletes: Counter[str] = field(default_factory=Counter)
    logins: int = 0
    in_flight: int = 0
    max_in_flight: int = 0
    events: EventRecorder = field(default_factory=EventRecorder)
    """`<user id>`: the API has received a DELETE of this user's tokens."""
    _first_valid_token: int = 1
    _last_token: int = 0
    _token_info: bytes = field(default_factory=lambda: respond(200, _TOKEN_INFO).wire)

    def reset_counters(self) -> None:
        """Set all counters to 0."""
        self.deletes.clear()
        self.logins = self.in_flight = self.max_in_flight = 0

    def expire_tokens(self) -> None:
        """Reject every token issued so far."""
        self._first_valid_token = self._last_token + 1
        self._last_token += 1

    def handle(self, request: HttpRequest) -> HttpResponse:
        """Return the response to one request."""
        if request.path == "/oauth/token":
            return self._log_in()
        if self.stalled:
            return HttpResponse(b"")
        if self.retry_after:
            header = f"Retry-After: {self.retry_after}"
            return respond(429, {"status": 429, "code": "too.many.requests", "message": "Rate limit exceeded"}, header)
        if not self._is_authorized(request.head):
            return _UNAUTHORIZED
        response = self._route(request)
        if not self.latency:
            return response
        self._count_in_flight()
        return HttpResponse(response.wire, self.latency)

    def _route(self, request: HttpRequest) -> HttpResponse:
        path = urlsplit(request.path).path
        if path == "/api/v2/tokens/me":
            return HttpResponse(self._token_info)
        if request.method == "DELETE" and path.startswith("/api/v2/tokens/"):
            user_id = path.rpartition("/")[2]
            self.deletes[user_id] += 1
            self.events.record(user_id)
            return self._allowance() if self.allowed else _EMPTY
        if path == "/api/v2/users/search":
            return _search_result(request.body)
        if request.method == "GET" and path.startswith("/api/v2/users/"):
            return respond(200, _user(path.rpartition("/")[2], "agent@example.com") | _LIVE_STATE)
        return respond(404, {"status": 404, "code": "not.found", "message": f"the fake has no {path}"})

    def _allowance(self) -> HttpResponse:
        counts = {"count": 1, "allowed": self.allowed, "reset": 60}
        return respond(200, None, *(f"inin-ratelimit-{name}: {value}" for name, value in counts.items()))

    def _log_in(self) -> HttpResponse:
        self.logins += 1
        self._last_token += 1
        token = {"access_token": f"token-{self._last_token}", "token_type": "bearer", "expires_in": 86400}
        return respond(200, token)

    def _is_authorized(self, head: bytes) -> bool:
        found = re.search(rb"token-(\d+)", head)
        return found is not None and int(found[1]) >= self._first_valid_token

    def _count_in_flight(self) -> None:
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        asyncio.get_running_loop().call_later(self.latency, self._count_response)

    def _count_response(self) -> None:
        self.in_flight -= 1


def _user(user_id: str, email: str) -> dict[str, Any]:
    return {
        "id": user_id,
        "name": f"Person {int(user_id[:8], 16)}",
        "email": email,
        "state": "active",
        "division": {"id": "division-home", "name": "Home"},
    }


def _search_result(body: bytes) -> HttpResponse:
    email = str(json.loads(body)["query"][0]["value"])
    found = _EMAIL.search(email.encode())
    user = _user(genesys_id(int(found[1]) if found else 0), email)
    return respond(200, {"total": 1, "pageCount": 1, "pageSize": 25, "pageNumber": 1, "results": [user]})


@dataclass(frozen=True, slots=True)
class PostedCard:
    """A message with blocks, as a bot posted it."""

    channel: str
    ts: str
    blocks: list[dict[str, Any]]

    @property
    def has_buttons(self) -> bool:
        """Whether it has buttons."""
        return any(block.get("type") == "actions" for block in self.blocks)

    @property
    def request_id(self) -> str:
        """The value of its first button."""
        found = (part["value"] for block in self.blocks for part in block.get("elements", ()) if "value" in part)
        return str(next(found))


@dataclass
class FastSlack:
    """Slack's Web API and the response URLs of commands and clicks."""

    url: str = ""
    calls: Counter[str] = field(default_factory=Counter)
    events: EventRecorder = field(default_factory=EventRecorder)
    """`card t12`: the card for t12 was posted; `outcome t12`: it shows an outcome; `response x`: the response URL
    /response/x was used; `users.info` etc.: the method was called."""
    _posted: int = 0

    @property
    def api_url(self) -> str:
        """The value of SLACK_API_URL."""
        return f"{self.url}/api"

    def handle(self, request: HttpRequest) -> HttpResponse:
        """Return the response to one request."""
        path, _, query = request.path.partition("?")
        name = path.rpartition("/")[2]
        if path.startswith("/response/"):
            self.events.record(f"response {name}", request.body)
            return _SLACK_OK
        self.calls[name] += 1
        self.events.record(name)
        match name:
            case "users.info":
                return _user_info(parse_qs(query or request.body.decode())["user"][0])
            case "chat.postMessage" | "chat.update":
                return self._message(name, json.loads(request.body), request.body)
        return _ANSWERS.get(name) or respond(200, {"ok": False, "error": "unknown_method"})

    def _message(self, method: str, message: dict[str, Any], raw: bytes) -> HttpResponse:
        self._posted += 1
        ts = str(message.get("ts") or f"1700000000.{self._posted:06d}")
        channel = "D0APPROVER" if message["channel"].startswith("U") else str(message["channel"])
        card = PostedCard(channel, ts, message.get("blocks") or [])
        revoked = _REVOKED.search(raw)
        if revoked and method == "chat.update":
            self.events.record(f"outcome t{int(revoked[1])}", card)
        elif card.has_buttons and (found := _PERSON.search(raw)):
            self.events.record(f"card t{int(found[1])}", card)
        return respond(200, {"ok": True, "channel": channel, "ts": ts, "message": {"ts": ts}})


_AUTH_TEST = respond(
    200,
    {
        "ok": True,
        "url": "https://bench.slack.com/",
        "team": "Bench",
        "user": "purecloud",
        "team_id": TEAM,
        "user_id": BOT_USER,
        "bot_id": "B0BENCH001",
        "app_id": APP,
    },
    "X-OAuth-Scopes: commands,chat:write,users:read,users:read.email,usergroups:read",
)
_ANSWERS = {
    "auth.test": _AUTH_TEST,
    "usergroups.users.list": respond(200, {"ok": True, "users": [APPROVER]}),
    "conversations.info": respond(200, {"ok": True, "channel": {"is_private": False, "is_ext_shared": False}}),
    "chat.getPermalink": respond(200, {"ok": True, "permalink": "https://bench.slack.com/archives/C0APPROVE1/p1"}),
}
"""The responses that are always the same."""


def _user_info(user_id: str) -> HttpResponse:
    number = user_id.removeprefix("U0T")
    email = f"t{number}@example.com" if number.isdigit() else f"{user_id.lower()}@example.com"
    user = {
        "id": user_id,
        "team_id": TEAM,
        "name": user_id.lower(),
        "real_name": f"Person {number}",
        "deleted": False,
        "is_bot": False,
        "is_restricted": False,
        "is_ultra_restricted": False,
        "is_email_confirmed": True,
        "profile": {"real_name": f"Person {number}", "display_name": "", "email": email},
    }
    return respond(200, {"ok": True, "user": user})


@dataclass(frozen=True)
class FakeServices:
    """Both fakes, listening on local ports."""

    slack: FastSlack
    genesys: FastGenesys

    def environ(self, port: int, database_url: str) -> dict[str, str]:
        """Return the environment of a bot that uses the fakes."""
        return {
            "SLACK_BOT_TOKEN": BOT_TOKEN,
            "SLACK_SIGNING_SECRET": SIGNING_SECRET,
            "SLACK_API_URL": self.slack.api_url,
            "PURECLOUD_CLIENT_ID": "client-1",
            "PURECLOUD_SECRET": "secret",
            "PURECLOUD_API_URL": self.genesys.url,
            "PURECLOUD_LOGIN_URL": self.genesys.url,
            "DATABASE_URL": database_url,
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "APPROVERS": GROUP,
            "AUDIT_CHANNEL": AUDIT,
            "REQUEST_TTL": "12h",
            "MAX_COMMANDS_PER_MINUTE": "1000000",
            "MAX_OPEN_REQUESTS": "100",
            "MAX_CLICKS_PER_MINUTE": "1000000",
            "LOG_LEVEL": "warning",
            "LOG_FORMAT": "json",
        }


@asynccontextmanager
async def fake_services() -> AsyncIterator[FakeServices]:
    """Start both fakes; stop them at the end."""
    slack, genesys = FastSlack(), FastGenesys()
    slack_server, slack.url = await listen(slack.handle)
    genesys_server, genesys.url = await listen(genesys.handle)
    try:
        yield FakeServices(slack, genesys)
    finally:
        slack_server.close()
        genesys_server.close()
