"""Measured processes: start, call over stdio, read CPU time and memory, stop."""

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
BENCH = Path(__file__).parent
BOT_PYTHON = BENCH / ".bot/bin/python"
"""The Python with only the bot's runtime dependencies."""
DEV_PYTHON = ROOT / ".venv/bin/python"
"""The Python with the development dependencies, among them a PostgreSQL server."""
BASELINE_PYTHON = BENCH / ".venv/bin/python"
"""The Python with the baselines."""
BOLT_JS = BENCH / "node_modules/@slack/bolt"

WORK = BENCH / ".work"
STDERR_LOG = WORK / "stderr.log"
"""The standard error of all measured processes."""

SUBJECT_CORE, LOAD_CORE = 0, 1
"""The core of the measured process, and the core of load generator and fakes."""

READY_TIMEOUT = 60.0
"""Maximum time until a server is ready, in seconds."""
STOP_TIMEOUT = 15.0
"""Maximum time for a process to stop before it is killed, in seconds."""

_CPUCLOCK_SCHED = 2
"""The Linux clock that counts the CPU time of all threads of a process."""


class NotInstalledError(Exception):
    """A baseline is not installed on this machine."""


def cancel_on_sigterm() -> None:
    """Cancel the current task on SIGTERM, so that its context managers stop the processes they started."""
    task = asyncio.current_task()
    if task:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


@dataclass
class MeasuredProcess:
    """A running process; `started_at` is its start by `time.perf_counter`."""

    process: asyncio.subprocess.Process
    started_at: float
    port: int = 0

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid

    async def call(self, method: str, **arguments: Any) -> dict[str, Any]:
        """Call a method of the process (see `bench.stdio_server`) and return its result."""
        message = json.dumps({"method": method, "arguments": arguments})
        _require(self.process.stdin).write(message.encode() + b"\n")
        return await self.read_message()

    async def read_message(self) -> dict[str, Any]:
        """Wait for the next message; raise RuntimeError if the process exits first."""
        line = await _require(self.process.stdout).readline()
        if not line:
            raise RuntimeError(f"the process exited with {await self.process.wait()}; see {STDERR_LOG}")
        message: dict[str, Any] = json.loads(line)
        return message

    @property
    def cpu(self) -> float:
        """CPU time of all threads so far, in seconds (clock_getcpuclockid(3))."""
        return time.clock_gettime((~self.pid << 3) | _CPUCLOCK_SCHED)

    @property
    def rss(self) -> float:
        """Resident memory, in MiB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    async def stop(self) -> None:
        """Send SIGTERM and wait; kill the process after `STOP_TIMEOUT`."""
        if self.process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self.process.wait(), STOP_TIMEOUT)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


Stream = TypeVar("Stream")


def _require(stream: Stream | None) -> Stream:
    if stream is None:
        raise RuntimeError("the process has no such stream")
    return stream


Command = list[str | Path]


async def start(
    command: Command,
    environ: Mapping[str, str] | None = None,
    *,
    core: int | None = SUBJECT_CORE,
    port: int = 0,
    cwd: Path = ROOT,
) -> MeasuredProcess:
    """Start a process on a core (None: on any) with only these environment variables."""
    if not os.access(command[0], os.X_OK):
        raise NotInstalledError(str(command[0]))
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    cores = set(range(os.cpu_count() or 1)) if core is None else {core}
    WORK.mkdir(exist_ok=True)
    started_at = time.perf_counter()
    with STDERR_LOG.open("ab") as stderr:
        process = await asyncio.create_subprocess_exec(
            *map(str, command),
            cwd=cwd,
            env=kept | dict(environ or {}) | ({"PORT": str(port)} if port else {}),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
            limit=2**22,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )
    return MeasuredProcess(process, started_at, port)


@asynccontextmanager
async def run_program(
    python: Path,
    module: str,
    *arguments: str,
    environ: Mapping[str, str] | None = None,
    core: int | None = SUBJECT_CORE,
) -> AsyncIterator[MeasuredProcess]:
    """Run a program that serves calls over stdio (see `bench.stdio_server`)."""
    running = await start([python, "-m", module, *arguments], environ, core=core)
    try:
        yield running
    finally:
        await running.stop()


@asynccontextmanager
async def run_server(
    command: Command,
    environ: Mapping[str, str],
    *,
    core: int | None = SUBJECT_CORE,
    port: int = 0,
    path: str = "",
    cwd: Path = ROOT,
) -> AsyncIterator[MeasuredProcess]:
    """Run a server, once it accepts connections or, if `path` is given, returns 200 there."""
    running = await start(command, environ, core=core, port=port or free_port(), cwd=cwd)
    try:
        await wait_until_ready(running, path)
        yield running
    finally:
        await running.stop()


async def wait_until_ready(running: MeasuredProcess, path: str = "") -> float:
    """Wait until a server listens or returns 200 at `path`; return the seconds since its start."""
    async with asyncio.timeout(READY_TIMEOUT):
        while not await _is_ready(running.port, path):
            if running.process.returncode is not None:
                raise RuntimeError(f"the server exited with {running.process.returncode}; see {STDERR_LOG}")
            await asyncio.sleep(0.002)
    return time.perf_counter() - running.started_at


async def _is_ready(port: int, path: str) -> bool:
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
    """Return a port that is free now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def bot_command(*arguments: str) -> Command:
    """Return the bot's command line, `serve` by default."""
    return [BOT_PYTHON, "-m", "bot", *(arguments or ("serve",))]


def unpaced_bot_command() -> Command:
    """Return the command line of a bot that decides any number of clicks a minute."""
    return [BOT_PYTHON, "-m", "bench.subject.serve", "serve"]


def baseline_command(module: str, *arguments: str) -> Command:
    """Return the command line of a baseline."""
    return [BASELINE_PYTHON, "-m", f"bench.baselines.{module}", *arguments]
