"""`/purecloud pending` and `/purecloud history`, and their buttons."""

from __future__ import annotations

import json
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from bot.domain.commands import TargetRef
from bot.domain.denials import DenialCode, Denied
from bot.domain.pages import NEWEST, Direction, Position
from bot.domain.requests import Request, State
from bot.sandbox.slack.block_kit import problems
from bot.services.overview import ALL, ListedRequest, Query, RequestList
from handlers import lists
from handlers.commands import Answer
from handlers.ui.blocks import Message
from handlers.ui.reasons import explain
from handlers.ui.request_lists import request_list
from tests.support.bolt import BoltHarness
from tests.support.examples import BEN, NOON, OLIVIA, RAVI, TOM, request
from tests.support.render_text import readable, words
from tests.support.sample_outcomes import HOSTILE
from tests.support.stub_services import ENGLISH, INVOKER, StubServices

LINK = "https://example.slack.com/archives/C0OPS00001/p1782043200000100"


def ended(state: State, **changes: Any) -> Request:
    return request(state=state, finished_at=NOON + 60, **changes)


LISTED = [
    ListedRequest(request(), LINK, waits=True),
    ListedRequest(request(reason="laptop\nstolen", approvals_required=2, approvals=(BEN,))),
    ListedRequest(request(action="rotate", target=None, target_slack_id=None), LINK),
    ListedRequest(ended(State.REVOKED, approvals=(BEN, OLIVIA), reason="x" * 400), LINK),
    ListedRequest(ended(State.CANCELLED, decided_by=RAVI)),
    ListedRequest(ended(State.CANCELLED)),
    *(ListedRequest(ended(state)) for state in (State.EXPIRED, State.REFUSED, State.FAILED, State.UNKNOWN)),
]
PLACES = {Direction.NEWER: "newer", Direction.OLDER: "older"}


@pytest.mark.parametrize("name", [lists.PENDING, lists.HISTORY])
@pytest.mark.parametrize("listed", [[], LISTED], ids=["empty", "full"])
def test_list__is_valid_and_readable(name: str, listed: list[ListedRequest], snapshot: SnapshotAssertion) -> None:
    message = request_list(ENGLISH, name, listed, PLACES)
    assert problems(message) == []
    assert readable(message) == snapshot


@pytest.mark.parametrize("text", HOSTILE)
def test_list__stays_valid_with_any_text(text: str) -> None:
    hostile = ListedRequest(request(reason=text), LINK)
    assert problems(request_list(ENGLISH, lists.PENDING, [hostile], {})) == []


@pytest.mark.parametrize(
    ("line", "query"),
    [
        ("", ALL),
        ("7k3m9qx", Query(reference="7K3M9QX")),
        ("`7K3M9QX`", Query(reference="7K3M9QX")),
        (f"<@{TOM}>", Query(TargetRef(slack_user_id=TOM))),
        ("tom@example.com", Query(TargetRef(email="tom@example.com"))),
        ("all", ALL),
        (" for all users, please ", ALL),
    ],
)
async def test_line__names_a_person_or_a_reference(line: str, query: Query) -> None:
    services = StubServices()
    await lists.history(INVOKER, services, ENGLISH, line)
    await lists.pending(INVOKER, services, ENGLISH, line)
    assert services.lists_read == [(query, NEWEST), (query, NEWEST)]


@pytest.mark.parametrize("read", [lists.history, lists.pending])
async def test_list__without_a_match_does_not_say_that_there_is_no_request(read: Answer) -> None:
    """Other requests may be open, or have ended."""
    services = StubServices()
    services.listed = RequestList([])
    said = words(await read(INVOKER, services, ENGLISH, f"<@{TOM}>"))
    assert "matches this" in said
    assert "lists them all" in said
    assert "match" not in words(await read(INVOKER, services, ENGLISH, ""))


@pytest.mark.parametrize("line", ["tom", f"<@{TOM}> yesterday", f"<@{TOM}> <@{BEN}>", "7K3M9QX 7K3M9QX"])
@pytest.mark.parametrize("read", [lists.history, lists.pending])
async def test_line__with_anything_else_is_denied(read: Answer, line: str) -> None:
    with pytest.raises(Denied) as denied:
        await read(INVOKER, StubServices(), ENGLISH, line)
    assert denied.value.reason in (DenialCode.TARGET_UNREADABLE, DenialCode.SEVERAL_TARGETS)


