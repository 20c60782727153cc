"""The used share of the rate allowance, as Genesys Cloud reports it."""

from __future__ import annotations

import pytest

from bot.purecloud.allowance import Allowance
from tests.support.clock import FakeClock


def headers(count: str, allowed: str, reset: str) -> dict[str, str]:
    return {"inin-ratelimit-count": count, "inin-ratelimit-allowed": allowed, "inin-ratelimit-reset": reset}


def test_allowance__is_unused_before_the_first_response() -> None:
    assert Allowance(FakeClock()).used == 0.0


def test_allowance__follows_the_headers_until_the_window_ends() -> None:
    clock = FakeClock()
    allowance = Allowance(clock)
    allowance.note(headers("210", "300", "20"))
    assert (allowance.used, allowance.resets_in) == (0.7, 20.0)

    clock.advance(19)
    allowance.note(headers("30", "180", "60"))
    assert allowance.used == pytest.approx(1 / 6)
    clock.advance(60)
    assert (allowance.used, allowance.resets_in) == (0.0, 0.0)


@pytest.mark.parametrize(
    "found",
    [
        {},
        headers("x", "300", "20"),
        headers("10", "0", "20"),
        headers("10", "300", "-1"),
        headers("\u0661", "300", "20"),
        {"inin-ratelimit-count": "299", "inin-ratelimit-allowed": "300"},
    ],
)
def test_allowance__ignores_unusable_headers(found: dict[str, str]) -> None:
    allowance = Allowance(FakeClock())
    allowance.note(headers("30", "300", "20"))
    allowance.note(found)
    assert allowance.used == 0.1


def test_allowance__is_never_above_one() -> None:
    allowance = Allowance(FakeClock())
    allowance.note(headers("400", "300", "20"))
    assert allowance.used == 1.0
