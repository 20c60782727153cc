"""Who and what a Slack workspace holds: its members, user groups and channels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SLACKBOT = "USLACKBOT"
"""The author of what Slack itself says to a person."""


@dataclass(kw_only=True)
class SlackUser:
    """A person or bot as Slack's user object describes it (docs.slack.dev, "User object").

    Mutable on purpose: a test deactivates somebody between a request and a click. `is_email_confirmed` and
    `is_stranger` stay out of the answers while they are None, as Slack leaves them out.
    """

    id: str
    name: str
    real_name: str
    email: str | None = None
    team_id: str | None = None
    """The member's own workspace; None means the workspace the stand-in plays."""
    is_bot: bool = False
    deleted: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool | None = None
    is_email_confirmed: bool | None = True
    enterprise_user: dict[str, object] | None = None


@dataclass(kw_only=True)
class UserGroup:
    """A user group (docs.slack.dev, "Usergroup object"); `handle` is what people type after the @."""

    id: str
    handle: str
    members: list[str] = field(default_factory=list)
    disabled: bool = False


@dataclass(kw_only=True)
class Channel:
    """A conversation: a channel, or with `dm_with` the direct messages between one person and the bot."""

    id: str
    name: str
    members: list[str] = field(default_factory=list)
    is_member: bool = True
    is_archived: bool = False
    is_private: bool = False
    is_ext_shared: bool = False
    dm_with: str | None = None

    @property
    def name_in_payloads(self) -> str:
        """What Slack writes as the channel's name in what it sends to an app."""
        if self.dm_with is not None:
            return "directmessage"
        return "privategroup" if self.is_private else self.name


@dataclass(kw_only=True)
class SlackWorkspace:
    """The workspace the bot is installed in, and what the bot is called there."""

    team_id: str = "T0HOME0001"
    name: str = "Stand-in"
    domain: str = "stand-in"
    app_id: str = "A0REVOKE01"
    enterprise_id: str | None = None
    bot_user_id: str = "U0REVOKER1"
    bot_id: str = "B0REVOKER1"
    bot_name: str = "purecloud"
    members: dict[str, SlackUser] = field(default_factory=dict)
    groups: dict[str, UserGroup] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)

    def settle(self, members: Iterable[SlackUser], groups: Iterable[UserGroup], channels: Iterable[Channel]) -> None:
        """Move everybody in, and the bot's own user with them."""
        bot = SlackUser(id=self.bot_user_id, name=self.bot_name, real_name="PureCloud", is_bot=True)
        self.members.update({member.id: member for member in (bot, *members)})
        self.groups.update({group.id: group for group in groups})
        self.channels.update({channel.id: channel for channel in channels})

    def team_of(self, member: SlackUser) -> str:
        """The id of the workspace a member belongs to."""
        return member.team_id or self.team_id

    def is_outsider(self, member: SlackUser) -> bool:
        """Whether somebody is here through a shared channel only."""
        return self.team_of(member) != self.team_id

    def dm(self, user_id: str) -> Channel:
        """The direct messages between the bot and a member, opened where they were not."""
        channel_id = f"D{user_id[1:]}"
        if channel_id not in self.channels:
            self.channels[channel_id] = Channel(id=channel_id, name=channel_id, members=[user_id], dm_with=user_id)
        return self.channels[channel_id]

    def member_named(self, name: str) -> SlackUser | None:
        """Whom people mean by `@name`; the deactivated are not offered any more."""
        return next((m for m in self.members.values() if m.name == name and not m.deleted), None)

    def home_channel(self, user_id: str) -> Channel:
        """Where somebody types when nothing else is said: their first channel, else the bot's direct messages."""
        joined = (c for c in self.channels.values() if user_id in c.members and c.dm_with is None)
        return next(joined, None) or self.dm(user_id)
