"""A fault at any call of a simulated process breaks no promise; `make histories` tries many at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.db.driver import DatabaseUnavailable
from bot.db.jobs import Job, JobKind
from bot.domain.actions import ACTIONS
from bot.domain.clicks import Click
from bot.domain.people import Member
from bot.domain.requests import Event, Request
from bot.services.approvals import Judgement
from bot.services.clicks import ClickService
from bot.services.early_lookups import EarlyLookups
from bot.services.execution import ExecutionService
from bot.services.job_result import JobResult
from bot.services.rule_differences import RuleDifferences
from bot.worker import Process
from tests.support.simulated_scenarios import SCENARIOS, broken_promises, simulate_random
from tests.support.simulated_world import METRICS, RULES, Bot, Replace

RANDOM_RUNS = 20


@pytest.mark.parametrize("name", SCENARIOS)
def test_fault__at_any_call_breaks_no_promise(name: str, tmp_path: Path) -> None:
    assert list(broken_promises(SCENARIOS[name], tmp_path)) == []


def test_faults__at_random_calls_break_no_promise(tmp_path: Path) -> None:
    found = {seed: simulate_random(seed, tmp_path) for seed in range(RANDOM_RUNS)}
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
        return await self._store.finish_execution(job, event, outcome=outcome, notify=self._recipients(request))


def approves_for_anyone(bot: Bot) -> Mapping[JobKind, Process]:
    service = ApprovesForAnyone(
        bot.store, bot.identity, EarlyLookups(bot.identity), actions=ACTIONS, rules=RULES, metrics=METRICS,
        recipients=bot.options.recipients, differences=RuleDifferences(RULES, METRICS),
    )  # fmt: skip
    return {JobKind.CLICK: service.process}


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
    ("broken", "found"),
    [
        (approves_for_anyone, "a DELETE lacked approvals when U0NADIA001 decided"),
        (sends_again, "a second DELETE has no explanation"),
        (drops_clicks, "a click of U0OLIVIA01 was lost"),
        (forgets_notices, "the audit channel does not show the outcome revoked"),
    ],
)
def test_broken_bot__breaks_a_promise(broken: Replace, found: str, tmp_path: Path) -> None:
    assert any(found in one for one in broken_promises(SCENARIOS["deny"], tmp_path, broken))
