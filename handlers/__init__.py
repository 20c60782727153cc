"""Slack in, Slack out: one listener for commands, one for clicks, and a dictionary behind each."""

from __future__ import annotations

import re
from functools import partial

from slack_bolt.async_app import AsyncApp
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.service import Service
from handlers import decide, guard
from handlers.asking import read_asker

_ANYTHING = re.compile("")


def register(app: AsyncApp, service: Service) -> None:
    """Give Bolt its listeners; each costs every request a little, so there are two."""
    app.command(_ANYTHING)(partial(_command, service=service))
    app.action(_ANYTHING)(partial(decide.click, service=service))


async def _command(args: AsyncArgs, *, service: Service) -> None:
    """Acknowledge at once; the answer follows through the response_url."""
    await args.ack()
    service.begin(guard.command(read_asker(args.body), str(args.body.get("text") or ""), service))
