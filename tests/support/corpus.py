"""The lines of `tests/data/commands.tsv`, with what each means."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).parent.parent / "data" / "commands.tsv"

_ESCAPED = re.compile(r"\\u([0-9a-f]{4})|\\([nt])")
_ALIASES = {"TOM1": "6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09"}


@dataclass(frozen=True, slots=True)
class Example:
    """A line, its number in the file, the command that it means, and what follows that.

    `meaning` is a person, `!` and a denial code, or the suggestion for an unknown command.
    """

    number: int
    line: str
    command: str
    meaning: str
    reason: str


def read_corpus() -> list[Example]:
    """Return every example."""
    lines = FILE.read_text().splitlines()
    return [_read(number, one) for number, one in enumerate(lines, 1) if one and not one.startswith("#")]


def _read(number: int, text: str) -> Example:
    line, meaning, *reason = text.split("\t")
    command, _, what = meaning.partition(" ")
    return Example(number, _unescape(line), command, _ALIASES.get(what, what), _unescape("".join(reason)))


def _unescape(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)) if found[1] else {"n": "\n", "t": "\t"}[found[2]], text)
