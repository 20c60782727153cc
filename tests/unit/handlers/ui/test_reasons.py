"""Reasons: for every error code, what happened, that nothing was changed, and what to do next."""

from __future__ import annotations

import re
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from bot.domain.denials import DenialCode, Denied
from bot.errors import BotError, SlackUnavailable, StaleRequest
from bot.purecloud import LoginCause, errors
from bot.sandbox.slack.block_kit import problems
from handlers.errors import error_message
from handlers.messages.en import SENTENCES
from handlers.ui.reasons import explain
from handlers.ui.renderer import MessageRenderer
from tests.support.examples import NOON, OLIVIA, RAVI, TOM, UNREAD_GROUP, UNREAD_ROLES
from tests.support.render_text import texts, words
from tests.support.sample_outcomes import HOSTILE
from tests.support.stub_services import ENGLISH

PARAMS = {
    "member": TOM,
    "requester": RAVI,
    "possible_at": str(NOON),
    "word": "tom",
    "open": "H2N3L45",
    "earlier": "CZB9T4E",
    "named": "tom.target@example.com",
    "email": "tom.target@example.com",
    "count": "2",
    "names": "tom, ann",
    "length": "1200",
    "limit": "1000",
    "approvers": f"{OLIVIA},{TOM}",
    "required": "3",
    "channel": "C0OPS00001",
    "follower": OLIVIA,
    "command": "revoke",
}


def login_failed(cause: LoginCause) -> BotError:
    error = errors.GenesysLoginFailed("The login host said <something> else.")
    error.cause = cause
    return error


def rate_limited(retry_after: float | None) -> BotError:
    error = errors.GenesysRateLimited(status=429)
    error.retry_after = retry_after
    return error


def forbidden(*permissions: str) -> BotError:
    error = errors.GenesysForbidden(status=403, correlation_id="c-<1>")
    error.permissions = permissions
    return error


ERRORS: dict[str, BotError] = {
    **{f"login: {cause}": login_failed(cause) for cause in LoginCause},
    "login without detail": errors.GenesysLoginFailed(),
    "forbidden": forbidden(),
    "forbidden, named": forbidden("directory:user:view", "<x>"),
    "rate limited": rate_limited(None),
    "rate limited, retry after": rate_limited(7.4),
    "unauthenticated": errors.GenesysUnauthenticated(status=401),
    "no response": errors.GenesysNoResponse(status=504),
    "unreachable": errors.GenesysUnreachable(),
    "not found": errors.GenesysNotFound(status=404),
    "rejected": errors.GenesysRejected("<b>No</b>", status=400),
    "rejected without detail": errors.GenesysRejected(status=418),
    "rejected, invalid target": errors.GenesysRejected(problem="invalid_target"),
    "unreadable response": errors.GenesysRejected(status=200, problem="unreadable_response"),
    "server error": errors.GenesysServerError("Sorry.", status=500, correlation_id="c-2"),
    "other": errors.GenesysError(status=302),
    "slack": SlackUnavailable("users.info", "ratelimited"),
    "slack, wrong token": SlackUnavailable("users.info", "invalid_auth"),
    "stale": StaleRequest(),
}


def test_denials__every_code(snapshot: SnapshotAssertion) -> None:
    assert "\n".join(f"{code}: {explain(ENGLISH, code, PARAMS)}" for code in DenialCode) == snapshot


@pytest.mark.parametrize("kind", ERRORS)
def test_error__says_what_to_do_next(kind: str) -> None:
    said = explain(ENGLISH, ERRORS[kind].code, ERRORS[kind].params)
    advice = said.partition("*Nothing was changed.*")[2].partition("(Genesys")[0]
    assert len(advice.split()) > 1, said


def test_error__of_a_read_that_finds_nothing_does_not_speak_of_an_id() -> None:
    """A search for an email address and the bot's own token have no id that a person typed."""
    error = ERRORS["not found"]
    assert " id" not in explain(ENGLISH, error.code, error.params)


@pytest.mark.parametrize("code", DenialCode)
def test_denial__says_that_nothing_was_changed_and_never_that_something_ended(code: DenialCode) -> None:
    said = explain(ENGLISH, code, PARAMS)
    assert "*Nothing was changed.*" in said
    assert "revoked" not in said.lower()
    assert "?" not in said.replace("Who is it about?", "")
    assert "changed" not in explain(ENGLISH, code, PARAMS, changed_nothing=False)


@pytest.mark.parametrize("code", ["command_postponed", "click_postponed"])
def test_explain__what_is_stored_and_waits_is_not_said_to_have_changed_nothing(code: str) -> None:
    said = explain(ENGLISH, code, {"delay": "20"})

    assert "is stored" in said
    assert "*Nothing has happened yet.*" in said
    assert "Nothing was changed" not in said


def test_denials__mention_only_parameters_that_the_bot_provides() -> None:
    used = {
        name
        for code in DenialCode
        for area in ("reason", "hint")
        for name in re.findall(r"{(\w+)}", SENTENCES.get(f"{area}.{code}", ""))
    }
    computed = {
        "contact",
        "member_mention", "requester_mention", "follower_mention", "required_approvers", "other_approvers",
        "channel_mention", "possible_time",
    }  # fmt: skip
    bare = {"member", "requester", "follower", "required", "approvers", "channel", "possible_at"}
    assert used == {*PARAMS, *computed} - bare


