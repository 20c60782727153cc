"""The corpus `tests/data/commands.tsv`: more than 400 lines as Slack sends them, with what each means."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.actions import ACTIONS
from bot.domain.commands import RequestCommand, TargetRef
from bot.domain.principals import Principal, PrincipalKind
from bot.purecloud import requests
from bot.sandbox.slack.block_kit import problems
from bot.services.account import Permissions
from handlers.commands import READ_ONLY, on_command, suggestion
from handlers.help import commands_of
from handlers.targets import MAX_LINE_LENGTH, read_request
from handlers.verbs import read_verb
from tests.support.corpus import Example, read_corpus
from tests.support.examples import RAVI, WORKSPACE
from tests.support.render_text import texts, words
from tests.support.stub_services import ENGLISH, INVOKER, StubServices

CORPUS = read_corpus()
RULE = Principal(PrincipalKind.USER, RAVI)
EVERYTHING = Permissions(request=dict.fromkeys(ACTIONS, RULE), administer=RULE)


class StubServicesOfWhoami(StubServices):
    """Counts the calls of `whoami`, which has a test of its own."""

    def __init__(self) -> None:
        super().__init__(EVERYTHING)
        self.whoami_calls = 0

    async def whoami(self, _invoker: Any) -> Any:
        self.whoami_calls += 1
        raise NotImplementedError


async def acknowledge(**_: Any) -> None:
    """Acknowledge a command."""


async def send(line: str) -> StubServicesOfWhoami:
    """Handle a line and return the services with what they recorded."""
    services = StubServicesOfWhoami()
    body = {"text": line, "user_id": RAVI, "team_id": WORKSPACE.team_id, "trigger_id": "1.2"}
    await on_command(acknowledge, body, services, ENGLISH)  # type: ignore[arg-type]
    await services.run_started()
    return services


def meaning_of(services: StubServicesOfWhoami, name: str) -> tuple[str, str, str]:
    """Return the command, what it is about, and the reason, as in the corpus."""
    if services.api_calls:
        return name, "modal", ""
    if services.commands or services.dry_run_commands:
        (command,) = services.commands or services.dry_run_commands
        return "dry-run" if services.dry_run_commands else command.action, _about(command), command.reason
    if services.lists_read:
        ((query, _),) = services.lists_read
        return name, query.reference or _name(query.person), ""
    if services.whoami_calls:
        return "whoami", "", ""
    (message,) = services.replies_sent
    said = words(message)
    if "I don't know" not in said:
        return name if name in READ_ONLY else "help", "", ""
    hint = said.partition("Did you mean `/purecloud ")[2]
    return "unknown", hint.partition("`")[0], ""


def _about(command: RequestCommand) -> str:
    if command.problem:
        return f"!{command.problem.code}"
    if command.people:
        return f"{command.people.name}{len(command.people.targets) or ''}"
    return _name(command.target)


def _name(target: TargetRef | None) -> str:
    names = [target.slack_user_id, target.email, target.genesys_user_id] if target else []
    return " ".join(name for name in names if name)


@pytest.mark.parametrize("example", CORPUS, ids=lambda one: f"{one.number}-{one.command}")
async def test_line__means_what_the_corpus_says(example: Example) -> None:
    services = await send(example.line)

    assert meaning_of(services, read_verb(example.line).name) == (example.command, example.meaning, example.reason)
    for message in services.replies_sent if example.command != "dry-run" else ():
        assert problems(message) == []
        assert not any(markup in "".join(texts(message, "mrkdwn")) for markup in ("<!", "<@", "<http"))


def test_corpus__is_large_and_has_no_line_twice() -> None:
    assert len(CORPUS) >= 400
    assert len({example.line for example in CORPUS}) == len(CORPUS)


@pytest.mark.parametrize(
    ("may", "lists"), [((), ()), (("revoke",), ("pending",)), (("revoke", "rotate"), ("pending",))], ids=str
)
def test_suggestion__is_a_command_that_the_person_may_use(may: tuple[str, ...], lists: tuple[str, ...]) -> None:
    permissions = Permissions(request=dict.fromkeys(may, RULE))
    lines = [example.line for example in CORPUS] + ["pendin", "histor", "rotat", "revok"]
    found = {suggestion(read_verb(line), permissions) for line in lines}
    assert found >= {None, "help", "whoami", *may, *lists}
    assert found <= {None, *may, *commands_of(permissions)}


def assert_calls_can_be_built(command: RequestCommand) -> None:
    """Build the calls of the API that a command leads to; a ValueError of the client fails the test."""
    targets = [command.target] if command.target else [*(command.people.targets if command.people else ())]
    assert (command.problem is None) == bool(targets or command.people)
    for target in targets:
        if target.email:
            requests.search_by_email(target.email)
        if target.genesys_user_id:
            requests.get_user(target.genesys_user_id)
        if target.slack_user_id:
            assert target.slack_user_id.isascii()
            assert target.slack_user_id.isalnum()


@pytest.mark.parametrize("junk", ["{}", "x{}", "{}x", "{} {}", "({})", "<{}>", "&lt;{}&gt;", "<mailto:{}>", "\u200b{}"])
def test_api_client__takes_what_any_line_of_the_corpus_becomes(junk: str) -> None:
    for example in CORPUS:
        assert_calls_can_be_built(read_request(ACTIONS["revoke"], INVOKER, junk.replace("{}", example.line)))


PIECES = st.sampled_from([
    "<mailto:", "<@", "<", ">", "|", "@", "U0TOM00001", "tom", ".com", "example", "%40", "%00", "%", "?", ",", ";", "'",
    "\u2019", "&lt;", "&gt;", "&amp;", " ", "\u00a0", "\u200b", "\u00ad", "\uff20", "\uff0e", "me", "for",
    "https://", "#/person/", "6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09", "İ", "ß", "\ud800", "\0",
])  # fmt: skip


@given(line=st.text(max_size=60) | st.lists(PIECES | st.text(max_size=2), max_size=14).map("".join))
def test_api_client__takes_what_any_text_becomes(line: str) -> None:
    typed = read_verb(line)
    assert typed.line in line or typed.name == "revoke"
    assert_calls_can_be_built(read_request(ACTIONS["revoke"], INVOKER, line))


@pytest.mark.parametrize("before", ["", "Tom ", "Tom Target ", "Target, Tom &lt;", "(Tom) <"])
@pytest.mark.parametrize("sign", string.punctuation + "\u2019\u200b\uff20\u3002")
def test_api_client__takes_a_name_and_an_address_with_any_sign(before: str, sign: str) -> None:
    for word in (f"tom@example.com{sign}x", f"{sign}tom@example.com", f"tom@example.com{sign}tom@example.com"):
        assert_calls_can_be_built(read_request(ACTIONS["revoke"], INVOKER, before + word))


@pytest.mark.parametrize("filling", ["x", " x", "<", "🚨", "<@U0TOM00001>", "tom@example.com ", "\u200b", "&lt;", "'"])
@pytest.mark.parametrize("start", ["revoke ", "revoke <@U0TOM00001> ", "x", ""])
async def test_line__of_any_length_is_answered(start: str, filling: str) -> None:
    for length in (MAX_LINE_LENGTH - 1, MAX_LINE_LENGTH):
        services = await send((start + filling * length)[:length])
        assert len(services.commands) + len(services.replies_sent) == 1
