"""A fake Slack on a local server, with users who act on the app."""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.sandbox.slack import payloads
from bot.sandbox.slack.api import WebApi
from bot.sandbox.slack.delivery import ACK_TIMEOUT, Delivery, InvalidAppResponse, NotPossibleInSlack
from bot.sandbox.slack.events import EventSender
from bot.sandbox.slack.files import Files
from bot.sandbox.slack.messages import Conversations, PostedMessage, buttons, text_of
from bot.sandbox.slack.methods import ALL_SCOPES
from bot.sandbox.slack.response_urls import ResponseUrls
from bot.sandbox.slack.sender import PayloadSender
from bot.sandbox.slack.socket_mode import SocketModeServer
from bot.sandbox.slack.user_actions import Parts, UserActions
from bot.sandbox.slack.views import Views
from bot.sandbox.slack.workspace import Channel, SlackUser, SlackWorkspace, UserGroup

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from bot.sandbox.slack.api import ApiCall
    from bot.sandbox.slack.faults import SlackFault

__all__ = ["ACK_TIMEOUT", "Delivery", "FakeSlack", "InvalidAppResponse", "NotPossibleInSlack"]


class FakeSlack(UserActions):
    """A workspace with its Web API, response_urls and users.

    `clock` (seconds since the epoch) dates messages, signatures, response_urls and response times. `sleep` waits for
    faults with a delay and for the retries of events. `response_timeout` limits the wait for the app's response, in
    seconds of real time. With `socket_mode`, payloads go over the app's connections instead of to `events_url`.
    """

    def __init__(
        self,
        *,
        members: Iterable[SlackUser] = (),
        groups: Iterable[UserGroup] = (),
        channels: Iterable[Channel] = (),
        workspace: SlackWorkspace | None = None,
        scopes: frozenset[str] = ALL_SCOPES,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        response_timeout: float = 10.0,
        socket_mode: bool = False,
    ) -> None:
        workspace = workspace or SlackWorkspace()
        workspace.add(members, groups, channels)
        self.bot_token = f"xoxb-{secrets.token_hex(12)}"
        self.sockets = SocketModeServer(workspace.app_id)
        conversations = Conversations(workspace, clock)
        self.api = WebApi(conversations, token=self.bot_token, scopes=scopes, clock=clock, sleep=sleep)
        self.api.app_level["apps.connections.open"] = self.sockets.open
        views = Views(conversations, clock)
        self.api.methods |= views.methods()
        self.files = Files(conversations, lambda: self.bot_token)
        self.api.methods |= self.files.methods()
        response_urls = ResponseUrls(conversations, self.api, clock)
        sender = PayloadSender(self.sockets, clock, response_timeout=response_timeout, socket_mode=socket_mode)
        events = EventSender(sender, sleep)
        super().__init__(Parts(workspace, conversations, views, response_urls, sender, events, clock))
        self.app = web.Application(client_max_size=4 * 1024**2)
        self.app.router.add_route("*", "/api/{method}", self.api.handle)
        self.app.router.add_post("/response/{token}", response_urls.handle)
        self.app.router.add_get("/files/{id}", self.files.download)
        self.app.router.add_post("/upload/{id}", self.files.upload)
        self.app.router.add_get("/link/", self.sockets.link)
        self._runner = web.AppRunner(self.app, access_log=None, shutdown_timeout=1)
        self._base_url = ""

    async def start(self, port: int = 0) -> str:
        """Listen on 127.0.0.1 and return `api_url`; port 0 is any free port."""
        self._sender.start()
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self._base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self.sockets.base_url = self.response_urls.base_url = self.files.base_url = self._base_url
        return self.api_url

    async def stop(self) -> None:
        """Close all connections; does nothing if the server never started."""
        await self._events.close()
        await self.sockets.close()
        await self._runner.cleanup()
        await self._sender.close()

    @property
    def api_url(self) -> str:
        """The base of the Web API with its final slash: the bot's SLACK_API_URL."""
        return f"{self._base_url}/api/"

    @property
    def events_url(self) -> str:
        """The app's address for payloads; set it once the app listens."""
        return self._sender.events_url

    @events_url.setter
    def events_url(self, url: str) -> None:
        self._sender.events_url = url

    @property
    def response_timeout(self) -> float:
        """How long to wait for the app's response, in seconds of real time."""
        return self._sender.response_timeout

    @response_timeout.setter
    def response_timeout(self, seconds: float) -> None:
        self._sender.response_timeout = seconds

    @property
    def signing_secret(self) -> str:
        """The secret that signs payloads: the bot's SLACK_SIGNING_SECRET."""
        return self._sender.signing_secret

    @property
    def socket_mode(self) -> bool:
        """Whether payloads go over Socket Mode."""
        return self._sender.socket_mode

    @property
    def team_id(self) -> str:
        """The id of the workspace."""
        return self.workspace.team_id

    @property
    def app_id(self) -> str:
        """The bot's app id."""
        return self.workspace.app_id

    @property
    def enterprise_id(self) -> str | None:
        """The organization's id if the workspace is on Enterprise Grid."""
        return self.workspace.enterprise_id

    @property
    def members(self) -> dict[str, SlackUser]:
        """The users by id; a changed user takes effect at once."""
        return self.workspace.members

    @property
    def groups(self) -> dict[str, UserGroup]:
        """The user groups by id."""
        return self.workspace.groups

    @property
    def channels(self) -> dict[str, Channel]:
        """The channels by id, open direct messages included."""
        return self.workspace.channels

    @property
    def messages(self) -> list[PostedMessage]:
        """All messages, oldest first; deleted ones are marked."""
        return self.conversations.messages

    @property
    def calls(self) -> list[ApiCall]:
        """All API calls, requests to response_urls included, oldest first."""
        return self.api.calls

    @property
    def event_attempts(self) -> list[Delivery]:
        """Every attempt to deliver an event, oldest first."""
        return self._events.attempts

    @property
    def on_change(self) -> list[Callable[[], None]]:
        """The listeners that are called after every change of a message or view."""
        return self.conversations.on_change

    def calls_of(self, method: str) -> list[ApiCall]:
        """Return the calls of one method, oldest first."""
        return [call for call in self.calls if call.method == method]

    def fault(self, method: str, fault: SlackFault) -> None:
        """Inject a fault into a method; "response_url" names the response_urls."""
        self.api.faults.add(method, fault)

    def clear_faults(self, method: str | None = None) -> None:
        """Remove the faults of one method, or of all."""
        self.api.faults.clear(method)

    def say(self, user_id: str, text: str, channel_id: str) -> PostedMessage:
        """Post a message as a user; the app gets no event."""
        return self.conversations.post(channel_id, payloads.escape(text, self.workspace), author_id=user_id)

    def seen_by(self, user_id: str) -> list[PostedMessage]:
        """Return the messages that a user sees, oldest first."""
        return self.conversations.seen_by(user_id)

    async def wait_for_message(
        self,
        predicate: Callable[[PostedMessage], bool],
        timeout: float = 5,  # noqa: ASYNC109 - the message of the TimeoutError lists what was posted
    ) -> PostedMessage:
        """Return the newest message that satisfies the predicate; wait for it if necessary.

        Raises TimeoutError after `timeout` seconds of real time.
        """
        return await self.conversations.wait_for(predicate, timeout)

    async def wait_for_retries(self) -> None:
        """Wait until no retry of an event is pending."""
        await self._events.wait()

    buttons = staticmethod(buttons)
    text_of = staticmethod(text_of)

    def response_url_for_command(self, user_id: str, channel_id: str, text: str) -> str:
        """Return a response_url as Slack sends it with `/purecloud <text>`."""
        url = self.response_urls.issue_for_command(channel_id, user_id, f"/purecloud {text}")
        return self.response_urls.address(url)

    def response_url_for_click(self, message: PostedMessage, user_id: str) -> str:
        """Return a response_url as Slack sends it with a click on a message."""
        return self.response_urls.address(self.response_urls.issue_for_click(message, user_id))

    def sign(self, body: bytes, timestamp: float | str) -> str:
        """Return the `X-Slack-Signature` of a body at a time."""
        return payloads.signature(self.signing_secret, body, str(timestamp))

    def signed_headers(self, body: bytes, timestamp: int | None = None) -> dict[str, str]:
        """Return the headers that Slack sends with a body, by default now."""
        return self._sender.signed_headers(body, timestamp)

    async def send_raw(
        self, body: bytes, headers: dict[str, str], *, to: str | None = None, payload: dict[str, Any] | None = None
    ) -> Delivery:
        """Post a body to the app with exactly these headers; no user sees the result."""
        return await self._sender.send_raw(body, headers, to=to, payload=payload)
