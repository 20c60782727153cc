"""The page on which one plays the people of the sandbox and watches what Genesys Cloud receives."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.sandbox.page.actions import Acts
from bot.sandbox.page.snapshot import snapshot

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.sandbox.page.actions import Act
    from bot.sandbox.session import Stage

_LOOK_AGAIN = 0.2
"""Seconds between two looks at Genesys' journal and the trail, which tell nobody when they grow."""
STATIC = Path(__file__).with_name("static")
_FILES = {"/": "index.html", "/page.js": "page.js", "/page.css": "page.css", "/LICENSES.txt": "LICENSES.txt"}
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; object-src 'none'; frame-src 'none'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class SandboxPage:
    """Serves the page on 127.0.0.1, tells it what there is to see, and does what is done on it."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._closing = False
        self.app = web.Application()
        for path, name in _FILES.items():
            self.app.router.add_get(path, _serving(name))
        self.app.router.add_get("/events", self._events)
        for name, act in Acts(stage).by_name.items():
            self.app.router.add_post(f"/{name}", self._taking(act))
        self._runner = web.AppRunner(self.app, access_log=None, shutdown_timeout=1)

    async def start(self, port: int = 0) -> str:
        """Listen on 127.0.0.1 (port 0: any free one) and return the page's address.

        Raises OSError when the port is taken; it may be started again with another one.
        """
        if self._runner.server is None:
            await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}/"

    async def stop(self) -> None:
        """End the open streams and stop listening."""
        self._closing = True
        self._stage.ring()
        await self._runner.cleanup()

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: the whole snapshot, whenever it is another one."""
        response = web.StreamResponse(headers={**_HEADERS, "Content-Type": "text/event-stream"})
        await response.prepare(request)
        changed = asyncio.Event()
        self._stage.bells.append(changed.set)
        shown = ""
        try:
            while not self._closing and request.transport and not request.transport.is_closing():
                now = await self._now()
                if now is not None and now != shown:
                    await response.write(f"data: {now}\n\n".encode())
                    shown = now
                with suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), _LOOK_AGAIN)
                changed.clear()
        except ConnectionError:
            pass
        finally:
            self._stage.bells.remove(changed.set)
        return response

    def _taking(self, act: Act) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def take(request: web.Request) -> web.Response:
            problem = await act(await _json(request))
            self._stage.ring()  # what somebody did is seen at once
            return web.json_response({"problem": problem})

        return take

    async def _now(self) -> str | None:
        """What there is to see; None between two plays."""
        await self._stage.read_trail()
        await self._stage.miss_the_dead()
        return None if self._stage.play is None else json.dumps(snapshot(self._stage.play))


def _serving(name: str) -> Callable[[web.Request], Awaitable[web.FileResponse]]:
    async def serve(_request: web.Request) -> web.FileResponse:
        return web.FileResponse(STATIC / name, headers=_HEADERS)

    return serve


async def _json(request: web.Request) -> dict[str, Any]:
    """JSON alone is taken: a form could be posted by any other site open in the same browser."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="application/json is needed.")
    try:
        asked = json.loads(await request.text())
    except json.JSONDecodeError:
        asked = None
    if not isinstance(asked, dict):
        raise web.HTTPBadRequest(text="A JSON object is needed.")
    return asked
