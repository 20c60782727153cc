"""The payloads of jobs, and what this version of the bot must find in them to run a job."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import astuple
from typing import Any

from bot.db.unreadable import UnreadableRow
from bot.domain.bulk import CONTROLS
from bot.domain.bulk_files import BulkFile
from bot.domain.clicks import read_click
from bot.domain.commands import read_command
from bot.domain.requests import APPROVE, CANCEL, DECLINE

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
    click = read_click("", payload)
    _require_texts(click.action, click.user_id, click.reason)
    _require_texts(click.team_id, click.response_url, click.installed_in, click.ts, optional=True)
    return None if click.action in (APPROVE, CANCEL, DECLINE, *CONTROLS) else click.action


def _unknown_in_command(payload: Payload, actions: Collection[str]) -> str | None:
    command = read_command(payload)
    invoker, target = command.invoker, command.target
    _require_texts(command.action, command.reason, invoker.user_id, invoker.channel, invoker.key)
    _require_texts(invoker.team_id, invoker.response_url, *(astuple(target) if target else ()), optional=True)
    return None if command.action in actions else command.action


def _unknown_in_execution(payload: Payload, _actions: Collection[str]) -> str | None:
    """Return what is unknown of a call: a request of this version has one item, at place 0."""
    float(payload["clicked_at"])
    return None if payload["place"] == 0 else f"place {payload['place']}"


def _unknown_in_lane(payload: Payload, _actions: Collection[str]) -> None:
    float(payload["clicked_at"])
    if not isinstance(payload["lane"], int):
        raise TypeError


def _unknown_in_reply(payload: Payload, _actions: Collection[str]) -> None:
    dict(payload["params"], user_id=payload["user_id"], code=payload["code"])
    _require_texts(payload["user_id"], payload["code"])
    _require_texts(payload.get("response_url"), optional=True)


def _unknown_in_thread(payload: Payload, _actions: Collection[str]) -> None:
    dict(payload["params"], code=payload["code"])
    _require_texts(payload["code"])


def _unknown_in_notice(payload: Payload, _actions: Collection[str]) -> None:
    _require_texts(payload["channel"])


def _unknown_in_file(payload: Payload, _actions: Collection[str]) -> None:
    BulkFile(payload["file"])


def _require_texts(*values: Any, optional: bool = False) -> None:
    """Raise TypeError for a value that is no text, because the database would refuse it as a parameter."""
    if not all(isinstance(one, str) or (optional and one is None) for one in values):
        raise TypeError


def _unknown_in_copy(payload: Payload, _actions: Collection[str]) -> None:
    payload["to"]


def _unknown_in_watch(payload: Payload, _actions: Collection[str]) -> None:
    for name in ("sent_at", "answered_at", "duration"):
        float(payload[name])
    for name in ("last_token", "seen_at"):
        float(payload.get(name) or 0.0)


_UNKNOWN_IN: Mapping[str, Callable[[Payload, Collection[str]], str | None]] = {
    "click": _unknown_in_click,
    "command": _unknown_in_command,
    "target": _unknown_in_execution,
    "reply": _unknown_in_reply,
    "thread": _unknown_in_thread,
    "notice": _unknown_in_notice,
    "announcement": _unknown_in_notice,
    "copy": _unknown_in_copy,
    "bulk": _unknown_in_lane,
    "watch": _unknown_in_watch,
    "file": _unknown_in_file,
}
"""By kind of job (`bot.db.jobs.JobKind`): a function that returns what it does not know, and raises for what lacks."""
