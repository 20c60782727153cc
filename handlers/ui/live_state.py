"""Show what the target of a request is doing, or was doing just before the call."""

from __future__ import annotations

from bot.domain.live_state import LiveState
from bot.domain.requests import FINAL, Request, State
from handlers.messages import Catalog
from handlers.ui import blocks
from handlers.ui.blocks import Block, local_time


def line(catalog: Catalog, request: Request) -> Block | None:
    """Return what the target is doing as a line of small print, None if it was not read or is outdated."""
    if request.state is State.PENDING and request.live:
        first, *more = _state(catalog, request.live)
        time = local_time(request.live.at, seconds=False)
        return blocks.context(catalog.text("live.now", time=time, state=first), *more)
    if request.state in FINAL and request.live_before:
        first, *more = _state(catalog, request.live_before)
        return blocks.context(catalog.text("live.before", state=first), *more)
    return None


def _state(catalog: Catalog, live: LiveState) -> tuple[str | None, ...]:
    if not live.is_known:
        return (catalog.text("live.unknown"),)
    queue = "unknown" if live.on_queue is None else "on" if live.on_queue else "off"
    says_more = not (live.on_queue and live.presence == "on_queue")
    return (
        _conversations(catalog, live),
        catalog.text(f"live.queue.{queue}"),
        catalog.text(f"live.presence.{live.presence or 'unknown'}") if says_more else None,
        catalog.text("live.last_login.unknown")
        if live.last_login is None
        else catalog.text("live.last_login", time=local_time(live.last_login, seconds=False)),
    )


def _conversations(catalog: Catalog, live: LiveState) -> str:
    if live.conversations is None:
        return catalog.text("live.conversations.unknown")
    kinds = [
        catalog.text(f"live.media.{kind}.1" if count == 1 else f"live.media.{kind}", count=count)
        for kind, count in live.conversations.items()
    ]
    return catalog.text("live.conversations", kinds=", ".join(kinds)) if kinds else catalog.text("live.conversations.0")
