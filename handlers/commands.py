"""`/purecloud`: words in, a use case out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from difflib import get_close_matches

from bot.services.requesting import Invoker, Service
from handlers import help as helping
from handlers import revoke, rotate, whoami
from handlers.ui.blocks import Message

UseCase = Callable[[Invoker, str, Service], Awaitable[Message | None]]
"""Takes who asks and the rest of the line; what it returns is told to them in private."""

COMMANDS: dict[str, UseCase] = {
    "help": helping.answer,
    "whoami": whoami.answer,
    "revoke": revoke.answer,
    "rotate": rotate.answer,
}


async def run(asker: Invoker, text: str, service: Service) -> Message | None:
    """Do what a line says; nothing typed is `help`, an unknown word is answered with the nearest one and help."""
    verb, _, rest = " ".join(text.split()).partition(" ")
    use_case = COMMANDS.get(verb.casefold())
    if use_case:
        return await use_case(asker, rest, service)
    return await helping.answer(asker, "", service, unknown=verb, nearest=nearest(verb))


def nearest(word: str) -> str | None:
    """Return the command a word was probably meant to be."""
    found = get_close_matches(word.casefold(), COMMANDS, n=1, cutoff=0.5)
    return found[0] if found else None
