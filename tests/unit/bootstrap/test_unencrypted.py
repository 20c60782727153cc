"""Connections to another machine without TLS are found; those on this machine are not reported."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from structlog.testing import capture_logs

from bot.bootstrap import build
from bot.bootstrap.unencrypted import Unencrypted, unencrypted_connections
from bot.errors import SettingsError
from bot.settings import read_settings
from handlers.messages import Catalog
from handlers.messages.en import SENTENCES
from handlers.ui.renderer import MessageRenderer
from tests.support.examples import REQUIRED_SETTINGS

URL_SETTINGS = ["SLACK_API_URL", "PURECLOUD_API_URL", "PURECLOUD_LOGIN_URL"]


def found_for(variables: Mapping[str, str], environ: Mapping[str, str] | None = None) -> list[Unencrypted]:
    """Return what is found for these settings and for the variables that libpq reads."""
    return unencrypted_connections(read_settings(REQUIRED_SETTINGS | dict(variables)), environ or {})


def database_is_unencrypted(url: str, **environ: str) -> bool:
    """Return whether the address of PostgreSQL is found, and assert that its password is not shown."""
    found = found_for({"DATABASE_URL": url}, environ)
    assert "very-secret" not in str(found)
    assert [one.setting for one in found] in ([], ["DATABASE_URL"])
    return bool(found)


def test_defaults__are_encrypted() -> None:
    assert found_for({}) == []


@pytest.mark.parametrize("setting", URL_SETTINGS)
@pytest.mark.parametrize(
    "url",
    [
        "http://gateway.example.com/api",
        "http://10.0.0.7:8080",
        "http://[fd00::7]:8080",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://gateway",
    ],
)
def test_url__of_another_machine_without_tls_is_found(setting: str, url: str) -> None:
    (found,) = found_for({setting: url})

    assert found.setting == setting
    assert "is not encrypted" in found.problem
    assert "https://" in found.hint


@pytest.mark.parametrize("setting", URL_SETTINGS)
@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8000/api",
        "http://LOCALHOST.:8000",
        "http://127.0.0.1",
        "http://127.8.0.9:1",
        "http://[::1]:8000/api",
        "https://gateway.example.com",
        "https://10.0.0.7",
    ],
)
def test_url__of_this_machine_or_with_tls_is_not_found(setting: str, url: str) -> None:
    assert found_for({setting: url}) == []


def test_url__with_a_user_shows_only_the_host() -> None:
    (found,) = found_for({"SLACK_API_URL": "http://127.0.0.1:very-secret@gateway.example.com/api"})

    assert "http:// to gateway.example.com is" in found.problem
    assert "very-secret" not in str(found)


@pytest.mark.parametrize(
    "url",
    [
        "postgres://bot:very-secret@db.example.com/bot",
        "postgresql://bot:very-secret@10.0.0.7:5433/bot",
        "postgres://bot@[fd00::7]/bot",
        "postgres://bot@db/bot?sslmode=disable",
        "postgres://bot@db/bot?sslmode=allow",
        "postgres://bot@db/bot?sslmode=prefer",
        "postgres://bot@db/bot?sslmode=prefer&channel_binding=prefer",
        "postgres://bot@localhost,db/bot",
        "postgres:///bot?host=db",
        "postgres:///bot?host=/run/postgresql,db",
        "postgres://bot@localhost/bot?hostaddr=10.0.0.7",
        "postgres:///bot?service=bot",
    ],
)
def test_database__on_another_machine_that_may_skip_tls_is_found(url: str) -> None:
    assert database_is_unencrypted(url)


@pytest.mark.parametrize(
    "url",
    [
        "postgres://bot:very-secret@db.example.com/bot?sslmode=require",
        "postgres://bot@db/bot?ssl=true",
        "postgres://bot@one,two/bot?sslmode=verify-ca",
        "postgres://bot@db/bot?application_name=bot&sslmode=verify-full",
        "postgres://bot@db/bot?sslrootcert=system",
        "postgres://bot:very-secret@localhost/bot",
        "postgres://bot@127.0.0.1,[::1]:5433/bot",
        "postgres://bot@db/bot?hostaddr=127.0.0.1",
        "postgres:///bot",
        "postgres:///bot?host=/run/postgresql",
        "postgres://%2Frun%2Fpostgresql/bot",
    ],
)
def test_database__with_tls_or_on_this_machine_is_not_found(url: str) -> None:
    assert not database_is_unencrypted(url)


@pytest.mark.parametrize(
    ("url", "environ", "unencrypted"),
    [
        ("postgres://bot@db/bot", {"PGSSLMODE": "require"}, False),
        ("postgres://bot@db/bot?sslmode=prefer", {"PGSSLMODE": "require"}, True),
        ("postgres:///bot", {"PGHOST": "db.example.com"}, True),
        ("postgres:///bot", {"PGHOST": "db.example.com", "PGHOSTADDR": "127.0.0.1"}, False),
        ("postgres:///bot", {"PGSERVICE": "bot"}, True),
        ("postgres://bot@localhost/bot", {"PGSERVICE": "bot"}, False),
    ],
)
def test_database__is_judged_with_the_variables_of_libpq(
    url: str, environ: dict[str, str], *, unencrypted: bool
) -> None:
    assert database_is_unencrypted(url, **environ) is unencrypted


def test_database__with_an_address_that_libpq_cannot_read_raises_settings_error() -> None:
    with pytest.raises(SettingsError, match="sslmoody"):
        database_is_unencrypted("postgres://bot:very-secret@db/bot?sslmoody=require")


@pytest.mark.parametrize(
    ("url", "warned"), [("http://gateway.example.com", True), ("http://127.0.0.1:1", False), ("", False)]
)
async def test_start__warns_about_each_unencrypted_connection(url: str, *, warned: bool) -> None:
    settings = read_settings(
        REQUIRED_SETTINGS | dict.fromkeys(URL_SETTINGS, url) | {"DATABASE_URL": "postgres://bot@127.0.0.1:1/bot"}
    )

    with capture_logs() as logged:
        async with build(settings, MessageRenderer(Catalog(SENTENCES))):
            pass

    warnings = [entry for entry in logged if entry["log_level"] == "warning"]
    assert [entry["setting"] for entry in warnings] == (URL_SETTINGS if warned else [])
    assert {entry["event"] for entry in warnings} <= {"setting.unencrypted"}
