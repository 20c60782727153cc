"""The Home tab."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.db.driver import DatabaseUnavailable
from bot.domain.denials import DenialCode, Denied
from bot.domain.pages import PAGE_SIZE
from bot.domain.principals import Principal, PrincipalKind
from bot.domain.requests import APPROVE, CANCEL, DECLINE
from bot.errors import SlackUnavailable
from bot.sandbox.slack.block_kit import view_problems
from bot.services.account import Permissions
from bot.services.overview import ListedRequest, RequestList
from tests.support.bolt import BoltHarness
from tests.support.examples import TOM_IN_GENESYS, request
from tests.support.stub_services import StubServices
from tests.unit.handlers.test_whoami import WHO

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


async def test_home__shows_who_a_person_is_and_what_they_can_do() -> None:
    permissions = Permissions(request={"revoke": RULE})
    view = await published(StubServices(who=replace(WHO, permissions=permissions)))
    assert "You are *Ravi Rao* in Slack and *Ravi Rao* in Genesys Cloud" in view
    assert "Request a revocation: " in view
    assert "/purecloud revoke" in view
    assert "/purecloud rotate" not in view
    assert "No request waits for you" in view


async def test_home__shows_what_waits_with_its_buttons_and_what_ended() -> None:
    services = StubServices(who=WHO)
    services.listed = RequestList([ListedRequest(request(reason="laptop stolen"), waits=True)])
    view = await published(services)
    assert "Revoke all sessions of Tom Target?" in view
    assert "laptop stolen" in view
    assert f"'action_id': '{APPROVE}'" in view
    assert f"'action_id': '{DECLINE}'" in view
    assert f"'action_id': '{CANCEL}'" not in view


async def test_home__lets_a_requester_cancel_their_own_request() -> None:
    services = StubServices(who=WHO)
    services.listed = RequestList([ListedRequest(request(), waits=True, own=True)])
    view = await published(services)
    assert f"'action_id': '{CANCEL}'" in view
    assert f"'action_id': '{DECLINE}'" not in view


async def test_home__warns_of_names_beside_the_buttons() -> None:
    services = StubServices(who=WHO)
    target = replace(TOM_IN_GENESYS, name="Tom\u202e Target")
    services.listed = RequestList([ListedRequest(request(target=target, target_slack_name="Anna Admin"), waits=True)])
    view = await published(services)
    assert "I removed hidden characters from: Name." in view
    assert "Anna Admin" in view
    assert "\\u202e" not in view


async def test_home__with_many_requests_is_valid() -> None:
    services = StubServices(who=WHO)
    services.listed = RequestList(
        [ListedRequest(request(id=str(number), target_slack_name="\u3164"), waits=True) for number in range(PAGE_SIZE)]
    )
    await published(services)


@pytest.mark.parametrize("error", [SlackUnavailable("users.info", "ratelimited"), Denied(DenialCode.OUTSIDER)])
async def test_home__shows_why_it_is_not_available(error: Exception) -> None:
    view = await published(StubServices(error=error))
    assert "Not available right now" in view
    assert "changed" not in view


async def test_home__shows_the_rest_while_requests_cannot_be_read() -> None:
    view = await published(StubServices(who=WHO, list_error=DatabaseUnavailable()))
    assert "You are *Ravi Rao*" in view
    assert view.count("Not available right now: My database doesn't answer.") == 2


async def test_home__is_published_again_only_if_it_changed() -> None:
    services = StubServices(who=WHO)
    await published(services)
    ((user_id, refresh),) = services.tabs_opened.items()
    assert user_id == "U0RAVI0001"
    await refresh()
    assert len(services.api_calls) == 1
    services.listed = RequestList([ListedRequest(request(), waits=True)])
    await refresh()
    assert len(services.api_calls) == 2
    assert "Revoke all sessions of Tom Target?" in str(services.api_calls[-1])


async def test_home__that_slack_did_not_take_is_published_by_the_next_refresh() -> None:
    services = StubServices(who=WHO, api_error=SlackUnavailable("views.publish", "ratelimited"))
    assert (await BoltHarness(services).send(opened("home"))).status == 200
    await services.run_started()
    services.api_error = None
    await services.tabs_opened["U0RAVI0001"]()
    assert [method for method, _ in services.api_calls] == ["views.publish"]


async def test_home__messages_tab_publishes_nothing() -> None:
    bolt = BoltHarness()
    assert (await bolt.send(opened("messages"))).status == 200
    assert bolt.services.started == []
