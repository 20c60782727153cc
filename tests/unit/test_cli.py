"""The command line: verbs, help texts, exit codes."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from bot import __version__, cli
from bot.cli import main, program_name
from bot.settings import SECRETS, Settings

REQUIRED = ["SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "PURECLOUD_CLIENT_ID", "PURECLOUD_SECRET", "APPROVERS"]
VERBS = ["serve", "sandbox", "check", "audit", "erase"]


def help_of(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Return the help text, which is printed with exit code 0."""
    with pytest.raises(SystemExit) as exited:
        main([*arguments, "--help"], {})
    assert exited.value.code == 0
    return capsys.readouterr().out


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Return what is printed on standard error when the arguments are refused with exit code 2."""
    with pytest.raises(SystemExit) as exited:
        main(arguments, {})
    assert exited.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


@pytest.mark.parametrize("verb", [[], ["serve"]])
def test_serve__names_the_missing_settings_and_is_the_default(
    verb: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(verb, {}) == 2

    captured = capsys.readouterr()
    assert sorted(captured.err.splitlines()) == sorted(f"{name}: it is required" for name in REQUIRED)
    assert captured.out == ""


def test_sandbox__refuses_an_invalid_port(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sandbox"], {"PORT": "many"}) == 2

    assert capsys.readouterr().err.startswith("PORT: ")


def test_main__refuses_an_unknown_verb_before_it_reads_settings(capsys: pytest.CaptureFixture[str]) -> None:
    error = refused(["revoke-all"], capsys)

    assert "revoke-all" in error
    assert "SLACK_BOT_TOKEN" not in error


@pytest.mark.parametrize("arguments", [["serve", "--json"], ["sandbox", "--json"], ["--json"], ["--json", "check"]])
def test_json__is_an_option_of_check_alone(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert "--json" in refused(arguments, capsys)


def test_version__is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        main(["--version"], {})

    assert exited.value.code == 0
    assert capsys.readouterr().out == f"purecloud-bot {__version__}\n"


def test_help__lists_every_verb_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of([], capsys)

    assert all(re.search(rf"^    {verb} ", text, re.MULTILINE) for verb in VERBS)
    assert re.findall(r"^  (\d)  ", text, re.MULTILINE) == ["0", "1", "2"]


@pytest.mark.parametrize("verb", VERBS)
def test_help__of_a_verb_has_settings_exit_codes_and_an_example(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of([verb], capsys)

    assert "\nsettings, " in text
    assert re.findall(r"^  (\d)  ", text, re.MULTILINE) == ["0", "1", "2"]
    assert re.search(rf"\nexample:\n  .*python -m bot {verb}", text)
    assert cli.SETTINGS_PLACEHOLDER not in text
    assert max(map(len, text.splitlines())) <= 120


@pytest.mark.parametrize("verb", ["serve", "check"])
def test_help__names_every_setting_once(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, _, text = help_of([verb], capsys).partition("\nsettings, ")
    listed, _, _ = text.partition("\nexit codes:")
    settings, _, files = listed.partition("as files: ")
    required, _, optional = settings.partition("optional: ")
    names = re.compile(r"\b[A-Z_]{4,}\b(?!\))")

    assert sorted(names.findall(required)) == sorted(REQUIRED)
    assert sorted(names.findall(required + optional)) == sorted(
        str(field.alias) for field in Settings.model_fields.values()
    )
    assert sorted(names.findall(files)) == sorted(f"{name}_FILE" for name in SECRETS)


@pytest.mark.parametrize(
    ("script", "program"),
    [
        ("/venv/bin/purecloud-bot", "purecloud-bot"),
        ("C:/venv/Scripts/purecloud-bot.exe", "purecloud-bot"),
        ("/app/bot/__main__.py", "python -m bot"),
    ],
)
def test_program_name__is_the_one_the_user_typed(script: str, program: str) -> None:
    assert program_name(script) == program


def test_import__loads_nothing_heavy() -> None:
    code = "import sys, bot.cli; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()

    assert "bot" in loaded
    assert not {"aiohttp", "pydantic", "slack_bolt", "slack_sdk", "sqlalchemy", "uvloop"} & set(loaded)
