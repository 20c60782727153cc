"""The rules in words, for each combination of settings."""

from __future__ import annotations

import pytest

from bot.checks.result import Status
from bot.checks.rules import check_rules
from bot.settings import read_settings
from tests.support.checks_harness import ChecksHarness
from tests.support.examples import REQUIRED_SETTINGS


def words_for(**settings: str) -> dict[str, str]:
    """Return each rule by the name of its line."""
    return {one.check: one.message for one in check_rules(read_settings(REQUIRED_SETTINGS | settings))}


def test_rules__with_the_required_settings_alone() -> None:
    assert words_for(APPROVERS="U0OLIVIA01") == {
        "who may request": "those who may approve, because REQUESTERS is not set",
        "who may approve": (
            "the Slack user U0OLIVIA01. A request needs 1 approval within 15 minutes; the requester's own counts, if "
            "they may approve"
        ),
        "who is protected": "no one, because PROTECTED is not set",
        "who may administer": "no one, because ADMINS is not set, so no one may rotate, revoke many "
        "people or read the history",
        "who may break glass": "no one, because BREAK_GLASS is not set",
        "where cards go": (
            "to the requester alone, if they may approve their own request; otherwise to the channel of the command; "
            "never to a channel that another organization shares"
        ),
        "whom cards mention": "the Slack user U0OLIVIA01, once in 5 minutes for each requester",
        "when a reminder follows": "once, after 5 minutes without a decision",
        "where outcomes go": "to the card and the people concerned; to no channel, because AUDIT_CHANNEL is not set",
        "when a new login is reported": "within 10 minutes after a revocation, with 8 calls per person at most",
    }


@pytest.mark.parametrize(
    ("settings", "rule", "words"),
    [
        ({"REQUESTERS": "S0OPS00001"}, "who may request", "members of the Slack user group S0OPS00001"),
        (
            {"APPROVERS": "role:Supervisor,permission:oauth:token:delete,U0OLIVIA01,U0OLIVIA01"},
            "who may approve",
            "permission oauth:token:delete or the Slack user U0OLIVIA01.",
        ),
        ({"SELF_APPROVAL": "false"}, "who may approve", "the requester's own does not count"),
        (
            {"APPROVALS_REQUIRED": "2"},
            "who may approve",
            "needs 2 approvals within 15 minutes; the requester's own does not count, because APPROVALS_REQUIRED",
        ),
        (
            {"APPROVALS_REQUIRED": "2", "ADMINS": "U0ADA00001"},
            "who may administer",
            "approve a rotation, which needs 1 approval",
        ),
        (
            {"APPROVALS_REQUIRED": "3", "PROTECTED_APPROVALS": "3", "ADMINS": "U0ADA00001"},
            "who may administer",
            "a revocation of more than 10 people, which needs 3 approvals",
        ),
        (
            {"PROTECTED": "U0VIP00001", "PROTECTED_APPROVALS": "3", "ADMINS": "U0ADA00001"},
            "who may administer",
            "more than 10 people, which needs 2 approvals (3 if one of them is protected), and",
        ),
        (
            {"PROTECTED": "U0VIP00001", "ADMINS": "U0ADA00001"},
            "who may administer",
            "more than 10 people, which needs 2 approvals, and",
        ),
        ({"APPROVALS_REQUIRED": "2"}, "where cards go", "to the channel of the command"),
        ({"PROTECTED": "U0VIP00001", "PROTECTED_APPROVALS": "1"}, "who is protected", "needs 1 approval by others"),
        ({"PROTECTED": "U0VIP00001", "PROTECTED_APPROVALS": "3"}, "who is protected", "needs 3 approvals by others"),
        ({"REQUEST_TTL": "90s"}, "who may approve", "within 1.5 minutes"),
        ({"PROTECTED": "U0VIP00001"}, "who is protected", "the Slack user U0VIP00001. A request about them needs 2"),
        ({"ADMINS": "U0ADA00001"}, "who may administer", "the Slack user U0ADA00001. They may request and approve"),
        ({"BREAK_GLASS": "U0SAM00001"}, "who may break glass", "the Slack user U0SAM00001. They may revoke alone"),
        ({"BREAK_GLASS": "U0SAM00001"}, "who may break glass", "announced nowhere, because no channel is set"),
        (
            {"BREAK_GLASS": "U0SAM00001", "APPROVALS_CHANNEL": "C0APPROVE1", "AUDIT_CHANNEL": "C0AUDIT001"},
            "who may break glass",
            "announced in C0APPROVE1 and C0AUDIT001 before the revocation",
        ),
        (
            {"BREAK_GLASS": "U0SAM00001", "APPROVALS_CHANNEL": "C0AUDIT001", "AUDIT_CHANNEL": "C0AUDIT001"},
            "who may break glass",
            "announced in C0AUDIT001 before the revocation",
        ),
        ({"APPROVALS_CHANNEL": "C0APPROVE1"}, "where cards go", "otherwise to the channel C0APPROVE1"),
        ({"APPROVALS_CHANNEL": "C0APPROVE1", "SELF_APPROVAL": "no"}, "where cards go", "to the channel C0APPROVE1"),
        ({"APPROVERS": "role:Supervisor"}, "whom cards mention", "names no Slack user or user group"),
        ({"PING_APPROVERS": "false"}, "whom cards mention", "no one, because PING_APPROVERS is off"),
        ({"NOTIFY_TARGET": "true"}, "where outcomes go", "a revoked person is notified too"),
        ({"WATCH_FOR": "off"}, "when a new login is reported", "never, because WATCH_FOR is off"),
        ({"WATCH_FOR": "90s"}, "when a new login is reported", "within 1.5 minutes after"),
        ({"REMIND_AFTER": "OFF"}, "when a reminder follows", "never, because REMIND_AFTER is off"),
        ({"REMIND_AFTER": "90s"}, "when a reminder follows", "after 1.5 minutes"),
        ({"REQUEST_TTL": "5m"}, "when a reminder follows", "never, because a request expires"),
        ({"AUDIT_CHANNEL": "C0AUDIT001"}, "where outcomes go", "and the channel C0AUDIT001"),
    ],
)
def test_rules__say_what_each_setting_does(settings: dict[str, str], rule: str, words: str) -> None:
    assert words in words_for(**settings)[rule]


async def test_check__ends_with_the_rules(harness: ChecksHarness) -> None:
    report = await harness.check()

    names = [one.check for one in report.results[-10:]]
    assert names[0] == "who may request"
    assert names[-1] == "when a new login is reported"


def test_break_glass__without_a_channel_is_a_doubt() -> None:
    settings = read_settings(REQUIRED_SETTINGS | {"BREAK_GLASS": "U0SAM00001"})
    (result,) = [one for one in check_rules(settings) if one.check == "who may break glass"]

    assert result.status is Status.UNDETERMINED
    assert result.hint == "Set APPROVALS_CHANNEL and AUDIT_CHANNEL, so that others notice."
