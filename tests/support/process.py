"""The bot as a process of its own, between stand-ins that live in the test: started, killed, started again."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import sqlite3
import sys
from collections.abc import AsyncIterator, Sequence
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
from tests.support.schema import put_database

ROOT = Path(__file__).parents[2]
PATIENCE = 45.0
"""Seconds after which what does not come is missed: long, because machines are slow at times."""


@dataclass(frozen=True)
class Ended:
    """How a process ended, and all it ever said."""

    code: int
    stdout: str
    stderr: str


@dataclass
class Running:
    """One start of the bot."""

    process: asyncio.subprocess.Process
    output: asyncio.Task[tuple[bytes, bytes]]

    async def kill(self) -> Ended:
        """Take its life, as `kill -9` does."""
        self.process.kill()
        return await self.ended()

    async def ended(self) -> Ended:
        """Wait for its end."""
        async with asyncio.timeout(PATIENCE):
            out, err = await self.output
        return Ended(self.process.returncode or 0, out.decode(), err.decode())


async def run(arguments: Sequence[str], environ: dict[str, str]) -> Running:
    """Start `python -m bot <arguments>` with this environment and no other."""
    kept = {
        name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "COVERAGE_PROCESS_START")
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        *arguments,
        cwd=ROOT,
        env=kept | environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    return Running(process, asyncio.create_task(process.communicate()))


@dataclass
class Hold:
    """Something of Slack's that waits until it is let go; handed to the stand-in as its sleep."""

    begun: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, _seconds: float) -> None:
        self.begun.set()
        await self.over.wait()


@dataclass
class Stage:
    """The stand-ins, the environment that leads the bot to them, and whatever has been started."""

    slack: FakeSlack
    genesys: FakeGenesys
    environ: dict[str, str]
    database: Path
    hold: Hold
    session: ClientSession
    started: list[Running] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where the bot listens, each time."""
        return f"http://127.0.0.1:{self.environ['PORT']}"

    async def start(self, *arguments: str, **environ: str) -> Running:
        """Start the bot without waiting for it."""
        running = await run(arguments, self.environ | environ)
        self.started.append(running)
        return running

    async def serve(self, *arguments: str, **environ: str) -> Running:
        """Start the bot and wait until it is ready."""
        running = await self.start(*arguments, **environ)
        await self.becomes(200)
        return running

    async def becomes(self, status: int) -> dict[str, Any]:
        """Wait until `/readyz` answers so; returns what it names as missing."""
        async with asyncio.timeout(PATIENCE):
            while True:
                with suppress(ClientError):
                    found, missing = await self.ready()
                    if found == status:
                        return missing
                await asyncio.sleep(0.05)

    async def ready(self) -> tuple[int, dict[str, Any]]:
        """What `/readyz` says: its status and what is missing."""
        async with self.session.get(f"{self.url}/readyz") as answer:
            body = await answer.json()
            return answer.status, body["missing"]

    async def held(self) -> None:
        """Wait until Slack holds a call back."""
        async with asyncio.timeout(PATIENCE):
            await self.hold.begun.wait()

    async def wait_for_request(self, operation: str, count: int = 1) -> None:
        """Wait until Genesys Cloud has been asked for this so many times."""
        async with asyncio.timeout(PATIENCE):
            await self.genesys.wait_for_request(operation, count)

    async def card(self, user_id: str, line: str) -> PostedMessage:
        """Somebody asks; returns the card once it is posted."""
        await self.slack.command(user_id, line, personas.OPS)
        return await self.slack.wait_for_message(lambda message: bool(self.slack.buttons(message)), PATIENCE)

    async def reads(self, words: str, channel_id: str | None = None) -> PostedMessage:
        """Wait until a message, there if said, contains these words."""
        return await self.slack.wait_for_message(
            lambda message: channel_id in (None, message.channel_id) and words in self.slack.text_of(message), PATIENCE
        )

    @property
    def deletes(self) -> list[RecordedRequest]:
        """Every DELETE of a person's tokens that reached Genesys Cloud."""
        return self.genesys.received("delete_token")

    def rows(self) -> list[tuple[Any, ...]]:
        """Every row of the audit table as it stands on disk."""
        with closing(sqlite3.connect(self.database)) as connection:
            return connection.execute("SELECT * FROM audit ORDER BY id").fetchall()

    def trail(self) -> list[str]:
        """The tags in the audit table, oldest first."""
        with closing(sqlite3.connect(self.database)) as connection:
            return [tag for (tag,) in connection.execute("SELECT tag FROM audit ORDER BY id")]

    async def done(self) -> None:
        """Wait until nothing that is written down remains to be done."""
        async with asyncio.timeout(PATIENCE):
            while self._open():  # noqa: ASYNC110 - another process's database rings no bell
                await asyncio.sleep(0.05)

    def _open(self) -> int:
        with closing(sqlite3.connect(self.database)) as connection:
            return int(connection.execute("SELECT count(*) FROM jobs WHERE done_at IS NULL").fetchone()[0])


@asynccontextmanager
async def stage(folder: Path, *, socket_mode: bool = False, migrated: bool = False) -> AsyncIterator[Stage]:
    """Set the stage, with a database or with none yet; whatever still runs at the end is killed."""
    hold = Hold()
    slack = FakeSlack(
        members=personas.members(),
        groups=personas.groups(),
        channels=personas.channels(),
        sleep=hold,
        socket_mode=socket_mode,
    )
    genesys = FakeGenesys(users=genesys_users())
    await slack.start()
    environ = environment(slack, await genesys.start(), folder) | {"PORT": str(free_port())}
    database = Path(environ["DATABASE_URL"].removeprefix("sqlite:///"))
    if migrated:
        put_database(database)
    slack.events_url = f"http://127.0.0.1:{environ['PORT']}/slack/events"
    async with ClientSession() as session:
        set_up = Stage(slack, genesys, environ, database, hold, session)
        try:
            yield set_up
        finally:
            hold.over.set()
            for running in set_up.started:
                if running.process.returncode is None:
                    running.process.send_signal(signal.SIGKILL)
                await running.ended()
            await genesys.stop()
            await slack.stop()


def free_port() -> int:
    """A port nobody listens on; below those that the kernel hands out, so that it is free still when it is used."""
    while True:
        port = secrets.choice(range(10_000, 32_768))
        with socket.socket() as found, suppress(OSError):
            found.bind(("127.0.0.1", port))
            return port
