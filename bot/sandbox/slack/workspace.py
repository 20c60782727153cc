"""The users, user groups and channels of a Slack workspace."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SLACKBOT = "USLACKBOT"
"""The author of the messages that Slack itself posts."""


@dataclass(kw_only=True)
class SlackUser:
    """A person or bot (docs.slack.dev, "User object").

    It is mutable so that a test can deactivate a user between a request and a click. The API leaves out
    `is_email_confirmed` and `is_stranger` while they are None, as Slack does.
    """

    id: str
    name: str
    real_name: str
    email: str | None = None
    team_id: str | None = None
    """The user's own workspace; None is the workspace of the bot."""
    is_bot: bool = False
    deleted: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool | None = None
    is_email_confirmed: bool | None = True
    enterprise_user: dict[str, object] | None = None
    """On Enterprise Grid. Its `id` may differ from `id`; Slack then knows the user under both."""


@dataclass(kw_only=True)
class UserGroup:
    """A user group (docs.slack.dev, "Usergroup object"); `handle` is the name in a mention."""

    id: str
    handle: str
    members: list[str] = field(default_factory=list)
    disabled: bool = False


@dataclass(kw_only=True)
class Channel:
    """A channel, or a direct message between the bot and the user `dm_with`."""

    id: str
    name: str
    members: list[str] = field(default_factory=list)
    is_member: bool = True
    """Whether the bot is a member."""
    is_archived: bool = False
    is_private: bool = False
    is_ext_shared: bool = False
    """Whether it is shared with another organization."""
    is_pending_ext_shared: bool = False
    """Whether another organization is invited to it."""
    is_org_shared: bool = False
    """On Enterprise Grid: whether it is shared with another workspace of the organization."""
    dm_with: str | None = None

    @property
    def name_in_payloads(self) -> str:
        """The channel's name as Slack writes it in the payloads for an app."""
        if self.dm_with is not None:
            return "directmessage"
        return "privategroup" if self.is_private else self.name


@dataclass(kw_only=True)
class SlackWorkspace:
    """The workspace where the bot is installed, and the bot's identity in it."""

    team_id: str = "T0HOME0001"
    name: str = "Sandbox"
    domain: str = "sandbox"
    app_id: str = "A0REVOKE01"
    enterprise_id: str | None = None
    is_enterprise_install: bool = False
    bot_user_id: str = "U0REVOKER1"
    bot_id: str = "B0REVOKER1"
    bot_name: str = "purecloud"
    members: dict[str, SlackUser] = field(default_factory=dict)
    groups: dict[str, UserGroup] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)

    def add(self, members: Iterable[SlackUser], groups: Iterable[UserGroup], channels: Iterable[Channel]) -> None:
        """Add users, groups and channels, and the bot's own user."""
        bot = SlackUser(id=self.bot_user_id, name=self.bot_name, real_name="PureCloud", is_bot=True)
        self.members.update({member.id: member for member in (bot, *members)})
        self.groups.update({group.id: group for group in groups})
        self.channels.update({channel.id: channel for channel in channels})

    def team_of(self, member: SlackUser) -> str:
        """Return the id of the user's own workspace."""
        return member.team_id or self.team_id

    def is_external(self, member: SlackUser) -> bool:
        """Return whether the user belongs to another workspace."""
        return self.team_of(member) != self.team_id

    def can_use_apps(self, member: SlackUser) -> bool:
        """Return whether Slack offers this workspace's commands and shortcuts to the user."""
        return not (member.deleted or member.is_bot or self.is_external(member))

    def dm(self, user_id: str) -> Channel:
        """Return the direct message between the bot and a user; open it if necessary."""
        channel_id = f"D{user_id[1:]}"
        if channel_id not in self.channels:
            self.channels[channel_id] = Channel(id=channel_id, name=channel_id, members=[user_id], dm_with=user_id)
        return self.channels[channel_id]

    def find_member(self, user_id: str) -> SlackUser | None:
        """Return the user with an id, which may be the one of the whole organization."""
        if user_id in self.members:
            return self.members[user_id]
        return next((m for m in self.members.values() if (m.enterprise_user or {}).get("id") == user_id), None)

    def find_by_name(self, name: str) -> SlackUser | None:
        """Return the active user whom `@name` mentions."""
        return next((m for m in self.members.values() if m.name == name and not m.deleted), None)

    def default_channel(self, user_id: str) -> Channel:
        """Return the user's first channel, or else the direct message with the bot."""
        joined = (c for c in self.channels.values() if user_id in c.members and c.dm_with is None)
        return next(joined, None) or self.dm(user_id)
