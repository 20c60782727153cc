"""Warn of open requests made under other rules: replicas may have different settings."""

from __future__ import annotations

import structlog

from bot.db.engine import Database
from bot.db.statements import open_under_other_rules
from bot.domain.requests import Request
from bot.domain.rules import Rules, differences, to_json
from bot.metrics import Metrics
from bot.services.log_facts import log_facts

MAX_REMEMBERED = 1000
"""Maximum number of requests, and of rules, that are counted and logged only once."""

log = structlog.get_logger()


class RuleDifferences:
    """The open requests whose stored rules differ from `rules`, those of this process."""

    def __init__(self, rules: Rules, metrics: Metrics) -> None:
        self._rules = rules
        self._metrics = metrics
        self._counted: set[str] = set()
        self._logged: set[str] = set()

    async def look(self, database: Database) -> None:
        """Look for such requests among all open ones."""
        for request in await database.read(lambda tx: open_under_other_rules(tx, self._rules)):
            self.add(request)

    def add(self, request: Request) -> None:
        """Count a request if its rules differ, and log the first request with these rules."""
        settings = differences(request.rules, self._rules) if request.rules else []
        if not request.rules or not settings or request.id in self._counted:
            return
        _remember(self._counted, request.id)
        self._metrics.requests_under_other_rules.inc()
        rules = to_json(request.rules)
        if rules not in self._logged:
            _remember(self._logged, rules)
            log.warning("request.of_other_rules", **log_facts(request), settings=settings)


def _remember(seen: set[str], one: str) -> None:
    if len(seen) >= MAX_REMEMBERED:
        seen.clear()
    seen.add(one)
