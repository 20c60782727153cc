"""What the page for operators says exists: its metrics, its tests."""

from __future__ import annotations

import re
from pathlib import Path

from bot.metrics import Metrics

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text()


def test_page__explains_exactly_the_metrics_there_are() -> None:
    told = re.findall(r"^\| `(purecloud_bot_\w+)`", PAGE, re.MULTILINE)

    assert sorted(told) == sorted(one.name for one in Metrics().registry.collect())


def test_page__names_tests_that_exist() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", PAGE)

    assert len(named) > 10
    assert [name for file, name in named if f"def {name}(" not in (ROOT / file).read_text()] == []
