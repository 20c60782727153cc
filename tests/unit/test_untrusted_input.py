"""Whatever is thrown at it, signed or not: every reader answers with a value or with its own error, and no other.

`HYPOTHESIS_PROFILE=long` tries fifty times as much, with other examples each time: over ten thousand for each reader.
What becomes of it behind the readers: `tests/integration/test_untrusted_payloads.py`.
"""

from __future__ import annotations

import json
import os
import tracemalloc
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from pydantic import BaseModel

from bot.domain.people import Person, Workspace, parse_principals, read_member
from bot.domain.policy import DenialCode, Denied
from bot.domain.requests import Kind, MessageRef, State
from bot.purecloud import GenesysError, GenesysLoginFailed
from bot.purecloud.models import TokenInfo, User, UserAuthorization, UsersSearchResponse
from bot.purecloud.responses import decipher, decipher_login, parsed
from bot.sandbox import personas
from bot.sandbox.slack import block_kit
from bot.services.identity import person_from, read_grants
from bot.slack.dispatch import InvalidSlackRequest, kind_of
from bot.slack.http import MOST_BYTES, parse, verify
from handlers.commands import nearest
from handlers.payloads import read_click, read_invoker
from handlers.targets import read_line
from handlers.ui import cards
from tests.support import examples

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
JSON = {"Content-Type": "application/json"}


