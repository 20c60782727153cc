"""Fast stand-ins for Slack and Genesys Cloud: as little as the bot and its peers ask for, and what they asked.

The people are numbered: U0T12 in Slack is t12@example.com, and user 0000000c-… in Genesys Cloud.
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

from bench.waiting import Arrivals
from bench.web import Asked, Reply, listen, reply

SIGNING_SECRET = "0123456789abcdef0123456789abcdef"
BOT_TOKEN = "xoxb-bench"
TEAM, APP, BOT_USER = "T0BENCH001", "A0BENCH001", "U0BENCHBOT"
APPROVER, GROUP = "U0APPROVER", "S0APPROVER"
APPROVALS, AUDIT = "C0APPROVE1", "C0AUDIT001"

_TARGET = re.compile(rb"\bt(\d+)@example\.com")
_PERSON = re.compile(rb"Person (\d+)")
_REVOKED = re.compile(rb"Revoked: every session of Person (\d+)")
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
_OK = reply(200, {"ok": True})
_NOTHING = reply(200)
_NO_TOKEN = reply(401, {"status": 401, "code": "bad.credentials", "message": "Invalid login credentials."})


def genesys_id(number: int) -> str:
    """Name a person in Genesys Cloud."""
    return f"{number:08x}-0000-4000-8000-000000000000"


@dataclass
class Genesys:
    """The login host and the Platform API; `latency` is seconds before each answer of the API."""

    url: str = ""
    latency: float = 0.0
    retry_after: int = 0
    """Seconds a 429 asks to wait, where that is what the API answers."""
    stalled: bool = False
    deletes: Counter[str] = field(default_factory=Counter)
    logins: int = 0
    in_flight: int = 0
    most_in_flight: int = 0
    arrivals: Arrivals = field(default_factory=Arrivals)
    _valid_from: int = 1
    _given: int = 0
    _info: bytes = field(default_factory=lambda: reply(200, _TOKEN_INFO).wire)

    def forget(self) -> None:
        """Begin to count anew."""
        self.deletes.clear()
        self.logins = self.in_flight = self.most_in_flight = 0

    def expire(self) -> None:
        """Let every token given out so far be refused from now on."""
        self._valid_from = self._given + 1
        self._given += 1

    def answer(self, asked: Asked) -> Reply:
        """Answer one request."""
        if asked.path == "/oauth/token":
            return self._log_in()
        if self.stalled:
            return Reply(b"")
        if self.retry_after:
            told = f"Retry-After: {self.retry_after}"
            return reply(429, {"status": 429, "code": "too.many.requests", "message": "Rate limit exceeded"}, told)
        if not self._knows(asked.head):
            return _NO_TOKEN
        answer = self._route(asked)
        if not self.latency:
            return answer
        self._fly()
        return Reply(answer.wire, self.latency)

    def _route(self, asked: Asked) -> Reply:
        path = urlsplit(asked.path).path
        if path == "/api/v2/tokens/me":
            return Reply(self._info)
        if asked.method == "DELETE" and path.startswith("/api/v2/tokens/"):
            person = path.rpartition("/")[2]
            self.deletes[person] += 1
            self.arrivals.came(person)
            return _NOTHING
        if path == "/api/v2/users/search":
            return _people(asked.body)
        return reply(404, {"status": 404, "code": "not.found", "message": f"no stand-in for {path}"})

    def _log_in(self) -> Reply:
        self.logins += 1
        self._given += 1
        return reply(200, {"access_token": f"token-{self._given}", "token_type": "bearer", "expires_in": 86400})

    def _knows(self, head: bytes) -> bool:
        found = re.search(rb"token-(\d+)", head)
        return found is not None and int(found[1]) >= self._valid_from

    def _fly(self) -> None:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        asyncio.get_running_loop().call_later(self.latency, self._land)

    def _land(self) -> None:
        self.in_flight -= 1


def _people(body: bytes) -> Reply:
    email = str(json.loads(body)["query"][0]["value"])
    found = _TARGET.search(email.encode())
    number = int(found[1]) if found else 0
    person = {
        "id": genesys_id(number),
        "name": f"Person {number}",
        "email": email,
        "state": "active",
        "division": {"id": "division-home", "name": "Home"},
    }
    return reply(200, {"total": 1, "pageCount": 1, "pageSize": 25, "pageNumber": 1, "results": [person]})


@dataclass(frozen=True, slots=True)
class Card:
    """A message with buttons, as the bot posted it."""

    channel: str
    ts: str
    blocks: list[dict[str, Any]]

    @property
    def has_buttons(self) -> bool:
        """Whether it can be clicked."""
        return any(block.get("type") == "actions" for block in self.blocks)

    @property
    def request_id(self) -> str:
        """The value of its first button."""
        found = (part["value"] for block in self.blocks for part in block.get("elements", ()) if "value" in part)
        return str(next(found))


@dataclass
class Slack:
    """The Web API and the addresses that commands and clicks bring."""

    url: str = ""
    calls: Counter[str] = field(default_factory=Counter)
    arrivals: Arrivals = field(default_factory=Arrivals)
    """`card t12`: the card about t12; `end t12`: it shows an end; `told t12`: the audit channel heard;
    `answer x`: the response_url /answer/x was used; `users.info` and so on: that method was called."""
    _posted: int = 0

    @property
    def api_url(self) -> str:
        """What SLACK_API_URL is."""
        return f"{self.url}/api"

    def answer(self, asked: Asked) -> Reply:
        """Answer one request."""
        path, _, query = asked.path.partition("?")
        name = path.rpartition("/")[2]
        if path.startswith("/answer/"):
            self.arrivals.came(f"answer {name}", asked.body)
            return _OK
        self.calls[name] += 1
        self.arrivals.came(name)
        match name:
            case "users.info":
                return _member(parse_qs(query or asked.body.decode())["user"][0])
            case "usergroups.users.list":
                return reply(200, {"ok": True, "users": [APPROVER]})
            case "auth.test":
                return _ME
            case "chat.postMessage" | "chat.update":
                return self._message(name, json.loads(asked.body), asked.body)
        return reply(200, {"ok": False, "error": "unknown_method"})

    def _message(self, method: str, said: dict[str, Any], raw: bytes) -> Reply:
        self._posted += 1
        ts = str(said.get("ts") or f"1700000000.{self._posted:06d}")
        channel = "D0APPROVER" if said["channel"].startswith("U") else str(said["channel"])
        card = Card(channel, ts, said.get("blocks") or [])
        revoked = _REVOKED.search(raw)
        if revoked:
            self.arrivals.came(f"{'end' if method == 'chat.update' else 'told'} t{int(revoked[1])}", card)
        elif card.has_buttons and (found := _PERSON.search(raw)):
            self.arrivals.came(f"card t{int(found[1])}", card)
        return reply(200, {"ok": True, "channel": channel, "ts": ts, "message": {"ts": ts}})


_ME = reply(
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


def _member(user_id: str) -> Reply:
    number = user_id.removeprefix("U0T")
    email = f"t{number}@example.com" if number.isdigit() else f"{user_id.lower()}@example.com"
    member = {
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
    return reply(200, {"ok": True, "user": member})


@dataclass(frozen=True)
class World:
    """Both stand-ins, listening."""

    slack: Slack
    genesys: Genesys

    def environ(self, port: int, database_url: str) -> dict[str, str]:
        """The environment that leads a bot to them."""
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
            "LOG_LEVEL": "warning",
            "LOG_FORMAT": "json",
        }


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    """Start both, stop both."""
    slack, genesys = Slack(), Genesys()
    slack_server, slack.url = await listen(slack.answer)
    genesys_server, genesys.url = await listen(genesys.answer)
    try:
        yield World(slack, genesys)
    finally:
        slack_server.close()
        genesys_server.close()
