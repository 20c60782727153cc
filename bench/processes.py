"""Processes that are measured: started on a core of their own, asked to do things, their CPU and memory read."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).parents[1]
HERE = Path(__file__).parent
OURS = HERE / ".bot/bin/python"
"""The Python that has what the bot is shipped with, and nothing else."""
TOOLS = ROOT / ".venv/bin/python"
"""The Python that has what the project is developed with: a PostgreSQL, for one."""
PEERS = HERE / ".venv/bin/python"
"""The Python that has the peers."""
BOLT_JS = HERE / "node_modules/@slack/bolt"

SAID = HERE / ".work/said.log"
"""What measured programs say to standard error."""

MEASURED, LOAD = 0, 1
"""The cores: what is measured has the first for itself, load and stand-ins have the second."""

_WHOLE_PROCESS = 2
"""CPUCLOCK_SCHED, of Linux's clock ids."""
_PATIENCE = 60.0


class NotHereError(Exception):
    """A peer is not installed on this machine."""


@dataclass
class Process:
    """A running program."""

    process: asyncio.subprocess.Process
    began: float
    """When it was started, by `time.perf_counter`."""
    port: int = 0

    @property
    def pid(self) -> int:
        """Its number."""
        return self.process.pid

    async def ask(self, verb: str, **how: Any) -> dict[str, Any]:
        """Have it do something and return what it says of that."""
        _open(self.process.stdin).write(json.dumps({"verb": verb, **how}).encode() + b"\n")
        return await self.says()

    async def says(self) -> dict[str, Any]:
        """Wait for the next thing it says."""
        line = await _open(self.process.stdout).readline()
        if not line:
            raise RuntimeError(f"the program ended with {await self.process.wait()}; see {SAID}")
        told: dict[str, Any] = json.loads(line)
        return told

    @property
    def cpu(self) -> float:
        """Seconds of CPU it has used, all its threads together (clock_getcpuclockid(3))."""
        return time.clock_gettime((~self.pid << 3) | _WHOLE_PROCESS)

    @property
    def rss(self) -> float:
        """MiB of memory it holds now."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    async def stop(self) -> None:
        """End it."""
        if self.process.returncode is None:
            with suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self.process.wait(), 15)
            except TimeoutError:
                self.process.kill()
                await self.process.wait()


Stream = TypeVar("Stream")


def _open(stream: Stream | None) -> Stream:
    if stream is None:
        raise RuntimeError("the program has no such stream")
    return stream


Command = list[str | Path]


async def start(
    command: Command,
    environ: Mapping[str, str] | None = None,
    *,
    core: int | None = MEASURED,
    port: int = 0,
) -> Process:
    """Start a program on a core (None: on any) with this environment and no other."""
    if not os.access(command[0], os.X_OK):
        raise NotHereError(str(command[0]))
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    cores = set(range(os.cpu_count() or 1)) if core is None else {core}
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        cwd=ROOT,
        env=kept | dict(environ or {}) | ({"PORT": str(port)} if port else {}),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=SAID.open("ab"),
        limit=2**22,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    )
    return Process(process, began, port)


@asynccontextmanager
async def program(
    python: Path,
    module: str,
    *arguments: str,
    environ: Mapping[str, str] | None = None,
    core: int | None = MEASURED,
) -> AsyncIterator[Process]:
    """Run a program that does what it is asked (`bench.stdio_server`)."""
    running = await start([python, "-m", module, *arguments], environ, core=core)
    try:
        yield running
    finally:
        await running.stop()


@asynccontextmanager
async def server(
    command: Command,
    environ: Mapping[str, str],
    *,
    core: int | None = MEASURED,
    port: int = 0,
    path: str = "",
) -> AsyncIterator[Process]:
    """Run a server, once it accepts connections, or answers 200 at `path`."""
    running = await start(command, environ, core=core, port=port or free_port())
    try:
        await ready(running, path)
        yield running
    finally:
        await running.stop()


async def ready(running: Process, path: str = "") -> float:
    """Wait until a server listens, or answers 200 at `path`; returns the seconds since its start."""
    async with asyncio.timeout(_PATIENCE):
        while not await _answers(running.port, path):
            if running.process.returncode is not None:
                raise RuntimeError(f"the server ended with {running.process.returncode}; see {SAID}")
            await asyncio.sleep(0.002)
    return time.perf_counter() - running.began


async def _answers(port: int, path: str) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        if not path:
            return True
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        return (await reader.readline()).startswith(b"HTTP/1.1 200")
    except OSError:
        return False
    finally:
        writer.close()


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def bot(*arguments: str) -> Command:
    """The bot's own command."""
    return [OURS, "-m", "bot", *(arguments or ("serve",))]


def peer(module: str, *arguments: str) -> Command:
    """A peer's command."""
    return [PEERS, "-m", f"bench.baselines.{module}", *arguments]
