"""A thousand random manipulations of an audit log with checkpoints, all of which a verification finds.

`make tampering` does the same with a log of 100,000 rows.
"""

from __future__ import annotations

import copy
import os
import random
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from bot.audit_log.verify import verify_rows
from bot.db.audit_pages import LogRow
from bot.domain.audit import AuditEvent, EventType
from bot.domain.audit_chain import ERASED, GENESIS, AuditChain, ChainVerifier, Checkpoint, checkpoint_of, erased_digest
from bot.domain.erasure import Erasure
from tests.support.examples import BEN, NOON, OLIVIA, RAVI, TOM_IN_GENESYS

ROWS = int(os.environ.get("AUDIT_ROWS", "150"))
"""Rows of the log."""

MANIPULATIONS = 1_000

INTERVAL = 1_000
"""Rows after which a verifier is kept, so that the rows before a manipulation are not verified a thousand times."""

CHECKPOINTS = 12
"""Checkpoints of the log; the last one covers its last row."""

KEYED, PLAIN, STOLEN = AuditChain("the key of these tests"), AuditChain(), AuditChain("a key of someone else")

Log = list[LogRow]
Attack = Callable[[Log, random.Random, AuditChain], Log]


def event_of(rng: random.Random, number: int) -> AuditEvent:
    return AuditEvent(
        NOON + number,
        rng.choice(list(EventType)[4:]),
        rng.choice((RAVI, OLIVIA, BEN, "bot")),
        f"R{number // 3}",
        f"request-{number // 3}",
        rng.choice((TOM_IN_GENESYS.id, None)),
        {"reason": "laptop stolen", "status": rng.randrange(600)},
        f"{rng.getrandbits(128):032x}",
    )


def chained(rows: Sequence[LogRow], chain: AuditChain, start: int = 0) -> Log:
    """Return rows whose numbers and hashes are computed from a place on, as a program with this key does."""
    done = list(rows[:start])
    for number, row in enumerate(rows[start:], start=start + 1):
        last = done[-1].hash if done else GENESIS
        done.append(LogRow(number, row.event, chain.hash(row.event, last, number)))
    return done


