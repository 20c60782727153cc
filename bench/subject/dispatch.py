"""Dispatch in Bolt without sockets, of the bot and of Bolt's example app.

Both run in one process, verify the signature, parse the body, find the listener and acknowledge. They take turns in
blocks of fifty unique requests, and the CPU time of each block is measured.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import replace
from functools import partial
from statistics import median
from typing import Any

import uvloop
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from bench.fakes import BOT_TOKEN, SIGNING_SECRET
from bench.slack_requests import EXAMPLE_CARD, SlackRequests
from bench.stdio_server import serve, write_message
from bot import logs
from bot.app import bolt_app
from bot.background import BackgroundTasks
from bot.bootstrap import Services, build
from bot.domain.clicks import Click
from bot.services.inbox import Inbox
from bot.settings import MAX_BUDGET, read_settings
from bot.slack.dispatch import Dispatcher
from bot.slack.http import RequestVerifier, parse_body
from handlers.budgets import PersonBudgets
from handlers.messages import Catalog
from handlers.messages.en import SENTENCES
from handlers.middleware import Gate
from handlers.ui.renderer import MessageRenderer

BLOCK_SIZE, BLOCKS = 50, 20
OK = 200
Headers = Mapping[str, str]
App = Callable[[bytes, Headers], Awaitable[int]]
"""Takes a raw body and headers, and returns the status of the response."""


class NullInbox(Inbox):
    """An inbox that stores nothing."""

    async def record_click(self, click: Click) -> None:
        """Discard the click."""


class DiscardedTasks(BackgroundTasks):
    """Tasks that never run."""

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Discard the task."""
        work.close()


async def subject_app(services: Services, catalog: Catalog) -> App:
    """Return the bot, from the raw body to the response."""
    await services.workspace.identify()
    inbox = NullInbox(services.store, lambda _job: None)
    ack_only = replace(services, inbox=inbox, tasks=DiscardedTasks())
    app = bolt_app(ack_only, Gate(ack_only, services.workspace, catalog, PersonBudgets(MAX_BUDGET, MAX_BUDGET)))
    dispatcher, verifier = Dispatcher(app, services.metrics), RequestVerifier(SIGNING_SECRET, time.time)

    async def handle(raw: bytes, headers: Headers) -> int:
        started = time.perf_counter()
        verifier.verify(raw, headers)
        payload = parse_body(raw, "application/x-www-form-urlencoded")
        return (await dispatcher.dispatch(payload, started)).status

    return handle


def example_app() -> App:
    """Return the app of Bolt's documentation."""
    url = f"{os.environ['SLACK_API_URL']}/"
    app = AsyncApp(client=AsyncWebClient(token=BOT_TOKEN, base_url=url), signing_secret=SIGNING_SECRET)

    @app.command("/purecloud")
    async def purecloud(ack: Any) -> None:
        await ack()

    @app.action("approve")
    async def approve(ack: Any) -> None:
        await ack()

    async def handle(raw: bytes, headers: Headers) -> int:
        return (await app.async_dispatch(AsyncBoltRequest(body=raw.decode(), headers=dict(headers)))).status

    return handle


def requests(kind: str) -> list[tuple[bytes, Headers]]:
    """Return the unique requests of a block."""
    source = SlackRequests("http://127.0.0.1")
    make = partial(source.command, "whoami") if kind == "command" else partial(source.click, EXAMPLE_CARD)
    return [_split(make()) for _ in range(BLOCK_SIZE)]


def _split(wire: bytes) -> tuple[bytes, Headers]:
    head, _, body = wire.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")[1:]
    return body, dict(line.split(": ", 1) for line in lines)


async def time_block(app: App, kind: str) -> float:
    """Handle a block of requests and return the CPU time of one, in microseconds."""
    prepared = requests(kind)
    began = time.process_time()
    statuses = await asyncio.gather(*(app(raw, headers) for raw, headers in prepared))
    cpu = time.process_time() - began
    if set(statuses) != {OK}:
        raise RuntimeError(f"unexpected statuses: {set(statuses)}")
    return cpu / BLOCK_SIZE * 1e6


async def compare(apps: Mapping[str, App], kind: str) -> dict[str, float]:
    """Let both apps take turns; return the median of each and of their ratio."""
    samples: list[dict[str, float]] = []
    for number in range(BLOCKS):
        names = list(apps) if number % 2 else list(apps)[::-1]
        samples.append({name: await time_block(apps[name], kind) for name in names})
    medians = {name: median(sample[name] for sample in samples) for name in apps}
    return medians | {"ratio": median(sample["subject"] / sample["example"] for sample in samples)}


def main() -> None:
    """Create both apps, then serve."""
    settings = read_settings(os.environ)
    logs.configure(settings.log_level, settings.log_format)
    loop = uvloop.new_event_loop()
    renderer = MessageRenderer(Catalog(SENTENCES))
    services = loop.run_until_complete(build(settings, renderer).__aenter__())
    subject = loop.run_until_complete(subject_app(services, renderer.catalog))
    apps = {"subject": subject, "example": example_app()}
    write_message({"ready": True})
    serve({"compare": lambda kind: loop.run_until_complete(compare(apps, kind))})


if __name__ == "__main__":
    main()
