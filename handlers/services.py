"""What listeners need of the bot. `bot.bootstrap.Services` provides it; tests hand in their own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Protocol

from bot.domain.actions import Actions
from bot.domain.clicks import Click
from bot.domain.commands import Invoker, RequestCommand
from bot.domain.pages import Position
from bot.services.account import Permissions, WhoAmI
from bot.services.dry_run import DryRun
from bot.services.overview import Concerning, Query, RequestList


class Account(Protocol):
    """Reads who a person is; raises BotError."""

    async def permissions(self, invoker: Invoker) -> Permissions:
        """Return what a person may do."""

    async def whoami(self, invoker: Invoker) -> WhoAmI:
        """Return who a person is and what the bot's token is."""


class Overview(Protocol):
    """Lists requests; raises BotError."""

    async def pending(self, invoker: Invoker, query: Query, position: Position) -> RequestList:
        """Return a page of the open requests that a person made or may approve."""

    async def concerning(self, invoker: Invoker) -> Concerning:
        """Return the pending requests that wait for a person or are theirs."""

    async def recent(self, invoker: Invoker) -> RequestList:
        """Return the newest finished requests that a person made or decided."""

    async def history(self, invoker: Invoker, query: Query, position: Position) -> RequestList:
        """Return a page of the requests that ended, for admins."""


class Tabs(Protocol):
    """Refreshes Home tabs that are open."""

    def opened(self, user_id: str, refresh: Callable[[], Awaitable[None]]) -> None:
        """Remember that a person opened the tab; `refresh` publishes it again."""


class Inbox(Protocol):
    """Commits what a person requested or clicked; raises BotError if it is not on disk."""

    async def record_command(self, command: RequestCommand) -> None:
        """Commit a command or modal submission."""

    async def record_click(self, click: Click) -> None:
        """Commit a click."""


class DryRuns(Protocol):
    """Finds out what a command would request; raises BotError."""

    async def dry_run(self, command: RequestCommand) -> DryRun:
        """Return what a command would request."""


class Replies(Protocol):
    """Sends private replies."""

    async def reply_until_expired(self, response_url: str | None, user_id: str, message: Mapping[str, Any]) -> None:
        """Send a private reply, retrying while its `response_url` is valid."""

    async def replace_until_expired(self, response_url: str | None, user_id: str, message: Mapping[str, Any]) -> None:
        """Replace the private message whose button was pressed, retrying while its `response_url` is valid."""


class WebApi(Protocol):
    """Calls Slack's Web API; raises BotError."""

    async def call(self, method: str, **arguments: Any) -> Mapping[str, Any]:
        """Call a method."""


class Tasks(Protocol):
    """Runs work after an acknowledgement."""

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run work in a task of its own."""


class Services(Protocol):
    """The services that listeners use."""

    @property
    def account(self) -> Account:
        """The read-only commands."""

    @property
    def overview(self) -> Overview:
        """The lists of requests."""

    @property
    def tabs(self) -> Tabs:
        """The Home tabs that are open."""

    @property
    def inbox(self) -> Inbox:
        """The inbox for commands and clicks."""

    @property
    def dry_runs(self) -> DryRuns:
        """Commands that request nothing."""

    @property
    def replies(self) -> Replies:
        """Private replies."""

    @property
    def web_api(self) -> WebApi:
        """Slack's Web API."""

    @property
    def tasks(self) -> Tasks:
        """Work after an acknowledgement."""

    @property
    def require_reason(self) -> bool:
        """Whether a request without a reason is refused."""

    @property
    def actions(self) -> Actions:
        """The actions that people can request."""
