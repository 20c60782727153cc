"""Every setting, read from the environment once; what is wrong is told one line each and never with its value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError, ValidationInfo

from bot.domain.people import Principal, parse_principals
from bot.errors import SettingsError
from bot.redaction import redact

_DURATION = re.compile(r"(\d{1,6})(s|m|h)")
_SECONDS = {"s": 1, "m": 60, "h": 3600}
_CHANNEL = re.compile(r"[CGD][A-Z0-9]{2,}")
_ADDRESS = re.compile(r"https?://[^\s/?#]+[^\s?#]*")
LONGEST_TTL = 24 * 3600


def _duration(text: Any) -> float:
    found = _DURATION.fullmatch(str(text).strip().lower())
    seconds = int(found[1]) * _SECONDS[found[2]] if found else 0
    if not 0 < seconds <= LONGEST_TTL:
        message = "write a duration from 1s to 24h, such as 90s, 15m or 2h"
        raise ValueError(message)
    return float(seconds)


def _principals(text: Any) -> tuple[Principal, ...]:
    return parse_principals(str(text))


def _somebody(text: Any) -> tuple[Principal, ...]:
    people = parse_principals(str(text))
    if not people:
        message = "it is required; with nobody to confirm, nothing could ever be revoked"
        raise ValueError(message)
    return people


def _app_token(text: Any) -> str:
    word = str(text).strip()
    if not word.startswith("xapp-"):
        message = "write the app-level token (xapp-…), made with the scope connections:write"
        raise ValueError(message)
    return word


def _needed_for_http(text: Any, info: ValidationInfo) -> Any:
    """Socket Mode signs nothing; one that is set wrongly is told of by itself."""
    word = str(text or "").strip()
    if not word and info.data.get("slack_app_token", ...) is None:
        message = "it is required"
        raise ValueError(message)
    return word or None


def _yes_or_no(text: Any) -> bool:
    word = str(text).strip().lower()
    if word not in ("true", "false", "yes", "no", "1", "0", "on", "off"):
        message = "write true or false"
        raise ValueError(message)
    return word in ("true", "yes", "1", "on")


def _channel(text: Any) -> str:
    word = str(text).strip()
    if not _CHANNEL.fullmatch(word):
        message = "write a channel's id (C…), not its name; it stands at the end of the channel's details in Slack"
        raise ValueError(message)
    return word


def _can_be_split(address: str) -> bool:
    """Whether it has parts at all; urlsplit's own sentence may quote a password."""
    try:
        urlsplit(address)
    except ValueError:
        return False
    return True


def _address(text: Any) -> str:
    word = str(text).strip()
    if not _ADDRESS.fullmatch(word) or not _can_be_split(word):
        message = "write an address that begins with https:// (or http:// for tests)"
        raise ValueError(message)
    return word.rstrip("/")


def _database(text: Any) -> str:
    word = str(text).strip()
    if not re.fullmatch(r"sqlite:///[^:?]+|postgres(ql)?://\S+", word) or not _can_be_split(word):
        message = "write a path such as sqlite:///purecloud-bot.db, or the postgres:// address that your host gave"
        raise ValueError(message)
    return word


def _required(text: Any) -> str:
    word = str(text).strip()
    if not word:
        message = "it is required"
        raise ValueError(message)
    return word


Principals = Annotated[tuple[Principal, ...], BeforeValidator(_principals)]
Secret = Annotated[SecretStr, BeforeValidator(_required)]
Required = Annotated[str, BeforeValidator(_required)]
Channel = Annotated[str, BeforeValidator(_channel)]
Address = Annotated[str, BeforeValidator(_address)]


class Settings(BaseModel):
    """What the environment says; a field's alias is the variable's name. Durations are seconds."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    slack_bot_token: Secret = Field(alias="SLACK_BOT_TOKEN")
    slack_app_token: Annotated[SecretStr, BeforeValidator(_app_token)] | None = Field(None, alias="SLACK_APP_TOKEN")
    slack_signing_secret: Annotated[SecretStr | None, BeforeValidator(_needed_for_http)] = Field(
        None, alias="SLACK_SIGNING_SECRET", validate_default=True
    )
    slack_api_url: Address = Field("https://slack.com/api", alias="SLACK_API_URL")
    purecloud_client_id: Required = Field(alias="PURECLOUD_CLIENT_ID")
    purecloud_secret: Secret = Field(alias="PURECLOUD_SECRET")
    purecloud_environment: Required = Field("mypurecloud.com", alias="PURECLOUD_ENVIRONMENT")
    purecloud_api_url: Address | None = Field(None, alias="PURECLOUD_API_URL")
    purecloud_login_url: Address | None = Field(None, alias="PURECLOUD_LOGIN_URL")
    database_url: Annotated[str, BeforeValidator(_database)] = Field(
        "sqlite:///purecloud-bot.db", alias="DATABASE_URL", repr=False
    )
    host: str = Field("0.0.0.0", alias="HOST")  # noqa: S104 - a platform's router must reach it
    port: int = Field(3000, alias="PORT", ge=0, le=65535)
    requesters: Principals = Field((), alias="REQUESTERS")
    approvers: Annotated[tuple[Principal, ...], BeforeValidator(_somebody)] = Field(alias="APPROVERS")
    admins: Principals = Field((), alias="ADMINS")
    protected: Principals = Field((), alias="PROTECTED")
    self_approval: Annotated[bool, BeforeValidator(_yes_or_no)] = Field(default=True, alias="SELF_APPROVAL")
    approvals_channel: Channel | None = Field(None, alias="APPROVALS_CHANNEL")
    audit_channel: Channel | None = Field(None, alias="AUDIT_CHANNEL")
    request_ttl: Annotated[float, BeforeValidator(_duration)] = Field(900.0, alias="REQUEST_TTL")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", alias="LOG_LEVEL")
    log_format: Literal["auto", "json", "human"] = Field("auto", alias="LOG_FORMAT")

    @property
    def database_path(self) -> Path | None:
        """Where the SQLite file stands; None where the address is PostgreSQL's."""
        kind, _, path = self.database_url.partition(":///")
        return Path(path) if kind == "sqlite" else None


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Read the settings from an environment; a variable that is set to nothing counts as not set.

    Raises SettingsError with one line a problem, each naming its variable and none showing a value of a secret.
    """
    names = {str(field.alias) for field in Settings.model_fields.values()}
    given = {name: value.strip() for name, value in environ.items() if name in names and value.strip()}
    unreadable = [f"{name}: it is not UTF-8" for name, value in given.items() if not _is_utf8(value)]
    if unreadable:
        raise SettingsError(unreadable)
    for name in ("LOG_LEVEL", "LOG_FORMAT"):
        if name in given:
            given[name] = given[name].lower()
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        raise SettingsError(
            [_line(problem) for problem in error.errors(include_url=False, include_input=False)]
        ) from None


def _is_utf8(value: str) -> bool:
    """Python keeps a byte that it cannot read as half a character, which nothing can be sent with."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _line(problem: Any) -> str:
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "missing":
        message = "it is required"
    name = str(problem["loc"][0]).upper()  # a default's problem is told by the field's name, not by its alias
    return f"{name}: {redact(message)}"
