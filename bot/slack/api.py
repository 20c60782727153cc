"""Call Slack's Web API: one place for error mapping, metrics and the retry of reads."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import BotError, SlackUnavailable, slack_error_params
from bot.network.errors import network_error_class

MAX_READ_RETRY_DELAY = 1.0
"""Longest wait before a read is retried, in seconds. A person or a click waits for the answer."""

MAX_RETRY_AFTER = 86400.0
"""Longest `Retry-After` that the bot believes, in seconds."""

RATE_LIMITED = "ratelimited"
"""Slack's error code for the status 429."""

NETWORK_ERRORS = (TimeoutError, SlackApiError, aiohttp.ClientError, OSError)
"""What a call of the Web API can raise."""

Observe = Callable[[str, str], None]
"""Receives the method (or `response_url`) and the result of each call."""

_TRANSIENT = frozenset({
    "ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout",
    "team_added_to_org", "external_channel_migrating",
})  # fmt: skip
"""Error codes of the Web API after which a later call may succeed (docs.slack.dev, chat.postMessage, Errors)."""


TOKEN_ENDED = frozenset({"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive"})
"""Error codes of the Web API for a token that no method accepts any more."""


class SlackCallError(BotError):
    """A call of Slack failed. `retryable` calls may succeed later, not before `retry_after` seconds."""

    code = "slack_call_failed"

    def __init__(self, slack_code: str, *, retryable: bool, retry_after: float = 0.0) -> None:
        super().__init__()
        self.slack_code = slack_code
        self.retryable = retryable
        self.retry_after = retry_after

    @property
    def params(self) -> dict[str, Any]:
        """Slack's error code, and `retry_after` in whole seconds if there is one."""
        return slack_error_params(self.slack_code, self.retry_after)


def call_error_of(unavailable: SlackUnavailable) -> SlackCallError:
    """Return the error of a call that needed a failed read."""
    retryable, retry_after = unavailable.retryable, unavailable.retry_after
    return SlackCallError(unavailable.slack_code, retryable=retryable, retry_after=retry_after)


def slack_call_error(error: Exception) -> SlackCallError:
    """Return what an exception of the SDK means: Slack's error code, or the network's."""
    if not isinstance(error, SlackApiError):
        return SlackCallError(network_error_class(error), retryable=True)
    response = error.response
    status = getattr(response, "status_code", None) or getattr(response, "status", 0)
    data = getattr(response, "data", None)
    code = data.get("error") if isinstance(data, Mapping) else None
    if status == 429:  # noqa: PLR2004 - Too Many Requests
        return SlackCallError(RATE_LIMITED, retryable=True, retry_after=_seconds(response.headers.get("Retry-After")))
    if status == 407:  # noqa: PLR2004 - Proxy Authentication Required
        return SlackCallError("proxy_407", retryable=True)
    if not code:  # a gateway's page in place of JSON
        return SlackCallError(f"http_{status}", retryable=True)
    return SlackCallError(str(code), retryable=code in _TRANSIENT)


def _seconds(header: Any) -> float:
    text = str(header or "")
    return min(float(text), MAX_RETRY_AFTER) if text.isascii() and text.isdigit() else 1.0


def web_client(token: str, api_url: str, session: aiohttp.ClientSession, proxy: str | None) -> AsyncWebClient:
    """Return the SDK's client, without its retries and its own choice of a proxy."""
    client = AsyncWebClient(
        token=token,
        base_url=f"{api_url}/",
        session=session,
        retry_handlers=[],  # the SDK's default sends a post again that may have arrived
    )
    client.proxy = proxy  # the SDK reads the environment and ignores NO_PROXY
    return client


class SlackApi:
    """Slack's Web API, with one bot token."""

    def __init__(
        self,
        client: AsyncWebClient,
        observe: Observe,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.client = client
        self._observe = observe
        self._sleep = sleep
        self._clock = clock
        self._limited_until: dict[str, float] = {}
        """When Slack takes reads of a method again, after a `Retry-After`."""
        self.token_refused: str | None = None
        """Slack's error code for the token, None once a call that began later has succeeded."""
        self._refused_at = 0.0

    async def call(self, method: str, **arguments: Any) -> Mapping[str, Any]:
        """Call a method that changes something; it is sent once. Raises SlackCallError."""
        return await self._send(method, json=arguments)

    async def read(self, method: str, **arguments: str) -> Mapping[str, Any]:
        """Call a method that changes nothing, and retry it once after a transient error.

        Raises SlackUnavailable with Slack's error code, without a call until the method's last `Retry-After` is over.
        """
        wait = self._limited_until.get(method, 0.0) - self._clock()
        if wait > 0:
            raise SlackUnavailable(method, RATE_LIMITED, retryable=True, retry_after=wait)
        try:
            return await self._send(method, params=arguments)
        except SlackCallError as error:
            if not error.retryable or error.retry_after > MAX_READ_RETRY_DELAY:
                raise self._unavailable(method, error) from error
            await self._sleep(error.retry_after)
        try:
            return await self._send(method, params=arguments)
        except SlackCallError as error:
            raise self._unavailable(method, error) from error

    def _unavailable(self, method: str, error: SlackCallError) -> SlackUnavailable:
        if error.retry_after > 0:
            self._limited_until[method] = self._clock() + error.retry_after
        return SlackUnavailable(method, error.slack_code, retryable=error.retryable, retry_after=error.retry_after)

    async def _send(self, method: str, **arguments: Any) -> Mapping[str, Any]:
        started = self._clock()
        try:
            response = await self.client.api_call(method, **arguments)
        except Exception as error:
            failure = slack_call_error(error)
            self._observe(method, failure.slack_code)
            if failure.slack_code in TOKEN_ENDED:
                self.token_refused, self._refused_at = failure.slack_code, self._clock()
            raise failure from error
        self._observe(method, "ok")
        if started >= self._refused_at:
            self.token_refused = None
        return response.data if isinstance(response.data, Mapping) else {}
