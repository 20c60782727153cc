"""The comparison with the official SDK leaves no operation out; this check needs no SDK."""

from __future__ import annotations

from bot.sandbox.genesys.api import ROUTES
from tests.official.operations import OPERATIONS


def test_operations__cover_every_route_of_the_fake() -> None:
    assert {*OPERATIONS, "login"} == {operation.__name__ for _, _, operation in ROUTES}
