"""The page server: static files, the stream of snapshots, and actions."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import yaml

from bot.db.requests import RequestStore
from bot.db.sqlite import sqlite_engine
from bot.sandbox import personas
from bot.sandbox.genesys.server import FakeGenesys, GenesysUser, RecordedRequest
from bot.sandbox.page.server import STATIC, PageServer
from bot.sandbox.session import SandboxRun, SandboxSession
from bot.sandbox.slack.server import FakeSlack
from tests.sandbox.conftest import card
from tests.support import database as ledger
from tests.support.event_receiver import Receiver
from tests.support.schema import put_database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.clock import FakeClock

ROOT = Path(__file__).parents[2]
TOM_ID = "6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09"


@pytest.fixture
async def slack(clock: FakeClock) -> AsyncIterator[FakeSlack]:
    fake = FakeSlack(
        members=personas.members(),
        groups=personas.groups(),
        channels=personas.channels(),
        clock=clock,
        sleep=clock.sleep,
    )
    await fake.start()
    yield fake
    await fake.stop()


@pytest.fixture
def genesys() -> FakeGenesys:
    tom = GenesysUser(id=TOM_ID, name="Tom Target", email="tom@example.com", sessions=2)
    return FakeGenesys(users=[tom])


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[RequestStore]:
    put_database(tmp_path / "bot.db")
    async with ledger.open_database(sqlite_engine(tmp_path / "bot.db")) as opened:
        yield opened.store()


@pytest.fixture
async def sandbox(slack: FakeSlack, genesys: FakeGenesys, store: RequestStore) -> AsyncIterator[SandboxSession]:
    """A session without a bot; every run has the same fakes and the same store."""

    @asynccontextmanager
    async def start_run() -> AsyncIterator[SandboxRun]:
        yield SandboxRun(slack, genesys, store, {})

    started = SandboxSession(start_run)
    await started.start()
    yield started
    await started.stop()


@pytest.fixture
async def url(sandbox: SandboxSession) -> AsyncIterator[str]:
    page = PageServer(sandbox)
    yield await page.start()
    await page.stop()


async def snapshot(stream: aiohttp.ClientResponse) -> dict[str, Any]:
    line = await stream.content.readline()
    assert line.startswith(b"data: ")
    assert await stream.content.readline() == b"\n"
    data: dict[str, Any] = json.loads(line.removeprefix(b"data: "))
    return data


async def post(session: aiohttp.ClientSession, url: str, body: object) -> tuple[int, str | None]:
    async with session.post(url, json=body) as response:
        if response.status != 200:
            return response.status, None
        return response.status, (await response.json())["problem"]


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
        said = await response.text()
    assert all(f"\n{name} " in said for name in ("react", "react-dom", "slack-blocks-to-jsx", "node-emoji"))


async def test_snapshot__has_the_manifests_messages_tab(url: str, session: aiohttp.ClientSession) -> None:
    manifest = yaml.safe_load((ROOT / "manifest.yml").read_text())
    async with session.get(f"{url}events") as stream:
        data = await snapshot(stream)
    assert data["messages_tab_read_only"] == manifest["features"]["app_home"]["messages_tab_read_only_enabled"]


async def test_events__start_with_a_snapshot(url: str, session: aiohttp.ClientSession, app: Receiver) -> None:
    async with session.get(f"{url}events") as stream:
        data = await snapshot(stream)
    people = {person["id"]: person for person in data["people"]}
    assert people[personas.ONA]["can_type"] is False
    assert [people[user]["playable"] for user in (personas.OLIVIA, personas.BEA, personas.DAN)] == [True, False, False]
    assert people[personas.BEN]["about"].startswith("Approver")
    assert {channel["name"] for channel in data["channels"]} >= {"ops", "approvals", "audit", "partner"}
    assert data["users"] == [{"id": TOM_ID, "name": "Tom Target", "state": "active", "sessions": 2}]
    assert (data["messages"], data["requests"], data["audit_log"], data["problem"]) == ([], [], [], None)


async def test_events__follow_every_change(
    url: str, session: aiohttp.ClientSession, slack: FakeSlack, genesys: FakeGenesys
) -> None:
    async with session.get(f"{url}events") as stream:
        await snapshot(stream)
        message = slack.say(personas.OLIVIA, "hello", personas.OPS)
        [said] = (await snapshot(stream))["messages"]
        assert (said["text"], said["author"], said["only_for"]) == ("hello", personas.OLIVIA, None)
        slack.conversations.edit(message, "good-bye", None)
        [edited] = (await snapshot(stream))["messages"]
        assert (edited["text"], edited["edited"]) == ("good-bye", True)
        assert edited["version"] > said["version"]
        path = f"/api/v2/tokens/{TOM_ID}"
        genesys.requests.append(RecordedRequest(slack.clock(), "DELETE", path, "delete_token", 1, 200))
        [received] = (await snapshot(stream))["requests"]
        assert (received["method"], received["path"], received["status"]) == ("DELETE", path, 200)


async def test_send_message__sends_a_command_to_the_bot(
    url: str, session: aiohttp.ClientSession, slack: FakeSlack, app: Receiver
) -> None:
    what = {"user": personas.RAVI, "channel": personas.OPS, "text": " /purecloud  revoke @tom stolen "}
    assert await post(session, f"{url}send-message", what) == (200, None)
    [request] = app.received
    assert request.form["text"] == f"revoke <@{personas.TOM}|tom> stolen"
    assert (request.form["user_id"], request.form["channel_id"]) == (personas.RAVI, personas.OPS)
    assert slack.messages == []


async def test_send_message__posts_other_text_without_the_bot(
    url: str, session: aiohttp.ClientSession, slack: FakeSlack, app: Receiver
) -> None:
    talk = {"user": personas.RAVI, "channel": personas.OPS, "text": "purecloud?"}
    assert await post(session, f"{url}send-message", talk) == (200, None)
    assert [message.text for message in slack.seen_by(personas.BEN)] == ["purecloud?"]
    status, problem = await post(session, f"{url}send-message", {**talk, "text": "/deploy now"})
    assert (status, problem) == (200, "/deploy is not a command of this workspace. Type /purecloud.")
    assert app.received == []


async def test_send_message__explains_what_slack_does_not_offer(
    url: str, session: aiohttp.ClientSession, app: Receiver
) -> None:
    what = {"user": personas.ONA, "channel": personas.SHARED, "text": "/purecloud revoke @tom"}
    _, problem = await post(session, f"{url}send-message", what)
    assert problem == "Ona Outside is offered no commands or shortcuts of this workspace's apps."
    assert app.received == []


async def test_send_message__shows_a_problem_until_the_bot_responds(
    url: str, session: aiohttp.ClientSession, slack: FakeSlack
) -> None:
    help_me = {"user": personas.BEN, "channel": personas.OPS, "text": "/purecloud"}
    async with session.get(f"{url}events") as stream:
        assert (await snapshot(stream))["problem"] == "The bot has not started yet."
        slack.events_url = "http://127.0.0.1:1/slack/events"
        assert (await snapshot(stream))["problem"] is None
        await post(session, f"{url}send-message", help_me)
        while not (data := await snapshot(stream))["problem"]:
            pass
        assert "did not respond" in data["problem"]
        async with Receiver() as bot:
            slack.events_url = bot.url
            await post(session, f"{url}send-message", help_me)
            while (data := await snapshot(stream))["problem"]:
                pass


async def test_click__sends_the_button_of_the_message(
    url: str, session: aiohttp.ClientSession, slack: FakeSlack, app: Receiver
) -> None:
    slack.conversations.post(personas.APPROVALS, "A card", card("approve"))
    press = {"user": personas.BEN, "message": 0, "action_id": "approve", "block_id": "choice"}
    assert await post(session, f"{url}click", press) == (200, None)
    payload = json.loads(app.received[0].form["payload"])
    assert (payload["user"]["id"], payload["actions"][0]["value"]) == (personas.BEN, "value-approve")


async def test_click__explains_that_the_person_does_not_see_the_message(
    url: str, session: aiohttp.ClientSession, slack: FakeSlack, app: Receiver
) -> None:
    slack.conversations.post(personas.APPROVALS, "A card", card("approve"))
    press = {"user": personas.NADIA, "message": 0, "action_id": "approve", "block_id": "choice"}
    assert await post(session, f"{url}click", press) == (200, "Nadia Novak does not see that message.")
    assert app.received == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("send-message", []),
        ("send-message", {"user": "U0UNKNOWN1", "channel": personas.OPS, "text": "hello"}),
        ("send-message", {"user": personas.BEN, "channel": "C0NOWHERE1", "text": "hello"}),
        ("send-message", {"user": personas.BEN, "channel": personas.OPS, "text": " "}),
        ("send-message", {"user": personas.BEN, "channel": personas.OPS, "text": 7}),
        ("click", {"user": personas.BEN, "message": 0, "action_id": "approve", "block_id": "choice"}),
        ("click", {"user": personas.BEN, "message": "0", "action_id": "approve", "block_id": "choice"}),
        ("open-home", {"user": "U0UNKNOWN1"}),
        ("click-in-view", {"view": "V0NOWHERE1", "action_id": "more", "block_id": "choice"}),
        ("submit-view", {"view": "V0NOWHERE1", "values": {}}),
        ("genesys-fault", {"name": "meteor"}),
        ("log-in", {"user": "unknown"}),
        ("advance-clock", {"seconds": -1}),
        ("advance-clock", {"seconds": "60"}),
    ],
)
async def test_post__refuses_invalid_bodies(
    url: str, session: aiohttp.ClientSession, slack: FakeSlack, path: str, body: object
) -> None:
    assert await post(session, url + path, body) == (400, None)
    assert slack.messages == []


async def test_views__are_opened_clicked_submitted_and_closed(
    url: str, session: aiohttp.ClientSession, slack: FakeSlack, app: Receiver
) -> None:
    assert await post(session, f"{url}open-home", {"user": personas.BEN}) == (200, None)
    assert json.loads(app.received[0].raw)["event"]["user"] == personas.BEN
    body = {"type": "modal", "title": {"type": "plain_text", "text": "Many"}, "blocks": card("more")}
    view = slack.views.push(personas.BEN, body)
    press = {"view": view.id, "action_id": "more", "block_id": "choice"}
    assert await post(session, f"{url}click-in-view", press) == (200, None)
    action = json.loads(app.received[1].form["payload"])["actions"][0]
    assert (action["action_id"], action["value"], action["block_id"]) == ("more", "value-more", "choice")
    assert await post(session, f"{url}submit-view", {"view": view.id, "values": {"b": {"a": {"value": "x"}}}}) == (
        200,
        None,
    )
    assert json.loads(app.received[2].form["payload"])["view"]["state"]["values"] == {"b": {"a": {"value": "x"}}}
    other = slack.views.push(personas.BEN, body)
    assert await post(session, f"{url}close-view", {"view": other.id}) == (200, None)
    assert slack.views.modals[personas.BEN] == []


async def test_click__sends_the_selection_of_a_menu(
    url: str, session: aiohttp.ClientSession, slack: FakeSlack, app: Receiver
) -> None:
    menu = {"type": "users_select", "action_id": "who"}
    slack.conversations.post(
        personas.APPROVALS, "A card", [{"type": "actions", "block_id": "choice", "elements": [menu]}]
    )
    press = {"user": personas.BEN, "message": 0, "action_id": "who", "block_id": "choice"}
    assert await post(session, f"{url}click", press | {"selected": {"selected_user": personas.TOM}}) == (200, None)
    assert json.loads(app.received[0].form["payload"])["actions"][0]["selected_user"] == personas.TOM


async def test_faults__are_set_and_cleared(
    url: str, session: aiohttp.ClientSession, slack: FakeSlack, genesys: FakeGenesys, sandbox: SandboxSession
) -> None:
    seen: list[str | None] = []
    sandbox.listeners.append(lambda: seen.append(sandbox.run.faults.genesys if sandbox.run else None))
    async with session.get(f"{url}events") as stream:
        assert (await snapshot(stream))["faults"]["genesys"] is None
        assert await post(session, f"{url}genesys-fault", {"name": "503"}) == (200, None)
        assert (await snapshot(stream))["faults"]["genesys"] == "503"
        assert await post(session, f"{url}slack-down", {"down": True}) == (200, None)
        assert (await snapshot(stream))["faults"]["slack_down"] is True
    assert seen == ["503", "503"]  # listeners run at once, not at the next poll
    assert genesys.faults.next("delete_token") is not None
    assert slack.api.faults.next_for("chat.update").drop
    await post(session, f"{url}genesys-fault", {"name": ""})
    await post(session, f"{url}slack-down", {"down": False})
    assert genesys.faults.next("delete_token") is None
    assert not slack.api.faults.next_for("chat.update").drop


async def test_log_in__gives_a_user_a_session(url: str, session: aiohttp.ClientSession, genesys: FakeGenesys) -> None:
    genesys.users[TOM_ID].sessions = 0
    assert await post(session, f"{url}log-in", {"user": TOM_ID}) == (200, None)
    assert genesys.users[TOM_ID].sessions == 1


async def test_advance_clock__moves_the_expiry_closer(
    url: str, session: aiohttp.ClientSession, store: RequestStore
) -> None:
    asked, _ = await ledger.ask(store)
    assert await post(session, f"{url}advance-clock", {"seconds": 60}) == (200, None)
    assert (await ledger.stored(store)).expires_at == asked.expires_at - 60


async def test_reset__starts_another_run(url: str, session: aiohttp.ClientSession, sandbox: SandboxSession) -> None:
    async with session.get(f"{url}events") as stream:
        first = (await snapshot(stream))["run"]
        assert await post(session, f"{url}reset", {}) == (200, None)
        assert (await snapshot(stream))["run"] != first


async def test_post__during_a_reset_is_unavailable(
    url: str, session: aiohttp.ClientSession, sandbox: SandboxSession
) -> None:
    await sandbox.stop()
    assert await post(session, f"{url}send-message", {"user": personas.BEN}) == (503, None)


async def test_post__refuses_other_content_types(url: str, session: aiohttp.ClientSession, slack: FakeSlack) -> None:
    async with session.post(
        f"{url}send-message", data='{"user": "U0BENAPP01"}', headers={"Content-Type": "text/plain"}
    ) as said:
        assert said.status == 415
    async with session.post(f"{url}send-message", data="{", headers={"Content-Type": "application/json"}) as said:
        assert said.status == 400
    assert slack.messages == []


async def test_start__works_again_after_a_port_in_use(
    sandbox: SandboxSession, session: aiohttp.ClientSession, url: str
) -> None:
    page = PageServer(sandbox)
    taken = int(url.rstrip("/").rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        await page.start(taken)
    async with session.get(await page.start()) as response:
        assert response.status == 200
    await page.stop()


async def test_stop__ends_open_streams(sandbox: SandboxSession, session: aiohttp.ClientSession) -> None:
    page = PageServer(sandbox)
    async with session.get(f"{await page.start()}events") as stream:
        await snapshot(stream)
        await page.stop()
        assert await stream.content.read() == b""
    assert sandbox.listeners == []
