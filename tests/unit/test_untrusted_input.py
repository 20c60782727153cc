"""Every parser of untrusted input returns a value or raises its own error, and no other.

`HYPOTHESIS_PROFILE=long` tries fifty times as many examples, different ones in each run: above 10,000 for each parser.
`tests/integration/test_untrusted_payloads.py` sends such input to a running bot.
"""

from __future__ import annotations

import json
import os
import tracemalloc
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from bot.domain.actions import ACTIONS
from bot.domain.denials import DenialCode, Denied
from bot.domain.people import Person, Workspace, read_member
from bot.domain.principals import parse_principals
from bot.domain.requests import State
from bot.purecloud import GenesysError, GenesysLoginFailed
from bot.purecloud.models import TokenInfo, User, UserAuthorization, UsersSearchResponse
from bot.purecloud.responses import parse_body as parse_model
from bot.purecloud.responses import parse_login_response, parse_response
from bot.sandbox import personas
from bot.sandbox.slack import block_kit
from bot.services.identity import read_grants, read_person
from bot.slack.dispatch import InvalidSlackRequest, payload_type
from bot.slack.http import MAX_BODY_SIZE, RequestVerifier, parse_body
from handlers.payloads import read_click, read_invoker
from handlers.targets import read_line
from handlers.ui.renderer import MessageRenderer
from handlers.verbs import nearest, read_verb
from tests.support import examples
from tests.support.stub_services import ENGLISH

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
JSON_HEADERS = {"Content-Type": "application/json"}


def cases(count: int) -> settings:
    """Return settings with `count` examples (fifty times as many in a long run) and no deadline."""
    return settings(
        max_examples=count * 50 if LONG else count,
        deadline=None,
        derandomize=not LONG,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


WORDS = st.text(max_size=12) | st.sampled_from(["x" * 5000, "\0", "\u202e\u200b", "<!channel>", "💥" * 400, "&amp;"])
NUMBERS = st.integers() | st.sampled_from([10**400, -1, 2**63]) | st.floats(allow_nan=False, allow_infinity=False)
JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)
RENDERER = MessageRenderer(ENGLISH)
REMOVED = object()
MUTATIONS = st.lists(st.tuples(st.integers(0, 10**6), JSON_VALUES | st.just(REMOVED)), min_size=1, max_size=3)
"""Changes to a document: the number of a place in it, and the value to put there."""


def places(document: Any) -> list[tuple[Any, Any]]:
    """Return every container of a document with each of its keys."""
    if not isinstance(document, dict | list):
        return []
    keys = list(document) if isinstance(document, dict) else list(range(len(document)))
    return [found for key in keys for found in [(document, key), *places(document[key])]]


def mutate(document: Any, mutations: list[tuple[int, Any]]) -> Any:
    """Return a copy of a document with some of its places changed or removed."""
    copy = json.loads(json.dumps(document))
    for number, value in mutations:
        found = places(copy)
        if found:
            container, key = found[number % len(found)]
            if value is not REMOVED:
                container[key] = value
            else:
                del container[key]
    return copy


CLICK = {
    "type": "block_actions",
    "user": {"id": personas.NADIA, "username": "nadia", "team_id": "T0HOME0001"},
    "api_app_id": "A0BOT00001",
    "team": {"id": "T0HOME0001", "domain": "home"},
    "container": {"type": "message", "message_ts": "1782043200.000100", "channel_id": personas.OPS},
    "channel": {"id": personas.OPS, "name": "ops"},
    "message": {"type": "message", "ts": "1782043200.000100", "blocks": [{"type": "actions", "elements": []}]},
    "trigger_id": "1.2.3",
    "response_url": "https://hooks.slack.com/actions/T0/1/2",
    "actions": [{"action_id": "approve", "block_id": "request-1", "value": "request-1", "type": "button"}],
}
COMMAND = {
    "command": "/purecloud",
    "text": f"revoke <@{personas.TOM}> laptop stolen",
    "user_id": personas.OLIVIA,
    "team_id": "T0HOME0001",
    "channel_id": personas.OPS,
    "trigger_id": "1.2.3",
    "response_url": "https://hooks.slack.com/commands/T0/1/2",
}
MEMBER = {
    "id": personas.TOM,
    "team_id": "T0HOME0001",
    "name": "tom",
    "is_email_confirmed": True,
    "profile": {"real_name": "Tom Target", "display_name": "tom", "email": "tom@example.com"},
    "enterprise_user": {"enterprise_id": "E0GRID0001", "teams": ["T0HOME0001"]},
}


