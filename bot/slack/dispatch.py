"""What Slack sent, once it is proved and read: is it for this app, did it come before, and what is answered."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from slack_bolt.response import BoltResponse

from bot.errors import BotError
from bot.metrics import Metrics
from bot.services.identity import Directory

WINDOW = 300.0
"""Seconds in which Slack may send the same again (docs.slack.dev, Verifying requests from Slack)."""

QUIET = 1.0
"""Seconds between two lines of the log about what was rejected."""

STARTING = (
    "I am still starting: Slack has not told me yet which workspace I belong to. Nothing was changed; "
    "try again in a few seconds."
)

CLOSING = "I am being restarted. Nothing was changed; try again in a few seconds."

UNEXPECTED = "The body is none that this app expects."

UNHEARD = frozenset({"event_callback", "view_submission", "view_closed", "shortcut", "message_action"})
"""What Slack may send although nothing here listens to it; it is acknowledged, or Slack would send it again."""

_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")

Body = dict[str, Any]
"""A command's fields or an interaction's payload, as Slack documents them."""

Dispatch = Callable[[Body], Awaitable[BoltResponse]]

log = structlog.get_logger()


class InvalidSlackRequest(BotError):
    """What arrived is not from Slack, or not for this app; `status` is a 4xx of HTTP."""

    code = "invalid_slack_request"

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def is_storable_text(text: str) -> bool:
    """Whether some JSON holds no character that a database refuses: none takes half a one, PostgreSQL takes no NUL."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\\u0000" not in text or _NUL.search(text) is None


@dataclass(frozen=True, slots=True)
class Answer:
    """What Slack is told, over whichever way it asked; only with status 200 was it done."""

    status: int
    text: str = ""
    """Read by whoever looks into a failure, or shown to the person who typed the command."""
    payload: Mapping[str, Any] | None = None
    """The same as a message of Slack's, or the answer to a question of Slack's own."""

    @property
    def accepted(self) -> bool:
        """Whether Slack may take it for acknowledged."""
        return self.status == 200  # noqa: PLR2004 - OK


class Dispatcher:
    """The part of the way in that HTTP and Socket Mode share."""

    def __init__(
        self,
        dispatch: Dispatch,
        directory: Directory,
        metrics: Metrics,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._dispatch = dispatch
        self._directory = directory
        self._metrics = metrics
        self._clock = clock
        self._seen: dict[str, float] = {}
        self._complain_at = 0.0
        self.closing = False
        """Set when the process ends: what it could not finish any more is not begun."""

    async def admit(self, reading: Awaitable[Body]) -> Answer:
        """Answer one payload; `reading` verifies and parses it and raises InvalidSlackRequest. Never raises."""
        began = time.perf_counter()
        kind, answer = "rejected", Answer(400)
        try:
            body = await reading
            kind = kind_of(body)
            answer = await self._answer(kind, body)
        except InvalidSlackRequest as error:
            self._complain(error)
            answer = Answer(error.status, str(error))
        except Exception:
            log.exception("a request of slack failed; it is answered 503 and changes nothing")
            answer = Answer(503, "Something went wrong. Nothing was changed; try again.")
        self._metrics.acks.labels(kind, answer.status).observe(time.perf_counter() - began)
        return answer

    def _complain(self, error: InvalidSlackRequest) -> None:
        """Log a rejection, but not each one of a flood, which would cost more than to reject it; all are counted."""
        now = self._clock()
        if now >= self._complain_at:
            self._complain_at = now + QUIET
            log.warning("rejected", problem=str(error), status=error.status)

    async def _answer(self, kind: str, body: Body) -> Answer:
        if kind == "url_verification":
            return Answer(200, payload={"challenge": str(body.get("challenge") or "")})
        if self.closing or not self._directory.known.is_set():
            text = CLOSING if self.closing else STARTING
            said = {"response_type": "ephemeral", "text": text}
            return Answer(200, payload=said) if kind == "command" else Answer(503, text)
        app_id, ours = body.get("api_app_id"), self._directory.workspace.app_id
        if app_id and ours and app_id != ours:
            message = "This is for another app."
            raise InvalidSlackRequest(message, 401)
        return Answer(200) if kind in UNHEARD or kind == "ssl_check" else await self._once(kind, body)

    async def _once(self, kind: str, body: Body) -> Answer:
        """Dispatch, unless the same command came before: then it is acknowledged and nothing is done.

        Clicks and requests are told apart by the store, across replicas and restarts; this spares `whoami` a commit.
        """
        key = str(body.get("trigger_id") or "") if kind == "command" else ""
        if key and not self._first(key):
            log.info("a replay is acknowledged and ignored")
            return Answer(200)
        answer = None
        try:
            answer = answer_of(await self._dispatch(body))
        finally:
            if answer is None or not answer.accepted:  # Slack may send again what was not done
                self._seen.pop(key, None)
        return answer

    def _first(self, key: str) -> bool:
        now = self._clock()
        while self._seen and now - next(iter(self._seen.values())) > 2 * WINDOW:
            del self._seen[next(iter(self._seen))]
        if key in self._seen:
            return False
        self._seen[key] = now
        return True


def kind_of(body: Mapping[str, Any]) -> str:
    """Tell what it is, for metrics and for what may be unheard; raises InvalidSlackRequest (400)."""
    if isinstance(body.get("command"), str) and isinstance(body.get("user_id"), str):
        return "command"
    kind = body.get("type")
    if kind == "block_actions" and _is_somebody(body.get("user")) and _are_actions(body.get("actions")):
        return "click"
    if kind == "url_verification" or "ssl_check" in body:
        return str(kind or "ssl_check")
    if isinstance(kind, str) and kind in UNHEARD:
        return str(kind)
    raise InvalidSlackRequest(UNEXPECTED, 400)


def _is_somebody(user: Any) -> bool:
    """Whether Slack could be asked who this is."""
    return isinstance(user, dict) and isinstance(user.get("id"), str) and bool(user["id"])


def _are_actions(actions: Any) -> bool:
    """Whether these are elements somebody used; Bolt reads the first one's id without asking."""
    return (
        isinstance(actions, list)
        and bool(actions)
        and all(isinstance(one, dict) and isinstance(one.get("action_id"), str) for one in actions)
    )


def answer_of(response: BoltResponse) -> Answer:
    """Read Bolt's answer."""
    if response.body.startswith("{"):
        return Answer(response.status, payload=json.loads(response.body))
    return Answer(response.status, response.body)
