"""Render the replies in the thread of a card."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from handlers.messages import Catalog
from handlers.ui import blocks, outcomes, rich_text
from handlers.ui.blocks import Message
from handlers.ui.failed_checks import why
from handlers.ui.rich_text import Element
from handlers.ui.sentences import as_mrkdwn, sentence

Params = Mapping[str, Any]


def approved(catalog: Catalog, params: Params) -> Message:
    """Return who approved, how many approvals there are, and whose approval no longer counts."""
    code = "thread.approved" if params["required"] == 1 else "thread.approved.several"
    approver = rich_text.user(params["approver"])
    text = sentence(catalog, code, approver=approver, count=str(params["count"]), required=str(params["required"]))
    dropped = params["dropped"]
    gone = sentence(catalog, "thread.dropped", approvers=rich_text.users(dropped)) if dropped else None
    return _message(text, gone)


def retrying(catalog: Catalog, params: Params) -> Message:
    """Return why a call is repeated, and when if that is known."""
    at = params.get("continues_at")
    code = "thread.retrying.continues_at" if at else "thread.retrying"
    problem = outcomes.problem(catalog, params)
    return _message(sentence(catalog, code, problem=problem, time=rich_text.time(at, seconds=True) if at else []))


def file_not_shared(catalog: Catalog, params: Params) -> Message:
    """Return why a bulk request has no file in its thread."""
    return _message(sentence(catalog, "thread.file_not_shared", why=why(catalog, params["slack_code"])))


RENDERERS: Mapping[str, Callable[[Catalog, Params], Message]] = {
    "approved": approved,
    "retrying": retrying,
    "file_not_shared": file_not_shared,
}


def _message(*lines: list[Element] | None) -> Message:
    said = [line for line in lines if line]
    summary = " ".join(as_mrkdwn(line) for line in said)
    return blocks.message(summary, rich_text.block(*(rich_text.paragraph(*line) for line in said)))
