"""Check Slack: the token, its scopes, the clock, the transport and the channels. Nothing is posted."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.checks.errors import run_check
from bot.checks.headers import ResponseHeaders
from bot.checks.result import CheckResult, failed, ok, skipped, undetermined
from bot.domain.people import Workspace
from bot.errors import SlackUnavailable
from bot.settings import Settings
from bot.slack.api import slack_call_error
from bot.slack.channels import Audience, read_audience
from bot.slack.socket_mode import open_connection

TOKEN: Final = "SLACK_BOT_TOKEN"  # noqa: S105 - the name of the setting
SCOPES: Final[Mapping[str, str]] = {
    "commands": "Slack does not offer the command",
    "chat:write": "the bot cannot post cards and outcomes",
    "im:write": "the bot cannot send direct messages",
    "users:read": "the bot cannot look up users",
    "users:read.email": "the bot cannot match users to Genesys Cloud by email",
    "usergroups:read": "the bot cannot read user groups among the principals",
    "channels:read": "the bot cannot see whether another organization shares a public channel",
    "groups:read": "the bot cannot see whether another organization shares a private channel",
    "files:read": "the bot cannot read the file of a bulk request",
    "files:write": "the bot cannot post the outcome of each person of a bulk request",
}
"""The scopes of manifest.yml, and the consequence if one is missing."""

MAX_CLOCK_SKEW: Final = 60.0
"""Maximum difference between the clocks, in seconds. Slack's signatures are valid for 300."""

TOKEN_CHECK_FAILED: Final = f"the check of {TOKEN} failed"
_CHANNEL_SCOPES: Final = frozenset({"channels:read", "groups:read"})
_MISSING_MESSAGE: Final = "1.000000"
"""The `ts` of a message that does not exist.

The error of `chat.getPermalink` for it shows whether the channel exists. No other method does so without a scope.
"""
_SIGNING_SECRET: Final = re.compile(r"[0-9a-f]{32}")
_INVITE_HINT: Final = "Check the channel id, and type /invite with the bot's name in the channel."


async def call_slack(
    method: str, call: Callable[..., Awaitable[AsyncSlackResponse]], **arguments: str
) -> Mapping[str, Any]:
    """Call a method of the Web API that reads; raise SlackUnavailable with Slack's error code."""
    try:
        response = await call(**arguments)
    except Exception as error:
        raise SlackUnavailable(method, slack_call_error(error).slack_code) from error
    return response.data if isinstance(response.data, Mapping) else {}


