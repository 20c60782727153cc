"""The payloads of jobs, and what this version of the bot must find in them to run a job."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any

from bot.db.unreadable import UnreadableRow
from bot.domain.clicks import read_click
from bot.domain.commands import read_command
from bot.domain.requests import APPROVE, CANCEL

Payload = Mapping[str, Any]


def parse_payload(job_id: int, text: str) -> Payload:
    """Return the payload of a job. Raises UnreadableRow for one that is no JSON object."""
    try:
        payload = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableRow("jobs", job_id, "payload") from error
    if not isinstance(payload, dict):
        raise UnreadableRow("jobs", job_id, "payload")
    return payload


def check_payload(job_id: int, kind: str, payload: Payload, actions: Collection[str]) -> None:
    """Raise UnreadableRow for a payload that this version cannot run.

    Keys that this version does not know are ignored, so a newer version adds a key only if an older one may ignore it.
    """
    unknown_in = _UNKNOWN_IN.get(kind)
    try:
        unknown = unknown_in(payload, actions) if unknown_in else None
    except (AttributeError, KeyError, TypeError) as error:
        raise UnreadableRow("jobs", job_id, "payload") from error
    except ValueError as error:  # a code of a newer version
        raise UnreadableRow("jobs", job_id, "payload", f"{kind}: {error}") from error
    if unknown is not None:
        raise UnreadableRow("jobs", job_id, "payload", f"{kind}: {unknown}")


def _unknown_in_click(payload: Payload, _actions: Collection[str]) -> str | None:
    action = read_click("", payload).action
    return None if action in (APPROVE, CANCEL) else action


def _unknown_in_command(payload: Payload, actions: Collection[str]) -> str | None:
    action = read_command(payload).action
    return None if action in actions else action


def _unknown_in_execution(payload: Payload, _actions: Collection[str]) -> str | None:
    """Return what is unknown of a call: a request of this version has one item, at place 0."""
    float(payload["clicked_at"])
    return None if payload["place"] == 0 else f"place {payload['place']}"


def _unknown_in_reply(payload: Payload, _actions: Collection[str]) -> None:
    dict(payload["params"], user_id=payload["user_id"], code=payload["code"])


def _unknown_in_thread(payload: Payload, _actions: Collection[str]) -> None:
    dict(payload["params"], code=payload["code"])


def _unknown_in_notice(payload: Payload, _actions: Collection[str]) -> None:
    payload["channel"]


_UNKNOWN_IN: Mapping[str, Callable[[Payload, Collection[str]], str | None]] = {
    "click": _unknown_in_click,
    "command": _unknown_in_command,
    "target": _unknown_in_execution,
    "reply": _unknown_in_reply,
    "thread": _unknown_in_thread,
    "notice": _unknown_in_notice,
}
"""By kind of job (`bot.db.jobs.JobKind`): a function that returns what it does not know, and raises for what lacks."""
