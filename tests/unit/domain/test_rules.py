"""Rules: the settings that grant rights."""

from __future__ import annotations

from bot.domain.rules import Rules
from tests.support.examples import BEN, RAVI, users


def test_effective_requesters__are_the_approvers_if_none_are_set() -> None:
    assert Rules(approvers=users(BEN)).effective_requesters == users(BEN)
    assert Rules(approvers=users(BEN), requesters=users(RAVI)).effective_requesters == users(RAVI)
