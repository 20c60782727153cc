"""The page over HTTP: what it is told, what it may do, and that it is gone when it is stopped."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from bot.db.requests import RequestStore
from bot.db.sqlite import sqlite_engine
from bot.sandbox import personas
from bot.sandbox.genesys.server import FakeGenesys, RecordedRequest
from bot.sandbox.genesys.state import GenesysUser
from bot.sandbox.page.server import STATIC, SandboxPage
from bot.sandbox.session import Play, Stage
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
    stand_in = FakeSlack(
        members=personas.members(),
        groups=personas.groups(),
        channels=personas.channels(),
        clock=clock,
        sleep=clock.sleep,
    )
    await stand_in.start()
    yield stand_in
    await stand_in.stop()


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
async def stage(slack: FakeSlack, genesys: FakeGenesys, store: RequestStore) -> AsyncIterator[Stage]:
    """The same stand-ins for every play, so that a test keeps hold of them."""

    @asynccontextmanager
    async def begin() -> AsyncIterator[Play]:
        yield Play(slack, genesys, store, {})

    started = Stage(begin)
    await started.start()
    yield started
    await started.stop()


@pytest.fixture
async def url(stage: Stage) -> AsyncIterator[str]:
    page = SandboxPage(stage)
    yield await page.start()
    await page.stop()


async def snapshot(stream: aiohttp.ClientResponse) -> dict[str, Any]:
    line = await stream.content.readline()
    assert line.startswith(b"data: ")
    assert await stream.content.readline() == b"\n"
    told: dict[str, Any] = json.loads(line.removeprefix(b"data: "))
    return told


async def post(session: aiohttp.ClientSession, url: str, what: object) -> tuple[int, str | None]:
    async with session.post(url, json=what) as response:
        if response.status != 200:
            return response.status, None
        return response.status, (await response.json())["problem"]


@pytest.mark.parametrize("name", ["", "page.css", "page.js", "LICENSES.txt"])
async def test_page__serves_its_own_files_and_lets_nothing_else_in(
    url: str, session: aiohttp.ClientSession, name: str
) -> None:
    async with session.get(url + name) as response:
        assert response.status == 200
        policy = response.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_page__is_built_from_the_source_that_stands_here() -> None:
    source = ROOT / "sandbox-page"
    names = [*(f"src/{path.name}" for path in (source / "src").iterdir()), "build.js", "package-lock.json"]
    digest = sha256(b"".join((source / name).read_bytes() for name in sorted(names))).hexdigest()
    assert f'name="built-from" content="{digest}"' in (STATIC / "index.html").read_text(), "run make page"


async def test_page__names_the_licence_of_everything_it_bundles(url: str, session: aiohttp.ClientSession) -> None:
    async with session.get(f"{url}LICENSES.txt") as response:
        said = await response.text()
    assert all(f"\n{name} " in said for name in ("react", "react-dom", "slack-blocks-to-jsx", "node-emoji"))


async def test_events__tell_everything_at_once(url: str, session: aiohttp.ClientSession, app: Receiver) -> None:
    async with session.get(f"{url}events") as stream:
        told = await snapshot(stream)
    people = {person["id"]: person for person in told["people"]}
    assert people[personas.ONA]["can_type"] is False
    assert [people[user]["playable"] for user in (personas.OLIVIA, personas.BEA, personas.DAN)] == [True, False, False]
    assert people[personas.BEN]["about"].startswith("Approver")
    assert {channel["name"] for channel in told["channels"]} >= {"ops", "approvals", "audit", "partner"}
    assert told["sessions"] == [{"id": TOM_ID, "name": "Tom Target", "state": "active", "sessions": 2}]
    assert (told["messages"], told["journal"], told["trail"], told["trouble"]) == ([], [], [], None)


async def test_events__tell_every_change_as_it_comes(
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
        [received] = (await snapshot(stream))["journal"]
        assert (received["method"], received["path"], received["status"]) == ("DELETE", path, 200)


async def test_say__a_command_goes_to_the_bot(
    url: str, session: aiohttp.ClientSession, slack: FakeSlack, app: Receiver
) -> None:
    what = {"user": personas.RAVI, "channel": personas.OPS, "text": " /purecloud  revoke @tom stolen "}
    assert await post(session, f"{url}say", what) == (200, None)
    [request] = app.received
    assert request.form["text"] == f"revoke <@{personas.TOM}|tom> stolen"
    assert (request.form["user_id"], request.form["channel_id"]) == (personas.RAVI, personas.OPS)
    assert slack.messages == []


async def test_say__anything_else_is_small_talk_that_no_bot_hears(
    url: str, session: aiohttp.ClientSession, slack: FakeSlack, app: Receiver
) -> None:
    talk = {"user": personas.RAVI, "channel": personas.OPS, "text": "purecloud?"}
    assert await post(session, f"{url}say", talk) == (200, None)
    assert [message.text for message in slack.seen_by(personas.BEN)] == ["purecloud?"]
    status, problem = await post(session, f"{url}say", {**talk, "text": "/deploy now"})
    assert (status, problem) == (200, "/deploy is no command here; /purecloud is.")
    assert app.received == []


async def test_say__what_slack_does_not_offer_is_explained(
    url: str, session: aiohttp.ClientSession, app: Receiver
) -> None:
    what = {"user": personas.ONA, "channel": personas.SHARED, "text": "/purecloud revoke @tom"}
    _, problem = await post(session, f"{url}say", what)
    assert problem == "Ona Outside is offered no commands of this workspace's apps."
    assert app.received == []


async def test_say__a_bot_that_is_down_is_told_until_it_answers(
    url: str, session: aiohttp.ClientSession, slack: FakeSlack
) -> None:
    help_me = {"user": personas.BEN, "channel": personas.OPS, "text": "/purecloud"}
    async with session.get(f"{url}events") as stream:
        assert (await snapshot(stream))["trouble"] == "The bot has not started yet."
        slack.events_url = "http://127.0.0.1:1/slack/events"
        assert (await snapshot(stream))["trouble"] is None
        await post(session, f"{url}say", help_me)
        while not (told := await snapshot(stream))["trouble"]:
            pass
        assert "did not answer" in told["trouble"]
        async with Receiver() as bot:
            slack.events_url = bot.url
            await post(session, f"{url}say", help_me)
            while (told := await snapshot(stream))["trouble"]:
                pass


async def test_click__presses_the_button_of_that_message(
    url: str, session: aiohttp.ClientSession, slack: FakeSlack, app: Receiver
) -> None:
    slack.conversations.post(personas.APPROVALS, "A card", card("approve"))
    press = {"user": personas.BEN, "place": 0, "action_id": "approve", "block_id": "choice"}
    assert await post(session, f"{url}click", press) == (200, None)
    payload = json.loads(app.received[0].form["payload"])
    assert (payload["user"]["id"], payload["actions"][0]["value"]) == (personas.BEN, "value-approve")


async def test_click__on_what_that_person_does_not_see_is_explained(
    url: str, session: aiohttp.ClientSession, slack: FakeSlack, app: Receiver
) -> None:
    slack.conversations.post(personas.APPROVALS, "A card", card("approve"))
    press = {"user": personas.NADIA, "place": 0, "action_id": "approve", "block_id": "choice"}
    assert await post(session, f"{url}click", press) == (200, "Nadia Novak does not see that message.")
    assert app.received == []


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("say", []),
        ("say", {"user": "U0NOBODY01", "channel": personas.OPS, "text": "hello"}),
        ("say", {"user": personas.BEN, "channel": "C0NOWHERE1", "text": "hello"}),
        ("say", {"user": personas.BEN, "channel": personas.OPS, "text": " "}),
        ("say", {"user": personas.BEN, "channel": personas.OPS, "text": 7}),
        ("click", {"user": personas.BEN, "place": 0, "action_id": "approve", "block_id": "choice"}),
        ("click", {"user": personas.BEN, "place": "0", "action_id": "approve", "block_id": "choice"}),
        ("home", {"user": "U0NOBODY01"}),
        ("press", {"view": "V0NOWHERE1", "action_id": "more", "block_id": "choice"}),
        ("submit", {"view": "V0NOWHERE1", "values": {}}),
        ("mishap", {"name": "meteor"}),
        ("log-in", {"person": "nobody"}),
        ("time", {"seconds": -1}),
        ("time", {"seconds": "60"}),
    ],
)
async def test_post__nonsense_is_refused(
    url: str, session: aiohttp.ClientSession, slack: FakeSlack, path: str, what: object
) -> None:
    assert await post(session, url + path, what) == (400, None)
    assert slack.messages == []


async def test_views__are_opened_pressed_filled_in_and_closed(
    url: str, session: aiohttp.ClientSession, slack: FakeSlack, app: Receiver
) -> None:
    assert await post(session, f"{url}home", {"user": personas.BEN}) == (200, None)
    assert json.loads(app.received[0].raw)["event"]["user"] == personas.BEN
    body = {"type": "modal", "title": {"type": "plain_text", "text": "Many"}, "blocks": card("more")}
    view = slack.views.push(personas.BEN, body)
    press = {"view": view.id, "action_id": "more", "block_id": "choice"}
    assert await post(session, f"{url}press", press) == (200, None)
    action = json.loads(app.received[1].form["payload"])["actions"][0]
    assert (action["action_id"], action["value"], action["block_id"]) == ("more", "value-more", "choice")
    assert await post(session, f"{url}submit", {"view": view.id, "values": {"b": {"a": {"value": "x"}}}}) == (200, None)
    assert json.loads(app.received[2].form["payload"])["view"]["state"]["values"] == {"b": {"a": {"value": "x"}}}
    other = slack.views.push(personas.BEN, body)
    assert await post(session, f"{url}close", {"view": other.id}) == (200, None)
    assert slack.views.modals[personas.BEN] == []


async def test_click__tells_what_was_chosen_in_a_menu(
    url: str, session: aiohttp.ClientSession, slack: FakeSlack, app: Receiver
) -> None:
    menu = {"type": "users_select", "action_id": "who"}
    slack.conversations.post(
        personas.APPROVALS, "A card", [{"type": "actions", "block_id": "choice", "elements": [menu]}]
    )
    press = {"user": personas.BEN, "place": 0, "action_id": "who", "block_id": "choice"}
    assert await post(session, f"{url}click", press | {"selected": {"selected_user": personas.TOM}}) == (200, None)
    assert json.loads(app.received[0].form["payload"])["actions"][0]["selected_user"] == personas.TOM


async def test_mishaps__are_chosen_and_healed(
    url: str, session: aiohttp.ClientSession, slack: FakeSlack, genesys: FakeGenesys, stage: Stage
) -> None:
    seen: list[str | None] = []
    stage.bells.append(lambda: seen.append(stage.play.mishaps.of_genesys if stage.play else None))
    async with session.get(f"{url}events") as stream:
        assert (await snapshot(stream))["mishaps"]["genesys"] is None
        assert await post(session, f"{url}mishap", {"name": "503"}) == (200, None)
        assert (await snapshot(stream))["mishaps"]["genesys"] == "503"
        assert await post(session, f"{url}slack", {"down": True}) == (200, None)
        assert (await snapshot(stream))["mishaps"]["slack_down"] is True
    assert seen == ["503", "503"]  # what is chosen is shown at once, not at the next look
    assert genesys.faults.next("delete_token") is not None
    assert slack.api.faults.next_for("chat.update").drop
    await post(session, f"{url}mishap", {"name": ""})
    await post(session, f"{url}slack", {"down": False})
    assert genesys.faults.next("delete_token") is None
    assert not slack.api.faults.next_for("chat.update").drop


async def test_log_in__gives_somebody_a_session_again(
    url: str, session: aiohttp.ClientSession, genesys: FakeGenesys
) -> None:
    genesys.users[TOM_ID].sessions = 0
    assert await post(session, f"{url}log-in", {"person": TOM_ID}) == (200, None)
    assert genesys.users[TOM_ID].sessions == 1


async def test_time__brings_what_waits_nearer_to_its_end(
    url: str, session: aiohttp.ClientSession, store: RequestStore
) -> None:
    asked, _ = await ledger.ask(store)
    assert await post(session, f"{url}time", {"seconds": 60}) == (200, None)
    assert (await ledger.stored(store)).expires_at == asked.expires_at - 60


async def test_reset__begins_another_play(url: str, session: aiohttp.ClientSession, stage: Stage) -> None:
    async with session.get(f"{url}events") as stream:
        assert (await snapshot(stream))["play"] == 1
        assert await post(session, f"{url}reset", {}) == (200, None)
        assert (await snapshot(stream))["play"] == 2


async def test_post__between_two_plays_one_is_asked_to_wait(
    url: str, session: aiohttp.ClientSession, stage: Stage
) -> None:
    await stage.stop()
    assert await post(session, f"{url}say", {"user": personas.BEN}) == (503, None)


async def test_post__a_form_of_another_site_is_refused(
    url: str, session: aiohttp.ClientSession, slack: FakeSlack
) -> None:
    async with session.post(f"{url}say", data='{"user": "U0BENAPP01"}', headers={"Content-Type": "text/plain"}) as said:
        assert said.status == 415
    async with session.post(f"{url}say", data="{", headers={"Content-Type": "application/json"}) as said:
        assert said.status == 400
    assert slack.messages == []


async def test_start__a_port_that_is_taken_leaves_another_try(
    stage: Stage, session: aiohttp.ClientSession, url: str
) -> None:
    page = SandboxPage(stage)
    taken = int(url.rstrip("/").rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        await page.start(taken)
    async with session.get(await page.start()) as response:
        assert response.status == 200
    await page.stop()


async def test_stop__ends_the_open_streams(stage: Stage, session: aiohttp.ClientSession) -> None:
    page = SandboxPage(stage)
    async with session.get(f"{await page.start()}events") as stream:
        await snapshot(stream)
        await page.stop()
        assert await stream.content.read() == b""
    assert stage.bells == []
