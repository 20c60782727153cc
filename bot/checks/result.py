"""What a check found: one line each, well, wrong or not to be told, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

_USUAL = "README.md, Settings, tells what it may be."
_ADVICE = {
    "SLACK_APP_TOKEN": "Generate one with the scope connections:write under Basic Information at api.slack.com/apps.",
    "DATABASE_URL": "Correct the address, or what it leads to.",
}


class Mark(StrEnum):
    """How a check ended."""

    WELL = "well"
    WRONG = "wrong"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    `check` is what was looked at, by its setting where it has one; `correlation_id` is what Genesys support asks for.
    With `refused` the process would not even start: a setting is missing or wrong.
    """

    check: str
    mark: Mark
    says: str
    advice: str | None = None
    correlation_id: str | None = None
    refused: bool = False


def well(check: str, says: str) -> Finding:
    """Nothing to do."""
    return Finding(check, Mark.WELL, says)


def wrong(check: str, says: str, advice: str, correlation_id: str | None = None) -> Finding:
    """Something to do, which the advice tells."""
    return Finding(check, Mark.WRONG, says, advice, correlation_id)


def unknown(check: str, says: str, advice: str | None = None, correlation_id: str | None = None) -> Finding:
    """It could not be told, for the reason that it says."""
    return Finding(check, Mark.UNKNOWN, says, advice, correlation_id)


def not_tried(check: str, because: str) -> Finding:
    """Whatever this check looks at depends on something that is wrong already."""
    return unknown(check, f"not tried, because {because}")


def refused(problem: str) -> Finding:
    """A line with which a start is refused: `NAME: what is wrong`."""
    name, _, says = problem.partition(": ")
    return Finding(name, Mark.WRONG, says, _ADVICE.get(name, _USUAL), refused=True)


def all_well(findings: Iterable[Finding]) -> bool:
    """Whether what hangs on these can be tried."""
    return all(one.mark is Mark.WELL for one in findings)


def exit_code(findings: Iterable[Finding]) -> int:
    """Tell the exit code: 0 nothing is wrong, 1 something is, 2 a setting is that a start refuses."""
    crosses = [one for one in findings if one.mark is Mark.WRONG]
    if any(one.refused for one in crosses):
        return 2
    return 1 if crosses else 0
