"""The routes that the bot serves."""

from __future__ import annotations

from aiohttp import web

from bot.slack.http import MAX_BODY_SIZE, SlackEndpoint
from bot.web.connections import track_request
from bot.web.health import Health


def application(health: Health, endpoint: SlackEndpoint | None) -> web.Application:
    """Return the aiohttp application; without an endpoint it serves health and metrics only."""
    app = web.Application(client_max_size=MAX_BODY_SIZE, middlewares=[track_request])
    app.add_routes(
        [
            web.get("/", health.paths),
            web.get("/healthz", health.alive),
            web.get("/readyz", health.ready),
            web.get("/metrics", health.metrics),
        ]
    )
    if endpoint is not None:
        app.add_routes([web.post(path, endpoint.handle) for path in ("/slack/events", "/slack/events/")])
    return app
