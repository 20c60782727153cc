"""The sandbox offers what manifest.yml declares."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import yaml

from bot.sandbox.manifest import HOME_TAB_ENABLED, MESSAGES_TAB_READ_ONLY, SHORTCUTS

MANIFEST = yaml.safe_load((Path(__file__).parents[2] / "manifest.yml").read_text())
FEATURES = MANIFEST["features"]


def test_shortcuts__are_those_of_the_manifest() -> None:
    declared = [
        {key: shortcut[key] for key in ("callback_id", "name", "type")} for shortcut in FEATURES.get("shortcuts", [])
    ]
    assert [asdict(shortcut) for shortcut in SHORTCUTS] == declared


def test_messages_tab__is_read_only_as_in_the_manifest() -> None:
    assert FEATURES["app_home"]["messages_tab_read_only_enabled"] == MESSAGES_TAB_READ_ONLY


def test_home_tab__is_enabled_as_in_the_manifest() -> None:
    assert FEATURES["app_home"]["home_tab_enabled"] == HOME_TAB_ENABLED
    events = MANIFEST["settings"]["event_subscriptions"]["bot_events"]
    assert ("app_home_opened" in events) == HOME_TAB_ENABLED
