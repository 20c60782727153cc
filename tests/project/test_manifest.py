"""manifest.yml is valid for Slack and asks for what the bot needs, and no more."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft7Validator
from referencing import Registry
from referencing.jsonschema import DRAFT7

from handlers.commands import COMMANDS

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "tests" / "data" / "slack-manifest"
README = (ROOT / "README.md").read_text()
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
    "conversations_info": set[str](),  # called by `check` only, and only with the scopes that the token has
}
"""Scopes that each Web API method needs, from its page on docs.slack.dev. Posting to a user id needs `im:write`."""


def validator() -> Draft7Validator:
    """Return a validator of Slack's manifest schema."""
    schemas = {path.name: json.loads(path.read_text()) for path in SCHEMAS.glob("*.json")}
    root_schema = schemas["manifest.schema.json"]
    references = re.findall(r"'(https://raw[^']+/([\w.]+))'", str(root_schema))
    registry: Registry[Any] = Registry().with_resources(
        (url, DRAFT7.create_resource(schemas[name])) for url, name in references
    )
    return Draft7Validator(root_schema, registry=registry)


def socket_mode_manifest() -> dict[str, Any]:
    """Return the manifest after the change that the README describes for Socket Mode."""
    (change,) = re.findall(r"```diff\n(.*?)```", README, re.DOTALL)
    text = (ROOT / "manifest.yml").read_text()
    for old, new in re.findall(r"^-(.*\n)(?:\+(.*\n))?", change, re.MULTILINE):
        assert text.count(old) == 1
        text = text.replace(old, new)
    changed: dict[str, Any] = yaml.safe_load(text)
    return changed


def test_manifest__is_valid_for_slack() -> None:
    slack = validator()

    assert [error.message for error in slack.iter_errors(MANIFEST)] == []
    assert not slack.is_valid(MANIFEST | {"features": {"slash_commands": [{"command": "/purecloud"}]}})


def test_manifest__for_socket_mode_is_valid_for_slack() -> None:
    assert [error.message for error in validator().iter_errors(socket_mode_manifest())] == []


def test_manifest__for_socket_mode_differs_only_in_the_urls() -> None:
    changed = socket_mode_manifest()

    assert changed["settings"].pop("socket_mode_enabled") is True
    assert "request_url" not in changed["settings"]["interactivity"]
    assert "your-host.example" not in str(changed)
    (command,) = changed["features"]["slash_commands"]
    command["url"] = changed["settings"]["interactivity"]["request_url"] = "https://your-host.example/slack/events"
    changed["settings"]["socket_mode_enabled"] = False
    assert changed == MANIFEST


def test_manifest__has_one_command_that_receives_mentions_as_ids() -> None:
    (command,) = MANIFEST["features"]["slash_commands"]

    assert command["command"] == "/purecloud"
    assert command["should_escape"] is True
    assert all(verb in command["usage_hint"] for verb in COMMANDS)


def test_manifest__uses_one_url() -> None:
    (command,) = MANIFEST["features"]["slash_commands"]
    urls = {command["url"], MANIFEST["settings"]["interactivity"]["request_url"]}

    assert MANIFEST["settings"]["interactivity"]["is_enabled"] is True
    assert MANIFEST["settings"]["socket_mode_enabled"] is False
    assert len(urls) == 1
    assert re.fullmatch(r"https://[\w.-]+/slack/events", urls.pop())


def test_manifest__requests_exactly_the_scopes_the_bot_needs() -> None:
    sources = [path.read_text() for path in (ROOT / "bot").rglob("*.py") if "sandbox" not in path.parts]
    called = {name for source in sources for name in re.findall(r"_client\.([a-z]\w+)", source)}
    granted = MANIFEST["oauth_config"]["scopes"]["bot"]

    assert called == set(SCOPES)
    assert sorted(granted) == sorted({"commands"}.union(*SCOPES.values()))
    assert "user" not in MANIFEST["oauth_config"]["scopes"]
