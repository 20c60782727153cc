"""The state that the sandbox page shows, as JSON.

It holds the messages of all personas; `only_for` and the channel's members say who sees a message.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bot.domain.audit import event_name
from bot.sandbox import personas
from bot.sandbox.agents import DIVISION
from bot.sandbox.faults import GENESYS_FAULTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.domain.audit import AuditEvent
    from bot.sandbox.genesys.server import RecordedRequest
    from bot.sandbox.genesys.state import GenesysUser
    from bot.sandbox.session import SandboxRun
    from bot.sandbox.slack.messages import MessageVersion, PostedMessage

Json = dict[str, Any]

_MENTION = re.compile(r'(?:<@|"user_id": ")(\w+)|(?:<!subteam\^|"usergroup_id": ")(\w+)')

MAX_ROWS = 200
"""Maximum number of rows of each log. The page receives the whole snapshot after every change."""


def snapshot(run: SandboxRun) -> Json:
    """Return the state of the run as JSON-compatible data."""
    slack, genesys = run.slack, run.genesys
    by_id = {persona.member.id: persona for persona in personas.personas()}
    return {
        "run": run.id,
        "workspace": {"name": slack.workspace.name, "bot": slack.workspace.bot_user_id},
        "home_tab": run.home_tab,
        "messages_tab_read_only": run.messages_tab_read_only,
        "shortcuts": [asdict(shortcut) for shortcut in run.shortcuts],
        "people": [_person(run, user_id, by_id.get(user_id)) for user_id in slack.members],
        "channels": [asdict(channel) for channel in slack.channels.values()],
        "groups": {group.id: group.handle for group in slack.groups.values()},
        "messages": [_message(run, index, message) for index, message in enumerate(slack.messages)],
        "views": slack.views.snapshot(),
        "examples": personas.EXAMPLES,
        "problem": _delivery_problem(run),
        "requests": [_request(request) for request in genesys.requests[-MAX_ROWS:]],
        "users": [_user(key, user) for key, user in genesys.users.items() if user.division != DIVISION],
        "agents": _agents([user for user in genesys.users.values() if user.division == DIVISION]),
        "tokens": {"issued": genesys.state.issued, "live": genesys.state.live_generations},
        "faults": {
            "choices": [{"name": choice.name, "title": choice.title} for choice in GENESYS_FAULTS],
            "genesys": run.faults.genesys,
            "slack_down": run.faults.slack_down,
        },
        "single_sign_on": run.single_sign_on.on,
        "fast_clock": run.fast_clock.on,
        "replica": run.replica is not None,
        "clicks": run.clicks[-MAX_ROWS:],
        "audit_log": [
            _audit_event(number, event) for number, (event, _) in list(enumerate(run.audit_log, start=1))[-MAX_ROWS:]
        ],
        "verification": run.verification and run.verification._asdict(),
    }


def _user(key: str, user: GenesysUser) -> Json:
    return {
        "id": key,
        "name": user.name,
        "state": user.state,
        "sessions": user.sessions,
        "calls": user.conversations.get("call", 0),
    }


def _agents(found: Sequence[GenesysUser]) -> Json:
    """Return how many agents of the contact centre there are, because the page does not list them."""
    return {"count": len(found), "sessions": sum(user.sessions for user in found)}


def _person(run: SandboxRun, user_id: str, persona: personas.Persona | None) -> Json:
    workspace = run.slack.workspace
    member = workspace.members[user_id]
    playable = not (member.is_bot or member.deleted)
    return {
        "id": member.id,
        "name": member.name,
        "real_name": member.real_name,
        "role": persona.role if persona else "",
        "about": persona.about if persona else "",
        "deleted": member.deleted,
        "playable": playable,
        "can_type": not workspace.is_external(member),
        "dm": workspace.dm(member.id).id if playable else None,
    }


def _message(run: SandboxRun, index: int, message: PostedMessage) -> Json:
    first = message.versions[0]
    return {
        "index": index,
        "version": len(message.versions) + message.deleted,
        "ts": message.ts,
        "thread_ts": message.thread_ts,
        "at": float(message.ts),
        "channel": message.channel_id,
        "author": message.author_id,
        "only_for": message.only_for,
        "deleted": message.deleted,
        "edited": bool(message.history),
        "text": message.text,
        "blocks": message.blocks,
        "notification": first.text,
        "mentioned": _mentioned(run, first),
    }


def _mentioned(run: SandboxRun, version: MessageVersion) -> list[str]:
    """Return the users whom Slack notifies of a new message because it mentions them or their group."""
    found = {user or group for user, group in _MENTION.findall(json.dumps([version.text, version.blocks]))}
    groups = [group.members for group in run.slack.groups.values() if group.id in found]
    return sorted(found & {*run.slack.members} | {user for members in groups for user in members})


def _request(request: RecordedRequest) -> Json:
    return {
        "at": request.at,
        "method": request.method,
        "path": request.path,
        "operation": request.operation,
        "status": request.status,
    }


def _audit_event(number: int, event: AuditEvent) -> Json:
    return {
        "number": number,
        "at": event.at,
        "name": event_name(event),
        "actor": event.actor,
        "reference": event.reference,
        "target": event.target,
    }


def _delivery_problem(run: SandboxRun) -> str | None:
    if not run.slack.events_url:
        return "The bot has not started yet."
    if run.last_delivery is None or run.last_delivery.error is None:
        return None
    status = run.last_delivery.status
    outcome = "did not respond" if status is None else f"responded with {status}"
    return f"The bot {outcome} ({run.last_delivery.error}). See the terminal for its log."
