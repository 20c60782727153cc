"""Refuse payloads that no listener should see, and inject what listeners need."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot.domain.people import Workspace, text
from handlers.budgets import PersonBudgets, sender
from handlers.messages import Catalog
from handlers.payloads import Payload
from handlers.services import Services
from handlers.ui import blocks

REPLAY_WINDOW = 600.0
"""How long a command is recognised as a replay, in seconds: twice the time for which Slack's signature is valid."""

log = structlog.get_logger()


class ReplayFilter:
    """Remembers commands by their `trigger_id`.

    The database recognises replays of what it stores, across replicas and restarts. This filter spares read-only
    commands the commit.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[str, float] = {}

    def is_replay(self, payload: Payload) -> bool:
        """Return whether this command came before, and remember it."""
        key = self._key(payload)
        if not key:
            return False
        now = self._clock()
        while self._seen and now - next(iter(self._seen.values())) > REPLAY_WINDOW:
            del self._seen[next(iter(self._seen))]
        if key in self._seen:
            return True
        self._seen[key] = now
        return False

    def forget(self, payload: Payload) -> None:
        """Forget a command that failed, because Slack may send it again."""
        self._seen.pop(self._key(payload), None)

    @staticmethod
    def _key(payload: Payload) -> str:
        return str(payload.get("trigger_id") or "") if "command" in payload else ""


class WorkspaceState(Protocol):
    """The workspace of the bot's token."""

    @property
    def is_known(self) -> bool:
        """Whether Slack has named it yet."""

    @property
    def current(self) -> Workspace:
        """The workspace; raises SlackUnavailable until it is known."""


class Gate(AsyncMiddleware):
    """A gate before Bolt's authorization.

    It refuses payloads while the bot starts or stops, payloads for other apps, replays, and payloads of people who
    send too many.
    """

    def __init__(
        self,
        services: Services,
        workspace: WorkspaceState,
        catalog: Catalog,
        budgets: PersonBudgets,
        replays: ReplayFilter | None = None,
    ) -> None:
        self._services = services
        self._workspace = workspace
        self._catalog = catalog
        self._budgets = budgets
        self._replays = replays or ReplayFilter()
        self._stopping = False

    def stop(self) -> None:
        """Refuse everything from now on, because the process can no longer finish it."""
        self._stopping = True

    async def async_process(
        self,
        *,
        req: AsyncBoltRequest,
        resp: BoltResponse,  # noqa: ARG002 - Bolt passes it by name
        next: Callable[[], Awaitable[BoltResponse]],  # noqa: A002 - Bolt's name
    ) -> BoltResponse | None:
        """Return the refusal, or inject `services`, `catalog` and `replays` and go on."""
        refusal = self._refusal(req.body)
        if refusal:
            return refusal
        self._inject(req.context)
        return await next()

    def _refusal(self, payload: Payload) -> BoltResponse | None:
        if payload.get("type") == "url_verification" or _is_ssl_check(payload):
            return None
        if self._stopping or not self._workspace.is_known:
            return self._not_now(payload, "stopping" if self._stopping else "starting")
        app_id, own_app_id = payload.get("api_app_id"), self._workspace.current.app_id
        if app_id and own_app_id and app_id != own_app_id:
            log.warning("payload.of_other_app", app_id=app_id)
            return BoltResponse(status=401, body="wrong app")
        if self._replays.is_replay(payload):
            log.info("command.replayed")
            return BoltResponse(status=200)
        return None if self._budgets.allows(payload) else self._too_many(payload)

    def _too_many(self, payload: Payload) -> BoltResponse:
        """Refuse a payload above its person's limit. They get one message a minute, and nothing is looked up."""
        notify = self._budgets.may_notify(payload)
        if notify:
            log.warning("person.over_limit", by=sender(payload), type=payload.get("type", "command"))
        if payload.get("type") == "event_callback":  # Slack would send it again
            return BoltResponse(status=200)
        sentence = self._catalog.text("too_many")
        if "command" in payload:
            return _private_reply(sentence) if notify else BoltResponse(status=200)
        if notify:
            message = blocks.message(sentence, blocks.section(sentence))
            reply = self._services.replies.reply_until_expired(
                text(payload, "response_url"), sender(payload) or "", message
            )
            self._services.tasks.start(reply)
        return BoltResponse(status=429, body="too many")  # a 200 would say that the click is stored

    def _not_now(self, payload: Payload, code: str) -> BoltResponse:
        sentence = self._catalog.text(code)
        return _private_reply(sentence) if "command" in payload else BoltResponse(status=503, body=code)

    def _inject(self, context: AsyncBoltContext) -> None:
        context["services"] = self._services
        context["catalog"] = self._catalog
        context["replays"] = self._replays


def _is_ssl_check(payload: Payload) -> bool:
    """Return whether Slack tests the address.

    A field of that name exempts no other payload.
    """
    return "ssl_check" in payload and "type" not in payload and "command" not in payload


def _private_reply(sentence: str) -> BoltResponse:
    """Return the response to a command that Slack shows to its person alone."""
    return BoltResponse(status=200, body={"response_type": "ephemeral", "text": sentence})
