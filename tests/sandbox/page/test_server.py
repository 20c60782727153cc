"""The page server: static files, the stream of snapshots, and its life cycle."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import pytest

from bot.sandbox import personas
from bot.sandbox.genesys.server import FakeGenesys, RecordedRequest
from bot.sandbox.page.server import STATIC, PageServer
from tests.sandbox.page.conftest import TOM_ID, read_snapshot

if TYPE_CHECKING:
    from bot.sandbox.session import SandboxSession
    from bot.sandbox.slack.server import FakeSlack
    from tests.support.event_receiver import Receiver

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("name", ["", "page.css", "page.js", "LICENSES.txt"])
async def test_page__serves_files_with_a_strict_content_security_policy(
    url: str, session: aiohttp.ClientSession, name: str
) -> None:
    async with session.get(url + name) as response:
        assert response.status == 200
        policy = response.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_page__is_built_from_the_current_source() -> None:
    source = ROOT / "sandbox-page"
    names = [*(f"src/{path.name}" for path in (source / "src").iterdir()), "build.js", "package-lock.json"]
    digest = sha256(b"".join((source / name).read_bytes() for name in sorted(names))).hexdigest()
    assert f'name="built-from" content="{digest}"' in (STATIC / "index.html").read_text(), "run make page"


async def test_page__includes_the_licence_of_every_bundled_package(url: str, session: aiohttp.ClientSession) -> None:
    async with session.get(f"{url}LICENSES.txt") as response:
        licences = await response.text()
    assert all(f"\n{name} " in licences for name in ("react", "react-dom", "slack-blocks-to-jsx", "node-emoji"))


async def test_events__start_with_a_snapshot(url: str, session: aiohttp.ClientSession, app: Receiver) -> None:
    async with session.get(f"{url}events") as stream:
        data = await read_snapshot(stream)
    people = {person["id"]: person for person in data["people"]}
    assert people[personas.ONA]["can_type"] is False
    assert [people[user]["playable"] for user in (personas.OLIVIA, personas.BEA, personas.DAN)] == [True, False, False]
    assert people[personas.BEN]["about"].startswith("Approver")
    assert {channel["name"] for channel in data["channels"]} >= {"ops", "approvals", "audit", "partner"}
    assert data["users"] == [{"id": TOM_ID, "name": "Tom Target", "state": "active", "sessions": 2, "calls": 0}]
    assert (data["messages"], data["requests"], data["audit_log"], data["problem"]) == ([], [], [], None)


async def test_events__follow_every_change(
    url: str, session: aiohttp.ClientSession, slack: FakeSlack, genesys: FakeGenesys
) -> None:
    async with session.get(f"{url}events") as stream:
        await read_snapshot(stream)
        message = slack.say(personas.OLIVIA, "hello", personas.OPS)
        [posted] = (await read_snapshot(stream))["messages"]
        assert (posted["text"], posted["author"], posted["only_for"]) == ("hello", personas.OLIVIA, None)
        slack.conversations.edit(message, "good-bye", None)
        [edited] = (await read_snapshot(stream))["messages"]
        assert (edited["text"], edited["edited"]) == ("good-bye", True)
        assert edited["version"] > posted["version"]
        path = f"/api/v2/tokens/{TOM_ID}"
        genesys.requests.append(RecordedRequest(slack.clock(), "DELETE", path, "delete_token", 1, 200))
        [received] = (await read_snapshot(stream))["requests"]
        assert (received["method"], received["path"], received["status"]) == ("DELETE", path, 200)


async def test_post__refuses_other_content_types(url: str, session: aiohttp.ClientSession, slack: FakeSlack) -> None:
    async with session.post(
        f"{url}send-message", data='{"user": "U0BENAPP01"}', headers={"Content-Type": "text/plain"}
    ) as response:
        assert response.status == 415
    async with session.post(f"{url}send-message", data="{", headers={"Content-Type": "application/json"}) as response:
        assert response.status == 400
    assert slack.messages == []


async def test_start__works_again_after_a_port_in_use(
    sandbox: SandboxSession, session: aiohttp.ClientSession, url: str
) -> None:
    page = PageServer(sandbox)
    busy = int(url.rstrip("/").rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        await page.start(busy)
    async with session.get(await page.start()) as response:
        assert response.status == 200
    await page.stop()


async def test_stop__ends_open_streams(sandbox: SandboxSession, session: aiohttp.ClientSession) -> None:
    page = PageServer(sandbox)
    async with session.get(f"{await page.start()}events") as stream:
        await read_snapshot(stream)
        await page.stop()
        assert await stream.content.read() == b""
    assert sandbox.listeners == []
