"""The catalog: every sentence comes from it, so that a second language is one more file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from bot.domain.denials import DenialCode
from bot.domain.failed_checks import FailedCheck, Subject
from bot.domain.people import Person
from bot.domain.principals import Principal, PrincipalKind
from bot.domain.requests import State
from bot.purecloud import GenesysUnreachable, TokenInfo, region
from bot.services.account import Permissions, WhoAmI
from bot.services.overview import ListedRequest, RequestList
from handlers import help as help_command
from handlers import whoami
from handlers.commands import READ_ONLY
from handlers.errors import error_message
from handlers.home import Publisher
from handlers.messages import Catalog
from handlers.messages.en import SENTENCES
from handlers.ui.modals import View, decline_modal, revoke_modal
from handlers.ui.renderer import MessageRenderer
from tests.support.bolt import BoltHarness, StubWorkspace, body
from tests.support.examples import WORKSPACE, member, request
from tests.support.sample_outcomes import ACTIONS, OUTCOMES, variants
from tests.support.stub_services import INVOKER, StubServices

_VERBATIM = re.compile(r"({\w+}|`[^`]*`|<[^>]*>)")
"""What a translation keeps: placeholders, commands and markup."""


def pseudo(sentence: str) -> str:
    """Return a sentence in a language whose words are all "§"."""
    parts = _VERBATIM.split(sentence)
    return "".join(part if _VERBATIM.fullmatch(part) else re.sub(r"[A-Za-z'’]+", "§", part) for part in parts)  # noqa: RUF001


PSEUDO = Catalog({code: pseudo(sentence) for code, sentence in SENTENCES.items()})
NUMBER = "12345"
RULE = Principal(PrincipalKind.USER, NUMBER)


def untranslated(value: Any) -> list[str]:
    """Return the words of a message that are not from the catalog; test data has no letters."""
    found: list[str] = []
    for text in shown(value):
        visible = re.sub(r"`[^`]*`|<[^>]*>|:\w+:", "", text)
        found += re.findall(r"[A-Za-z]{2,}", visible)
    return found


def shown(value: Any) -> Iterator[str]:
    """Yield the texts that a person sees in a message or view."""
    if isinstance(value, dict):
        if value.get("style", {}) == {"code": True}:  # a command, which is the same in every language
            return
        for key, inner in value.items():
            if key == "text" and isinstance(inner, str):
                yield inner
            elif not isinstance(inner, str):
                yield from shown(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from shown(inner)


PERSON = Person(NUMBER, NUMBER, NUMBER, NUMBER, NUMBER)
SHARED = ("reason.", "hint.", "problem.", "stale.", "request.", "card_", "help.")
"""Areas of the sentences that every action uses."""
OUTCOME_CODES = sorted({code.split(".")[1] for code in SENTENCES if code.startswith(("problem.", "reason."))})


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("action", ACTIONS)
def test_pseudo_locale__leaves_no_english_on_cards(state: State, action: str) -> None:
    renderer = MessageRenderer(PSEUDO)
    shapes = variants(state, action)
    for code in (None, *OUTCOME_CODES):
        for asked in shapes if code is None else (shapes[0], shapes[-1]):
            outcome = (OUTCOMES.get(state, {}) | {"code": code} if code else {}) | {"detail": NUMBER, "permissions": []}
            outcome |= {"reason": NUMBER}
            asked = replace(  # noqa: PLW2901 - the same request with another outcome
                asked, target=PERSON if asked.target else None, reason=NUMBER, reference=NUMBER, outcome=outcome
            )
            for message in (
                renderer.card(asked),
                renderer.outcome(asked),
                renderer.reply("card_posted", {"channel": "C1"}, asked),
                renderer.reply("card_posted", {"channel": "D1"}, asked),
                renderer.reply("card_not_posted", {"slack_code": NUMBER}, asked),
                renderer.reply("stale_request", {}, asked),
            ):
                assert untranslated(message) == [], code


@pytest.mark.parametrize("code", [*DenialCode, *(one for one in OUTCOME_CODES if f"reason.{one}" in SENTENCES)])
def test_pseudo_locale__leaves_no_english_in_replies(code: str) -> None:
    params = dict.fromkeys(
        (
            "method",
            "slack_code",
            "word",
            "named",
            "email",
            "count",
            "names",
            "detail",
            "incident",
            "unverified",
            "required",
        ),
        NUMBER,
    )
    for extra in ({}, {"status": 400}, {"retry_after": 7.0}, {"correlation_id": NUMBER}, {"permissions": [NUMBER]}):
        message = MessageRenderer(PSEUDO).reply(code, {**params, **extra, "member": NUMBER, "requester": NUMBER})
        assert untranslated(message) == []


async def home_of(services: StubServices) -> View:
    """Return the Home tab that is published."""
    services.listed = RequestList([ListedRequest(request(target=PERSON, reason=NUMBER, reference=NUMBER), waits=True)])
    await Publisher(INVOKER, services, PSEUDO).publish()
    view: View = services.api_calls[-1][1]["view"]
    return view


async def test_pseudo_locale__leaves_no_english_in_commands_modal_and_home() -> None:
    everything = Permissions(
        request=dict.fromkeys(ACTIONS, RULE),
        approve={"revoke": RULE},
        administer=RULE,
        unverified=(FailedCheck(Subject.GENESYS_ROLES, NUMBER, NUMBER, NUMBER),),
    )
    someone = member(name=NUMBER, email=NUMBER)
    workspace = replace(WORKSPACE, name=NUMBER)
    place = replace(region("mypurecloud.ie"), domain=NUMBER)
    who = WhoAmI(someone, everything, PERSON, TokenInfo(), place, workspace)
    away = replace(who, person=GenesysUnreachable(), token=GenesysUnreachable())
    guest = replace(who, permissions=Permissions(denied_because=DenialCode.GUEST), token=None)
    messages = [await whoami.answer(INVOKER, StubServices(who=one), PSEUDO) for one in (away, guest)]
    messages += [await answer(INVOKER, StubServices(everything, who), PSEUDO, "") for answer in READ_ONLY.values()]
    for permissions in (everything, Permissions(), Permissions(denied_because=DenialCode.GUEST)):
        services = StubServices(permissions)
        messages.append(await help_command.answer(INVOKER, services, PSEUDO, unknown=NUMBER))
        messages.append(await help_command.answer(INVOKER, services, PSEUDO, unknown=NUMBER, suggest=lambda _: NUMBER))
        messages.append(await home_of(StubServices(permissions, replace(who, permissions=permissions))))
    messages += [await home_of(StubServices(error=GenesysUnreachable())), await home_of(StubServices(who=away))]
    messages += [revoke_modal(PSEUDO, "revoke"), decline_modal(PSEUDO, "decline", NUMBER)]
    messages.append(error_message(PSEUDO, RuntimeError("unexpected"), by=NUMBER))
    for message in messages:
        assert untranslated(message) == []


async def test_pseudo_locale__leaves_no_english_while_starting_or_stopping() -> None:
    starting = BoltHarness(workspace=StubWorkspace(is_known=False), catalog=PSEUDO)
    stopping = BoltHarness(catalog=PSEUDO)
    stopping.gate.stop()
    for bolt in (starting, stopping):
        assert untranslated(body(await bolt.command("help"))) == []


def test_pseudo__replaces_words_and_keeps_placeholders_and_commands() -> None:
    assert pseudo("I don't know `{word}`. Say `/purecloud help` to {target}.") == (
        "§ § § `{word}`. § `/purecloud help` § {target}."
    )
    assert untranslated({"text": "§ `/purecloud help` English"}) == ["English"]


@pytest.mark.parametrize("code", [code for code in SENTENCES if code.startswith(SHARED) and "break_glass" not in code])
def test_sentence__of_every_action_fits_all_of_them(code: str) -> None:
    """An action without a text of its own gets it, so it must not claim what another action does."""
    named = re.search(r"\b(revo[ck]|rotat|session|logged (in|out)|end(ed)? so far|anything ended)", SENTENCES[code])
    assert not named, f"every action uses {code}, so it must not say {named[0]!r}"


def test_text__missing_value_is_a_question_mark_and_a_missing_code_an_error() -> None:
    catalog = Catalog({"a.b": "{x} of {y}"})
    assert catalog.text("a.b", x=1) == "1 of ?"
    assert catalog.optional("a.c") is None
    with pytest.raises(KeyError):
        catalog.text("a.c")


def test_of_action__prefers_the_actions_own_sentence() -> None:
    catalog = Catalog({"request.title": "all", "revoke.title": "own"})
    assert (catalog.of_action("revoke", "title"), catalog.of_action("rotate", "title")) == ("own", "all")


def test_text__puts_a_value_on_one_line_without_hidden_characters() -> None:
    assert (
        Catalog(SENTENCES).text("request.division", division="Home\nState: revoked\u202e\x1b")
        == "division Home State: revoked"
    )


def test_catalog__names_of_rights_begin_a_line_of_whoami() -> None:
    names = [text for code, text in SENTENCES.items() if code.endswith((".can_request", ".can_approve"))]
    assert len(names) >= 4
    assert all(name[0].isupper() for name in names), names


SAYS_WHAT_TO_DO = {"own_request", "own_protected_request", "already_approved"}
"""Reasons that name the other approver who is needed."""

LEFT_ALONE = {"bot", "deactivated", "inactive_in_genesys"}
"""Reasons that no person reads: for programs, for people who can't log in to Slack, and as a part of another reason."""


def test_reasons__come_with_what_to_do_next() -> None:
    codes = {code.split(".")[1] for code in SENTENCES if code.startswith("reason.")}
    hints = {code.split(".")[1] for code in SENTENCES if code.startswith("hint.")}
    assert codes - hints == SAYS_WHAT_TO_DO | LEFT_ALONE
    assert hints - codes == set()
