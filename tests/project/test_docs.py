"""What is written about the bot is true of it: README, docs, manifest."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator
from referencing import Registry
from referencing.jsonschema import DRAFT7

from bot.checks.genesys import DELETE, ROLES, SEARCH
from bot.domain.requests import diagram
from bot.sandbox.genesys.state import BOT_PERMISSIONS
from bot.settings import Settings
from handlers.commands import COMMANDS

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "tests" / "data" / "slack-manifest"
README = (ROOT / "README.md").read_text()
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
MANIFEST: dict[str, Any] = yaml.safe_load((ROOT / "manifest.yml").read_text())

SCOPES = {
    "auth_test": set[str](),
    "bots_info": {"users:read"},
    "users_info": {"users:read", "users:read.email"},
    "users_lookupByEmail": {"users:read.email"},
    "usergroups_users_list": {"usergroups:read"},
    "chat_postMessage": {"chat:write", "im:write"},
    "chat_update": {"chat:write"},
    "chat_getPermalink": set[str](),
    "conversations_info": set[str](),  # the doctor's, where a token happens to have channels:read and groups:read
}
"""What each method of the Web API needs (docs.slack.dev, the method's page); a `U…` channel opens a conversation."""


def table(heading: str) -> list[list[str]]:
    """The cells of the README's table under a heading, without its head."""
    _, _, rest = README.partition(f"\n## {heading}\n")
    lines = [line.strip() for line in rest.partition("\n## ")[0].splitlines() if line.strip().startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_readme__lists_exactly_the_settings_there_are() -> None:
    told = [name for row in table("Settings") for name in re.findall(r"`([A-Z_]+)`", row[0])]

    assert sorted(told) == sorted(str(field.alias) for field in Settings.model_fields.values())


def test_readme__calls_required_what_is_required() -> None:
    required = {name for row in table("Settings") if row[1] == "required" for name in re.findall(r"`(\w+)`", row[0])}

    assert required == {str(field.alias) for field in Settings.model_fields.values() if field.is_required()}


def test_readme__lists_exactly_the_commands_there_are() -> None:
    told = re.findall(r"`/purecloud (\w+)", " ".join(row[0] for row in table("What people type")))

    assert sorted(told) == sorted(COMMANDS)


def test_readme__draws_the_life_of_a_request_as_it_is() -> None:
    pictures = re.findall(r"```mermaid\n(stateDiagram.*?)\n```", README, re.DOTALL)

    assert pictures == [diagram()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages__link_to_files_that_exist(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text())

    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages__name_make_targets_that_exist(page: Path) -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:`|^)make (\w+)", page.read_text(), re.MULTILINE))

    assert named <= targets


def test_architecture__gives_a_reason_for_every_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = [re.split(r"[\[><=]", one)[0] for one in project["dependencies"]]
    said = (ROOT / "docs" / "architecture.md").read_text().lower()

    assert [name for name in names if name not in said] == []


def validator() -> Draft7Validator:
    """Return a validator of Slack's manifest schema."""
    schemas = {path.name: json.loads(path.read_text()) for path in SCHEMAS.glob("*.json")}
    entrance = schemas["manifest.schema.json"]
    named = re.findall(r"'(https://raw[^']+/([\w.]+))'", str(entrance))
    registry: Registry[Any] = Registry().with_resources(
        (url, DRAFT7.create_resource(schemas[name])) for url, name in named
    )
    return Draft7Validator(entrance, registry=registry)


def for_socket_mode() -> dict[str, Any]:
    """The manifest with the change made that the README tells to make for Socket Mode."""
    (change,) = re.findall(r"```diff\n(.*?)```", README, re.DOTALL)
    text = (ROOT / "manifest.yml").read_text()
    for old, new in re.findall(r"^-(.*\n)(?:\+(.*\n))?", change, re.MULTILINE):
        assert text.count(old) == 1
        text = text.replace(old, new)
    changed: dict[str, Any] = yaml.safe_load(text)
    return changed


def test_manifest__is_one_that_slack_takes() -> None:
    slack = validator()

    assert [error.message for error in slack.iter_errors(MANIFEST)] == []
    assert not slack.is_valid(MANIFEST | {"features": {"slash_commands": [{"command": "/purecloud"}]}})


def test_manifest__for_socket_mode_is_one_that_slack_takes() -> None:
    assert [error.message for error in validator().iter_errors(for_socket_mode())] == []


def test_manifest__for_socket_mode_has_no_address_and_differs_in_nothing_else() -> None:
    changed = for_socket_mode()

    assert changed["settings"].pop("socket_mode_enabled") is True
    assert "request_url" not in changed["settings"]["interactivity"]
    assert "your-host.example" not in str(changed)
    (command,) = changed["features"]["slash_commands"]
    command["url"] = changed["settings"]["interactivity"]["request_url"] = "https://your-host.example/slack/events"
    changed["settings"]["socket_mode_enabled"] = False
    assert changed == MANIFEST


def test_manifest__has_the_one_command_with_mentions_as_ids() -> None:
    (command,) = MANIFEST["features"]["slash_commands"]

    assert command["command"] == "/purecloud"
    assert command["should_escape"] is True
    assert all(verb in command["usage_hint"] for verb in COMMANDS)


def test_manifest__sends_everything_to_the_one_address() -> None:
    (command,) = MANIFEST["features"]["slash_commands"]
    addresses = {command["url"], MANIFEST["settings"]["interactivity"]["request_url"]}

    assert MANIFEST["settings"]["interactivity"]["is_enabled"] is True
    assert MANIFEST["settings"]["socket_mode_enabled"] is False
    assert len(addresses) == 1
    assert re.fullmatch(r"https://[\w.-]+/slack/events", addresses.pop())


def test_manifest__asks_for_the_scopes_the_bot_needs_and_no_more() -> None:
    sources = [path.read_text() for path in (ROOT / "bot").rglob("*.py") if "sandbox" not in path.parts]
    called = {name for source in sources for name in re.findall(r"_client\.([a-z]\w+)", source)}
    granted = MANIFEST["oauth_config"]["scopes"]["bot"]

    assert called == set(SCOPES)
    assert sorted(granted) == sorted({"commands"}.union(*SCOPES.values()))
    assert "user" not in MANIFEST["oauth_config"]["scopes"]


def test_readme__names_the_permissions_the_client_needs_and_no_more() -> None:
    named = [re.findall(r"^`([a-z:]+)`$", row[0]) for row in table("To a real workspace")]

    assert {permission for cell in named for permission in cell} == {SEARCH, DELETE, ROLES} == BOT_PERMISSIONS


def test_procfile__runs_the_bot() -> None:
    assert re.fullmatch(r"web: python -m bot( serve)?\n", (ROOT / "Procfile").read_text())
