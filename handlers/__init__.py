"""Slack's side of the bot: listeners, texts and views."""

from __future__ import annotations

import re

from slack_bolt.async_app import AsyncApp

from bot.domain.bulk import BULK_AGAIN
from bot.domain.requests import DECLINE
from handlers import approvals, commands, decline, errors, home, lists, revoke, revoke_many


def register(app: AsyncApp) -> None:
    """Register every listener. Bolt tries them in this order, so clicks and commands come first."""
    app.action(re.compile(f"^({'|'.join(approvals.ACTIONS)})$"))(approvals.on_click)
    app.command("/purecloud")(commands.on_command)
    app.action(DECLINE)(decline.on_click)
    app.view(decline.VIEW)(decline.on_submit)
    app.action(lists.PAGE_ACTIONS)(lists.on_page)
    app.view(revoke.VIEW)(revoke.on_submit)
    app.shortcut(revoke.GLOBAL_SHORTCUT)(revoke.on_shortcut)
    app.shortcut(revoke.MESSAGE_SHORTCUT)(revoke.on_shortcut)
    app.view(revoke_many.VIEW)(revoke_many.on_submit)
    app.shortcut(revoke_many.SHORTCUT)(revoke_many.on_shortcut)
    app.action(BULK_AGAIN)(revoke_many.on_again)
    app.event("app_home_opened")(home.on_opened)
    app.error(errors.on_error)
