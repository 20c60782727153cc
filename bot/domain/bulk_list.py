"""Read a pasted list or a CSV file of email addresses, Genesys Cloud user ids and mentions."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from bot.domain.commands import TargetRef
from bot.domain.denials import DenialCode, Denied
from bot.domain.identifiers import ADDRESS, GENESYS_ID, NAMED_ADDRESS, mailto_recipients
from bot.visible_text import visible_text

MAX_TEXT_LENGTH = 200
"""Characters of an entry that are kept, as it was written."""

MAX_LINE_LENGTH = 2000
"""Characters of a line of a file that are read, and of a row with several lines."""

MAX_CELL_LENGTH = 320
"""Characters of an entry that is read; a longer one is no address and no id."""

_SNIFFED_ROWS = 200
"""Rows from which the separator of a file is chosen."""

_SEPARATORS = ",;\t"
_EDGES = " \t\"'`“”„,;"
_MENTION = re.compile(r"<@([UW][A-Z0-9]{1,30})(?:\|[^<>]{0,80})?>")


@dataclass(frozen=True, slots=True)
class Written:
    """An entry of a list as it was written, and whom it names, None if the bot cannot read it."""

    text: str
    ref: TargetRef | None


def read_list(text: str) -> list[Written]:
    """Read a pasted list: one person per line, or several with commas, semicolons or tabs between them."""
    entries = (one.strip() for line in text.splitlines() for one in re.split("[,;\t]", line))
    return [_read(one) for entry in entries if entry for one in _split_by_space(entry)]


def read_csv(data: bytes, *, max_rows: int = 20_000) -> list[Written]:
    """Read a file with one person per row, with or without a header.

    The one column with addresses counts, or else the one with ids. Raises Denied for a file that is not text, has more
    than `max_rows` rows besides the header, or has no such column, or several.
    """
    rows = _rows(_decode(data), max_rows)
    column = _column(rows)
    cells = [row[column].strip() if column < len(row) else "" for row in rows]
    entries = [_read(cell) if cell else _unreadable(" ".join(row)) for cell, row in zip(cells, rows, strict=True)]
    people = entries[1:] if entries[0].ref is None and _looks_like_header(rows[0]) else entries
    if len(people) > max_rows:
        raise _too_long(len(people), max_rows)
    return people


def _decode(data: bytes) -> str:
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    if "\0" in text:
        raise Denied(DenialCode.FILE_IS_NOT_TEXT)
    return text


def _rows(text: str, max_rows: int) -> list[list[str]]:
    """Return the rows that are not empty, in cells: `max_rows` and a header at most. Raises Denied."""
    lines = [line[:MAX_LINE_LENGTH] for line in text.splitlines() if line.strip()]
    if not lines:
        raise Denied(DenialCode.FILE_WITHOUT_PEOPLE)
    header = 1
    rows = list(islice(_split_rows(lines, _separator(lines[:_SNIFFED_ROWS])), max_rows + header + 1))
    if len(rows) > max_rows + header:  # the rest is not split, because a large file takes a while
        raise _too_long(len(lines), max_rows)
    return rows


def _too_long(count: int, limit: int) -> Denied:
    return Denied(DenialCode.LIST_TOO_LONG, count=str(count), limit=str(limit))


def _split_rows(lines: Sequence[str], separator: str) -> Iterator[list[str]]:
    """Yield the cells of each row; a row with broken quotes is one line, split at each separator."""
    start = 0
    while start < len(lines):
        end = _end_of_row(lines, start)
        cells = _cells("\n".join(lines[start:end]), separator)
        if cells is None:
            cells, end = lines[start].split(separator), start + 1
        yield cells
        start = end


def _end_of_row(lines: Sequence[str], start: int) -> int:
    """Return the line after a row.

    Quoted cells may have line breaks (RFC 4180), and the number of quotes in a row is even. A quote that is never
    closed must not hide the people below it, so a row has at most `MAX_LINE_LENGTH` characters.
    """
    quotes = length = 0
    for place in range(start, len(lines)):
        quotes += lines[place].count('"')
        length += len(lines[place]) + 1
        if length > MAX_LINE_LENGTH:
            break
        if quotes % 2 == 0:
            return place + 1
    return start + 1


def _separator(lines: Iterable[str]) -> str:
    """Return the separator that occurs in most lines."""
    counts = Counter(one for line in lines for one in _SEPARATORS if one in line)
    return max(_SEPARATORS, key=lambda one: counts[one])


def _cells(row: str, separator: str) -> list[str] | None:
    """Return the cells of one row, None if its quotes are broken."""
    try:
        (cells,) = csv.reader(io.StringIO(row), delimiter=separator, strict=True)
    except (csv.Error, ValueError):
        return None
    return cells


def _column(rows: Sequence[Sequence[str]]) -> int:
    """Return the column of addresses, or else of ids.

    Raises Denied if there is none, or if several have them, because one may name the managers.
    """
    emails: set[int] = set()
    ids: set[int] = set()
    for row in rows:
        for place, cell in enumerate(row):
            ref = _read(cell).ref
            if ref:
                (emails if ref.email else ids).add(place)
    columns = emails or ids
    if len(columns) > 1:
        raise Denied(DenialCode.FILE_COLUMN_UNCLEAR)
    if not columns:
        raise Denied(DenialCode.FILE_WITHOUT_PEOPLE)
    return columns.pop()


def _looks_like_header(row: Sequence[str]) -> bool:
    """Return whether a row has words only, such as `Email`: an unreadable address has an `@`."""
    return all("@" not in cell and not any(one.isdigit() for one in cell) for cell in row)


def _split_by_space(entry: str) -> list[str]:
    """Return the words of an entry if each names a person, as in `tom@example.com ann@example.com`.

    A word with an `@` that is no address is a misspelt one, which must not hide the others.
    """
    words = entry.split()
    named = [word for word in words if _read(word).ref]
    if len(named) == len(words):
        return words
    is_list = bool(named) and _read(entry).ref is None and all("@" in word for word in words if word not in named)
    return words if is_list else [entry]


def _read(text: str) -> Written:
    mention = _MENTION.fullmatch(text.strip())
    if mention:
        return Written(_shown(text), TargetRef(slack_user_id=mention[1]))
    return Written(_shown(text), _ref(text) if len(text) <= MAX_CELL_LENGTH else None)


def _unreadable(text: str) -> Written:
    return Written(_shown(text), None)


def _shown(text: str) -> str:
    return visible_text(text[:MAX_LINE_LENGTH])[:MAX_TEXT_LENGTH] or "-"


def _ref(text: str) -> TargetRef | None:
    """Return whom an entry names: one address or id that is the whole entry, perhaps after a name."""
    whole = visible_text(text).strip(_EDGES)
    named = NAMED_ADDRESS.fullmatch(whole)
    inside = (named[1] if named else whole).strip(_EDGES)
    if inside.casefold().startswith("mailto:"):
        recipients = mailto_recipients(inside[len("mailto:") :].partition("|")[0])
        inside = recipients[0] if len(recipients) == 1 else ""
    if ADDRESS.fullmatch(inside):
        return TargetRef(email=inside.lower())
    return TargetRef(genesys_user_id=inside.lower()) if GENESYS_ID.fullmatch(inside) else None
