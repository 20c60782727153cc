"""A database file that another program keeps locked: nothing is acknowledged that is not kept, and then it goes on."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from aiohttp import ClientSession

from bot.sandbox import personas
from tests.support.app_harness import AppHarness

DONE = "Revoked: every session of Tom Target"


async def ready(session: ClientSession, app: AppHarness) -> tuple[int, dict[str, str]]:
    """What `/readyz` says: its status and what is missing."""
    async with session.get(f"{app.url}/readyz") as answer:
        return answer.status, (await answer.json())["missing"]


async def test_file__that_is_locked_is_named_acknowledges_no_click_and_is_used_again(app: AppHarness) -> None:
    card = await app.request_card(personas.OLIVIA, "revoke @tom")
    await app.wait_until_idle()

    file = Path(app.environ["DATABASE_URL"].removeprefix("sqlite:///"))
    with closing(sqlite3.connect(file, timeout=60, isolation_level=None, check_same_thread=False)) as another:
        await asyncio.to_thread(another.execute, "BEGIN IMMEDIATE")  # the bot in this loop has to let it in
        async with ClientSession() as session:
            (status, missing), click = await asyncio.gather(
                ready(session, app), app.slack.click(personas.OLIVIA, card, "approve")
            )
            another.execute("ROLLBACK")
            async with asyncio.timeout(60):
                while (await ready(session, app))[0] != 200:  # noqa: ASYNC110 - readiness rings no bell
                    await asyncio.sleep(0.05)

    assert (status, set(missing)) == (503, {"store"})
    assert click.status != 200  # 503, or none at all where Slack gave up before the file's turn came
    await app.slack.click(personas.OLIVIA, card, "approve", force=True)
    await app.wait_for_message(DONE)
    await app.wait_until_idle()
    assert len(app.deletes) == 1
    assert (await app.audit_tags()).count("request:approved") == 1