@cases(250)
@given(raw=st.binary(max_size=200), headers=st.dictionaries(st.text(max_size=30), st.text(max_size=80)))
def test_verify__refuses_any_unsigned_request(raw: bytes, headers: dict[str, str]) -> None:
    with pytest.raises(InvalidSlackRequest):
        RequestVerifier("secret", lambda: 0.0).verify(raw, headers)


@cases(200)
@given(raw=st.binary(max_size=300), kind=st.sampled_from(["application/json", "application/x-www-form-urlencoded"]))
def test_parse__returns_a_body_or_refuses(raw: bytes, kind: str) -> None:
    with suppress(InvalidSlackRequest):
        assert isinstance(parse_body(raw, kind), dict)


@cases(250)
@given(mutations=MUTATIONS, document=st.sampled_from([CLICK, COMMAND]))
def test_payload_type__accepts_only_readable_payloads(mutations: list[Any], document: Any) -> None:
    body = mutate(document, mutations)
    with suppress(InvalidSlackRequest):
        kind = payload_type(body)
        if kind == "command":
            assert isinstance(read_invoker(body).user_id, str)
        if kind == "block_actions":
            for action in body["actions"]:
                click = read_click(body, action)
                assert isinstance(click.request_id, str)
                assert isinstance(click.response_url, str | None)
                assert json.loads(json.dumps(click.payload)) == click.payload


@cases(250)
@given(user=st.builds(mutate, st.just(MEMBER), MUTATIONS) | st.dictionaries(WORDS, JSON_VALUES, max_size=4))
def test_read_member__accepts_any_value_from_slack(user: dict[str, Any]) -> None:
    member = read_member(user)

    assert isinstance(member.id, str)
    assert isinstance(member.team_id, str)
    assert isinstance(member.name, str)
    assert member.email is None or isinstance(member.email, str)
    member.belongs_to(Workspace("T0HOME0001", "Home", "U0BOT00001", "E0GRID0001"))


@cases(250)
@given(line=st.text(max_size=80) | st.lists(WORDS | st.sampled_from(
    ["revoke", "@tom", f"<@{personas.TOM}>", "<@", "a@b.co", "<mailto:a@b.co|a@b.co>", "<!here>", "<#C1>", "“",
     "U0TOM0001"]
), max_size=6).map(" ".join))  # fmt: skip
def test_read_line__returns_one_target_or_refuses(line: str) -> None:
    assert nearest(read_verb(line).word, ACTIONS) in (None, *ACTIONS)
    with suppress(Denied):
        wanted, reason = read_line(line, me=personas.RAVI)
        assert sum(one is not None for one in (wanted.slack_user_id, wanted.email, wanted.genesys_user_id)) == 1
        assert isinstance(reason, str)


TOKEN_INFO = {
    "organization": {"id": "org-1", "name": "Acme"},
    "homeOrganization": {"id": "org-1", "name": "Acme"},
    "authorizedScope": ["a"],
    "dateTokenIdles": "2026-06-21T12:00:00.000Z",
    "OAuthClient": {"id": "c", "name": "Bot", "authorizedGrantType": "CLIENT-CREDENTIALS", "scope": []},
}
USER = {"id": "6f1c0b1e", "name": "Tom", "email": "t@e.co", "state": "active", "division": {"id": "d", "name": "Home"}}
ROLES = {
    "roles": [{"id": "r", "name": "Admin"}],
    "permissions": ["oauth:token:delete", "a:b:*"],
    "permissionPolicies": [
        {"domain": "oauth", "entityName": "token", "actionSet": ["delete"], "resourceConditionNode": {"a": [1]}}
    ],
}
RESPONSES: list[tuple[type[BaseModel], Any]] = [
    (TokenInfo, TOKEN_INFO),
    (User, USER),
    (UsersSearchResponse, {"total": 1, "results": [USER, USER]}),
    (UserAuthorization, ROLES),
]


@cases(200)
@given(
    response=st.sampled_from(RESPONSES),
    mutations=MUTATIONS,
    status=st.sampled_from([200, 202, 400, 401, 403, 404, 429, 500, 599, 799]),
    headers=st.dictionaries(st.sampled_from(["Retry-After", "Date", "ININ-Correlation-Id"]), WORDS),
)
def test_responses__are_parsed_or_refused(
    response: tuple[type[BaseModel], Any], mutations: list[Any], status: int, headers: dict[str, str]
) -> None:
    model, document = response
    body = json.dumps(mutate(document, mutations)).encode()
    with suppress(GenesysError):
        found = parse_model(model, parse_response(status, JSON_HEADERS | headers, body))
        if isinstance(found, User):
            person = read_person(found)
            assert isinstance(person.name, str)
            assert "\0" not in "".join(
                filter(None, (person.id, person.name, person.email, person.division, person.state))
            )
        if isinstance(found, UserAuthorization):
            read_grants(found)


