"""The fakes enforce the rate limits of Slack and Genesys Cloud, if a test asks for it."""

from __future__ import annotations

from bot.sandbox.rate_limits import RequestWindow
from tests.support.clock import FakeClock


def test_window__is_full_at_its_limit_until_its_oldest_request_leaves_it() -> None:
    clock = FakeClock(1000.0)
    window = RequestWindow(2, clock)
    window.add()
    clock.advance(20)
    window.add()
    assert (window.count, window.full, window.retry_after) == (2, True, 40)

    clock.advance(39.5)
    assert (window.full, window.retry_after) == (True, 1)
    clock.advance(0.5)
    assert (window.count, window.full) == (1, False)


def test_window__without_requests_is_empty() -> None:
    window = RequestWindow(2, FakeClock(1000.0))
    assert (window.count, window.full, window.retry_after) == (0, False, 60)
