"""The sandbox offers what manifest.yml declares."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import yaml

from bot.sandbox.manifest import MESSAGES_TAB_READ_ONLY, SHORTCUTS

FEATURES = yaml.safe_load((Path(__file__).parents[2] / "manifest.yml").read_text())["features"]


def test_shortcuts__are_those_of_the_manifest() -> None:
    declared = [
        {key: shortcut[key] for key in ("callback_id", "name", "type")} for shortcut in FEATURES.get("shortcuts", [])
    ]
    assert [asdict(shortcut) for shortcut in SHORTCUTS] == declared


def test_messages_tab__is_read_only_as_in_the_manifest() -> None:
    assert FEATURES["app_home"]["messages_tab_read_only_enabled"] == MESSAGES_TAB_READ_ONLY
