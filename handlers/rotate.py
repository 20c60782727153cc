"""`/purecloud rotate`: ask for a new token for the bot itself."""

from __future__ import annotations

from bot.services.requesting import Invoker, Service


async def answer(asker: Invoker, _line: str, service: Service) -> None:
    """Ask; the card that follows is the answer."""
    await service.rotate(asker)
