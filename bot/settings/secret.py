"""A secret that no log, report or traceback shows."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Secret:
    """The value of a secret setting. Its text and its repr hide it."""

    _value: str = field(repr=False)

    def get_secret_value(self) -> str:
        """Return the secret."""
        return self._value
