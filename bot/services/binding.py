"""Bind a database to a workspace, an app and an organization, against mistakes of operators."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from bot.db import metadata
from bot.db.engine import Database
from bot.errors import BotError, SettingsError
from bot.logs import RepeatLimit
from bot.purecloud import GenesysError
from bot.services.account import TokenReader
from bot.slack.workspace import WorkspaceIdentity

RETRY_INTERVAL = 5.0
"""Seconds between two attempts to learn the organization, or to reach the database."""

WORKSPACE, APP, ORGANIZATION, CLIENT = "workspace", "app", "organization", "client"

log = structlog.get_logger()


class Binding:
    """The workspace, app and organization of a database; the first bot that uses it sets them.

    `client` identifies the OAuth client and its region. As long as it stays the same, so does the organization.
    """

    def __init__(
        self,
        database: Database,
        workspace: WorkspaceIdentity,
        tokens: TokenReader,
        client: str,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._database = database
        self._workspace = workspace
        self._tokens = tokens
        self._client = client
        self._sleep = sleep

    async def confirm(self) -> None:
        """Compare with what the database belongs to, however long Slack and Genesys Cloud take to answer.

        Raises SettingsError if the database belongs to others.
        """
        await self._workspace.known.wait()
        limit = RepeatLimit()
        while True:
            try:
                await self._confirm()
            except SettingsError:
                raise
            except BotError as error:
                if limit.allows(error.code):
                    log.warning("database.owner_unconfirmed", problem=str(error))
                await self._sleep(RETRY_INTERVAL)
            else:
                return

    async def _confirm(self) -> None:
        workspace = self._workspace.current
        slack = {WORKSPACE: workspace.team_id} | ({APP: workspace.app_id} if workspace.app_id else {})
        known = await self._database.read(metadata.read)
        _require_same(known, slack)
        if known.get(CLIENT) == self._client and set(slack) <= set(known):
            return
        organization = (await self._tokens.get_tokens_me()).organization
        if organization is None or not organization.id:
            raise GenesysError(problem="no_organization")
        facts = slack | {ORGANIZATION: organization.id}
        _require_same(await self._database.write(lambda tx: metadata.add(tx, facts)), facts)
        await self._database.write(lambda tx: metadata.put(tx, CLIENT, self._client))
        log.info("database.bound", **facts)


def _require_same(known: Mapping[str, str], facts: Mapping[str, str]) -> None:
    """Raise SettingsError with a line for each fact that differs from the known one."""
    problems = [
        f"DATABASE_URL: this database belongs to the {name} {known[name]}, but the bot's {name} is {value}; "
        "use a database of its own"
        for name, value in facts.items()
        if known.get(name, value) != value
    ]
    if problems:
        raise SettingsError(problems)
