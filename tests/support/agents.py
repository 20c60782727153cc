"""Further people of the fake Genesys Cloud, for tests that revoke many at once."""

from __future__ import annotations

from uuid import UUID

from bot.sandbox.genesys.server import FakeGenesys
from bot.sandbox.genesys.state import GenesysUser


def add_agents(genesys: FakeGenesys, count: int, *, first: int = 0) -> list[GenesysUser]:
    """Add people who have no Slack user, and return them."""
    agents = [
        GenesysUser(str(UUID(int=number + 1, version=4)), f"Agent {number}", f"agent{number}@example.com")
        for number in range(first, first + count)
    ]
    genesys.users.update((one.id, one) for one in agents)
    return agents
