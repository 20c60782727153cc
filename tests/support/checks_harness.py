"""Where the doctor examines: stand-ins and an environment that leads to them, and no bot."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.checks.result import Finding, Mark, exit_code
from bot.checks.run import examine
from bot.sandbox import personas
from bot.sandbox.genesys.server import CLIENT, FakeGenesys, FakeOAuthClient
from bot.sandbox.server import environment, genesys_users
from bot.sandbox.slack.server import FakeSlack

QUESTIONS = {
    "auth.test",
    "users.info",
    "usergroups.users.list",
    "conversations.info",
    "chat.getPermalink",
    "apps.connections.open",
}
"""The methods of the Web API that the doctor may call; none changes what anybody sees."""

SECONDS = 30.0
"""What a check may take here: long, because machines are slow at times."""


@dataclass
class Report:
    """What the doctor said."""

    findings: list[Finding]

    @property
    def code(self) -> int:
        """The exit code that goes with it."""
        return exit_code(self.findings)

    def marked(self, mark: Mark) -> set[str]:
        """The checks that ended so."""
        return {one.check for one in self.findings if one.mark is mark}

    @property
    def wrong(self) -> set[str]:
        """The crosses."""
        return self.marked(Mark.WRONG)

    @property
    def unknown(self) -> set[str]:
        """What could not be told."""
        return self.marked(Mark.UNKNOWN)

    def of(self, check: str) -> Finding:
        """The one finding of a check."""
        (found,) = [one for one in self.findings if one.check == check]
        return found


@dataclass
class ChecksHarness:
    """The stand-ins and the environment; `check` examines and sees that nothing was touched."""

    slack: FakeSlack
    genesys: FakeGenesys
    environ: dict[str, str]
    folder: Path

    @property
    def client(self) -> FakeOAuthClient:
        """The bot's OAuth client."""
        return self.genesys.state.clients[CLIENT.id]

    async def check(
        self, environ: Mapping[str, str] | None = None, *, ahead: float = 0.0, seconds: float = SECONDS
    ) -> Report:
        """Examine, with some settings overridden (an empty value unsets) and the clock so many seconds ahead."""
        before = self._state()
        findings = await examine(self.environ | dict(environ or {}), clock=lambda: time.time() + ahead, seconds=seconds)
        assert self._state() == before
        assert [entry for entry in self.genesys.requests if entry.method not in ("GET", "POST")] == []
        assert {call.method for call in self.slack.calls} <= QUESTIONS
        assert all(one.advice for one in findings if one.mark is Mark.WRONG)
        return Report(findings)

    def _state(self) -> object:
        files = {path.name: path.read_bytes() for path in self.folder.iterdir() if not path.name.endswith("-shm")}
        sessions = {one.id: one.sessions for one in self.genesys.users.values()}
        return files, sorted(path.name for path in self.folder.iterdir()), sessions, list(self.slack.messages)


@asynccontextmanager
async def ward_in(folder: Path, *, socket_mode: bool = False) -> AsyncIterator[ChecksHarness]:
    """Open a ward; the database is not there yet."""
    slack = FakeSlack(
        members=personas.members(), groups=personas.groups(), channels=personas.channels(), socket_mode=socket_mode
    )
    genesys = FakeGenesys(users=genesys_users())
    try:
        await slack.start()
        yield ChecksHarness(slack, genesys, environment(slack, await genesys.start(), folder), folder)
    finally:
        await genesys.stop()
        await slack.stop()
