"""The settings, read from environment variables at startup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from bot.domain.principals import Principal, parse_principals
from bot.errors import SettingsError
from bot.network.proxies import Proxies, check_proxy, proxy_variables, url_passwords
from bot.redaction import redact
from bot.settings.names import misspelt_names
from bot.settings.parsers import (
    choice,
    parse_channel,
    parse_database_url,
    parse_duration,
    parse_duration_or_off,
    parse_flag,
    parse_http_url,
    secret,
    setting,
    whole_number,
)
from bot.settings.secret import Secret
from bot.settings.secret_files import SUFFIX, read_secret_files
from bot.settings.values import (
    check_app_token,
    check_bot_token,
    check_contact,
    check_credential,
    check_signing_secret,
    check_text,
)

SECRETS = frozenset({
    "AUDIT_KEY",
    "METRICS_TOKEN",
    "SLACK_BOT_TOKEN",
    "SLACK_SIGNING_SECRET",
    "SLACK_APP_TOKEN",
    "PURECLOUD_SECRET",
    "DATABASE_URL",
})  # fmt: skip
"""The settings that hold a secret. Each can be read from a file that `<NAME>_FILE` names."""

MAX_BUDGET = 1_000_000
"""Maximum of MAX_COMMANDS_PER_MINUTE and MAX_CLICKS_PER_MINUTE."""

MAX_APPROVALS = 5
"""Maximum of APPROVALS_REQUIRED, PROTECTED_APPROVALS and BULK_APPROVALS. More approvers cannot be found in time."""

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def _parse_approvers(text: str) -> tuple[Principal, ...]:
    approvers = parse_principals(text)
    if not approvers:
        raise ValueError("it is required; without an approver no request can be approved")
    return approvers


@dataclass(frozen=True, kw_only=True)
class DatabaseSettings:
    """The settings of a process that only reads the database."""

    database_url: str = setting(parse_database_url, default="sqlite:///purecloud-bot.db", shown=False)
    audit_key: Secret | None = setting(secret(check_text, min_length=16), default=None)

    @property
    def database_path(self) -> Path | None:
        """The path of the SQLite file, None for PostgreSQL."""
        kind, _, path = self.database_url.partition(":///")
        return Path(path) if kind == "sqlite" else None


@dataclass(frozen=True, kw_only=True)
class Settings(DatabaseSettings):
    """The settings of one process; a field is named after its variable, durations are in seconds."""

    slack_bot_token: Secret = setting(secret(check_bot_token))
    slack_app_token: Secret | None = setting(secret(check_app_token), default=None)
    slack_signing_secret: Secret | None = setting(secret(check_signing_secret), default=None)
    slack_api_url: str = setting(parse_http_url, default="https://slack.com/api")
    purecloud_client_id: str = setting(check_credential)
    purecloud_secret: Secret = setting(secret(check_credential))
    purecloud_environment: str = setting(default="mypurecloud.com")
    purecloud_api_url: str | None = setting(parse_http_url, default=None)
    purecloud_login_url: str | None = setting(parse_http_url, default=None)
    https_proxy: str | None = setting(check_proxy, default=None, shown=False)
    http_proxy: str | None = setting(check_proxy, default=None, shown=False)
    no_proxy: str = setting(default="")
    host: str = setting(default="0.0.0.0")  # noqa: S104 - a platform's router must reach it
    port: int = setting(whole_number(0, 65535), default=3000)
    requesters: tuple[Principal, ...] = setting(parse_principals, default=())
    approvers: tuple[Principal, ...] = setting(_parse_approvers)
    admins: tuple[Principal, ...] = setting(parse_principals, default=())
    protected: tuple[Principal, ...] = setting(parse_principals, default=())
    break_glass: tuple[Principal, ...] = setting(parse_principals, default=())
    self_approval: bool = setting(parse_flag, default=True)
    approvals_required: int = setting(whole_number(1, MAX_APPROVALS), default=1)
    protected_approvals: int = setting(whole_number(1, MAX_APPROVALS), default=2)
    remind_after: float | None = setting(parse_duration_or_off, default=300.0)
    notify_target: bool = setting(parse_flag, default=False)
    watch_for: float | None = setting(parse_duration_or_off, default=600.0)
    ping_approvers: bool = setting(parse_flag, default=True)
    approvals_channel: str | None = setting(parse_channel, default=None)
    audit_channel: str | None = setting(parse_channel, default=None)
    contact: str | None = setting(check_contact, default=None)
    request_ttl: float = setting(parse_duration, default=900.0)
    max_open_requests: int = setting(whole_number(1, 100), default=5)
    bulk_limit: int = setting(whole_number(1, 10_000), default=10_000)
    bulk_approvals: int = setting(whole_number(1, MAX_APPROVALS), default=2)
    token_pool: int = setting(whole_number(1, 10), default=1)
    require_reason: bool = setting(parse_flag, default=False)
    metrics_token: Secret | None = setting(secret(check_text), default=None)
    max_commands_per_minute: int = setting(whole_number(1, MAX_BUDGET), default=30)
    max_clicks_per_minute: int = setting(whole_number(1, MAX_BUDGET), default=60)
    log_level: str = setting(choice("debug", "info", "warning", "error"), default="info")
    log_format: str = setting(choice("auto", "json", "human"), default="auto")

    @property
    def secret_values(self) -> tuple[str, ...]:
        """The secrets that logs and reports must not show, with the passwords in URLs."""
        values = (getattr(self, one.name) for one in fields(self))
        secrets = tuple(value.get_secret_value() for value in values if isinstance(value, Secret))
        return secrets + url_passwords(self.https_proxy, self.http_proxy, self.database_url)

    @property
    def proxies(self) -> Proxies:
        """The proxy for each address."""
        return Proxies(self.https_proxy, self.http_proxy, self.no_proxy)


def variables(kind: type[DatabaseSettings], *, required: bool = False) -> list[str]:
    """Return the names of the variables of some settings, or of those that are required."""
    return [one.name.upper() for one in fields(kind) if one.default is MISSING or not required]


SETTING_NAMES = frozenset(variables(Settings)) | {f"{name}{SUFFIX}" for name in SECRETS}
"""The names of all variables that the bot reads."""


def misspelt_settings(environ: Iterable[str]) -> list[tuple[str, str]]:
    """Return each variable that is probably a misspelt setting, with what is wrong."""
    return [
        (variable, f"it is not a setting; if {meant} is meant, correct the name")
        for variable, meant in misspelt_names(environ, SETTING_NAMES)
    ]


def doubtful_settings(settings: Settings, environ: Iterable[str]) -> list[tuple[str, str]]:
    """Return the variables that are valid and still probably wrong, each with the reason."""
    found = misspelt_settings(environ)
    if not _UUID.fullmatch(settings.purecloud_client_id):
        found.append(("PURECLOUD_CLIENT_ID", "it is not in the form of a client id (8-4-4-4-12 hexadecimal digits)"))
    return found


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Read the settings from an environment and the files of secrets.

    An empty variable counts as not set.
    Raises SettingsError with one line per problem. A line names the variable and never shows the value of a secret.
    """
    return _read(Settings, environ)


