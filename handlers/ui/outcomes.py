"""Say how a request stands or ended. It is never "revoked" unless Genesys Cloud confirmed it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.domain.actions import ROTATE
from bot.domain.bulk import RunState
from bot.domain.requests import FINAL, Request, State
from bot.visible_text import visible_text
from handlers.messages import Catalog
from handlers.ui import rich_text
from handlers.ui.blocks import foreign_value, shorten
from handlers.ui.next_steps import command
from handlers.ui.rich_text import Element, words
from handlers.ui.sentences import Value, sentence, sentences

MAX_NAME_LENGTH = 70
"""Characters of a name in a sentence, so that Slack's dialog (300) has room for two names."""

FAILED_UNCHANGED = "failed.unchanged"
"""The code of the texts for a request that failed and certainly changed nothing."""

_UNTOUCHED = "failed.untouched"
"""The code of the texts for a request that the bot itself refused before its first call."""

_REFUSALS_OF_THE_BOT = frozenset({"not_authorized", "no_target"})
"""Codes of refusals before the call, which Genesys Cloud has no part in."""

Outcome = Mapping[str, Any]


def target_name(catalog: Catalog, request: Request) -> str:
    """Return the name, address or id of a request's target, or the number of people, as plain text."""
    if request.bulk:
        return people(catalog, request.bulk.people)
    if request.target is None:
        return ""
    known = (request.target.name, request.target.email or "", request.target.id)
    return shorten(next(filter(None, map(visible_text, known)), "-"), MAX_NAME_LENGTH)


def people(catalog: Catalog, count: int) -> str:
    """Return a number of people in words."""
    return catalog.text("people.1" if count == 1 else "people", count=f"{count:,}")


def headline(catalog: Catalog, request: Request) -> str:
    """Return one line that says where a request stands, as plain text."""
    code = _failure(request) or request.state.value
    code = FAILED_UNCHANGED if code == _UNTOUCHED else code
    if request.state is State.APPROVED and request.outcome.get("continues_at"):
        code = "approved.waiting"
    target, revoked = target_name(catalog, request), bulk_counts(request).get(State.REVOKED, 0)
    code = _bulk_code(request, code) if request.bulk else code
    code = catalog.code_of_action(request.action, f"headline.{code}")
    if request.bulk and request.bulk.people == 1 and f"{code}.1" in catalog:
        code = f"{code}.1"
    return catalog.text(code, subject=subject(catalog, request), target=target, revoked=f"{revoked:,}")


def bulk_counts(request: Request) -> Mapping[str, int]:
    """Return the number of people of a bulk request by outcome."""
    if request.progress:
        return request.progress.outcomes
    return {str(name): int(count) for name, count in dict(request.outcome.get("counts") or {}).items()}


def _bulk_code(request: Request, code: str) -> str:
    """Return the code of a bulk request that is paused, or was stopped."""
    if request.progress and request.state is State.APPROVED and request.progress.state is RunState.PAUSED:
        return "approved.paused"
    return "stopped" if request.outcome.get("stopped_by") and request.state in FINAL else code


def subject(catalog: Catalog, request: Request) -> str:
    """Return what a request is about, as plain text."""
    return catalog.of_action(request.action, "subject", target=target_name(catalog, request))


def outcome(catalog: Catalog, request: Request) -> list[list[Element]]:
    """Return what happened and whether anything was changed, in paragraphs."""
    code = _bulk_code(request, _code(request)) if request.bulk else _code(request)
    code = catalog.code_of_action(request.action, f"outcome.{code}")
    return sentences(catalog, code, **_values(catalog, request))


def too_late(catalog: Catalog, request: Request) -> list[Element]:
    """Return what a person learns whose click came too late."""
    progress = request.progress if request.state is State.APPROVED else None
    if progress and progress.state is not RunState.RUNNING:
        return sentence(catalog, f"stale.approved.{progress.state}", admin=rich_text.user(progress.changed_by or ""))
    again = words(command(request), code=True)
    return sentence(catalog, f"stale.{request.state}", outcome=outcome(catalog, request)[0], command=again)


def changed_nothing(request: Request) -> bool:
    """Return whether a request ended and certainly changed nothing.

    Once approved, a bulk request may have revoked some people, and a rotation may have got a new token.
    """
    if request.state in (State.CANCELLED, State.DECLINED, State.EXPIRED):
        return True
    failure = _failure(request)
    if request.bulk or request.action == ROTATE.name:
        return failure == _UNTOUCHED
    if request.state is State.REFUSED and failure is None:
        return not request.outcome.get("uncertain")
    return failure in (_UNTOUCHED, FAILED_UNCHANGED)


