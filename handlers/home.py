"""The Home tab: who this person is, what they may do, what waits for them, and their last requests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import structlog
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.domain.commands import Invoker
from bot.domain.denials import Denied
from bot.errors import BotError
from bot.services.account import WhoAmI
from bot.services.overview import Concerning, ListedRequest, RequestList
from handlers.help import approval_hint, command_block
from handlers.messages import Catalog
from handlers.payloads import read_visitor
from handlers.services import Services
from handlers.ui.home import Home, excluded_view, home_view, unavailable_view
from handlers.ui.modals import View
from handlers.ui.reasons import explain
from handlers.whoami import identity_line, permission_block

PART_TIMEOUT = 5.0
"""Maximum time for each part of the tab, in seconds. The tab shows the others without it."""

MAX_LISTED = 5
"""Requests in each list; `/purecloud pending` and `history` show all."""

Result = TypeVar("Result")

log = structlog.get_logger()


async def on_opened(ack: AsyncAck, body: dict[str, Any], services: Services, catalog: Catalog) -> None:
    """Acknowledge, then publish the Home tab; the messages tab needs nothing."""
    await ack()
    if body["event"].get("tab") == "home":
        publisher = Publisher(read_visitor(body), services, catalog)
        services.tasks.start(publisher.publish())
        services.tabs.opened(publisher.visitor.user_id, publisher.publish_changes)


class Publisher:
    """Publishes the Home tab of one person."""

    def __init__(self, visitor: Invoker, services: Services, catalog: Catalog) -> None:
        self.visitor = visitor
        self._services = services
        self._catalog = catalog
        self._published: View = {}

    async def publish(self) -> None:
        """Publish the tab as it is now."""
        await self._publish(await self._view())

    async def publish_changes(self) -> None:
        """Publish the tab if it differs from the one that Slack shows."""
        view = await self._view()
        if view != self._published:
            await self._publish(view)

    async def _publish(self, view: View) -> None:
        try:
            await self._services.web_api.call("views.publish", user_id=self.visitor.user_id, view=view)
        except BotError as error:  # Slack shows the view of the last time
            log.warning("home.not_published", problem=str(error), by=self.visitor.user_id)
        else:
            self._published = view

    async def _view(self) -> View:
        services = self._services
        who, concerning, recent = await asyncio.gather(
            self._within(services.account.whoami),
            self._within(services.overview.concerning),
            self._within(services.overview.recent),
        )
        if isinstance(who, str):
            return unavailable_view(self._catalog, who)
        if who.permissions.denied_because:
            why, commands = approval_hint(self._catalog, who.permissions), command_block(self._catalog, who.permissions)
            return excluded_view(self._catalog, identity_line(self._catalog, who), why, commands)
        return home_view(self._catalog, self._home(who, concerning, recent))

    def _home(self, who: WhoAmI, concerning: Concerning | str, recent: RequestList | str) -> Home:
        catalog, permissions = self._catalog, who.permissions
        return Home(
            person=identity_line(catalog, who),
            permissions=permission_block(catalog, permissions, self._services.actions),
            commands=command_block(catalog, permissions),
            hint=approval_hint(catalog, permissions),
            waiting=concerning if isinstance(concerning, str) else _requests(concerning.waiting),
            own=() if isinstance(concerning, str) else concerning.own.requests[:MAX_LISTED],
            recent=_requests(recent),
        )

    async def _within(self, read: Callable[[Invoker], Awaitable[Result]]) -> Result | str:
        """Return a part of the tab, or a sentence that says why it is not available."""
        try:
            async with asyncio.timeout(PART_TIMEOUT):
                return await read(self.visitor)
        except Denied as denied:
            return explain(self._catalog, denied.code, denied.params, changed_nothing=False)
        except BotError as error:
            problem = explain(self._catalog, error.code, error.params, changed_nothing=False)
        except TimeoutError:
            problem = self._catalog.text("home.too_slow")
        return self._catalog.text("home.unavailable", problem=problem)


def _requests(found: RequestList | str) -> Sequence[ListedRequest] | str:
    return found if isinstance(found, str) else found.requests[:MAX_LISTED]
