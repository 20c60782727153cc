"""Each fault of Slack in each method has the result that docs/faults.md documents.

No fault revokes anything, and none prevents an approved revocation.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp
import pytest

from bot.domain.audit import event_name
from bot.errors import SettingsError, SlackUnavailable
from bot.sandbox import personas
from bot.sandbox.slack.faults import SlackFault
from bot.slack.socket_mode import open_connection
from tests.support.components import Components, deletes, open_components
from tests.support.fault_harness import BotHarness, end_open_requests, open_bot, recording_client, replace_ids
from tests.support.markdown_tables import read_table, render_table, write_table
from tests.support.timeouts import Blackhole, InstantTimeoutSession

HEADER = ("Fault", "Calls", "Result", "DELETEs", "Audit log")

InjectFault = Callable[[], None]
Steps = Callable[[BotHarness, InjectFault], Awaitable[str]]


@dataclass(frozen=True)
class SlackScenario:
    """One method of the Web API and the steps that need it.

    `steps` injects the fault in time and returns what users see. `errors` are error codes of this method only.
    `times` is the number of consecutive failures, None for no end.
    """

    method: str
    steps: Steps
    errors: tuple[str, ...] = ()
    times: int | None = None
    protected: str = ""
    approvals_channel: str | None = personas.APPROVALS


async def start(bot: BotHarness, inject: InjectFault) -> str:
    bot.components.slack.workspace.app_id = ""  # so that the bot calls `bots.info` too
    inject()
    try:
        await bot.components.workspace.identify()
    except SlackUnavailable as error:
        assert not bot.components.workspace.known.is_set()
        return f"Not ready: {error}"
    return "Ready"


async def request_connection_url(bot: BotHarness, inject: InjectFault) -> str:
    inject()
    result, code = "Connected", "ok"
    try:
        await open_connection(bot.web_client, bot.components.slack.sockets.app_token)
    except SettingsError as error:
        result, code = f"Exit code 2: {error}", "refused"
    except SlackUnavailable as error:
        result, code = f"Not ready: {error}", error.slack_code
    bot.components.calls.append(("apps.connections.open", code))
    return result


async def request_by_mention(bot: BotHarness, inject: InjectFault) -> str:
    await bot.components.workspace.identify()
    inject()
    return await _request(bot, f"revoke <@{personas.TOM}>")


async def request_by_email(bot: BotHarness, inject: InjectFault) -> str:
    await bot.components.workspace.identify()
    enough = [personas.OLIVIA, personas.BEN, personas.NADIA]  # for a protected target
    bot.components.slack.groups[personas.TOKEN_APPROVERS].members = enough
    inject()
    return await _request(bot, "revoke tom.target@example.com")


async def _request(bot: BotHarness, line: str) -> str:
    await bot.command(line)
    await bot.run_jobs()
    request = await bot.components.store.get(await bot.last_request_id())
    if request is None:
        return " ".join(dict.fromkeys(message.text for message in bot.messages(personas.OLIVIA)))
    where = "a direct message" if request.card and request.card.channel.startswith("D") else "a channel"
    count = request.approvals_required
    return f"A card in {where}, {count} {'approval' if count == 1 else 'approvals'} required"


async def approver_clicks(bot: BotHarness, inject: InjectFault) -> str:
    """Return what the approver reads, and how the request ends."""
    await _click(bot, inject, personas.BEN)
    request = await bot.components.store.get(await bot.last_request_id())
    texts = dict.fromkeys(message.text for message in bot.messages(personas.BEN))
    return " ".join([*texts, f"The request is {request.state if request else 'unknown'}."])


async def other_user_clicks(bot: BotHarness, inject: InjectFault) -> str:
    await _click(bot, inject, personas.NADIA)
    return _private_messages(bot, personas.NADIA)


async def _click(bot: BotHarness, inject: InjectFault, user_id: str) -> None:
    await bot.components.workspace.identify()
    await bot.command(f"revoke <@{personas.TOM}>", by=personas.RAVI)
    await bot.run_jobs()
    inject()
    await bot.click(await bot.last_request_id(), by=user_id)
    await bot.run_jobs()


async def denied_command(bot: BotHarness, inject: InjectFault) -> str:
    await bot.components.workspace.identify()
    inject()
    await bot.command(f"revoke <@{personas.TOM}>", by=personas.NADIA)
    await bot.run_jobs()
    return _private_messages(bot, personas.NADIA)


def _private_messages(bot: BotHarness, user_id: str) -> str:
    messages = bot.messages(user_id)
    assert len({message.text for message in messages}) == 1
    where = " and ".join("ephemeral message" if message.only_for else "direct message" for message in messages)
    return f"{where.capitalize()}: {messages[0].text}"


async def receive_card(bot: BotHarness, inject: InjectFault) -> str:
    """Return where the card is in the end, and the number of copies."""
    await bot.components.workspace.identify()
    inject()
    await bot.command(f"revoke <@{personas.TOM}>")
    await bot.run_jobs()
    cards = [message for message in bot.messages() if bot.components.slack.buttons(message)]
    replies = [message.text for message in bot.messages(personas.OLIVIA) if message.only_for and message not in cards]
    where = "as the reply to the command" if cards and cards[0].only_for else "in direct messages"
    return " ".join([f"{len(cards)} {'card' if len(cards) == 1 else 'cards'} {where}.", *replies])


async def receive_card_in_channel(bot: BotHarness, inject: InjectFault) -> str:
    """Return where the card is in the end, or what the requester reads instead."""
    await bot.components.workspace.identify()
    inject()
    await bot.command(f"revoke <@{personas.TOM}>", by=personas.RAVI)
    await bot.run_jobs()
    cards = [bot.components.slack.channels[one.channel_id].name for one in bot.messages() if one.channel_id[0] == "C"]
    if bot.messages(personas.RAVI):
        return _private_messages(bot, personas.RAVI)
    return f"{len(cards)} {'card' if len(cards) == 1 else 'cards'} in {', '.join(cards)}"


async def receive_outcome(bot: BotHarness, inject: InjectFault) -> str:
    """Return what the card and the audit channel show in the end."""
    return await _receive_outcome(bot, inject)


async def receive_outcome_without_url(bot: BotHarness, inject: InjectFault) -> str:
    """Return the same if the click's `response_url` has expired, as after an outage of 30 minutes."""

    def inject_both() -> None:
        inject()
        bot.components.slack.fault("response_url", SlackFault(status=404, times=None))

    return await _receive_outcome(bot, inject_both)


