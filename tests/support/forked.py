"""The bot as a process that is a copy of one which has imported it.

The import takes most of the processor time of a short process. A copy has descriptors, signals, variables and an end
of its own, as if `python -m bot` had started it.
"""

from __future__ import annotations

import asyncio
import atexit
import gc
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

import bot.app
import bot.audit_log.commands
import bot.audit_log.erase
import bot.cli

ROOT = Path(__file__).parents[2]

MAX_MESSAGE = 65536
"""Maximum size of the arguments and variables of a process, in bytes."""


class ForkedProcess:
    """A started copy, with the part of `asyncio.subprocess.Process` that tests use."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the process has ended."""
        if self.returncode is None:
            with suppress(ProcessLookupError):  # it has ended, and its exit code is on the way
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)


async def fork_bot(
    arguments: Sequence[str], environ: Mapping[str, str]
) -> tuple[ForkedProcess, asyncio.Task[tuple[bytes, bytes]]]:
    """Start the bot with only these environment variables; return the process and its whole output."""
    (out, their_out), (err, their_err) = os.pipe(), os.pipe()
    connection, theirs = socket.socketpair()
    socket.send_fds(_forking_process(), [b"1"], [theirs.fileno()])
    socket.send_fds(connection, [json.dumps([arguments, dict(environ)]).encode()], [their_out, their_err])
    theirs.close()
    os.close(their_out)
    os.close(their_err)
    reader, writer = await asyncio.open_connection(sock=connection)
    process = ForkedProcess(int(await reader.readline()))

    async def output() -> tuple[bytes, bytes]:
        printed = await asyncio.gather(_read(out), _read(err))
        process.returncode = int(await reader.readline())
        writer.close()
        return printed

    return process, asyncio.create_task(output())


async def _read(descriptor: int) -> bytes:
    reader = asyncio.StreamReader()
    pipe = os.fdopen(descriptor, "rb")
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    return await reader.read()


@cache
def _forking_process() -> socket.socket:
    """Start the process that is copied, once; return the socket that it reads until this process ends."""
    control, theirs = socket.socketpair()
    command = [sys.executable, "-m", "tests.support.forked", str(theirs.fileno())]
    process = subprocess.Popen(command, cwd=ROOT, pass_fds=[theirs.fileno()], stdout=subprocess.DEVNULL)
    theirs.close()

    @atexit.register
    def stop() -> None:
        control.close()
        process.wait()

    return control


def serve_copies(control: socket.socket) -> int:
    """Start a copy of this process for each connection that arrives; return in a copy, with its exit code."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # so that the copies need not be waited for
    gc.freeze()
    while True:
        received, descriptors, *_ = socket.recv_fds(control, 1, 1)
        if not received:
            return 0
        if os.fork() == 0:
            control.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            run_in_copy(socket.socket(fileno=descriptors[0]))
            return bot.cli.main(sys.argv[1:])
        os.close(descriptors[0])


def run_in_copy(connection: socket.socket) -> None:
    """Continue as the bot in another copy, whose id and exit code this one sends."""
    message, (out, err), *_ = socket.recv_fds(connection, MAX_MESSAGE, 2)
    arguments, environ = json.loads(message)
    pid = os.fork()
    if pid:
        os.close(out)
        os.close(err)
        connection.sendall(b"%d\n" % pid)
        connection.sendall(b"%d\n" % os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        os._exit(0)
    connection.close()
    for descriptor, number in ((out, 1), (err, 2)):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(environ)
    sys.argv = [str(ROOT / "bot" / "__main__.py"), *arguments]


if __name__ == "__main__":
    sys.exit(serve_copies(socket.socket(fileno=int(sys.argv[1]))))
