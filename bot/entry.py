"""The way in: what Slack sends is proved, read once and dispatched; all else gets a clean 4xx and no more."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import structlog
from aiohttp import web
from slack_bolt.response import BoltResponse

from bot.directory import Directory
from bot.errors import BotError
from bot.metrics import Metrics

MOST_BYTES = 1024 * 1024
"""Slack's payloads stay far below; more is answered 413."""

MOST_FIELDS = 200

WINDOW = 300.0
"""Seconds a signature is good for (docs.slack.dev, Verifying requests from Slack)."""

STARTING = (
    "I am still starting: Slack has not told me yet which workspace I belong to. Nothing was changed; "
    "try again in a few seconds."
)

Dispatch = Callable[[dict[str, Any]], Awaitable[BoltResponse]]

log = structlog.get_logger()


class NotSlack(BotError):
    """What arrived is not from Slack, or not for this app; `status` is 400 or 401."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Entry:
    """`POST /slack/events`. Bolt itself would parse before it proves, and lose forms with the word "payload"."""

    def __init__(
        self,
        signing_secret: str,
        dispatch: Dispatch,
        directory: Directory,
        metrics: Metrics,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._secret = signing_secret.encode()
        self._dispatch = dispatch
        self._directory = directory
        self._metrics = metrics
        self._clock = clock
        self._seen: dict[str, float] = {}

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request of Slack; never 500."""
        began = time.perf_counter()
        kind, response = "rejected", web.Response(status=400)
        try:
            raw = await request.read()
            verify(self._secret, raw, request.headers, now=self._clock())
            body = parse(raw, request.content_type)
            kind = kind_of(body)
            response = await self._admit(kind, body)
        except NotSlack as error:
            log.warning("rejected", problem=str(error), status=error.status)
            response = web.Response(status=error.status, text=str(error))
        except web.RequestPayloadError:
            response = web.Response(status=400, text="The body cannot be read.")
        except web.HTTPRequestEntityTooLarge:
            response = web.Response(status=413, text="The request is too large.")
        except Exception:
            log.exception("a request of slack failed; it is answered 503 and changes nothing")
            response = web.Response(status=503, text="Something went wrong. Nothing was changed; try again.")
        self._metrics.acks.labels(kind, response.status).observe(time.perf_counter() - began)
        return response

    async def _admit(self, kind: str, body: dict[str, Any]) -> web.Response:
        if kind == "url_verification":
            return web.json_response({"challenge": str(body.get("challenge") or "")})
        if not self._directory.known.is_set():
            return web.json_response({"response_type": "ephemeral", "text": STARTING}) if kind == "command" else _busy()
        app_id, ours = body.get("api_app_id"), self._directory.workspace.app_id
        if app_id and ours and app_id != ours:
            message = "This is for another app."
            raise NotSlack(message, 401)
        return await self._once(kind, body)

    async def _once(self, kind: str, body: dict[str, Any]) -> web.Response:
        """Dispatch, unless the same command came before: then it is acknowledged and nothing is done.

        Clicks and requests are told apart by the store, across replicas and restarts; this spares `whoami` a commit.
        """
        key = str(body.get("trigger_id") or "") if kind == "command" else ""
        if key and not self._first(key):
            log.info("a replay is acknowledged and ignored")
            return web.Response(status=200)
        response = to_aiohttp(await self._dispatch(body))
        if response.status != 200:  # noqa: PLR2004 - OK; Slack may send again what was not done
            self._seen.pop(key, None)
        return response

    def _first(self, key: str) -> bool:
        now = self._clock()
        while self._seen and now - next(iter(self._seen.values())) > 2 * WINDOW:
            del self._seen[next(iter(self._seen))]
        if key in self._seen:
            return False
        self._seen[key] = now
        return True


def verify(secret: bytes, raw: bytes, headers: Mapping[str, str], *, now: float) -> None:
    """Prove that Slack signed these very bytes within the last minutes; raises NotSlack (401)."""
    timestamp, signature = headers.get("X-Slack-Request-Timestamp", ""), headers.get("X-Slack-Signature", "")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 15) or not signature.isascii():  # noqa: PLR2004
        message = "The request is not signed."
        raise NotSlack(message, 401)
    if abs(now - int(timestamp)) > WINDOW:
        message = "The signature is too old, or this machine's clock is wrong."
        raise NotSlack(message, 401)
    signed = hmac.new(secret, b"v0:" + timestamp.encode() + b":" + raw, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(f"v0={signed}", signature):
        message = "The signature is wrong."
        raise NotSlack(message, 401)


def parse(raw: bytes, content_type: str) -> dict[str, Any]:
    """Read a form, a form's `payload`, or JSON; raises NotSlack (400)."""
    try:
        text = raw.decode("utf-8")
        if content_type == "application/json":
            body = _json(text)
        else:
            form = dict(parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS))
            body = _json(form["payload"]) if "payload" in form and "command" not in form else form
    except (ValueError, RecursionError):
        message = "The body cannot be read."
        raise NotSlack(message, 400) from None
    if not isinstance(body, dict) or not body:
        message = "The body is none that Slack sends."
        raise NotSlack(message, 400)
    return body


def _json(text: str) -> Any:
    r"""Read JSON; half a character (a lone `\ud800`) is refused here, because no database would take it."""
    body = json.loads(text)
    if "\\ud" in text or "\\uD" in text:
        json.dumps(body, ensure_ascii=False).encode()
    return body


def kind_of(body: Mapping[str, Any]) -> str:
    """Tell what it is, for Bolt's listeners and for metrics; raises NotSlack (400)."""
    if isinstance(body.get("command"), str) and isinstance(body.get("user_id"), str):
        return "command"
    kind = body.get("type")
    if kind == "block_actions" and isinstance(body.get("user"), dict) and _are_actions(body.get("actions")):
        return "click"
    if kind in ("url_verification", "event_callback", "view_submission", "view_closed", "shortcut", "message_action"):
        return str(kind)
    message = "The body is none that this app expects."
    raise NotSlack(message, 400)


def _are_actions(actions: Any) -> bool:
    """Whether these are elements somebody used; Bolt reads the first one's id without asking."""
    return (
        isinstance(actions, list)
        and bool(actions)
        and all(isinstance(one, dict) and isinstance(one.get("action_id"), str) for one in actions)
    )


def to_aiohttp(response: BoltResponse) -> web.Response:
    """Hand Bolt's answer on."""
    content_type = response.first_headers_without_set_cookie().get("content-type", "text/plain")
    return web.Response(
        status=response.status, text=response.body, content_type=content_type.split(";")[0].strip(), charset="utf-8"
    )


def _busy() -> web.Response:
    return web.Response(status=503, text=STARTING)
