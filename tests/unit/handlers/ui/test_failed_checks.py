"""Failed checks: what could not be read, and why, in words and mentions, never as a code."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from bot.domain.denials import DenialCode
from bot.domain.failed_checks import Cause, FailedCheck, Subject
from bot.errors import TOKEN_REFUSED
from bot.network.errors import NETWORK_ERROR_CLASSES
from bot.purecloud import GenesysError
from handlers.messages.en import SENTENCES
from handlers.ui.failed_checks import MAX_SHOWN, failed_checks, why
from handlers.ui.sentences import as_mrkdwn
from tests.support.examples import TOM, UNREAD_GROUP, UNREAD_ROLES
from tests.support.stub_services import ENGLISH

DENIALS = (
    DenialCode.NO_EMAIL, DenialCode.EMAIL_UNCONFIRMED, DenialCode.TARGET_IS_NO_ADDRESS, DenialCode.SEVERAL_IN_GENESYS,
    DenialCode.UNKNOWN_IN_GENESYS, DenialCode.INACTIVE_IN_GENESYS,
)  # fmt: skip
"""Denials that leave it open what a person holds in Genesys Cloud."""

CODE = re.compile(r"[a-z]+(_[a-z0-9]+)+")


def kinds(of: type[GenesysError] = GenesysError) -> Iterator[type[GenesysError]]:
    yield of
    for one in of.__subclasses__():
        yield from kinds(one)


KNOWN = sorted({*Cause, *DENIALS, *TOKEN_REFUSED, *NETWORK_ERROR_CLASSES, *(kind.code for kind in kinds())})


def text(*checks: FailedCheck) -> str:
    return as_mrkdwn(failed_checks(ENGLISH, [check.params for check in checks]))


def test_failed_checks__mention_users_and_groups() -> None:
    user = FailedCheck(Subject.SLACK_USER, "user_not_found", TOM)

    assert [one.get("usergroup_id") for one in failed_checks(ENGLISH, [UNREAD_GROUP.params])] == [None, "S0X", None]
    assert text(UNREAD_GROUP) == "the user group <!subteam^S0X> (Slack limits how often I may ask)"
    assert text(user) == f"<@{TOM}> in Slack (Slack doesn't know them)"


def test_failed_checks__have_the_correlation_id_for_genesys_support() -> None:
    assert (
        text(UNREAD_ROLES) == "the roles in Genesys Cloud (Genesys Cloud did not answer in time, correlation id `c-1`)"
    )


@pytest.mark.parametrize("subject", Subject)
def test_failed_check__shows_the_code_neither_of_its_subject_nor_of_its_cause(subject: Subject) -> None:
    for cause in (*KNOWN, *DenialCode, "http_502", "proxy_407", "a_new_code"):
        said = text(FailedCheck(subject, cause, "S0X"))
        assert not CODE.search(said), said
        assert "?" not in said


@pytest.mark.parametrize("code", KNOWN)
def test_why__has_words_for_each_cause(code: str) -> None:
    assert f"why.{code}" in SENTENCES
    assert not SENTENCES[f"why.{code}"].endswith(".")


@pytest.mark.parametrize(
    ("code", "known"),
    [("http_502", "http"), ("proxy_407", "proxy"), ("a_new_code", "slack_error"), ("", "slack_error")],
)
def test_why__of_a_code_without_words_names_where_it_comes_from(code: str, known: str) -> None:
    assert why(ENGLISH, code) == SENTENCES[f"why.{known}"]


def test_failed_check__of_genesys_cloud_with_an_unknown_code_does_not_speak_of_slack() -> None:
    assert text(FailedCheck(Subject.GENESYS_ROLES, "a_new_code")).endswith("(Genesys Cloud reports an error)")


def test_failed_checks__are_counted_beyond_a_few() -> None:
    many = [FailedCheck(Subject.SLACK_USER, "ratelimited", f"U0MEMBER{number:02}") for number in range(MAX_SHOWN + 7)]

    assert text(*many).count("<@") == MAX_SHOWN
    assert text(*many).endswith("; and 7 more")
    assert "more" not in text(*many[:MAX_SHOWN])


def test_failed_checks__of_another_version_are_rendered_without_codes() -> None:
    stored = [{"subject": "a_new_subject", "cause": "a_new_code"}, {}]

    said = as_mrkdwn(failed_checks(ENGLISH, stored))

    assert not CODE.search(said)
    assert said.count("another version of me") == len(stored)
