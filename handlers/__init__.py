"""Slack in, Slack out: commands and clicks are taken at Bolt's door, and find their use case in a dictionary."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot.services.requesting import Service
from bot.slack.dispatch import kind_of
from handlers import approvals as decide
from handlers import errors as guard
from handlers.payloads import Body, read_invoker


class Door(AsyncMiddleware):
    """Bolt's first middleware: answers every command and every click itself.

    A listener would be found by trying each in turn, and handed two dozen arguments that nobody here reads: half of
    what Bolt costs a request (docs/performance.md). What is neither goes on to Bolt's listeners.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    async def async_process(
        self,
        *,
        req: AsyncBoltRequest,
        resp: BoltResponse,  # noqa: ARG002 - Bolt hands it in by name
        next: Callable[[], Awaitable[BoltResponse]],  # noqa: A002 - Bolt's name for it
    ) -> BoltResponse | None:
        """Answer a command or a click, which the way in has found to be one."""
        kind = kind_of(req.body)
        if kind == "command":
            return self._command(req.body)
        if kind == "click":
            return await decide.click(req.body, self._service)
        return await next()

    def _command(self, body: Body) -> BoltResponse:
        """Acknowledge at once; the answer follows through the response_url."""
        self._service.begin(guard.command(read_invoker(body), str(body.get("text") or ""), self._service))
        return BoltResponse(status=HTTPStatus.OK)
