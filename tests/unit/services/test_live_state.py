"""Cards show those who decide what a person does in Genesys Cloud, as far as it is answered in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.db.followers import FollowerStore
from bot.db.job_queue import LEASE_DURATION
from bot.db.jobs import Job, JobKind
from bot.domain.bulk import CALLS_UNKNOWN, IN_CALL, BulkSource, BulkSummary
from bot.domain.requests import Follower, MessageRef, Request, State
from bot.purecloud import User
from bot.sandbox import personas
from bot.sandbox.genesys.server import GenesysFault
from bot.sandbox.slack.block_kit import problems
from bot.services.live_state import CALL_TIME_LIMIT, CARD_TIME_LIMIT, LiveStates
from tests.support.components import RENDERER, TOM, Components, open_components
from tests.support.database import stored
from tests.support.examples import NOON, request
from tests.support.render_text import words
from tests.support.virtual_time import run

APPROVER_CARD = MessageRef(personas.APPROVALS)
NOT_KNOWN = "what they are doing is not known"
NONE = ("conversations not known", "queue not known", "presence not known", "last logged in: not known")
BEFORE_NOON = "2026-06-21T11:48:00.123Z"
AT_NOON = "<!date^1782043200^{date_short_pretty} {time}|2026-06-21 12:00:00 UTC>"
LOGIN = "last logged in <!date^1782042480^{date_short_pretty} {time}|2026-06-21 11:48:00 UTC>"


def media(active: Any = 0, other: Any = 0) -> dict[str, Any]:
    return {"contactCenter": {"active": active, "acw": 0}, "enterprise": {"active": other, "acw": 0}}


def talk(**kinds: Any) -> dict[str, Any]:
    """Return a response with these conversations."""
    return {"conversationSummary": {"userId": TOM.id, "call": media(), **kinds}}


def presence(name: Any) -> dict[str, Any]:
    return {"presence": {"presenceDefinition": {"id": "p", "systemPresence": name}}}


def routing(status: Any) -> dict[str, Any]:
    return {"routingStatus": {"userId": TOM.id, "status": status}}


def issued(date: Any) -> dict[str, Any]:
    return {"lastTokenIssued": {"dateIssued": date}}


def shows(*, talk: str = NONE[0], queue: str = NONE[1], presence: str = NONE[2], login: str = NONE[3]) -> str:
    return f"{talk}  ·  {queue}  ·  {presence}  ·  {login}"


FULL = talk(call=media(1)) | routing("INTERACTING") | presence("On Queue") | issued(BEFORE_NOON)
UNREADABLE = GenesysFault(status=200, body="<html>proxy</html>")

ANSWERS: list[tuple[str, dict[str, Any] | GenesysFault, str]] = [
    ("everything", FULL, f"in 1 call  ·  on queue  ·  {LOGIN}"),
    ("no conversation", talk(), shows(talk="in no conversation")),
    ("several kinds", talk(call=media(1, 1), chat=media(3)), shows(talk="in 2 calls, 3 chats")),
    (
        "every other kind",
        talk(
            callback=media(1),
            email=media(1),
            message=media(1),
            socialExpression=media(1),
            video=media(1),
        ),
        shows(
            talk="in 1 callback, 1 email, 1 message conversation, 1 social media conversation, 1 video call",
        ),
    ),
    ("a kind of the future", talk(hologram=media(2)), shows(talk="in no conversation")),
    ("no calls", {"conversationSummary": {"chat": media(1)}}, NOT_KNOWN),
    ("null calls", talk(call=None), NOT_KNOWN),
    ("calls without numbers", talk(call={}), NOT_KNOWN),
    ("a null number", talk(call=media(None)), NOT_KNOWN),
    ("a number as text", talk(call=media("1")), NOT_KNOWN),
    ("a negative number", talk(call=media(-1)), NOT_KNOWN),
    ("a fraction", talk(call=media(0.5)), NOT_KNOWN),
    ("a huge number", talk(call=media(10**30)), NOT_KNOWN),
    ("one part of a number", talk(call={"enterprise": {"active": 1}}), shows(talk="in 1 call")),
    ("a bad number of another kind", talk(chat=media("many")), NOT_KNOWN),
    ("a summary that is text", {"conversationSummary": "busy"}, NOT_KNOWN),
    ("off queue", routing("OFF_QUEUE"), shows(queue="off queue")),
    ("idle on queue", routing("IDLE"), shows(queue="on queue")),
    ("communicating", routing("COMMUNICATING"), shows(queue="on queue")),
    ("not responding", routing("NOT_RESPONDING"), shows(queue="on queue")),
    ("a routing status of the future", routing("TELEPATHIC"), NOT_KNOWN),
    ("a null routing status", routing(None), NOT_KNOWN),
    ("a list for a routing status", {"routingStatus": []}, NOT_KNOWN),
    ("a presence", presence("Busy"), shows(presence="busy")),
    ("a presence in capitals", presence("ON_QUEUE"), shows(presence="presence On Queue")),
    ("a presence of the future", presence("<!channel>"), NOT_KNOWN),
    ("a null presence", {"presence": None}, NOT_KNOWN),
    ("a presence without definition", {"presence": {}}, NOT_KNOWN),
    ("a token", issued(BEFORE_NOON), shows(login=LOGIN)),
    ("a token without date", {"lastTokenIssued": {}}, NOT_KNOWN),
    ("a date that is no date", issued("yesterday"), NOT_KNOWN),
    ("a token of the year 1", issued("0001-01-01T00:00:00Z"), NOT_KNOWN),
    ("nulls", dict.fromkeys(("presence", "routingStatus", "conversationSummary", "lastTokenIssued")), NOT_KNOWN),
    ("nothing", {}, NOT_KNOWN),
    ("403", GenesysFault(status=403), NOT_KNOWN),
    ("404", GenesysFault(status=404), NOT_KNOWN),
    ("429", GenesysFault(status=429), NOT_KNOWN),
    ("503", GenesysFault(status=503), NOT_KNOWN),
    ("a cut connection", GenesysFault(drop="before"), NOT_KNOWN),
    ("no JSON", UNREADABLE, NOT_KNOWN),
]


@pytest.fixture
async def components(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        await opened.purecloud.auth.token()
        yield opened


def answers(components: Components, answer: dict[str, Any] | GenesysFault) -> None:
    """Let Genesys Cloud answer every read of a user with this."""
    fault = (
        answer
        if isinstance(answer, GenesysFault)
        else GenesysFault(status=200, body={"id": TOM.id, "name": TOM.name} | answer)
    )
    components.genesys.fault("get_user", replace(fault, times=None))


def live_line(components: Components, channel: str = personas.APPROVALS) -> str | None:
    """Return the line about the target's state on the only card in a channel."""
    (card,) = [one for one in components.slack.messages if one.channel_id == channel]
    lines = [one for one in words({"text": "", "blocks": card.blocks}).splitlines() if "In Genesys Cloud" in one]
    return lines[0] if lines else None


