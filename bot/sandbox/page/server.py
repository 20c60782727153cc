"""The web server of the sandbox page."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.sandbox.page.actions import Actions
from bot.sandbox.page.snapshot import snapshot

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.sandbox.page.actions import Action
    from bot.sandbox.session import SandboxSession

POLL_INTERVAL = 0.2
"""Time between two snapshots without a notification, in seconds.

Genesys Cloud's requests and the audit log change without one.
"""

STATIC = Path(__file__).with_name("static")

_FILES = {"/": "index.html", "/page.js": "page.js", "/page.css": "page.css", "/LICENSES.txt": "LICENSES.txt"}
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; object-src 'none'; frame-src 'none'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class PageServer:
    """Serves the page on 127.0.0.1, streams snapshots to it and executes its actions."""

    def __init__(self, session: SandboxSession) -> None:
        self._session = session
        self._closing = False
        self.app = web.Application()
        for path, name in _FILES.items():
            self.app.router.add_get(path, _file_handler(name))
        self.app.router.add_get("/events", self._stream)
        for name, action in Actions(session).by_name.items():
            self.app.router.add_post(f"/{name}", self._action_handler(action))
        self._runner = web.AppRunner(self.app, access_log=None, shutdown_timeout=1)

    async def start(self, port: int = 0) -> str:
        """Listen on 127.0.0.1 and return the page's address. Port 0 takes any free port.

        Raises OSError if the port is in use; the caller may then call `start` again with another port.
        """
        if self._runner.server is None:
            await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}/"

    async def stop(self) -> None:
        """End the open streams and stop listening."""
        self._closing = True
        self._session.notify()
        await self._runner.cleanup()

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        """Send a snapshot as a server-sent event whenever it changes."""
        response = web.StreamResponse(headers={**_HEADERS, "Content-Type": "text/event-stream"})
        await response.prepare(request)
        changed = asyncio.Event()
        self._session.listeners.append(changed.set)
        sent = ""
        try:
            while not self._closing and request.transport and not request.transport.is_closing():
                current = await self._snapshot()
                if current is not None and current != sent:
                    await response.write(f"data: {current}\n\n".encode())
                    sent = current
                with suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), POLL_INTERVAL)
                changed.clear()
        except ConnectionError:
            pass
        finally:
            self._session.listeners.remove(changed.set)
        return response

    def _action_handler(self, action: Action) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            problem = await action(await _read_object(request))
            self._session.notify()
            return web.json_response({"problem": problem})

        return handle

    async def _snapshot(self) -> str | None:
        """Return the current snapshot as JSON; None during a reset."""
        await self._session.refresh_audit_log()
        await self._session.reap_replica()
        return None if self._session.run is None else json.dumps(snapshot(self._session.run))


def _file_handler(name: str) -> Callable[[web.Request], Awaitable[web.FileResponse]]:
    async def handle(_request: web.Request) -> web.FileResponse:
        return web.FileResponse(STATIC / name, headers=_HEADERS)

    return handle


async def _read_object(request: web.Request) -> dict[str, Any]:
    """Return the JSON object in the body.

    Other content types are refused, because another site in the same browser could post a form without a preflight.
    """
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="The content type must be application/json.")
    try:
        body = json.loads(await request.text())
    except json.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text="The body must be a JSON object.")
    return body
