"""Find the connections whose traffic others on the network could read or change."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from bot.settings import Settings

REQUIRES_TLS = {"require", "verify-ca", "verify-full"}
"""The values of libpq's `sslmode` that never connect without TLS. The default, `prefer`, does if the server asks."""

URL_HINT = "Write https://, unless no one else can reach the network between the two machines."
DATABASE_HINT = "Add sslmode=verify-full to the address, or sslmode=require if the certificate cannot be verified."


@dataclass(frozen=True, slots=True)
class Unencrypted:
    """A connection to another machine that may be made without TLS, by the name of its setting."""

    setting: str
    problem: str
    hint: str


def unencrypted_connections(settings: Settings, environ: Mapping[str, str] = os.environ) -> list[Unencrypted]:
    """Return the connections of the settings that TLS does not protect; those on this machine need none.

    `environ` has the variables that libpq reads, such as PGSSLMODE. Raises SettingsError for an address of PostgreSQL
    that libpq cannot read.
    """
    return [*_plain_urls(settings), *_database(settings, environ)]


def _plain_urls(settings: Settings) -> Iterator[Unencrypted]:
    urls = {
        "SLACK_API_URL": settings.slack_api_url,
        "PURECLOUD_API_URL": settings.purecloud_api_url,
        "PURECLOUD_LOGIN_URL": settings.purecloud_login_url,
    }
    for setting, url in urls.items():
        parts = urlsplit(url or "")
        host = parts.hostname or ""
        if parts.scheme == "http" and not _is_loopback(host):
            problem = f"http:// to {host} is not encrypted; others on the network can read the bot's secrets"
            yield Unencrypted(setting, problem, URL_HINT)


def _database(settings: Settings, environ: Mapping[str, str]) -> Iterator[Unencrypted]:
    if settings.database_path is not None:
        return
    from bot.db.postgres import parameters_of  # noqa: PLC0415 - SQLite does not need it

    if _may_skip_tls(parameters_of(settings.database_url), environ):
        problem = (
            "PostgreSQL on another machine without sslmode=require or better; others on the network could read "
            "the password and change approvals"
        )
        yield Unencrypted("DATABASE_URL", problem, DATABASE_HINT)


def _may_skip_tls(given: Mapping[str, Any], environ: Mapping[str, str]) -> bool:
    """Return whether libpq may connect to another machine without TLS (postgresql.org, libpq-ssl).

    A host in a service file is not known here, so it counts as another machine.
    """

    def value(name: str) -> str:
        return str(given.get(name) or environ.get(f"PG{name.upper()}") or "")

    if value("sslmode") in REQUIRES_TLS or (not value("sslmode") and value("sslrootcert") == "system"):
        return False
    hosts = (value("hostaddr") or value("host")).split(",")
    local = all(_is_loopback(host) or _is_socket(host) for host in hosts)
    return not local or (hosts == [""] and bool(value("service")))


def _is_socket(host: str) -> bool:
    """Return whether a host of libpq is a Unix socket: its directory, an abstract name, or the default."""
    return host == "" or host.startswith(("/", "@"))


def _is_loopback(host: str) -> bool:
    if host.rstrip(".").lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
