"""Slack, played on this machine: people type, click and read, and the app under test is called as Slack calls it."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Unpack

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector, web

from bot.sandbox.slack import payloads
from bot.sandbox.slack.api import WebApi
from bot.sandbox.slack.delivery import ACK_TIMEOUT, Delivery, NotPossibleInSlack
from bot.sandbox.slack.messages import Conversations, PostedMessage, buttons, interactive, text_of
from bot.sandbox.slack.methods import ALL_SCOPES
from bot.sandbox.slack.response_urls import ResponseUrl, ResponseUrls
from bot.sandbox.slack.socket_mode import SocketModeServer
from bot.sandbox.slack.surfaces import Surfaces
from bot.sandbox.slack.views import Views
from bot.sandbox.slack.workspace import Channel, SlackUser, SlackWorkspace, UserGroup

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from bot.sandbox.slack.api import ApiCall
    from bot.sandbox.slack.faults import SlackFault

__all__ = ["ACK_TIMEOUT", "Delivery", "FakeSlack", "NotPossibleInSlack"]

FORM = "application/x-www-form-urlencoded"


class FakeSlack:
    """A workspace with its Web API, its response_urls and its people.

    `clock` gives seconds since the epoch and dates everything: messages, signatures, response_urls, time to an
    answer. `response_timeout` is how many real seconds an unanswered request to the app is waited for. With
    `socket_mode` the app is reached over the connections it opens, else at `events_url`.
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
        self.workspace = workspace or SlackWorkspace()
        self.workspace.settle(members, groups, channels)
        self.bot_token = f"xoxb-{secrets.token_hex(12)}"
        self.signing_secret = secrets.token_hex(16)
        self.events_url = ""
        """Where the app listens; set it once the app has started."""
        self.socket_mode = socket_mode
        self.sockets = SocketModeServer(self.workspace.app_id)
        self.clock = clock
        self.response_timeout = response_timeout
        self.conversations = Conversations(self.workspace, clock)
        self.api = WebApi(self.conversations, token=self.bot_token, scopes=scopes, clock=clock, sleep=sleep)
        self.api.app_level["apps.connections.open"] = self.sockets.open
        self.views = Views(self.conversations, clock)
        self.surfaces = Surfaces(self.workspace, self.views, clock, self._deliver_payload)
        self.api.methods |= self.views.methods()
        self.response_urls = ResponseUrls(self.conversations, self.api, clock)
        self.app = web.Application(client_max_size=4 * 1024**2)
        self.app.router.add_route("*", "/api/{method}", self.api.handle)
        self.app.router.add_post("/response/{token}", self.response_urls.handle)
        self.app.router.add_get("/link/", self.sockets.link)
        self._runner = web.AppRunner(self.app, access_log=None, shutdown_timeout=1)
        self._session: ClientSession | None = None
        self._base_url = ""

    async def start(self, port: int = 0) -> str:
        """Listen on 127.0.0.1 (port 0: any free one) and return `api_url`."""
        self._session = ClientSession(
            connector=TCPConnector(limit=0), timeout=ClientTimeout(total=self.response_timeout)
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self._base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self.sockets.base_url = self._base_url
        return self.api_url

    async def stop(self) -> None:
        """Hang up; fine when it never started."""
        await self.sockets.close()
        await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    @property
    def api_url(self) -> str:
        """The Web API's base, ending with `/api/`: the bot's SLACK_API_URL."""
        return f"{self._base_url}/api/"

    @property
    def team_id(self) -> str:
        """The workspace the bot is installed in."""
        return self.workspace.team_id

    @property
    def app_id(self) -> str:
        """The bot's app id."""
        return self.workspace.app_id

    @property
    def enterprise_id(self) -> str | None:
        """The organization of an Enterprise Grid workspace."""
        return self.workspace.enterprise_id

    @property
    def members(self) -> dict[str, SlackUser]:
        """Everybody by id; change one and Slack answers accordingly from then on."""
        return self.workspace.members

    @property
    def groups(self) -> dict[str, UserGroup]:
        """The user groups by id."""
        return self.workspace.groups

    @property
    def channels(self) -> dict[str, Channel]:
        """The channels by id, direct messages once they are opened."""
        return self.workspace.channels

    @property
    def messages(self) -> list[PostedMessage]:
        """Everything ever said, oldest first; what was taken away is marked `deleted`."""
        return self.conversations.messages

    @property
    def calls(self) -> list[ApiCall]:
        """Every Web API call and use of a response_url ("response_url"), oldest first."""
        return self.api.calls

    @property
    def on_change(self) -> list[Callable[[], None]]:
        """Called whenever a message comes, changes or goes."""
        return self.conversations.on_change

    def calls_of(self, method: str) -> list[ApiCall]:
        """The calls of one method, oldest first."""
        return [call for call in self.calls if call.method == method]

    def fault(self, method: str, fault: SlackFault) -> None:
        """Let the next calls of a method ("response_url" for those) go wrong."""
        self.api.faults.add(method, fault)

    def clear_faults(self, method: str | None = None) -> None:
        """Take the faults of one method, or of all, away."""
        self.api.faults.clear(method)

    def say(self, user_id: str, text: str, channel_id: str) -> PostedMessage:
        """Let a person write something in a channel; no app hears of it."""
        return self.conversations.post(channel_id, payloads.escape(text, self.workspace), author_id=user_id)

    def seen_by(self, user_id: str) -> list[PostedMessage]:
        """What is on one person's screen, oldest first."""
        return self.conversations.seen_by(user_id)

    async def wait_for_message(
        self,
        predicate: Callable[[PostedMessage], bool],
        timeout: float = 5,  # noqa: ASYNC109 - it bounds a test's patience; cancelling is the caller's as well
    ) -> PostedMessage:
        """The newest standing message that satisfies the predicate; TimeoutError after so many real seconds."""
        return await self.conversations.wait_for(predicate, timeout)

    buttons = staticmethod(buttons)
    text_of = staticmethod(text_of)

    async def command(
        self,
        user_id: str,
        text: str,
        channel_id: str | None = None,
        *,
        force: bool = False,
        omit: tuple[str, ...] = (),
        to: str | None = None,
        **overrides: Unpack[payloads.Overrides],
    ) -> Delivery:
        """Type `/purecloud <text>` and see Slack show what the app acknowledged with.

        `channel_id` is where it is typed (the person's first channel unless said), `omit` leaves fields out, `to`
        sends it to another address than `events_url`. Raises NotPossibleInSlack for a person who cannot type the
        app's commands: outsiders, bots, the deactivated.
        """
        member = self.members[user_id]
        if not force and (member.deleted or member.is_bot or self.workspace.is_outsider(member)):
            raise NotPossibleInSlack(f"{member.real_name} is offered no commands of this workspace's apps.")
        channel = self.channels[channel_id] if channel_id else self.workspace.home_channel(user_id)
        url = self.response_urls.issue_for_command(channel.id, user_id, f"/purecloud {text}".rstrip())
        escaped = payloads.escape(text, self.workspace)
        fields = payloads.slash_command(self.workspace, member, channel, escaped) | self._answerable(url, user_id)
        fields |= {key: str(value) for key, value in overrides.items()}
        kept = {key: value for key, value in fields.items() if key not in omit}
        delivery = await self._deliver(payloads.as_form(kept), kept, to)
        self._show_ack(url, delivery)
        return delivery

    async def click(
        self,
        user_id: str,
        message: PostedMessage,
        action_id: str,
        *,
        force: bool = False,
        omit: tuple[str, ...] = (),
        to: str | None = None,
        **overrides: Unpack[payloads.Overrides],
    ) -> Delivery:
        """Press a button of a message; a native confirm dialog counts as confirmed.

        Raises NotPossibleInSlack when the person does not see the message or the button is not on it any more;
        with `force` also a button of an earlier version is found. `omit` and `to` as for `command`.
        """
        member = self.members[user_id]
        if not force and (member.deleted or not self.conversations.is_seen(message, user_id)):
            raise NotPossibleInSlack(f"{member.real_name} does not see that message.")
        block_id, element = _clickable(message, action_id, overrides.get("block_id"), also_past=force)
        url = self.response_urls.issue_for_click(message, user_id)
        action = payloads.action(element, block_id, self.clock())
        payload = payloads.block_actions(self.workspace, member, message, action) | self._answerable(url, user_id)
        payloads.override(payload, overrides)
        for key in omit:
            payload.pop(key, None)
        delivery = await self._deliver(payloads.as_payload_form(payload), payload, to)
        if delivery.error is not None:
            self.conversations.notice(message.channel_id, user_id, f"That did not work ({delivery.error}).")
        return delivery

    def response_url_for_command(self, user_id: str, channel_id: str, text: str) -> str:
        """Return a response_url as Slack sends it with `/purecloud <text>`."""
        return self._address(self.response_urls.issue_for_command(channel_id, user_id, f"/purecloud {text}"))

    def response_url_for_click(self, message: PostedMessage, user_id: str) -> str:
        """Return a response_url as Slack sends it with a click on a message."""
        return self._address(self.response_urls.issue_for_click(message, user_id))

    def sign(self, body: bytes, timestamp: float | str) -> str:
        """The `X-Slack-Signature` Slack would send with a body at a time."""
        return payloads.signature(self.signing_secret, body, str(timestamp))

    def signed_headers(self, body: bytes, timestamp: int | None = None) -> dict[str, str]:
        """The headers Slack would send with a body, now unless said."""
        at = str(int(self.clock()) if timestamp is None else timestamp)
        return {
            "Content-Type": FORM,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": at,
            "X-Slack-Signature": self.sign(body, at),
        }

    async def send_raw(
        self, body: bytes, headers: dict[str, str], *, to: str | None = None, payload: dict[str, Any] | None = None
    ) -> Delivery:
        """Post bytes to the app as they are, with these headers alone; nothing is shown to anybody."""
        if self._session is None:
            raise RuntimeError("Start the Slack stand-in first.")
        started = self.clock()
        status, text, content_type = None, "", ""
        try:
            async with self._session.post(to or self.events_url, data=body, headers=headers) as response:
                status, text, content_type = response.status, await response.text(), response.content_type
        except (ClientError, TimeoutError) as error:
            text = f"{type(error).__name__}: {error}"
        return Delivery(
            status=status,
            body=text,
            content_type=content_type,
            seconds=self.clock() - started,
            raw=body,
            headers=headers,
            payload=payload or {},
        )

    async def _deliver(self, body: bytes, payload: dict[str, Any], to: str | None) -> Delivery:
        if self.socket_mode and to is None:
            return await self._over_a_socket(payload)
        return await self.send_raw(body, self.signed_headers(body), to=to, payload=payload)

    async def _deliver_payload(self, payload: dict[str, Any]) -> Delivery:
        """An event goes as JSON, everything else as a form."""
        if payload["type"] != "event_callback" or self.socket_mode:
            return await self._deliver(payloads.as_payload_form(payload), payload, None)
        body = json.dumps(payload).encode()
        headers = self.signed_headers(body) | {"Content-Type": "application/json"}
        return await self.send_raw(body, headers, payload=payload)

    async def _over_a_socket(self, payload: dict[str, Any]) -> Delivery:
        started = self.clock()
        ack = await self.sockets.deliver(payload, self.response_timeout)
        return Delivery(
            status=HTTPStatus.OK if ack is not None else None,
            body=json.dumps((ack or {}).get("payload", {})),
            content_type="application/json",
            seconds=self.clock() - started,
            raw=b"",
            headers={},
            payload=payload,
        )

    def _show_ack(self, url: ResponseUrl, delivery: Delivery) -> None:
        """What a command is acknowledged with is a message, unless it is empty."""
        if delivery.error is not None:
            sentence = f'/purecloud failed with the error "{delivery.error}"'
            self.conversations.notice(url.channel_id, url.user_id, sentence)
        elif delivery.content_type == "application/json":
            said = delivery.json
            if isinstance(said, dict) and (said.get("text") or said.get("blocks")):
                self.response_urls.answer(url, said)
        elif delivery.body:
            self.response_urls.answer(url, {"text": delivery.body})

    def _address(self, url: ResponseUrl) -> str:
        return f"{self._base_url}/response/{url.token}"

    def _answerable(self, url: ResponseUrl, user_id: str) -> dict[str, str]:
        return {
            "response_url": self._address(url),
            "trigger_id": self.views.issue_trigger_id(user_id),
        }


def _clickable(
    message: PostedMessage, action_id: str, block_id: str | None, *, also_past: bool
) -> tuple[str, dict[str, Any]]:
    versions = reversed(message.versions) if also_past else message.versions[-1:]
    for version in versions:
        for found_in, element in interactive(version.blocks):
            if element["action_id"] == action_id and block_id in {None, found_in}:
                return found_in, element
    raise NotPossibleInSlack(f"There is no {action_id!r} to click on: {text_of(message)!r}")
