"""Denials: a code and its parameters, for the message, the audit log and the log."""

from __future__ import annotations

import pytest

from bot.domain.denials import DenialCode, Denied
from bot.errors import BotError


def test_denied__is_logged_by_code_and_parameters() -> None:
    assert str(Denied(DenialCode.NO_EMAIL, member="U0TOM00001")) == "no_email (member=U0TOM00001)"
    assert Denied(DenialCode.GUEST).detail is None


@pytest.mark.parametrize("code", DenialCode)
def test_denied__has_the_code_of_its_reason(code: DenialCode) -> None:
    denied = Denied(code, requester="U0RAVI0001")

    assert isinstance(denied, BotError)
    assert (denied.reason, denied.code, denied.params) == (code, code.value, {"requester": "U0RAVI0001"})
