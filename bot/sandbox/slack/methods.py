"""The methods of the Web API (docs.slack.dev, "Web API methods")."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.sandbox.slack import block_kit

if TYPE_CHECKING:
    from bot.sandbox.slack.messages import Conversations, PostedMessage
    from bot.sandbox.slack.workspace import Channel, SlackUser, UserGroup

Args = Mapping[str, Any]
Result = dict[str, Any]
"""The fields of a response without `ok`."""

_PUBLIC, _PRIVATE, _DIRECT = "channels:read", "groups:read", "im:read"
"""The scopes that `conversations.info` needs for a public channel, a private one and a direct message."""


class MethodError(Exception):
    """A response with `ok: false`; `code` is the error code, `more` the other fields."""

    def __init__(self, code: str, **more: object) -> None:
        super().__init__(code)
        self.code = code
        self.more = more


@dataclass(frozen=True)
class Method:
    """A method and the scope that a bot token needs for it; `execute` raises MethodError."""

    execute: Callable[[Conversations, Args, frozenset[str]], Result]
    scope: str | None = None


def _auth_test(conversations: Conversations, _args: Args, _scopes: frozenset[str]) -> Result:
    home = conversations.workspace
    result: Result = {
        "url": f"https://{home.domain}.slack.com/",
        "team": home.name,
        "user": home.bot_name,
        "team_id": home.team_id,
        "user_id": home.bot_user_id,
        "bot_id": home.bot_id,
        "app_id": home.app_id,
        "is_enterprise_install": home.is_enterprise_install,
    }
    return result | ({"enterprise_id": home.enterprise_id} if home.enterprise_id else {})


def _bots_info(conversations: Conversations, args: Args, _scopes: frozenset[str]) -> Result:
    home = conversations.workspace
    if args.get("bot", home.bot_id) != home.bot_id:
        raise MethodError("bot_not_found")
    bot = {"id": home.bot_id, "deleted": False, "name": home.bot_name, "app_id": home.app_id}
    return {"bot": bot | {"user_id": home.bot_user_id, "icons": {}}}


def _users_info(conversations: Conversations, args: Args, scopes: frozenset[str]) -> Result:
    member = conversations.workspace.find_member(_required(args, "user"))
    if member is None:
        raise MethodError("user_not_found")
    return {"user": _user_object(conversations, member, scopes)}


def _users_lookup_by_email(conversations: Conversations, args: Args, scopes: frozenset[str]) -> Result:
    email = _required(args, "email").casefold()
    for member in conversations.workspace.members.values():
        is_here = not member.deleted and not conversations.workspace.is_external(member)
        if is_here and (member.email or "").casefold() == email:
            return {"user": _user_object(conversations, member, scopes)}
    raise MethodError("users_not_found")


def _usergroups_users_list(conversations: Conversations, args: Args, _scopes: frozenset[str]) -> Result:
    group = conversations.workspace.groups.get(_required(args, "usergroup"))
    if group is None or (group.disabled and not _flag(args, "include_disabled")):
        raise MethodError("no_such_subteam")
    return {"users": list(group.members)}


def _usergroups_list(conversations: Conversations, args: Args, _scopes: frozenset[str]) -> Result:
    with_disabled, with_users = _flag(args, "include_disabled"), _flag(args, "include_users")
    groups = (group for group in conversations.workspace.groups.values() if with_disabled or not group.disabled)
    return {"usergroups": [_usergroup_object(conversations, group, with_users=with_users) for group in groups]}


def _conversations_info(conversations: Conversations, args: Args, scopes: frozenset[str]) -> Result:
    channel = _known_channel(conversations, _required(args, "channel"))
    needed = _PRIVATE if channel.is_private else _DIRECT if channel.dm_with else _PUBLIC
    if needed not in scopes:
        raise MethodError("missing_scope", needed=needed, provided=",".join(sorted(scopes)))
    count = {"num_members": len(channel.members)} if _flag(args, "include_num_members") else {}
    return {"channel": _channel_object(channel) | count}


def _conversations_open(conversations: Conversations, args: Args, _scopes: frozenset[str]) -> Result:
    channel_id = args.get("channel")
    known = conversations.workspace.channels
    channel = known.get(str(channel_id)) if channel_id else _dm_with(conversations, _required(args, "users"))
    if channel is None:
        raise MethodError("channel_not_found")
    return {"channel": _channel_object(channel) if _flag(args, "return_im") else {"id": channel.id}}


def _dm_with(conversations: Conversations, user_id: str) -> Channel:
    member = conversations.workspace.find_member(user_id)
    if member is None:
        raise MethodError("user_not_found")
    if member.is_bot:
        raise MethodError("cannot_dm_bot")
    if member.deleted:
        raise MethodError("user_disabled")
    return conversations.workspace.dm(member.id)


def _chat_post_message(conversations: Conversations, args: Args, _scopes: frozenset[str]) -> Result:
    channel = _writable_channel(conversations, _required(args, "channel"))
    text, blocks = _content(args)
    message = conversations.post(channel.id, text, blocks, thread_ts=args.get("thread_ts"))
    return {"channel": channel.id, "ts": message.ts, "message": message.as_slack(conversations.workspace)}


def _chat_update(conversations: Conversations, args: Args, _scopes: frozenset[str]) -> Result:
    """Edit a message; a text without blocks does not remove the buttons."""
    message = _message_at(conversations, args, "ts")
    if message.author_id != conversations.workspace.bot_user_id:
        raise MethodError("cant_update_message")
    given = {key: value for key, value in args.items() if value is not None}
    text, blocks = _content({"blocks": message.blocks} | given)
    conversations.edit(message, text, blocks)
    written = message.as_slack(conversations.workspace)
    return {"channel": message.channel_id, "ts": message.ts, "text": text, "message": written}


def _chat_post_ephemeral(conversations: Conversations, args: Args, _scopes: frozenset[str]) -> Result:
    channel = _writable_channel(conversations, _required(args, "channel"))
    user_id = _required(args, "user")
    if user_id not in channel.members:
        raise MethodError("user_not_in_channel")
    text, blocks = _content(args)
    return {"message_ts": conversations.post(channel.id, text, blocks, only_for=user_id).ts}


def _chat_get_permalink(conversations: Conversations, args: Args, _scopes: frozenset[str]) -> Result:
    message = _message_at(conversations, args, "message_ts")
    path = f"archives/{message.channel_id}/p{message.ts.replace('.', '')}"
    url = f"https://{conversations.workspace.domain}.slack.com/{path}"
    return {"channel": message.channel_id, "permalink": url}


def _writable_channel(conversations: Conversations, channel_id: str) -> Channel:
    """Return a channel where the bot can post; a user id names a direct message."""
    if conversations.workspace.find_member(channel_id):
        return _dm_with(conversations, channel_id)
    channel = _known_channel(conversations, channel_id)
    if channel.is_archived:
        raise MethodError("is_archived")
    if not channel.is_member:
        raise MethodError("not_in_channel")
    return channel


def _known_channel(conversations: Conversations, channel_id: str) -> Channel:
    """Return a channel; Slack hides private channels from a bot that is not a member."""
    channel = conversations.workspace.channels.get(channel_id)
    if channel is None or (channel.is_private and not channel.is_member):
        raise MethodError("channel_not_found")
    return channel


def _message_at(conversations: Conversations, args: Args, key: str) -> PostedMessage:
    channel = _known_channel(conversations, _required(args, "channel"))
    message = conversations.find(channel.id, _required(args, key))
    if message is None:
        raise MethodError("message_not_found")
    return message


def _content(args: Args) -> tuple[str, list[dict[str, Any]]]:
    text, blocks = args.get("text") or "", args.get("blocks") or []
    if not text and not blocks:
        raise MethodError("no_text")
    if len(text) > block_kit.MAX_TEXT:
        raise MethodError("msg_too_long")
    if found := block_kit.problems({"text": text, "blocks": blocks}):
        raise MethodError("invalid_blocks", errors=found, response_metadata={"messages": found})
    return text, blocks


def _user_object(conversations: Conversations, member: SlackUser, scopes: frozenset[str]) -> Result:
    """Return the user object; the e-mail address needs the scope `users:read.email`."""
    team_id = conversations.workspace.team_of(member)
    profile: Result = {"real_name": member.real_name, "display_name": member.name, "team": team_id}
    if member.email and not member.is_bot and "users:read.email" in scopes:
        profile["email"] = member.email
    user: Result = {
        "id": member.id,
        "team_id": team_id,
        "name": member.name,
        "real_name": member.real_name,
        "deleted": member.deleted,
        "profile": profile,
        "is_bot": member.is_bot,
        "is_app_user": False,
    }
    if not member.deleted:
        user |= {"is_restricted": member.is_restricted, "is_ultra_restricted": member.is_ultra_restricted}
    optional = {
        "is_stranger": member.is_stranger,
        "is_email_confirmed": member.is_email_confirmed,
        "enterprise_user": member.enterprise_user,
    }
    return user | {key: value for key, value in optional.items() if value is not None}


def _usergroup_object(conversations: Conversations, group: UserGroup, *, with_users: bool) -> Result:
    written: Result = {
        "id": group.id,
        "team_id": conversations.workspace.team_id,
        "handle": group.handle,
        "name": group.handle,
        "date_delete": int(group.disabled),
        "user_count": len(group.members),
    }
    return written | ({"users": list(group.members)} if with_users else {})


def _channel_object(channel: Channel) -> Result:
    if channel.dm_with is not None:
        return {"id": channel.id, "is_im": True, "user": channel.dm_with, "is_archived": False}
    return {
        "id": channel.id,
        "name": channel.name,
        "is_channel": True,
        "is_im": False,
        "is_private": channel.is_private,
        "is_archived": channel.is_archived,
        "is_shared": channel.is_ext_shared or channel.is_org_shared,
        "is_ext_shared": channel.is_ext_shared,
        "is_pending_ext_shared": channel.is_pending_ext_shared,
        "is_org_shared": channel.is_org_shared,
        "is_member": channel.is_member,
    }


def _required(args: Args, key: str) -> str:
    value = args.get(key)
    if not isinstance(value, str) or not value:
        messages = [f"[ERROR] missing required field: {key}"]
        raise MethodError("invalid_arguments", response_metadata={"messages": messages})
    return value


def _flag(args: Args, key: str) -> bool:
    return str(args.get(key, "")).lower() in {"1", "true"}


METHODS: dict[str, Method] = {
    "auth.test": Method(_auth_test),
    "bots.info": Method(_bots_info, "users:read"),
    "users.info": Method(_users_info, "users:read"),
    "users.lookupByEmail": Method(_users_lookup_by_email, "users:read.email"),
    "usergroups.users.list": Method(_usergroups_users_list, "usergroups:read"),
    "usergroups.list": Method(_usergroups_list, "usergroups:read"),
    "conversations.info": Method(_conversations_info),
    "conversations.open": Method(_conversations_open, "im:write"),
    "chat.postMessage": Method(_chat_post_message, "chat:write"),
    "chat.update": Method(_chat_update, "chat:write"),
    "chat.postEphemeral": Method(_chat_post_ephemeral, "chat:write"),
    "chat.getPermalink": Method(_chat_get_permalink),
}
"""The methods for messages, users and channels, by name."""

ALL_SCOPES = frozenset(
    {
        "commands",
        "files:read",
        "files:write",
        _PUBLIC,
        _PRIVATE,
        _DIRECT,
        *(method.scope for method in METHODS.values() if method.scope),
    }
)
