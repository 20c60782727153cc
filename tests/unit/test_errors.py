"""Errors carry codes, and their text for the log never comes from a docstring."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import copy
from importlib import import_module
from inspect import getdoc
from pkgutil import walk_packages
from types import ModuleType

import pytest

import bot
from bot import errors as bot_errors
from bot.db.driver import DatabaseFull, DatabaseReplaced, DatabaseUnavailable
from bot.domain.denials import DenialCode, Denied
from bot.errors import BotError, SettingsError, SlackUnavailable, StaleRequest
from bot.purecloud import GenesysError, GenesysForbidden, GenesysLoginFailed, GenesysRateLimited
from bot.purecloud import errors as genesys_errors
from bot.slack.api import SlackCallError
from bot.slack.dispatch import InvalidSlackRequest

GENESYS = [one for one in vars(genesys_errors).values() if isinstance(one, type) and issubclass(one, GenesysError)]
ERRORS: list[BotError] = [
    BotError(),
    StaleRequest(),
    Denied(DenialCode.GUEST, member="U1"),
    SlackUnavailable("users.info", "ratelimited"),
    SlackCallError("no_ts", retryable=False),
    DatabaseUnavailable(),
    DatabaseFull(),
    DatabaseReplaced(),
    *(one() for one in GENESYS),
]


def subclasses(kind: type[BotError]) -> Iterator[type[BotError]]:
    """Yield the classes of errors of the bot below another one."""
    for one in kind.__subclasses__():
        if one.__module__.startswith("bot."):
            yield one
            yield from subclasses(one)


@pytest.mark.parametrize(("module", "base"), [(bot_errors, BotError), (genesys_errors, GenesysError)])
def test_tree__shows_each_class_with_its_code_below_its_base(module: ModuleType, base: type[BotError]) -> None:
    for found in walk_packages(bot.__path__, "bot."):
        if not found.name.startswith(("bot.sandbox", "bot.__main__")):
            import_module(found.name)
    rows = re.findall(r"^([├└│─ ]*)(\w+) {2,}(\w[\w ]*?) {2,}", module.__doc__ or "", re.MULTILINE)
    parents, shown = [base.__name__], set()
    for indent, name, code in rows[1:]:
        depth = len(indent) // 4
        parents = [*parents[:depth], name]
        shown.add((name, parents[depth - 1], code))

    own = [one for one in subclasses(base) if base is GenesysError or not issubclass(one, GenesysError)]
    own += [] if base is GenesysError else [GenesysError]
    codes = {one: "its reason" if one is Denied else one.code for one in own}
    assert shown == {(one.__name__, one.__bases__[0].__name__, codes[one]) for one in own}


def test_codes__are_unique_and_in_snake_case() -> None:
    classes: list[type[BotError]] = [type(one) for one in ERRORS if not isinstance(one, Denied)]
    classes += [SettingsError, InvalidSlackRequest]
    codes = [*(one.code for one in classes), *DenialCode]

    assert len(set(codes)) == len(codes)
    assert all(one.replace("_", "").isalpha() and one.islower() for one in codes)


@pytest.mark.parametrize("error", ERRORS, ids=lambda one: one.code)
def test_text__of_an_error_is_never_its_docstring(error: BotError) -> None:
    first_line = (getdoc(type(error)) or "").splitlines()[0]

    assert str(error).startswith(error.code)
    assert first_line != str(error)


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
    assert Denied(DenialCode.GUEST, member="U1").params == {"member": "U1"}
    assert SlackUnavailable("users.info", "x").params == {"method": "users.info", "slack_code": "x"}
    assert SlackUnavailable("users.info", "x", retry_after=7.2).params["retry_after"] == 8


def test_copy__of_a_genesys_error_has_the_same_parameters() -> None:
    error = GenesysForbidden("Missing.", status=403)
    error.permissions = ("oauth:token:delete",)

    assert copy(error).params == error.params
    assert copy(error) is not error


def test_settings_error__has_a_line_for_each_problem_without_control_characters() -> None:
    error = SettingsError(["DATABASE_URL: it belongs to T1\x1b[2J\nT2", "PORT: no\u202e"])

    assert error.problems == ["DATABASE_URL: it belongs to T1[2J T2", "PORT: no"]
    assert str(error) == "\n".join(error.problems)
