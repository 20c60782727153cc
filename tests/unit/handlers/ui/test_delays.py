"""Delays in words: never shorter than the delay."""

from __future__ import annotations

import pytest

from bot.domain.failed_checks import CheckUnavailable
from bot.errors import BotError, SlackUnavailable
from bot.purecloud import GenesysError, LoginCause, errors
from bot.services.postponement import Postponed
from bot.slack.api import SlackCallError
from handlers.ui.delays import delay
from handlers.ui.reasons import explain
from tests.support.examples import UNREAD_GROUP
from tests.support.stub_services import ENGLISH

HOUR = 3600.0


def rate_limited_login(cause: LoginCause) -> GenesysError:
    error = errors.GenesysLoginFailed()
    error.cause = cause
    return error


def errors_after(seconds: float) -> dict[str, BotError]:
    """Return an error of each kind that may say how long to wait."""
    genesys: dict[str, GenesysError] = {
        "rate limit": errors.GenesysRateLimited("slow down", status=429),
        "reserved allowance": errors.GenesysRateLimited(problem="reserved"),
        "server error": errors.GenesysServerError("later", status=503),
        "rate limit of the login": rate_limited_login(LoginCause.RATE_LIMITED),
        "another error of the login": rate_limited_login(LoginCause.OTHER),
    }
    for error in genesys.values():
        error.retry_after = seconds or None
    return {
        **genesys,
        "slack": SlackUnavailable("users.info", "ratelimited", retryable=True, retry_after=seconds),
        "call of slack": SlackCallError("ratelimited", retryable=True, retry_after=seconds),
        "check": CheckUnavailable(UNREAD_GROUP, retry_after=seconds),
    }


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.2, "1 s"), (7.4, "8 s"), (60, "60 s"), (60.5, "about 2 minutes"), (2640, "about 44 minutes"),
        (3599, "about an hour"), (3600, "about an hour"), (3900, "about an hour"), (3901, "about 66 minutes"),
        (5401, "about 2 hours"), (7200, "about 2 hours"), (7201, "about 3 hours"), (86400, "about 24 hours"),
    ],
)  # fmt: skip
def test_delay__is_in_words_and_rounded_up(seconds: float, said: str) -> None:
    assert delay(ENGLISH, seconds) == said


@pytest.mark.parametrize("kind", errors_after(HOUR))
def test_explain__advises_no_attempt_before_it_can_succeed(kind: str) -> None:
    error = errors_after(HOUR)[kind]
    said = explain(ENGLISH, error.code, error.params)
    assert "Try again in about an hour." in said
    assert "moment" not in said
    assert "minute" not in said


@pytest.mark.parametrize("kind", errors_after(0.0))
def test_explain__without_a_known_delay_names_none(kind: str) -> None:
    error = errors_after(0.0)[kind]
    said = explain(ENGLISH, error.code, error.params)
    assert "hour" not in said
    assert " s." not in said
    assert "?" not in said


def test_explain__of_a_refused_token_advises_no_attempt() -> None:
    error = SlackUnavailable("users.info", "invalid_auth", retry_after=HOUR)
    assert "Try again" not in explain(ENGLISH, error.code, error.params)


@pytest.mark.parametrize("code", ["command_postponed", "click_postponed"])
def test_explain__says_in_words_when_the_bot_tries_again(code: str) -> None:
    error = Postponed(code, HOUR)
    assert "I try again in about an hour and go on by myself" in explain(ENGLISH, code, error.params)


def test_slack_unavailable__has_a_text_for_the_log_that_stays_the_same_while_time_passes() -> None:
    texts = {str(SlackUnavailable("auth.test", "ratelimited", retry_after=after)) for after in (0.0, 9.0, HOUR)}
    assert texts == {"slack_unavailable (method=auth.test, slack_code=ratelimited)"}
