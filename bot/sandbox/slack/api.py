"""Slack's Web API over HTTP: tokens, scopes, faults and a log of calls."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.sandbox.rate_limits import Bursts, RequestWindow
from bot.sandbox.slack.faults import SlackFault, SlackFaults
from bot.sandbox.slack.methods import METHODS, MethodError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.sandbox.slack.messages import Conversations


@dataclass(frozen=True, kw_only=True)
class ApiCall:
    """A call with its decoded arguments; `answer` is None if the response was not JSON.

    A request to a response_url is a call of the method "response_url". `at` is in seconds since the epoch.
    """

    method: str
    args: dict[str, Any]
    answer: dict[str, Any] | None
    status: int
    at: float


RATE_LIMITS = {
    "users.info": 100, "users.lookupByEmail": 50, "usergroups.users.list": 20, "chat.update": 50,
    "conversations.info": 50, "views.open": 100, "views.publish": 100, "auth.test": 600,
}  # fmt: skip
"""Calls a minute of the methods that the bot uses (docs.slack.dev, Rate limits: Tiers 2 to 4)."""

POST_BURST = 3
"""Messages at once to one channel. Slack allows about one a second, and short bursts above it."""

_JSON_ARGUMENTS = ("blocks", "metadata", "attachments", "files")
"""Arguments that are JSON inside a form."""


class WebApi:
    """Handles `/api/<method>` and records every call in `calls`."""

    def __init__(
        self,
        conversations: Conversations,
        *,
        token: str,
        scopes: frozenset[str],
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[object]],
    ) -> None:
        self.token = token
        self.scopes = scopes
        self.calls: list[ApiCall] = []
        self.faults = SlackFaults()
        self.enforces_rate_limits = False
        """Whether calls above `RATE_LIMITS` get the status 429, and messages to a channel above one a second."""
        self._windows: dict[str, RequestWindow | Bursts] = {}
        self.methods = dict(METHODS)
        """The methods that take a bot token, by name."""
        self.app_level: dict[str, Callable[[object], dict[str, Any]]] = {}
        """The methods that take an app-level token: a function of the token that returns the response."""
        self._conversations = conversations
        self._clock = clock
        self._sleep = sleep

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Handle one call by GET or POST, as a form or as JSON."""
        name = request.match_info["method"]
        args = await _arguments(request)
        token = _bearer(request) or args.pop("token", None)
        return await self.respond(request, name, args, lambda: self._execute(name, token, args))

    async def respond(
        self, request: web.Request, name: str, args: dict[str, Any], execute: Callable[[], web.Response]
    ) -> web.StreamResponse:
        """Execute a call under its injected fault and record it."""
        fault = self.faults.next_for(name)
        if self._is_limited(name, args):
            fault = SlackFault(retry_after=self._window(name, args).retry_after)
        if fault.delay:
            await self._sleep(fault.delay)
        response = execute() if fault.after or not fault.replaces_response else None
        if response is None or fault.replaces_response:
            response = self._faulty_response(request, fault)
        answer = json.loads(response.text or "{}") if response.content_type == "application/json" else None
        self.calls.append(ApiCall(method=name, args=args, answer=answer, status=response.status, at=self._clock()))
        return response

    def _window(self, name: str, args: dict[str, Any]) -> RequestWindow | Bursts:
        if name == "chat.postMessage":
            return self._windows.setdefault(f"{name} {args.get('channel')}", Bursts(POST_BURST, self._clock))
        return self._windows.setdefault(name, RequestWindow(RATE_LIMITS.get(name, 1_000_000), self._clock))

    def _is_limited(self, name: str, args: dict[str, Any]) -> bool:
        """Count a call; return whether it is above the limit of its method."""
        if not self.enforces_rate_limits:
            return False
        window = self._window(name, args)
        if window.full:
            return True
        window.add()
        return False

    def _execute(self, name: str, token: object, args: dict[str, Any]) -> web.Response:
        try:
            answer = {"ok": True, **self._result(name, token, args)}
        except MethodError as error:
            answer = {"ok": False, "error": error.code, **error.more}
        return web.json_response(answer, headers={"x-oauth-scopes": ",".join(sorted(self.scopes))})

    def _result(self, name: str, token: object, args: dict[str, Any]) -> dict[str, Any]:
        method = self.methods.get(name)
        if name in self.app_level:
            return self.app_level[name](token)
        if method is None:
            raise MethodError("unknown_method", req_method=name)
        if not token:
            raise MethodError("not_authed")
        if token != self.token:
            raise MethodError("invalid_auth")
        if method.scope and method.scope not in self.scopes:
            raise MethodError("missing_scope", needed=method.scope, provided=",".join(sorted(self.scopes)))
        return method.execute(self._conversations, args, self.scopes)

    def _faulty_response(self, request: web.Request, fault: SlackFault) -> web.Response:
        if fault.drop:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=HTTPStatus.BAD_GATEWAY)
        if fault.html is not None:
            return web.Response(status=fault.http_status, text=fault.html, content_type="text/html")
        headers = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
        return web.json_response({"ok": False, "error": fault.code}, status=fault.http_status, headers=headers)


def _bearer(request: web.Request) -> str | None:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind == "Bearer" else None


async def _arguments(request: web.Request) -> dict[str, Any]:
    """Return the decoded arguments; invalid JSON stays a string."""
    args: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        body = _decoded(await request.text())
        args |= body if isinstance(body, dict) else {}
    elif request.method == "POST":
        args |= dict(await request.post())
    for name in _JSON_ARGUMENTS:
        if isinstance(args.get(name), str):
            args[name] = _decoded(args[name])
    return args


def _decoded(text: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
