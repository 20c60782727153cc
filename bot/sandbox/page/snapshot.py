"""Everything the page shows, as it is now: for everybody at once; who sees what stands beside each message."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bot.sandbox import personas
from bot.sandbox.faults import OF_GENESYS

if TYPE_CHECKING:
    from bot.domain.audit import AuditEvent
    from bot.sandbox.genesys.server import RecordedRequest
    from bot.sandbox.session import Play
    from bot.sandbox.slack.messages import PostedMessage

Json = dict[str, Any]

_ENTRIES = 200
"""How much of the journal and of the trail the page shows."""


def snapshot(play: Play) -> Json:
    """All of it, ready for JSON."""
    slack, genesys = play.slack, play.genesys
    about = {character.member.id: character for character in personas.personas()}
    return {
        "play": play.number,
        "workspace": {"name": slack.workspace.name, "bot": slack.workspace.bot_user_id},
        "people": [_person(play, user_id, about.get(user_id)) for user_id in slack.members],
        "channels": [asdict(channel) for channel in slack.channels.values()],
        "groups": {group.id: group.handle for group in slack.groups.values()},
        "messages": [_message(place, said) for place, said in enumerate(slack.messages)],
        "views": slack.views.snapshot(),
        "examples": personas.EXAMPLES,
        "trouble": _trouble(play),
        "journal": [_entry(entry) for entry in genesys.requests[-_ENTRIES:]],
        "sessions": [
            {"id": key, "name": person.name, "state": person.state, "sessions": person.sessions}
            for key, person in genesys.state.users.items()
        ],
        "tokens": {"issued": genesys.state.issued, "alive": genesys.state.live_generations},
        "mishaps": {
            "offered": [{"name": one.name, "title": one.title} for one in OF_GENESYS],
            "genesys": play.mishaps.of_genesys,
            "slack_down": play.mishaps.slack_down,
        },
        "replica": play.replica is not None,
        "trail": [_row(entry) for entry, _ in play.trail[-_ENTRIES:]],
    }


def _person(play: Play, user_id: str, character: personas.Persona | None) -> Json:
    workspace = play.slack.workspace
    member = workspace.members[user_id]
    playable = not (member.is_bot or member.deleted)
    return {
        "id": member.id,
        "name": member.name,
        "real_name": member.real_name,
        "role": character.role if character else "",
        "about": character.about if character else "",
        "deleted": member.deleted,
        "playable": playable,
        "can_type": not workspace.is_outsider(member),
        "dm": workspace.dm(member.id).id if playable else None,
    }


def _message(place: int, message: PostedMessage) -> Json:
    return {
        "place": place,
        "version": len(message.versions) + message.deleted,
        "at": float(message.ts),
        "channel": message.channel_id,
        "author": message.author_id,
        "only_for": message.only_for,
        "deleted": message.deleted,
        "edited": bool(message.history),
        "text": message.text,
        "blocks": message.blocks,
    }


def _entry(entry: RecordedRequest) -> Json:
    return {
        "at": entry.at,
        "method": entry.method,
        "path": entry.path,
        "operation": entry.operation,
        "status": entry.status,
    }


def _row(entry: AuditEvent) -> Json:
    return {
        "at": entry.at,
        "tag": entry.tag,
        "actor": entry.actor,
        "reference": entry.reference,
        "target": entry.target,
    }


def _trouble(play: Play) -> str | None:
    if not play.slack.events_url:
        return "The bot has not started yet."
    if play.last is None or play.last.error is None:
        return None
    said = "did not answer" if play.last.status is None else f"answered {play.last.status}"
    return f"The bot {said} ({play.last.error}). Is it still running? The terminal tells more."
