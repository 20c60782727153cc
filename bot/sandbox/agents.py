"""Three hundred agents of the sandbox's contact centre, for a bulk request: they use no Slack."""

from __future__ import annotations

from itertools import product
from typing import Final

from bot.sandbox.genesys.state import EntityRef, GenesysUser, UserSet

FIRST_NAMES: Final = (
    "Ada", "Bao", "Carla", "Dev", "Elif", "Femi", "Greta", "Hugo", "Ines", "Jonas",
    "Kaya", "Liam", "Mina", "Noor", "Oskar", "Paula", "Quinn", "Rosa", "Sven", "Tala",
)  # fmt: skip
LAST_NAMES: Final = (
    "Adler", "Bauer", "Costa", "Dias", "Evans", "Fischer", "Garcia", "Hansen", "Ito", "Jansen",
    "Kaur", "Lopez", "Meyer", "Nowak", "Okafor",
)  # fmt: skip

DIVISION: Final = EntityRef("6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d6f00", "Contact centre")

IN_CALL_EACH: Final = 4
"""One agent of this many is in a call."""


def agents() -> list[GenesysUser]:
    """Return the agents, whose sessions a run may end."""
    return [_agent(number, first, last) for number, (first, last) in enumerate(product(FIRST_NAMES, LAST_NAMES))]


def _agent(number: int, first: str, last: str) -> GenesysUser:
    busy = number % IN_CALL_EACH == 0
    return GenesysUser(
        id=f"6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d7{number:03}",
        name=f"{first} {last}",
        email=f"{first}.{last}@example.com".lower(),
        division=DIVISION,
        presence="On Queue",
        routing_status="INTERACTING" if busy else "IDLE",
        conversations={"call": 1} if busy else {},
    )


def queue_of(people: list[GenesysUser]) -> UserSet:
    """Return the queue that has all agents as its members."""
    return UserSet("6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d6f01", "Contact centre", tuple(one.id for one in people))