@pytest.mark.parametrize(
    ("approvers", "required", "start"),
    [
        ("", "1", "No one could approve this request, and one approver is needed"),
        ("", "2", "No one could approve this request, and two approvers are needed"),
        (OLIVIA, "2", f"Only <@{OLIVIA}> could approve this request, and two approvers are needed"),
        (f"{OLIVIA},{TOM}", "3", f"Only <@{OLIVIA}>, <@{TOM}> could approve this request, and 3 approvers are needed"),
    ],
)
def test_too_few_approvers__names_who_could_approve(approvers: str, required: str, start: str) -> None:
    said = explain(ENGLISH, DenialCode.TOO_FEW_APPROVERS, {"approvers": approvers, "required": required})
    assert said.startswith(start)


@pytest.mark.parametrize(
    ("required", "others"),
    [("1", "one other approver"), ("2", "two other approvers"), ("4", "4 other approvers")],
)
def test_own_request__says_how_many_others_must_approve(required: str, others: str) -> None:
    said = explain(ENGLISH, DenialCode.OWN_PROTECTED_REQUEST, {"required": required})
    assert said.startswith(f"You requested this yourself. It needs the approval of {others}.")


def test_channel_shared__that_an_admin_has_configured_names_the_setting() -> None:
    code = DenialCode.CHANNEL_SHARED
    assert "to set APPROVALS_CHANNEL" in explain(ENGLISH, code, {"channel": "C0APPROVE1", "configured": "yes"})
    assert "Request it in a channel of your own organization" in explain(ENGLISH, code, {"channel": "C0OPS00001"})


@pytest.mark.parametrize("code", DenialCode)
def test_denial__missing_parameter_is_a_question_mark(code: DenialCode) -> None:
    assert "{" not in explain(ENGLISH, code, {})


@pytest.mark.parametrize("code", DenialCode)
def test_denial__with_hostile_parameters_mentions_and_links_nothing(code: DenialCode) -> None:
    renderer = MessageRenderer(ENGLISH)
    for called in HOSTILE:
        hostile = dict.fromkeys(("word", "named", "email", "count", "names", "slack_code", "unverified"), called)
        message = renderer.reply(code, {**hostile, "member": TOM, "requester": RAVI})
        assert problems(message) == []
        markup = "".join(texts(message, "mrkdwn"))
        assert not any(one in markup for one in ("<!", "<http", "<@U0BEN"))


def test_denial__names_what_could_not_be_verified() -> None:
    said = explain(ENGLISH, DenialCode.NOT_AN_APPROVER, {"unverified": [UNREAD_GROUP.params, UNREAD_ROLES.params]})
    assert said.endswith(
        "Could not be checked, so it counts as no: the user group <!subteam^S0X> (Slack limits how often I may ask); "
        "the roles in Genesys Cloud (Genesys Cloud did not answer in time, correlation id `c-1`)."
    )
    assert "verified" not in explain(ENGLISH, DenialCode.NOT_AN_APPROVER, {})


def test_denial__that_an_earlier_version_stored_names_what_it_did() -> None:
    said = explain(ENGLISH, DenialCode.NOT_AN_APPROVER, {"unverified": "user group S0TOKENAPP (ratelimited)"})
    assert said.endswith("Could not be checked, so it counts as no: user group S0TOKENAPP (ratelimited).")
    said = explain(ENGLISH, "check_unavailable", {"unread": "PROTECTED (ratelimited)", "retry_after": 7})
    assert "I can't read PROTECTED (ratelimited)." in said


@pytest.mark.parametrize("name", ERRORS)
def test_error__every_kind(name: str, snapshot: SnapshotAssertion) -> None:
    error = ERRORS[name]
    said = explain(ENGLISH, error.code, error.params)
    assert said == snapshot
    assert not {"<", ">"} & set(said)
    assert "Nothing was changed." in said
    assert "?" not in said


def test_errors__all_classes_have_a_text() -> None:
    classes: list[type[Any]] = [one for one in vars(errors).values() if isinstance(one, type)]
    codes = {one.code for one in classes if issubclass(one, errors.GenesysError)}
    assert {f"reason.{code}" for code in codes} <= set(SENTENCES)


@pytest.mark.parametrize("name", ERRORS)
def test_error_message__escapes_what_genesys_sent(name: str) -> None:
    for said in HOSTILE:
        error = ERRORS[name]
        if isinstance(error, errors.GenesysError):
            error = type(error)(said, status=400, correlation_id=said)
        message = error_message(ENGLISH, error, by="U0RAVI0001")
        assert problems(message) == []
        assert "<" not in "".join(texts(message, "mrkdwn"))


def test_error_message__of_a_denial_is_its_reason() -> None:
    assert "Guests can't use this bot" in words(error_message(ENGLISH, Denied(DenialCode.GUEST), by="U0GUS00001"))


def test_error_message__of_an_unexpected_error_names_an_incident_and_no_detail() -> None:
    message = error_message(ENGLISH, RuntimeError("xoxb-very-secret"), by="U0RAVI0001")
    another = error_message(ENGLISH, RuntimeError("xoxb-very-secret"), by="U0RAVI0001")
    assert "very-secret" not in words(message)
    assert "Something broke on my side. *Nothing was changed.*" in words(message)
    assert words(message) != words(another)
