"""Slack's side of the bot: listeners, texts and views."""

from __future__ import annotations

import re

from slack_bolt.async_app import AsyncApp

from bot.domain.requests import APPROVE, CANCEL, DECLINE
from handlers import approvals, commands, decline, errors, home, lists, revoke


def register(app: AsyncApp) -> None:
    """Register every listener. Bolt tries them in this order, so clicks come first."""
    app.action(re.compile(f"^({APPROVE}|{CANCEL})$"))(approvals.on_click)
    app.action(DECLINE)(decline.on_click)
    app.view(decline.VIEW)(decline.on_submit)
    app.action(lists.PAGE_ACTIONS)(lists.on_page)
    app.command("/purecloud")(commands.on_command)
    app.view(revoke.VIEW)(revoke.on_submit)
    app.shortcut(revoke.GLOBAL_SHORTCUT)(revoke.on_shortcut)
    app.shortcut(revoke.MESSAGE_SHORTCUT)(revoke.on_shortcut)
    app.event("app_home_opened")(home.on_opened)
    app.error(errors.on_error)
