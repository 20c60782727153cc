"""No name, address, division, reason or error detail deceives a reader of messages, reports and logs."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.checks.report import as_text, without_secrets
from bot.checks.result import failed
from bot.domain.denials import DenialCode
from bot.domain.failed_checks import FailedCheck, Subject
from bot.domain.people import Person, Workspace
from bot.domain.principals import Principal, PrincipalKind
from bot.domain.requests import Request, State
from bot.logs import Redactor
from bot.purecloud import GenesysRejected, GenesysServerError, NamedEntity, TokenInfo
from bot.sandbox.slack import block_kit
from bot.services.account import Permissions
from bot.services.overview import ListedRequest
from handlers import help as help_command
from handlers import whoami
from handlers.errors import error_message
from handlers.ui.renderer import MessageRenderer
from handlers.ui.request_lists import request_list
from tests.support.examples import RAVI, TOM_IN_GENESYS
from tests.support.sample_outcomes import ACTIONS, in_state
from tests.support.stub_services import ENGLISH, INVOKER, StubServices
from tests.unit.handlers.test_whoami import WHO

RENDERER = MessageRenderer(ENGLISH)
MAX_TOTAL = 13_000
"""Characters in all blocks of a message; Slack refuses longer ones with `msg_blocks_too_long`."""

HIDDEN = re.compile(
    "[\\x00-\\x09\\x0b-\\x1f\\x7f-\\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\u2800\u3164\ud800-\udfff\ue000-\uf8ff\ufe00-\ufe0e\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff]"
    "|(?:^|[\\x00-\u05ff\u200c\u200d])[\u200c\u200d]|[\u200c\u200d](?:$|[\\x00-\u05ff])"  # joiners beside Latin letters
    "|(?:^|[A-Za-z\u00c0-\u05ff\ufe0f])\ufe0f"
)
"""What no reader sees, outside of emoji and of scripts that need it."""

ALLOWED_LINKS = re.compile(r"@[UW][A-Z0-9]+|#[CD][A-Z0-9]+|!date\^\d+\^[^|<>]+\|[^|<>]+")

FRAGMENTS = (
    "Tom",
    " \u00a0 ",
    "Tom\nState: revoked\r\n\t",
    "\x1b[31m\0\x9b",
    "\u202eT\u2066om\u200b\u2028",
    "a\u200cb\u200dc\ufe0fd",
    "\u0645\u200c\u062e\u0dca\u200d\u0dbb",
    "\U0001f469\u200d\U0001f692\u2764\ufe0f\u200d",
    "\u034f\u3164\u2800\u115f\u17b4\u180e\U000e0041\U000e0100",
    "e\u0301\u0301\u0301\u0301",
    "T\u043em",
    "<!channel> <@U0BEN00001> <#C1> <https://e.co|x>",
    "&lt;!here&gt; & < >",
    "`*Approved*` @here https://e.co",
    "{target} {0} {",
    "Revoked: all sessions of ",
    "Nothing was changed.",
    "x" * 300,
    "&" * 300,
    "\U0001f6a8" * 200 + "\u202e" * 2000,
)
TEXTS = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=3), max_size=5).map("".join)
OPTIONAL = st.none() | TEXTS
PEOPLE = st.builds(Person, id=st.just(TOM_IN_GENESYS.id), name=TEXTS, email=OPTIONAL, division=OPTIONAL, state=OPTIONAL)
OUTCOMES = st.fixed_dictionaries(
    {},
    optional={
        "code": st.sampled_from(
            ["genesys_forbidden", "genesys_rejected", "genesys_no_response", "genesys_login_failed"]
        ),
        "status": st.just(400),
        "uncertain": st.booleans(),
        "detail": TEXTS,
        "error_code": TEXTS,
        "cause": TEXTS,
        "problem": TEXTS,
        "correlation_id": TEXTS,
        "permissions": st.lists(TEXTS, max_size=8),
    },
)
CASES = [(state, action) for state in State for action in ACTIONS]


def bounded(count: int) -> settings:
    """Return settings for a few examples without a deadline."""
    return settings(max_examples=count, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def strings(part: Any) -> Iterator[str]:
    """Iterate over every string of a message."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, Mapping):
        for value in part.values():
            yield from strings(value)
    elif isinstance(part, list):
        for value in part:
            yield from strings(value)


