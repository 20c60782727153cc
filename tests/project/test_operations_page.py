"""docs/operations.md names metrics, log events and tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

from bot.metrics import Metrics

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text()


def test_page__lists_every_metric_as_a_rule_would_name_it() -> None:
    listed = re.findall(r"^\| `(purecloud_bot_\w+)`", PAGE, re.MULTILINE)
    families = Metrics().registry.collect()

    assert sorted(listed) == sorted(one.name + ("_total" if one.type == "counter" else "") for one in families)


def test_page__names_log_events_that_exist() -> None:
    events = re.findall(r"^\| `([a-z ]+)` \|", PAGE.partition("| log event |")[2].partition("\n\n")[0], re.MULTILINE)
    sources = [path.read_text() for path in (ROOT / "bot").rglob("*.py")]
    logged = {event for source in sources for event in re.findall(r"log\.(?:warning|error)\(\s*\"([^\"]+)\"", source)}

    assert events
    assert [event for event in events if not any(one.startswith(event) for one in logged)] == []


def test_page__names_tests_that_exist() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", PAGE)

    assert len(named) > 10
    assert [name for file, name in named if f"def {name}(" not in (ROOT / file).read_text()] == []