async def _receive_outcome(bot: BotHarness, inject: InjectFault) -> str:
    await bot.components.workspace.identify()
    await bot.command(f"revoke <@{personas.TOM}>")
    await bot.run_jobs()
    inject()
    await bot.click(await bot.last_request_id())
    await bot.run_jobs()
    card, *new = [message for message in bot.messages(personas.OLIVIA) if not message.only_for]
    notices = [message for message in bot.messages() if message.channel_id == personas.AUDIT]
    assert all("Revoked" in message.text for message in notices)
    outcome = card.text.partition(":")[0]
    state = f"shows {outcome}" if "Revoked" in outcome else "is still pending"
    button = "has a button" if bot.components.slack.buttons(card) else "has no button"
    plural = "" if len(notices) == 1 else "s"
    assert all("Revoked" in message.text for message in new)
    places = [f"; 1 {'reply in its thread' if message.thread_ts else 'direct message'}" for message in new]
    return f"The card {state} and {button}{''.join(places)}; {len(notices)} message{plural} in the audit channel"


API_FAULTS = (
    ("429, `Retry-After: 1`", SlackFault(retry_after=1)),
    ("429, `Retry-After: 3600`", SlackFault(retry_after=3600)),
    ("500 with an HTML page", SlackFault(status=500, html="<html>Oops</html>")),
    ("no response", SlackFault(delay=1)),
    ("connection closed before execution", SlackFault(drop=True)),
    ("connection closed after execution", SlackFault(drop=True, after=True)),
    ("`internal_error`", SlackFault(error="internal_error")),
    ("`invalid_auth`", SlackFault(error="invalid_auth")),
    ("`missing_scope`", SlackFault(error="missing_scope")),
)
RESPONSE_URL_FAULTS = (
    *API_FAULTS[:6],
    ("404, used up", SlackFault(status=404)),
    ("410, expired", SlackFault(status=410)),
)
UPDATE_ERRORS = (
    "message_not_found", "cant_update_message", "edit_window_closed", "is_archived", "channel_not_found",
)  # fmt: skip
POST_ERRORS = ("not_in_channel", "channel_not_found", "is_archived")

