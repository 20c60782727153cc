"""Store an approved bulk request in the database of a running bot.

`python -m bench.subject.bulk_request <name> <people> <first number>`, with the settings of the bot in the environment.
"""

from __future__ import annotations

import asyncio
import os
import sys

from bot.bootstrap.options import rules_of, seals_of
from bot.db.clicks import ClickStore
from bot.db.connect import database_from_settings
from bot.db.job_queue import JobQueue
from bot.db.requests import RequestStore
from bot.domain.bulk import BulkEntry, BulkSource, EntryFinding, summarize
from bot.domain.people import Person
from bot.domain.requests import Event, MessageRef, Request
from bot.settings import read_settings

APPROVER = "U0APPROVER"


async def approve(name: str, people: int, first: int) -> None:
    """Store the request, and approve it."""
    settings = read_settings(dict(os.environ))
    database = database_from_settings(settings)
    store = RequestStore(database, JobQueue(database, "bench#1"), seals_of(settings), lanes=settings.token_pool)
    numbers = range(first, first + people)
    found = [Person(f"{number:08x}-0000-4000-8000-000000000000", f"Person {number}") for number in numbers]
    entries = [BulkEntry(one.id, EntryFinding.FOUND, one) for one in found]
    request = Request(
        id=name, reference=name, action="revoke", requester=APPROVER, requested_in="C0OPS00001", created_at=0.0,
        expires_at=0.0, rules=rules_of(settings), bulk=summarize(BulkSource.LIST, entries),
        card=MessageRef("D0APPROVER"),
    )  # fmt: skip
    await store.create(request, ttl=900.0, key=name, command_url=None, entries=entries)
    click = await store.record_click(name, f"click on {name}", {"action": "approve", "user_id": APPROVER})
    stored = await store.get(name)
    if click is None or stored is None:
        raise RuntimeError("the request exists already")
    await ClickStore(store).apply(stored, Event.APPROVE, job=click, by=APPROVER)
    await database.close()


if __name__ == "__main__":
    asyncio.run(approve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
