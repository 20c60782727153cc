"""Bare Bolt AsyncApp with default settings: a command and a button that only acknowledge."""

from __future__ import annotations

import os
from typing import Any

from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient


def main() -> None:
    """Serve until the process is stopped."""
    client = AsyncWebClient(token=os.environ["SLACK_BOT_TOKEN"], base_url=f"{os.environ['SLACK_API_URL']}/")
    app = AsyncApp(client=client, signing_secret=os.environ["SLACK_SIGNING_SECRET"])

    @app.command("/purecloud")
    async def purecloud(ack: Any) -> None:
        await ack()

    @app.action("approve")
    async def approve(ack: Any) -> None:
        await ack()

    server = app.server(port=int(os.environ["PORT"]), host="127.0.0.1")
    web.run_app(server.web_app, host="127.0.0.1", port=int(os.environ["PORT"]), access_log=None, print=None)


if __name__ == "__main__":
    main()
