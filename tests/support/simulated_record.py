"""The history of a simulated run: commands, audit log, messages and DELETEs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.db.requests import RequestStore
from bot.domain.audit import AuditEvent, EventType
from bot.domain.requests import BREAK_GLASS
from tests.support.history_entries import Entry, Kind, in_force
from tests.support.simulated_ports import AUDIT, IDS, Outside

TARGETS = {user_id: person for person, user_id in IDS.items()} | {"me": "me"}

ASKED = (EventType.REQUESTED, EventType.BREAK_GLASS_REQUESTED)
DECIDED = (EventType.APPROVED, EventType.BREAK_GLASS_APPROVED)


@dataclass(frozen=True, slots=True)
class Typed:
    """A command that a person typed; `status` is 200 if it is stored. The key is its `response_url` too."""

    at: float
    person: str
    target: str
    action: str
    key: str
    status: int


async def recorded(store: RequestStore, outside: Outside, typed: Sequence[Typed]) -> list[Entry]:
    """Return the entries of the commands, the audit log, the DELETEs and the messages."""
    events = [event for event, _ in await store.audit_events()]
    asked = [one for one in events if one.tag in ASKED]
    alone = {one.target for one in typed if one.action == BREAK_GLASS}
    entries = [Entry(one.at, Kind.AUDIT, one.request_id or "", one.actor, text=one.tag) for one in events]
    for event in asked:
        request, target = str(event.request_id), _target(event)
        entries.append(Entry(event.at, Kind.ASK, request, event.actor, int(target in alone), target))
        found = await store.get(request)
        if found and found.rules:
            text = in_force(found.rules).to_text()
            entries.append(Entry(event.at, Kind.STORED, request, status=found.approvals_required, text=text))
        entries += _shown(outside, request, found.card.ts if found and found.card else None)
    for at, target, status in outside.deletes:
        entries.append(Entry(at, Kind.DELETE, _request_of(events, target, at), status=status))
    names = {_target(one): str(one.request_id) for one in asked}
    return [*entries, *_commands(outside, typed, names)]


def _request_of(events: Sequence[AuditEvent], target: str, at: float) -> str:
    """Return the request that a DELETE belongs to: the last one that was decided, or else made.

    A person who types break glass twice has two requests about one target.
    """
    earlier = [one for one in events if one.request_id and one.target == target and one.at <= at]
    made = [one for one in earlier if one.tag in ASKED]
    decided = [one for one in earlier if one.tag in DECIDED]
    return str((decided or made)[-1].request_id) if made else "none"


def _target(event: AuditEvent) -> str:
    return TARGETS[str(event.target)]


def _commands(outside: Outside, typed: Sequence[Typed], requests: dict[str, str]) -> Iterator[Entry]:
    """Yield each command with its request, and its private replies: at the URL or in direct messages."""
    for command in typed:
        request = requests.get(command.target, f"command for {command.target}")
        yield Entry(command.at, Kind.COMMAND, request, command.person, command.status)
        for message in outside.messages:
            at, content = message.versions[0]
            is_reply = "card" not in content and "outcomes" not in content
            if is_reply and message.channel in (command.key, f"D{command.person[1:]}"):
                yield Entry(at, Kind.REPLY, request, command.person)


def _shown(outside: Outside, request: str, ts: str | None) -> Iterator[Entry]:
    """Yield what the card of a request and the channels show."""
    for message in outside.messages:
        for at, content in message.versions:
            if content.get("card") == request and message.ts == ts:
                yield Entry(at, Kind.CARD, request, text=content["text"])
            elif request in content.get("outcomes", ()) and message.channel == AUDIT:
                yield Entry(at, Kind.NOTICE, request, text=content["text"])
            elif content.get("announced") == request:
                yield Entry(at, Kind.ANNOUNCEMENT, request, text=message.channel)
