"""Split a line into words, as Slack sends them (docs.slack.dev, Slash commands)."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from bot.visible_text import visible_text

QUOTES = "\"'`´“”„‟‘’‚‛«»‹›"  # noqa: RUF001 - phones and word processors type curly ones
BRACKETS = "()[]{}<>"
PUNCTUATION = ",;:.…、。–—"  # noqa: RUF001 - what may precede an address without being a part of it
EMPHASIS = "*_~"
"""What surrounds bold, italic and struck text in Slack."""

SIGNS = "-_/|+=&~*!?"
"""Punctuation with which an address may begin, and which a word never contains at its end."""

MAX_QUOTED_LENGTH = 80
"""Characters of a word that a reply repeats."""

_USER_GROUP = "subteam^"
"""What precedes the id in the mention of a user group."""

_PLAIN_SIGNS = str.maketrans("‘’‛´`。", "'''''.")  # noqa: RUF001
"""Plain apostrophes, and a plain full stop, which this one replaces in domains (UTS 46)."""

_JOINERS = dict.fromkeys(map(ord, "\u200c\u200d\ufe0e\ufe0f"))
"""The zero-width joiners, and the selectors that choose how an emoji looks."""

# No two alternatives match at the same place, so that the time grows linearly with the length of a line.
_WORD = re.compile(
    r"<[^<>]*>"  # a mention or a link
    r"|&[lg]t;|<|[,;、，；،؛]"  # noqa: RUF001 - a bracket that a person typed, or what separates the items of a list
    r"|(?:&amp;|&(?![lg]t;|amp;)|[^\s<&,;、，；،؛])+"  # noqa: RUF001
)
_MARKUP = re.compile(r"([#@!]|[a-z][a-z0-9+.-]{1,20}:)([^|]*)(?:\|(.*))?", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a line, or a mention or link of Slack.

    `text` is normalized for comparisons, and `shown` is what the person typed. `sign` is the first character of a
    mention (`@`, `#`, `!`) or the scheme of a link (`mailto:`), empty for any other word; `inside` and `label` are
    what follows it. `glued` means that no white space precedes the word, and `end` is where it ends in the line.
    """

    text: str
    shown: str
    end: int
    glued: bool
    sign: str = ""
    inside: str = ""
    label: str = ""

    @property
    def key(self) -> str:
        """The word for comparisons with known words, empty for punctuation, a mention or a link."""
        return "" if self.sign else self.text.strip(QUOTES + BRACKETS + PUNCTUATION + SIGNS).casefold()

    @property
    def user_group(self) -> str | None:
        """The id of the user group that the word mentions, None for any other word."""
        return (
            self.inside.removeprefix(_USER_GROUP) if self.sign == "!" and self.inside.startswith(_USER_GROUP) else None
        )

    @property
    def is_punctuation(self) -> bool:
        """Whether the word contains nothing to read."""
        return not (self.sign or self.key)


def split_words(line: str) -> list[Word]:
    """Return the words of a line."""
    words: list[Word] = []
    end = 0
    for match in _WORD.finditer(line):
        words.append(_word(match[0], end=match.end(), glued=0 < match.start() == end))
        end = match.end()
    return words


def _word(raw: str, *, end: int, glued: bool) -> Word:
    markup = _MARKUP.fullmatch(raw[1:-1]) if raw.startswith("<") and raw.endswith(">") else None
    if markup is None:
        typed = html.unescape(raw)
        return Word(normalize(typed), typed, end, glued)
    sign, inside, label = markup[1].lower(), html.unescape(markup[2]), html.unescape(markup[3] or "")
    return Word("", _shown(sign, inside, label), end, glued, sign, inside, label)


def _shown(sign: str, inside: str, label: str) -> str:
    """Return a mention or link as the person saw it while typing."""
    if sign in ("@", "#"):
        return sign + (label or inside).lstrip(sign)
    if sign == "!":
        return "@" + (label or inside.partition("^")[0]).lstrip("@")
    return sign + inside if inside.startswith("//") else label or inside


def normalize(text: str) -> str:
    """Return a word with plain signs, and without invisible characters."""
    return visible_text(unicodedata.normalize("NFKC", text)).translate(_JOINERS).translate(_PLAIN_SIGNS)


def quotable(word: str) -> str:
    """Return a word as a reply can repeat it in code: not too long, and without what would end the code."""
    return word[:MAX_QUOTED_LENGTH].replace("`", "'")


def join_words(words: Sequence[Word]) -> str:
    """Return words as they were typed, with one space where there was white space."""
    visible = [word for word in words if word.text or word.sign]
    return "".join(word.shown if word.glued else f" {word.shown}" for word in visible).strip()
