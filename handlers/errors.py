"""The one seam where an error becomes a sentence; nothing a person types or clicks may raise beyond it."""

from __future__ import annotations

import secrets

import structlog

from bot.domain.policy import Denied
from bot.errors import BotError, StaleRequest
from bot.services.requesting import Invoker, Service
from handlers import commands
from handlers.messages.errors import trouble
from handlers.ui import blocks, cards

log = structlog.get_logger()


async def command(asker: Invoker, text: str, service: Service) -> None:
    """Run a command to its end and tell the asker what there is to tell, in private."""
    try:
        message = await commands.run(asker, text, service)
    except Exception as error:  # noqa: BLE001 - whatever it is, the person gets a sentence and the log the rest
        message = apology(error, by=asker.user_id)
    if message:
        await service.tell(asker, message)


def apology(error: Exception, *, by: str) -> blocks.Message:
    """Turn an error into what its person reads: what happened, that nothing was changed, and what to do."""
    if isinstance(error, Denied):
        return cards.refusal(error)
    if isinstance(error, StaleRequest):
        return cards.answer(error, None)
    if isinstance(error, BotError):
        text = f"{trouble(error)} Nothing was changed."
        log.warning("a command met a fault", error=type(error).__name__, problem=str(error), by=by)
        return blocks.message(text, blocks.section(text))
    incident = secrets.token_hex(4)
    log.error("a command failed", incident=incident, by=by, exc_info=error)
    text = (
        f"Something went wrong that I did not expect. Nothing was changed. "
        f"Whoever runs this bot finds it in the log as `{incident}`."
    )
    return blocks.message(text, blocks.section(text))
