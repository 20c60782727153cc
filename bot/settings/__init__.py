"""The settings, read from environment variables at startup."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
)

from bot.domain.principals import Principal, parse_principals
from bot.errors import SettingsError
from bot.network.proxies import Proxies, check_proxy, proxy_variables, url_passwords
from bot.redaction import redact
from bot.settings.names import misspelt_names
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

MAX_DURATION = 24 * 3600
"""Maximum of REQUEST_TTL, REMIND_AFTER and WATCH_FOR, in seconds. Later, the reason of a request may be gone."""

MAX_BUDGET = 1_000_000
"""Maximum of MAX_COMMANDS_PER_MINUTE and MAX_CLICKS_PER_MINUTE."""

MAX_APPROVALS = 5
"""Maximum of APPROVALS_REQUIRED, PROTECTED_APPROVALS and BULK_APPROVALS. More approvers cannot be found in time."""

_ADVICE = {
    "missing": "it is required",
    "int_parsing": "write a whole number",
    "int_parsing_size": "write a smaller number",
    "int_from_float": "write a whole number",
    "greater_than_equal": "write a number of at least {ge}",
    "less_than_equal": "write a number of at most {le}",
    "bool_parsing": "write true or false",
    "literal_error": "write {expected}",
    "too_short": "write at least {min_length} characters",
}
"""What to write instead, by the type of pydantic's error. Other errors have a sentence of their own."""

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DURATION = re.compile(r"(\d{1,6})(s|m|h)")
_SECONDS_PER_UNIT = {"s": 1, "m": 60, "h": 3600}
_CHANNEL_ID = re.compile(r"[CGD][A-Z0-9]{2,}")
_HTTP_URL = re.compile(r"https?://[^\s/?#]+[^\s?#]*")
_DATABASE_URL = re.compile(r"sqlite:///[^:?]+|postgres(ql)?://\S+")


def _parse_duration(text: str) -> float:
    found = _DURATION.fullmatch(text.lower())
    seconds = int(found[1]) * _SECONDS_PER_UNIT[found[2]] if found else 0
    if not 0 < seconds <= MAX_DURATION:
        raise ValueError("write a duration from 1s to 24h, such as 90s, 15m or 2h")
    return float(seconds)


def _parse_duration_or_off(text: str) -> float | None:
    if text.lower() == "off":
        return None
    try:
        return _parse_duration(text)
    except ValueError as error:
        raise ValueError(f"{error}, or off") from None


def _require_approver(approvers: tuple[Principal, ...]) -> tuple[Principal, ...]:
    if not approvers:
        raise ValueError("it is required; without an approver no request can be approved")
    return approvers


def _secret(check: Callable[[str], str]) -> AfterValidator:
    """Return the validator of a secret, from a check of its text."""

    def validate(secret: SecretStr) -> SecretStr:
        check(secret.get_secret_value())
        return secret

    return AfterValidator(validate)


