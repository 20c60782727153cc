"""The rules: the settings that grant rights, and the form in which each request stores them."""

from __future__ import annotations

import json
from dataclasses import MISSING, dataclass, fields
from functools import lru_cache
from typing import Any

from bot.domain.bulk import SMALL_BULK
from bot.domain.canonical_json import encode
from bot.domain.principals import Principal, parse_principal

ALWAYS_STORED = frozenset({
    "approvers", "requesters", "admins", "protected", "self_approval", "approvals_required", "protected_approvals",
})  # fmt: skip
"""The fields of the first stored form.

A later field is stored only while it differs from its default. So rules that do not use it stay readable for an older
version, and seals of older requests stay valid.
"""


class UnknownRule(ValueError):
    """The name of a field, or a principal, that only a newer version of the bot knows."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings that grant rights: who may do what, and who is protected.

    `approvals_required` is the number of different approvers that a request about a person needs, and
    `protected_approvals` that for a protected person. The requester does not count for a protected person, nor where
    several approvers are needed. `bulk_approvals` is the number for a bulk request of more than `SMALL_BULK` people.
    """

    approvers: tuple[Principal, ...]
    requesters: tuple[Principal, ...] = ()
    admins: tuple[Principal, ...] = ()
    protected: tuple[Principal, ...] = ()
    self_approval: bool = True
    approvals_required: int = 1
    protected_approvals: int = 2
    break_glass: tuple[Principal, ...] = ()
    bulk_approvals: int = 2

    @property
    def effective_requesters(self) -> tuple[Principal, ...]:
        """REQUESTERS, or APPROVERS if REQUESTERS is empty."""
        return self.requesters or self.approvers

    def required(self, *, protected: bool) -> int:
        """Return how many approvals a target needs."""
        return self.protected_approvals if protected else self.approvals_required

    def required_for_bulk(self, people: int, *, protected: bool) -> int:
        """Return how many approvals a bulk request needs."""
        required = self.required(protected=protected)
        return max(required, self.bulk_approvals) if people > SMALL_BULK else required

    def requester_counts(self, required: int, *, protected: bool) -> bool:
        """Return whether an approval by the requester counts for a request that needs `required` approvals."""
        return self.self_approval and required == 1 and not protected


@lru_cache(maxsize=16)
def to_json(rules: Rules) -> str:
    """Return the canonical JSON of rules: the order of principals makes no difference."""
    return encode(_stored(rules))


def differences(one: Rules, other: Rules) -> list[str]:
    """Return the names of the settings in which rules differ."""
    first, second = _stored(one), _stored(other)
    return sorted(name.upper() for name in first.keys() | second.keys() if first.get(name) != second.get(name))


@lru_cache(maxsize=16)
def read_rules(text: str) -> Rules:
    """Return rules from their JSON.

    Raises UnknownRule for what only a newer version knows, and ValueError or TypeError for what none can read.
    """
    stored = json.loads(text)
    if not isinstance(stored, dict):
        raise TypeError
    unknown = stored.keys() - _TYPES.keys()
    if unknown:
        raise UnknownRule(min(unknown))
    return Rules(**{name: _read(value, _TYPES[name]) for name, value in stored.items()})


_TYPES = {field.name: tuple if field.default is MISSING else type(field.default) for field in fields(Rules)}


def _stored(rules: Rules) -> dict[str, Any]:
    values = {field.name: getattr(rules, field.name) for field in fields(rules)}
    defaults = {field.name: field.default for field in fields(rules) if field.name not in ALWAYS_STORED}
    return {name: _write(value) for name, value in values.items() if name not in defaults or value != defaults[name]}


def _write(value: Any) -> Any:
    return sorted({str(principal) for principal in value}) if isinstance(value, tuple) else value


def _read(value: Any, kind: type) -> Any:
    if isinstance(value, list):
        value = tuple(_read_principal(text) for text in value)
    if type(value) is not kind:
        raise TypeError
    return value


def _read_principal(text: Any) -> Principal:
    if not isinstance(text, str):
        raise TypeError
    try:
        return parse_principal(text)
    except ValueError:
        raise UnknownRule(text) from None
