"""A fault at any call of a simulated process breaks no promise; `make histories` tries many at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

import pytest

from bot.db.driver import DatabaseUnavailable
from bot.db.executions import ExecutionStore
from bot.db.jobs import Job, JobKind
from bot.db.postgres import PostgresDriver
from bot.domain.actions import ACTIONS
from bot.domain.clicks import Click
from bot.domain.people import Member
from bot.domain.requests import Event, Request
from bot.services.approvals import Judgement
from bot.services.clicks import ClickService
from bot.services.denied_people import DeniedPeople
from bot.services.early_lookups import EarlyLookups
from bot.services.execution import ExecutionService
from bot.services.job_result import JobResult
from bot.services.rule_differences import RuleDifferences
from bot.worker import Process
from tests.support.postgres import Server
from tests.support.simulated_ports import AUDIT
from tests.support.simulated_scenarios import (
    SCENARIOS,
    People,
    Scenario,
    broken_promises,
    cancel,
    confirm_for_another,
    deny,
    simulate_random,
)
from tests.support.simulated_world import METRICS, RULES, Bot, Replace

RANDOM_RUNS = {"sqlite": range(20), "postgresql": range(100, 104, 2)}
"""The seeds of each database. A run on PostgreSQL takes longer."""


@pytest.mark.parametrize("name", SCENARIOS)
def test_fault__at_any_call_breaks_no_promise(name: str) -> None:
    assert list(broken_promises(SCENARIOS[name])) == []


@pytest.mark.parametrize("database", RANDOM_RUNS)
async def test_people_rules_and_faults__at_random_break_no_promise(
    database: str, request: pytest.FixtureRequest
) -> None:
    found = {}
    for seed in RANDOM_RUNS[database]:
        async with AsyncExitStack() as stack:
            driver = None
            if database == "postgresql":
                server: Server = request.getfixturevalue("postgres")
                driver = PostgresDriver(await stack.enter_async_context(server.emptied()))
            found[seed] = await asyncio.to_thread(simulate_random, seed, driver=driver)
    assert {seed: promises for seed, promises in found.items() if promises} == {}


class ApprovesForAnyone(ClickService):
    """Decides a click without a look at the role."""

    async def _judge(self, click: Click, member: Member, request: Request, since: float) -> Judgement:  # noqa: ARG002
        return Judgement(request)


class SendsAgain(ExecutionService):
    """Leaves a job to the next attempt when its outcome cannot be stored."""

    async def _record(
        self, request: Request, job: Job, event: Event, outcome: dict[str, Any]
    ) -> tuple[Request, list[Job]] | None:
        return await ExecutionStore(self._store).finish(job, event, outcome=outcome, notify=self._recipients(request))


def approves_for_anyone(bot: Bot) -> Mapping[JobKind, Process]:
    service = ApprovesForAnyone(
        bot.store, bot.identity, EarlyLookups(bot.identity), actions=ACTIONS, rules=RULES, metrics=METRICS,
        recipients=bot.options.recipients, differences=RuleDifferences(RULES, METRICS),
        denied=DeniedPeople(clock=time.monotonic), live=bot.live,
    )  # fmt: skip
    return {JobKind.CLICK: service.process}


def keeps_the_first_rules(bot: Bot) -> Mapping[JobKind, Process]:
    """Judge clicks by the rules with which the first process started."""
    service = ClickService(
        bot.store, bot.identity, EarlyLookups(bot.identity), actions=ACTIONS, rules=RULES, metrics=METRICS,
        recipients=bot.options.recipients, differences=RuleDifferences(RULES, METRICS), announce_in=(AUDIT,),
        denied=DeniedPeople(clock=time.monotonic), live=bot.live,
    )  # fmt: skip
    return {JobKind.CLICK: service.process}


def announces_nothing(bot: Bot) -> Mapping[JobKind, Process]:
    """Send the DELETE under break glass in place of its announcement."""

    async def process(job: Job) -> JobResult:
        await bot.store.jobs.complete(job)
        execution = await ExecutionStore(bot.store).start_announced(job.request_id)
        return JobResult((execution,) if execution else ())

    return {JobKind.ANNOUNCEMENT: process}


def sends_again(bot: Bot) -> Mapping[JobKind, Process]:
    service = SendsAgain(
        bot.store, bot.genesys, ACTIONS, bot.options.recipients, METRICS, live=bot.live, watches=bot.watches
    )
    return {JobKind.EXECUTE: service.process}


def drops_clicks(bot: Bot) -> Mapping[JobKind, Process]:
    """Complete a click whose decision fails."""

    async def process(job: Job) -> JobResult:
        try:
            return await bot.services[JobKind.CLICK](job)
        except DatabaseUnavailable:
            await bot.store.jobs.complete(job)
            return JobResult()

    return {JobKind.CLICK: process}


def forgets_notices(bot: Bot) -> Mapping[JobKind, Process]:
    """Complete a notice before it is sent."""

    async def process(job: Job) -> JobResult:
        await bot.store.jobs.complete(job)
        return await bot.services[JobKind.NOTICE](job)

    return {JobKind.NOTICE: process}


@pytest.mark.parametrize(
    ("broken", "people", "found"),
    [
        (approves_for_anyone, deny, "a DELETE lacked approvals when U0NADIA001 decided"),
        (approves_for_anyone, confirm_for_another, "a DELETE lacked approvals when U0CARA0001 decided"),
        (announces_nothing, confirm_for_another, "a DELETE under break glass was not announced"),
        (sends_again, deny, "a second DELETE has no explanation"),
        (drops_clicks, deny, "a click of U0OLIVIA01 was lost"),
        (forgets_notices, cancel, "the audit channel does not show the outcome cancelled"),
    ],
)
def test_broken_bot__breaks_a_promise(broken: Replace, people: People, found: str) -> None:
    assert any(found in one for one in broken_promises(Scenario(people), broken))


@pytest.mark.parametrize(("broken", "found"), [(keeps_the_first_rules, "a DELETE lacked approvals")])
def test_broken_bot__breaks_a_promise_to_random_people(broken: Replace, found: str) -> None:
    runs = (simulate_random(seed, broken) for seed in range(0, 100, 2))
    assert any(found in one for promises in runs for one in promises)
