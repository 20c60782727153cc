"""The shortcut and the modal that request a revocation of many people."""

from __future__ import annotations

from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.domain.actions import REVOKE_MANY
from bot.domain.bulk import BULK_AGAIN, BulkSource
from bot.domain.bulk_list import read_list
from bot.domain.commands import Invoker, PeopleRef, RequestCommand
from bot.domain.people import nested, text
from handlers.messages import Catalog
from handlers.payloads import MAX_REQUEST_ID_LENGTH, Payload, read_presser, read_submitter
from handlers.services import Services
from handlers.target_lists import read_set
from handlers.ui.modals import FILE, PEOPLE, REASON, View, revoke_many_modal
from handlers.views import entered, open_for_requester, open_view

VIEW = "revoke_many"
SHORTCUT = "revoke_many"


async def open_from_command(invoker: Invoker, trigger_id: str, services: Services, catalog: Catalog) -> None:
    """Open the modal for an admin; store the command of anyone else, to deny it."""
    view = _modal(services, catalog, invoker.channel)
    await open_for_requester(REVOKE_MANY, invoker, trigger_id, services, view)


async def on_shortcut(ack: AsyncAck, body: dict[str, Any], services: Services, catalog: Catalog) -> None:
    """Open the modal."""
    channel = text(nested(body, "channel"), "id") or ""
    await open_view(body["trigger_id"], services, _modal(services, catalog, channel))
    await ack()


def _modal(services: Services, catalog: Catalog, channel: str) -> View:
    return revoke_many_modal(catalog, VIEW, channel=channel, require_reason=services.require_reason)


async def on_submit(ack: AsyncAck, body: dict[str, Any], services: Services, catalog: Catalog) -> None:
    """Store the request before acknowledging it; show what is wrong with the input in the modal."""
    people, errors = _people(body, catalog)
    reason = entered(body, REASON, "value") or ""
    if services.require_reason and not reason:
        errors[REASON] = catalog.text("modal.error.reason_missing")
    if errors:
        await ack(response_action="errors", errors=errors)
        return
    command = RequestCommand(REVOKE_MANY.name, read_submitter(body), reason=reason, people=people)
    await services.inbox.record_command(command)
    await ack()


def _people(body: Payload, catalog: Catalog) -> tuple[PeopleRef | None, dict[str, str]]:
    """Return the list that the modal has, or an error for an input."""
    listed, file_id = entered(body, PEOPLE, "value"), _file_id(body)
    if listed and file_id:
        return None, {FILE: catalog.text("revoke-many.modal.error.two_lists")}
    if file_id:
        return PeopleRef(BulkSource.FILE, file_id=file_id), {}
    if not listed:
        return None, {PEOPLE: catalog.text("revoke-many.modal.error.list_missing")}
    found = read_set(listed)
    if found and not found[1]:
        return found[0], {}
    if not any(one.ref for one in read_list(listed)):
        return None, {PEOPLE: catalog.text("revoke-many.modal.error.list_unreadable")}
    return PeopleRef(BulkSource.LIST, text=listed), {}


def _file_id(body: Payload) -> str | None:
    """Return the id of the uploaded file (docs.slack.dev, File input element)."""
    values = nested(nested(nested(body, "view"), "state"), "values")
    files = nested(nested(values, FILE), FILE).get("files")
    first = files[0] if isinstance(files, list) and files else None
    return text(first, "id") if isinstance(first, dict) else None


async def on_again(ack: AsyncAck, body: dict[str, Any], services: Services) -> None:
    """Store a request for the people of a finished one whose revocation failed or is unknown."""
    request_id = next(str(one.get("value") or "") for one in body["actions"] if one["action_id"] == BULK_AGAIN)
    people = PeopleRef(BulkSource.RETRY, request_id=request_id[:MAX_REQUEST_ID_LENGTH])
    await services.inbox.record_command(RequestCommand(REVOKE_MANY.name, read_presser(body), people=people))
    await ack()
