"""The findings as people and programs read them: a line each, or a JSON list; without a secret in either."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Final, TextIO

from bot.doctor.findings import Finding, Mark
from bot.redaction import redact

_SIGNS: Final = {Mark.WELL: "✓", Mark.WRONG: "✗", Mark.UNKNOWN: "?"}
_PLAIN: Final = {Mark.WELL: "ok", Mark.WRONG: "no", Mark.UNKNOWN: "?"}
"""For a terminal that has no such characters."""
_COLOURS: Final = {Mark.WELL: "32", Mark.WRONG: "31", Mark.UNKNOWN: "33"}
_SECRETS: Final = ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_APP_TOKEN", "PURECLOUD_SECRET")


def without_secrets(findings: Sequence[Finding], environ: Mapping[str, str]) -> list[Finding]:
    """The same findings, should one repeat a secret of the environment, or something that looks like one."""
    secrets = [value.strip() for name in _SECRETS if (value := environ.get(name))]
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


def as_text(findings: Sequence[Finding], *, signs: Mapping[Mark, str] = _SIGNS, colour: bool = False) -> str:
    """Write a line a check, and one that counts."""
    lines = [f"{_sign(one.mark, signs, colour=colour)} {_sentence(one)}" for one in findings]
    counted = Counter(one.mark for one in findings)
    lines.append(
        f"\n{counted[Mark.WELL]} well, {counted[Mark.WRONG]} wrong, {counted[Mark.UNKNOWN]} could not be told; "
        "nothing was changed."
    )
    return "\n".join(lines)


def text_for(stream: TextIO, findings: Sequence[Finding], environ: Mapping[str, str]) -> str:
    """Write what a stream can show: in colour on a terminal that wants it, with signs where it has them."""
    encoding = stream.encoding or "ascii"
    colour = stream.isatty() and not environ.get("NO_COLOR")
    text = as_text(findings, signs=_SIGNS if _can_show("✓✗", encoding) else _PLAIN, colour=colour)
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
    number = f" (correlation id {one.correlation_id})" if one.correlation_id else ""
    end = "." if one.advice else ""
    return f"{one.check}: {one.says}{number}{end}" + (f" {one.advice}" if one.advice else "")
