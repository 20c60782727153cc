"""Builds the payloads that Slack sends to an app, escaped, encoded and signed."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from typing import TYPE_CHECKING, Any, TypedDict
from urllib.parse import urlencode

if TYPE_CHECKING:
    from bot.sandbox.slack.messages import PostedMessage
    from bot.sandbox.slack.workspace import Channel, SlackUser, SlackWorkspace

_ESCAPED = re.compile(
    r"(?P<mention><[@#!][^>]*>)"
    r"|(?P<email>[\w.+-]+@[\w-]+\.[\w.-]*\w)"
    r"|(?P<url>https?://[^\s<>]+)"
    r"|(?<![\w@])@(?P<name>\w(?:[\w.-]*\w)?)"
    r"|(?<![\w#])#(?P<channel>\w(?:[\w-]*\w)?)"
    r"|(?P<entity>[&<>])"
)
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


class Overrides(TypedDict, total=False):
    """Fields that a test changes in a payload."""

    team_id: str
    """The workspace that the payload names."""
    user_team_id: str
    """The acting user's own workspace; commands do not have it."""
    enterprise_id: str
    api_app_id: str
    trigger_id: str
    response_url: str
    value: str
    """The value of the clicked button."""
    block_id: str
    """The block of the clicked element, if several blocks share an action_id."""
    selected: dict[str, Any]
    """The selection in a menu, as in a block_actions payload: `selected_option`, `selected_user`, `selected_date`."""


def signature(secret: str, body: bytes, timestamp: str) -> str:
    """Sign a body (docs.slack.dev, "Verifying requests from Slack")."""
    base = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


def escape(text: str, workspace: SlackWorkspace) -> str:
    """Return typed text as Slack sends it with `should_escape`.

    See docs.slack.dev, "Implementing slash commands". `@name` of a known user and `#name` of a public channel become
    mentions. An email address or URL becomes a link, and `&`, `<` and `>` become entities. A mention stays unchanged.
    """
    return _ESCAPED.sub(lambda found: _escaped(found, workspace), text)


def _escaped(found: re.Match[str], workspace: SlackWorkspace) -> str:
    whole = found.group()
    match found.lastgroup:
        case "email":
            return f"<mailto:{whole}|{whole}>"
        case "url":
            return f"<{whole}>"
        case "name":
            return _mention(found.group("name"), workspace) or whole
        case "channel":
            return _channel_mention(found.group("channel"), workspace) or whole
        case "entity":
            return _ENTITIES[whole]
        case _:
            return whole


def _mention(name: str, workspace: SlackWorkspace) -> str | None:
    if name in {"here", "channel", "everyone"}:
        return f"<!{name}>"
    if member := workspace.find_by_name(name):
        return f"<@{member.id}|{member.name}>"
    groups = (group for group in workspace.groups.values() if group.handle == name)
    return next((f"<!subteam^{group.id}|@{group.handle}>" for group in groups), None)


def _channel_mention(name: str, workspace: SlackWorkspace) -> str | None:
    named = (one for one in workspace.channels.values() if one.name == name and not (one.dm_with or one.is_private))
    return next((f"<#{channel.id}|{channel.name}>" for channel in named), None)


def slash_command(workspace: SlackWorkspace, member: SlackUser, channel: Channel, text: str) -> dict[str, Any]:
    """Return a command's form (docs.slack.dev, "Slash commands").

    The caller adds `trigger_id` and `response_url`.
    """
    grid = {"enterprise_id": workspace.enterprise_id, "enterprise_name": "Grid"} if workspace.enterprise_id else {}
    return {
        "token": "deprecated",
        "team_id": workspace.team_id,
        "team_domain": workspace.domain,
        **grid,
        "channel_id": channel.id,
        "channel_name": channel.name_in_payloads,
        "user_id": member.id,
        "user_name": member.name,
        "command": "/purecloud",
        "text": text,
        "api_app_id": workspace.app_id,
        "is_enterprise_install": "false",
    }


def message_click(
    workspace: SlackWorkspace, member: SlackUser, message: PostedMessage, action: dict[str, Any]
) -> dict[str, Any]:
    """Return a click in a message (docs.slack.dev, "block_actions payload").

    The caller adds `trigger_id` and `response_url`. For an ephemeral message, Slack sends only its place.
    """
    channel = workspace.channels[message.channel_id]
    container: dict[str, Any] = {"type": "message", "message_ts": message.ts, "channel_id": channel.id}
    payload = interaction(workspace, member, "block_actions") | {
        "container": container | {"is_ephemeral": message.is_ephemeral},
        "channel": {"id": channel.id, "name": channel.name_in_payloads},
        "state": {"values": {}},
        "actions": [action],
    }
    if not message.is_ephemeral:
        payload["message"] = message.as_slack(workspace)
    return payload


