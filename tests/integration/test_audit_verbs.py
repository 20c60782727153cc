"""The verbs of `audit`, and `erase`, as processes beside a bot that serves on each database."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import sys
from contextlib import suppress

from bot.sandbox import personas
from tests.support.process import fork
from tests.support.replicas import Replicas

CHECKPOINT = re.compile(r"audit ([0-9]+:[0-9a-f]{16})$")


async def run(bot: Replicas, *arguments: str) -> tuple[int, str, str]:
    """Run a verb; return its exit code, what it prints and its notes."""
    ended = await (await fork(arguments, dict(bot.environ))).wait()
    return ended.code, ended.stdout, ended.stderr


async def run_on_terminal(bot: Replicas, *arguments: str) -> str:
    """Run a verb whose output is a terminal of 160 columns, and return what the terminal shows."""
    ours, theirs = pty.openpty()
    environ = {**bot.environ, "TERM": "xterm", "COLUMNS": "160"}
    command = [sys.executable, "-m", "bot", *arguments]
    process = await asyncio.create_subprocess_exec(*command, env=environ, stdout=theirs, stderr=theirs)
    os.close(theirs)
    reading = asyncio.to_thread(_read_all, ours)
    shown = await reading
    assert await process.wait() == 0, shown
    return shown


def _read_all(descriptor: int) -> str:
    parts = []
    with suppress(OSError):  # the other end is closed
        while part := os.read(descriptor, 65536):
            parts.append(part)
    os.close(descriptor)
    return b"".join(parts).decode()


async def revoke(bot: Replicas, reason: str) -> None:
    card = await bot.request_card(personas.OLIVIA, f"revoke @tom {reason}")
    await bot.click(personas.OLIVIA, card, 0)
    await bot.wait_until_idle()


async def test_verbs__read_beside_a_serving_bot(bot: Replicas) -> None:
    await revoke(bot, "[red]laptop[/] =1+1")
    checkpoint = [found[1] for one in bot.slack.messages if (found := CHECKPOINT.search(one.text))][-1]

    code, listed, _ = await run(bot, "audit", "list")
    assert code == 0
    events = [line.split("\t")[2] for line in listed.splitlines()]
    assert [one for one in events if one != "bot:settings"] == [
        "request:requested",
        "request:approved",
        "token:revoked",
    ]
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", listed)

    shown = await run_on_terminal(bot, "audit", "list")
    assert re.search(r"\x1b\[1mrow", shown)
    assert "[red]laptop[/] =1+1" in " ".join(shown.split())

    code, exported, _ = await run(bot, "audit", "export")
    assert code == 0
    numbers = [json.loads(line)["number"] for line in exported.splitlines()]
    assert numbers == list(range(1, len(numbers) + 1))

    code, verified, notes = await run(bot, "audit", "verify", "--checkpoint", checkpoint)
    assert code == 0
    assert re.fullmatch(rf"ok: {len(numbers)} rows, head {len(numbers)}:[0-9a-f]{{16}}\n", verified)
    assert "without a checkpoint" not in notes


async def test_erasure__beside_a_serving_bot_keeps_the_log_valid_and_the_bot_serving(bot: Replicas) -> None:
    await revoke(bot, "laptop stolen")
    code, printed, notes = await run(bot, "erase", "--person", personas.OLIVIA, "--confirm")
    assert code == 0, notes
    await revoke(bot, "laptop stolen again")

    code, verified, notes = await run(bot, "audit", "verify")
    assert code == 0, verified
    assert "personal data was erased from" in notes
    _, listed, _ = await run(bot, "audit", "list", "--actor", personas.OLIVIA)
    assert len(listed.splitlines()) == 2
    pseudonym = re.search(r"erased-[0-9a-f]{8}", printed)
    assert pseudonym
    _, listed, _ = await run(bot, "audit", "list", "--actor", pseudonym[0])
    assert len(listed.splitlines()) == 2
