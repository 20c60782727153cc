"""Genesys Cloud failing in every way at every operation: what is told, what is sent again, what is written down."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import aiohttp
import pytest

from bot.sandbox import personas
from bot.sandbox.genesys.responses import error
from bot.sandbox.slack.messages import PostedMessage
from tests.support import fault_cases as mishaps
from tests.support import markdown_tables as tables
from tests.support.components import TOM, Components, open_components
from tests.support.fault_cases import Mishap, place_of
from tests.support.fault_harness import Bot, Client, bot, client_of, nameless
from tests.support.timeouts import InstantTimeoutSession

CARD, CARRIED_OUT = "(the card)", "(carried out)"
UNTROUBLED = (CARD, CARRIED_OUT)
SAYS_WHAT_CHANGED = (
    *UNTROUBLED,
    "othing was changed",
    "nothing is known to have ended",
    "is unknown: it was tried",
    "Genesys Cloud confirmed that",
    "not deleted",
    "not known to be deleted",
)
ENDS = ("token:revoked", "token:refused", "token:failed", "token:unknown")
YES = ("200", "401")
"""Answers that say that a token is dead; a 401 says so of the very token it is signed with."""

HEAD = ("Genesys Cloud", "Requests", "What is told", "Written down")

BEN = "6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e02"

Play = Callable[[Bot], Awaitable[str]]


@dataclass(frozen=True)
class Scene:
    """One operation, and what people do that needs it; `play` returns what they are told.

    `most`: how many requests of the operation there may be at the very most.
    """

    operation: str
    play: Play
    most: int
    approvers: str = personas.TOKEN_APPROVERS
    faults: tuple[Mishap, ...] = mishaps.ALL


async def asks_for_tom(bot: Bot) -> str:
    return await _asks(bot, f"revoke <@{personas.TOM}> laptop stolen")


async def asks_by_id(bot: Bot) -> str:
    return await _asks(bot, f"revoke {TOM.id}")


async def _asks(bot: Bot, line: str) -> str:
    await bot.types(line)
    await bot.work_off()
    if await bot.asked():
        return CARD
    assert not any(bot.office.slack.buttons(one) for one in bot.said())
    (told,) = bot.said(personas.OLIVIA)
    return told.text


async def confirms(bot: Bot) -> str:
    return await _confirms(bot, f"revoke <@{personas.TOM}>")


async def rotates(bot: Bot) -> str:
    return await _confirms(bot, "rotate")


async def _confirms(bot: Bot, line: str) -> str:
    await bot.types(line)
    await bot.work_off()
    await bot.clicks(await bot.asked())
    await bot.work_off()
    (card,) = [one for one in bot.said(personas.OLIVIA) if any(block["type"] == "header" for block in one.blocks)]
    (told,) = [one for one in bot.said() if one.channel_id == personas.AUDIT]
    assert not bot.office.slack.buttons(card)
    assert _quoted(told).endswith(_quoted(card)), "the channel and the card tell the same"
    return _with_its_number(told)


async def ben_confirms(bot: Bot) -> str:
    await bot.types(f"revoke <@{personas.TOM}>", by=personas.RAVI)
    await bot.work_off()
    await bot.clicks(await bot.asked(), by=personas.BEN)
    await bot.work_off()
    told = [one.text for one in bot.said(personas.BEN)]
    return told[0] if told else CARRIED_OUT


async def asks_who(bot: Bot) -> str:
    await bot.types("whoami")
    (told,) = bot.said(personas.OLIVIA)
    words: str = bot.office.slack.text_of(told)
    return words.partition("The bot's token\n")[2]


def _quoted(message: PostedMessage) -> str:
    return next(
        str(block["text"]["text"]) for block in message.blocks if block["type"] == "section" and "text" in block
    )


def _with_its_number(message: PostedMessage) -> str:
    numbers = [block["elements"][0]["text"] for block in message.blocks if "correlation" in str(block)]
    return "\n".join([_quoted(message), *numbers])


AT_LOGIN = mishaps.AT_LOGIN
SCENES = {
    "login, when a command asks": Scene("login", asks_for_tom, 8, faults=AT_LOGIN),
    "login, when the DELETE is due": Scene("login", confirms, 8, faults=AT_LOGIN),
    "search_by_email, when a command asks": Scene("search_by_email", asks_for_tom, 3),
    "get_user, when a command asks": Scene("get_user", asks_by_id, 3),
    "get_user_roles, when somebody confirms": Scene(
        "get_user_roles", ben_confirms, 6, approvers="permission:oauth:token:delete"
    ),
    "delete_token, when it was confirmed": Scene("delete_token", confirms, 6),
    "delete_tokens_me, when it was confirmed": Scene("delete_tokens_me", rotates, 3),
    "get_tokens_me, when somebody asks whoami": Scene("get_tokens_me", asks_who, 3),
}


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        opened.genesys.users[BEN].permissions = ("oauth:token:delete",)
        yield opened


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.mark.parametrize("title", SCENES)
async def test_genesys_faults__are_told_bounded_and_written_down(
    title: str, office: Components, session: aiohttp.ClientSession, request: pytest.FixtureRequest
) -> None:
    scene = SCENES[title]

    rows = [(fault.name, await played(office, session, scene, fault)) for fault in scene.faults]

    table = tables.table(HEAD, rows)
    if request.config.getoption("update_snapshots"):
        tables.write(title, table)
    assert table == tables.written(title)


async def played(office: Components, session: aiohttp.ClientSession, scene: Scene, fault: Mishap) -> tuple[str, ...]:
    """One row: a bot of its own meets the fault at this operation, and at this operation alone."""
    well = str(office.purecloud.region.api_url)
    healthy = client_of(session, api_url=well, login_url=well)
    await healthy.purecloud.auth.token()
    office.genesys.users[TOM.id].sessions = 2
    async with place_of(office.genesys, well, scene.operation, fault) as (bad, blackhole):
        at_login = scene.operation == "login"
        trying = client_of(
            InstantTimeoutSession(session, blackhole),
            api_url=well if at_login else bad,
            login_url=bad if at_login else well,
        )
        users = trying if scene.play in (asks_for_tom, asks_by_id) else healthy
        async with bot(
            office, session, tokens=trying, users=users, authorization=trying, approvers=scene.approvers
        ) as one:
            await one.office.directory.identify()
            told = await scene.play(one)
            trail = [row.tag for row in await one.trail()]
    hold(scene, fault, trying, told, trail)
    untouched = office.genesys.users[TOM.id].sessions == 2
    assert untouched or trail[-1] in ("token:revoked", "token:unknown")
    return str(trying.count(scene.operation)), general(told, fault), ", ".join(trail) or "nothing"


def hold(scene: Scene, fault: Mishap, trying: Client, told: str, trail: list[str]) -> None:
    """What is true of every row."""
    answers = [call.outcome for call in trying.attempts if call.operation == scene.operation]
    assert 1 <= len(answers) <= scene.most
    assert scene.play is asks_who or any(words in told for words in SAYS_WHAT_CHANGED)
    assert "orrelation id" in told or fault.fault is None or fault.fault.status is None or _is_no_fault(told)
    if scene.play in (confirms, rotates):
        assert trail[-1] in ENDS
        assert any(answer in YES for answer in answers) or "token:revoked" not in trail
        assert "GenesysNoResponse" not in answers or scene.operation == "login" or trail[-1] == "token:unknown"
    if scene.play is ben_confirms:
        assert trail[1:] in (["click:refused"], ["request:approved", "token:revoked"])
    if scene.play in (asks_for_tom, asks_by_id):
        assert (told == CARD) == (trail == ["request:asked"])


def _is_no_fault(told: str) -> bool:
    return told in UNTROUBLED or "Genesys Cloud knows nobody" in told


def general(told: str, fault: Mishap) -> str:
    """The same words for every status, so that rows can be one."""
    status = fault.fault.status if fault.fault else 200
    if status is None:
        return nameless(told, TOM.id)
    own = str(error(status, "")["message"])
    for said, shown in {
        own: "(its own sentence)",
        f"{status} {HTTPStatus(status).phrase}": "(status)",
        f" {status}": " (status)",
        f"({status})": "(status)",
    }.items():
        told = told.replace(said, shown)
    return nameless(told, TOM.id)
