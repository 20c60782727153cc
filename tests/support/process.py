"""The bot as a child process between fakes in the test: started, killed and started again."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import sqlite3
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import ClientError, ClientSession

from bot.sandbox import personas
from bot.sandbox.genesys.server import FakeGenesys, RecordedRequest
from bot.sandbox.server import environment, genesys_users
from bot.sandbox.slack.messages import PostedMessage
from bot.sandbox.slack.server import FakeSlack
from tests.support.forked import ForkedProcess, fork_bot
from tests.support.schema import put_database

ROOT = Path(__file__).parents[2]
WAIT_TIMEOUT = 45.0
"""Maximum time a test waits for an event, in seconds. Long, because a test machine can be slow."""


@dataclass(frozen=True)
class ExitResult:
    """The exit code and the whole output of a process."""

    code: int
    stdout: str
    stderr: str


@dataclass
class ProcessHandle:
    """One started process of the bot."""

    process: asyncio.subprocess.Process | ForkedProcess
    output: asyncio.Task[tuple[bytes, bytes]]

    async def kill(self) -> ExitResult:
        """Kill the process with SIGKILL and return its result."""
        self.process.kill()
        return await self.wait()

    async def wait(self) -> ExitResult:
        """Wait until the process exits."""
        async with asyncio.timeout(WAIT_TIMEOUT):
            out, err = await self.output
        return ExitResult(self.process.returncode or 0, out.decode(), err.decode())


RunBot = Callable[[Sequence[str], dict[str, str]], Awaitable[ProcessHandle]]
"""Starts the bot with these arguments and environment variables."""


async def run_bot(arguments: Sequence[str], environ: dict[str, str]) -> ProcessHandle:
    """Start `python -m bot <arguments>` with only these environment variables."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        *arguments,
        cwd=ROOT,
        env=kept_variables() | environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    return ProcessHandle(process, asyncio.create_task(process.communicate()))


async def fork(arguments: Sequence[str], environ: dict[str, str]) -> ProcessHandle:
    """Start the bot as a copy of a process that has imported it, with only these environment variables.

    It takes a quarter of the processor time of `run_bot`.
    """
    return ProcessHandle(*await fork_bot(arguments, kept_variables() | environ))


def kept_variables() -> dict[str, str]:
    """Return the environment variables of this process that another one needs."""
    names = ("PATH", "HOME", "LANG", "COVERAGE_PROCESS_START")
    return {name: value for name, value in os.environ.items() if name in names}


@dataclass
class PausedSleep:
    """A replacement for the fake Slack's sleep: a delayed call waits until the test releases it."""

    entered: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, _seconds: float) -> None:
        self.entered.set()
        await self.released.wait()


