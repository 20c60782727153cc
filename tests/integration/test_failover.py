"""A PostgreSQL standby that takes over, poolers, and a disk that is full."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from bot.checks.database import check_database
from bot.domain.audit import EventType
from bot.domain.audit_chain import first_invalid
from bot.errors import SettingsError
from bot.sandbox import personas
from bot.settings import read_settings
from bot.web.readiness import EXPLANATIONS
from tests.support.examples import REQUIRED_SETTINGS
from tests.support.postgres import PASSWORD, UNPRIVILEGED_USER, Server
from tests.support.process import free_port
from tests.support.proxy import proxy_to
from tests.support.replicas import Replicas, start_replicas

pytestmark = pytest.mark.heavy

REVOKED = "Revoked: all sessions of Tom Target"

WAIT_TIMEOUT = 30.0
"""Maximum time that a test waits for a server, in seconds."""


async def revoke(replicas: Replicas, reason: str, replica: int = 0) -> None:
    """Request, approve and execute a revocation."""
    before = len(replicas.deletes)
    card = await replicas.request_card(personas.OLIVIA, f"revoke @tom {reason}", replica)
    assert (await replicas.click(personas.OLIVIA, card, replica)).status == 200
    await replicas.wait_until_idle()
    assert len(replicas.deletes) == before + 1


async def test_failover__to_a_standby_and_back_needs_no_restart(postgres: Server, tmp_path: Path) -> None:
    if postgres.programs is None:
        pytest.skip("the tests do not control the server that TEST_DATABASE_URL names")
    async with postgres.database() as url:
        with postgres.standby() as standby:
            async with proxy_to(url) as proxy, start_replicas(tmp_path, proxy.route(url)) as replicas:
                await revoke(replicas, "on the primary")
                card = await replicas.request_card(personas.OLIVIA, "revoke @tom during the failover")

                proxy.redirect(standby.url)
                proxy.disconnect()
                missing = await replicas.wait_for_readyz(503)
                refused = await replicas.click(personas.OLIVIA, card, 0)
                proxy.redirect(url)  # and the connections to the standby stay open
                await replicas.wait_for_readyz(200)
                accepted = await replicas.click(personas.OLIVIA, card, 0)
                await replicas.wait_until_idle()

                postgres.stop()
                standby.promote()
                proxy.redirect(standby.url)
                await replicas.wait_for_readyz(200)
                await revoke(replicas, "on the promoted standby")
                trail = await replicas.store.audit_events()
                deletes = len(replicas.deletes)
        postgres.start()

    assert missing["store"] == EXPLANATIONS["store"]
    assert (refused.status, accepted.status) == (503, 200)
    assert deletes == 3
    assert first_invalid(trail) is None


@contextmanager
def pgbouncer(server: Server, mode: str) -> Iterator[str]:
    """Run a pooler in front of a server; yield its URL for the server's databases."""
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        pytest.skip("no pgbouncer (Debian's package pgbouncer)")
    with TemporaryDirectory(prefix="bot-pooler-") as folder:
        home, port = Path(folder), free_port()
        home.chmod(0o755)
        upstream = server.url.rpartition("@")[2].partition("/")[0]
        host, _, upstream_port = upstream.partition(":")
        (home / "users").write_text(f'"bot" "{PASSWORD}"\n')
        (home / "pgbouncer.ini").write_text(
            f"[databases]\n* = host={host} port={upstream_port}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
            "auth_type = scram-sha-256\n"
            f"auth_file = {home}/users\npool_mode = {mode}\ndefault_pool_size = 2\n"
        )
        user: dict[str, Any] = {"user": UNPRIVILEGED_USER, "extra_groups": []} if os.geteuid() == 0 else {}
        command = [program, "-q", str(home / "pgbouncer.ini")]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL, **user)
        try:
            yield server.url.replace(f"@{upstream}", f"@127.0.0.1:{port}")
        finally:
            process.terminate()
            process.wait(WAIT_TIMEOUT)


@pytest.mark.parametrize("mode", ["transaction", "session"])
async def test_pooler__in_each_mode_serves_two_replicas(postgres: Server, tmp_path: Path, mode: str) -> None:
    """In transaction mode every transaction may get another session, so none may rely on the state of one."""
    async with postgres.database(empty=True) as url:
        with pgbouncer(postgres, mode) as pooler:
            pooled = f"{pooler.rpartition('/')[0]}/{url.rpartition('/')[2]}"
            async with start_replicas(tmp_path, pooled, pooled) as replicas:
                await asyncio.gather(*(replicas.wait_for_readyz(200, one) for one in range(2)))
                for number in range(6):
                    await revoke(replicas, f"number {number}", number)
                trail = await replicas.store.audit_events()

    assert first_invalid(trail) is None
    assert [event.tag for event, _ in trail].count(EventType.REVOKED) == 6
    assert len(replicas.deletes) == 6


async def test_pooler__that_allows_no_transaction_is_refused(postgres: Server, tmp_path: Path) -> None:
    async with postgres.database() as url:
        with pgbouncer(postgres, "statement") as pooler:
            pooled = f"{pooler.rpartition('/')[0]}/{url.rpartition('/')[2]}"
            with pytest.raises(SettingsError, match="pooler is in statement mode"):
                async with start_replicas(tmp_path, pooled):
                    pass
            settings = read_settings(REQUIRED_SETTINGS | {"DATABASE_URL": pooled})
            with pytest.raises(SettingsError, match="pooler is in statement mode"):
                await check_database(settings)


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Mount a file system of 4 MiB in memory."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)],  # noqa: S607 - a system program
        check=False,
        capture_output=True,
    )
    if mounted.returncode:
        pytest.skip("a file system can be mounted only by root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)  # noqa: S607


def fill(path: Path) -> None:
    """Write a file until the disk is full."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 4096):
            pass


async def test_full_disk__is_reported_and_loses_nothing(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        url = f"sqlite:///{disk}/bot.db"
        async with start_replicas(tmp_path, url) as replicas:
            card = await replicas.request_card(personas.OLIVIA, "revoke @tom before the disk was full")
            await replicas.wait_until_idle()
            fill(disk / "other")

            missing = await replicas.wait_for_readyz(503)
            refused = await replicas.click(personas.OLIVIA, card, 0)
            await replicas.wait_for_message("disk is full or broken. *Nothing was changed.*")
            assert not replicas.deletes

            (disk / "other").unlink()
            await replicas.wait_for_readyz(200)
            accepted = await replicas.click(personas.OLIVIA, card, 0)
            await replicas.wait_until_idle()

    assert missing["store"] == EXPLANATIONS["store"]
    assert (refused.status, accepted.status) == (503, 200)
    assert len(replicas.deletes) == 1
