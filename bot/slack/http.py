"""The way in by HTTP: what Slack signed is proved and read once; all else gets a clean 4xx and no more."""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from bot.slack.dispatch import WINDOW, Answer, Body, Dispatcher, InvalidSlackRequest, is_storable_text

MOST_BYTES = 1024 * 1024
"""Slack's payloads stay far below; more is answered 413."""

MOST_FIELDS = 200


class SlackEndpoint:
    """`POST /slack/events`. Bolt itself would parse before it proves, and lose forms with the word "payload"."""

    def __init__(self, signing_secret: str, admission: Dispatcher, *, clock: Callable[[], float] = time.time) -> None:
        self._secret = signing_secret.encode()
        self._admission = admission
        self._clock = clock

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request of Slack; never 500."""
        return to_aiohttp(await self._admission.admit(self._read(request)))

    async def _read(self, request: web.Request) -> Body:
        """Read what Slack signed; raises InvalidSlackRequest."""
        try:
            raw = await request.read()
        except web.RequestPayloadError:
            raise InvalidSlackRequest("The body cannot be read.", 400) from None
        except web.HTTPRequestEntityTooLarge:
            raise InvalidSlackRequest("The request is too large.", 413) from None
        verify(self._secret, raw, request.headers, now=self._clock())
        return parse(raw, request.content_type)


def verify(secret: bytes, raw: bytes, headers: Mapping[str, str], *, now: float) -> None:
    """Prove that Slack signed these very bytes within the last minutes; raises InvalidSlackRequest (401)."""
    timestamp, signature = headers.get("X-Slack-Request-Timestamp", ""), headers.get("X-Slack-Signature", "")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 15) or not signature.isascii():  # noqa: PLR2004
        message = "The request is not signed."
        raise InvalidSlackRequest(message, 401)
    if abs(now - int(timestamp)) > WINDOW:
        message = "The signature is too old, or this machine's clock is wrong."
        raise InvalidSlackRequest(message, 401)
    signed = hmac.digest(secret, b"v0:" + timestamp.encode() + b":" + raw, "sha256")
    if not hmac.compare_digest(f"v0={signed.hex()}", signature):
        message = "The signature is wrong."
        raise InvalidSlackRequest(message, 401)


def parse(raw: bytes, content_type: str) -> dict[str, Any]:
    """Read a form, a form's `payload`, or JSON; raises InvalidSlackRequest (400)."""
    try:
        if content_type == "application/json":
            body = _json(raw.decode())
        else:
            form = read_form(raw)
            body = _json(form["payload"]) if "payload" in form and "command" not in form else form
    except (ValueError, RecursionError):
        message = "The body cannot be read."
        raise InvalidSlackRequest(message, 400) from None
    if not isinstance(body, dict) or not body:
        message = "The body is none that Slack sends."
        raise InvalidSlackRequest(message, 400)
    return body


def read_form(raw: bytes) -> dict[str, str]:
    """Read a form; of fields of the same name the last counts. Raises ValueError.

    The standard library's `parse_qsl` takes six times as long for a click, the longest part of its acknowledgement.
    """
    fields = raw.decode().split("&")
    if len(fields) > MOST_FIELDS or b"%00" in raw or b"\0" in raw:  # PostgreSQL takes no NUL
        message = "The form has more fields than Slack's, or a NUL in it."
        raise ValueError(message)
    form = {}
    for field in filter(None, fields):
        name, _, value = field.partition("=")
        if "%" in field or "+" in field:
            name, value = _decoded(name), _decoded(value)
        form[name] = value
    return form


def _decoded(text: str) -> str:
    r"""Undo the encoding of a form's field (url.spec.whatwg.org, application/x-www-form-urlencoded).

    `%2F` is to a URL what `\x2F` is to Python, whose decoder is not written in Python. A `%` that nothing follows is
    a ValueError.
    """
    escaped = text.replace("\\", "%5C").replace("+", " ").replace("%", "\\x")
    return escaped.encode().decode("unicode_escape").encode("latin-1").decode()


def _json(text: str) -> Any:
    r"""Read JSON; half a character (a lone `\ud800`) and NUL are refused here, because no database would take them."""
    body = json.loads(text)
    written_out = json.dumps(body, ensure_ascii=False) if "\\ud" in text or "\\uD" in text else ""
    if not (is_storable_text(text) and is_storable_text(written_out)):
        raise ValueError
    return body


def to_aiohttp(answer: Answer) -> web.Response:
    """Hand an answer on."""
    if answer.payload is not None:
        return web.json_response(answer.payload, status=answer.status)
    return web.Response(status=answer.status, text=answer.text or None)
