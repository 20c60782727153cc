"""Say it in Slack: post, edit, answer a response_url; knows no words, only whether they arrived."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.domain.requests import MessageRef
from bot.errors import BotError

Message = Mapping[str, Any]
"""`text` and `blocks`, as Slack takes them."""

Observe = Callable[[str, str], None]
"""Told of each call: the Web API method (or `response_url`) and how it ended."""

_PASSING = frozenset({
    "ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout",
    "team_added_to_org", "external_channel_migrating",
})  # fmt: skip
"""Answers of the Web API that may be another the next time (docs.slack.dev, chat.postMessage, Errors)."""


class DeliveryError(BotError):
    """Slack did not take a message. `passing`: worth another try, not before `wait` seconds."""

    code = "delivery_failed"

    def __init__(self, slack_code: str, *, passing: bool, wait: float = 0.0) -> None:
        super().__init__()
        self.slack_code = slack_code
        self.passing = passing
        self.wait = wait

    @property
    def params(self) -> dict[str, Any]:
        """Return Slack's error code."""
        return {"slack_code": self.slack_code}


def delivery_error_from(error: Exception) -> DeliveryError:
    """Read what a call of the Web API raised: Slack's error code, or the network's."""
    if not isinstance(error, SlackApiError):
        return DeliveryError(type(error).__name__, passing=True)
    response = error.response
    status = getattr(response, "status_code", None) or getattr(response, "status", 0)
    data = getattr(response, "data", None)
    code = data.get("error") if isinstance(data, Mapping) else None
    if status == 429:  # noqa: PLR2004 - Too Many Requests
        return DeliveryError("ratelimited", passing=True, wait=_seconds(response.headers.get("Retry-After")))
    if not code:  # a gateway's page in place of JSON
        return DeliveryError(f"http_{status}", passing=True)
    return DeliveryError(str(code), passing=code in _PASSING)


def _seconds(text: Any) -> float:
    """Read a `Retry-After`; one of more than a day counts as a day."""
    said = str(text or "")
    return min(float(said), 86400.0) if said.isascii() and said.isdigit() else 1.0


class SlackMessenger:
    """Delivers messages through one shared connection pool; every method raises DeliveryError."""

    def __init__(self, client: AsyncWebClient, session: aiohttp.ClientSession, observe: Observe) -> None:
        self._client = client
        self._session = session
        self._observe = observe

    async def post(self, channel: str, message: Message) -> MessageRef:
        """Post to a channel, or to a person's direct messages (`U…`); returns where it stands."""
        answer = await self._call(
            "chat.postMessage",
            self._client.chat_postMessage,
            channel=channel,
            unfurl_links=False,
            unfurl_media=False,
            **message,
        )
        if not answer.get("ts"):
            raise DeliveryError("no_ts", passing=False)
        return MessageRef(str(answer.get("channel") or channel), str(answer["ts"]))

    async def update(self, place: MessageRef, message: Message) -> None:
        """Edit a message the bot has posted."""
        await self._call("chat.update", self._client.chat_update, channel=place.channel, ts=place.ts, **message)

    async def tell(self, url: str, message: Message, *, everyone: bool = False) -> None:
        """Add a message through a response_url, for its person alone or for the whole channel."""
        kind = "in_channel" if everyone else "ephemeral"
        await self._respond(url, {"response_type": kind, "replace_original": False, **message})

    async def whisper(self, url: str | None, user_id: str, message: Message) -> None:
        """Tell one person in private: through a response_url that works, else in their direct messages."""
        if url:
            with suppress(DeliveryError):
                await self.tell(url, message)
                return
        await self.post(user_id, message)

    async def replace(self, url: str, message: Message) -> None:
        """Edit the message whose button's click brought this response_url."""
        await self._respond(url, {"replace_original": True, **message})

    async def _call(
        self, method: str, call: Callable[..., Awaitable[AsyncSlackResponse]], **arguments: Any
    ) -> Mapping[str, Any]:
        try:
            answer = await call(**arguments)
        except Exception as error:
            problem = delivery_error_from(error)
            self._observe(method, problem.slack_code)
            raise problem from error
        self._observe(method, "ok")
        data = answer.data
        return data if isinstance(data, Mapping) else {}

    async def _respond(self, url: str, body: Message) -> None:
        try:
            async with self._session.post(url, json=dict(body), allow_redirects=False) as answer:
                status = answer.status
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            self._observe("response_url", type(error).__name__)
            raise DeliveryError(type(error).__name__, passing=True) from None  # the cause would name the url
        self._observe("response_url", str(status))
        if status != 200:  # noqa: PLR2004 - OK; anything else was not shown
            raise DeliveryError(f"http_{status}", passing=status == 429 or status >= 500)  # noqa: PLR2004
