"""Slack: whose token it is, its scopes, the clock, the way in, the channels; only asked, nothing posted."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.checks.errors import looked
from bot.checks.headers import Overheard
from bot.checks.result import Finding, not_tried, unknown, well, wrong
from bot.domain.people import Workspace
from bot.errors import SlackUnavailable
from bot.settings import Settings
from bot.slack.messages import delivery_error_from
from bot.slack.socket_mode import ask_for_a_connection

SCOPES: Final[Mapping[str, str]] = {
    "commands": "nobody can type the command",
    "chat:write": "no card and no outcome can be posted",
    "im:write": "no card reaches anybody's direct messages",
    "users:read": "nobody can be looked up",
    "users:read.email": "nobody can be found in Genesys Cloud",
    "usergroups:read": "no user group among the principals can be read",
}
"""The scopes of manifest.yml, and what fails without each."""

CLOCK_APART: Final = 60.0
"""Seconds that the clocks may be apart; Slack's signatures are good for 300."""

_CHANNEL_SCOPES: Final = frozenset({"channels:read", "groups:read"})
_NO_MESSAGE: Final = "1.000000"
"""A message that is nowhere: the link to it is the one question without a scope that tells a channel from none."""
_SECRET: Final = re.compile(r"[0-9a-f]{32}")


async def ask(method: str, call: Callable[..., Awaitable[AsyncSlackResponse]], **arguments: str) -> Mapping[str, Any]:
    """Ask the Web API; raises SlackUnavailable with Slack's code, or the network's."""
    try:
        answer = await call(**arguments)
    except Exception as error:
        raise SlackUnavailable(method, delivery_error_from(error).slack_code) from error
    return answer.data if isinstance(answer.data, Mapping) else {}