@cases(200)
@given(document=JSON_VALUES, status=st.integers(100, 799), raw=st.none() | st.binary(max_size=60))
def test_responses__of_any_json_or_bytes_are_parsed_or_refused(document: Any, status: int, raw: bytes | None) -> None:
    body = json.dumps(document).encode() if raw is None else raw
    for model, _ in RESPONSES:
        with suppress(GenesysError):
            parse_model(model, parse_response(status, JSON_HEADERS, body))
    with suppress(GenesysLoginFailed):
        parse_login_response(status, JSON_HEADERS, body)


PEOPLE = st.builds(
    Person, id=WORDS, name=WORDS, email=st.none() | WORDS, division=st.none() | WORDS, state=st.none() | WORDS
)
OUTCOMES = st.fixed_dictionaries(
    {"attempts": st.integers(0, 9)},
    optional={
        "code": st.sampled_from(
            ["genesys_forbidden", "genesys_not_found", "genesys_no_response", "genesys_login_failed", "too_late", "x"]
        ),
        "detail": WORDS,
        "cause": WORDS,
        "problem": WORDS,
        "status": st.none() | st.integers(100, 599),
        "permissions": st.lists(WORDS, max_size=3),
        "correlation_id": st.none() | WORDS,
        "uncertain": st.booleans(),
    },
)


@cases(250)
@given(
    case=st.tuples(st.sampled_from(State), st.sampled_from([*ACTIONS])),
    target=PEOPLE,
    reason=st.text(max_size=500) | WORDS.map(lambda text: text[:500]),
    outcome=OUTCOMES,
    needed=st.integers(1, 2),
)
def test_cards__with_any_names_are_valid_block_kit(
    case: tuple[State, str], target: Person, reason: str, outcome: dict[str, Any], needed: int
) -> None:
    state, action = case
    request = examples.request(
        state=state, action=action, target=target if ACTIONS[action].has_target else None, reason=reason,
        outcome=outcome, approvals_required=needed, finished_at=examples.NOON, approved_at=examples.NOON,
        approvals=(examples.BEN,),
    )  # fmt: skip
    for message in (
        RENDERER.card(request),
        RENDERER.outcome(request),
        RENDERER.reply("card_posted", {"channel": "C0OPS00001"}, request),
        RENDERER.reply("stale_request", {}, request),
    ):
        assert block_kit.problems(dict(message)) == []
        assert "<!" not in "".join(marked(message["blocks"])).replace("<!date^", "")


@cases(100)
@given(code=st.sampled_from(DenialCode), params=st.dictionaries(
    st.sampled_from(
        ["word", "named", "email", "names", "count", "slack_code", "member", "requester", "unverified"]
    ), WORDS
))  # fmt: skip
def test_denials__with_any_parameters_are_valid_block_kit(code: DenialCode, params: dict[str, str]) -> None:
    message = RENDERER.reply(code, params)

    assert block_kit.problems(dict(message)) == []
    assert "<!" not in "".join(marked(message["blocks"]))


def marked(part: Any) -> list[str]:
    """Return the texts of blocks in which Slack interprets markup."""
    if isinstance(part, list):
        return [text for one in part for text in marked(one)]
    if not isinstance(part, dict):
        return []
    own = [str(part["text"])] if part.get("type") == "mrkdwn" else []
    return [*own, *(text for value in part.values() for text in marked(value))]


@cases(200)
@given(text=st.text(max_size=60))
def test_parse_principals__returns_principals_or_refuses(text: str) -> None:
    with suppress(ValueError):
        assert len(parse_principals(text)) <= text.count(",") + 1


def test_parse__uses_bounded_memory_for_the_worst_bodies() -> None:
    worst = [
        b"[" * MAX_BODY_SIZE,
        b'{"a":' * (MAX_BODY_SIZE // 5),
        b"[" + b"{}," * (MAX_BODY_SIZE // 3 - 1) + b"{}]",
        b"&".join(b"%d=" % number for number in range(MAX_BODY_SIZE // 8)),
        b"payload=" + b"%5B" * (MAX_BODY_SIZE // 3 - 3),
    ]
    tracemalloc.start()
    try:
        for raw in worst:
            for kind in ("application/json", "application/x-www-form-urlencoded"):
                with suppress(InvalidSlackRequest):
                    parse_body(raw, kind)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 100 * MAX_BODY_SIZE
