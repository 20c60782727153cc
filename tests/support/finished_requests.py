"""Finished requests in a store, without the messages that Slack's rate limit would delay."""

from __future__ import annotations

from bot.db.requests import RequestStore
from bot.db.transaction import Transaction


async def copy_finished_request(store: RequestStore, count: int) -> list[str]:
    """Store copies of the only request, which has finished; return their references.

    Each copy finished a second before the one that follows it, and the last a second before the request.
    """

    def step(tx: Transaction) -> list[str]:
        source, item = (tx.fetch(f"SELECT * FROM {table}")[0]._asdict() for table in ("requests", "items"))  # noqa: S608
        copies = []
        for number in range(count):
            changed = dict.fromkeys(("id", "reference", "ask_key"), f"COPY{number:03}")
            changed |= {name: source[name] - (count - number) for name in ("created_at", "finished_at")}
            copies.append(source | changed)
            insert(tx, "requests", copies[-1])
            insert(tx, "items", item | {"request_id": changed["id"]})
        return [one["reference"] for one in copies]

    return await store.database.write(step)


def insert(tx: Transaction, table: str, row: dict[str, object]) -> None:
    """Insert a row with a value for each of its columns."""
    tx.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(f':{one}' for one in row)})", **row)  # noqa: S608
