"""The alert rules and the dashboard in `deploy/` use metrics, labels and values that exist."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.db.jobs import JobKind
from bot.domain.denials import DenialCode
from bot.domain.requests import FINAL
from bot.metrics import Metrics

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((DEPLOY / "prometheus-alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
BOARD: dict[str, Any] = json.loads((DEPLOY / "grafana-dashboard.json").read_text())
TARGETS: list[dict[str, Any]] = [target for panel in BOARD["panels"] for target in panel["targets"]]
EXPRESSIONS = [rule["expr"] for rule in RULES] + [target["expr"] for target in TARGETS]

SUFFIXES = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"], "gauge": [""]}
BY_PROMETHEUS = {"instance", "job", "le"}
"""Labels that Prometheus adds, or the buckets of a histogram."""
VALUES = {
    "outcome": {str(one) for one in FINAL},
    "reason": {str(one) for one in DenialCode},
    "purecloud_bot_queue_depth.kind": {str(one) for one in JobKind},
}


def known_metrics() -> dict[str, set[str]]:
    """Return the labels of every metric, by the names that a rule uses."""
    metrics = Metrics()
    found: dict[str, set[str]] = {}
    for collector in metrics.registry._collector_to_names:
        for family in collector.collect():
            labels = set(getattr(collector, "_labelnames", ()))
            found |= {family.name + suffix: labels for suffix in SUFFIXES[family.type]}
    return found


KNOWN = known_metrics()


def selectors(expression: str) -> list[tuple[str, dict[str, str]]]:
    """Return each metric of an expression, with the matchers of its labels."""
    found = re.findall(r"\b((?:purecloud_bot|process)_\w+)(?:\{([^}]*)\})?", expression)
    return [(name, dict(re.findall(r"(\w+)(?:=~|!~|!=|=)\"([^\"]*)\"", matchers))) for name, matchers in found]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_expression__uses_metrics_and_labels_that_exist(expression: str) -> None:
    used = selectors(expression)
    grouped = {label.strip() for labels in re.findall(r"\bby \(([^)]*)\)", expression) for label in labels.split(",")}

    assert used
    for name, matchers in used:
        assert name in KNOWN
        assert matchers.keys() | grouped <= KNOWN[name] | BY_PROMETHEUS


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_expression__compares_labels_with_values_that_exist(expression: str) -> None:
    for name, matchers in selectors(expression):
        for label, pattern in matchers.items():
            values = VALUES.get(f"{name}.{label}", VALUES.get(label))
            assert values is None or set(pattern.split("|")) <= values


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_expression__closes_its_brackets(expression: str) -> None:
    assert [expression.count(one) for one in "([{"] == [expression.count(one) for one in ")]}"]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_rule__has_a_severity_and_a_summary_with_labels_that_exist(rule: dict[str, Any]) -> None:
    named = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
    labels = {label for name, _ in selectors(rule["expr"]) for label in KNOWN[name]}

    assert rule["labels"]["severity"] in ("critical", "warning")
    assert named <= labels | BY_PROMETHEUS
    assert re.fullmatch(r"\d+m", rule.get("for", "0m"))


def test_rules__have_unique_names_and_cover_what_must_not_go_unnoticed() -> None:
    names = [rule["alert"] for rule in RULES]
    used = {name for rule in RULES for name, _ in selectors(rule["expr"])}

    assert len(set(names)) == len(names)
    assert {
        "purecloud_bot_ready", "purecloud_bot_queue_oldest_seconds", "purecloud_bot_outcomes_total",
        "purecloud_bot_leases_lost_total", "purecloud_bot_unreadable_rows_total", "purecloud_bot_refusals_total",
        "purecloud_bot_clock_lag_seconds", "purecloud_bot_queue_depth",
    } <= used  # fmt: skip


def test_board__has_panels_of_its_own_place() -> None:
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in BOARD["panels"]]

    assert len(set(places)) == len(places)
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])
    assert all(panel["datasource"]["uid"] == "${datasource}" for panel in BOARD["panels"])
