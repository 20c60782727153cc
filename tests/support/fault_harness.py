"""A bot whose calls go where a test sends them, and whose written work is done step by step, without waiting."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, cast

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import func, select

from bot.db.schema import jobs
from bot.domain.people import parse_principals
from bot.domain.requests import APPROVE
from bot.purecloud import HttpAttempt, PureCloud, region
from bot.sandbox import personas as people
from bot.sandbox.genesys.server import CLIENT
from bot.sandbox.slack.messages import PostedMessage
from bot.services.clicks import Click
from bot.services.identity import Directory
from bot.services.requesting import Invoker, Service
from bot.slack.messages import SlackMessenger
from bot.worker import Worker
from handlers import errors as guard
from tests.support.clock import FakeClock
from tests.support.components import Components
from tests.support.timeouts import InstantTimeoutSession

LONGEST = 86400
"""Seconds by the database's clock after which written work is missed."""

_UUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")


@dataclass
class Client:
    """A client of Genesys Cloud and every attempt it makes."""

    purecloud: PureCloud
    attempts: list[HttpAttempt]

    def count(self, operation: str) -> int:
        """How many requests of an operation went out."""
        return sum(call.operation == operation for call in self.attempts)


@dataclass
class Bot:
    """Service and worker of one row of a table, and where the office's books stood when it began."""

    office: Components
    service: Service
    worker: Worker
    messages_before: int
    rows_before: int
    calls_before: int

    async def types(self, line: str, by: str = people.OLIVIA) -> None:
        """Somebody types `/purecloud <line>`; it is carried to its end."""
        asker = Invoker(by, self.office.slack.team_id, people.OPS, f"{by} {self.rows_before} {line}")
        await guard.command(replace(asker, response_url=self.office.response_url(by)), line, self.service)

    async def clicks(self, request_id: str, by: str = people.OLIVIA) -> None:
        """Somebody presses the card's button."""
        request = await self.office.store.get(request_id)
        click = Click(request_id, APPROVE, by, self.office.slack.team_id, key=f"{request_id} {by}")
        ts = request.card.ts if request and request.card else None
        await self.service.click(replace(click, response_url=self.office.response_url(by), ts=ts))

    async def work_off(self) -> None:
        """Do everything that is written down; the clock goes to what is due next when nothing is due."""
        clock = self.office.ledger.clock
        gives_up = clock.now + LONGEST
        while any((await self.office.store.jobs.depth()).values()):
            assert clock.now < gives_up, await self.office.store.jobs.depth()
            for job in [*self.office.taken, *await self.office.store.jobs.claim(16)]:
                self.worker.take(job)
            self.office.taken.clear()
            if running := list(self.worker._running.values()):
                await asyncio.wait(running)
            else:
                due = select(func.min(jobs.c.due_at)).where(jobs.c.done_at.is_(None), jobs.c.due_at > clock.now)
                ((next_due,),) = await self.office.ledger.run(due)
                clock.now = next_due or clock.now + 1

    async def asked(self) -> str:
        """The id of the request that was asked for last; empty where none was."""
        ids = [row.request_id for row in await self.trail() if row.tag == "request:asked"]
        return str(ids[-1]) if ids else ""

    async def trail(self) -> list[Any]:
        """What was written down since this bot began."""
        return [row for row, _ in await self.office.store.audit_events()][self.rows_before :]

    def said(self, to: str | None = None) -> list[PostedMessage]:
        """What was posted since this bot began, to one person in private or to everybody."""
        direct = self.office.slack.workspace.dm(to).id if to else None
        return [
            one
            for one in self.office.slack.messages[self.messages_before :]
            if to is None or one.only_for == to or one.channel_id == direct
        ]

    def calls(self, method: str) -> int:
        """How many calls of a Web API method were made since this bot began."""
        return sum(name == method for name, _ in self.office.calls[self.calls_before :])


def client_of(session: aiohttp.ClientSession | InstantTimeoutSession, *, api_url: str, login_url: str) -> Client:
    """Make a client that logs in at one address and asks at another; its pauses pass at once."""
    quick = FakeClock()
    attempts: list[HttpAttempt] = []
    purecloud = PureCloud(
        cast("aiohttp.ClientSession", session),
        region("mypurecloud.ie", api_url=api_url, login_url=login_url),
        CLIENT.id,
        CLIENT.secret,
        clock=quick,
        sleep=quick.sleep,
        jitter=lambda: 1.0,
        observe=attempts.append,
    )
    return Client(purecloud, attempts)


@asynccontextmanager
async def bot(
    office: Components,
    session: aiohttp.ClientSession | InstantTimeoutSession,
    *,
    tokens: Client,
    users: Client,
    authorization: Client,
    approvers: str = people.TOKEN_APPROVERS,
    requesters: str = ",".join(people.REQUESTERS),
    protected: str = "",
) -> AsyncIterator[Bot]:
    """Put a bot together from clients that may differ, so that one operation alone meets a fault."""
    shared = cast("aiohttp.ClientSession", session)
    slack = AsyncWebClient(office.slack.bot_token, base_url=office.slack.api_url, session=shared, retry_handlers=[])

    def observe(method: str, status: str) -> None:
        office.calls.append((method, status))

    own = replace(
        office,
        courier=SlackMessenger(slack, shared, observe),
        directory=Directory(
            slack,
            users.purecloud.users,
            authorization.purecloud.authorization,
            observe,
            clock=office.monotonic,
            sleep=office.monotonic.sleep,
        ),
        purecloud=tokens.purecloud,
        taken=[],
    )
    named = {"approvers": approvers, "requesters": requesters, "protected": protected}
    rules: dict[str, Any] = {name: parse_principals(text) for name, text in named.items()}
    rows = len(await office.store.audit_events())
    one = Bot(own, own.service(**rules), own.worker(**rules), len(office.slack.messages), rows, len(office.calls))
    yield one
    await one.worker.drain(1)


def nameless(text: str, *known: str) -> str:
    """A text without the ids that differ each time; `known` ones stay."""
    return _UUID.sub(lambda found: found[0] if found[0] in known else "(id)", text)