def cases(count: int) -> settings:
    """So many examples, fifty times as many in a long run; none is timed, for machines are slow at times."""
    return settings(
        max_examples=count * 50 if LONG else count,
        deadline=None,
        derandomize=not LONG,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


words = some.text(max_size=12) | some.sampled_from(
    ["x" * 5000, "\0", "\u202e\u200b", "<!channel>", "💥" * 400, "&amp;"]
)
numbers = some.integers() | some.sampled_from([10**400, -1, 2**63]) | some.floats(allow_nan=False, allow_infinity=False)
anything: some.SearchStrategy[Any] = some.recursive(
    some.none() | some.booleans() | numbers | words,
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(words, inner, max_size=4),
    max_leaves=12,
)
DROPPED = object()
changes = some.lists(some.tuples(some.integers(0, 10**6), anything | some.just(DROPPED)), min_size=1, max_size=3)
"""What to do to a document: the number of a place in it, and what to put there."""


def places(document: Any) -> list[tuple[Any, Any]]:
    """Every container of a document with every key in it."""
    if not isinstance(document, dict | list):
        return []
    keys = list(document) if isinstance(document, dict) else list(range(len(document)))
    return [found for key in keys for found in [(document, key), *places(document[key])]]


def spoiled(document: Any, what: list[tuple[int, Any]]) -> Any:
    """A copy of a document with some of its places changed or taken away."""
    copy = json.loads(json.dumps(document))
    for number, value in what:
        found = places(copy)
        if found:
            container, key = found[number % len(found)]
            if value is not DROPPED:
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
@given(raw=some.binary(max_size=200), headers=some.dictionaries(some.text(max_size=30), some.text(max_size=80)))
def test_verify__proves_or_refuses(raw: bytes, headers: dict[str, str]) -> None:
    with pytest.raises(InvalidSlackRequest):
        verify(b"secret", raw, headers, now=0.0)


@cases(200)
@given(raw=some.binary(max_size=300), kind=some.sampled_from(["application/json", "application/x-www-form-urlencoded"]))
def test_parse__reads_a_body_or_refuses(raw: bytes, kind: str) -> None:
    with suppress(InvalidSlackRequest):
        assert isinstance(parse(raw, kind), dict)


@cases(250)
@given(what=changes, document=some.sampled_from([CLICK, COMMAND]))
def test_kind_of__tells_or_refuses_and_what_it_lets_in_can_be_read(what: list[Any], document: Any) -> None:
    body = spoiled(document, what)
    with suppress(InvalidSlackRequest):
        kind = kind_of(body)
        if kind == "command":
            assert isinstance(read_invoker(body).user_id, str)
        if kind == "click":
            for action in body["actions"]:
                click = read_click(body, action)
                assert isinstance(click.request_id, str)
                assert isinstance(click.response_url, str | None)
                assert json.loads(json.dumps(click.payload)) == click.payload


@cases(250)
@given(user=some.builds(spoiled, some.just(MEMBER), changes) | some.dictionaries(words, anything, max_size=4))
def test_read_member__reads_whatever_slack_says(user: dict[str, Any]) -> None:
    member = read_member(user)

    assert isinstance(member.id, str)
    assert isinstance(member.team_id, str)
    assert isinstance(member.name, str)
    assert member.email is None or isinstance(member.email, str)
    member.belongs_to(Workspace("T0HOME0001", "Home", "U0BOT00001", "E0GRID0001"))


@cases(250)
@given(line=some.text(max_size=80) | some.lists(words | some.sampled_from(
    ["revoke", "@tom", f"<@{personas.TOM}>", "<@", "a@b.co", "<mailto:a@b.co|a@b.co>", "<!here>", "<#C1>", "“",
     "U0TOM0001"]
), max_size=6).map(" ".join))  # fmt: skip
def test_read_line__names_one_person_or_refuses(line: str) -> None:
    nearest(line)
    with suppress(Denied):
        wanted, reason = read_line(line)
        assert sum(one is not None for one in (wanted.member, wanted.email, wanted.person)) == 1
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
ANSWERS: list[tuple[type[BaseModel], Any]] = [
    (TokenInfo, TOKEN_INFO),
    (User, USER),
    (UsersSearchResponse, {"total": 1, "results": [USER, USER]}),
    (UserAuthorization, ROLES),
]


@cases(200)
@given(
    answer=some.sampled_from(ANSWERS),
    what=changes,
    status=some.sampled_from([200, 202, 400, 401, 403, 404, 429, 500, 599, 799]),
    headers=some.dictionaries(some.sampled_from(["Retry-After", "Date", "ININ-Correlation-Id"]), words),
)
def test_answers__are_read_or_refused(
    answer: tuple[type[BaseModel], Any], what: list[Any], status: int, headers: dict[str, str]
) -> None:
    model, document = answer
    body = json.dumps(spoiled(document, what)).encode()
    with suppress(GenesysError):
        found = parsed(model, decipher(status, JSON | headers, body))
        if isinstance(found, User):
            person = person_from(found)
            assert isinstance(person.name, str)
            assert "\0" not in "".join(
                filter(None, (person.id, person.name, person.email, person.division, person.state))
            )
        if isinstance(found, UserAuthorization):
            read_grants(found)


@cases(200)
@given(document=anything, status=some.integers(100, 799), raw=some.none() | some.binary(max_size=60))
def test_answers__of_any_json_and_any_bytes_are_read_or_refused(document: Any, status: int, raw: bytes | None) -> None:
    body = json.dumps(document).encode() if raw is None else raw
    for model, _ in ANSWERS:
        with suppress(GenesysError):
            parsed(model, decipher(status, JSON, body))
    with suppress(GenesysLoginFailed):
        decipher_login(status, JSON, body)


people = some.builds(
    Person, id=words, name=words, email=some.none() | words, division=some.none() | words, state=some.none() | words
)
outcomes = some.fixed_dictionaries(
    {"attempts": some.integers(0, 9)},
    optional={
        "error": some.sampled_from(["GenesysForbidden", "GenesysNotFound", "GenesysNoResponse", "GenesysLoginFailed"]),
        "message": words,
        "status": some.none() | some.integers(100, 599),
        "permissions": some.lists(words, max_size=3),
        "correlation_id": some.none() | words,
        "uncertain": some.booleans(),
    },
)


@cases(250)
@given(
    stage=some.tuples(some.sampled_from(State), some.sampled_from(Kind)),
    target=people,
    reason=some.text(max_size=500) | words.map(lambda text: text[:500]),
    outcome=outcomes,
    needed=some.integers(1, 2),
)
def test_cards__of_any_names_are_taken_by_slack(
    stage: tuple[State, Kind], target: Person, reason: str, outcome: dict[str, Any], needed: int
) -> None:
    state, kind = stage
    request = examples.request(
        state=state, kind=kind, target=None if kind is Kind.ROTATE else target, reason=reason, outcome=outcome,
        approvals_required=needed, finished_at=examples.NOON, approved_at=examples.NOON, approvals=(examples.BEN,),
    )  # fmt: skip
    for message in (
        cards.card(request),
        cards.outcome(request),
        cards.posted(request, MessageRef("C0OPS00001", "1.2")),
    ):
        assert block_kit.problems(dict(message)) == []
        assert "<!" not in "".join(marked(message["blocks"])).replace("<!date^", "")


@cases(100)
@given(reason=some.sampled_from(DenialCode), facts=some.dictionaries(
    some.sampled_from(["word", "named", "email", "names", "count", "code", "member", "requester", "unread"]), words
))  # fmt: skip
def test_refusals__of_any_facts_are_taken_by_slack(reason: DenialCode, facts: dict[str, str]) -> None:
    message = cards.refusal(Denied(reason, **facts))

    assert block_kit.problems(dict(message)) == []
    assert "<!" not in "".join(marked(message["blocks"]))


def marked(part: Any) -> list[str]:
    """The texts of blocks in which Slack's markup is read."""
    if isinstance(part, list):
        return [text for one in part for text in marked(one)]
    if not isinstance(part, dict):
        return []
    own = [str(part["text"])] if part.get("type") == "mrkdwn" else []
    return [*own, *(text for value in part.values() for text in marked(value))]


@cases(200)
@given(text=some.text(max_size=60))
def test_principals__are_read_or_refused(text: str) -> None:
    with suppress(ValueError):
        assert len(parse_principals(text)) <= text.count(",") + 1


def test_parse__of_the_worst_bodies_keeps_its_memory_bounded() -> None:
    worst = [
        b"[" * MOST_BYTES,
        b'{"a":' * (MOST_BYTES // 5),
        b"[" + b"{}," * (MOST_BYTES // 3 - 1) + b"{}]",
        b"&".join(b"%d=" % number for number in range(MOST_BYTES // 8)),
        b"payload=" + b"%5B" * (MOST_BYTES // 3 - 3),
    ]
    tracemalloc.start()
    try:
        for raw in worst:
            for kind in ("application/json", "application/x-www-form-urlencoded"):
                with suppress(InvalidSlackRequest):
                    parse(raw, kind)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 100 * MOST_BYTES
