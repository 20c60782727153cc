"""The page on which one plays the people of the sandbox and watches what Genesys Cloud receives."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.sandbox import cast
from bot.sandbox.slack import NotPossibleInSlack

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from bot.sandbox.genesys import Entry, GenesysStandIn
    from bot.sandbox.slack import Delivery, SlackStandIn
    from bot.sandbox.slack_messages import Message

COMMAND = "/purecloud"
_LOOK_AGAIN = 0.2
"""Seconds between two looks at Genesys' journal, which tells nobody when it grows."""
_ENTRIES = 200
"""How much of the journal the page shows."""
_FILES = ("page.css", "page.js", "blocks.js", "mrkdwn.js")
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class SandboxPage:
    """Serves the page on 127.0.0.1; types and clicks through the Slack stand-in, as the person one picked."""

    def __init__(self, slack: SlackStandIn, genesys: GenesysStandIn) -> None:
        self._slack = slack
        self._genesys = genesys
        self._about = {character.member.id: character.about for character in cast.characters()}
        self._last: Delivery | None = None
        self._closing = False
        self.app = web.Application()
        self.app.router.add_get("/", _serving("page.html"))
        for name in _FILES:
            self.app.router.add_get(f"/{name}", _serving(name))
        self.app.router.add_get("/events", self._events)
        self.app.router.add_post("/say", self._say)
        self.app.router.add_post("/click", self._click)
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
        await self._runner.cleanup()

    def snapshot(self) -> dict[str, Any]:
        """All that the page shows, for everybody; which person sees what stands beside each message."""
        return {
            "people": [self._person(user_id) for user_id in self._slack.members],
            "channels": [asdict(channel) for channel in self._slack.channels.values()],
            "groups": {group.id: group.handle for group in self._slack.groups.values()},
            "messages": [self._message(place, said) for place, said in enumerate(self._slack.messages)],
            "examples": cast.EXAMPLES,
            "trouble": self._trouble(),
            "journal": [_entry(entry) for entry in self._genesys.journal[-_ENTRIES:]],
            "sessions": [
                {"id": key, "name": person.name, "state": person.state, "sessions": person.sessions}
                for key, person in self._genesys.state.people.items()
            ],
        }

    def _person(self, user_id: str) -> dict[str, Any]:
        member = self._slack.members[user_id]
        playable = not (member.is_bot or member.deleted)
        return {
            "id": member.id,
            "name": member.name,
            "real_name": member.real_name,
            "about": self._about.get(member.id, ""),
            "playable": playable,
            "can_type": not self._slack.workspace.is_outsider(member),
            "dm": self._slack.workspace.dm(member.id).id if playable else None,
        }

    def _message(self, place: int, message: Message) -> dict[str, Any]:
        return {
            "place": place,
            "version": len(message.versions) + message.deleted,
            "at": float(message.ts),
            "channel": message.channel_id,
            "author": message.author_id,
            "only_for": message.only_for,
            "deleted": message.deleted,
            "edited": bool(message.history),
            "text": message.text,
            "blocks": message.blocks,
        }

    def _trouble(self) -> str | None:
        if not self._slack.events_url:
            return "The bot has not started yet."
        if self._last is None or self._last.error is None:
            return None
        said = "did not answer" if self._last.status is None else f"answered {self._last.status}"
        return f"The bot {said} ({self._last.error}). Is it still running? The terminal tells more."

    async def _say(self, request: web.Request) -> web.Response:
        """`{user, channel, text}`: a `/purecloud` goes to the bot, anything else is small talk."""
        asked = await _json(request)
        user, channel, text = (_text(asked, key) for key in ("user", "channel", "text"))
        if user not in self._slack.members or channel not in self._slack.channels or not text.strip():
            raise web.HTTPBadRequest(text="user, channel and text are needed.")
        word, _, rest = text.strip().partition(" ")
        if word == COMMAND:
            return await self._delivered(lambda: self._slack.command(user, rest.strip(), channel))
        if word.startswith("/"):
            return web.json_response({"problem": f"{word} is no command here; {COMMAND} is."})
        self._slack.say(user, text.strip(), channel)
        return web.json_response({"problem": None})

    async def _click(self, request: web.Request) -> web.Response:
        """`{user, place, action_id, block_id}`: the button of the message at that place."""
        asked = await _json(request)
        user, action_id, block_id = (_text(asked, key) for key in ("user", "action_id", "block_id"))
        place = asked.get("place")
        if user not in self._slack.members or not isinstance(place, int) or place not in range(self._count()):
            raise web.HTTPBadRequest(text="user, place, action_id and block_id are needed.")
        message = self._slack.messages[place]
        return await self._delivered(lambda: self._slack.click(user, message, action_id, block_id=block_id))

    def _count(self) -> int:
        return len(self._slack.messages)

    async def _delivered(self, send: Callable[[], Awaitable[Delivery]]) -> web.Response:
        try:
            self._last = await send()
        except NotPossibleInSlack as refusal:
            return web.json_response({"problem": str(refusal)})
        return web.json_response({"problem": None})

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: the whole snapshot, whenever it is another one."""
        response = web.StreamResponse(headers={**_HEADERS, "Content-Type": "text/event-stream"})
        await response.prepare(request)
        changed = asyncio.Event()
        self._slack.on_change.append(changed.set)
        shown = ""
        try:
            while not self._closing and request.transport and not request.transport.is_closing():
                now = json.dumps(self.snapshot())
                if now != shown:
                    await response.write(f"data: {now}\n\n".encode())
                    shown = now
                with suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), _LOOK_AGAIN)
                changed.clear()
        except ConnectionError:
            pass
        finally:
            self._slack.on_change.remove(changed.set)
        return response


def _serving(name: str) -> Callable[[web.Request], Awaitable[web.FileResponse]]:
    async def serve(_request: web.Request) -> web.FileResponse:
        return web.FileResponse(Path(__file__).with_name(name), headers=_HEADERS)

    return serve


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "at": entry.at,
        "method": entry.method,
        "path": entry.path,
        "operation": entry.operation,
        "status": entry.status,
    }


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


def _text(asked: Mapping[str, Any], key: str) -> str:
    value = asked.get(key)
    return value if isinstance(value, str) else ""
