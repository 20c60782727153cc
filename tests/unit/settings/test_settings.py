"""Settings: valid and invalid values, and error messages without secrets."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from bot.bootstrap.options import rules_of
from bot.domain.principals import Principal, PrincipalKind
from bot.errors import SettingsError
from bot.settings import SECRETS, Settings, read_settings

REQUIRED = {
    "SLACK_BOT_TOKEN": "xoxb-very-secret",
    "SLACK_SIGNING_SECRET": "signing-very-secret",
    "PURECLOUD_CLIENT_ID": "client-id",
    "PURECLOUD_SECRET": "purecloud-very-secret",
    "APPROVERS": "S0TOKENAPP",
}


def problems_of(**variables: str) -> list[str]:
    """Return the lines of the error that the variables raise."""
    with pytest.raises(SettingsError) as raised:
        read_settings(REQUIRED | variables)
    return raised.value.problems


def test_settings__have_defaults_for_optional_variables() -> None:
    settings = read_settings(REQUIRED)

    assert settings.slack_bot_token.get_secret_value() == "xoxb-very-secret"
    assert settings.approvers == (Principal(PrincipalKind.GROUP, "S0TOKENAPP"),)
    assert (settings.requesters, settings.admins, settings.protected) == ((), (), ())
    assert (settings.host, settings.port, settings.request_ttl) == ("0.0.0.0", 3000, 900.0)  # noqa: S104 - the default
    assert (settings.purecloud_environment, settings.slack_api_url) == ("mypurecloud.com", "https://slack.com/api")
    assert settings.self_approval is True
    assert (settings.approvals_required, settings.protected_approvals) == (1, 2)
    assert (settings.approvals_channel, settings.audit_channel) == (None, None)
    assert (settings.log_level, settings.log_format) == ("info", "auto")
    assert settings.database_path == Path("purecloud-bot.db")


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("value", [None, "", "   "])
def test_settings__report_a_required_variable_that_is_missing_or_empty(name: str, value: str | None) -> None:
    environ = {key: text for key, text in REQUIRED.items() if key != name} | ({} if value is None else {name: value})

    with pytest.raises(SettingsError) as raised:
        read_settings(environ)

    assert raised.value.problems == [f"{name}: it is required"]


@pytest.mark.parametrize("name", [name for name in REQUIRED if name != "APPROVERS"])
def test_settings__refuse_an_empty_value_without_an_environment(name: str) -> None:
    with pytest.raises(ValidationError, match=r"at least 1|it is required") as raised:
        Settings.model_validate(REQUIRED | {name: " ", "DATABASE_URL": "mysql://bot:very-secret@db"})

    assert "very-secret" not in str(raised.value)


@pytest.mark.parametrize("protected", [{}, {"PROTECTED_APPROVALS": "2"}], ids=["default", "set"])
def test_settings__refuse_fewer_approvals_for_a_protected_person(protected: dict[str, str]) -> None:
    assert problems_of(APPROVALS_REQUIRED="3", **protected) == [
        "PROTECTED_APPROVALS: it is 2, and must be at least APPROVALS_REQUIRED, which is 3"
    ]


def test_settings__report_an_invalid_number_of_approvals_once() -> None:
    assert [line.partition(":")[0] for line in problems_of(APPROVALS_REQUIRED="9")] == ["APPROVALS_REQUIRED"]


@pytest.mark.parametrize(("required", "protected"), [("1", "1"), ("2", "2"), ("3", "4"), ("5", "5")])
def test_settings__accept_as_many_approvals_for_a_protected_person_or_more(required: str, protected: str) -> None:
    rules = rules_of(read_settings(REQUIRED | {"APPROVALS_REQUIRED": required, "PROTECTED_APPROVALS": protected}))
    assert (rules.approvals_required, rules.protected_approvals) == (int(required), int(protected))


def test_settings__report_every_problem_at_once() -> None:
    with pytest.raises(SettingsError) as raised:
        read_settings({"PORT": "many", "REQUEST_TTL": "soon"})

    names = [line.partition(":")[0] for line in raised.value.problems]
    assert sorted(names) == sorted([*REQUIRED, "PORT", "REQUEST_TTL"])
    assert str(raised.value) == "\n".join(raised.value.problems)


@pytest.mark.parametrize(
    ("name", "value", "advice"),
    [
        ("APPROVERS", " , ", "it is required; without an approver no request can be approved"),
        ("APPROVERS", "ravi", "'ravi' is not a principal"),
        ("REQUESTERS", "U0RAVI0001, @ben", "'@ben' is not a principal"),
        ("ADMINS", "role:", "'role:' is not a principal"),
        ("PROTECTED", "permission:oauth", "'permission:oauth' is not a principal"),
        ("REQUEST_TTL", "15", "write a duration"),
        ("REQUEST_TTL", "0s", "write a duration"),
        ("REQUEST_TTL", "-5m", "write a duration"),
        ("REQUEST_TTL", "25h", "write a duration"),
        ("REQUEST_TTL", "1.5h", "write a duration"),
        ("SELF_APPROVAL", "maybe", "write true or false"),
        ("APPROVALS_REQUIRED", "0", "write a number of at least 1"),
        ("APPROVALS_REQUIRED", "6", "write a number of at most 5"),
        ("APPROVALS_REQUIRED", "two", "write a whole number"),
        ("PROTECTED_APPROVALS", "0", "write a number of at least 1"),
        ("PROTECTED_APPROVALS", "6", "write a number of at most 5"),
        ("MAX_OPEN_REQUESTS", "0", "write a number of at least 1"),
        ("MAX_OPEN_REQUESTS", "101", "write a number of at most 100"),
        ("REQUIRE_REASON", "perhaps", "write true or false"),
        ("APPROVALS_CHANNEL", "#approvals", "write a channel's id"),
        ("CONTACT", "<!channel>", "write a Slack user id (U…), a channel id (C…) or a short text"),
        ("CONTACT", "x" * 81, "write a Slack user id (U…), a channel id (C…) or a short text"),
        ("CONTACT", '"IT"', "write the value without quotes"),
        ("AUDIT_CHANNEL", "U0RAVI0001", "write a channel's id"),
        ("SLACK_API_URL", "slack.com", "write an address that begins with https://"),
        ("PURECLOUD_API_URL", "ftp://example.com", "write an address that begins with https://"),
        ("PURECLOUD_LOGIN_URL", "https://", "write an address that begins with https://"),
        ("DATABASE_URL", "mysql://db/bot", "such as sqlite:///purecloud-bot.db"),
        ("DATABASE_URL", "sqlite://", "such as sqlite:///purecloud-bot.db"),
        ("DATABASE_URL", "sqlite:///:memory:", "such as sqlite:///purecloud-bot.db"),
        ("DATABASE_URL", "postgres:bot@db.example.com/bot", "or the postgres:// address"),
        ("SLACK_APP_TOKEN", "xoxb-very-secret", "write the app-level token (xapp-"),
        ("PORT", "65536", "65535"),
        ("PORT", "many", "write a whole number"),
        ("LOG_LEVEL", "loud", "write debug, info, warning or error"),
        ("LOG_FORMAT", "xml", "write auto, json or human"),
    ],
)
def test_settings__refuse_an_invalid_value_and_say_what_to_write(name: str, value: str, advice: str) -> None:
    (line,) = problems_of(**{name: value})

    assert line.startswith(f"{name}: ")
    assert advice in line


@pytest.mark.parametrize(
    ("name", "value", "field", "parsed"),
    [
        ("REQUEST_TTL", "90s", "request_ttl", 90.0),
        ("REQUEST_TTL", " 15M ", "request_ttl", 900.0),
        ("REQUEST_TTL", "24h", "request_ttl", 86400.0),
        ("SELF_APPROVAL", "False", "self_approval", False),
        ("SELF_APPROVAL", "off", "self_approval", False),
        ("SELF_APPROVAL", "1", "self_approval", True),
        ("SLACK_API_URL", "http://127.0.0.1:8000/api/", "slack_api_url", "http://127.0.0.1:8000/api"),
        ("PURECLOUD_LOGIN_URL", "https://gateway.example.com/login", "purecloud_login_url", None),
        ("APPROVALS_CHANNEL", " C0APPROVE1 ", "approvals_channel", "C0APPROVE1"),
        ("CONTACT", " the IT desk (4711) ", "contact", "the IT desk (4711)"),
        ("PORT", "0", "port", 0),
        ("LOG_LEVEL", "DEBUG", "log_level", "debug"),
        ("LOG_FORMAT", "Json", "log_format", "json"),
        ("PURECLOUD_ENVIRONMENT", "new-region.pure.cloud", "purecloud_environment", "new-region.pure.cloud"),
        ("DATABASE_URL", "sqlite:////data/bot.db", "database_url", "sqlite:////data/bot.db"),
    ],
)
def test_settings__parse_the_ways_people_write_a_value(name: str, value: str, field: str, parsed: Any) -> None:
    assert getattr(read_settings(REQUIRED | {name: value}), field) == (value if parsed is None else parsed)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgres://bot:very-secret@[::1/bot"),
        ("DATABASE_URL", "postgres://bot:very-secret\u2100@db/bot"),  # urlsplit would quote it in its error
        ("SLACK_API_URL", "https://[::1/api"),
        ("PURECLOUD_SECRET", "very-secret\udcff"),  # an invalid UTF-8 byte, as os.environ has it
        ("DATABASE_URL", "sqlite:///very-secret\udcff"),
    ],
)
def test_settings__refuse_a_value_that_libraries_cannot_parse_or_send(name: str, value: str) -> None:
    (line,) = problems_of(**{name: value})

    assert line.startswith(f"{name}: ")
    assert "very-secret" not in line


@pytest.mark.parametrize("value", ["x", "-1", "1.5", "9" * 5000, "maybe"])
@pytest.mark.parametrize("name", sorted(str(one.alias) for one in Settings.model_fields.values()))
def test_settings__describe_every_invalid_value_in_their_own_words(name: str, value: str) -> None:
    problems: list[str] = []
    try:
        read_settings(REQUIRED | {name: value})
    except SettingsError as error:
        problems = error.problems
    assert not any("Input should" in line or "Value should" in line for line in problems), problems


def test_settings__need_no_signing_secret_in_socket_mode() -> None:
    environ = {name: value for name, value in REQUIRED.items() if name != "SLACK_SIGNING_SECRET"}

    settings = read_settings(environ | {"SLACK_APP_TOKEN": "xapp-1-very-secret"})

    assert settings.slack_app_token is not None
    assert settings.slack_app_token.get_secret_value() == "xapp-1-very-secret"
    assert settings.slack_signing_secret is None
    assert "very-secret" not in f"{settings!r}{settings}"


def test_settings__report_an_invalid_app_token_without_the_signing_secret() -> None:
    environ = {name: value for name, value in REQUIRED.items() if name != "SLACK_SIGNING_SECRET"}

    with pytest.raises(SettingsError) as raised:
        read_settings(environ | {"SLACK_APP_TOKEN": "xoxb-very-secret"})

    assert [line.partition(":")[0] for line in raised.value.problems] == ["SLACK_APP_TOKEN"]


def test_settings__treat_an_empty_variable_as_not_set() -> None:
    optional = {str(field.alias): " " for field in Settings.model_fields.values() if str(field.alias) not in REQUIRED}

    assert read_settings(REQUIRED | optional) == read_settings(REQUIRED)


def test_settings__ignore_other_variables() -> None:
    assert read_settings(REQUIRED | {"PATH": "/bin", "approvers": "nonsense"}) == read_settings(REQUIRED)


@pytest.mark.parametrize("path", ["sqlite:///bot.db", "sqlite:////data/bot.db"])
def test_settings__give_the_path_of_the_database_file(path: str) -> None:
    assert read_settings(REQUIRED | {"DATABASE_URL": path}).database_path == Path(path.removeprefix("sqlite:///"))


def test_settings__show_no_secret_when_printed_or_refused() -> None:
    invalid = dict.fromkeys(("DATABASE_URL", "SLACK_API_URL", "PORT", "REQUEST_TTL"), "hunter2\nhunter2")
    lines = problems_of(**invalid, DATABASE_PASSWORD="hunter2")

    assert len(lines) == len(invalid)
    assert "hunter2" not in "".join(lines)
    assert "very-secret" not in "".join(lines)
    assert "very-secret" not in f"{read_settings(REQUIRED)!r}{read_settings(REQUIRED)}"
    assert "hunter2" not in repr(read_settings(REQUIRED | {"DATABASE_URL": "sqlite:///hunter2.db"}))


SECRET_VALUES = {name: f"{name.lower()}-very-secret" for name in SECRETS} | {
    "SLACK_BOT_TOKEN": "xoxb-very-secret",
    "SLACK_APP_TOKEN": "xapp-very-secret",
    "DATABASE_URL": "postgres://bot:very-secret@db/bot",
}
"""A valid value of each secret."""


def value_of(settings: Settings, name: str) -> str:
    """Return the value of a setting, by the name of its variable."""
    value = getattr(settings, name.lower())
    return str(value.get_secret_value() if isinstance(value, SecretStr) else value)


def test_secrets__are_all_fields_of_a_secret_type_and_the_database_url() -> None:
    secret = {str(field.alias) for field in Settings.model_fields.values() if "SecretStr" in str(field.annotation)}

    assert secret | {"DATABASE_URL"} == SECRETS


@pytest.mark.parametrize("name", sorted(SECRETS))
@pytest.mark.parametrize("end", ["", "\n", "\r\n", " \n\n"])
def test_secret_file__gives_its_content_without_the_final_newline(tmp_path: Path, name: str, end: str) -> None:
    path = tmp_path / "secret"
    path.write_text(SECRET_VALUES[name] + end, newline="")
    environ = {key: value for key, value in REQUIRED.items() if key != name} | {f"{name}_FILE": f" {path} "}

    assert value_of(read_settings(environ), name) == SECRET_VALUES[name]


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_secret_file__blank_variables_count_as_not_set(tmp_path: Path, name: str) -> None:
    path = tmp_path / "secret"
    path.write_text(SECRET_VALUES[name])

    from_file = read_settings(REQUIRED | {name: " ", f"{name}_FILE": str(path)})

    assert value_of(from_file, name) == SECRET_VALUES[name]
    assert read_settings(REQUIRED | {f"{name}_FILE": " "}) == read_settings(REQUIRED)


def test_secret_file__gives_one_credential_of_systemd_per_setting(tmp_path: Path) -> None:
    """As `LoadCredential=NAME:…` and `Environment=NAME_FILE=%d/NAME` do."""
    for name, value in SECRET_VALUES.items():
        (tmp_path / name).write_text(f"{value}\n")
    others = {name: value for name, value in REQUIRED.items() if name not in SECRETS}

    settings = read_settings(others | {f"{name}_FILE": f"{tmp_path}/{name}" for name in SECRETS})

    assert {name: value_of(settings, name) for name in SECRETS} == SECRET_VALUES
    values = {SECRET_VALUES[name] for name in SECRETS if name != "DATABASE_URL"}
    assert set(settings.secret_values) == values | {"very-secret"}, "of the address, its password alone"
    assert "very-secret" not in f"{settings!r}{settings}"


UNUSABLE_FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda _path: None, "the file cannot be read (No such file or directory)"),
    "directory": (Path.mkdir, "the file cannot be read (Is a directory)"),
    "unreadable": (lambda path: path.symlink_to("/proc/self/mem"), "the file cannot be read (Input/output error)"),
    "empty": (Path.touch, "the file is empty"),
    "blank": (lambda path: path.write_text(" \n\n"), "the file is empty"),
    "two lines": (lambda path: path.write_text("very-secret\nvery-secret\n"), "the file has more than one line"),
    "not UTF-8": (lambda path: path.write_bytes(b"very-secret\xff"), "the file is not UTF-8"),
    "large": (lambda path: path.write_text("very-secret" * 6000), "the file is larger than 65536 bytes"),
    "endless": (lambda path: path.symlink_to("/dev/zero"), "the file is larger than 65536 bytes"),
    "link to itself": (lambda path: path.symlink_to(path), "the file cannot be read (Too many"),
}


@pytest.mark.parametrize("name", sorted(SECRETS))
@pytest.mark.parametrize("kind", UNUSABLE_FILES)
def test_secret_file__unusable_is_one_line_with_the_variable_and_without_the_secret(
    tmp_path: Path, name: str, kind: str
) -> None:
    create, message = UNUSABLE_FILES[kind]
    create(tmp_path / "secret")

    (line,) = problems_of(**{name: "", f"{name}_FILE": str(tmp_path / "secret")})

    assert line.startswith(f"{name}_FILE: {message}")
    assert "very-secret" not in line
    assert str(tmp_path) not in line


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_secret_file__without_read_permission_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").touch(mode=0)

    assert problems_of(SLACK_BOT_TOKEN="", SLACK_BOT_TOKEN_FILE=str(tmp_path / "secret")) == [
        "SLACK_BOT_TOKEN_FILE: the file cannot be read (Permission denied)"
    ]


@pytest.mark.parametrize("path", ["xoxb-very-secret", "very-secret\0", "very-secret" * 1000])
def test_secret_file__never_shows_a_secret_that_was_set_as_the_path(path: str) -> None:
    (line,) = problems_of(SLACK_BOT_TOKEN="", SLACK_BOT_TOKEN_FILE=path)

    assert line.startswith("SLACK_BOT_TOKEN_FILE: ")
    assert "very-secret" not in line


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_secret_file__together_with_the_value_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "secret"
    path.write_text(SECRET_VALUES[name])

    assert problems_of(**{name: SECRET_VALUES[name], f"{name}_FILE": str(path)}) == [
        f"{name}_FILE: {name} is set too; set only one of the two"
    ]


def test_secret_file__every_unusable_one_is_reported_at_once(tmp_path: Path) -> None:
    lines = problems_of(
        SLACK_BOT_TOKEN_FILE=str(tmp_path), PURECLOUD_SECRET="", PURECLOUD_SECRET_FILE=str(tmp_path / "missing")
    )

    assert [line.partition(":")[0] for line in lines] == ["PURECLOUD_SECRET_FILE", "SLACK_BOT_TOKEN_FILE"]


def test_secret_file__is_not_read_for_a_setting_without_a_secret(tmp_path: Path) -> None:
    (tmp_path / "approvers").write_text("U0TOM00001")

    assert read_settings(REQUIRED | {"APPROVERS_FILE": str(tmp_path / "approvers")}) == read_settings(REQUIRED)
