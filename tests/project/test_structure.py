"""The packages stay few enough to take in at one look."""

from __future__ import annotations

import tomllib
from pathlib import Path

PROJECT = Path(__file__).parents[2]
MAX_MODULES, MAX_LAYERS = 12, 14


def test_bot__has_few_modules_of_its_own() -> None:
    assert len(list((PROJECT / "bot").glob("*.py"))) <= MAX_MODULES


def test_bot__has_few_layers() -> None:
    contracts = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = [one["layers"] for one in contracts if one.get("containers") == ["bot"]]
    assert len(layers) <= MAX_LAYERS
