"""Read which command a line means: its name, a synonym, or the nearest name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from handlers.identifiers import people_named_by
from handlers.words import Word, normalize, split_words

SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "revoke": (
        "logout", "log out", "logoff", "log off", "signout", "sign out", "signoff", "sign off", "kick", "kick out",
        "end", "terminate", "kill",
    ),
    "break-glass": ("breakglass", "break glass", "break the glass"),
    "whoami": ("who am i", "me", "status"),
    "help": ("h",),
}  # fmt: skip
"""Other words for a command. None of them promises more than the command does, such as "block" or "lock out"."""

MAX_SYNONYM_WORDS = 3

MIN_LIKENESS = 0.75
"""How similar two words must be, from 0 to 1. A farther word gets no suggestion, because it would be a guess."""

MIN_PREFIX_LENGTH = 3

_SPLIT_VERBS, _SPLIT_ENDS = frozenset({"kick", "log", "sign"}), frozenset({"out", "off"})
_IGNORED = frozenset({"please", "pls", "purecloud"})
_NAMES = {synonym: name for name, synonyms in SYNONYMS.items() for synonym in synonyms}


@dataclass(frozen=True, slots=True)
class Typed:
    """A line as read: the name of the command, its first word as typed, and the line after the command.

    `name` is that first word if the bot does not know it, and empty for an empty line. `is_person` means that the
    first word names a person, so the command is missing.
    """

    name: str
    word: str = ""
    line: str = ""
    is_person: bool = False


def read_verb(line: str) -> Typed:
    """Return what a line begins with."""
    words = [word for word in split_words(line) if not word.is_punctuation]
    while words and words[0].key in _IGNORED:
        words = words[1:]
    if not words:
        return Typed("")
    first = words[0]
    if first.key in _SPLIT_VERBS and len(words) > 2 and words[2].key in _SPLIT_ENDS:  # noqa: PLR2004 - log @tom out
        return Typed("revoke", first.shown, line[first.end : words[1].end] + line[words[2].end :])
    for count in range(MAX_SYNONYM_WORDS, 0, -1):
        phrase = " ".join(word.key for word in words[:count])
        if phrase in _NAMES:
            return Typed(_NAMES[phrase], first.shown, _after(line, words[:count]))
    return Typed(first.key, first.shown, _after(line, [first]), bool(people_named_by(first)))


def _after(line: str, words: list[Word]) -> str:
    return line[words[-1].end :]


def nearest(word: str, commands: Iterable[str]) -> str | None:
    """Return the command that a misspelt word probably means."""
    typed = normalize(word).casefold()
    names = list(commands)
    started = [name for name in names if name.startswith(typed)]
    if started and len(typed) >= MIN_PREFIX_LENGTH:
        return started[0]
    meant = {spelling: name for name in names for spelling in (name, *SYNONYMS.get(name, ()))}
    found = get_close_matches(typed, list(meant), n=1, cutoff=MIN_LIKENESS)
    return meant[found[0]] if found else None
