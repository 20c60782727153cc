"""Each fault of Genesys Cloud in each operation has the result that docs/faults.md documents."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from itertools import groupby
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.domain.audit import event_name
from bot.sandbox import personas
from bot.sandbox.genesys.responses import error
from bot.sandbox.slack.messages import PostedMessage
from tests.support.components import TOM, Components, open_components
from tests.support.fault_cases import API_FAULTS, DELETE_FAULTS, LOGIN_FAULTS, FaultCase, inject_fault
from tests.support.fault_harness import (
    BotHarness,
    RecordingClient,
    end_open_requests,
    open_bot,
    recording_client,
    replace_ids,
)
from tests.support.markdown_tables import read_table, render_table, write_table
from tests.support.render_text import words
from tests.support.timeouts import InstantTimeoutSession

HEADER = ("Fault", "Requests", "Message", "Audit log")

CARD, EXECUTED = "(the card)", "(executed)"
WITHOUT_ERROR = (CARD, EXECUTED)
STATES_WHAT_CHANGED = (
    *WITHOUT_ERROR,
    "othing was changed",
    "got no certain answer",
    "no session is known to have ended",
    "can't say whether",
    "Genesys Cloud confirmed that",
    "not known to be deleted",
    "Treat the old token as active.",
)
OUTCOMES = ("token:revoked", "token:refused", "token:failed", "token:unknown")
CONFIRMATIONS = ("200", "401")
"""Statuses that confirm a revoked token. A 401 confirms it for the token that authenticates the request."""

BEN = "6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e02"

Steps = Callable[[BotHarness], Awaitable[str]]


@dataclass(frozen=True)
class GenesysScenario:
    """One operation, the steps that need it, and the most requests of the operation that they may cause.

    `steps` returns the text that the user sees.
    """

    operation: str
    steps: Steps
    max_requests: int
    approvers: str = personas.TOKEN_APPROVERS
    faults: tuple[FaultCase, ...] = API_FAULTS


async def request_by_mention(bot: BotHarness) -> str:
    return await _request(bot, f"revoke <@{personas.TOM}> laptop stolen")


async def request_by_id(bot: BotHarness) -> str:
    return await _request(bot, f"revoke {TOM.id}")


async def _request(bot: BotHarness, line: str) -> str:
    await bot.command(line)
    await bot.run_jobs()
    if await bot.last_request_id():
        return CARD
    assert not any(bot.components.slack.buttons(message) for message in bot.messages())
    (reply,) = bot.messages(personas.OLIVIA)
    return reply.text


async def approve_revocation(bot: BotHarness) -> str:
    return await _approve(bot, f"revoke <@{personas.TOM}>")


async def approve_rotation(bot: BotHarness) -> str:
    return await _approve(bot, "rotate")


async def _approve(bot: BotHarness, line: str) -> str:
    await bot.command(line)
    await bot.run_jobs()
    await bot.click(await bot.last_request_id())
    await bot.run_jobs()
    (card,) = [
        message
        for message in bot.messages(personas.OLIVIA)
        if any(block["type"] == "header" for block in message.blocks)
    ]
    (notice,) = [message for message in bot.messages() if message.channel_id == personas.AUDIT]
    assert not bot.components.slack.buttons(card)
    assert _main_text(notice).endswith(_main_text(card)), "the audit channel and the card show the same text"
    return _text_with_correlation_id(notice)


async def approve_by_permission(bot: BotHarness) -> str:
    await bot.command(f"revoke <@{personas.TOM}>", by=personas.RAVI)
    await bot.run_jobs()
    await bot.click(await bot.last_request_id(), by=personas.BEN)
    await bot.run_jobs()
    replies = [message.text for message in bot.messages(personas.BEN)]
    return replies[-1] if replies else EXECUTED


async def whoami(bot: BotHarness) -> str:
    await bot.command("whoami")
    (reply,) = bot.messages(personas.OLIVIA)
    text: str = bot.components.slack.text_of(reply)
    return text.partition("*The bot's token*")[2].lstrip(": ")


def _main_text(message: PostedMessage) -> str:
    """Return what a message says first, without its heading, links and numbered steps."""
    first = next(block for block in message.blocks if _is_main(block))
    lines = words({"text": "", "blocks": [first]}).strip().splitlines()
    return "\n".join(line for line in lines if "[" not in line and not re.match(r"\d\. ", line))


def _is_main(block: Mapping[str, Any]) -> bool:
    return block["type"] == "rich_text" or bool(block.get("text", {}).get("type") == "mrkdwn")


def _text_with_correlation_id(message: PostedMessage) -> str:
    ids = [block["elements"][0]["text"] for block in message.blocks if "correlation" in str(block)]
    return "\n".join([_main_text(message), *ids])


SCENARIOS = {
    "login during a command": GenesysScenario("login", request_by_mention, 8, faults=LOGIN_FAULTS),
    "login before the DELETE": GenesysScenario("login", approve_revocation, 80, faults=LOGIN_FAULTS),
    "search_by_email during a command": GenesysScenario("search_by_email", request_by_mention, 3),
    "get_user during a command": GenesysScenario("get_user", request_by_id, 3),
    "get_user_roles for a click": GenesysScenario(
        "get_user_roles", approve_by_permission, 120, approvers="permission:oauth:token:delete"
    ),
    "delete_token after the approval": GenesysScenario("delete_token", approve_revocation, 60, faults=DELETE_FAULTS),
    "delete_tokens_me after the approval": GenesysScenario(
        "delete_tokens_me", approve_rotation, 60, faults=DELETE_FAULTS
    ),
    "get_tokens_me during whoami": GenesysScenario("get_tokens_me", whoami, 3),
}


@pytest.fixture
async def components(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        opened.genesys.users[BEN].permissions = ("oauth:token:delete",)
        yield opened


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.mark.parametrize("title", SCENARIOS)
async def test_genesys_faults__have_the_documented_results(
    title: str, components: Components, session: aiohttp.ClientSession, request: pytest.FixtureRequest
) -> None:
    scenario = SCENARIOS[title]

    rows = [(case.name, await run_scenario(components, session, scenario, case)) for case in scenario.faults]

    table = render_table(HEADER, rows)
    if request.config.getoption("update_snapshots"):
        write_table(title, table)
    assert table == read_table(title)


async def run_scenario(
    components: Components, session: aiohttp.ClientSession, scenario: GenesysScenario, case: FaultCase
) -> tuple[str, ...]:
    """Run a scenario with a new bot and a fault in this operation only; return the cells of its row."""
    url = str(components.purecloud.region.api_url)
    healthy = recording_client(session, api_url=url, login_url=url)
    await healthy.purecloud.auth.token()
    components.genesys.users[TOM.id].sessions = 2
    async with inject_fault(components.genesys, url, scenario.operation, case) as (faulty_url, blackhole):
        at_login = scenario.operation == "login"
        faulty = recording_client(
            InstantTimeoutSession(session, blackhole),
            api_url=url if at_login else faulty_url,
            login_url=faulty_url if at_login else url,
        )
        users = faulty if scenario.steps in (request_by_mention, request_by_id) else healthy
        await end_open_requests(components)
        async with open_bot(
            components, session, tokens=faulty, users=users, authorization=faulty, approvers=scenario.approvers
        ) as bot:
            await bot.components.workspace.identify()
            text = await scenario.steps(bot)
            logged = await bot.audit_events()
            made = {event.request_id for event in logged if event.tag == "request:asked"} | {None}
            own = [event for event in logged if event.request_id in made]  # not of requests that expire meanwhile
    events = [event.tag for event in own]
    assert_invariants(scenario, case, faulty, text, events)
    untouched = components.genesys.users[TOM.id].sessions == 2
    assert untouched or events[-1] in ("token:revoked", "token:unknown")
    return (
        str(faulty.count(scenario.operation)),
        generalize(text, case),
        ", ".join(collapse(map(event_name, own))) or "none",
    )


def collapse(events: Iterable[str]) -> list[str]:
    """Return the events with repetitions as a number."""
    counted = [(event, len(list(group))) for event, group in groupby(events)]
    return [event if count == 1 else f"{event} ({count} times)" for event, count in counted]


def assert_invariants(
    scenario: GenesysScenario, case: FaultCase, client: RecordingClient, text: str, events: list[str]
) -> None:
    """Assert what holds for every row."""
    results = [attempt.outcome for attempt in client.attempts if attempt.operation == scenario.operation]
    assert 1 <= len(results) <= scenario.max_requests
    assert scenario.steps is whoami or any(words in text for words in STATES_WHAT_CHANGED)
    postponed = scenario.steps is approve_by_permission and "find out" in text
    named = "orrelation id" in text or case.fault is None or case.fault.status is None or _shows_no_error(text)
    assert named or postponed
    if scenario.steps in (approve_revocation, approve_rotation):
        assert events[-1] in OUTCOMES
        assert any(result in CONFIRMATIONS for result in results) or "token:revoked" not in events
        unanswered = {"timeout", "connection_lost", "bad_response"} & set(results)
        assert not unanswered or scenario.operation == "login" or events[-1] == "token:unknown"
    if scenario.steps is approve_by_permission:
        undecided = ["click:refused", "request:expired"]
        assert events[1:] in (["click:refused"], undecided, ["request:approved", "token:revoked"])
    if scenario.steps in (request_by_mention, request_by_id):
        assert (text == CARD) == (events == ["request:asked"])


def _shows_no_error(text: str) -> bool:
    return text in WITHOUT_ERROR or "Genesys Cloud has no user" in text


def generalize(text: str, case: FaultCase) -> str:
    """Return the text with placeholders for what depends on the status, so that rows can be merged."""
    if case.status is None:
        return replace_ids(text, TOM.id)
    genesys_message = str(error(case.status, "")["message"])
    for found, placeholder in {
        genesys_message: "(message)",
        f"{case.status} {HTTPStatus(case.status).phrase}": "(status)",
        f" {case.status}": " (status)",
        f"({case.status})": "(status)",
    }.items():
        text = text.replace(found, placeholder)
    return replace_ids(text, TOM.id)
