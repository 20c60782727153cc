"""Values that can never work are refused with the reason, and never repeated."""

from __future__ import annotations

import pytest

from bot.errors import SettingsError
from bot.settings import doubtful_settings, read_settings

VALID = {
    "SLACK_BOT_TOKEN": "xoxb-very-hidden",
    "SLACK_APP_TOKEN": "xapp-1-very-hidden",
    "SLACK_SIGNING_SECRET": "8f742231b10e8888abcd99yyyzzz85a5",
    "PURECLOUD_CLIENT_ID": "5e1d0b3c-4f7a-4c55-9d2b-7a60c8e4f913",
    "PURECLOUD_SECRET": "very-hidden-secret",
    "APPROVERS": "S0TOKENAPP",
    "AUDIT_KEY": "very hidden key of 1 bot",
    "METRICS_TOKEN": "very-hidden-metrics",
    "DATABASE_URL": "postgres://bot:very-hidden@db.example.com/bot",
}
SECRETS = [name for name in VALID if name != "APPROVERS"]
CREDENTIALS = ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "PURECLOUD_CLIENT_ID", "PURECLOUD_SECRET"]


def problem_of(name: str, value: str) -> str:
    """Return the one line that the value causes; it must name the variable and hide the value."""
    with pytest.raises(SettingsError) as raised:
        read_settings(VALID | {name: value})
    (line,) = raised.value.problems
    assert line.startswith(f"{name}: ")
    assert "hidden" not in line
    return line


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("quoted", ['"{}"', "'{}'", "`{}`", "“{}”", '"{}', "{}'"])
def test_secret__in_quotes_is_refused(name: str, quoted: str) -> None:
    assert "without quotes" in problem_of(name, quoted.format(VALID[name]))


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("hidden", ["\u200b", "\ufeff", "\u202e", "\u00ad", "\x07", "\x1b"])
@pytest.mark.parametrize("where", ["inside", "before", "after"])
def test_secret__with_an_invisible_character_is_refused(name: str, hidden: str, where: str) -> None:
    value = VALID[name]
    text = {"inside": value[:7] + hidden + value[7:], "before": hidden + value, "after": value + hidden}[where]

    assert "invisible character" in problem_of(name, text)


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r", "\u2028", "\x85"])
def test_secret__with_a_line_break_is_refused(name: str, line_break: str) -> None:
    assert "line break" in problem_of(name, VALID[name][:7] + line_break + VALID[name][7:])


@pytest.mark.parametrize("name", CREDENTIALS)
@pytest.mark.parametrize("character", ["ö", "\u2013", "\uff0d", " ", "е"])  # noqa: RUF001 - a Cyrillic letter
def test_credential__with_a_character_that_no_token_has_is_refused(name: str, character: str) -> None:
    assert "copy the value again" in problem_of(name, VALID[name] + character + "x")


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        ("xapp-1-very-hidden", "an app-level token"),
        ("xoxp-very-hidden", "a user token"),
        ("xoxe.xoxp-1-very-hidden", "a user token"),
        ("xoxe-1-very-hidden", "a refresh token"),
        ("xoxa-2-very-hidden", "a legacy workspace token"),
        ("xoxc-very-hidden", "a browser session"),
        ("Bearer", "no such token"),
        ("XOXB-very-hidden", "no such token"),
        ("token=xoxb-very-hidden", "no such token"),
        ("8f742231b10e8888abcd99yyyzzz85a5", "no such token"),
    ],
)
def test_bot_token__of_another_kind_is_refused_and_named(token: str, kind: str) -> None:
    line = problem_of("SLACK_BOT_TOKEN", token)

    assert kind in line
    assert line.endswith("which begins with xoxb-")


@pytest.mark.parametrize("token", ["xoxb-1-very-hidden", "xoxe.xoxb-1-very-hidden", "  xoxb-1-very-hidden \n"])
def test_bot_token__of_each_kind_is_accepted(token: str) -> None:
    assert read_settings(VALID | {"SLACK_BOT_TOKEN": token}).slack_bot_token.get_secret_value() == token.strip()


@pytest.mark.parametrize("rest", ["", "-", "***", "very-hidden,", "very-hidden\\n", "very-hidden#bot", "<hidden>", "…"])
@pytest.mark.parametrize(("name", "prefix"), [("SLACK_BOT_TOKEN", "xoxb-"), ("SLACK_APP_TOKEN", "xapp-")])
def test_token__with_characters_that_no_token_has_is_refused(name: str, prefix: str, rest: str) -> None:
    assert "copy the value again" in problem_of(name, prefix + rest)


@pytest.mark.parametrize("token", ["xoxb-very-hidden", "xapp-very-hidden", "xoxp-very-hidden"])
def test_signing_secret__that_is_a_token_is_refused(token: str) -> None:
    assert "write the signing secret" in problem_of("SLACK_SIGNING_SECRET", token)


def test_app_token__of_another_kind_is_refused_and_named() -> None:
    assert "it is a bot token; write the app-level token (xapp-" in problem_of("SLACK_APP_TOKEN", "xoxb-very-hidden")


def test_doubtful_settings__name_misspelt_variables_and_an_unusual_client_id() -> None:
    environ = VALID | {"PURECLOUD_CLIENT_ID": "slack-bot", "PROTECTD": "U0VIP00001", "PATH": "/bin"}

    assert doubtful_settings(read_settings(VALID), VALID) == []
    assert [name for name, _ in doubtful_settings(read_settings(environ), environ)] == [
        "PROTECTD",
        "PURECLOUD_CLIENT_ID",
    ]


def test_settings__that_are_missing_name_the_misspelt_variable() -> None:
    environ = {name: value for name, value in VALID.items() if name != "APPROVERS"}

    with pytest.raises(SettingsError) as raised:
        read_settings(environ | {"APROVERS": "U0RAVI0001"})

    assert raised.value.problems == [
        "APPROVERS: it is required",
        "APROVERS: it is not a setting; if APPROVERS is meant, correct the name",
    ]
