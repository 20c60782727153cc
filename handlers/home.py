"""The Home tab: what this person can do."""

from __future__ import annotations

from typing import Any

import structlog
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.domain.commands import Invoker
from bot.errors import BotError
from handlers.help import approval_hint, commands_for
from handlers.messages import Catalog
from handlers.payloads import read_visitor
from handlers.services import Services
from handlers.ui.home import home_view
from handlers.ui.reasons import explain

log = structlog.get_logger()


async def on_opened(ack: AsyncAck, body: dict[str, Any], services: Services, catalog: Catalog) -> None:
    """Acknowledge, then publish the Home tab; the messages tab needs nothing."""
    await ack()
    if body["event"].get("tab") == "home":
        services.tasks.start(_publish(read_visitor(body), services, catalog))


async def _publish(visitor: Invoker, services: Services, catalog: Catalog) -> None:
    try:
        permissions = await services.account.permissions(visitor)
        view = home_view(catalog, commands_for(catalog, permissions), approval_hint(catalog, permissions))
    except BotError as error:
        problem = explain(catalog, error.code, error.params, changed_nothing=False)
        view = home_view(catalog, [], catalog.text("home.unavailable", problem=problem))
    try:
        await services.web_api.call("views.publish", user_id=visitor.user_id, view=view)
    except BotError as error:  # Slack shows the view of the last time
        log.warning("home tab not published", problem=str(error), by=visitor.user_id)
