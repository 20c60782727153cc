"""Show what a bulk request is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.domain.bulk import (
    BULK_AGAIN,
    BULK_PAUSE,
    BULK_RESUME,
    BULK_STOP,
    CALLS_UNKNOWN,
    IN_CALL,
    BulkProgress,
    BulkSummary,
    EntryFinding,
    RunState,
)
from bot.domain.requests import FINAL, Request, State
from bot.visible_text import visible_text
from handlers.messages import Catalog
from handlers.ui import blocks, outcomes, rich_text
from handlers.ui.blocks import Block, shorten
from handlers.ui.rich_text import Element, words
from handlers.ui.sentences import sentence

_SKIPPED = (EntryFinding.UNKNOWN, EntryFinding.AMBIGUOUS, EntryFinding.DUPLICATE, EntryFinding.UNREADABLE)
_OUTCOMES = (State.REVOKED, State.REFUSED, State.FAILED, State.UNKNOWN)
_BAR_LENGTH = 20
_MINUTE = 60
_LONG_IN_SECONDS = 100
"""Seconds from which a duration is shown in minutes."""


def preview(
    catalog: Catalog, request: Request, *, with_live_state: bool = False, has_thread: bool = True
) -> list[Element]:
    """Return what the bot found in a list, in paragraphs; none for any other request."""
    bulk = request.bulk
    if bulk is None:
        return []
    notes = _notes(catalog, bulk, with_live_state=with_live_state)
    return [
        rich_text.paragraph(
            *_found(catalog, request, bulk, "revoke-many.found.of_whom" if notes else "revoke-many.found")
        ),
        *notes,
        *_skipped(catalog, request, bulk),
        *_duration(catalog, bulk, has_thread=has_thread),
    ]


def _found(catalog: Catalog, request: Request, bulk: BulkSummary, code: str) -> list[Element]:
    name = words(shorten(visible_text(bulk.name)) or "-", bold=True)
    source = sentence(catalog, f"revoke-many.source.{bulk.source}", name=name)
    people = words(outcomes.target_name(catalog, request), bold=True)
    return sentence(catalog, code, people=people, source=source)


def _notes(catalog: Catalog, bulk: BulkSummary, *, with_live_state: bool) -> list[Element]:
    """Return what the approvers should know of the people."""
    people = {"protected": bulk.protected, "inactive": bulk.counts.get("inactive", 0)}
    counts = {name: count for name, count in people.items() if count}
    counts |= _calls(bulk.details) if with_live_state else {}
    lines = [
        rich_text.paragraph(*sentence(catalog, f"revoke-many.count.{name}", count=f"{count:,}"))
        for name, count in counts.items()
    ]
    return [rich_text.bullets(*lines)] if lines else []


def _calls(details: Mapping[str, Any]) -> dict[str, int]:
    """Return how many people are in a call, 0 included, and of how many that is not known."""
    if IN_CALL not in details and CALLS_UNKNOWN in details:
        return {"no_calls_known": details[CALLS_UNKNOWN]}
    return {name: details[name] for name in (IN_CALL, CALLS_UNKNOWN) if name in details}


def _skipped(catalog: Catalog, request: Request, bulk: BulkSummary) -> list[Element]:
    """Return which entries the request leaves out."""
    parts = [
        sentence(catalog, f"revoke-many.skipped.{finding}", count=f"{bulk.counts[finding]:,}")
        for finding in _SKIPPED
        if bulk.counts.get(finding)
    ]
    if bulk.counts.get(EntryFinding.REQUESTER):
        parts.append(sentence(catalog, "revoke-many.skipped.requester", requester=rich_text.user(request.requester)))
    if not parts:
        return []
    counts = [element for part in parts for element in (words(", "), *part)][1:]
    return [rich_text.paragraph(*sentence(catalog, "revoke-many.skipped", counts=counts))]


def _duration(catalog: Catalog, bulk: BulkSummary, *, has_thread: bool) -> list[Element]:
    """Return how long it takes, if that is known, and where the names are."""
    seconds, parts = bulk.details.get("seconds"), []
    if seconds:
        parts.append(sentence(catalog, "revoke-many.duration", duration=duration(catalog, seconds)))
    if has_thread:
        parts.append(sentence(catalog, "revoke-many.names"))
    elements = [element for part in parts for element in (words(" "), *part)][1:]
    return [rich_text.paragraph(*elements)] if elements else []


def duration(catalog: Catalog, seconds: float) -> str:
    """Return a duration, rounded up."""
    if seconds < _LONG_IN_SECONDS:
        return catalog.text("revoke-many.seconds", count=max(1, round(seconds)))
    return catalog.text("revoke-many.minutes", count=-int(-seconds // _MINUTE))


def report(catalog: Catalog, request: Request) -> list[Block | None]:
    """Return how far an approved bulk request is or how it ended, with its buttons; nothing for any other."""
    if request.bulk is None or request.approved_at is None:
        return []
    counts = outcomes.bulk_counts(request)
    lines = [
        rich_text.paragraph(*sentence(catalog, _count_code(request, one), count=f"{counts[one]:,}"))
        for one in _OUTCOMES
        if counts.get(one)
    ]
    return [
        rich_text.block(*_progress(catalog, request.progress, request.bulk.people)) if _runs(request) else None,
        rich_text.block(rich_text.bullets(*lines)) if lines else None,
        _controls(catalog, request) or _again(catalog, request, counts),
    ]


def _count_code(request: Request, outcome: State) -> str:
    """Return the text for the people with an outcome. Most who failed in a stopped request were not tried."""
    stopped = request.outcome.get("stopped_by") or (request.progress and request.progress.state is RunState.STOPPED)
    code = f"revoke-many.outcome_count.{outcome}"
    return f"{code}.stopped" if stopped and outcome is State.FAILED else code


def _runs(request: Request) -> bool:
    return request.state is State.APPROVED and request.progress is not None


def _progress(catalog: Catalog, progress: BulkProgress | None, people: int) -> list[Element]:
    """Return a bar with the rate and the time left, and who paused it."""
    if progress is None:
        return []
    filled = _BAR_LENGTH * progress.done // max(people, 1)
    bar = words("▰" * filled + "▱" * (_BAR_LENGTH - filled))
    count = {"done": f"{progress.done:,}", "people": f"{people:,}"}
    parts = sentence(catalog, "revoke-many.progress", **count)
    if progress.per_minute and progress.seconds_left is not None and progress.state is RunState.RUNNING:
        left = duration(catalog, progress.seconds_left)
        parts += sentence(catalog, "revoke-many.rate", rate=f"{progress.per_minute:,.0f}", left=left)
    lines = [rich_text.paragraph(bar, words("  "), *parts)]
    if progress.state is not RunState.RUNNING and progress.changed_by:
        admin = rich_text.user(progress.changed_by)
        lines.append(rich_text.paragraph(*sentence(catalog, f"revoke-many.{progress.state}_by", admin=admin)))
    return lines


def _controls(catalog: Catalog, request: Request) -> Block | None:
    """Return the buttons that pause, resume and stop, for admins; None once nothing is left to control."""
    progress = request.progress
    if request.state is not State.APPROVED or progress is None or progress.state is RunState.STOPPED:
        return None
    first = BULK_RESUME if progress.state is RunState.PAUSED else BULK_PAUSE
    question = blocks.confirm(
        catalog.text("revoke-many.stop.title"),
        catalog.text(f"revoke-many.stop.text{'.1' if progress.open == 1 else ''}", open=f"{progress.open:,}"),
        catalog.text("revoke-many.stop.yes"),
        catalog.text("request.dialog.back"),
    )
    return blocks.actions(
        request.id,
        blocks.button(catalog.text(f"revoke-many.{first}"), first, request.id),
        blocks.button(
            catalog.text(f"revoke-many.{BULK_STOP}"), BULK_STOP, request.id, style="danger", confirm=question
        ),
    )


def _again(catalog: Catalog, request: Request, counts: Mapping[str, int]) -> Block | None:
    """Return the button that requests what did not succeed, None if everything did."""
    left = counts.get(State.FAILED, 0) + counts.get(State.UNKNOWN, 0)
    if request.state not in FINAL or not left:
        return None
    text = catalog.text("revoke-many.again", people=outcomes.people(catalog, left))
    return blocks.actions(request.id, blocks.button(text, BULK_AGAIN, request.id))
