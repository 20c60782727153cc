"""Lower bound of an acknowledgement: bare aiohttp that only verifies Slack's signature."""

from __future__ import annotations

import hashlib
import hmac
import os

from aiohttp import web

SIGNING_SECRET = os.environ["SLACK_SIGNING_SECRET"].encode()


async def events(request: web.Request) -> web.Response:
    """Verify the signature of the raw body and ignore its content."""
    raw = await request.read()
    signed = b"v0:" + request.headers["X-Slack-Request-Timestamp"].encode() + b":" + raw
    expected = "v0=" + hmac.new(SIGNING_SECRET, signed, hashlib.sha256).hexdigest()
    valid = hmac.compare_digest(expected, request.headers["X-Slack-Signature"])
    return web.Response(status=200 if valid else 401)


def main() -> None:
    """Serve until the process is stopped."""
    app = web.Application()
    app.router.add_post("/slack/events", events)
    web.run_app(app, host="127.0.0.1", port=int(os.environ["PORT"]), access_log=None, print=None)


if __name__ == "__main__":
    main()
