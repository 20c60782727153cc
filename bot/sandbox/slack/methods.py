"""The methods of the Web API: arguments in, an answer or an error's name out (docs.slack.dev, "Web API methods")."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.sandbox.slack import block_kit

if TYPE_CHECKING:
    from bot.sandbox.slack.messages import Conversations, PostedMessage
    from bot.sandbox.slack.workspace import Channel, SlackUser, UserGroup

Args = Mapping[str, Any]
Answer = dict[str, Any]


_PRIVATE = "groups:read"
"""The scope that `conversations.info` needs for a private channel, beside `channels:read` for the others."""


class MethodError(Exception):
    """Slack answers `ok: false`; `code` is the error's name, `more` what stands beside it."""

    def __init__(self, code: str, **more: object) -> None:
        super().__init__(code)
        self.code = code
        self.more = more


@dataclass(frozen=True)
class Method:
    """One method and the scope a bot token needs for it."""

    answer: Callable[[Conversations, Args, frozenset[str]], Answer]
    scope: str | None = None


def _auth_test(conversations: Conversations, _args: Args, _scopes: frozenset[str]) -> Answer:
    home = conversations.workspace
    answer: Answer = {
        "url": f"https://{home.domain}.slack.com/",
        "team": home.name,
        "user": home.bot_name,
        "team_id": home.team_id,
        "user_id": home.bot_user_id,
        "bot_id": home.bot_id,
        "app_id": home.app_id,
        "is_enterprise_install": False,
    }
    return answer | ({"enterprise_id": home.enterprise_id} if home.enterprise_id else {})


def _bots_info(conversations: Conversations, args: Args, _scopes: frozenset[str]) -> Answer:
    home = conversations.workspace
    if args.get("bot", home.bot_id) != home.bot_id:
        raise MethodError("bot_not_found")
    bot = {"id": home.bot_id, "deleted": False, "name": home.bot_name, "app_id": home.app_id}
    return {"bot": bot | {"user_id": home.bot_user_id, "icons": {}}}


def _users_info(conversations: Conversations, args: Args, scopes: frozenset[str]) -> Answer:
    member = conversations.workspace.members.get(_needed(args, "user"))
    if member is None:
        raise MethodError("user_not_found")
    return {"user": _user(conversations, member, scopes)}


def _lookup_by_email(conversations: Conversations, args: Args, scopes: frozenset[str]) -> Answer:
    email = _needed(args, "email").casefold()
    for member in conversations.workspace.members.values():
        is_here = not member.deleted and not conversations.workspace.is_outsider(member)
        if is_here and (member.email or "").casefold() == email:
            return {"user": _user(conversations, member, scopes)}
    raise MethodError("users_not_found")


def _group_members(conversations: Conversations, args: Args, _scopes: frozenset[str]) -> Answer:
    group = conversations.workspace.groups.get(_needed(args, "usergroup"))
    if group is None or (group.disabled and not _is_set(args, "include_disabled")):
        raise MethodError("no_such_subteam")
    return {"users": list(group.members)}


def _groups(conversations: Conversations, args: Args, _scopes: frozenset[str]) -> Answer:
    with_disabled, with_users = _is_set(args, "include_disabled"), _is_set(args, "include_users")
    shown = (group for group in conversations.workspace.groups.values() if with_disabled or not group.disabled)
    return {"usergroups": [_group(conversations, group, with_users=with_users) for group in shown]}


def _channel_info(conversations: Conversations, args: Args, scopes: frozenset[str]) -> Answer:
    channel = _visible(conversations, _needed(args, "channel"))
    if channel.is_private and _PRIVATE not in scopes:
        raise MethodError("missing_scope", needed=_PRIVATE, provided=",".join(sorted(scopes)))
    counted = {"num_members": len(channel.members)} if _is_set(args, "include_num_members") else {}
    return {"channel": _channel(channel) | counted}


def _open(conversations: Conversations, args: Args, _scopes: frozenset[str]) -> Answer:
    channel_id = args.get("channel")
    channel = (
        conversations.workspace.channels.get(str(channel_id))
        if channel_id
        else _dm_of(conversations, _needed(args, "users"))
    )
    if channel is None:
        raise MethodError("channel_not_found")
    return {"channel": _channel(channel) if _is_set(args, "return_im") else {"id": channel.id}}


def _dm_of(conversations: Conversations, user_id: str) -> Channel:
    member = conversations.workspace.members.get(user_id)
    if member is None:
        raise MethodError("user_not_found")
    if member.is_bot:
        raise MethodError("cannot_dm_bot")
    if member.deleted:
        raise MethodError("user_disabled")
    return conversations.workspace.dm(user_id)


def _post(conversations: Conversations, args: Args, _scopes: frozenset[str]) -> Answer:
    channel = _writable(conversations, _needed(args, "channel"))
    text, blocks = _content(args)
    message = conversations.post(channel.id, text, blocks, thread_ts=args.get("thread_ts"))
    return {"channel": channel.id, "ts": message.ts, "message": message.as_slack(conversations.workspace)}