def reads(components: Components) -> int:
    return len(components.genesys.received("get_user"))


def test_answers__are_forty() -> None:
    assert len(ANSWERS) == 40


@pytest.mark.parametrize(("answer", "shown"), [one[1:] for one in ANSWERS], ids=[one[0] for one in ANSWERS])
async def test_new_card__shows_what_genesys_cloud_answers_after_one_call(
    components: Components, answer: dict[str, Any] | GenesysFault, shown: str
) -> None:
    answers(components, answer)
    _, job = await components.request(card=APPROVER_CARD)
    await components.cards().process(job)
    assert live_line(components) == f"In Genesys Cloud ({AT_NOON}): {shown}"
    assert reads(components) == 1
    assert (await stored(components.store)).state is State.PENDING


class Slow:
    """A read that takes a time, in seconds."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    async def get_user_now(self, user_id: str, expand: Sequence[str], *, login: bool = True) -> User:
        assert not login
        await asyncio.sleep(self.seconds)
        return User.model_validate({"id": user_id, **FULL} if "presence" in expand else {})

    async def is_private(self, channel: str) -> bool:
        return channel == personas.APPROVALS


@pytest.mark.parametrize("seconds", [0.0, 0.29, 0.31, 1.49, 1.51, 60.0])
def test_reading__delays_a_card_and_a_call_by_their_limits_at_most(seconds: float) -> None:
    async def main() -> list[tuple[bool, float]]:
        states = LiveStates(Slow(seconds), Slow(0), approvals_channel=personas.APPROVALS)
        clock, found = asyncio.get_running_loop().time, []
        for read in (states.for_card(request(), personas.APPROVALS, NOON), states.before_call(request(), NOON)):
            began = clock()
            state = await read
            found.append((bool(state and state.is_known), round(clock() - began, 6)))
        return found

    assert (CARD_TIME_LIMIT, CALL_TIME_LIMIT) == (1.5, 0.3)
    assert run(main()) == [(seconds < limit, min(seconds, limit)) for limit in (CARD_TIME_LIMIT, CALL_TIME_LIMIT)]


async def test_card__is_posted_although_genesys_cloud_never_answers(components: Components) -> None:
    never = asyncio.Event()
    answers(components, GenesysFault(until=never))
    _, job = await components.request(card=APPROVER_CARD)
    await components.cards().process(job)
    assert live_line(components) == f"In Genesys Cloud ({AT_NOON}): {NOT_KNOWN}"
    never.set()


async def test_reading__causes_no_login(components: Components) -> None:
    components.purecloud.auth.discard(1)
    answers(components, FULL)
    _, job = await components.request(card=APPROVER_CARD)
    await components.cards().process(job)
    assert live_line(components) == f"In Genesys Cloud ({AT_NOON}): {NOT_KNOWN}"
    assert components.genesys.requests[1:] == []  # the login of the fixture


async def test_reading__stays_within_the_budget_for_reads(components: Components) -> None:
    used = {"inin-ratelimit-count": "210", "inin-ratelimit-allowed": "300", "inin-ratelimit-reset": "40"}
    components.purecloud.allowance.note(used)
    _, job = await components.request(card=APPROVER_CARD)
    await components.cards().process(job)
    assert live_line(components) == f"In Genesys Cloud ({AT_NOON}): {NOT_KNOWN}"
    assert reads(components) == 0


AUDIENCES = pytest.mark.parametrize(
    ("channel", "private", "shown"),
    [
        (personas.APPROVALS, True, True),
        (personas.APPROVALS, False, False),  # anyone in the workspace may read it
        (personas.OPS, True, False),  # private, but not the channel of the approvers
        (personas.OPS, False, False),
        (personas.RAVI, False, True),  # a card in direct messages is for a person who may decide
    ],
)


@AUDIENCES
async def test_card__shows_the_state_only_where_the_audience_may_decide(
    components: Components, channel: str, private: bool, shown: bool
) -> None:
    if channel in components.slack.channels:
        components.slack.channels[channel].is_private = private
    answers(components, FULL)
    _, job = await components.request(card=MessageRef(channel))
    await components.cards().process(job)
    place = components.slack.workspace.dm(channel).id if channel == personas.RAVI else channel
    assert (live_line(components, place) is not None) is shown
    assert reads(components) == shown
    assert ((await stored(components.store)).live is not None) is shown


@AUDIENCES
async def test_card__counts_people_in_a_call_only_where_the_audience_may_decide(
    components: Components, channel: str, private: bool, shown: bool
) -> None:
    if channel in components.slack.channels:
        components.slack.channels[channel].is_private = private
    summary = BulkSummary(BulkSource.LIST, {"found": 2}, "digest", details={IN_CALL: 1, CALLS_UNKNOWN: 1})
    bulk = {"action": "revoke-many", "target": None, "target_slack_id": None, "bulk": summary}
    _, job = await components.request(card=MessageRef(channel), **bulk)
    await components.cards().process(job)
    place = components.slack.workspace.dm(channel).id if channel == personas.RAVI else channel
    (card,) = components.texts_in(place)
    assert ("1 in a call or chat now" in card) is shown
    assert ("1 whose calls and chats I couldn't read" in card) is shown
    assert reads(components) == 0


async def test_card__in_a_channel_that_slack_does_not_describe_shows_no_state(components: Components) -> None:
    components.slack.api.scopes -= {"channels:read", "groups:read"}
    answers(components, FULL)
    _, job = await components.request(card=APPROVER_CARD)
    await components.cards().process(job)
    assert live_line(components) is None
    assert reads(components) == 0


async def test_copy__for_an_approver_shows_the_state_that_the_first_card_may_not(components: Components) -> None:
    answers(components, FULL)
    made, job = await components.request()
    await components.cards().process(job)
    follower = Follower(personas.BEN, "", personas.OPS, personas.BEN)
    await add_follower(components, made, follower)
    await run_due(components, JobKind.COPY)
    direct = components.slack.workspace.dm(personas.BEN).id
    assert live_line(components, direct) is not None
    assert live_line(components, personas.OPS) is None
    assert reads(components) == 1

    components.database.clock.advance(LEASE_DURATION)
    await run_due(components, JobKind.CARD)
    assert live_line(components, personas.OPS) is None


async def test_card__keeps_its_state_when_it_is_updated(components: Components) -> None:
    answers(components, FULL)
    made, job = await components.request(card=APPROVER_CARD, approvals_required=2, requested_in="")
    await components.cards().process(job)
    before = live_line(components)
    components.genesys.faults.clear()
    await add_follower(components, made, Follower(personas.BEN, "me too", "", ""))
    await run_due(components, JobKind.CARD)
    assert live_line(components) == before
    assert reads(components) == 1


@pytest.mark.parametrize("state", sorted(set(State) - {State.PENDING}))
def test_card__that_is_decided_shows_no_state_of_before(state: State) -> None:
    states = LiveStates(Slow(0), Slow(0), approvals_channel=personas.APPROVALS)

    async def main() -> Request:
        return replace(request(), state=state, live=await states.for_card(request(), personas.APPROVALS, NOON))

    card = RENDERER.card(run(main()), with_live_state=True)
    assert "In Genesys Cloud" not in words(card)


def test_card__with_everything_at_once_is_accepted_by_slack() -> None:
    kinds = dict.fromkeys(("call", "callback", "chat", "email", "message", "social", "video"), 9999)
    asked = run(state_of(request(), replace_kinds=kinds))
    assert problems(RENDERER.card(asked, with_live_state=True)) == []
    assert "9999 calls" in words(RENDERER.card(asked, with_live_state=True))
    assert "9999 calls" not in words(RENDERER.card(asked))


async def state_of(asked: Request, *, replace_kinds: dict[str, int]) -> Request:
    states = LiveStates(Slow(0), Slow(0), approvals_channel=personas.APPROVALS)
    found = await states.for_card(asked, personas.APPROVALS, NOON)
    assert found
    return replace(asked, live=replace(found, conversations=replace_kinds))


async def add_follower(components: Components, made: Request, follower: Follower) -> None:
    key = f"command {follower.user_id}"
    command = await components.store.record_command(f"draft-{follower.user_id}", key, {})
    assert command
    reply = {"user_id": follower.user_id, "response_url": None, "code": "request_followed", "params": {"own": False}}
    followers = FollowerStore(components.store)
    assert await followers.follow(made, follower, ttl=900, job=command, reply=reply)


async def run_due(components: Components, kind: JobKind) -> None:
    jobs: list[Job] = [job for job in await components.store.jobs.claim(20) if job.kind is kind]
    assert jobs
    for job in jobs:
        await components.run(job)
