"""How findings are written, and what a check that goes wrong itself is worth."""

from __future__ import annotations

import asyncio
import io
import json
import re
import textwrap
from pathlib import Path

import pytest
import yaml

from bot.checks.errors import looked
from bot.checks.report import as_json, text_for, without_secrets
from bot.checks.result import Finding, Mark, exit_code, not_tried, refused, unknown, well, wrong
from bot.checks.slack import SCOPES
from tests.support.checks_harness import ChecksHarness

ROOT = Path(__file__).parents[3]
FINDINGS = [
    well("settings", "all that is required is set"),
    wrong("permission oauth:token:delete", "the client's roles lack it", "Add it.", "c-1"),
    unknown("rate limit", "the answers' headers name none"),
]


class Screen(io.TextIOWrapper):
    """Somewhere to write: a terminal or not, with an encoding."""

    def __init__(self, encoding: str = "utf-8", *, terminal: bool = False) -> None:
        super().__init__(io.BytesIO(), encoding=encoding)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


def test_text__is_a_line_a_check_and_one_that_counts() -> None:
    assert text_for(Screen(), FINDINGS, {}).splitlines() == [
        "✓ settings: all that is required is set",
        "✗ permission oauth:token:delete: the client's roles lack it (correlation id c-1). Add it.",
        "? rate limit: the answers' headers name none",
        "",
        "1 well, 1 wrong, 1 could not be told; nothing was changed.",
    ]


@pytest.mark.parametrize(
    ("terminal", "environ", "coloured"),
    [(True, {}, True), (False, {}, False), (True, {"NO_COLOR": "1"}, False)],
)
def test_text__is_coloured_on_a_terminal_that_wants_it(terminal: bool, environ: dict[str, str], coloured: bool) -> None:
    assert ("\033[" in text_for(Screen(terminal=terminal), FINDINGS, environ)) is coloured


def test_text__is_as_wide_as_the_terminal_with_what_to_do_on_lines_of_its_own() -> None:
    text = text_for(Screen(terminal=True), FINDINGS, {"NO_COLOR": "1"}, columns=60)

    assert text.splitlines()[:5] == [
        "✓ settings: all that is required is set",
        "✗ permission oauth:token:delete: the client's roles lack it",
        "  (correlation id c-1)",
        "  → Add it.",
        "? rate limit: the answers' headers name none",
    ]
    assert "no permission" in text_for(Screen("ascii", terminal=True), FINDINGS, {"NO_COLOR": "1"}, columns=60)
    assert "\n   -> Add it." in text_for(Screen("ascii", terminal=True), FINDINGS, {"NO_COLOR": "1"}, columns=60)


def test_text__is_in_lines_that_can_be_read_however_wide_the_terminal_is() -> None:
    findings = [well("settings", "word " * 80)]

    assert max(map(len, text_for(Screen(terminal=True), findings, {"NO_COLOR": "1"}, columns=400).splitlines())) <= 100
    assert len(text_for(Screen(), findings, {}, columns=40).splitlines()[0]) > 400


def test_text__does_without_signs_where_there_are_none() -> None:
    text = text_for(Screen("ascii"), [*FINDINGS, well("ADMINS U1", "it is Zoë")], {})

    assert text.isascii()
    assert text.startswith("ok settings")
    assert "\nno permission" in text


def test_json__is_a_list_with_an_object_a_check() -> None:
    assert json.loads(as_json(FINDINGS))[1] == {
        "check": "permission oauth:token:delete",
        "mark": "wrong",
        "says": "the client's roles lack it",
        "advice": "Add it.",
        "correlation_id": "c-1",
        "refused": False,
    }


def test_secrets__are_taken_out_of_whatever_repeats_them() -> None:
    said = wrong("x", "it said opaque-secret and xoxb-1-2-3", "postgres://bot:pass@db/x")

    (clean,) = without_secrets([said], {"PURECLOUD_SECRET": "opaque-secret"})

    assert not any(word in str(clean) for word in ("opaque-secret", "xoxb", "pass@"))


def test_secrets__a_placeholder_is_none_and_leaves_the_sentences_whole() -> None:
    said = wrong("PURECLOUD_SECRET", "not tried, because the client failed", "Set it to the client's secret.")

    assert without_secrets([said], {"PURECLOUD_SECRET": "secret", "SLACK_SIGNING_SECRET": "b"}) == [said]


@pytest.mark.parametrize(
    ("findings", "code"),
    [
        ([well("a", "b"), unknown("c", "d"), not_tried("e", "f")], 0),
        ([well("a", "b"), wrong("c", "d", "e")], 1),
        ([wrong("c", "d", "e"), refused("APPROVERS: it is required")], 2),
    ],
)
def test_exit_code__is_that_of_the_worst(findings: list[Finding], code: int) -> None:
    assert exit_code(findings) == code


async def test_check__that_breaks_is_told_without_a_trace_or_what_it_said() -> None:
    async def broken() -> Finding:
        raise KeyError("opaque-secret")

    (finding,) = await looked("clock", broken(), 30)

    assert (finding.mark, finding.says) == (Mark.WRONG, "the check itself broke (KeyError)")


async def test_check__that_takes_too_long_is_given_up() -> None:
    async def endless() -> Finding:
        await asyncio.Event().wait()
        return well("clock", "never")

    (finding,) = await looked("clock", endless(), 0.01)

    assert finding.says == "no answer came within 0.01 seconds"


async def test_readme__shows_what_the_doctor_says_where_the_role_may_not_revoke(ward: ChecksHarness) -> None:
    ward.client.permissions -= {"oauth:token:delete"}
    (shown,) = re.findall(r"   ```text\n(.*?)   ```", (ROOT / "README.md").read_text(), re.DOTALL)

    findings = (await ward.check()).findings

    said = text_for(Screen(terminal=True), findings, {"NO_COLOR": "1"}, columns=100)
    assert textwrap.dedent(shown) in said


def test_scopes__are_those_of_the_manifest() -> None:
    manifest = yaml.safe_load((ROOT / "manifest.yml").read_text())

    assert sorted(SCOPES) == sorted(manifest["oauth_config"]["scopes"]["bot"])