def _update(conversations: Conversations, args: Args, _scopes: frozenset[str]) -> Answer:
    """Blocks that are not sent stay as they were: a text alone does not take a card's buttons away."""
    message = _posted(conversations, args, "ts")
    if message.author_id != conversations.workspace.bot_user_id:
        raise MethodError("cant_update_message")
    kept = {"blocks": message.blocks, **{key: value for key, value in args.items() if value is not None}}
    text, blocks = _content(kept)
    conversations.edit(message, text, blocks)
    written = message.as_slack(conversations.workspace)
    return {"channel": message.channel_id, "ts": message.ts, "text": text, "message": written}


def _post_ephemeral(conversations: Conversations, args: Args, _scopes: frozenset[str]) -> Answer:
    channel = _writable(conversations, _needed(args, "channel"))
    user_id = _needed(args, "user")
    if user_id not in channel.members:
        raise MethodError("user_not_in_channel")
    text, blocks = _content(args)
    return {"message_ts": conversations.post(channel.id, text, blocks, only_for=user_id).ts}


def _permalink(conversations: Conversations, args: Args, _scopes: frozenset[str]) -> Answer:
    message = _posted(conversations, args, "message_ts")
    path = f"archives/{message.channel_id}/p{message.ts.replace('.', '')}"
    return {"channel": message.channel_id, "permalink": f"https://{conversations.workspace.domain}.slack.com/{path}"}


def _writable(conversations: Conversations, channel_id: str) -> Channel:
    """Where the bot may post; a user's id stands for their direct messages."""
    if channel_id in conversations.workspace.members:
        return _dm_of(conversations, channel_id)
    channel = _visible(conversations, channel_id)
    if channel.is_archived:
        raise MethodError("is_archived")
    if not channel.is_member:
        raise MethodError("not_in_channel")
    return channel


def _visible(conversations: Conversations, channel_id: str) -> Channel:
    """A channel the bot may know of: Slack does not own up to a private one that it is not in."""
    channel = conversations.workspace.channels.get(channel_id)
    if channel is None or (channel.is_private and not channel.is_member):
        raise MethodError("channel_not_found")
    return channel


def _posted(conversations: Conversations, args: Args, key: str) -> PostedMessage:
    channel = _visible(conversations, _needed(args, "channel"))
    message = conversations.find(channel.id, _needed(args, key))
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


def _user(conversations: Conversations, member: SlackUser, scopes: frozenset[str]) -> Answer:
    """The user object; the address only for a token with `users:read.email`."""
    profile: Answer = {
        "real_name": member.real_name,
        "display_name": member.name,
        "team": conversations.workspace.team_of(member),
    }
    if member.email and not member.is_bot and "users:read.email" in scopes:
        profile["email"] = member.email
    user: Answer = {
        "id": member.id,
        "team_id": conversations.workspace.team_of(member),
        "name": member.name,
        "real_name": member.real_name,
        "deleted": member.deleted,
        "profile": profile,
        "is_bot": member.is_bot,
        "is_app_user": False,
    }
    if not member.deleted:
        user |= {"is_restricted": member.is_restricted, "is_ultra_restricted": member.is_ultra_restricted}
    told = {"is_stranger": member.is_stranger, "is_email_confirmed": member.is_email_confirmed}
    return user | {
        key: value for key, value in {**told, "enterprise_user": member.enterprise_user}.items() if value is not None
    }


def _group(conversations: Conversations, group: UserGroup, *, with_users: bool) -> Answer:
    written: Answer = {
        "id": group.id,
        "team_id": conversations.workspace.team_id,
        "handle": group.handle,
        "name": group.handle,
        "date_delete": int(group.disabled),
        "user_count": len(group.members),
    }
    return written | ({"users": list(group.members)} if with_users else {})


def _channel(channel: Channel) -> Answer:
    if channel.dm_with is not None:
        return {"id": channel.id, "is_im": True, "user": channel.dm_with, "is_archived": False}
    return {
        "id": channel.id,
        "name": channel.name,
        "is_channel": True,
        "is_im": False,
        "is_private": channel.is_private,
        "is_archived": channel.is_archived,
        "is_ext_shared": channel.is_ext_shared,
        "is_member": channel.is_member,
    }


def _needed(args: Args, key: str) -> str:
    value = args.get(key)
    if not isinstance(value, str) or not value:
        raise MethodError(
            "invalid_arguments", response_metadata={"messages": [f"[ERROR] missing required field: {key}"]}
        )
    return value


def _is_set(args: Args, key: str) -> bool:
    return str(args.get(key, "")).lower() in {"1", "true"}


METHODS: dict[str, Method] = {
    "auth.test": Method(_auth_test),
    "bots.info": Method(_bots_info, "users:read"),
    "users.info": Method(_users_info, "users:read"),
    "users.lookupByEmail": Method(_lookup_by_email, "users:read.email"),
    "usergroups.users.list": Method(_group_members, "usergroups:read"),
    "usergroups.list": Method(_groups, "usergroups:read"),
    "conversations.info": Method(_channel_info, "channels:read"),
    "conversations.open": Method(_open, "im:write"),
    "chat.postMessage": Method(_post, "chat:write"),
    "chat.update": Method(_update, "chat:write"),
    "chat.postEphemeral": Method(_post_ephemeral, "chat:write"),
    "chat.getPermalink": Method(_permalink),
}
"""What the stand-in offers."""

ALL_SCOPES = frozenset({"commands", _PRIVATE, *(method.scope for method in METHODS.values() if method.scope)})
