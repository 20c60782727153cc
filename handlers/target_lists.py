"""Read the people of a bulk request from a line: several people, a user group, or a set of users."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from bot.domain.bulk import BulkSource
from bot.domain.commands import PeopleRef, TargetRef
from bot.domain.denials import DenialCode, Denied
from handlers.identifiers import addresses_in, people_named_by
from handlers.words import Word, join_words, quotable, split_words

_DOUBLE_QUOTES = '"“”„«»'
_SET = re.compile(
    rf"(division|group|queue)\s*:\s*"
    rf"(?:[{_DOUBLE_QUOTES}]([^{_DOUBLE_QUOTES}<>]+)[{_DOUBLE_QUOTES}]|([^\s<>{_DOUBLE_QUOTES}]+))",
    re.IGNORECASE,
)
"""A division, group or queue by its name, in quotes if the name has spaces."""

_LIST_WORDS = frozenset({"and", "plus"})


def read_people(line: str, *, at_least: int = 2) -> tuple[PeopleRef, str] | None:
    """Read several people and a reason; return None for a line that names fewer people than `at_least`.

    The people come first. Raises Denied for a further person in the reason, because it is not clear whether they are
    meant.
    """
    found = read_set(line)
    if found:
        return found
    words = split_words(line)
    group = _read_group(words)
    if group:
        return group
    people, rest = _people(words)
    if len(people) < at_least:
        return None
    _require_no_other(rest)
    return PeopleRef(BulkSource.MENTIONS, targets=tuple(people)), _reason(rest)


def read_set(line: str) -> tuple[PeopleRef, str] | None:
    """Read a division, group or queue of Genesys Cloud and a reason; return None for any other line.

    Raises Denied for a person in the reason.
    """
    line = line.lstrip()
    match = _SET.match(line)
    name = html.unescape(match[2] or match[3].rstrip(",;.:")).strip() if match else ""
    if match is None or not name:
        return None
    rest = split_words(line[match.end() :])
    _require_no_other(rest)
    return PeopleRef(BulkSource(match[1].lower()), name=name), _reason(rest)


def _read_group(words: Sequence[Word]) -> tuple[PeopleRef, str] | None:
    first = words[0] if words else None
    if first is None or first.user_group is None:
        return None
    _require_no_other(words[1:])
    return PeopleRef(BulkSource.USER_GROUP, name=first.user_group), _reason(words[1:])


def _people(words: Sequence[Word]) -> tuple[list[TargetRef], Sequence[Word]]:
    """Return the people with which a line begins, and the words after them."""
    people: dict[TargetRef, None] = {}
    end, ids = 0, False
    for place, word in enumerate(words):
        named = people_named_by(word) if not people or _continues(word, ids=ids) else []
        if len(named) > 1:  # a link that may show another person than it names
            return [], words
        if named:
            ids = ids if people else not (word.sign or named[0].email)
            people[named[0]] = None
            end = place + 1
        elif not (word.is_punctuation or word.key in _LIST_WORDS):
            break
    return list(people), words[end:]


def _continues(word: Word, *, ids: bool) -> bool:
    """Return whether a word may be one more person.

    Ids follow `ids` only, because they are frequent in reasons.
    """
    return word.sign == "@" or bool(addresses_in(word)) or (not word.sign and (ids or word.glued))


def _require_no_other(words: Sequence[Word]) -> None:
    """Raise Denied if the reason names a person or a group, because a list must be in one piece."""
    for word in words:
        if word.user_group is not None:
            raise Denied(DenialCode.TARGET_IS_A_GROUP)
        if (word.sign == "@" and people_named_by(word)) or addresses_in(word):
            raise Denied(DenialCode.LIST_IN_PIECES, word=quotable(word.shown))


def _reason(words: Sequence[Word]) -> str:
    return join_words(words).lstrip(",;:.-–— ")  # noqa: RUF001 - an en dash