def marked(part: Any) -> Iterator[Mapping[str, Any]]:
    """Iterate over every text of blocks in which Slack reads markup."""
    if isinstance(part, Mapping):
        if part.get("type") == "mrkdwn":
            yield part
        for value in part.values():
            yield from marked(value)
    elif isinstance(part, list):
        for value in part:
            yield from marked(value)


def assert_true_to_sight(message: Mapping[str, Any]) -> None:
    """Assert that a message is valid, shows all it has, and mentions and links nothing by foreign text."""
    assert block_kit.problems(dict(message)) == []
    assert len(message["text"]) <= 3000
    assert sum(len(one) for one in strings(message["blocks"])) <= MAX_TOTAL
    for one in strings(dict(message)):
        assert not HIDDEN.search(one), ascii(one)
    texts = list(marked(message["blocks"]))
    assert all(text["verbatim"] for text in texts)
    for markup in [message["text"], *(text["text"] for text in texts)]:
        links = re.findall(r"<([^<>]*)>", markup)
        assert all(ALLOWED_LINKS.fullmatch(link) for link in links), markup
        assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", re.sub(r"<[^<>]*>", "", markup)), markup


def frame(state: State, action: str) -> tuple[str, str]:
    """Return what stands before and after the name in the headline of a card."""
    if state is State.PENDING:
        text = ENGLISH.of_action(action, "title", target="@@", action=action)
    else:
        subject = ENGLISH.of_action(action, "subject", target="@@")
        text = ENGLISH.of_action(action, f"headline.{state}", subject=subject, target="@@")
    before, _, after = text.partition("@@")
    return before, after


def asked_for(
    case: tuple[State, str], target: Person, slack_name: str | None, reason: str, outcome: dict[str, Any]
) -> Request:
    """Return a request in a state, with names that other people chose."""
    asked = in_state(*case, reason=reason[:500], approvals_required=2)
    if asked.target:
        asked = replace(asked, target=target, target_slack_name=slack_name)
    return replace(asked, outcome={**asked.outcome, **outcome})


@bounded(150)
@given(case=st.sampled_from(CASES), target=PEOPLE, slack_name=OPTIONAL, reason=TEXTS, outcome=OUTCOMES)
def test_messages__about_a_request_are_true_to_sight(
    case: tuple[State, str], target: Person, slack_name: str | None, reason: str, outcome: dict[str, Any]
) -> None:
    asked = asked_for(case, target, slack_name, reason, outcome)
    for message in (
        RENDERER.card(asked),
        RENDERER.outcome(asked),
        RENDERER.reply("card_posted", {"channel": "C0OPS00001"}, asked),
        RENDERER.reply("card_not_posted", {"slack_code": reason}, asked),
        RENDERER.reply("stale_request", {}, asked),
    ):
        assert_true_to_sight(message)


@bounded(100)
@given(case=st.sampled_from(CASES), target=PEOPLE, slack_name=OPTIONAL, outcome=OUTCOMES)
def test_headline__keeps_its_meaning_around_any_name(
    case: tuple[State, str], target: Person, slack_name: str | None, outcome: dict[str, Any]
) -> None:
    card = RENDERER.card(asked_for(case, target, slack_name, "", outcome))
    before, after = frame(*case)

    headline = card["blocks"][0]["text"]["text"]
    assert headline.startswith(before)
    assert headline.endswith(after)
    assert "\n" not in headline


@bounded(100)
@given(target=PEOPLE, slack_name=OPTIONAL)
def test_dialog__keeps_its_meaning_around_any_names(target: Person, slack_name: str | None) -> None:
    card = RENDERER.card(asked_for((State.PENDING, "revoke"), target, slack_name, "", {}))
    (approve, *_) = next(block for block in card["blocks"] if block["type"] == "actions")["elements"]
    question = approve["confirm"]["text"]

    assert question["type"] == "plain_text"
    assert " is logged out everywhere, now. A call in progress may drop. It can't be undone." in question["text"]
    assert not question["text"].endswith("…")
    assert "\n" not in question["text"]


