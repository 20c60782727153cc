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


async def test_home__shows_why_it_is_not_available() -> None:
    view = await published(StubServices(error=SlackUnavailable("users.info", "ratelimited")))
    assert "Not available right now: I could not look this up in Slack: Slack limits how often I may ask." in view
    assert "changed" not in view


async def test_home__of_an_outsider_does_not_say_that_this_will_pass() -> None:
    view = await published(StubServices(error=Denied(DenialCode.OUTSIDER)))
    assert view.count("Only members of this workspace can use this bot.") == 1
    assert "right now" not in view
    assert "changed" not in view


async def test_home__of_a_guest_says_once_why_they_can_do_nothing() -> None:
    permissions = Permissions(denied_because=DenialCode.GUEST)
    who = replace(WHO, permissions=permissions, person=None, token=None)
    view = await published(StubServices(who=who, list_error=Denied(DenialCode.GUEST)))
    assert "You are Ravi Rao in " in view
    assert view.count("Guests can't use this bot") == 1
    assert "/purecloud whoami" in view
    for never in ("right now", "Waiting for your decision", "Your last requests"):
        assert never not in view


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (DenialCode.NO_EMAIL, "You have no email address in Slack that I can see."),
        (DenialCode.EMAIL_UNCONFIRMED, "You have not confirmed your email address in Slack"),
        (DenialCode.SEVERAL_IN_GENESYS, "Several users of Genesys Cloud have your email address"),
    ],
)
async def test_home__speaks_to_a_person_whom_genesys_cloud_does_not_know(reason: DenialCode, said: str) -> None:
    unknown = Denied(reason, member="U0RAVI0001", email="ravi.rao@example.com", count="2")
    view = await published(StubServices(who=replace(WHO, person=unknown)))
    assert said in view
    assert "<@U0RAVI0001>" not in view
    assert "Genesys Cloud user id" not in view.partition("What you can do")[0]


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
