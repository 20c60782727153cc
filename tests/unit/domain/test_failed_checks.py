"""Checks that failed: what is stored of them, and what the log says."""

from __future__ import annotations

import pytest

from bot.domain.failed_checks import CheckUnavailable, FailedCheck, Subject

GROUP = FailedCheck(Subject.USER_GROUP, "ratelimited", "S0APPROVER")
ROLES = FailedCheck(Subject.GENESYS_ROLES, "genesys_no_response", correlation_id="c-1")


def test_params__leave_out_what_has_no_value() -> None:
    assert GROUP.params == {"subject": "user_group", "cause": "ratelimited", "id": "S0APPROVER"}
    assert ROLES.params == {"subject": "genesys_roles", "cause": "genesys_no_response", "correlation_id": "c-1"}


def test_str__has_the_codes() -> None:
    assert str(GROUP) == "user group S0APPROVER (ratelimited)"
    assert str(ROLES) == "genesys roles (genesys_no_response, correlation id c-1)"


@pytest.mark.parametrize(("seconds", "stored"), [(0.0, None), (0.2, 1), (59.5, 60), (3600.0, 3600)])
def test_check_unavailable__says_what_was_not_read_and_when_to_try_again(seconds: float, stored: int | None) -> None:
    error = CheckUnavailable(GROUP, ROLES, retry_after=seconds)
    assert error.params == {"unread": [GROUP.params, ROLES.params], "retry_after": stored}


def test_check_unavailable__without_a_delay_may_be_tried_again_at_once() -> None:
    assert CheckUnavailable(GROUP).retry_after == 0
