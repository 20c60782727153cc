"""`/purecloud help`: what this person can do, with examples."""

from __future__ import annotations

from bot.domain.policy import Denied
from bot.services.requesting import Invoker, Permissions, Service
from handlers.messages.denials import matter
from handlers.ui import blocks
from handlers.ui.blocks import Message, escape

ANYONE = (
    "`/purecloud whoami` - who you are here and in Genesys Cloud, and what the bot's token is",
    "`/purecloud help` - this",
)
REQUESTER = (
    "`/purecloud revoke @user [reason]` - ask to end every session and token of a person; nothing happens before a "
    "button is clicked\n      for example `/purecloud revoke @tom laptop stolen`, "
    "`/purecloud revoke tom@example.com`, `/purecloud revoke 5f2c…` (a Genesys Cloud user id)"
)
NEITHER = "You may neither ask for revocations nor confirm them."
ADMIN = "`/purecloud rotate` - exchange the bot's own Genesys Cloud token"


async def answer(
    asker: Invoker, _line: str, service: Service, *, unknown: str = "", nearest: str | None = None
) -> Message:
    """Tell what this person can do; an unknown word is named first, with the nearest one."""
    abilities = await service.abilities(asker)
    return blocks.message(
        "What you can do with /purecloud",
        blocks.section(_did_you_mean(unknown, nearest)) if unknown else None,
        blocks.header("What you can do with /purecloud"),
        blocks.section(blocks.bullets(commands_for(abilities))),
        blocks.context(approving(abilities)),
    )


def commands_for(abilities: Permissions) -> list[str]:
    """List what this person can type."""
    lines = [REQUESTER] if abilities.ask else []
    lines += [ADMIN] if abilities.administer else []
    return [*lines, *ANYONE]


def approving(abilities: Permissions) -> str:
    """Say what this person can confirm, or what keeps them from acting."""
    if abilities.against:
        return f"{NEITHER} {matter(Denied(abilities.against))}"
    if not abilities.confirm:
        may = "You may ask; somebody else confirms." if abilities.ask else NEITHER
        unread = escape("; ".join(abilities.unread))
        return f"{may} Could not be checked, so it counts as no: {unread}" if unread else may
    own = "your own too" if abilities.self_approval else "but not your own"
    return f"You may confirm requests, {own}: click the button on the card."


def _did_you_mean(unknown: str, nearest: str | None) -> str:
    word = f"I do not know `{escape(blocks.cut(unknown, 80)).replace('`', chr(39))}`. Nothing was changed."
    return f"{word} Did you mean `/purecloud {nearest}`?" if nearest else word
