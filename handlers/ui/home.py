"""Render the Home tab."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.requests import CANCEL, DECLINE
from bot.services.overview import ListedRequest
from handlers.messages import Catalog
from handlers.ui import blocks, cards, targets
from handlers.ui.blocks import Block
from handlers.ui.modals import View
from handlers.ui.request_lists import entry, entry_with_cancel


@dataclass(frozen=True, slots=True)
class Home:
    """What the Home tab shows. A list of requests that is not available is a sentence that says why."""

    person: str
    permissions: Block
    commands: Block
    hint: str
    waiting: Sequence[ListedRequest] | str
    own: Sequence[ListedRequest]
    """The open requests of this person that others decide."""
    recent: Sequence[ListedRequest] | str


def home_view(catalog: Catalog, home: Home) -> View:
    """Return the Home tab: identity, permissions, requests that wait, and the last ones."""
    return _view(
        blocks.section(home.person),
        home.permissions,
        *_waiting(catalog, home.waiting),
        *_own(catalog, home.own),
        *_recent(catalog, home.recent),
        blocks.header(catalog.text("help.title")),
        home.commands,
        blocks.context(home.hint),
    )


def excluded_view(catalog: Catalog, person: str, why: str, commands: Block) -> View:
    """Return the Home tab of a person who can do nothing here, such as a guest."""
    return _view(blocks.section(person), blocks.section(why), blocks.header(catalog.text("help.title")), commands)


def unavailable_view(catalog: Catalog, why: str) -> View:
    """Return the Home tab while nothing about the person is known."""
    return _view(blocks.header(catalog.text("help.title")), blocks.context(why))


def _view(*parts: Block) -> View:
    return {"type": "home", "blocks": list(parts)}


def _waiting(catalog: Catalog, waiting: Sequence[ListedRequest] | str) -> list[Block]:
    title = blocks.header(catalog.text("home.waiting"))
    if isinstance(waiting, str):
        return [title, blocks.context(waiting)]
    if not waiting:
        return [title, blocks.context(catalog.text("home.waiting.empty"))]
    return [title, *(part for one in waiting for part in _with_buttons(catalog, one))]


def _with_buttons(catalog: Catalog, listed: ListedRequest) -> list[Block]:
    """Return a request that waits, with what its card warns of, because a person may decide it here."""
    request = listed.request
    warnings = (targets.slack_user(catalog, request), targets.warnings(catalog, request))
    return [
        entry(catalog, listed),
        *filter(None, warnings),
        cards.buttons(catalog, request, [CANCEL if listed.own else DECLINE]),
    ]


def _own(catalog: Catalog, own: Sequence[ListedRequest]) -> list[Block]:
    """Return the requests that wait for others; nothing if there are none."""
    if not own:
        return []
    title = blocks.header(catalog.text("home.own"))
    return [title, *(part for one in own for part in entry_with_cancel(catalog, one))]


def _recent(catalog: Catalog, recent: Sequence[ListedRequest] | str) -> list[Block]:
    title = blocks.header(catalog.text("home.recent"))
    if isinstance(recent, str):
        return [title, blocks.context(recent)]
    if not recent:
        return [title, blocks.context(catalog.text("home.recent.empty"))]
    return [title, *(entry(catalog, one) for one in recent)]