PARAMS = st.dictionaries(
    st.sampled_from([
        "word", "named", "email", "names", "count", "method", "slack_code", "unverified", "unread", "detail", "status",
        "error_code", "correlation_id", "incident", "cause", "problem",
    ]),
    TEXTS,
)  # fmt: skip
CODES = (
    *DenialCode, "slack_unavailable", "slack_call_failed", "genesys_rejected", "genesys_login_failed",
    "genesys_server_error", "check_unavailable", "internal_error",
)  # fmt: skip


@bounded(150)
@given(code=st.sampled_from(CODES), params=PARAMS, permissions=st.lists(TEXTS, max_size=8))
def test_replies__are_true_to_sight_and_say_that_nothing_was_changed(
    code: str, params: dict[str, str], permissions: list[str]
) -> None:
    for message in (
        RENDERER.reply(code, params),
        RENDERER.reply("genesys_forbidden", params | {"permissions": permissions}),
    ):
        assert_true_to_sight(message)
        assert ENGLISH.text("nothing_changed") in message["text"]


@bounded(100)
@given(detail=TEXTS, error_code=TEXTS, correlation_id=TEXTS)
def test_errors_of_genesys__are_true_to_sight(detail: str, error_code: str, correlation_id: str) -> None:
    for kind in (GenesysRejected, GenesysServerError):
        error = kind(detail, status=400, error_code=error_code, correlation_id=correlation_id)
        assert_true_to_sight(error_message(ENGLISH, error, by=RAVI))


@bounded(100)
@given(person=PEOPLE, texts=st.lists(TEXTS, min_size=6, max_size=6))
def test_private_answers__are_true_to_sight(person: Person, texts: list[str]) -> None:
    name, workspace, organization, role, unverified, word = texts
    permissions = Permissions(
        request={"revoke": Principal(PrincipalKind.ROLE, role)},
        administer=Principal(PrincipalKind.ROLE, role),
        unverified=(FailedCheck(Subject.GENESYS_ROLES, unverified, unverified, unverified),),
    )
    who = replace(
        WHO,
        member=replace(WHO.member, name=name, email=person.email),
        person=person,
        permissions=permissions,
        workspace=Workspace("T1", workspace, "U1"),
        token=TokenInfo(organization=NamedEntity(id=name, name=organization), authorized_scope=(role,)),
    )

    async def answers() -> list[Mapping[str, Any]]:
        services = StubServices(permissions, who)
        unknown = help_command.answer(INVOKER, services, ENGLISH, unknown=word or "x", suggest=lambda _: "help")
        return [await whoami.answer(INVOKER, services, ENGLISH), await unknown]

    for message in asyncio.run(answers()):
        assert_true_to_sight(message)


@bounded(100)
@given(case=st.sampled_from(CASES), target=PEOPLE, reason=TEXTS)
def test_lists__are_true_to_sight(case: tuple[State, str], target: Person, reason: str) -> None:
    listed = ListedRequest(asked_for(case, target, None, reason, {}))
    assert_true_to_sight(request_list(ENGLISH, "pending", [listed], {}))


@bounded(100)
@given(text=TEXTS)
def test_log__has_each_event_on_one_line_without_hidden_characters(text: str) -> None:
    event = Redactor(())(None, "", {"event": text, "problem": text, "deep": [{"name": text}], "exception": text})

    assert not any(HIDDEN.search(one) for one in strings(event))
    assert "\n" not in f"{event['event']}{event['problem']}"


@bounded(100)
@given(text=TEXTS)
def test_report__has_each_check_on_one_line_without_hidden_characters(text: str) -> None:
    report = as_text(without_secrets([failed(f"check {text}", text, text, text)]))

    assert not HIDDEN.search(report)
    assert len(report.split("\n")) == 3


@pytest.mark.parametrize("text", ["a\u200db", "a\ufe0f", "a\u034f", "\u202e", "Tom\u115f", "\x1b[1m"])
def test_this_module__notices_what_is_hidden(text: str) -> None:
    assert HIDDEN.search(text)
