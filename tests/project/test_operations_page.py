"""docs/operations.md names metrics, log events and tests that exist."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

from bot.domain.audit import ROTATED, AuditEvent, EventType, event_name
from bot.metrics import Metrics

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text()
LEVELS = {name: name for name in ("debug", "info", "warning", "error", "critical")} | {"exception": "error"}


def test_page__lists_every_metric_as_a_rule_would_name_it() -> None:
    listed = re.findall(r"^\| `((?:purecloud_bot|process)_\w+)`", PAGE, re.MULTILINE)
    families = Metrics().registry.collect()

    assert sorted(listed) == sorted(one.name + ("_total" if one.type == "counter" else "") for one in families)


def logged_events() -> dict[str, set[str]]:
    """Return the levels of each event that the code logs.

    The name must be a literal, so that a search finds it.
    """
    found: defaultdict[str, set[str]] = defaultdict(set)
    for path in [*(ROOT / "bot").rglob("*.py"), *(ROOT / "handlers").rglob("*.py")]:
        for call in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)):
            match call:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="log"), attr=level)) if level in LEVELS:
                    name = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None
                    assert isinstance(name, str), f"{path}:{call.lineno}: the event is no literal"
                    found[name].add(LEVELS[level])
    return dict(found)


def listed_events() -> dict[str, set[str]]:
    """Return the levels of each event in the page's table."""
    table = PAGE.partition("| event | level | meaning |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| ([^|]*`[^|]*) \| ([a-z, ]+) \|", table, re.MULTILINE)
    found: dict[str, set[str]] = {}
    for names, cell in rows:
        events, levels = re.findall(r"`([^`]+)`", names), cell.split(", ")
        assert len(levels) in (1, len(events)), names
        found |= {event: {level} for event, level in zip(events, levels * len(events), strict=False)}
    return found


def test_page__lists_every_log_event_with_its_level_and_no_other() -> None:
    assert listed_events() == logged_events()


def test_log_events__are_dotted_words_of_one_form() -> None:
    assert [one for one in logged_events() if not re.fullmatch(r"[a-z]+\.[a-z]+(_[a-z]+)*", one)] == []


def test_log_calls__are_made_under_one_name_that_the_scan_knows() -> None:
    owners = re.compile(r"^(\w+) = structlog\.get_logger\(", re.MULTILINE)
    sources = [path.read_text() for root in ("bot", "handlers") for path in (ROOT / root).rglob("*.py")]

    assert {name for source in sources for name in owners.findall(source)} == {"log"}
    assert sum(source.count("get_logger()") for source in sources) == sum(len(owners.findall(one)) for one in sources)


def test_page__marks_every_event_at_level_error_for_an_alert() -> None:
    marked = set(re.findall(r"\*\*`([a-z_.]+)`\*\*", PAGE))

    assert {event for event, levels in listed_events().items() if "error" in levels} <= marked


def test_page__names_tests_that_exist() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", PAGE)

    assert len(named) > 10
    assert [name for file, name in named if f"def {name}(" not in (ROOT / file).read_text()] == []


def test_page__lists_every_event_of_the_audit_log() -> None:
    table = PAGE.partition("### Events of the audit log")[2].partition("\n### ")[0]
    listed = re.findall(r"`([a-z]+:[a-z_]+)`", table.partition("`export` also")[0])
    names = {event_name(AuditEvent(0.0, tag, "bot")) for tag in EventType} | {ROTATED}

    assert sorted(set(listed)) == sorted(listed)
    assert names - set(listed) == set()