class SlackChecks:
    """Checks of Slack, except for the principals (see `principals`), which need the workspace."""

    def __init__(
        self, client: AsyncWebClient, settings: Settings, headers: ResponseHeaders, *, time_limit: float
    ) -> None:
        self._client = client
        self._settings = settings
        self._headers = headers
        self._time_limit = time_limit
        self.workspace: Workspace | None = None
        """The bot's workspace, None until Slack has accepted the token."""

    async def check_token(self) -> list[CheckResult]:
        """Check the bot token. Run it first, because the other checks depend on it."""
        return await run_check(TOKEN, self._check_token(), self._time_limit)

    async def check_others(self) -> list[CheckResult]:
        """Check everything else, after the token; return the results in the order of the report."""
        parts = await asyncio.gather(
            run_check("SLACK_APP_TOKEN", self._check_transport(), self._time_limit),
            *(
                run_check(name, self._check_channel(name, channel), self._time_limit)
                for name, channel in self._channels().items()
            ),
        )
        return [*self._check_scopes(), self._check_clock(), *(result for part in parts for result in part)]

    def _channels(self) -> dict[str, str]:
        """Return the configured channels by the name of their check."""
        settings = {
            "APPROVALS_CHANNEL": self._settings.approvals_channel,
            "AUDIT_CHANNEL": self._settings.audit_channel,
        }
        return {f"{setting} {channel}": channel for setting, channel in settings.items() if channel}

    async def _check_token(self) -> CheckResult:
        identity = await call_slack("auth.test", self._client.auth_test)
        if not identity.get("bot_id"):
            hint = f"Set {TOKEN} to the Bot User OAuth Token, which begins with xoxb-."
            return failed(TOKEN, f"a user token (of {identity.get('user')}), not a bot token", hint)
        if identity.get("is_enterprise_install"):
            message = "the app is installed in a whole organization, but user groups belong to one workspace"
            return failed(TOKEN, message, "Install the app to one workspace of the organization.")
        self.workspace = Workspace(
            team_id=str(identity.get("team_id") or ""),
            name=str(identity.get("team") or ""),
            bot_user_id=str(identity.get("user_id") or ""),
            enterprise_id=identity.get("enterprise_id") or None,
        )
        workspace = f"{self.workspace.name} ({self.workspace.team_id})"
        return ok(TOKEN, f"authenticated as {identity.get('user')} in the workspace {workspace}")

    def _granted_scopes(self) -> frozenset[str] | None:
        header = self._headers.get("x-oauth-scopes")
        return None if header is None else frozenset(scope.strip() for scope in header.split(","))

    def _check_scopes(self) -> list[CheckResult]:
        if self.workspace is None:
            return [skipped(f"scope {scope}", TOKEN_CHECK_FAILED) for scope in SCOPES]
        granted = self._granted_scopes()
        if granted is None:
            return [undetermined(f"scope {scope}", "Slack's response does not list the scopes") for scope in SCOPES]
        hint = "Add the scope under OAuth & Permissions at api.slack.com/apps, then reinstall the app."
        return [
            ok(f"scope {scope}", "granted")
            if scope in granted
            else failed(f"scope {scope}", f"missing, so {consequence}", hint)
            for scope, consequence in SCOPES.items()
        ]

    def _check_clock(self) -> CheckResult:
        skew = self._headers.clock_skew
        if skew is None:
            return skipped("clock", "no response from Slack has a valid Date header")
        direction = "ahead of" if skew > 0 else "behind"
        if abs(skew) <= MAX_CLOCK_SKEW:
            return ok("clock", f"within {MAX_CLOCK_SKEW:.0f} seconds of Slack's clock")
        difference = f"{abs(skew):.0f} seconds {direction} Slack's clock"
        if self._settings.slack_app_token is not None:
            return ok("clock", f"{difference}, which is harmless in Socket Mode")
        message = f"{difference}; the bot rejects Slack's signatures after 300 seconds"
        return failed("clock", message, "Synchronize this machine's clock with NTP.")

    async def _check_transport(self) -> CheckResult:
        """Check the app token in Socket Mode, the format of the signing secret in HTTP mode."""
        token, secret = self._settings.slack_app_token, self._settings.slack_signing_secret
        if token is not None:
            await open_connection(self._client, token.get_secret_value())
            return ok("SLACK_APP_TOKEN", "accepted; the connection URL that Slack issued for this check expires unused")
        if secret is None or not _SIGNING_SECRET.fullmatch(secret.get_secret_value()):
            message = "set, but it does not look like a signing secret (32 hexadecimal characters)"
            hint = "Compare it with Signing Secret under Basic Information at api.slack.com/apps."
            return undetermined("SLACK_SIGNING_SECRET", message, hint)
        message = "set and in the right format; only a request from Slack can show whether it belongs to this app"
        return ok("SLACK_SIGNING_SECRET", message)

    async def _check_channel(self, name: str, channel: str) -> CheckResult:
        if self.workspace is None:
            return skipped(name, TOKEN_CHECK_FAILED)
        try:
            if (self._granted_scopes() or frozenset()) >= _CHANNEL_SCOPES:
                info = await call_slack("conversations.info", self._client.conversations_info, channel=channel)
                return _check_channel_info(name, info.get("channel"))
            await call_slack(
                "chat.getPermalink", self._client.chat_getPermalink, channel=channel, message_ts=_MISSING_MESSAGE
            )
        except SlackUnavailable as error:
            if error.slack_code == "channel_not_found":
                message = "Slack reports no such channel. The id is wrong, or the channel is private and lacks the bot"
                return failed(name, message, _INVITE_HINT)
            if error.slack_code != "message_not_found":
                raise
        message = (
            "the channel exists; without channels:read and groups:read the bot cannot see whether it is a member, or "
            "whether another organization shares the channel"
        )
        return undetermined(name, message, f"Add the scopes. {_INVITE_HINT} Inviting a member again is harmless.")


def _check_channel_info(name: str, channel: object) -> CheckResult:
    info = channel if isinstance(channel, Mapping) else {}
    label = f"#{info.get('name')}" if info.get("name") else "the direct message"
    audience = read_audience(info)
    if info.get("is_archived"):
        return failed(name, f"{label} is archived", "Unarchive it, or name another channel.")
    if audience is Audience.SHARED:
        message = f"people of another organization see {label} or are invited to it, so the bot posts nothing there"
        return failed(name, message, "Name a channel that only your own organization uses, or stop sharing this one.")
    if info.get("is_im"):
        return ok(name, f"the bot is a member of {label}")
    if not info.get("is_member"):
        return failed(name, f"the bot is not a member of {label}", _INVITE_HINT)
    if audience is Audience.UNKNOWN:
        message = f"the bot is a member of {label}; Slack does not say whether another organization shares it"
        return undetermined(name, message, "Make sure that only your own organization uses it.")
    return ok(name, f"the bot is a member of {label}, which only this organization sees")
