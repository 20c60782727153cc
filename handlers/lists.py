"""`/purecloud pending` and `/purecloud history`: private lists of requests, with buttons to page."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any

import structlog
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.domain.commands import Invoker, TargetRef
from bot.domain.denials import DenialCode, Denied
from bot.domain.pages import NEWEST, Direction, Position
from bot.domain.people import nested, text
from bot.services.overview import ALL, Query, RequestList
from bot.visible_text import storable_text
from handlers.errors import error_message
from handlers.messages import Catalog
from handlers.payloads import Payload, read_presser
from handlers.services import Services
from handlers.targets import read_line
from handlers.ui.blocks import Message
from handlers.ui.request_lists import request_list
from handlers.words import QUOTES, normalize

PENDING, HISTORY = "pending", "history"

PAGE_ACTIONS = re.compile(f"^({PENDING}|{HISTORY})_({Direction.OLDER}|{Direction.NEWER})\\Z")
"""The `action_id`s of the buttons below a list."""

_REFERENCE = re.compile(r"[2-9A-HJ-NP-Z]{7}", re.IGNORECASE | re.ASCII)

_IN_A_LIST = "list"
"""Selects the texts about a line without a reason."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Place:
    """A page of a list: what the list is about, and where the page begins."""

    query: Query = ALL
    position: Position = NEWEST


Read = Callable[[Invoker, Services, Catalog, Place], Awaitable[Message]]
"""Reads a page of a list; raises Denied for a person who may not see it."""


async def pending(invoker: Invoker, services: Services, catalog: Catalog, line: str = "") -> Message:
    """Return the open requests that this person made or may approve."""
    return await _from_line(_pending, invoker, services, catalog, line)


async def history(invoker: Invoker, services: Services, catalog: Catalog, line: str = "") -> Message:
    """Return the requests that ended, for admins."""
    return await _from_line(_history, invoker, services, catalog, line)


async def _from_line(read: Read, invoker: Invoker, services: Services, catalog: Catalog, line: str) -> Message:
    """Return the first page of what a line names.

    A person without the right learns that before what is wrong with the line.
    """
    try:
        query = _read_query(line, invoker)
    except Denied as denied:
        await read(invoker, services, catalog, Place())
        raise Denied(denied.reason, **denied.params, problem=_IN_A_LIST) from None
    return await read(invoker, services, catalog, Place(query))


async def _pending(invoker: Invoker, services: Services, catalog: Catalog, place: Place) -> Message:
    found = await services.overview.pending(invoker, place.query, place.position)
    return _page(catalog, PENDING, place, found)


async def _history(invoker: Invoker, services: Services, catalog: Catalog, place: Place) -> Message:
    found = await services.overview.history(invoker, place.query, place.position)
    return _page(catalog, HISTORY, place, found)


def _page(catalog: Catalog, name: str, place: Place, found: RequestList) -> Message:
    filtered = place.query != ALL
    return request_list(catalog, name, found.requests, _places(place.query, found), filtered=filtered)


LISTS: dict[str, Read] = {PENDING: _pending, HISTORY: _history}


async def on_page(ack: AsyncAck, body: dict[str, Any], services: Services, catalog: Catalog) -> None:
    """Acknowledge, then replace the list by the page that a button names."""
    await ack()
    services.tasks.start(_turn(body, services, catalog))


async def _turn(body: Payload, services: Services, catalog: Catalog) -> None:
    action, presser = body["actions"][0], read_presser(body)
    name, _, direction = str(action.get("action_id")).partition("_")
    place = _read_place(Direction(direction), action.get("value"))
    try:
        message = await LISTS[name](presser, services, catalog, place)
    except Exception as error:  # noqa: BLE001 - the person gets a reply, the log the rest
        message = error_message(catalog, error, by=presser.user_id)
    await services.replies.replace_until_expired(presser.response_url, presser.user_id, message)


def _read_query(line: str, invoker: Invoker) -> Query:
    """Return whom or what a line names; raises Denied for anything but one person or one reference.

    Words that name no one, as in `history all`, mean everyone.
    """
    word = normalize(line).strip(QUOTES + " ")
    if not word:
        return ALL
    if _REFERENCE.fullmatch(word):
        return Query(reference=word.upper())
    try:
        person, rest = read_line(line, me=invoker.user_id)
    except Denied as denied:
        if denied.reason is DenialCode.TARGET_MISSING:
            return ALL
        raise
    if rest:
        raise Denied(DenialCode.TARGET_UNREADABLE, word=rest.split(maxsplit=1)[0])
    return Query(person=person)


def _places(query: Query, found: RequestList) -> dict[Direction, str]:
    """Return the values of the buttons that lead to the next pages."""
    positions = [position for position in (found.newer, found.older) if position]
    return {position.direction: _button_value(query, position) for position in positions}


def _button_value(query: Query, position: Position) -> str:
    person = asdict(query.person) if query.person else None
    return json.dumps({"person": person, "reference": query.reference, "at": position.at, "id": position.id})


def _read_place(direction: Direction, value: object) -> Place:
    """Read the value of a button. An unreadable one leads to the first page."""
    try:
        stored = json.loads(str(value))
        position = Position(direction, float(stored["at"]), _storable(str(stored["id"])))
        query = _stored_query(stored)
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError):
        log.warning("list.unreadable_position")
        return Place()
    return Place(query, position)


def _stored_query(stored: Payload) -> Query:
    person = nested(stored, "person")
    names = {name: _storable(text(person, name) or "") or None for name in TargetRef.__slots__}
    target = TargetRef(**names) if any(names.values()) else None
    return Query(target, _storable(text(stored, "reference") or "") or None)


def _storable(value: str) -> str:
    """Return a text. Raises ValueError for one that no database accepts as a parameter."""
    if storable_text(value) != value:
        raise ValueError("text that a database rejects")
    return value
