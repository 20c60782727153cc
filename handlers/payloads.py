"""Read who did what from Slack's payloads; nothing here decides what a person may do."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from bot.domain.clicks import Click
from bot.domain.commands import Invoker
from bot.domain.people import nested, text
from bot.domain.requests import DECLINE

Payload = Mapping[str, Any]

MAX_REQUEST_ID_LENGTH = 100
"""Characters of a request id that are stored. The bot's ids are shorter; PostgreSQL cannot index a very long one."""


def read_invoker(command: Payload) -> Invoker:
    """Read who typed a slash command (docs.slack.dev, Slash commands)."""
    return Invoker(
        user_id=str(command.get("user_id") or ""),
        team_id=text(command, "team_id"),
        channel=str(command.get("channel_id") or ""),
        key=invocation_key(command),
        response_url=text(command, "response_url"),
    )


def read_submitter(view_submission: Payload) -> Invoker:
    """Read who submitted a modal, whose metadata has the channel (docs.slack.dev, view_submission)."""
    user = nested(view_submission, "user")
    return Invoker(
        user_id=str(user.get("id") or ""),
        team_id=text(user, "team_id"),
        channel=text(nested(view_submission, "view"), "private_metadata") or "",
        key=submission_key(view_submission),
    )


def read_visitor(event_callback: Payload) -> Invoker:
    """Read who opened the Home tab (docs.slack.dev, app_home_opened)."""
    user_id = str(nested(event_callback, "event").get("user") or "")
    return Invoker(user_id=user_id, team_id=text(event_callback, "team_id"), channel="", key="")


def read_presser(block_actions: Payload) -> Invoker:
    """Read who pressed a button that decides nothing (docs.slack.dev, block_actions)."""
    user = nested(block_actions, "user")
    return Invoker(
        user_id=str(user.get("id") or ""),
        team_id=text(user, "team_id"),
        channel=text(nested(block_actions, "channel"), "id") or "",
        key=invocation_key(block_actions),
        response_url=text(block_actions, "response_url"),
    )


def read_click(payload: Payload, action: Payload) -> Click:
    """Read one action of a `block_actions` payload; the message and the container may be missing.

    Only the button's value is used: a request's id.
    """
    user = nested(payload, "user")
    return Click(
        request_id=str(action.get("value") or "")[:MAX_REQUEST_ID_LENGTH],
        action=str(action.get("action_id") or ""),
        user_id=str(user.get("id") or ""),
        team_id=text(user, "team_id"),
        key=_hash(f"{invocation_key(payload)} {action.get('action_id')} {action.get('value')}"),
        response_url=text(payload, "response_url"),
        installed_in=text(nested(payload, "team"), "id"),
        ts=text(nested(payload, "container"), "message_ts") or text(nested(payload, "message"), "ts"),
    )


def read_decline(view_submission: Payload, reason: str) -> Click:
    """Read the submission of a modal whose metadata is a request's id, as a click with a reason."""
    user, view = nested(view_submission, "user"), nested(view_submission, "view")
    return Click(
        request_id=text(view, "private_metadata") or "",
        action=DECLINE,
        user_id=str(user.get("id") or ""),
        team_id=text(user, "team_id"),
        key=submission_key(view_submission),
        installed_in=text(view, "app_installed_team_id"),
        reason=reason,
    )


def invocation_key(payload: Payload) -> str:
    """Return a key for an interaction: a hash of its `trigger_id`, which Slack never repeats."""
    return _hash(payload.get("trigger_id") or payload)


def submission_key(view_submission: Payload) -> str:
    """Return a key that identifies a submission: a hash of the id of its view, which is submitted once."""
    return _hash(nested(view_submission, "view").get("id") or view_submission)


def _hash(value: Any) -> str:
    return hashlib.sha256(str(value).encode()).hexdigest()
