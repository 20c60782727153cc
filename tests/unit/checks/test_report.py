"""The report's text, JSON and exit code, and checks that break or hang."""

from __future__ import annotations

import asyncio
import io
import json
import re
import textwrap
from pathlib import Path

import pytest
import yaml

from bot.checks.errors import result_of, run_check
from bot.checks.report import as_json, as_text, text_for, without_secrets
from bot.checks.result import (
    CheckResult,
    Status,
    exit_code,
    failed,
    invalid_setting,
    ok,
    skipped,
    undetermined,
)
from bot.checks.slack import SCOPES
from bot.purecloud import GenesysError, GenesysLoginFailed, GenesysServerError
from tests.support.checks_harness import ChecksHarness

ROOT = Path(__file__).parents[3]
NO_COLOR = {"NO_COLOR": "1"}
RESULTS = [
    ok("settings", "all required settings are present"),
    failed("permission oauth:token:delete", "the client's roles lack it", "Add it.", "c-1"),
    undetermined("rate limit", "the responses have no rate limit headers"),
]


class Stream(io.TextIOWrapper):
    """An output stream with an encoding that may be a terminal."""

    def __init__(self, encoding: str = "utf-8", *, terminal: bool = False) -> None:
        super().__init__(io.BytesIO(), encoding=encoding)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


def test_text__has_a_line_per_check_and_a_summary() -> None:
    assert text_for(Stream(), RESULTS, {}).splitlines() == [
        "✓ settings: all required settings are present",
        "✗ permission oauth:token:delete: the client's roles lack it (correlation id c-1). Add it.",
        "? rate limit: the responses have no rate limit headers",
        "",
        "1 passed, 1 failed, 1 undetermined. Nothing was changed.",
    ]


@pytest.mark.parametrize(
    ("terminal", "environ", "colored"),
    [(True, {}, True), (False, {}, False), (True, NO_COLOR, False)],
)
def test_text__is_colored_on_a_terminal_unless_no_color_is_set(
    terminal: bool, environ: dict[str, str], colored: bool
) -> None:
    assert ("\033[" in text_for(Stream(terminal=terminal), RESULTS, environ)) is colored


def test_text__is_wrapped_to_the_terminal_with_each_hint_on_its_own_line() -> None:
    text = text_for(Stream(terminal=True), RESULTS, NO_COLOR, columns=60)

    assert text.splitlines()[:5] == [
        "✓ settings: all required settings are present",
        "✗ permission oauth:token:delete: the client's roles lack it",
        "  (correlation id c-1)",
        "  → Add it.",
        "? rate limit: the responses have no rate limit headers",
    ]


def test_text__has_no_line_above_100_columns_on_a_terminal_and_no_limit_elsewhere() -> None:
    results = [ok("settings", "word " * 80)]

    assert max(map(len, text_for(Stream(terminal=True), results, NO_COLOR, columns=400).splitlines())) <= 100
    assert len(text_for(Stream(), results, {}, columns=40).splitlines()[0]) > 400


def test_text__uses_words_if_the_encoding_lacks_the_symbols() -> None:
    text = text_for(Stream("ascii"), [*RESULTS, ok("ADMINS U1", "Slack user Zoë")], {})

    assert text.isascii()
    assert text.startswith("ok settings")
    assert "\nFAILED permission" in text
    terminal = text_for(Stream("ascii", terminal=True), RESULTS, NO_COLOR, columns=60)
    assert "\nFAILED permission" in terminal
    assert "\n       -> Add it." in terminal


def test_json__keeps_the_documented_keys_and_values() -> None:
    objects = json.loads(as_json(RESULTS))

    assert objects[1] == {
        "check": "permission oauth:token:delete",
        "mark": "wrong",
        "says": "the client's roles lack it",
        "advice": "Add it.",
        "correlation_id": "c-1",
        "refused": False,
    }
    assert [one["mark"] for one in objects] == ["well", "wrong", "unknown"]


def test_secrets__are_removed_from_every_text() -> None:
    leak = failed("x", "got opaque-secret and xoxb-1-2-3", "postgres://bot:pass@db/x")

    (clean,) = without_secrets([leak], ["opaque-secret"])

    assert not any(secret in str(clean) for secret in ("opaque-secret", "xoxb", "pass@"))


def test_report__has_no_control_character_and_no_forged_line() -> None:
    name = "Home\n✓ all: passed\x1b[2J\u202e"
    (clean,) = without_secrets([failed(name, name, name, name)])

    text = as_text([clean])
    assert len(text.splitlines()) == 3
    assert text.replace("\n", "").isprintable()


def test_secrets__shorter_than_8_characters_are_not_removed() -> None:
    result = failed("PURECLOUD_SECRET", "the login failed", "Set it to the client's secret.")

    assert without_secrets([result], ["secret", "b"]) == [result]


@pytest.mark.parametrize(
    ("results", "code"),
    [
        ([ok("a", "b"), undetermined("c", "d"), skipped("e", "f")], 0),
        ([ok("a", "b"), failed("c", "d", "e")], 1),
        ([failed("c", "d", "e"), invalid_setting("APPROVERS: required")], 2),
    ],
)
def test_exit_code__is_that_of_the_worst_result(results: list[CheckResult], code: int) -> None:
    assert exit_code(results) == code


async def test_run_check__reports_a_defect_without_its_message() -> None:
    async def defective() -> CheckResult:
        raise KeyError("opaque-secret")

    (result,) = await run_check("clock", defective(), 30)

    assert (result.status, result.message) == (Status.FAILED, "the check itself failed (KeyError)")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (GenesysLoginFailed(problem="login_timeout"), "the login host of Genesys Cloud did not respond"),
        (
            GenesysLoginFailed("No grant.", status=400),
            "the login host of Genesys Cloud responded with 400 Bad Request: No grant",
        ),
        (GenesysServerError(status=599), "Genesys Cloud responded with 599"),
        (GenesysError(), "Genesys Cloud failed (genesys_error)"),
    ],
)
def test_genesys_error__has_a_message_with_its_status_and_detail(error: GenesysError, message: str) -> None:
    result = result_of("client", error)

    assert (result.status, result.message) == (Status.FAILED, message)
    assert result.hint


async def test_run_check__stops_at_its_time_limit() -> None:
    async def endless() -> CheckResult:
        await asyncio.Event().wait()
        return ok("clock", "never returned")

    (result,) = await run_check("clock", endless(), 0.01)

    assert (result.status, result.message) == (Status.FAILED, "no response within 0.01 seconds")


async def test_readme__quotes_the_output_for_a_role_without_the_delete_permission(harness: ChecksHarness) -> None:
    harness.client.permissions -= {"oauth:token:delete"}
    (quoted,) = re.findall(r"   ```text\n(.*?)   ```", (ROOT / "README.md").read_text(), re.DOTALL)

    results = (await harness.check()).results

    text = text_for(Stream(terminal=True), results, NO_COLOR, columns=100)
    assert textwrap.dedent(quoted) in text


def test_scopes__are_those_of_the_manifest() -> None:
    manifest = yaml.safe_load((ROOT / "manifest.yml").read_text())

    assert sorted(SCOPES) == sorted(manifest["oauth_config"]["scopes"]["bot"])
