"""The floor: bare aiohttp that checks Slack's signature and answers an empty 200; it reads nothing else."""

from __future__ import annotations

import hashlib
import hmac
import os

from aiohttp import web

SECRET = os.environ["SLACK_SIGNING_SECRET"].encode()


async def events(request: web.Request) -> web.Response:
    """Check the signature over the raw bytes."""
    raw = await request.read()
    signed = b"v0:" + request.headers["X-Slack-Request-Timestamp"].encode() + b":" + raw
    expected = "v0=" + hmac.new(SECRET, signed, hashlib.sha256).hexdigest()
    right = hmac.compare_digest(expected, request.headers["X-Slack-Signature"])
    return web.Response(status=200 if right else 401)


def main() -> None:
    """Serve until the end."""
    app = web.Application()
    app.router.add_post("/slack/events", events)
    web.run_app(app, host="127.0.0.1", port=int(os.environ["PORT"]), access_log=None, print=None)


if __name__ == "__main__":
    main()
