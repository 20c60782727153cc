"""The result of a check, and the exit code of a run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

_SETTING_HINT = "See README.md, Settings, for the valid values."
_SETTING_HINTS = {
    "SLACK_APP_TOKEN": "Generate one with the scope connections:write under Basic Information at api.slack.com/apps.",
    "DATABASE_URL": "Correct the URL, or the database that it points to.",
}


class Status(StrEnum):
    """How a check ended."""

    OK = "ok"
    FAILED = "failed"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check.

    `check` names what was checked, by its setting where it has one. `message` states the finding, `hint` the fix.
    `correlation_id` is what Genesys support asks for. `prevents_start` marks a setting that `serve` rejects too.
    """

    check: str
    status: Status
    message: str
    hint: str | None = None
    correlation_id: str | None = None
    prevents_start: bool = False


def ok(check: str, message: str) -> CheckResult:
    """Return the result of a check that passed."""
    return CheckResult(check, Status.OK, message)


def failed(check: str, message: str, hint: str, correlation_id: str | None = None) -> CheckResult:
    """Return the result of a check that failed, with a hint how to fix it."""
    return CheckResult(check, Status.FAILED, message, hint, correlation_id)


def undetermined(check: str, message: str, hint: str | None = None, correlation_id: str | None = None) -> CheckResult:
    """Return the result of a check that neither passed nor failed; the message has the reason."""
    return CheckResult(check, Status.UNDETERMINED, message, hint, correlation_id)


def skipped(check: str, reason: str) -> CheckResult:
    """Return the result of a check that did not run, for example because its prerequisite failed."""
    return undetermined(check, f"skipped because {reason}")


def invalid_setting(problem: str) -> CheckResult:
    """Return the result for a line of SettingsError (`NAME: what is wrong`)."""
    name, _, message = problem.partition(": ")
    return CheckResult(name, Status.FAILED, message, _SETTING_HINTS.get(name, _SETTING_HINT), prevents_start=True)


def all_ok(results: Iterable[CheckResult]) -> bool:
    """Return whether every check passed, so that the checks that depend on them can run."""
    return all(result.status is Status.OK for result in results)


def exit_code(results: Iterable[CheckResult]) -> int:
    """Return 0 if no check failed, 2 if `serve` would reject a setting, 1 for other failures."""
    failures = [result for result in results if result.status is Status.FAILED]
    if any(result.prevents_start for result in failures):
        return 2
    return 1 if failures else 0
