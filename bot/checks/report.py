"""Write the results for people (a line per check) and for programs (JSON), without secrets."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, TextIO

from bot.checks.result import CheckResult, Status
from bot.redaction import redact
from bot.visible_text import visible_text

_SYMBOLS: Final = {Status.OK: "✓", Status.FAILED: "✗", Status.UNDETERMINED: "?"}
_ASCII_SYMBOLS: Final = {Status.OK: "ok", Status.FAILED: "FAILED", Status.UNDETERMINED: "?"}
"""For a stream whose encoding lacks the symbols."""
_COLORS: Final = {Status.OK: "32", Status.FAILED: "31", Status.UNDETERMINED: "33"}
_JSON_MARKS: Final = {Status.OK: "well", Status.FAILED: "wrong", Status.UNDETERMINED: "unknown"}
"""The values of `mark` in the JSON list, which docs/operations.md documents for programs."""
_MAX_WIDTH: Final = 100
"""Maximum length of a line on a terminal, in columns, because longer lines are hard to read."""


def without_secrets(results: Sequence[CheckResult], values: Iterable[str] = ()) -> list[CheckResult]:
    """Return the results without secrets, control characters and line breaks."""
    secrets = tuple(values)

    def cleaned(text: str | None) -> str | None:
        return text and visible_text(redact(text, *secrets))

    return [
        replace(
            result,
            check=cleaned(result.check) or "",
            message=cleaned(result.message) or "",
            hint=cleaned(result.hint),
            correlation_id=cleaned(result.correlation_id),
        )
        for result in results
    ]


def as_json(results: Sequence[CheckResult]) -> str:
    """Return a JSON list with one object per check."""
    return json.dumps([_json_object(result) for result in results], indent=2)


def _json_object(result: CheckResult) -> dict[str, Any]:
    """Return the keys that docs/operations.md documents; they stay when the code is renamed."""
    return {
        "check": result.check,
        "mark": _JSON_MARKS[result.status],
        "says": result.message,
        "advice": result.hint,
        "correlation_id": result.correlation_id,
        "refused": result.prevents_start,
    }


def as_text(
    results: Sequence[CheckResult],
    *,
    symbols: Mapping[Status, str] = _SYMBOLS,
    color: bool = False,
    width: int | None = None,
) -> str:
    """Return a line per check and a summary.

    With a `width` (in columns), lines are wrapped and each hint starts on a line of its own.
    """
    lines = [
        f"{_symbol(result.status, symbols, color=color)} "
        f"{_line(result) if width is None else _paragraph(result, symbols, width)}"
        for result in results
    ]
    count = Counter(result.status for result in results)
    lines.append(
        f"\n{count[Status.OK]} passed, {count[Status.FAILED]} failed, {count[Status.UNDETERMINED]} undetermined. "
        "Nothing was changed."
    )
    return "\n".join(lines)


def text_for(
    stream: TextIO, results: Sequence[CheckResult], environ: Mapping[str, str], *, columns: int | None = None
) -> str:
    """Return the text that suits a stream: its encoding, and on a terminal its width and colors.

    `columns` replaces the measured width. NO_COLOR in the environment turns colors off.
    """
    encoding = stream.encoding or "ascii"
    width = min(columns or shutil.get_terminal_size().columns, _MAX_WIDTH) if stream.isatty() else None
    color = width is not None and not environ.get("NO_COLOR")
    symbols = _SYMBOLS if _can_encode("✓✗→", encoding) else _ASCII_SYMBOLS
    text = as_text(results, symbols=symbols, color=color, width=width)
    return text.encode(encoding, "replace").decode(encoding)


def _can_encode(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _symbol(status: Status, symbols: Mapping[Status, str], *, color: bool) -> str:
    return f"\033[{_COLORS[status]}m{symbols[status]}\033[0m" if color else symbols[status]


def _line(result: CheckResult) -> str:
    return f"{_finding(result)}. {result.hint}" if result.hint else _finding(result)


def _paragraph(result: CheckResult, symbols: Mapping[Status, str], width: int) -> str:
    """Return the finding and, below it, the hint, both indented to the right of the symbol."""
    indent = " " * (len(symbols[result.status]) + 1)
    arrow = "→ " if symbols is _SYMBOLS else "-> "
    text = _wrapped(_finding(result), width, indent, indent)[len(indent) :]
    if not result.hint:
        return text
    return f"{text}\n{_wrapped(result.hint, width, indent + arrow, indent + ' ' * len(arrow))}"


def _wrapped(text: str, width: int, first_indent: str, indent: str) -> str:
    return textwrap.fill(
        text,
        width,
        initial_indent=first_indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _finding(result: CheckResult) -> str:
    suffix = f" (correlation id {result.correlation_id})" if result.correlation_id else ""
    return f"{result.check}: {result.message}{suffix}"
