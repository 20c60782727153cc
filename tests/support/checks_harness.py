"""Fakes of Slack and Genesys Cloud in which `check` runs, without a bot."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.checks.result import CheckResult, Status, exit_code
from bot.checks.run import run_checks
from bot.sandbox import personas
from bot.sandbox.genesys.server import CLIENT, FakeGenesys, FakeOAuthClient
from bot.sandbox.server import environment, genesys_users
from bot.sandbox.slack.server import FakeSlack

READ_METHODS = {
    "auth.test",
    "users.info",
    "usergroups.users.list",
    "conversations.info",
    "chat.getPermalink",
    "apps.connections.open",
}
"""The methods of the Web API that a check may call. None of them changes what a user sees."""

APPROVERS = f"{personas.TOKEN_APPROVERS},{personas.NADIA}"
"""One approver more than in the sandbox, so that everyone's request can be approved."""

ADMINS = f"{personas.OLIVIA},{personas.BEN},{personas.NADIA}"
"""Two more admins than in the sandbox, so that a bulk request of any of them can be approved."""

TIME_LIMIT = 30.0
"""Maximum duration of a check in the tests, in seconds. Long, because a test machine can be slow."""


@dataclass
class CheckReport:
    """The results of one run."""

    results: list[CheckResult]

    @property
    def exit_code(self) -> int:
        """The exit code of the run."""
        return exit_code(self.results)

    def names(self, status: Status) -> set[str]:
        """Return the names of the checks with this status."""
        return {result.check for result in self.results if result.status is status}

    @property
    def failed(self) -> set[str]:
        """The names of the failed checks."""
        return self.names(Status.FAILED)

    @property
    def undetermined(self) -> set[str]:
        """The names of the checks that neither passed nor failed, including the skipped ones."""
        return self.names(Status.UNDETERMINED)

    @property
    def failures(self) -> list[str]:
        """The failed checks as lines, in the format of SettingsError.problems."""
        return [f"{result.check}: {result.message}" for result in self.results if result.status is Status.FAILED]

    def of(self, check: str) -> CheckResult:
        """Return the one result of a check."""
        (found,) = [result for result in self.results if result.check == check]
        return found


@dataclass
class ChecksHarness:
    """The fakes and the environment."""

    slack: FakeSlack
    genesys: FakeGenesys
    environ: dict[str, str]
    folder: Path

    @property
    def client(self) -> FakeOAuthClient:
        """The bot's OAuth client."""
        return self.genesys.state.clients[CLIENT.id]

    async def check(
        self, environ: Mapping[str, str] | None = None, *, clock_skew: float = 0.0, time_limit: float = TIME_LIMIT
    ) -> CheckReport:
        """Run all checks; assert that they change nothing and that every failure has a hint.

        `environ` overrides settings; an empty value unsets one. `clock_skew` sets this machine's clock ahead, in
        seconds.
        """
        before = self._state()
        results = await run_checks(
            self.environ | dict(environ or {}), clock=lambda: time.time() + clock_skew, time_limit=time_limit
        )
        assert self._state() == before
        assert [request for request in self.genesys.requests if request.method not in ("GET", "POST")] == []
        assert {call.method for call in self.slack.calls} <= READ_METHODS
        assert all(result.hint for result in results if result.status is Status.FAILED)
        return CheckReport(results)

    def _state(self) -> object:
        files = {path.name: path.read_bytes() for path in self.folder.iterdir() if not path.name.endswith("-shm")}
        sessions = {user.id: user.sessions for user in self.genesys.users.values()}
        return files, sorted(path.name for path in self.folder.iterdir()), sessions, list(self.slack.messages)


@asynccontextmanager
async def open_checks_harness(folder: Path, *, socket_mode: bool = False) -> AsyncIterator[ChecksHarness]:
    """Start the fakes; the database does not exist yet."""
    slack = FakeSlack(
        members=personas.members(), groups=personas.groups(), channels=personas.channels(), socket_mode=socket_mode
    )
    genesys = FakeGenesys(users=genesys_users())
    try:
        await slack.start()
        environ = environment(slack, await genesys.start(), folder) | {"APPROVERS": APPROVERS, "ADMINS": ADMINS}
        yield ChecksHarness(slack, genesys, environ, folder)
    finally:
        await genesys.stop()
        await slack.stop()