@cache
def original(chain: AuditChain) -> tuple[Log, tuple[Checkpoint, ...]]:
    """Return a log in which some rows are erased, and its checkpoints."""
    rng = random.Random(17)  # noqa: S311
    log = chained([LogRow(None, event_of(rng, number), "") for number in range(ROWS - 1)], chain)
    erasure, listed = Erasure(frozenset({BEN}), "erased-1"), []
    for place in rng.sample(range(ROWS - 1), ROWS // 20):
        event = replace(erasure.event(log[place].event), salt=ERASED)
        log[place] = log[place]._replace(event=event)
        listed.append([place + 1, erased_digest(event, place + 1)])
    about = AuditEvent(NOON, EventType.ERASED, "operator", detail={"person": "erased-1", "rows": listed}, salt="salt")
    log = chained([*log, LogRow(None, about, "")], chain, len(log))
    numbers = [ROWS * part // CHECKPOINTS for part in range(1, CHECKPOINTS + 1)]
    return log, tuple(checkpoint_of(number, log[number - 1].hash) for number in numbers)


def changed(event: AuditEvent, rng: random.Random) -> AuditEvent:
    name, value = rng.choice((
        ("at", event.at + rng.choice((1e-3, -1.0, 3600.0))), ("tag", f"{event.tag}x"), ("actor", "U0SOMEBODY"),
        ("target", "another"), ("reference", None), ("request_id", "another"), ("detail", {}),
        ("salt", rng.choice((None, ERASED, "0"))), ("detail", dict(event.detail) | {"status": -1}),
    ))  # fmt: skip
    changes: dict[str, Any] = {name: value}
    return replace(event, **changes)


def same(one: LogRow, two: LogRow) -> bool:
    """Return whether two rows are the same in each column."""
    return one == two and one.event.salt == two.event.salt


def renumbered(log: Log) -> Log:
    return [row._replace(number=number) for number, row in enumerate(log, start=1)]


def edit(log: Log, rng: random.Random, _chain: AuditChain) -> Log:
    place = rng.randrange(len(log))
    return [*log[:place], log[place]._replace(event=changed(log[place].event, rng)), *log[place + 1 :]]


def delete(log: Log, rng: random.Random, _chain: AuditChain) -> Log:
    place = rng.randrange(len(log))
    left = [*log[:place], *log[place + rng.randint(1, 3) :]]
    return rng.choice((left, renumbered(left)))


def insert(log: Log, rng: random.Random, _chain: AuditChain) -> Log:
    place = rng.randrange(len(log) + 1)
    row = rng.choice((rng.choice(log), LogRow(place + 1, event_of(rng, place), rng.choice(log).hash)))
    grown = [*log[:place], row, *log[place:]]
    return rng.choice((grown, renumbered(grown)))


def swap(log: Log, rng: random.Random, _chain: AuditChain) -> Log:
    one, two = rng.sample(range(len(log)), 2)
    moved = list(log)
    moved[one], moved[two] = moved[two], moved[one]
    return rng.choice((moved, renumbered(moved)))


def truncate(log: Log, rng: random.Random, _chain: AuditChain) -> Log:
    return log[: rng.randrange(len(log))]


def rewrite(log: Log, rng: random.Random, chain: AuditChain) -> Log:
    """Manipulate the log and compute all hashes from there on."""
    attacked = rng.choice((edit, delete, insert, swap))(log, rng, chain)
    first = first_difference(log, attacked)
    return attacked if first is None else chained(attacked, chain, first)


def rewrite_with_the_key(log: Log, rng: random.Random, chain: AuditChain) -> Log:
    return rewrite(log, rng, chain)


def rewrite_without_the_key(log: Log, rng: random.Random, _chain: AuditChain) -> Log:
    return rewrite(log, rng, rng.choice((PLAIN, STOLEN)))


def truncate_and_extend(log: Log, rng: random.Random, chain: AuditChain) -> Log:
    """Cut the end off and write as many other rows."""
    kept = rng.randrange(len(log))
    others = [LogRow(None, event_of(rng, number), "") for number in range(kept, len(log))]
    return chained([*log[:kept], *others], chain, kept)


def erase_without_the_key(log: Log, rng: random.Random, _chain: AuditChain) -> Log:
    """Mark a row as erased, with other content."""
    place = rng.randrange(len(log) - 1)
    event = replace(log[place].event, salt=ERASED, actor="U0SOMEBODY")
    return [*log[:place], log[place]._replace(event=event), *log[place + 1 :]]


ATTACKS: tuple[Attack, ...] = (
    edit, delete, insert, swap, truncate, rewrite_with_the_key, rewrite_without_the_key, truncate_and_extend,
    erase_without_the_key,
)  # fmt: skip


async def problem(
    log: Log, chain: AuditChain, checkpoints: Sequence[Checkpoint], verified: ChainVerifier | None = None
) -> str | None:
    """Verify the rows of a log as `audit verify` does, after those that were `verified`."""
    verifier = copy.deepcopy(verified or ChainVerifier([chain]))
    start = verifier.number

    async def rows() -> AsyncGenerator[LogRow, None]:
        for row in log[start:]:
            yield row

    async with aclosing(rows()) as listed:  # at once, because each holds a log of its own
        return await verify_rows(listed, verifier, chain, [one for one in checkpoints if one.number > start])


@cache
def verified(chain: AuditChain) -> list[ChainVerifier]:
    """Return verifiers of the beginnings of the original log, each a thousand rows longer than the last."""
    verifier, found = ChainVerifier([chain]), []
    for row in original(chain)[0]:
        if verifier.number % INTERVAL == 0:
            found.append(copy.deepcopy(verifier))
        assert verifier.add(row.event, row.hash, row.number) is None
    return found


def first_difference(one: Log, two: Log) -> int | None:
    """Return the first place in which two logs differ, None if they are the same."""
    place = next((place for place, pair in enumerate(zip(one, two, strict=False)) if not same(*pair)), None)
    return min(len(one), len(two)) if place is None and len(one) != len(two) else place


@pytest.mark.parametrize("chain", [KEYED, PLAIN], ids=["key", "no key"])
async def test_unchanged_log__has_no_problem(chain: AuditChain) -> None:
    log, checkpoints = original(chain)
    assert await problem(log, chain, checkpoints) is None
    assert sum(row.event.salt == ERASED for row in log) == ROWS // 20


@pytest.mark.parametrize("chain", [KEYED, PLAIN], ids=["key", "no key"])
async def test_random_manipulations__are_all_found(chain: AuditChain) -> None:
    log, checkpoints = original(chain)
    missed, done = [], 0
    for seed in range(MANIPULATIONS):
        rng = random.Random(seed)  # noqa: S311
        attack = ATTACKS[seed % len(ATTACKS)]
        attacked = attack(log, rng, chain)
        place = first_difference(attacked, log)
        if place is None:
            continue
        done += 1
        unchanged = verified(chain)[min(place, len(log) - 1) // INTERVAL]
        if await problem(attacked, chain, checkpoints, unchanged) is None:
            missed.append((seed, attack.__name__))
    assert missed == []
    assert done > MANIPULATIONS * 0.95  # the others had no effect, such as an edit to what was there
