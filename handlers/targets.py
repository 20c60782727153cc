"""Read whom a line names: exactly one person, or the reason why not."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from bot.domain.actions import REVOKE, REVOKE_MANY, Action
from bot.domain.commands import Invoker, PeopleRef, RequestCommand, TargetRef
from bot.domain.denials import DenialCode, Denied
from handlers.identifiers import addresses_in, looks_like_address, people_named_by, plain_name
from handlers.target_lists import read_people
from handlers.words import BRACKETS, EMPHASIS, PUNCTUATION, QUOTES, Word, join_words, quotable, split_words

MAX_LISTED_TARGETS = 5
"""People of a line whom the reply names."""

MAX_LINE_LENGTH = 1000
"""Characters of a line; a longer one is denied before it is read."""

MAX_NAME_WORDS = 8
"""Words of a name that may precede an address, as in `Morris, Victoria (Contractor) <victoria@example.com>`."""

_FILLERS = frozenset({
    "a", "access", "account", "accounts", "agent", "agents", "all", "an", "any", "cloud", "colleague", "email",
    "employee", "every", "everything", "for", "from", "genesys", "id", "login", "logins", "mail", "member",
    "named", "of", "on", "person", "please", "pls", "purecloud", "session", "sessions", "slack", "that", "the",
    "this", "to", "token", "tokens", "user", "users", "with",
})  # fmt: skip
"""Words that may precede a person and say nothing about who it is."""

_ME = frozenset({"me", "myself", "mine"})
_LIST_WORDS = frozenset({"and", "or", "plus"})
_NAME_PARTICLES = frozenset({
    "af", "al", "bin", "bint", "d", "da", "de", "del", "della", "den", "der", "di", "dos", "du", "e", "el", "ibn", "la",
    "le", "ter", "van", "von", "y", "zu",
})  # fmt: skip
"""Words of a name that are written in lower case."""


def read_request(action: Action, invoker: Invoker, line: str) -> RequestCommand:
    """Return the command that a line requests; what is wrong with it becomes its `problem`."""
    try:
        _check_length(line)
        many = _read_many(action, line)
        if many:
            return RequestCommand(REVOKE_MANY.name, invoker, people=many[0], reason=many[1])
        if not action.has_target:
            return RequestCommand(action.name, invoker)
        target, reason = read_line(line, me=invoker.user_id)
    except Denied as problem:
        return RequestCommand(action.name, invoker, problem=problem)
    return RequestCommand(action.name, invoker, target, reason)


def _read_many(action: Action, line: str) -> tuple[PeopleRef, str] | None:
    """Read the people of a bulk request; one person is enough only after the command for many."""
    if action.name == REVOKE_MANY.name:
        return read_people(line, at_least=1)
    return read_people(line) if action.name == REVOKE.name else None


def read_line(line: str, *, me: str | None = None) -> tuple[TargetRef, str]:
    """Read a person and a reason; raises Denied.

    The person comes first; `me` is the Slack user id of the person who typed the line. A mention or email address of
    another person is denied anywhere in the line, so that the bot never picks the first silently. In the reason, ids,
    links and `@words` are words.
    """
    _check_length(line)
    words = split_words(line)
    place, target = _target(words, me)
    rest = words[place + 1 :]
    others = _others(target, words[place], rest)
    if others:
        names = _listed([words[place].shown, *others.values()])
        raise Denied(DenialCode.SEVERAL_TARGETS, count=str(1 + len(others)), names=names)
    return target, _reason(_without(target, rest))


def _check_length(line: str) -> None:
    if len(line) > MAX_LINE_LENGTH:
        raise Denied(DenialCode.LINE_TOO_LONG, length=str(len(line)), limit=str(MAX_LINE_LENGTH))


def _target(words: Sequence[Word], me: str | None) -> tuple[int, TargetRef]:
    """Return the person that comes first, and the place of their word; raises Denied."""
    place = next((n for n, word in enumerate(words) if not (word.is_punctuation or word.key in _FILLERS)), None)
    if place is None:
        raise Denied(DenialCode.TARGET_MISSING)
    if me and _is_me(words[place:]):
        return place, TargetRef(slack_user_id=me)
    people = people_named_by(words[place])
    if not people:
        place = _end_of_name(words, place) or place
        people = people_named_by(words[place])
    if not people:
        raise _unreadable(words[place])
    if len(people) > 1:
        names = _listed([str(one.email or one.genesys_user_id) for one in people])
        raise Denied(DenialCode.SEVERAL_TARGETS, count=str(len(people)), names=names)
    return place, people[0]


def _is_me(words: Sequence[Word]) -> bool:
    """Return whether words begin with `me`, or with something like `my sessions`."""
    if words[0].key == "my":
        return len(words) > 1 and words[1].key in _FILLERS
    return words[0].key in _ME


def _end_of_name(words: Sequence[Word], start: int) -> int | None:
    """Return the place of an address after a name, as in `Victoria Morris <address>`.

    Words of a sentence are no name, because the address after them may be another person's.
    """
    for place, word in enumerate(words[start + 1 : start + 1 + MAX_NAME_WORDS], start + 1):
        if addresses_in(word):
            in_brackets = words[place - 1].text == "<" or word.text.startswith("<")
            return place if _is_name(words[start:place], any_case=in_brackets) else None
    return None


def _is_name(words: Sequence[Word], *, any_case: bool) -> bool:
    """Return whether words may be the name of one person; a first and a last name may be in any case."""
    if any(word.sign or word.text in ";؛" or not _is_spelt_as_name(word.key) for word in words):
        return False
    named = [word for word in words if word.key]
    lower = [word for word in named if _is_lower(word) and word.key not in _NAME_PARTICLES]
    return not lower or (any_case and len(named) <= len(("first", "last")))


def _is_spelt_as_name(key: str) -> bool:
    return all(one in "-'." or unicodedata.category(one)[0] in "LM" for one in key)


def _is_lower(word: Word) -> bool:
    return word.text.strip(QUOTES + BRACKETS + PUNCTUATION)[:1].islower()


def _unreadable(word: Word) -> Denied:
    if word.sign == "#":
        return Denied(DenialCode.TARGET_IS_A_CHANNEL)
    if word.sign == "!":
        return Denied(DenialCode.TARGET_IS_A_GROUP)
    name = plain_name(word)
    if name:
        return Denied(DenialCode.TARGET_IS_A_PLAIN_NAME, word=quotable(name))
    if looks_like_address(word):
        return Denied(DenialCode.TARGET_IS_NO_ADDRESS, word=quotable(word.inside or word.shown))
    return Denied(DenialCode.TARGET_UNREADABLE, word=quotable(word.shown))


def _others(target: TargetRef, first: Word, rest: Sequence[Word]) -> dict[object, str]:
    """Return the other people that a line names, as they were written. Raises Denied for a user group.

    Ids and `@words` name a person only if they continue a list, because they are frequent in reasons.
    """
    others: dict[object, str] = {}
    first_is_id = not (first.sign or target.email)
    continues_list = True
    for word in rest:
        if word.user_group is not None:
            raise Denied(DenialCode.TARGET_IS_A_GROUP)
        if continues_list and (word.is_punctuation or word.key in _LIST_WORDS):
            continue
        found: list[object] = []
        if word.sign == "@" or (continues_list and not word.sign and (first_is_id or word.glued)):
            found += people_named_by(word)
        found += addresses_in(word)
        name = plain_name(word) if continues_list else None
        found += [name] if name else []
        others.update((one, word.shown) for one in found if one != target)
        continues_list = bool(found)
    return others


def _without(target: TargetRef, words: Sequence[Word]) -> list[Word]:
    """Return the words without further mentions of the person, and the brackets around these."""
    dropped = [people_named_by(word) == [target] for word in words]
    return [
        word
        for place, word in enumerate(words)
        if not dropped[place]
        and not (word.text == "<" and dropped[place + 1 : place + 2] == [True])
        and not (word.text == ">" and dropped[max(place - 1, 0)])
    ]


def _reason(words: Sequence[Word]) -> str:
    """Return the rest of a line as it was typed, without the punctuation before it."""
    if words and words[0].glued and words[0].text == "'s":
        words = words[1:]
    text = join_words(words)
    if words and words[0].glued:
        text = text.lstrip(QUOTES + BRACKETS + EMPHASIS + "!? ")
    text = text.strip(QUOTES + " ").lstrip(PUNCTUATION + "，；：- ").strip()  # noqa: RUF001 - full-width ones
    return text.removesuffix(")") if "(" not in text else text


def _listed(words: Sequence[str]) -> str:
    shown = [quotable(word.strip(QUOTES + BRACKETS + PUNCTUATION)) for word in words[:MAX_LISTED_TARGETS]]
    return ", ".join(shown) + (" …" if len(words) > len(shown) else "")