@pytest.mark.parametrize(
    "line", ["tom", "@tom", f"<@{TOM}> yesterday", f"<@{TOM}> <@{BEN}>", "<!subteam^S1>", "<#C1|ops>", "<!here>"]
)
@pytest.mark.parametrize("read", [lists.history, lists.pending])
async def test_line__that_is_denied_gets_an_advice_for_lists(read: Answer, line: str) -> None:
    with pytest.raises(Denied) as denied:
        await read(INVOKER, StubServices(), ENGLISH, line)
    said = explain(ENGLISH, denied.value.code, denied.value.params)
    for about_requests in ("The reason", "In the reason", "Admins can"):
        assert about_requests not in said


@pytest.mark.parametrize("line", ["", "tom", f"<@{TOM}>"])
@pytest.mark.parametrize("read", [lists.history, lists.pending])
async def test_line__of_a_person_without_the_right_is_not_criticised(read: Answer, line: str) -> None:
    with pytest.raises(Denied) as denied:
        await read(INVOKER, StubServices(list_error=Denied(DenialCode.NOT_AN_ADMIN)), ENGLISH, line)
    assert denied.value.reason is DenialCode.NOT_AN_ADMIN


def press(action_id: str, value: object) -> dict[str, Any]:
    return {
        "type": "block_actions", "trigger_id": "1", "user": {"id": RAVI, "team_id": "T0HOME0001"},
        "team": {"id": "T0HOME0001"}, "response_url": "https://hooks.slack.example/1",
        "actions": [{"type": "button", "block_id": "b", "action_id": action_id, "value": value}],
    }  # fmt: skip


async def pressed(services: StubServices, action_id: str, value: object) -> Message:
    """Press a button and return the message that replaces the list."""
    assert (await BoltHarness(services).send(press(action_id, value))).status == 200
    await services.run_started()
    assert services.clicks == []
    (message,) = services.replies_sent
    return dict(message)


def button_values(message: Message) -> dict[str, str]:
    return {one["action_id"]: one["value"] for one in message["blocks"][-1]["elements"]}


@pytest.mark.parametrize("line", ["", f"<@{TOM}>", "7K3M9QX"])
async def test_button__leads_to_the_next_page_of_the_same_list(line: str) -> None:
    services = StubServices()
    older = Position(Direction.OLDER, NOON + 0.25, "request-id")
    services.listed = RequestList(LISTED, older=older)
    values = button_values(await lists.history(INVOKER, services, ENGLISH, line))
    await pressed(services, "history_older", values["history_older"])
    (query, _), (next_query, position) = services.lists_read
    assert (next_query, position) == (query, older)


UNSTORABLE = ("\ud800", "\0")

UNREADABLE = [
    None, "", "rubbish", "[]", "{}", json.dumps({"at": "soon", "id": 1}), "7" * 5000, "[" * 100_000,
    f'{{"at": {"9" * 400}, "id": ""}}',
    *(json.dumps({"at": 1, "id": one}) for one in UNSTORABLE),
    *(json.dumps({"at": 1, "id": "", "reference": one}) for one in UNSTORABLE),
    *(json.dumps({"at": 1, "id": "", "person": {"email": one}}) for one in UNSTORABLE),
]  # fmt: skip


@pytest.mark.parametrize("value", UNREADABLE, ids=range(len(UNREADABLE)))
async def test_button__with_an_unreadable_value_leads_to_the_first_page(value: object) -> None:
    services = StubServices()
    await pressed(services, "pending_older", value)
    assert services.lists_read == [(ALL, NEWEST)]


async def test_button__with_another_name_reads_nothing() -> None:
    services = StubServices()
    assert (await BoltHarness(services).send(press("pending_older\n", "{}"))).status == 404
    assert services.lists_read == []


async def test_button__pressed_by_a_person_without_the_right_says_so() -> None:
    message = await pressed(StubServices(error=Denied(DenialCode.NOT_AN_ADMIN)), "history_newer", "{}")
    assert "Only admins" in message["text"]
