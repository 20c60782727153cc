"""Open requests under other rules are counted and logged once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, MutableMapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.db.clicks import ClickStore
from bot.db.requests import RequestStore
from bot.domain.requests import Event, Request
from bot.domain.rules import Rules
from bot.metrics import Metrics
from bot.sandbox import personas
from bot.services.rule_differences import MAX_REMEMBERED, RuleDifferences
from tests.support.components import RULES, Components, open_components
from tests.support.database import DatabaseHarness, click, create_request, stored
from tests.support.examples import OLIVIA, request, rules, users

OTHER = replace(rules(), approvers=users(OLIVIA), self_approval=False)

Logs = list[MutableMapping[str, Any]]


@pytest.fixture
def logs() -> Iterator[Logs]:
    with capture_logs() as captured:
        yield captured


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def counted(metrics: Metrics) -> float:
    return metrics.registry.get_sample_value("purecloud_bot_requests_under_other_rules_total") or 0.0


def made_under(held: Rules | None, name: str = "first") -> Request:
    return request(id=name, reference=name.upper(), rules=held)


def test_add__counts_each_request_once_and_logs_each_set_of_rules_once(metrics: Metrics, logs: Logs) -> None:
    found = RuleDifferences(rules(), metrics)
    for asked in (
        made_under(OTHER),
        made_under(OTHER),
        made_under(OTHER, "second"),
        made_under(replace(OTHER, admins=()), "third"),
    ):
        found.add(asked)

    assert counted(metrics) == 3
    assert [(one["log_level"], one["reference"], one["settings"]) for one in logs] == [
        ("warning", "FIRST", ["APPROVERS", "SELF_APPROVAL"]),
        ("warning", "THIRD", ["ADMINS", "APPROVERS", "SELF_APPROVAL"]),
    ]
    assert logs[0]["event"] == "request.of_other_rules"


def test_add__is_silent_about_equal_rules_and_earlier_versions(metrics: Metrics, logs: Logs) -> None:
    found = RuleDifferences(rules(), metrics)
    for held in (rules(), replace(rules(), approvers=rules().approvers[::-1]), None):
        found.add(made_under(held))

    assert (counted(metrics), logs) == (0, [])


def test_add__remembers_a_limited_number_of_requests(metrics: Metrics) -> None:
    found = RuleDifferences(rules(), metrics)
    for number in (*range(MAX_REMEMBERED), MAX_REMEMBERED - 1, MAX_REMEMBERED, 0):
        found.add(made_under(OTHER, str(number)))

    assert counted(metrics) == MAX_REMEMBERED + 2


async def end(store: RequestStore, name: str) -> None:
    job = await click(store, name)
    await ClickStore(store).apply(await stored(store, name), Event.CANCEL, job=job, by=OLIVIA)


async def test_look__finds_open_requests_on_both_databases(db: DatabaseHarness, metrics: Metrics, logs: Logs) -> None:
    store = db.store()
    for name, held in {"same": rules(), "none": None, "other": OTHER, "ended": OTHER, "newer": OTHER}.items():
        await create_request(store, name, rules=held)
    await end(store, "ended")
    await db.run("UPDATE requests SET rules = '{\"weather\":1}' WHERE id = 'newer'")

    await RuleDifferences(rules(), metrics).look(db.database)

    assert [one["reference"] for one in logs] == ["OTHER"]
    assert counted(metrics) == 1


@pytest.fixture
async def components(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        yield opened


async def test_click__on_a_request_under_other_rules_is_counted(components: Components, logs: Logs) -> None:
    await components.request(rules=replace(RULES, self_approval=False))
    await components.clicks().process(await components.click(by=personas.OLIVIA))

    assert counted(components.metrics) == 1
    assert [one["settings"] for one in logs if one["log_level"] == "warning"] == [["SELF_APPROVAL"]]
