"""Warn about settings that are valid and still probably wrong."""

from __future__ import annotations

from collections.abc import Mapping

from bot.checks.result import CheckResult, undetermined
from bot.settings import Settings, doubtful_settings


def check_doubts(settings: Settings, environ: Mapping[str, str]) -> list[CheckResult]:
    """Return a warning for each misspelt name and each value in an unusual form."""
    return [undetermined(name, problem) for name, problem in doubtful_settings(settings, environ)]
