"""The fields of log lines that name a request, its target and its people."""

from __future__ import annotations

from typing import Any

from bot.db.jobs import Job
from bot.domain.commands import RequestCommand
from bot.domain.requests import Request


def log_facts(request: Request) -> dict[str, Any]:
    """Return the fields that name a request; `target` is an id in Genesys Cloud."""
    target = {"target": request.target.id} if request.target else {}
    return {"reference": request.reference, "kind": request.action, **target, "requester": request.requester}


def job_facts(job: Job, request: Request | None = None) -> dict[str, Any]:
    """Return the fields that name a job and its request; only the id of a request that was not read."""
    request = request or (job.snapshot.request if job.snapshot else None)
    return {"job": str(job.kind)} | (log_facts(request) if request else {"request_id": job.request_id})


def command_facts(command: RequestCommand) -> dict[str, Any]:
    """Return the fields that name a command, and its target as far as it was given by id."""
    named, ids = command.target, {}
    if named and named.genesys_user_id:
        ids["target"] = named.genesys_user_id
    if named and named.slack_user_id:
        ids["target_slack"] = named.slack_user_id
    return {"kind": command.action, **ids, "by": command.invoker.user_id}
