"""Compare names as people spell them, and find those that look like another name."""

from __future__ import annotations

import re
import unicodedata

from bot.visible_text import visible_text

_WORD = re.compile(r"[^\W_]+")
_LETTERS = re.compile(r"[^\W\d_]+")
_APOSTROPHES = re.compile("['`\u00b4\u02bc\u2018\u2019]")

_SPELLINGS = str.maketrans({
    "\u00e6": "ae", "\u0153": "oe", "\u00f8": "o", "\u0142": "l", "\u0111": "d", "\u00f0": "d", "\u00fe": "th",
    "\u0131": "i",
})  # fmt: skip
"""Letters that Unicode does not decompose into a base letter and a mark."""

_UMLAUTS = re.compile("(?<=[aou])e")
"""What replaces an umlaut: Mueller is Müller."""

_ALPHABETS = ("LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "CHEROKEE", "COPTIC")
"""Alphabets with letters that look alike, as Unicode names them."""


def same_name(one: str, other: str) -> bool:
    """Return whether two names are spellings of one name.

    Case, accents, punctuation, the order of words and invisible characters do not count.
    """
    return _words(one) == _words(other)


def mixes_alphabets(text: str) -> bool:
    """Return whether a word has letters of several alphabets that look alike, such as Latin and Cyrillic."""
    if text.isascii():
        return False
    return any(len({*filter(None, map(_alphabet, word))}) > 1 for word in _LETTERS.findall(_without_marks(text)))


def _words(name: str) -> list[str]:
    letters = _without_marks(_APOSTROPHES.sub("", visible_text(name)).casefold()).translate(_SPELLINGS)
    return sorted(_UMLAUTS.sub("", word) for word in _WORD.findall(letters))


def _without_marks(text: str) -> str:
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(one for one in decomposed if not unicodedata.category(one).startswith("M"))


def _alphabet(letter: str) -> str | None:
    name = unicodedata.name(letter, "")
    return next((alphabet for alphabet in _ALPHABETS if name.startswith(alphabet)), None)
