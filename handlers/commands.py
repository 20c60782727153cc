"""`/purecloud`: find the command that a line means."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.domain.actions import REVOKE, REVOKE_MANY
from bot.domain.commands import Invoker, RequestCommand
from bot.domain.denials import DenialCode, Denied
from bot.services.account import Permissions
from handlers import dry_run, lists, revoke, revoke_many, whoami
from handlers import help as help_command
from handlers.errors import reply_with
from handlers.messages import Catalog
from handlers.payloads import read_invoker
from handlers.services import Services
from handlers.targets import MAX_LINE_LENGTH, read_request
from handlers.ui.blocks import Message
from handlers.ui.reasons import explain
from handlers.verbs import Typed, nearest, read_verb

Answer = Callable[[Invoker, Any, Catalog, str], Awaitable[Message]]
"""Takes the person, the services, the texts and the line after the command.

Each command names the services that it uses by a Protocol.
"""

READ_ONLY: dict[str, Answer] = {
    "help": help_command.answer,
    "whoami": whoami.answer,
    lists.PENDING: lists.pending,
    lists.HISTORY: lists.history,
}
"""Commands that are answered in private and change nothing. The others are the names of actions."""


async def on_command(ack: AsyncAck, body: dict[str, Any], services: Services, catalog: Catalog) -> None:
    """Store a command that requests an action, then acknowledge it; answer a read-only command later.

    `revoke` without a person opens the modal.
    """
    text = str(body.get("text") or "")
    typed, invoker = read_verb(text[:MAX_LINE_LENGTH]), read_invoker(body)
    line, is_dry_run = dry_run.without_flag(typed.line)
    too_long = _too_long(text)
    if typed.name == REVOKE.name and not typed.line.strip() and not too_long:
        await revoke.open_from_command(invoker, str(body.get("trigger_id") or ""), services, catalog)
    elif typed.name == REVOKE_MANY.name and not typed.line.strip():
        await revoke_many.open_from_command(invoker, str(body.get("trigger_id") or ""), services, catalog)
    elif typed.name in services.actions:
        action = services.actions[typed.name]
        command = RequestCommand(action.name, invoker, problem=too_long) if too_long else None
        command = command or read_request(action, invoker, line)
        if is_dry_run:
            services.tasks.start(
                reply_with(partial(dry_run.answer, command, services, catalog), invoker, services, catalog)
            )
        else:
            await services.inbox.record_command(command)
    elif too_long:
        await ack(response_type="ephemeral", text=explain(catalog, too_long.code, too_long.params))
        return
    else:
        services.tasks.start(_reply(typed, invoker, services, catalog))
    await ack()


def _too_long(text: str) -> Denied | None:
    if len(text) <= MAX_LINE_LENGTH:
        return None
    return Denied(DenialCode.LINE_TOO_LONG, length=str(len(text)), limit=str(MAX_LINE_LENGTH))


async def _reply(typed: Typed, invoker: Invoker, services: Services, catalog: Catalog) -> None:
    answer = READ_ONLY.get(typed.name if typed.word else "help")
    reply: Callable[[], Awaitable[Message]]
    if answer:
        reply = partial(answer, invoker, services, catalog, typed.line)
    else:
        suggest = partial(suggestion, typed)
        reply = partial(help_command.answer, invoker, services, catalog, unknown=typed.word, suggest=suggest)
    await reply_with(reply, invoker, services, catalog)


def suggestion(typed: Typed, permissions: Permissions) -> str | None:
    """Return the command that an unknown word probably means, among those that this person may use."""
    if typed.is_person:
        return REVOKE.name if REVOKE.name in permissions.request else None
    return nearest(typed.word, [*help_command.commands_of(permissions), *permissions.request])
