"""Receive requests from Slack over HTTP: headers first, then the signature, then the body, once."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_sdk.signature import Clock, SignatureVerifier
from yarl import URL

from bot.slack.dispatch import Dispatcher, InvalidSlackRequest, Payload, is_storable_text

MAX_BODY_SIZE = 256 * 1024
"""Bytes of a request body; larger ones are answered 413. Slack's payloads have less than 50 KiB."""

BODY_TIMEOUT = 5.0
"""Seconds for the body of a request."""

MAX_FORM_FIELDS = 200
"""Fields of a form; Slack's commands have about 15."""

MAX_SIGNATURE_AGE = 300.0
"""Seconds for which a signature is valid (docs.slack.dev, Verifying requests from Slack)."""

_MAX_TIMESTAMP_DIGITS = 15
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")


class SlackEndpoint:
    """The endpoint `POST /slack/events`.

    Bolt alone would parse before it verifies, and drop forms that contain the word "payload".
    """

    def __init__(self, signing_secret: str, dispatcher: Dispatcher, *, clock: Callable[[], float] = time.time) -> None:
        self._verifier = RequestVerifier(signing_secret, clock)
        self.dispatcher = dispatcher

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request; never 500."""
        started = time.perf_counter()
        try:
            payload = await self._read(request)
        except InvalidSlackRequest as error:
            response = self.dispatcher.reject(error, started)
        else:
            response = await self.dispatcher.dispatch(payload, started)
        return await to_aiohttp_response(response)

    async def _read(self, request: web.Request) -> Payload:
        """Read nothing of a body whose headers show that Slack did not send it."""
        self._verifier.check_headers(request.headers)
        if "Content-Encoding" in request.headers:
            raise InvalidSlackRequest("compressed body", 400)
        if (request.content_length or 0) > MAX_BODY_SIZE:
            raise InvalidSlackRequest("body too large", 413)
        raw = await _read_body(request)
        self._verifier.verify(raw, request.headers)
        return parse_body(raw, request.content_type)


async def _read_body(request: web.Request) -> bytes:
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            return await request.read()
    except web.RequestPayloadError:
        raise InvalidSlackRequest("unreadable body", 400) from None
    except web.HTTPRequestEntityTooLarge:
        raise InvalidSlackRequest("body too large", 413) from None
    except TimeoutError:
        raise InvalidSlackRequest("body too slow", 408) from None
    except OSError:  # the client closed the connection, so it gets no response
        raise InvalidSlackRequest("connection closed", 400) from None


class RequestVerifier:
    """Verifies that Slack signed a request within the last five minutes."""

    def __init__(self, signing_secret: str, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._verifier = SignatureVerifier(signing_secret, _SdkClock(clock))

    def check_headers(self, headers: Mapping[str, str]) -> None:
        """Raise InvalidSlackRequest (401) unless the headers have the form of a current signature."""
        timestamp, signature = headers.get("X-Slack-Request-Timestamp", ""), headers.get("X-Slack-Signature", "")
        is_number = timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _MAX_TIMESTAMP_DIGITS
        if not is_number or not _SIGNATURE.fullmatch(signature):
            raise InvalidSlackRequest("request not signed", 401)
        if abs(self._clock() - int(timestamp)) > MAX_SIGNATURE_AGE:
            raise InvalidSlackRequest("signature too old, or the clock of this machine is wrong", 401)

    def verify(self, raw: bytes, headers: Mapping[str, str]) -> None:
        """Raise InvalidSlackRequest (401, or 400 without UTF-8) unless the signature fits these bytes."""
        self.check_headers(headers)
        timestamp, signature = headers["X-Slack-Request-Timestamp"], headers["X-Slack-Signature"]
        try:
            valid = self._verifier.is_valid(raw, timestamp, signature)
        except (ValueError, TypeError):  # the SDK decodes the body before it compares signatures
            raise InvalidSlackRequest("body not UTF-8", 400) from None
        if not valid:
            raise InvalidSlackRequest("signature wrong", 401)


class _SdkClock(Clock):
    """The clock of the SDK's verifier, handed in."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock

    def now(self) -> float:
        """Return the time in epoch seconds."""
        return self._clock()


def parse_body(raw: bytes, content_type: str) -> Payload:
    """Parse a form, the `payload` of a form, or JSON. Raises InvalidSlackRequest (400)."""
    try:
        if content_type == "application/json":
            body = parse_json(raw.decode())
        else:
            form = parse_form(raw)
            body = parse_json(form["payload"]) if "payload" in form and "command" not in form else form
    except (ValueError, RecursionError):
        raise InvalidSlackRequest("unreadable body", 400) from None
    if not isinstance(body, dict) or not body:
        raise InvalidSlackRequest("unexpected payload", 400)
    return body


def parse_form(raw: bytes) -> dict[str, str]:
    """Parse a form; the last of several fields with one name counts. Raises ValueError.

    yarl parses a click about nine times faster than `urllib.parse`.
    """
    if raw.count(b"&") >= MAX_FORM_FIELDS or b"%00" in raw or b"\0" in raw:
        raise ValueError("too many fields, or NUL, which PostgreSQL rejects")
    fields = dict(URL.build(path="/", query_string=raw.decode(), encoded=True).query.items())
    if b"%EF%BF%BD" not in raw.upper() and any("\ufffd" in value for value in fields.values()):
        raise ValueError("escaped bytes that are not UTF-8, which yarl replaces")
    return fields


def parse_json(document: str) -> Any:
    r"""Parse JSON. Raises ValueError for text that a database rejects: a lone surrogate (`\ud800`) or NUL."""
    body = json.loads(document)
    unescaped = json.dumps(body, ensure_ascii=False) if "\\ud" in document or "\\uD" in document else ""
    if not (is_storable_text(document) and is_storable_text(unescaped)):
        raise ValueError("text that a database rejects")
    return body
