"""A lane sends one DELETE after the other, counts each attempt, and does not hold a job for long."""

from __future__ import annotations

import asyncio

import pytest

from bot.purecloud import GenesysLoginFailed, GenesysNotSent
from bot.purecloud.allowance import Allowance
from bot.services.lanes import LOGIN_RETRY_DELAY, MAX_GROUP, Lane, LaneCall, LaneWaits
from tests.support.clock import FakeClock
from tests.support.fake_genesys_api import FakeGenesysApi


class FakeToken(FakeGenesysApi):
    """A client whose login and allowance a test decides."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self.allowance = Allowance(clock)
        self.failure: GenesysLoginFailed | None = None

    @property
    def auth(self) -> FakeToken:
        return self

    async def token(self) -> object:
        if self.failure:
            raise self.failure
        return "token"

    def report(self, allowed: int) -> None:
        names = ("count", "allowed", "reset")
        self.allowance.note(
            dict(zip([f"inin-ratelimit-{one}" for one in names], ["1", str(allowed), "60"], strict=True))
        )


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(1000.0)


@pytest.fixture
def token(clock: FakeClock) -> FakeToken:
    return FakeToken(clock)


@pytest.fixture
def lane(token: FakeToken, clock: FakeClock) -> Lane:
    return Lane(0, token, clock=clock, sleep=clock.sleep)


async def allow() -> None:
    pass


async def send(lane: Lane) -> None:
    call = LaneCall(lane, allow)
    await call.guard()
    call.end()


def test_group_size__is_two_seconds_of_the_allowance(lane: Lane, token: FakeToken) -> None:
    sizes = [lane.group_size]
    for allowed in (10, 300, 60_000):
        token.report(allowed)
        sizes.append(lane.group_size)

    assert sizes == [1, 1, 10, MAX_GROUP]


async def test_start__waits_for_the_turn_in_order(lane: Lane, token: FakeToken, clock: FakeClock) -> None:
    token.report(300)
    times = []

    async def note() -> None:
        times.append(clock())

    calls = [LaneCall(lane, note) for _ in range(5)]
    await asyncio.gather(*(one.guard() for one in calls))

    assert [round(at - times[0], 3) for at in times] == [0.0, 0.203, 0.406, 0.609, 0.812]


async def test_start__without_an_allowance_sends_the_next_only_after_an_answer(lane: Lane, token: FakeToken) -> None:
    first, second = LaneCall(lane, allow), LaneCall(lane, allow)
    await first.guard()
    waiting = asyncio.create_task(second.guard())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not waiting.done()

    token.report(300)
    first.end()
    await waiting


async def test_guard__counts_the_resend_after_a_rejected_token(lane: Lane, token: FakeToken, clock: FakeClock) -> None:
    token.report(60)
    call = LaneCall(lane, allow)
    await call.guard()
    before = clock()
    await call.guard()  # the client sends again with a new token
    call.end()
    call.end()

    assert clock() - before == pytest.approx(1 / 0.985)
    assert await lane.ready_in() == 0
    await send(lane)
    assert clock() - before == pytest.approx(2 / 0.985)


async def test_start__that_is_refused_uses_nothing(lane: Lane, token: FakeToken, clock: FakeClock) -> None:
    token.report(60)

    async def refuse() -> None:
        raise GenesysNotSent(problem="too_late")

    before = clock()
    with pytest.raises(GenesysNotSent):
        await LaneCall(lane, refuse).guard()
    await send(lane)

    assert clock() == before


async def test_start__does_not_wait_for_long(lane: Lane, token: FakeToken) -> None:
    token.report(300)
    lane.pacer.pause(30)
    with pytest.raises(LaneWaits):
        await LaneCall(lane, allow).guard()

    assert await lane.ready_in() == pytest.approx(30)


@pytest.mark.parametrize(("retry_after", "delay"), [(None, LOGIN_RETRY_DELAY), (45.0, 45.0)])
async def test_ready_in__waits_after_a_failed_login(
    lane: Lane, token: FakeToken, retry_after: float | None, delay: float
) -> None:
    token.failure = GenesysLoginFailed()
    token.failure.retry_after = retry_after
    assert await lane.ready_in() == delay

    token.failure = None
    assert await lane.ready_in() == 0