def read_database_settings(environ: Mapping[str, str]) -> DatabaseSettings:
    """Read the settings that the database needs. Raises SettingsError."""
    return _read(DatabaseSettings, environ)


SomeSettings = TypeVar("SomeSettings", bound=DatabaseSettings)


def _read(kind: type[SomeSettings], environ: Mapping[str, str]) -> SomeSettings:
    given = dict(environ) | proxy_variables(environ)
    values = {name: value.strip() for name in variables(kind) if (value := given.get(name, "")).strip()}
    values |= read_secret_files(environ, SECRETS & set(variables(kind)))
    unreadable = [f"{name}: it is not UTF-8" for name, value in values.items() if not _is_utf8(value)]
    if unreadable:
        raise SettingsError(unreadable)
    found, problems = _parse(kind, values)
    if problems:
        misspelt = [f"{variable}: {problem}" for variable, problem in misspelt_settings(environ)]
        raise SettingsError([*(f"{name}: {redact(problem)}" for name, problem in problems.items()), *misspelt])
    return kind(**found)


def _parse(kind: type[DatabaseSettings], values: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the values by field, and what is wrong by variable."""
    found, problems = {}, {}
    for one in fields(kind):
        variable = one.name.upper()
        if variable in values:
            try:
                found[one.name] = one.metadata["parse"](values[variable])
            except ValueError as error:
                problems[variable] = str(error)
        elif one.default is MISSING:
            problems[variable] = "it is required"
        else:
            found[one.name] = one.default
    return found, problems | dict(_contradictions(found))


def _contradictions(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each variable that contradicts another one, with the reason; `found` lacks what is invalid."""
    if found.get("slack_app_token", ...) is None and found.get("slack_signing_secret", ...) is None:
        yield "SLACK_SIGNING_SECRET", "it is required"
    needed, least = found.get("protected_approvals"), found.get("approvals_required", 1)
    if needed is not None and needed < least:
        yield "PROTECTED_APPROVALS", f"it is {needed}, and must be at least APPROVALS_REQUIRED, which is {least}"


def _is_utf8(value: str) -> bool:
    """Return whether the value can be encoded; Python reads an invalid byte as a lone surrogate."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