@dataclass
class BotProcess:
    """The fakes, the bot's environment, and every process the test has started with it."""

    slack: FakeSlack
    genesys: FakeGenesys
    environ: dict[str, str]
    database: Path
    slack_delay: PausedSleep
    session: ClientSession
    run: RunBot = run_bot
    started: list[ProcessHandle] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The base URL of the bot, the same after each start."""
        return f"http://127.0.0.1:{self.environ['PORT']}"

    async def start(self, *arguments: str, **environ: str) -> ProcessHandle:
        """Start the bot without waiting for it."""
        handle = await self.run(arguments, self.environ | environ)
        self.started.append(handle)
        return handle

    async def serve(self, *arguments: str, **environ: str) -> ProcessHandle:
        """Start the bot and wait until it is ready."""
        handle = await self.start(*arguments, **environ)
        await self.wait_for_readyz(200)
        return handle

    async def wait_for_readyz(self, status: int) -> dict[str, Any]:
        """Wait until `/readyz` returns a status; return the problems it lists."""
        async with asyncio.timeout(WAIT_TIMEOUT):
            while True:
                with suppress(ClientError):
                    found, missing = await self.readyz()
                    if found == status:
                        return missing
                await asyncio.sleep(0.05)

    async def readyz(self) -> tuple[int, dict[str, Any]]:
        """Return the status of `/readyz` and the problems it lists."""
        async with self.session.get(f"{self.url}/readyz") as response:
            body = await response.json()
            return response.status, body["missing"]

    async def wait_for_slack_delay(self) -> None:
        """Wait until the fake Slack delays a call."""
        async with asyncio.timeout(WAIT_TIMEOUT):
            await self.slack_delay.entered.wait()

    async def wait_for_request(self, operation: str, count: int = 1) -> None:
        """Wait until the fake Genesys Cloud has received an operation `count` times."""
        async with asyncio.timeout(WAIT_TIMEOUT):
            await self.genesys.wait_for_request(operation, count)

    async def request_card(self, user_id: str, line: str) -> PostedMessage:
        """Send a command as a user; return the card once the bot has posted it."""
        await self.slack.command(user_id, line, personas.OPS)
        return await self.slack.wait_for_message(lambda message: bool(self.slack.buttons(message)), WAIT_TIMEOUT)

    async def wait_for_message(self, text: str, channel_id: str | None = None) -> PostedMessage:
        """Wait until a message contains a text, in one channel if given."""
        return await self.slack.wait_for_message(
            lambda message: channel_id in (None, message.channel_id) and text in self.slack.text_of(message),
            WAIT_TIMEOUT,
        )

    @property
    def deletes(self) -> list[RecordedRequest]:
        """Every DELETE of a person's tokens that the fake Genesys Cloud received."""
        return self.genesys.received("delete_token")

    def audit_rows(self) -> list[tuple[Any, ...]]:
        """Return every row of the audit table on disk, oldest first."""
        with closing(sqlite3.connect(self.database)) as connection:
            return connection.execute("SELECT * FROM audit ORDER BY id").fetchall()

    def audit_tags(self) -> list[str]:
        """Return the tags in the audit table, oldest first, without the rules at the start."""
        with closing(sqlite3.connect(self.database)) as connection:
            rows = connection.execute("SELECT tag FROM audit WHERE tag <> 'bot:settings' ORDER BY id")
            return [tag for (tag,) in rows]

    async def wait_until_idle(self) -> None:
        """Wait until every job in the database is done."""
        async with asyncio.timeout(WAIT_TIMEOUT):
            while self._open_jobs():  # noqa: ASYNC110 - another process's database sends no event
                await asyncio.sleep(0.05)

    def _open_jobs(self) -> int:
        with closing(sqlite3.connect(self.database)) as connection:
            return int(
                connection.execute("SELECT count(*) FROM jobs WHERE done_at IS NULL AND kind <> 'reminder'").fetchone()[
                    0
                ]
            )


@asynccontextmanager
async def bot_process(
    folder: Path,
    *,
    socket_mode: bool = False,
    migrated: bool = False,
    sleep: Callable[[float], Awaitable[None]] | None = None,
    run: RunBot = run_bot,
) -> AsyncIterator[BotProcess]:
    """Start the fakes and, if `migrated`, create the database; kill remaining processes at the end.

    `sleep` replaces the pause of a delayed call of Slack, which otherwise lasts until the test releases it.
    `run` starts the bot: `run_bot` or `fork`.
    """
    delay = PausedSleep()
    slack = FakeSlack(
        members=personas.members(),
        groups=personas.groups(),
        channels=personas.channels(),
        sleep=sleep or delay,
        socket_mode=socket_mode,
    )
    genesys = FakeGenesys(users=genesys_users())
    await slack.start()
    environ = environment(slack, await genesys.start(), folder) | {
        "PORT": str(free_port()),
        "MAX_OPEN_REQUESTS": "100",
        "WATCH_FOR": "off",
    }
    database = Path(environ["DATABASE_URL"].removeprefix("sqlite:///"))
    if migrated:
        put_database(database)
    slack.events_url = f"http://127.0.0.1:{environ['PORT']}/slack/events"
    async with ClientSession() as session:
        bot = BotProcess(slack, genesys, environ, database, delay, session, run)
        try:
            yield bot
        finally:
            delay.released.set()
            for handle in bot.started:
                if handle.process.returncode is None:
                    handle.process.send_signal(signal.SIGKILL)
                await handle.wait()
            await genesys.stop()
            await slack.stop()


def free_port() -> int:
    """Return a free port below the ephemeral range, so that the kernel gives it to no other socket."""
    while True:
        port = secrets.choice(range(10_000, 32_768))
        with socket.socket() as found, suppress(OSError):
            found.bind(("127.0.0.1", port))
            return port
