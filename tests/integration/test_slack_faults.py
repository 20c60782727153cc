"""Slack failing in every way at every method: nothing is revoked by it, and nothing confirmed is left undone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp
import pytest

from bot.errors import SettingsError, SlackUnavailable
from bot.sandbox import personas
from bot.sandbox.slack.faults import SlackFault
from bot.services.error_text import error_text
from bot.slack.socket_mode import ask_for_a_connection
from tests.support import markdown_tables as tables
from tests.support.components import Components, deletes, open_components
from tests.support.fault_harness import Bot, bot, client_of, nameless
from tests.support.timeouts import Blackhole, InstantTimeoutSession

HEAD = ("Slack", "Calls", "What happens", "DELETEs", "Written down")

Break = Callable[[], None]
Play = Callable[[Bot, Break], Awaitable[str]]


@dataclass(frozen=True)
class Scene:
    """One method, and what people do that needs it; `play` breaks it in time and returns what they see.

    `own`: the method's own errors. `times`: how often it fails in a row, None for as long as it takes.
    """

    method: str
    play: Play
    own: tuple[str, ...] = ()
    times: int | None = None
    protected: str = ""


async def starts(bot: Bot, break_it: Break) -> str:
    bot.office.slack.workspace.app_id = ""  # so that `bots.info` is asked as well
    break_it()
    try:
        await bot.office.directory.identify()
    except SlackUnavailable as problem:
        assert not bot.office.directory.known.is_set()
        return f"Not ready: {error_text(problem)}"
    return "Ready"


async def connects(bot: Bot, break_it: Break) -> str:
    break_it()
    seen, code = "Connected", "ok"
    try:
        await ask_for_a_connection(bot.office.courier._client, bot.office.slack.sockets.app_token)
    except SettingsError as problem:
        seen, code = f"The start ends with exit code 2: {problem}", "refused"
    except SlackUnavailable as problem:
        seen, code = f"Not ready: {error_text(problem)}", problem.slack_code
    bot.office.calls.append(("apps.connections.open", code))
    return seen


async def asks(bot: Bot, break_it: Break) -> str:
    await bot.office.directory.identify()
    break_it()
    return await _asks(bot, f"revoke <@{personas.TOM}>")


async def asks_by_email(bot: Bot, break_it: Break) -> str:
    await bot.office.directory.identify()
    break_it()
    return await _asks(bot, "revoke tom.target@example.com")


async def _asks(bot: Bot, line: str) -> str:
    await bot.types(line)
    await bot.work_off()
    request = await bot.office.store.get(await bot.asked())
    if request is None:
        (told,) = bot.said(personas.OLIVIA)
        return told.text
    where = "in private" if request.card and request.card.channel.startswith("D") else "where approvers see it"
    return f"A card {where}, for {request.approvals_required} to confirm"


async def clicks(bot: Bot, break_it: Break) -> str:
    await bot.office.directory.identify()
    await bot.types(f"revoke <@{personas.TOM}>", by=personas.RAVI)
    await bot.work_off()
    break_it()
    await bot.clicks(await bot.asked(), by=personas.BEN)
    await bot.work_off()
    return _private(bot, personas.BEN)


async def nadia_clicks(bot: Bot, break_it: Break) -> str:
    await bot.office.directory.identify()
    await bot.types(f"revoke <@{personas.TOM}>", by=personas.RAVI)
    await bot.work_off()
    break_it()
    await bot.clicks(await bot.asked(), by=personas.NADIA)
    await bot.work_off()
    return _private(bot, personas.NADIA)


async def is_refused(bot: Bot, break_it: Break) -> str:
    await bot.office.directory.identify()
    break_it()
    await bot.types(f"revoke <@{personas.TOM}>", by=personas.NADIA)
    await bot.work_off()
    return _private(bot, personas.NADIA)


def _private(bot: Bot, user_id: str) -> str:
    told = bot.said(user_id)
    assert len({one.text for one in told}) == 1
    where = " and ".join("in answer" if one.only_for else "in direct messages" for one in told)
    return f"They are told {where}: {told[0].text}"


async def gets_a_card(bot: Bot, break_it: Break) -> str:
    """Where the card is in the end, and how often."""
    await bot.office.directory.identify()
    break_it()
    await bot.types(f"revoke <@{personas.TOM}>")
    await bot.work_off()
    cards = [one for one in bot.said() if bot.office.slack.buttons(one)]
    answered = "; ".join(one.text for one in bot.said(personas.OLIVIA) if one.only_for and one not in cards)
    shown = "in answer to the command" if cards and cards[0].only_for else "in direct messages"
    return f"{len(cards)} {'card' if len(cards) == 1 else 'cards'} {shown}. {answered}".strip()


async def is_carried_out(bot: Bot, break_it: Break) -> str:
    """What the card and the audit channel say in the end."""
    await bot.office.directory.identify()
    await bot.types(f"revoke <@{personas.TOM}>")
    await bot.work_off()
    break_it()
    await bot.clicks(await bot.asked())
    await bot.work_off()
    (card,) = [one for one in bot.said(personas.OLIVIA) if not one.only_for]
    notices = [one for one in bot.said() if one.channel_id == personas.AUDIT]
    assert all("Revoked" in one.text for one in notices)
    says = card.text.partition(":")[0]
    live = "with a live button" if bot.office.slack.buttons(card) else "without a button"
    return (
        f"The card says {says if 'Revoked' in says else 'that it waits'}, {live}; {len(notices)} in the audit channel"
    )


FAULTS = (
    ("429, `Retry-After: 1`", SlackFault(retry_after=1)),
    ("429, `Retry-After: 3600`", SlackFault(retry_after=3600)),
    ("500 with a web page", SlackFault(status=500, html="<html>Oops</html>")),
    ("no answer", SlackFault(delay=1)),
    ("cut before it acted", SlackFault(drop=True)),
    ("cut after it acted", SlackFault(drop=True, after=True)),
    ("`internal_error`", SlackFault(error="internal_error")),
    ("`invalid_auth`", SlackFault(error="invalid_auth")),
    ("`missing_scope`", SlackFault(error="missing_scope")),
)
AT_RESPONSE_URL = (*FAULTS[:6], ("404, used up", SlackFault(status=404)), ("410, gone", SlackFault(status=410)))

SCENES = {
    "auth.test, at start": Scene("auth.test", starts, ("account_inactive",)),
    "bots.info, at start": Scene("bots.info", starts, ("bot_not_found",)),
    "apps.connections.open, at start": Scene(
        "apps.connections.open", connects, ("not_allowed_token_type", "token_revoked", "access_denied")
    ),
    "users.info, when a command asks": Scene("users.info", asks, ("user_not_found", "user_not_visible")),
    "users.info, when somebody clicks": Scene("users.info", clicks, ("user_not_found", "user_not_visible")),
    "users.lookupByEmail, when a command names an address": Scene(
        "users.lookupByEmail", asks_by_email, ("users_not_found",), protected=personas.PIA
    ),
    "usergroups.users.list, when a command asks": Scene("usergroups.users.list", asks, ("no_such_subteam",)),
    "usergroups.users.list, when somebody clicks": Scene("usergroups.users.list", clicks, ("no_such_subteam",)),
    "chat.postMessage, for a card": Scene(
        "chat.postMessage", gets_a_card, ("not_in_channel", "channel_not_found", "is_archived"), times=4
    ),
    "chat.postMessage, for an outcome": Scene(
        "chat.postMessage", is_carried_out, ("not_in_channel", "channel_not_found", "is_archived"), times=4
    ),
    "chat.update, for an outcome": Scene(
        "chat.update", is_carried_out, ("message_not_found", "cant_update_message", "edit_window_closed"), times=4
    ),
    "response_url, when a command is refused": Scene("response_url", is_refused, times=4),
    "response_url, when a click is refused": Scene("response_url", nadia_clicks, times=4),
}


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        yield opened


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.mark.parametrize("title", SCENES)
async def test_slack_faults__revoke_nothing_and_undo_nothing(
    title: str, office: Components, session: aiohttp.ClientSession, request: pytest.FixtureRequest
) -> None:
    scene = SCENES[title]
    faults = AT_RESPONSE_URL if scene.method == "response_url" else FAULTS
    own = tuple((f"`{code}`", SlackFault(error=code)) for code in scene.own)

    rows = [(name, await played(office, session, scene, fault)) for name, fault in (*faults, *own)]

    table = tables.table(HEAD, rows)
    if request.config.getoption("update_snapshots"):
        tables.write(title, table)
    assert table == tables.written(title)


async def played(
    office: Components, session: aiohttp.ClientSession, scene: Scene, fault: SlackFault
) -> tuple[str, ...]:
    """One row: a bot of its own, at the fault of one method."""
    blackhole = Blackhole()
    office.slack.api._sleep = blackhole.sleep
    towards = "/response/" if scene.method == "response_url" else f"/{scene.method}"
    where = str(office.purecloud.region.api_url)
    genesys = client_of(session, api_url=where, login_url=where)
    deleted = len(deletes(office))

    def break_it() -> None:
        office.slack.fault(scene.method, replace(fault, times=scene.times))

    async with bot(
        office,
        InstantTimeoutSession(session, blackhole, towards),
        tokens=genesys,
        users=genesys,
        authorization=genesys,
        protected=scene.protected,
    ) as one:
        seen = await scene.play(one, break_it)
        office.slack.clear_faults()
        blackhole.set()
        trail = [row.tag for row in await one.trail()]
        calls = one.calls(scene.method)
    sent = len(deletes(office)) - deleted
    hold(scene, seen, sent, trail)
    return str(calls), general(seen, fault), str(sent), ", ".join(trail) or "nothing"


def general(seen: str, fault: SlackFault) -> str:
    """The same words for every code, so that rows can be one."""
    for code in ("ratelimited", "http_500", "TimeoutError", "ServerDisconnectedError", fault.error):
        for left, right in ("()", "``"):
            seen = seen.replace(f"{left}{code}{right}", "(code)")
    return nameless(seen)


def hold(scene: Scene, seen: str, sent: int, trail: list[str]) -> None:
    """What is true of every row."""
    assert sent == trail.count("request:approved") == trail.count("token:revoked") <= 1
    if scene.play is is_carried_out:
        assert sent == 1
    elif scene.play is clicks:
        assert sent == 0
        assert trail[-1] == "click:refused"
        assert "Nothing was changed" in seen
    else:
        assert sent == 0
