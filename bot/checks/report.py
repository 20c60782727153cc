"""The findings as people and programs read them: a line each, or a JSON list; without a secret in either."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Final, TextIO

from bot.checks.result import Finding, Mark
from bot.redaction import redact

_SIGNS: Final = {Mark.WELL: "✓", Mark.WRONG: "✗", Mark.UNKNOWN: "?"}
_PLAIN: Final = {Mark.WELL: "ok", Mark.WRONG: "no", Mark.UNKNOWN: "?"}
"""For a terminal that has no such characters."""
_COLOURS: Final = {Mark.WELL: "32", Mark.WRONG: "31", Mark.UNKNOWN: "33"}
_WIDEST: Final = 100
"""Columns beyond which lines are hard to read, however wide the terminal is."""
_PLACEHOLDER: Final = 8
"""A value shorter than this is no secret, and to take it out of every sentence would leave none to read."""
_SECRETS: Final = ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_APP_TOKEN", "PURECLOUD_SECRET")


def without_secrets(findings: Sequence[Finding], environ: Mapping[str, str]) -> list[Finding]:
    """The same findings, should one repeat a secret of the environment, or something that looks like one."""
    values = [environ.get(name, "").strip() for name in _SECRETS]
    secrets = [value for value in values if len(value) >= _PLACEHOLDER]
    return [
        Finding(
            redact(one.check, *secrets),
            one.mark,
            redact(one.says, *secrets),
            redact(one.advice, *secrets),
            redact(one.correlation_id, *secrets),
            one.refused,
        )
        for one in findings
    ]


def as_json(findings: Sequence[Finding]) -> str:
    """Write a list with an object a check."""
    return json.dumps([{**asdict(one), "mark": str(one.mark)} for one in findings], indent=2)


def as_text(
    findings: Sequence[Finding],
    *,
    signs: Mapping[Mark, str] = _SIGNS,
    colour: bool = False,
    width: int | None = None,
) -> str:
    """Write a line a check, and one that counts; with a width the advice gets lines of its own, and none is longer."""
    lines = [
        f"{_sign(one.mark, signs, colour=colour)} {_sentence(one) if width is None else _paragraph(one, signs, width)}"
        for one in findings
    ]
    counted = Counter(one.mark for one in findings)
    lines.append(
        f"\n{counted[Mark.WELL]} well, {counted[Mark.WRONG]} wrong, {counted[Mark.UNKNOWN]} could not be told; "
        "nothing was changed."
    )
    return "\n".join(lines)


def text_for(
    stream: TextIO, findings: Sequence[Finding], environ: Mapping[str, str], *, columns: int | None = None
) -> str:
    """Write what a stream can show: on a terminal as wide as it is and in colour if wanted, signs where it has them."""
    encoding = stream.encoding or "ascii"
    width = min(columns or shutil.get_terminal_size().columns, _WIDEST) if stream.isatty() else None
    colour = width is not None and not environ.get("NO_COLOR")
    signs = _SIGNS if _can_show("✓✗→", encoding) else _PLAIN
    text = as_text(findings, signs=signs, colour=colour, width=width)
    return text.encode(encoding, "replace").decode(encoding)


def _can_show(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _sign(mark: Mark, signs: Mapping[Mark, str], *, colour: bool) -> str:
    return f"\033[{_COLOURS[mark]}m{signs[mark]}\033[0m" if colour else signs[mark]


def _sentence(one: Finding) -> str:
    return f"{_found(one)}. {one.advice}" if one.advice else _found(one)


def _paragraph(one: Finding, signs: Mapping[Mark, str], width: int) -> str:
    """What follows a sign: the finding, and below it what to do, both beside the column of signs."""
    margin = " " * (len(signs[one.mark]) + 1)
    arrow = "→ " if signs is _SIGNS else "-> "
    text = _wrapped(_found(one), width, margin, margin)[len(margin) :]
    if not one.advice:
        return text
    return f"{text}\n{_wrapped(one.advice, width, margin + arrow, margin + ' ' * len(arrow))}"


def _wrapped(text: str, width: int, first: str, others: str) -> str:
    return textwrap.fill(
        text, width, initial_indent=first, subsequent_indent=others, break_long_words=False, break_on_hyphens=False
    )


def _found(one: Finding) -> str:
    number = f" (correlation id {one.correlation_id})" if one.correlation_id else ""
    return f"{one.check}: {one.says}{number}"
