"""`/purecloud revoke`: ask for the end of a person's sessions. Nothing is revoked by typing."""

from __future__ import annotations

from bot.services.requesting import Invoker, Service
from handlers.targets import read_line


async def answer(asker: Invoker, line: str, service: Service) -> None:
    """Ask; the card that follows is the answer."""
    wanted, reason = read_line(line)
    await service.revoke(asker, wanted, reason)
