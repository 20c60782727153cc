"""No text for people has an internal code: a word with underscores, such as `inactive_in_genesys`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from bot.domain.denials import DenialCode, Denied
from bot.domain.failed_checks import Cause, FailedCheck, Subject
from bot.domain.requests import State
from bot.errors import TOKEN_REFUSED, BotError, SlackUnavailable
from bot.network.errors import NETWORK_ERROR_CLASSES
from bot.purecloud import GenesysError, LoginCause, TokenInfo, errors, region
from bot.services.account import Permissions, WhoAmI
from bot.services.notifications import FIXABLE_ERRORS
from bot.slack.api import SlackCallError
from handlers import help as help_command
from handlers import whoami
from handlers.errors import error_message
from handlers.home import Publisher
from handlers.messages.en import SENTENCES
from handlers.ui.renderer import MessageRenderer
from tests.support.examples import BEN, RAVI, TOM, WORKSPACE, member, request
from tests.support.render_text import readable
from tests.support.sample_outcomes import ACTIONS, OUTCOMES, in_state
from tests.support.stub_services import ENGLISH, INVOKER, StubServices

CODE = re.compile(r"[a-z]+(?:_[a-z0-9]+)+")
MARKUP = re.compile(r"<[^>]*>|\] [a-z_]+=\S*|`/purecloud[^`]*`|`should_escape: true`")
"""Mentions and times, the value of a button, a command, and a setting in the manifest of the Slack app."""

RENDERER = MessageRenderer(ENGLISH)
SLACK_CODES = sorted({
    *TOKEN_REFUSED, *NETWORK_ERROR_CLASSES, *FIXABLE_ERRORS, "ratelimited", "rate_limited", "internal_error",
    "fatal_error", "service_unavailable", "request_timeout", "http_502", "proxy_407", "invalid_blocks", "no_ts",
    "not_called_yet", "expired_trigger_id", "user_not_found", "no_such_subteam", "a_new_code",
})  # fmt: skip
PARAMS: Mapping[str, Any] = {
    "member": TOM, "requester": RAVI, "follower": BEN, "possible_at": "1782043200", "approvers": RAVI, "required": "2",
    "channel": "C0OPS00001",
}  # fmt: skip


def codes_in(message: Mapping[str, Any]) -> list[str]:
    """Return the words with underscores that a person reads."""
    return [found[0] for found in CODE.finditer(MARKUP.sub("", readable(message)))]


def genesys_errors() -> Iterator[GenesysError]:
    """Yield an error of each class, with codes in every place that has one."""
    kinds: list[type[GenesysError]] = [GenesysError, *GenesysError.__subclasses__()]
    for kind in kinds:
        for problem in (None, "unreadable_response", "unexpected_response", "invalid_target", "reserved"):
            yield kind(status=400, error_code="bad_request", correlation_id="c-1", problem=problem)
    for cause in LoginCause:
        failed = errors.GenesysLoginFailed(error_code="invalid_client")
        failed.cause = cause
        yield failed


def person(**changes: Any) -> WhoAmI:
    """Return a person with a token of the bot."""
    who = WhoAmI(member(), Permissions(), None, TokenInfo(), region("mypurecloud.com"), WORKSPACE)
    return replace(who, **changes)


async def shown_to(who: WhoAmI) -> list[str]:
    """Return the codes that a person reads in `whoami`, in help and in the Home tab."""
    services = StubServices(who.permissions, who)
    answers = [await answer(INVOKER, services, ENGLISH) for answer in (whoami.answer, help_command.answer)]
    await Publisher(INVOKER, services, ENGLISH).publish()
    view = services.api_calls[-1][1]["view"]
    return [code for message in (*answers, {"text": "", "blocks": view["blocks"]}) for code in codes_in(message)]


def test_codes_in__finds_a_code_and_no_command_or_time() -> None:
    assert codes_in({"text": "is (`inactive_in_genesys`)"}) == ["inactive_in_genesys"]
    assert codes_in({"text": "`/purecloud help` <!date^1^{date_short_pretty} {time}|now>"}) == []


@pytest.mark.parametrize("code", DenialCode)
async def test_denial__shows_no_code(code: DenialCode) -> None:
    unread = [FailedCheck(subject, cause, "S0X").params for subject in Subject for cause in (*Cause, code)]
    for params in (PARAMS, {**PARAMS, "unverified": unread}, {**PARAMS, "problem": "list", "configured": "yes"}):
        assert codes_in(RENDERER.reply(code, params)) == []
    failed = FailedCheck(Subject.GENESYS_ROLES, code)
    for permissions in (Permissions(denied_because=code), Permissions(unverified=(failed,))):
        assert await shown_to(person(permissions=permissions, person=Denied(code, **PARAMS))) == []


@pytest.mark.parametrize("error", list(genesys_errors()), ids=lambda one: f"{one.code}, {one.problem}")
async def test_error_of_genesys_cloud__shows_no_code(error: GenesysError) -> None:
    assert codes_in(error_message(ENGLISH, error, by=RAVI)) == []
    failed = FailedCheck(Subject.GENESYS_ROLES, error.code, correlation_id="c-1")
    assert await shown_to(person(permissions=Permissions(unverified=(failed,)), person=error, token=error)) == []
    for state in OUTCOMES:
        for action in ACTIONS:
            result = OUTCOMES[state] | {"code": error.code} | {k: v for k, v in error.params.items() if v is not None}
            asked = in_state(state, action, outcome=result)
            assert [*codes_in(RENDERER.card(asked)), *codes_in(RENDERER.outcome(asked))] == []
    assert codes_in(RENDERER.thread_reply("retrying", {"code": error.code, **error.params})) == []


@pytest.mark.parametrize("code", SLACK_CODES)
def test_error_of_slack__shows_no_code(code: str) -> None:
    shown: list[BotError] = [SlackUnavailable("users.info", code), SlackCallError(code, retryable=False)]
    messages = [error_message(ENGLISH, error, by=RAVI) for error in shown]
    messages += [RENDERER.reply("card_not_posted", {"slack_code": code}, request())]
    messages += [
        RENDERER.reply("copy_not_posted", {"slack_code": code, "place": place}, request()) for place in ("C1", "U1")
    ]
    messages.append(RENDERER.thread_reply("file_not_shared", {"slack_code": code}))
    assert [found for message in messages for found in codes_in(message)] == []
    assert not any("?" in message["text"] or code in re.findall(r"\w+", message["text"]) for message in messages)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("action", ACTIONS)
def test_card__shows_no_code(state: State, action: str) -> None:
    codes = {code.split(".")[1] for code in SENTENCES if code.startswith(("problem.", "reason."))}
    for code in (None, "a_new_code", *sorted(codes)):
        outcome = {"reason": "no"} | OUTCOMES.get(state, {}) | ({"code": code} if code else {})
        asked = in_state(state, action, outcome=outcome)
        for message in (RENDERER.card(asked), RENDERER.outcome(asked), RENDERER.reply("stale_request", {}, asked)):
            assert codes_in(message) == []
