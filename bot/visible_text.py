"""Remove from texts what readers cannot see, so that a text reads as it is.

Names, reasons and error details come from other people and systems. They are stored as they are, and cleaned where they
leave the bot: in messages (`handlers.ui.blocks`), in logs and in reports (`bot.redaction`).
"""

from __future__ import annotations

import re
import unicodedata

MAX_MARKS = 2
"""Combining marks that one character keeps; more of them cover the lines around it."""

_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories of control, format (bidirectional too), surrogate, private and unassigned characters."""

_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0e\uffa0\ufffc"
    "\U00016fe4\U0001d159\U000e0100-\U000e01ef]"
)
"""Letters, marks and symbols that fonts draw as nothing. An emoji may keep its variation selector U+FE0F."""

_MARKS = frozenset({"Mn", "Me"})
"""Categories of combining marks."""

_NON_JOINER, _JOINER, _EMOJI_STYLE, _KEYCAP = "\u200c", "\u200d", "\ufe0f", "\u20e3"
_KEYCAP_BASES = frozenset("0123456789#*")
_CONTROLS = frozenset({_NON_JOINER, _JOINER, _EMOJI_STYLE})
"""Invisible characters that stay where a script or an emoji needs them."""

_JOINED_SCRIPTS = re.compile("[\u0600-\u0dff\u1000-\u109f\u1780-\u17ff\u1a20-\u1aaf]")
"""Arabic, Syriac, the scripts of India, Myanmar and Khmer, whose spelling needs joiners and non-joiners."""

_EMOJI = re.compile(
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u2199\u21a9\u21aa\u231a-\u23ff\u24c2\u25aa-\u25fe\u2600-\u27bf"
    "\u2934\u2935\u2b05-\u2b55\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)
_NEW_EMOJI = re.compile("[\U0001f000-\U0001faff]")
"""Where newer versions of Unicode than Python's add emoji."""

_SPACES = re.compile("[ \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
"""Spaces as people type them, without line breaks and tabs."""

_PLAIN = re.compile("[ -~\u00a1-\u00ac\u00ae-\u017f\u2013\u2014\u2018-\u201d\u2026\u2192]*")
"""Texts of visible characters without marks: ASCII, Latin letters, and what the bot's own sentences have."""

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def visible_text(text: str) -> str:
    """Return a text on one line, without invisible characters and stacks of combining marks.

    Invisible characters stay where they change what a reader sees: inside emoji, and in scripts that need them.
    """
    if text.isascii() and text.isprintable() and "  " not in text:  # the fastest check, which most texts pass
        return text.strip(" ")
    return " ".join(_without_hidden(text).split())


def visible_lines(text: str) -> str:
    """Return a text like `visible_text`, but with its line breaks and spaces."""
    if text.isascii() and text.isprintable():
        return text
    return "\n".join(map(_without_hidden, text.split("\n")))


def hides(text: str) -> bool:
    """Return whether a text has more in it than a reader sees; spaces do not count."""
    return visible_text(text) != _SPACES.sub(" ", text).strip(" ")


def storable_text(text: str) -> str:
    """Return a text without NUL and lone surrogates, which databases do not store."""
    return _UNSTORABLE.sub("", text)


def _without_hidden(text: str) -> str:
    if _PLAIN.fullmatch(text):
        return text
    seen = [" " if one.isspace() else one for one in text if one.isspace() or _is_visible(one)]
    return "".join(_without_useless_controls(_without_stacked_marks(seen)))


def _is_visible(character: str) -> bool:
    if character in _CONTROLS or _NEW_EMOJI.match(character):
        return True
    return unicodedata.category(character) not in _INVISIBLE and not _BLANK.match(character)


def _without_stacked_marks(characters: list[str]) -> list[str]:
    """Return the characters, of which each keeps its first marks; the controls neither count nor separate."""
    kept: list[str] = []
    marks = 0
    for one in characters:
        if one not in _CONTROLS:
            marks = marks + 1 if unicodedata.category(one) in _MARKS else 0
        if marks <= MAX_MARKS or one in _CONTROLS:
            kept.append(one)
    return kept


def _without_useless_controls(characters: list[str]) -> list[str]:
    """Return the characters without the controls that change nothing between their neighbours."""
    kept: list[str] = []
    for one, after in zip(characters, [*characters[1:], ""], strict=False):
        if one not in _CONTROLS or _is_needed(kept[-2:], one, after):
            kept.append(one)
    return kept


def _is_needed(before: list[str], control: str, after: str) -> bool:
    """Return whether a control stays between the last two kept characters and the next one."""
    last = before[-1] if before else ""
    if control == _EMOJI_STYLE:
        return bool(_EMOJI.match(last)) or (after == _KEYCAP and last in _KEYCAP_BASES)
    if _JOINED_SCRIPTS.match(last) and _JOINED_SCRIPTS.match(after):
        return True
    base = before[0] if last == _EMOJI_STYLE else last
    return control == _JOINER and bool(_EMOJI.match(base)) and bool(_EMOJI.match(after))