def global_shortcut(workspace: SlackWorkspace, member: SlackUser, callback_id: str, at: float) -> dict[str, Any]:
    """Return a global shortcut without `trigger_id`.

    See docs.slack.dev, "Shortcuts interaction payload". Slack sends no channel, `api_app_id` or `response_url`.
    """
    payload = interaction(workspace, member, "shortcut") | {"callback_id": callback_id, "action_ts": f"{at:.6f}"}
    del payload["api_app_id"]
    return payload


def message_shortcut(
    workspace: SlackWorkspace, member: SlackUser, message: PostedMessage, callback_id: str, at: float
) -> dict[str, Any]:
    """Return a message shortcut (docs.slack.dev, "Shortcuts interaction payload").

    The caller adds `trigger_id` and `response_url`. Slack sends no `api_app_id` with it.
    """
    channel = workspace.channels[message.channel_id]
    payload = global_shortcut(workspace, member, callback_id, at) | {
        "type": "message_action",
        "message_ts": message.ts,
        "channel": {"id": channel.id, "name": channel.name_in_payloads},
        "message": message.as_slack(workspace),
    }
    payload["user"] = {key: value for key, value in payload["user"].items() if key != "username"}
    return payload


def event_callback(workspace: SlackWorkspace, event: dict[str, Any], event_id: str, at: float) -> dict[str, Any]:
    """Return an event in its outer object (docs.slack.dev, "The Events API")."""
    authorization = {
        "enterprise_id": workspace.enterprise_id,
        "team_id": workspace.team_id,
        "user_id": workspace.bot_user_id,
        "is_bot": True,
        "is_enterprise_install": False,
    }
    return {
        "type": "event_callback",
        "token": "deprecated",
        "team_id": workspace.team_id,
        "api_app_id": workspace.app_id,
        "event": event | {"event_ts": f"{at:.6f}"},
        "event_id": event_id,
        "event_time": int(at),
        "authorizations": [authorization],
        "is_ext_shared_channel": False,
        "event_context": f"4-{event_id}",
    }


def interaction(workspace: SlackWorkspace, member: SlackUser, kind: str) -> dict[str, Any]:
    """Return the fields that all interaction payloads have."""
    return {
        "type": kind,
        "user": {
            "id": member.id,
            "username": member.name,
            "name": member.name,
            "team_id": workspace.team_of(member),
        },
        "api_app_id": workspace.app_id,
        "token": "deprecated",
        "team": {"id": workspace.team_id, "domain": workspace.domain},
        "enterprise": {"id": workspace.enterprise_id, "name": "Grid"} if workspace.enterprise_id else None,
        "is_enterprise_install": False,
    }


def action(element: dict[str, Any], block_id: str, at: float) -> dict[str, Any]:
    """Return an entry of `actions`; `at` is in seconds since the epoch."""
    kept = {key: element[key] for key in ("type", "action_id", "text", "value", "style") if key in element}
    return kept | {"block_id": block_id, "action_ts": f"{at:.6f}"}


def override(payload: dict[str, Any], changes: Overrides) -> None:
    """Change the fields of an interaction payload in place."""
    if "command" in payload:
        payload.update({key: str(value) for key, value in changes.items()})
        return
    [clicked] = payload.get("actions", [{}])
    clicked |= changes.get("selected", {})
    nested: dict[str, tuple[dict[str, Any], str]] = {
        "team_id": (payload["team"], "id"),
        "user_team_id": (payload["user"], "team_id"),
        "value": (clicked, "value"),
        "block_id": (clicked, "block_id"),
    }
    for name, value in changes.items():
        if name == "enterprise_id":
            payload["enterprise"] = {"id": value, "name": "Grid"}
        elif name != "selected":
            target, key = nested.get(name, (payload, name))
            target[key] = value


def encode(payload: dict[str, Any]) -> tuple[bytes, str]:
    """Return the body and the content type with which Slack sends a payload over HTTP."""
    if "command" in payload:
        return as_form(payload), "application/x-www-form-urlencoded"
    if payload.get("type") == "event_callback":
        return json.dumps(payload).encode(), "application/json"
    return as_payload_form(payload), "application/x-www-form-urlencoded"


def as_form(fields: dict[str, Any]) -> bytes:
    """Return the body of a slash command."""
    return urlencode(fields).encode()


def as_payload_form(payload: dict[str, Any]) -> bytes:
    """Return the body of an interaction: JSON in the form field `payload`."""
    return urlencode({"payload": json.dumps(payload, separators=(",", ":"))}).encode()
