"""Write what Slack sends to an app: escaped, form-encoded and signed."""

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

_TYPED = re.compile(
    r"(?P<mention><[@#!][^>]*>)"
    r"|(?P<email>[\w.+-]+@[\w-]+\.[\w.-]*\w)"
    r"|(?P<url>https?://[^\s<>]+)"
    r"|(?<![\w@])@(?P<name>\w(?:[\w.-]*\w)?)"
    r"|(?P<entity>[&<>])"
)
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


class Overrides(TypedDict, total=False):
    """What a test may say differently from what Slack would; `team_id` is the workspace the payload speaks for."""

    team_id: str
    user_team_id: str
    """The clicker's own workspace (commands carry none)."""
    enterprise_id: str
    api_app_id: str
    trigger_id: str
    response_url: str
    value: str
    """The clicked button's value."""
    block_id: str
    """Which block's button, where several share an action id."""
    selected: dict[str, Any]
    """What was chosen in a menu, as an action tells it: `selected_option`, `selected_user`, `selected_date`..."""


def signature(secret: str, body: bytes, timestamp: str) -> str:
    """The `X-Slack-Signature` of a body (docs.slack.dev, "Verifying requests from Slack")."""
    base = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


def escape(text: str, workspace: SlackWorkspace) -> str:
    """What a person typed as Slack writes it with `should_escape` on (docs.slack.dev, "Implementing slash commands").

    `@name` of somebody known becomes a mention, an address a link, a bare `&`, `<` or `>` an entity; what is a
    mention already stays as it is.
    """
    return _TYPED.sub(lambda found: _escaped(found, workspace), text)


def _escaped(found: re.Match[str], workspace: SlackWorkspace) -> str:
    whole = found.group()
    match found.lastgroup:
        case "email":
            return f"<mailto:{whole}|{whole}>"
        case "url":
            return f"<{whole}>"
        case "name":
            return _mention(found.group("name"), workspace) or whole
        case "entity":
            return _ENTITIES[whole]
        case _:
            return whole


def _mention(name: str, workspace: SlackWorkspace) -> str | None:
    if name in {"here", "channel", "everyone"}:
        return f"<!{name}>"
    if member := workspace.member_named(name):
        return f"<@{member.id}|{member.name}>"
    groups = (group for group in workspace.groups.values() if group.handle == name)
    return next((f"<!subteam^{group.id}|@{group.handle}>" for group in groups), None)


def slash_command(workspace: SlackWorkspace, member: SlackUser, channel: Channel, text: str) -> dict[str, str]:
    """The form of a command, still without `trigger_id` and `response_url` (docs.slack.dev, "Slash commands")."""
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


def block_actions(
    workspace: SlackWorkspace, member: SlackUser, message: PostedMessage, action: dict[str, Any]
) -> dict[str, Any]:
    """The payload of a click, still without `trigger_id` and `response_url` (docs.slack.dev, "block_actions payload").

    An ephemeral message is not shown in it: Slack says only where it stood.
    """
    channel = workspace.channels[message.channel_id]
    container: dict[str, Any] = {"type": "message", "message_ts": message.ts, "channel_id": channel.id}
    payload = of_a_person(workspace, member) | {
        "type": "block_actions",
        "container": container | {"is_ephemeral": message.is_ephemeral},
        "channel": {"id": channel.id, "name": channel.name_in_payloads},
        "state": {"values": {}},
        "actions": [action],
    }
    if not message.is_ephemeral:
        payload["message"] = message.as_slack(workspace)
    return payload


def of_a_person(workspace: SlackWorkspace, member: SlackUser) -> dict[str, Any]:
    """What every interaction's payload says: who acted, where the app is installed."""
    return {
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
    """One entry of a click's `actions`; `at` in seconds since the epoch."""
    kept = {key: element[key] for key in ("type", "action_id", "text", "value", "style") if key in element}
    return kept | {"block_id": block_id, "action_ts": f"{at:.6f}"}


def override(payload: dict[str, Any], changes: Overrides) -> None:
    """Say in a click's payload what a test wants said."""
    nested: dict[str, tuple[dict[str, Any], str]] = {
        "team_id": (payload["team"], "id"),
        "user_team_id": (payload["user"], "team_id"),
        "value": (payload["actions"][0], "value"),
        "block_id": (payload["actions"][0], "block_id"),
    }
    payload["actions"][0] |= changes.get("selected", {})
    for name, value in changes.items():
        if name == "selected":
            continue
        target, key = nested.get(name, (payload, name))
        target[key] = value
    if "enterprise_id" in changes:
        payload["enterprise"] = {"id": payload.pop("enterprise_id"), "name": "Grid"}


def as_form(fields: dict[str, Any]) -> bytes:
    """The raw body of a slash command."""
    return urlencode(fields).encode()


def as_payload_form(payload: dict[str, Any]) -> bytes:
    """The raw body of an interaction: JSON in the one field `payload`."""
    return urlencode({"payload": json.dumps(payload, separators=(",", ":"))}).encode()