class SlackChecks:
    """Everything about Slack but the principals, which `principals` looks up once it is known who the bot is."""

    def __init__(self, client: AsyncWebClient, settings: Settings, overheard: Overheard, *, seconds: float) -> None:
        self._client = client
        self._settings = settings
        self._overheard = overheard
        self._seconds = seconds
        self.workspace: Workspace | None = None
        """Known once the token has been accepted."""

    async def token(self) -> list[Finding]:
        """Whose token it is; what hangs on it waits for this."""
        return await looked("SLACK_BOT_TOKEN", self._token(), self._seconds)

    async def rest(self) -> list[Finding]:
        """What can be told once Slack was asked for the first time, in the order it is read."""
        parts = await asyncio.gather(
            looked("SLACK_APP_TOKEN", self._way_in(), self._seconds),
            *(
                looked(f"{name} {channel}", self._channel(f"{name} {channel}", channel), self._seconds)
                for name, channel in self._channels()
            ),
        )
        return [*self._scopes(), self._clock(), *(finding for part in parts for finding in part)]

    def _channels(self) -> list[tuple[str, str]]:
        named = [
            ("APPROVALS_CHANNEL", self._settings.approvals_channel),
            ("AUDIT_CHANNEL", self._settings.audit_channel),
        ]
        return [(name, channel) for name, channel in named if channel]

    async def _token(self) -> Finding:
        me = await ask("auth.test", self._client.auth_test)
        if not me.get("bot_id"):
            advice = "Set SLACK_BOT_TOKEN to the Bot User OAuth Token, which begins with xoxb-."
            return wrong("SLACK_BOT_TOKEN", f"it is the token of a person ({me.get('user')}), not of a bot", advice)
        self.workspace = Workspace(
            team_id=str(me.get("team_id") or ""),
            name=str(me.get("team") or ""),
            bot_user_id=str(me.get("user_id") or ""),
            enterprise_id=me.get("enterprise_id") or None,
        )
        where = f"{self.workspace.name} ({self.workspace.team_id})"
        return well("SLACK_BOT_TOKEN", f"the bot is {me.get('user')} in the workspace {where}")

    def _held(self) -> frozenset[str] | None:
        told = self._overheard.header("x-oauth-scopes")
        return None if told is None else frozenset(word.strip() for word in told.split(","))

    def _scopes(self) -> list[Finding]:
        held = self._held()
        if self.workspace is None:
            return [not_tried(f"scope {scope}", "SLACK_BOT_TOKEN failed its check") for scope in SCOPES]
        if held is None:
            return [unknown(f"scope {scope}", "Slack's answer names no scopes") for scope in SCOPES]
        advice = "Add it under OAuth & Permissions at api.slack.com/apps, then install the app again."
        return [
            well(f"scope {scope}", "the token has it")
            if scope in held
            else wrong(f"scope {scope}", f"the token lacks it, so {without}", advice)
            for scope, without in SCOPES.items()
        ]

    def _clock(self) -> Finding:
        ahead = self._overheard.ahead
        if ahead is None:
            return not_tried("clock", "no answer of Slack's told the time")
        side = "ahead of" if ahead > 0 else "behind"
        if abs(ahead) <= CLOCK_APART:
            return well("clock", f"it agrees with Slack's to within {CLOCK_APART:.0f} seconds")
        says = f"this machine's clock is {abs(ahead):.0f} seconds {side} Slack's"
        if self._settings.slack_app_token is not None:
            return well("clock", f"{says}, which does no harm in Socket Mode")
        return wrong("clock", f"{says}, whose signatures are good for 300", "Set the clock by NTP.")

    async def _way_in(self) -> list[Finding]:
        token, secret = self._settings.slack_app_token, self._settings.slack_signing_secret
        if token is not None:
            await ask_for_a_connection(self._client, token.get_secret_value())
            says = "Slack accepts it; asking opened an address for one connection, which lapses unused"
            return [well("SLACK_APP_TOKEN", says)]
        if secret is None or not _SECRET.fullmatch(secret.get_secret_value()):
            advice = "Compare it with the Signing Secret under Basic Information at api.slack.com/apps."
            says = "it is set, but a signing secret has 32 digits from 0 to f, and this has not"
            return [unknown("SLACK_SIGNING_SECRET", says, advice)]
        says = "it is set and looks like one; whether it is this app's shows when Slack sends something"
        return [well("SLACK_SIGNING_SECRET", says)]

    async def _channel(self, check: str, channel: str) -> Finding:
        if self.workspace is None:
            return not_tried(check, "SLACK_BOT_TOKEN failed its check")
        try:
            if (self._held() or frozenset()) >= _CHANNEL_SCOPES:
                return self._membership(check, await self._info(channel))
            await ask("chat.getPermalink", self._client.chat_getPermalink, channel=channel, message_ts=_NO_MESSAGE)
        except SlackUnavailable as error:
            if error.slack_code == "channel_not_found":
                says = "Slack shows the bot no such channel: the id is wrong, or it is private and the bot is not in it"
                return wrong(check, says, self._invitation())
            if error.slack_code != "message_not_found":
                raise
        says = (
            "Slack knows the channel; whether the bot is in it cannot be told with the scopes it needs "
            "(channels:read and groups:read would tell)"
        )
        return unknown(check, says, f"{self._invitation()} That does no harm where it is in.")

    async def _info(self, channel: str) -> Mapping[str, Any]:
        told = await ask("conversations.info", self._client.conversations_info, channel=channel)
        found = told.get("channel")
        return found if isinstance(found, Mapping) else {}

    def _membership(self, check: str, channel: Mapping[str, Any]) -> Finding:
        name = f"#{channel.get('name')}" if channel.get("name") else "the direct messages"
        if channel.get("is_archived"):
            return wrong(check, f"{name} is archived", "Unarchive it, or name another channel.")
        if channel.get("is_member") or channel.get("is_im"):
            return well(check, f"the bot is in {name}")
        return wrong(check, f"the bot is not in {name}", self._invitation())

    def _invitation(self) -> str:
        return "Compare the id, and type /invite with the bot's name in the channel."