SCENARIOS = {
    "auth.test at startup": SlackScenario("auth.test", start, ("account_inactive",)),
    "bots.info at startup": SlackScenario("bots.info", start, ("bot_not_found",)),
    "apps.connections.open at startup": SlackScenario(
        "apps.connections.open", request_connection_url, ("not_allowed_token_type", "token_revoked", "access_denied")
    ),
    "users.info during a command": SlackScenario(
        "users.info", request_by_mention, ("user_not_found", "user_not_visible")
    ),
    "users.info for a click": SlackScenario(
        "users.info", approver_clicks, ("user_not_found", "user_not_visible"), times=6
    ),
    "users.lookupByEmail during a command with an email address": SlackScenario(
        "users.lookupByEmail", request_by_email, ("users_not_found",), protected=personas.PIA
    ),
    "usergroups.users.list during a command": SlackScenario(
        "usergroups.users.list", request_by_mention, ("no_such_subteam",)
    ),
    "usergroups.users.list for a click": SlackScenario(
        "usergroups.users.list", approver_clicks, ("no_such_subteam",), times=6
    ),
    "conversations.info for a card in the channel of the command": SlackScenario(
        "conversations.info", receive_card_in_channel, ("channel_not_found",), times=4, approvals_channel=None
    ),
    "conversations.info for a card in APPROVALS_CHANNEL": SlackScenario(
        "conversations.info", receive_card_in_channel, ("channel_not_found",), times=4
    ),
    "chat.postMessage for a card": SlackScenario("chat.postMessage", receive_card, POST_ERRORS, times=4),
    "chat.postMessage for an outcome": SlackScenario("chat.postMessage", receive_outcome, POST_ERRORS, times=4),
    "chat.update for an outcome": SlackScenario("chat.update", receive_outcome, UPDATE_ERRORS, times=4),
    "chat.update for an outcome, without a response_url": SlackScenario(
        "chat.update", receive_outcome_without_url, UPDATE_ERRORS, times=4
    ),
    "response_url for a denied command": SlackScenario("response_url", denied_command, times=4),
    "response_url for a denied click": SlackScenario("response_url", other_user_clicks, times=4),
}


@pytest.fixture
async def components(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        yield opened


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.mark.parametrize("title", SCENARIOS)
async def test_slack_faults__have_the_documented_results(
    title: str, components: Components, session: aiohttp.ClientSession, request: pytest.FixtureRequest
) -> None:
    scenario = SCENARIOS[title]
    faults = RESPONSE_URL_FAULTS if scenario.method == "response_url" else API_FAULTS
    errors = tuple((f"`{code}`", SlackFault(error=code)) for code in scenario.errors)

    rows = [(name, await run_scenario(components, session, scenario, fault)) for name, fault in (*faults, *errors)]

    table = render_table(HEADER, rows)
    if request.config.getoption("update_snapshots"):
        write_table(title, table)
    assert table == read_table(title)


async def run_scenario(
    components: Components, session: aiohttp.ClientSession, scenario: SlackScenario, fault: SlackFault
) -> tuple[str, ...]:
    """Run a scenario with a new bot and a fault in this method only; return the cells of its row."""
    blackhole = Blackhole()
    components.slack.api._sleep = blackhole.sleep
    path = "/response/" if scenario.method == "response_url" else f"/{scenario.method}"
    url = str(components.purecloud.region.api_url)
    genesys = recording_client(session, api_url=url, login_url=url)
    deletes_before = len(deletes(components))

    def inject() -> None:
        components.slack.fault(scenario.method, replace(fault, times=scenario.times))

    await end_open_requests(components)
    async with open_bot(
        components,
        InstantTimeoutSession(session, blackhole, path),
        tokens=genesys,
        users=genesys,
        authorization=genesys,
        protected=scenario.protected,
        approvals_channel=scenario.approvals_channel,
    ) as bot:
        result = await scenario.steps(bot, inject)
        components.slack.clear_faults()
        blackhole.set()
        logged = await bot.audit_events()
        calls = bot.count_calls(scenario.method)
    delete_count = len(deletes(components)) - deletes_before
    assert_invariants(scenario, result, delete_count, [event.tag for event in logged])
    return str(calls), generalize(result, fault), str(delete_count), ", ".join(map(event_name, logged)) or "none"


def generalize(text: str, fault: SlackFault) -> str:
    """Return the text with a placeholder for the error code, so that rows can be merged."""
    for code in ("ratelimited", "http_500", "timeout", "connection_lost", fault.error):
        for left, right in ("()", "``"):
            text = text.replace(f"{left}{code}{right}", "(code)")
    return replace_ids(text)


def assert_invariants(scenario: SlackScenario, result: str, delete_count: int, events: list[str]) -> None:
    """Assert what holds for every row."""
    assert delete_count == events.count("request:approved") == events.count("token:revoked") <= 1
    if scenario.steps in (receive_outcome, receive_outcome_without_url):
        assert delete_count == 1
    elif scenario.steps is approver_clicks:
        assert events[-1] in ("click:refused", "token:revoked")
        assert delete_count == int("The request is revoked." in result)
        assert delete_count or "Nothing was changed" in result
    else:
        assert delete_count == 0
