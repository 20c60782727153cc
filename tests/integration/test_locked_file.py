"""While another program locks the database file, the bot acknowledges no click."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from aiohttp import ClientSession

from bot.sandbox import personas
from tests.support.app_harness import AppHarness

DONE = "Revoked: all sessions of Tom Target"
RECOVERY_TIMEOUT = 60.0
"""Maximum time to wait for the lock and for readiness, in seconds. Long, because a test machine can be slow."""


async def readyz(session: ClientSession, app: AppHarness) -> tuple[int, dict[str, str]]:
    """Return the status of `/readyz` and the problems it lists."""
    async with session.get(f"{app.url}/readyz") as response:
        return response.status, (await response.json())["missing"]


async def test_locked_file__is_reported_acknowledges_no_click_and_is_used_again(app: AppHarness) -> None:
    card = await app.request_card(personas.OLIVIA, "revoke @tom")
    await app.wait_until_idle()

    file = Path(app.environ["DATABASE_URL"].removeprefix("sqlite:///"))
    connection = sqlite3.connect(file, timeout=RECOVERY_TIMEOUT, isolation_level=None, check_same_thread=False)
    with closing(connection) as other:
        await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")  # in a thread, so that the bot can release its lock
        async with ClientSession() as session:
            (status, missing), click = await asyncio.gather(
                readyz(session, app), app.slack.click(personas.OLIVIA, card, "approve")
            )
            other.execute("ROLLBACK")
            async with asyncio.timeout(RECOVERY_TIMEOUT):
                while (await readyz(session, app))[0] != 200:  # noqa: ASYNC110 - readiness sends no event
                    await asyncio.sleep(0.05)

    assert (status, set(missing)) == (503, {"store"})
    assert click.status != 200  # 503, or none if Slack timed out before the bot could lock the file
    await app.slack.click(personas.OLIVIA, card, "approve", force=True)
    await app.wait_for_message(DONE)
    await app.wait_until_idle()
    assert len(app.deletes) == 1
    assert (await app.audit_tags()).count("request:approved") == 1
