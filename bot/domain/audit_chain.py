"""The chain of the audit log: each row's hash covers its number, what it says, and the row before it.

With `AUDIT_KEY` a hash is a message authentication code, so that who can write to the database cannot extend the log.
An erasure keeps the hash of a row: the row is then compared with the row about the erasure (`erased_digest`).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from enum import StrEnum
from typing import Any, NamedTuple

from bot.domain.audit import AuditEvent, EventType
from bot.domain.canonical_json import encode

GENESIS = "0" * 64
"""What the first row is chained to."""

CHECKPOINT_DIGITS = 16
"""Hexadecimal digits of a hash in a checkpoint."""

ERASED_DIGITS = 32
"""Hexadecimal digits of the digest of an erased row."""

EARLIER = "earlier"
"""The scheme of rows that versions before 0.2 wrote, whose hashes cover no number."""

UNKEYED = "sha256"
"""The scheme of rows without a key."""

ERASED = "erased"
"""The salt of a row from which personal data was erased. Its hash is still that of the whole row."""

_KEY_ID = b"purecloud-bot: id of an audit key, version 1"
_CHECKPOINT = re.compile(r"([1-9]\d{0,17}):([0-9a-f]{16})")


class AuditChain:
    """Computes hashes with one key, or with none.

    `scheme` names the key without revealing it. Each hash begins with it.
    """

    def __init__(self, key: str | None = None) -> None:
        self._key = key.encode() if key else None
        self.scheme = f"hmac-{hmac.digest(self._key, _KEY_ID, hashlib.sha256).hex()[:8]}" if self._key else UNKEYED

    @property
    def is_keyed(self) -> bool:
        """Whether a key protects the rows."""
        return self._key is not None

    def hash(self, event: AuditEvent, previous: str, number: int) -> str:
        """Return the hash of the row with this number, whose predecessor has the hash `previous`."""
        text = _canonical([previous, number, *_said(event)])
        if self._key is None:
            return f"{self.scheme}:{hashlib.sha256(text).hexdigest()}"
        return f"{self.scheme}:{hmac.digest(self._key, text, hashlib.sha256).hex()}"


def _said(event: AuditEvent) -> list[Any]:
    said = [
        f"{event.at:.6f}", event.tag, event.actor, event.reference, event.request_id, event.target, dict(event.detail)
    ]  # fmt: skip
    return said if event.salt is None else [*said, event.salt]


def _canonical(parts: Sequence[Any]) -> bytes:
    return encode(parts).encode()


def erased_digest(event: AuditEvent, number: int) -> str:
    """Return the digest of an erased row, which the row about the erasure lists.

    It protects what is left of the row.
    """
    return hashlib.sha256(_canonical([number, *_said(event)])).hexdigest()[:ERASED_DIGITS]


def earlier_hash(event: AuditEvent, previous: str) -> str:
    """Return the hash that versions before 0.2 stored."""
    return hashlib.sha256(_canonical([previous, *_said(event)])).hexdigest()


def scheme_of(found: str) -> str:
    """Return the scheme of a stored hash."""
    scheme, separator, _ = found.rpartition(":")
    return scheme if separator else EARLIER


class Checkpoint(NamedTuple):
    """The number of a row and the first digits of its hash, written down outside the database."""

    number: int
    digits: str

    def __str__(self) -> str:
        """Return the checkpoint as people write it."""
        return f"{self.number}:{self.digits}"


def checkpoint_of(number: int, found: str) -> Checkpoint:
    """Return the checkpoint of a row."""
    return Checkpoint(number, found.rpartition(":")[2][:CHECKPOINT_DIGITS])


def parse_checkpoint(text: str) -> Checkpoint:
    """Read a checkpoint. Raises ValueError."""
    found = _CHECKPOINT.fullmatch(text.strip().lower().removeprefix("audit "))
    if not found:
        raise ValueError(f"{text!r} is not a checkpoint; write NUMBER:HASH with 16 hexadecimal digits")
    return Checkpoint(int(found[1]), found[2])


class Defect(StrEnum):
    """Why a row does not fit into the chain."""

    CHANGED = "changed"
    """The row, or the one before it, was changed, moved, inserted or deleted."""
    NUMBER = "number"
    """The row has another number than its place in the log."""
    UNKNOWN_KEY = "unknown_key"
    """The row was written with a key that is not at hand."""
    UNPROTECTED = "unprotected"
    """The row has a weaker protection than a row before it."""
    NOT_ERASED = "not_erased"
    """The row looks erased, and no row about an erasure lists it as it is."""


class ChainVerifier:
    """Verifies rows one after the other, in flat memory.

    `chains` are the keys at hand; rows without a key need none.
    """

    def __init__(self, chains: Iterable[AuditChain] = ()) -> None:
        self._chains = {chain.scheme: chain for chain in (AuditChain(), *chains)}
        self._strongest = 0
        self._erased: dict[int, str] = {}
        self._listed: dict[int, str] = {}
        self.number = 0
        """The number of rows that were added."""
        self.head = GENESIS
        """The hash of the last row."""

    @property
    def checkpoint(self) -> Checkpoint:
        """The checkpoint of the last row."""
        return checkpoint_of(self.number, self.head)

    @property
    def erased(self) -> int:
        """The number of rows from which personal data was erased."""
        return len(self._erased)

    def first_unlisted(self) -> int | None:
        """Return the number of the first row that looks erased without an erasure, after all rows were added."""
        return next((number for number, digest in self._erased.items() if self._listed.get(number) != digest), None)

    def add(self, event: AuditEvent, found: str, number: int | None = None) -> Defect | None:
        """Add the next row; return what is wrong with it. `number` is the stored one."""
        self.number += 1
        scheme = scheme_of(found)
        strength = _strength(scheme)
        defect = self._defect(event, found, scheme, strength)
        if defect is None and number is not None and number != self.number:
            defect = Defect.NUMBER
        self._strongest = max(self._strongest, strength)
        self.head = found
        if event.tag == EventType.ERASED:
            self._listed.update(_listed_rows(event))
        return defect

    def _defect(self, event: AuditEvent, found: str, scheme: str, strength: int) -> Defect | None:
        if strength < self._strongest:
            return Defect.UNPROTECTED
        if event.salt == ERASED:
            self._erased[self.number] = erased_digest(event, self.number)
            return None
        if scheme == EARLIER:
            return None if earlier_hash(event, self.head) == found else Defect.CHANGED
        chain = self._chains.get(scheme)
        if chain is None:
            return Defect.UNKNOWN_KEY if scheme.startswith("hmac-") else Defect.CHANGED
        return None if hmac.compare_digest(chain.hash(event, self.head, self.number), found) else Defect.CHANGED


def _listed_rows(event: AuditEvent) -> dict[int, str]:
    """Return the erased rows that a row about an erasure lists, each with its digest."""
    with suppress(TypeError, ValueError):
        return {int(number): str(digest) for number, digest in event.detail.get("rows", ())}
    return {}


def _strength(scheme: str) -> int:
    return {EARLIER: 0, UNKEYED: 1}.get(scheme, 2)


def first_invalid(rows: Iterable[tuple[AuditEvent, str]], *chains: AuditChain) -> int | None:
    """Return the index of the first row that does not follow from its predecessors, None if all do."""
    verifier = ChainVerifier(chains)
    for place, (event, found) in enumerate(rows):
        if verifier.add(event, found):
            return place
    unlisted = verifier.first_unlisted()
    return None if unlisted is None else unlisted - 1
