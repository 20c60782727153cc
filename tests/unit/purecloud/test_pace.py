"""The schedule of one token: even, close to its allowance, and never above it as the server sees it."""

from __future__ import annotations

import heapq
import random
from bisect import bisect_right
from dataclasses import dataclass, field

import pytest

from bot.purecloud.allowance import Allowance
from bot.purecloud.pace import MAX_LATENESS, SHARE, UNREPORTED_INTERVAL, WINDOW, Pacer
from tests.support.clock import FakeClock


@dataclass
class Token:
    """A token whose requests arrive after they are sent, and whose responses report an allowance."""

    allowed: int | None = 300
    clock: FakeClock = field(default_factory=lambda: FakeClock(1000.0))
    arrivals: list[float] = field(default_factory=list)
    sent: list[float] = field(default_factory=list)
    used_by_others: int = 0

    def __post_init__(self) -> None:
        self.allowance = Allowance(self.clock)
        self.pacer = Pacer(self.allowance, self.clock)
        self.ends: list[float] = []

    @property
    def counted(self) -> int:
        return len(self.arrivals) - bisect_right(self.arrivals, self.clock() - WINDOW) + self.used_by_others

    def send(self, way: float = 0.0, back: float = 0.0) -> None:
        """Send a request as soon as the pacer allows it."""
        while (delay := self.pacer.delay()) != 0:
            self._advance(min(self.ends[0] if self.ends else 1e9, self.clock() + (1e9 if delay is None else delay)))
        self.pacer.start()
        self.sent.append(self.clock())
        self.arrivals.append(self.clock() + way)
        self.arrivals.sort()
        heapq.heappush(self.ends, self.clock() + way + back)
        if way + back == 0:
            self._advance(self.clock())

    def _advance(self, until: float) -> None:
        while self.ends and self.ends[0] <= until:
            self.clock.now = max(self.clock(), heapq.heappop(self.ends))
            if self.allowed:
                self.allowance.note(
                    {
                        "inin-ratelimit-count": str(self.counted),
                        "inin-ratelimit-allowed": str(self.allowed),
                        "inin-ratelimit-reset": "60",
                    }
                )
            self.pacer.end()
        self.clock.now = max(self.clock(), until)

    @property
    def most_in_a_window(self) -> int:
        return max(number - bisect_right(self.arrivals, at - WINDOW) for number, at in enumerate(self.arrivals, 1))


def test_pacer__uses_98_percent_of_the_allowance_evenly() -> None:
    token = Token()
    for _ in range(1500):
        token.send(way=0.02, back=0.03)

    assert token.most_in_a_window <= 300
    assert 1500 / (token.sent[-1] - token.sent[0]) * WINDOW == pytest.approx(300 * SHARE, rel=0.002)
    gaps = [after - before for before, after in zip(token.sent[1:], token.sent[2:], strict=False)]
    assert max(gaps) == pytest.approx(min(gaps)) == pytest.approx(60 / 300 / SHARE)


@pytest.mark.parametrize("seed", range(20))
def test_pacer__is_never_above_the_allowance_however_long_requests_are_on_their_way(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - a repeatable test
    token = Token(allowed=rng.choice([20, 180, 300]))
    slowest = rng.choice([0.1, 1.0, 5.0, 20.0])
    for _ in range(2000):
        if rng.random() < 0.02:
            token.clock.advance(rng.expovariate(0.5))
        token.send(way=rng.uniform(0, slowest), back=rng.uniform(0, slowest))

    assert token.most_in_a_window <= (token.allowed or 0)


def test_pacer__makes_up_for_short_delays() -> None:
    token = Token()
    for number in range(1500):
        if number % 10 == 0:
            token.clock.advance(0.6)  # the end of each group of ten
        token.send(way=0.05)

    assert token.most_in_a_window <= 300
    assert 1500 / (token.sent[-1] - token.sent[0]) * WINDOW > 300 * 0.97


def test_pacer__does_not_make_up_for_a_long_pause() -> None:
    token = Token()
    for _ in range(50):
        token.send()
    token.clock.advance(30)
    resumed = token.clock()
    for _ in range(50):
        token.send()

    early = [at for at in token.sent if resumed <= at < resumed + MAX_LATENESS]
    assert len(early) <= 2 * MAX_LATENESS * 300 / WINDOW + 1
    assert token.sent[-1] - resumed > 50 * 60 / 300 / SHARE - MAX_LATENESS - 0.5


def test_pacer__sends_the_first_request_alone_and_learns_from_its_response() -> None:
    token = Token(allowed=180)
    assert token.pacer.per_second is None
    token.pacer.start()
    assert token.pacer.delay() is None  # although none has been refused

    token.allowance.note({"inin-ratelimit-count": "1", "inin-ratelimit-allowed": "180", "inin-ratelimit-reset": "60"})
    token.pacer.end()
    assert token.pacer.per_second == pytest.approx(180 / 60 * SHARE)


def test_pacer__without_reports_sends_one_after_the_other() -> None:
    token = Token(allowed=None)
    for _ in range(500):
        token.send(way=0.01)

    gaps = [after - before for before, after in zip(token.sent, token.sent[1:], strict=False)]
    assert min(gaps) >= UNREPORTED_INTERVAL - 1e-6
    assert token.pacer.delay() is None


def test_pacer__pauses_for_as_long_as_genesys_asks_and_then_begins_evenly() -> None:
    token = Token()
    for _ in range(20):
        token.send()
    token.pacer.pause(30)
    token.pacer.pause(5)

    assert token.pacer.paused_for == token.pacer.delay() == pytest.approx(30)
    token.send()
    assert token.pacer.delay() == pytest.approx(60 / 300 / SHARE)
    assert token.pacer.paused_for == 0


def test_pacer__leaves_room_for_others_who_use_the_same_token() -> None:
    token = Token(used_by_others=150)
    for _ in range(400):
        token.send()

    assert token.most_in_a_window <= 150


def test_pacer__follows_a_smaller_allowance_at_once() -> None:
    token = Token()
    for _ in range(300):
        token.send()
    token.allowed = 100
    token.send()
    before = token.clock()
    token.send()

    assert token.clock() - before > 30  # until fewer than 100 remain in the window
    assert token.counted <= 100
