"""The Home tab."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.denials import DenialCode, Denied
from bot.domain.principals import Principal, PrincipalKind
from bot.errors import SlackUnavailable
from bot.sandbox.slack.block_kit import view_problems
from bot.services.account import Permissions
from tests.support.bolt import BoltHarness
from tests.support.stub_services import StubServices

RULE = Principal(PrincipalKind.USER, "U0RAVI0001")


def opened(tab: str) -> dict[str, Any]:
    event = {"type": "app_home_opened", "user": "U0RAVI0001", "tab": tab}
    return {"type": "event_callback", "team_id": "T0HOME0001", "event": event}


async def published(services: StubServices) -> str:
    """Open the Home tab and return what it says."""
    assert (await BoltHarness(services).send(opened("home"))).status == 200
    await services.run_started()
    ((method, arguments),) = services.api_calls
    assert (method, arguments["user_id"]) == ("views.publish", "U0RAVI0001")
    assert view_problems(arguments["view"], "home") == []
    return str(arguments["view"])


async def test_home__shows_what_a_person_can_do() -> None:
    view = await published(StubServices(Permissions(request={"revoke": RULE})))
    assert "/purecloud revoke" in view
    assert "/purecloud rotate" not in view


@pytest.mark.parametrize("error", [SlackUnavailable("users.info", "ratelimited"), Denied(DenialCode.OUTSIDER)])
async def test_home__shows_why_it_is_not_available(error: Exception) -> None:
    view = await published(StubServices(error=error))
    assert "Not available right now" in view
    assert "changed" not in view


async def test_home__messages_tab_publishes_nothing() -> None:
    bolt = BoltHarness()
    assert (await bolt.send(opened("messages"))).status == 200
    assert bolt.services.started == []
