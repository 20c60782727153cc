"""An app as Slack sees it: takes what it is sent, answers what it was told to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Received:
    """One request: raw bytes, headers and the fields of the form."""

    raw: bytes
    headers: dict[str, str]
    form: dict[str, str]


@dataclass
class Receiver:
    """A server that keeps every request; `answer` makes the response, 200 and nothing unless a test says so."""

    answer: Callable[[], web.Response] = web.Response
    received: list[Received] = field(default_factory=list)
    url: str = ""
    _runner: Any = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/slack/events", self._take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/slack/events"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        raw = await request.read()
        form = dict(parse_qsl(raw.decode(), keep_blank_values=True))
        self.received.append(Received(raw, dict(request.headers), form))
        return self.answer()
