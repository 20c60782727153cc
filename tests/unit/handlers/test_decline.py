"""The button and the modal by which an approver declines."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.domain.commands import Invoker
from bot.domain.denials import DenialCode, Denied
from bot.domain.principals import Principal, PrincipalKind
from bot.errors import SlackUnavailable
from bot.sandbox.slack.block_kit import view_problems
from bot.services.account import Permissions
from bot.slack.api import SlackCallError
from handlers.decline import VIEW
from handlers.views import PERMISSION_TIMEOUT
from tests.support.bolt import USER, BoltHarness, body
from tests.support.examples import UNREAD_GROUP
from tests.support.stub_services import StubServices
from tests.support.virtual_time import run

RULE = Principal(PrincipalKind.GROUP, "S0TOKENAPP")
APPROVER = Permissions(approve={"revoke": RULE})
CLICK: dict[str, Any] = {
    "type": "block_actions",
    "user": USER,
    "trigger_id": "1.2.click",
    "response_url": "https://hooks.slack.com/actions/1",
    "actions": [{"action_id": "decline", "value": "request-id"}],
}


def submission(reason: str | None, view_id: str = "V1") -> dict[str, Any]:
    values = {"reason": {"reason": {"type": "plain_text_input", "value": reason}}}
    view = {
        "id": view_id, "type": "modal", "callback_id": VIEW, "private_metadata": "request-id",
        "app_installed_team_id": "T0HOME0001", "state": {"values": values},
    }  # fmt: skip
    return {"type": "view_submission", "user": USER, "trigger_id": "1.2.submit", "view": view}


@pytest.mark.parametrize("permissions", [APPROVER, Permissions(unverified=(UNREAD_GROUP,))])
async def test_button__opens_a_modal_that_requires_a_reason(permissions: Permissions) -> None:
    services = StubServices(permissions)
    assert (await BoltHarness(services).send(CLICK)).status == 200

    ((method, arguments),) = services.api_calls
    assert (method, arguments["trigger_id"]) == ("views.open", "1.2.click")
    view = arguments["view"]
    assert view_problems(view, "modal") == []
    assert (view["callback_id"], view["private_metadata"]) == (VIEW, "request-id")
    reason = view["blocks"][-1]
    assert (reason["block_id"], reason["optional"], reason["element"]["multiline"]) == ("reason", False, True)
    assert services.clicks == []


@pytest.mark.parametrize(
    "permissions",
    [Permissions(), Permissions(request={"revoke": RULE}), Permissions(denied_because=DenialCode.GUEST)],
    ids=["no role", "requester", "guest"],
)
async def test_button__of_a_person_who_approves_nothing_is_stored_to_be_denied(permissions: Permissions) -> None:
    services = StubServices(permissions)
    assert (await BoltHarness(services).send(CLICK)).status == 200
    assert services.api_calls == []
    (click,) = services.clicks
    assert (click.request_id, click.action, click.reason) == ("request-id", "decline", "")


class Account(StubServices):
    """Permissions that raise, or never arrive."""

    def __init__(self, error: Exception | None) -> None:
        super().__init__(APPROVER)
        self._problem = error

    async def permissions(self, _invoker: Invoker) -> Permissions:
        if self._problem:
            raise self._problem
        await asyncio.Event().wait()
        raise AssertionError


async def status_and_time(services: StubServices) -> tuple[int, float]:
    """Press the button; return the response's status and the seconds that it took."""
    response = await BoltHarness(services).send(CLICK)
    seconds = asyncio.get_running_loop().time()
    await services.run_started()
    return response.status, seconds


@pytest.mark.parametrize("error", [None, SlackUnavailable("users.info", "ratelimited")], ids=["hangs", "fails"])
def test_button__opens_the_modal_although_permissions_cannot_be_read(error: Exception | None) -> None:
    services = Account(error)
    assert run(status_and_time(services)) == (200, 0.0 if error else PERMISSION_TIMEOUT)
    assert [method for method, _ in services.api_calls] == ["views.open"]


async def test_button__of_an_outsider_is_stored_to_be_denied() -> None:
    services = Account(Denied(DenialCode.OUTSIDER))
    assert (await BoltHarness(services).send(CLICK)).status == 200
    assert (services.api_calls, len(services.clicks)) == ([], 1)


async def test_button__whose_modal_slack_does_not_open_is_answered_with_the_reason() -> None:
    services = StubServices(APPROVER, api_error=SlackCallError("expired_trigger_id", retryable=False))
    assert (await BoltHarness(services).send(CLICK)).status == 503
    await services.run_started()
    (reply,) = services.replies_sent
    assert "Slack didn't do what I asked for: it took too long." in reply["text"]
    assert "Nothing was changed" in reply["text"]


class HangingApi(Account):
    """An account that never answers, and a Web API that never does."""

    async def call(self, method: str, **arguments: Any) -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError(method, arguments)


def test_button__is_answered_within_the_three_seconds_of_slack_whatever_hangs() -> None:
    status, seconds = run(status_and_time(HangingApi(None)))
    assert status == 503
    assert seconds < 3


async def test_submission__is_stored_as_a_click_with_the_reason() -> None:
    bolt = BoltHarness()
    response = await bolt.send(submission(" on a call\nwith a customer "))
    assert (response.status, response.body) == (200, "")
    (click,) = bolt.services.clicks
    assert (click.request_id, click.action, click.user_id) == ("request-id", "decline", USER["id"])
    assert (click.reason, click.installed_in) == ("on a call\nwith a customer", "T0HOME0001")


async def test_submission__of_one_view_has_one_key() -> None:
    bolt = BoltHarness()
    for view_id in ("V1", "V1", "V2"):
        await bolt.send(submission("no", view_id))
    first, again, other = (click.key for click in bolt.services.clicks)
    assert first == again != other


@pytest.mark.parametrize("reason", [None, "", "  ", "\u200b\u202e"])
async def test_submission__without_a_reason_shows_it_in_the_modal(reason: str | None) -> None:
    bolt = BoltHarness()
    answer = body(await bolt.send(submission(reason)))
    assert (answer["response_action"], list(answer["errors"])) == ("errors", ["reason"])
    assert bolt.services.clicks == []


async def test_submission__that_cannot_be_stored_is_not_acknowledged() -> None:
    assert (await BoltHarness(StubServices(error=RuntimeError("disk full"))).send(submission("no"))).status == 503
