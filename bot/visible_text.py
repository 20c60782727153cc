"""Remove from names and reasons what readers cannot see, so that a text reads as it is."""

from __future__ import annotations

import unicodedata

MAX_MARKS = 2
"""Combining marks that one character keeps; more of them cover the lines around it."""

_ZERO_WIDTH_JOINER = "\u200d"
_BLANK_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols that fonts draw as nothing."""

_MARKS = frozenset({"Mn", "Me"})
"""Categories of combining marks."""

_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories of control, format (bidirectional too), surrogate, private and unassigned characters."""


def visible_text(text: str) -> str:
    """Return a text on one line, without invisible characters and stacks of combining marks.

    A zero-width joiner stays between two characters, because emoji need it.
    """
    seen = "".join(" " if one.isspace() else one for one in text if one.isspace() or _is_visible(one))
    kept: list[str] = []
    marks = 0
    for one in " ".join(seen.split()):
        if one != _ZERO_WIDTH_JOINER:
            marks = marks + 1 if unicodedata.category(one) in _MARKS else 0
        if marks <= MAX_MARKS:
            kept.append(one)
    return "".join(kept).strip(f" {_ZERO_WIDTH_JOINER}")


def _is_visible(character: str) -> bool:
    if character == _ZERO_WIDTH_JOINER:
        return True
    return character not in _BLANK_LETTERS and unicodedata.category(character) not in _INVISIBLE
