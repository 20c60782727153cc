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

from bot.domain.actions import ACTIONS
from handlers import revoke_many
from handlers.commands import READ_ONLY
from handlers.revoke import GLOBAL_SHORTCUT, MESSAGE_SHORTCUT

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "tests" / "data" / "slack-manifest"
URL = "https://your-host.example/slack/events"
README = (ROOT / "README.md").read_text()
MANIFEST: dict[str, Any] = yaml.safe_load((ROOT / "manifest.yml").read_text())

SOURCES = [*(ROOT / "bot").rglob("*.py"), *(ROOT / "handlers").rglob("*.py")]
SCOPES = {
    "auth.test": set[str](),
    "bots.info": {"users:read"},
    "users.info": {"users:read", "users:read.email"},
    "users.lookupByEmail": {"users:read.email"},
    "usergroups.users.list": {"usergroups:read"},
    "chat.postMessage": {"chat:write", "im:write"},
    "chat.update": {"chat:write"},
    "chat.getPermalink": set[str](),
    "conversations.info": {"channels:read", "groups:read"},
    "views.open": set[str](),
    "views.publish": set[str](),
    "files.info": {"files:read"},
    "files.getUploadURLExternal": {"files:write"},
    "files.completeUploadExternal": {"files:write"},
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
        assert old in text
        text = text.replace(old, new, 1)
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
    assert "request_url" not in str(changed)
    assert "your-host.example" not in str(changed)
    (command,) = changed["features"]["slash_commands"]
    command["url"] = changed["settings"]["interactivity"]["request_url"] = URL
    changed["settings"]["event_subscriptions"]["request_url"] = URL
    changed["settings"]["socket_mode_enabled"] = False
    assert changed == MANIFEST


def test_manifest__has_one_command_that_receives_mentions_as_ids() -> None:
    (command,) = MANIFEST["features"]["slash_commands"]

    assert command["command"] == "/purecloud"
    assert command["should_escape"] is True
    assert all(verb in command["usage_hint"] for verb in [*READ_ONLY, *ACTIONS])


def test_manifest__declares_what_the_listeners_of_the_app_receive() -> None:
    shortcuts = {shortcut["callback_id"]: shortcut["type"] for shortcut in MANIFEST["features"]["shortcuts"]}

    assert shortcuts == {GLOBAL_SHORTCUT: "global", MESSAGE_SHORTCUT: "message", revoke_many.SHORTCUT: "global"}
    assert MANIFEST["features"]["app_home"]["home_tab_enabled"] is True
    assert MANIFEST["settings"]["event_subscriptions"]["bot_events"] == ["app_home_opened"]


def test_manifest__uses_one_url() -> None:
    (command,) = MANIFEST["features"]["slash_commands"]
    settings = MANIFEST["settings"]
    urls = {command["url"], settings["interactivity"]["request_url"], settings["event_subscriptions"]["request_url"]}

    assert MANIFEST["settings"]["interactivity"]["is_enabled"] is True
    assert MANIFEST["settings"]["socket_mode_enabled"] is False
    assert len(urls) == 1
    assert re.fullmatch(r"https://[\w.-]+/slack/events", urls.pop())


def test_manifest__requests_exactly_the_scopes_the_bot_needs() -> None:
    sources = [path.read_text() for path in SOURCES if "sandbox" not in path.parts]
    called = {
        name
        for source in sources
        for name in re.findall(r'"((?:auth|bots|chat|users|usergroups|conversations|views|files)\.[\w.]+)"', source)
    }
    called.discard("files.slack.com")  # a host
    granted = MANIFEST["oauth_config"]["scopes"]["bot"]

    assert called == set(SCOPES)
    assert sorted(granted) == sorted({"commands"}.union(*SCOPES.values()))
    assert "user" not in MANIFEST["oauth_config"]["scopes"]
