"""Find out which workspace and app the bot's token belongs to."""

from __future__ import annotations

import asyncio

from bot.domain.people import Workspace
from bot.errors import SlackUnavailable
from bot.slack.api import SlackApi


class WorkspaceUnknown(SlackUnavailable):
    """A process that has just started, and does not know its workspace yet; work for it is retried."""

    def __init__(self) -> None:
        super().__init__("auth.test", "not_called_yet", retryable=True)


class WorkspaceIdentity:
    """The workspace of the bot's token, once `auth.test` has passed."""

    def __init__(self, api: SlackApi) -> None:
        self._api = api
        self._workspace: Workspace | None = None
        self.problem: str | None = None
        """Slack's error code for the last `auth.test`, None before the first one and after a success."""
        self.known = asyncio.Event()
        """Set once Slack has answered `auth.test`."""

    @property
    def is_known(self) -> bool:
        """Whether Slack has answered `auth.test`."""
        return self._workspace is not None

    @property
    def current(self) -> Workspace:
        """The workspace; raises WorkspaceUnknown until `identify` has succeeded."""
        if self._workspace is None:
            raise WorkspaceUnknown
        return self._workspace

    async def identify(self) -> Workspace:
        """Call `auth.test`, and `bots.info` if that does not name the app. Raises SlackUnavailable."""
        try:
            me = await self._api.read("auth.test")
        except SlackUnavailable as error:
            self.problem = error.slack_code
            raise
        self.problem = None
        app_id = me.get("app_id") or await self._app_id(me.get("bot_id"))
        if not me.get("team_id"):
            raise SlackUnavailable("auth.test", "no_team_id")
        self._workspace = Workspace(
            team_id=str(me["team_id"]),
            name=str(me.get("team") or me["team_id"]),
            bot_user_id=str(me.get("user_id") or ""),
            enterprise_id=me.get("enterprise_id") or None,
            app_id=app_id,
        )
        self.known.set()
        return self._workspace

    async def _app_id(self, bot_id: str | None) -> str | None:
        """Return the app of a bot. Without it the signature alone identifies the app, which is enough."""
        if not bot_id:
            return None
        try:
            response = await self._api.read("bots.info", bot=bot_id)
        except SlackUnavailable:
            return None
        return (response.get("bot") or {}).get("app_id") or None
