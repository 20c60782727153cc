"""The services that listeners use, recording what they are asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from bot.domain.actions import ACTIONS, Actions
from bot.domain.clicks import Click
from bot.domain.commands import Invoker, RequestCommand
from bot.domain.pages import NEWEST, Position
from bot.services.account import Permissions, WhoAmI
from bot.services.dry_run import DryRun
from bot.services.overview import ALL, Concerning, Query, RequestList
from handlers.messages import Catalog
from handlers.messages.en import SENTENCES
from tests.support import examples
from tests.support.examples import RAVI, WORKSPACE, users

ENGLISH = Catalog(SENTENCES)

INVOKER = Invoker(user_id=RAVI, team_id=WORKSPACE.team_id, channel="C0OPS00001", key="key")


class StubServices:
    """Implements `handlers.services.Services`; every service is this object."""

    def __init__(
        self,
        permissions: Permissions | None = None,
        who: WhoAmI | None = None,
        *,
        actions: Actions = ACTIONS,
        require_reason: bool = False,
        error: Exception | None = None,
        list_error: Exception | None = None,
        api_error: Exception | None = None,
    ) -> None:
        self._permissions = permissions or Permissions()
        self._who = who
        self._error = error
        self._list_error = list_error
        self.api_error = api_error
        self.actions = actions
        self.require_reason = require_reason
        self.listed = RequestList(())
        self.tabs_opened: dict[str, Callable[[], Awaitable[None]]] = {}
        self.lists_read: list[tuple[Query, Position]] = []
        self.commands: list[RequestCommand] = []
        self.dry_run_commands: list[RequestCommand] = []
        self.clicks: list[Click] = []
        self.replies_sent: list[Mapping[str, Any]] = []
        self.started: list[Coroutine[Any, Any, None]] = []
        self.api_calls: list[tuple[str, dict[str, Any]]] = []

    @property
    def account(self) -> StubServices:
        return self

    @property
    def inbox(self) -> StubServices:
        return self

    @property
    def replies(self) -> StubServices:
        return self

    @property
    def web_api(self) -> StubServices:
        return self

    async def call(self, method: str, **arguments: Any) -> Mapping[str, Any]:
        if self.api_error:
            raise self.api_error
        self.api_calls.append((method, arguments))
        return {}

    @property
    def dry_runs(self) -> StubServices:
        return self

    async def dry_run(self, command: RequestCommand) -> DryRun:
        self._raise()
        self.dry_run_commands.append(command)
        return DryRun(examples.request(), users(RAVI))

    @property
    def tasks(self) -> StubServices:
        return self

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        self.started.append(work)

    async def run_started(self) -> None:
        """Run the tasks that were started."""
        while self.started:
            await self.started.pop(0)

    async def permissions(self, _invoker: Invoker) -> Permissions:
        self._raise()
        return self._permissions

    async def whoami(self, _invoker: Invoker) -> WhoAmI:
        self._raise()
        assert self._who
        return self._who

    @property
    def overview(self) -> StubServices:
        return self

    @property
    def tabs(self) -> StubServices:
        return self

    def opened(self, user_id: str, refresh: Callable[[], Awaitable[None]]) -> None:
        self.tabs_opened[user_id] = refresh

    async def concerning(self, _invoker: Invoker) -> Concerning:
        return Concerning(self._list(ALL, NEWEST), RequestList(()))

    async def recent(self, _invoker: Invoker) -> RequestList:
        return self._list(ALL, NEWEST)

    async def pending(self, _invoker: Invoker, query: Query, position: Position) -> RequestList:
        return self._list(query, position)

    async def history(self, _invoker: Invoker, query: Query, position: Position) -> RequestList:
        return self._list(query, position)

    def _list(self, query: Query, position: Position) -> RequestList:
        self._raise()
        if self._list_error:
            raise self._list_error
        self.lists_read.append((query, position))
        return self.listed

    async def replace_until_expired(self, _response_url: str | None, _user_id: str, message: Mapping[str, Any]) -> None:
        self.replies_sent.append(message)

    async def record_command(self, command: RequestCommand) -> None:
        self._raise()
        self.commands.append(command)

    async def record_click(self, click: Click) -> None:
        self._raise()
        self.clicks.append(click)

    async def reply_until_expired(self, _response_url: str | None, _user_id: str, message: Mapping[str, Any]) -> None:
        self.replies_sent.append(message)

    def _raise(self) -> None:
        if self._error:
            raise self._error