def _failure(request: Request) -> str | None:
    """Return the code of the texts for a failed request, None for the texts of its state.

    A refusal of the bot is a failure, because "refused" is what Genesys Cloud does.
    """
    result = request.outcome
    by_bot = result.get("code") in _REFUSALS_OF_THE_BOT or result.get("problem") == "invalid_target"
    if request.state is not State.REFUSED or not by_bot:
        return FAILED_UNCHANGED if _is_failed_unchanged(request) else None
    if _is_first_attempt(result):
        return _UNTOUCHED
    return FAILED_UNCHANGED if result.get("unchanged") else State.FAILED.value


def _is_first_attempt(result: Outcome) -> bool:
    """Return whether an attempt was the first, and ended before Genesys Cloud received a request."""
    return int(result.get("attempts") or 1) == 1 and not (result.get("sent") or result.get("uncertain"))


def _is_failed_unchanged(request: Request) -> bool:
    """Return whether a request failed and certainly changed nothing.

    Earlier versions stored a call that was never sent as unknown.
    """
    result = request.outcome
    if request.state is State.UNKNOWN:
        return not (result.get("attempts", 1) or result.get("sent") or result.get("uncertain"))
    return request.state is State.FAILED and bool(result.get("unchanged"))


def _code(request: Request) -> str:
    result = request.outcome
    if request.state is State.APPROVED and result:
        return "retrying.uncertain" if result.get("uncertain") else "retrying"
    if failure := _failure(request):
        return failure
    if request.state is State.EXPIRED and request.approvals:
        return "expired.approved"
    return request.state.value


def _values(catalog: Catalog, request: Request) -> dict[str, Value]:
    result = request.outcome
    changed = "uncertain" if result.get("uncertain") else "nothing"
    needed = f"request.approvals_needed.{request.approvals_required}"
    if needed not in catalog:
        needed = "request.approvals_needed"
    return {
        "target": target_name(catalog, request),
        "problem": problem(catalog, result, request.action),
        "changed": sentence(catalog, f"request.changed.{changed}"),
        "times": _times(catalog, result),
        "asked": sentence(catalog, "request.asked", times=_times(catalog, result)) if result.get("sent") else [],
        "declined_because": visible_text(str(result.get("reason") or "-")),
        "approvers": rich_text.users(request.approvals),
        "needed": catalog.text(needed, count=request.approvals_required),
    }


def _times(catalog: Catalog, result: Outcome) -> str:
    """Return how often Genesys Cloud was asked: the requests that it may have received."""
    sent = int(result.get("sent") or result.get("attempts") or 0)
    if not sent:
        return catalog.text("request.times.not_known")
    times = catalog.text("request.times.1" if sent == 1 else "request.times", times=sent)
    return catalog.text("request.times.at_least", times=times) if result.get("at_least") else times


def problem(catalog: Catalog, result: Outcome, action: str = "") -> str:
    """Return what Genesys Cloud did, or did not do, as plain text; some actions have words of their own."""
    code = str(result.get("code") or "other")
    if code == "not_authorized" and not _is_first_attempt(result):
        return catalog.text("problem.not_authorized.later")
    if (own := catalog.code_of_action(action, f"problem.{code}")) in catalog:
        return catalog.text(own)
    params = {name: foreign_value(value) for name, value in result.items() if value is not None}
    if code == "genesys_forbidden":
        params["permissions"] = _permissions(catalog, result.get("permissions") or ())
    for area in ("problem", "reason"):
        for suffix in (result.get("cause"), result.get("problem"), *(n for n in ("detail", "status") if n in params)):
            if suffix and f"{area}.{code}.{suffix}" in catalog:
                return catalog.text(f"{area}.{code}.{suffix}", **params)
        if f"{area}.{code}" in catalog:
            return catalog.text(f"{area}.{code}", **params)
    return catalog.text("problem.other")


def _permissions(catalog: Catalog, missing: Sequence[str]) -> str:
    named = foreign_value(", ".join(missing))
    if not named:
        return catalog.text("problem.genesys_forbidden.permission")
    code = "problem.genesys_forbidden.several" if len(missing) > 1 else "problem.genesys_forbidden.permissions"
    return catalog.text(code, permissions=named)
