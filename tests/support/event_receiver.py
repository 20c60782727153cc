"""An HTTP server in the role of the app that Slack sends payloads to."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class ReceivedRequest:
    """A request: its raw body, its headers and the decoded form."""

    raw: bytes
    headers: dict[str, str]
    form: dict[str, str]

    @property
    def payload(self) -> dict[str, Any]:
        """Return the decoded interaction or event."""
        payload: dict[str, Any] = json.loads(self.form.get("payload") or self.raw)
        return payload


@dataclass
class Receiver:
    """A server that records every request; `answer` creates the response, by default an empty 200."""

    answer: Callable[[], web.Response] = web.Response
    received: list[ReceivedRequest] = field(default_factory=list)
    url: str = ""
    _runner: Any = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/slack/events", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/slack/events"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    @property
    def last(self) -> dict[str, Any]:
        """Return the newest interaction or event."""
        return self.received[-1].payload

    async def _handle(self, request: web.Request) -> web.Response:
        raw = await request.read()
        form = dict(parse_qsl(raw.decode(), keep_blank_values=True))
        self.received.append(ReceivedRequest(raw, dict(request.headers), form))
        return self.answer()
