"""Bolt's own part, without sockets: the bot's way in, and a hello-world of Bolt, in one process.

Both prove the signature, read the body, find what answers and acknowledge; what follows is left out. They take turns in
blocks of fifty, each request another one, and the CPU of each block is read.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import replace
from statistics import median
from typing import Any

import uvloop
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from bench.fakes import BOT_TOKEN, SIGNING_SECRET
from bench.slack_sends import EXAMPLE, Sends
from bench.stdio_server import obey, say
from bot import logs
from bot.app import bolt, dispatcher
from bot.bootstrap import Services, build
from bot.services.clicks import Click
from bot.services.requesting import Service
from bot.settings import read_settings
from bot.slack.dispatch import Body, Dispatcher
from bot.slack.http import parse, verify
from handlers.ui import cards

BLOCK, BLOCKS = 50, 20
OK = 200
Headers = Mapping[str, str]
Answers = Callable[[bytes, Headers], Awaitable[int]]


class Nothing(Service):
    """Begins nothing and writes nothing down."""

    def __init__(self) -> None:
        pass

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Leave it."""
        work.close()

    async def click(self, click: Click) -> None:
        """Leave it."""


async def ours(services: Services) -> Answers:
    """The bot's way in, from the raw bytes on."""
    settings = read_settings(os.environ)
    await services.directory.identify()
    app = bolt(settings, replace(services, service=Nothing()))
    admission = Dispatcher(dispatcher(app), services.directory, services.metrics)
    secret = SIGNING_SECRET.encode()

    async def read(raw: bytes, headers: Headers) -> Body:
        verify(secret, raw, headers, now=time.time())
        return parse(raw, "application/x-www-form-urlencoded")

    async def answer(raw: bytes, headers: Headers) -> int:
        return (await admission.admit(read(raw, headers))).status

    return answer


def hello() -> Answers:
    """Bolt as its documentation begins."""
    url = f"{os.environ['SLACK_API_URL']}/"
    app = AsyncApp(client=AsyncWebClient(token=BOT_TOKEN, base_url=url), signing_secret=SIGNING_SECRET)

    @app.command("/purecloud")
    async def purecloud(ack: Any) -> None:
        await ack()

    @app.action("approve")
    async def approve(ack: Any) -> None:
        await ack()

    async def answer(raw: bytes, headers: Headers) -> int:
        return (await app.async_dispatch(AsyncBoltRequest(body=raw.decode(), headers=dict(headers)))).status

    return answer


def requests(kind: str) -> list[tuple[bytes, Headers]]:
    """Make the requests of a block, no two alike."""
    sends = Sends("http://127.0.0.1")
    wires = [sends.command("whoami") if kind == "slash" else sends.click(EXAMPLE) for _ in range(BLOCK)]
    return [_parts(wire) for wire in wires]


def _parts(wire: bytes) -> tuple[bytes, Headers]:
    head, _, body = wire.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")[1:]
    return body, dict(line.split(": ", 1) for line in lines)


async def block(answers: Answers, kind: str) -> float:
    """Answer fifty requests; returns microseconds of CPU for one."""
    prepared = requests(kind)
    began = time.process_time()
    statuses = await asyncio.gather(*(answers(raw, headers) for raw, headers in prepared))
    cpu = time.process_time() - began
    if set(statuses) != {OK}:
        raise RuntimeError(f"answered {set(statuses)}")
    return cpu / BLOCK * 1e6


async def compare(both: Mapping[str, Answers], kind: str) -> dict[str, float]:
    """Let both take turns; returns the median of each, and of their ratio."""
    taken: list[dict[str, float]] = []
    for number in range(BLOCKS):
        names = list(both) if number % 2 else list(both)[::-1]
        taken.append({name: await block(both[name], kind) for name in names})
    medians = {name: median(one[name] for one in taken) for name in both}
    return medians | {"ratio": median(one["ours"] / one["hello"] for one in taken)}


def main() -> None:
    """Make both, then compare them whenever asked."""
    settings = read_settings(os.environ)
    logs.configure(settings.log_level, settings.log_format)
    loop = uvloop.new_event_loop()
    services = loop.run_until_complete(build(settings, cards).__aenter__())
    both = {"ours": loop.run_until_complete(ours(services)), "hello": hello()}
    say({"ready": True})
    obey({"compare": lambda kind: loop.run_until_complete(compare(both, kind))})


if __name__ == "__main__":
    main()