def _require_for_http(secret: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
    """Require the signing secret in HTTP mode only. An invalid app token is reported by its own validator."""
    if not secret and info.data.get("slack_app_token", ...) is None:
        raise ValueError("it is required")
    if secret:
        check_signing_secret(secret.get_secret_value())
    return secret or None


def _require_stricter_for_protected(needed: int, info: ValidationInfo) -> int:
    """Require at least as many approvals as for anyone else.

    An invalid APPROVALS_REQUIRED is reported by its own validator.
    """
    least = info.data.get("approvals_required", 1)
    if needed < least:
        raise ValueError(f"it is {needed}, and must be at least APPROVALS_REQUIRED, which is {least}")
    return needed


def _check_channel(text: str) -> str:
    if not _CHANNEL_ID.fullmatch(text):
        raise ValueError("write a channel's id (C…), not its name; Slack shows it at the end of the channel's details")
    return text


def _is_splittable(url: str) -> bool:
    """Return whether urlsplit accepts the URL. Its own error message may quote a password."""
    try:
        urlsplit(url)
    except ValueError:
        return False
    return True


def _check_http_url(text: str) -> str:
    if not _HTTP_URL.fullmatch(text) or not _is_splittable(text):
        raise ValueError("write an address that begins with https:// (or http:// for tests)")
    return text.rstrip("/")


def _check_database_url(text: str) -> str:
    check_text(text)
    if not _DATABASE_URL.fullmatch(text) or not _is_splittable(text):
        raise ValueError(
            "write a path such as sqlite:///purecloud-bot.db, or the postgres:// address that your host gave"
        )
    return text


Principals = Annotated[tuple[Principal, ...], BeforeValidator(parse_principals)]
RequiredStr = Annotated[str, Field(min_length=1)]
RequiredSecret = Annotated[SecretStr, Field(min_length=1)]
BotToken = Annotated[RequiredSecret, _secret(check_bot_token)]
AppToken = Annotated[SecretStr, _secret(check_app_token)]
Channel = Annotated[str, AfterValidator(_check_channel)]
Contact = Annotated[str, AfterValidator(check_contact)]
ProxyUrl = Annotated[str, AfterValidator(check_proxy)]
HttpUrl = Annotated[str, AfterValidator(_check_http_url)]


class DatabaseSettings(BaseModel):
    """The settings of a process that only reads the database."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, str_strip_whitespace=True)

    database_url: Annotated[str, AfterValidator(_check_database_url)] = Field(
        "sqlite:///purecloud-bot.db", alias="DATABASE_URL", repr=False
    )
    audit_key: Annotated[SecretStr, Field(min_length=16), _secret(check_text)] | None = Field(None, alias="AUDIT_KEY")

    @property
    def database_path(self) -> Path | None:
        """The path of the SQLite file, None for PostgreSQL."""
        kind, _, path = self.database_url.partition(":///")
        return Path(path) if kind == "sqlite" else None


class Settings(DatabaseSettings):
    """The settings of one process; a field's alias is the variable's name, durations are in seconds."""

    slack_bot_token: BotToken = Field(alias="SLACK_BOT_TOKEN")
    slack_app_token: AppToken | None = Field(None, alias="SLACK_APP_TOKEN")
    slack_signing_secret: Annotated[SecretStr | None, AfterValidator(_require_for_http)] = Field(
        None, alias="SLACK_SIGNING_SECRET", validate_default=True
    )
    slack_api_url: HttpUrl = Field("https://slack.com/api", alias="SLACK_API_URL")
    purecloud_client_id: Annotated[RequiredStr, AfterValidator(check_credential)] = Field(alias="PURECLOUD_CLIENT_ID")
    purecloud_secret: Annotated[RequiredSecret, _secret(check_credential)] = Field(alias="PURECLOUD_SECRET")
    purecloud_environment: RequiredStr = Field("mypurecloud.com", alias="PURECLOUD_ENVIRONMENT")
    purecloud_api_url: HttpUrl | None = Field(None, alias="PURECLOUD_API_URL")
    purecloud_login_url: HttpUrl | None = Field(None, alias="PURECLOUD_LOGIN_URL")
    https_proxy: ProxyUrl | None = Field(None, alias="HTTPS_PROXY", repr=False)
    http_proxy: ProxyUrl | None = Field(None, alias="HTTP_PROXY", repr=False)
    no_proxy: str = Field("", alias="NO_PROXY")
    host: str = Field("0.0.0.0", alias="HOST")  # noqa: S104 - a platform's router must reach it
    port: int = Field(3000, alias="PORT", ge=0, le=65535)
    requesters: Principals = Field((), alias="REQUESTERS")
    approvers: Annotated[Principals, AfterValidator(_require_approver)] = Field(alias="APPROVERS")
    admins: Principals = Field((), alias="ADMINS")
    protected: Principals = Field((), alias="PROTECTED")
    break_glass: Principals = Field((), alias="BREAK_GLASS")
    self_approval: bool = Field(default=True, alias="SELF_APPROVAL")
    approvals_required: int = Field(1, alias="APPROVALS_REQUIRED", ge=1, le=MAX_APPROVALS)
    protected_approvals: Annotated[int, AfterValidator(_require_stricter_for_protected)] = Field(
        2, alias="PROTECTED_APPROVALS", ge=1, le=MAX_APPROVALS, validate_default=True
    )
    remind_after: Annotated[float | None, BeforeValidator(_parse_duration_or_off)] = Field(300.0, alias="REMIND_AFTER")
    notify_target: bool = Field(default=False, alias="NOTIFY_TARGET")
    watch_for: Annotated[float | None, BeforeValidator(_parse_duration_or_off)] = Field(600.0, alias="WATCH_FOR")
    ping_approvers: bool = Field(default=True, alias="PING_APPROVERS")
    approvals_channel: Channel | None = Field(None, alias="APPROVALS_CHANNEL")
    audit_channel: Channel | None = Field(None, alias="AUDIT_CHANNEL")
    contact: Contact | None = Field(None, alias="CONTACT")
    request_ttl: Annotated[float, BeforeValidator(_parse_duration)] = Field(900.0, alias="REQUEST_TTL")
    max_open_requests: int = Field(5, alias="MAX_OPEN_REQUESTS", ge=1, le=100)
    bulk_limit: int = Field(10_000, alias="BULK_LIMIT", ge=1, le=10_000)
    bulk_approvals: int = Field(2, alias="BULK_APPROVALS", ge=1, le=MAX_APPROVALS)
    token_pool: int = Field(1, alias="TOKEN_POOL", ge=1, le=10)
    require_reason: bool = Field(default=False, alias="REQUIRE_REASON")
    metrics_token: Annotated[RequiredSecret, _secret(check_text)] | None = Field(None, alias="METRICS_TOKEN")
    max_commands_per_minute: int = Field(30, alias="MAX_COMMANDS_PER_MINUTE", ge=1, le=MAX_BUDGET)
    max_clicks_per_minute: int = Field(60, alias="MAX_CLICKS_PER_MINUTE", ge=1, le=MAX_BUDGET)
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(str.lower)] = Field(
        "info", alias="LOG_LEVEL"
    )
    log_format: Annotated[Literal["auto", "json", "human"], BeforeValidator(str.lower)] = Field(
        "auto", alias="LOG_FORMAT"
    )

    @property
    def secret_values(self) -> tuple[str, ...]:
        """The secrets that logs and reports must not show, with the passwords in URLs."""
        values = (getattr(self, name) for name in type(self).model_fields)
        secrets = tuple(value.get_secret_value() for value in values if isinstance(value, SecretStr))
        return secrets + url_passwords(self.https_proxy, self.http_proxy, self.database_url)

    @property
    def proxies(self) -> Proxies:
        """The proxy for each address."""
        return Proxies(self.https_proxy, self.http_proxy, self.no_proxy)


SETTING_NAMES = frozenset({str(field.alias) for field in Settings.model_fields.values()}) | {
    f"{name}{SUFFIX}" for name in SECRETS
}
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
    names = {str(field.alias) for field in kind.model_fields.values()}
    given = dict(environ) | proxy_variables(environ)
    values = {name: value.strip() for name, value in given.items() if name in names and value.strip()}
    values |= read_secret_files(environ, SECRETS & names)
    unreadable = [f"{name}: it is not UTF-8" for name, value in values.items() if not _is_utf8(value)]
    if unreadable:
        raise SettingsError(unreadable)
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        lines = [_problem_line(problem) for problem in error.errors(include_url=False, include_input=False)]
        misspelt = [f"{variable}: {problem}" for variable, problem in misspelt_settings(environ)]
        raise SettingsError([*lines, *misspelt]) from None


def _is_utf8(value: str) -> bool:
    """Return whether the value can be encoded; Python reads an invalid byte as a lone surrogate."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _problem_line(problem: Any) -> str:
    advice = _ADVICE.get(problem["type"])
    message = problem["msg"].removeprefix("Value error, ")
    if advice:
        message = advice.format(**problem.get("ctx", {})).replace("'", "")
    name = str(problem["loc"][0]).upper()  # for a default value, pydantic gives the field's name and not its alias
    return f"{name}: {redact(message)}"
