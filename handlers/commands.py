"""`/purecloud`: find the command that a line means."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from difflib import get_close_matches
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.domain.commands import Invoker
from bot.domain.denials import DenialCode
from handlers import help as help_command
from handlers import lists, whoami
from handlers.errors import reply_with
from handlers.messages import Catalog
from handlers.payloads import read_invoker
from handlers.services import Services
from handlers.targets import MAX_LINE_LENGTH, read_request
from handlers.ui.blocks import Message
from handlers.ui.reasons import explain

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
    """Store a command that requests an action, then acknowledge it; answer a read-only command later."""
    line_length = len(str(body.get("text") or ""))
    if line_length > MAX_LINE_LENGTH:
        params = {"length": line_length, "limit": MAX_LINE_LENGTH}
        await ack(response_type="ephemeral", text=explain(catalog, DenialCode.LINE_TOO_LONG, params))
        return
    typed = " ".join(str(body.get("text") or "").split())
    verb, _, line = typed.partition(" ")
    invoker, name = read_invoker(body), verb.casefold()
    if name in services.actions:
        await services.inbox.record_command(read_request(services.actions[name], invoker, line))
    else:
        services.tasks.start(_reply(typed, invoker, services, catalog))
    await ack()


async def _reply(typed: str, invoker: Invoker, services: Services, catalog: Catalog) -> None:
    verb, _, line = typed.partition(" ")
    answer = READ_ONLY.get(verb.casefold())
    if answer:
        await reply_with(answer(invoker, services, catalog, line), invoker, services, catalog)
        return
    suggestion = nearest(verb, [*READ_ONLY, *services.actions])
    await reply_with(
        help_command.answer(invoker, services, catalog, unknown=verb, suggestion=suggestion), invoker, services, catalog
    )


def nearest(word: str, commands: Iterable[str]) -> str | None:
    """Return the command that a misspelt word probably means."""
    found = get_close_matches(word.casefold(), list(commands), n=1, cutoff=0.5)
    return found[0] if found else None
