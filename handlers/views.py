"""Open modals, and read what people enter in them."""

from __future__ import annotations

import asyncio

import structlog

from bot.domain.actions import Action
from bot.domain.commands import Invoker, RequestCommand
from bot.domain.denials import DenialCode, Denied
from bot.domain.people import nested, text
from bot.errors import BotError, SlackUnavailable
from bot.services.account import Permissions
from handlers.payloads import Payload
from handlers.services import Services
from handlers.ui.modals import View

log = structlog.get_logger()

PERMISSION_TIMEOUT = 1.0
"""Maximum time to read the permissions of a person before a modal opens, in seconds."""

VIEW_TIMEOUT = 1.5
"""Maximum time to open a modal, in seconds. Slack waits three seconds for the acknowledgement."""


async def open_view(trigger_id: str, services: Services, view: View) -> None:
    """Open a view; Slack accepts a `trigger_id` for three seconds. Raises BotError."""
    try:
        async with asyncio.timeout(VIEW_TIMEOUT):
            await services.web_api.call("views.open", trigger_id=trigger_id, view=view)
    except TimeoutError:
        raise SlackUnavailable("views.open", "TimeoutError", retryable=True) from None


async def open_for_requester(action: Action, invoker: Invoker, trigger_id: str, services: Services, view: View) -> None:
    """Open the modal of a command for a requester; store the command of anyone else, to deny it.

    A person whose permissions cannot be read in time gets the modal, because the submission is judged anyway.
    """
    if await _may_request(action, invoker, services):
        try:
            await open_view(trigger_id, services, view)
        except BotError as error:
            log.warning("modal.not_opened", problem=str(error), by=invoker.user_id)
        else:
            return
    missing = Denied(DenialCode.TARGET_MISSING)
    await services.inbox.record_command(RequestCommand(action.name, invoker, problem=missing))


async def _may_request(action: Action, invoker: Invoker, services: Services) -> bool:
    permissions = await permissions_in_time(invoker, services)
    return permissions is None or action.name in permissions.request or bool(permissions.unverified)


async def permissions_in_time(invoker: Invoker, services: Services) -> Permissions | None:
    """Return what a person may do, None if that cannot be read before a modal must open."""
    try:
        async with asyncio.timeout(PERMISSION_TIMEOUT):
            return await services.account.permissions(invoker)
    except Denied as denied:
        return Permissions(denied_because=denied.reason)
    except (BotError, TimeoutError):
        return None


def entered(view_submission: Payload, name: str, field: str) -> str | None:
    """Return what a person entered in the input `name` of a modal, None for nothing."""
    values = nested(nested(nested(view_submission, "view"), "state"), "values")
    found = text(nested(nested(values, name), name), field)
    return found.strip() or None if found else None
