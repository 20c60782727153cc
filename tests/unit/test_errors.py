"""Errors carry codes, and their text for the log never comes from a docstring."""

from __future__ import annotations

from copy import copy
from inspect import getdoc
from typing import Any

import pytest

from bot.db.engine import DatabaseUnavailable
from bot.domain.policy import DenialCode, Denied
from bot.errors import BotError, SettingsError, SlackUnavailable, StaleRequest
from bot.purecloud import GenesysError, GenesysForbidden, GenesysLoginFailed, GenesysRateLimited, LoginCause
from bot.purecloud import errors as genesys_errors
from bot.services.error_text import error_text
from bot.slack.dispatch import InvalidSlackRequest
from bot.slack.messages import DeliveryError

GENESYS = [one for one in vars(genesys_errors).values() if isinstance(one, type) and issubclass(one, GenesysError)]
ERRORS: list[BotError] = [
    BotError(),
    StaleRequest(),
    Denied(DenialCode.GUEST, member="U1"),
    SlackUnavailable("users.info", "ratelimited"),
    DeliveryError("no_ts", passing=False),
    DatabaseUnavailable(),
    *(one() for one in GENESYS),
]


def test_codes__are_unique_and_in_snake_case() -> None:
    classes: list[type[BotError]] = [*(type(one) for one in ERRORS), SettingsError, InvalidSlackRequest]

    assert len({one.code for one in classes}) == len(classes)
    assert all(one.code.replace("_", "").isalpha() and one.code.islower() for one in classes)


@pytest.mark.parametrize("error", ERRORS, ids=lambda one: one.code)
def test_text__of_an_error_is_never_its_docstring(error: BotError) -> None:
    first_line = (getdoc(type(error)) or "").splitlines()[0]

    assert str(error).startswith(error.code)
    assert first_line not in (str(error), error_text(error))
    assert error_text(error)


def test_log_text__names_the_parameters_that_have_a_value() -> None:
    error = GenesysForbidden("Missing.", status=403, error_code="missing.permissions")
    error.permissions = ("oauth:token:delete",)

    assert str(error) == (
        "genesys_forbidden (status=403, error_code=missing.permissions, detail=Missing., "
        "permissions=['oauth:token:delete'])"
    )
    assert str(StaleRequest("Another replica was faster.")) == "Another replica was faster."


def test_params__have_what_a_message_needs() -> None:
    limited = GenesysRateLimited(status=429)
    limited.retry_after = 0.0

    assert limited.params["retry_after"] == 0.0
    assert "retry_after=0.0" in str(limited)
    assert GenesysLoginFailed().params["cause"] == "other"
    assert Denied(DenialCode.GUEST, member="U1").params == {"reason": "guest", "member": "U1"}
    assert SlackUnavailable("users.info", "x").params == {"method": "users.info", "slack_code": "x"}


def test_copy__of_a_genesys_error_has_the_same_parameters() -> None:
    error = GenesysForbidden("Missing.", status=403)
    error.permissions = ("oauth:token:delete",)

    assert copy(error).params == error.params
    assert copy(error) is not error


def failed_login(cause: LoginCause, detail: str | None = None, **facts: Any) -> GenesysLoginFailed:
    error = GenesysLoginFailed(detail, **facts)
    error.cause = cause
    return error


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (failed_login(LoginCause.CLIENT_NOT_FOUND, "client not found"), "another region"),
        (failed_login(LoginCause.UNREACHABLE), "cannot be reached"),
        (failed_login(LoginCause.NO_RESPONSE), "did not answer"),
        (failed_login(LoginCause.NO_RESPONSE, problem="login_timeout"), "in time"),
        (failed_login(LoginCause.OTHER, "missing grant_type", status=400), "missing grant_type"),
        (failed_login(LoginCause.OTHER, status=599), "The Genesys Cloud login host answered 599."),
        (GenesysError(status=503), "Genesys Cloud answered 503 Service Unavailable."),
        (GenesysError(status=200, problem="unexpected_html"), "not Genesys Cloud"),
    ],
)
def test_error_text__names_the_most_specific_reason(error: BotError, text: str) -> None:
    assert text in error_text(error)
