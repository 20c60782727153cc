"""The actions of the page, over HTTP."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import aiohttp
import pytest

from bot.sandbox import personas
from bot.sandbox.manifest import Shortcut
from tests.sandbox.conftest import card
from tests.sandbox.page.conftest import TOM_ID, post, read_snapshot
from tests.support import database
from tests.support.event_receiver import Receiver

if TYPE_CHECKING:
    from bot.db.requests import RequestStore
    from bot.sandbox.genesys.server import FakeGenesys
    from bot.sandbox.session import SandboxSession
    from bot.sandbox.slack.server import FakeSlack


def offer_shortcuts(sandbox: SandboxSession) -> None:
    """Add a global shortcut and a message shortcut to the run."""
    assert sandbox.run
    sandbox.run.shortcuts = (
        Shortcut("revoke", "Revoke sessions", "global"),
        Shortcut("revoke_author", "Revoke sessions of the author", "message"),
    )


async def test_send_message__sends_a_command_to_the_bot(
    url: str, session: aiohttp.ClientSession, slack: FakeSlack, app: Receiver
) -> None:
    body = {"user": personas.RAVI, "channel": personas.OPS, "text": " /purecloud  revoke @tom stolen "}
    assert await post(session, f"{url}send-message", body) == (200, None)
    [request] = app.received
    assert request.form["text"] == f"revoke <@{personas.TOM}|tom> stolen"
    assert (request.form["user_id"], request.form["channel_id"]) == (personas.RAVI, personas.OPS)
    assert slack.messages == []


async def test_send_message__posts_other_text_without_the_bot(
    url: str, session: aiohttp.ClientSession, slack: FakeSlack, app: Receiver
) -> None:
    body = {"user": personas.RAVI, "channel": personas.OPS, "text": "purecloud?"}
    assert await post(session, f"{url}send-message", body) == (200, None)
    assert [message.text for message in slack.seen_by(personas.BEN)] == ["purecloud?"]
    status, problem = await post(session, f"{url}send-message", {**body, "text": "/deploy now"})
    assert (status, problem) == (200, "/deploy is not a command of this workspace. Type /purecloud.")
    assert app.received == []


async def test_send_message__explains_what_slack_does_not_offer(
    url: str, session: aiohttp.ClientSession, app: Receiver
) -> None:
    body = {"user": personas.ONA, "channel": personas.SHARED, "text": "/purecloud revoke @tom"}
    _, problem = await post(session, f"{url}send-message", body)
    assert problem == "Ona Outside is offered no commands or shortcuts of this workspace's apps."
    assert app.received == []


async def test_send_message__shows_a_problem_until_the_bot_responds(
    url: str, session: aiohttp.ClientSession, slack: FakeSlack
) -> None:
    command = {"user": personas.BEN, "channel": personas.OPS, "text": "/purecloud"}
    async with session.get(f"{url}events") as stream:
        assert (await read_snapshot(stream))["problem"] == "The bot has not started yet."
        slack.events_url = "http://127.0.0.1:1/slack/events"
        assert (await read_snapshot(stream))["problem"] is None
        await post(session, f"{url}send-message", command)
        while not (data := await read_snapshot(stream))["problem"]:
            pass
        assert "did not respond" in data["problem"]
        async with Receiver() as bot:
            slack.events_url = bot.url
            await post(session, f"{url}send-message", command)
            while (data := await read_snapshot(stream))["problem"]:
                pass


async def test_click__sends_the_button_of_the_message(
    url: str, session: aiohttp.ClientSession, slack: FakeSlack, app: Receiver
) -> None:
    slack.conversations.post(personas.APPROVALS, "A card", card("approve"))
    click = {"user": personas.BEN, "message": 0, "action_id": "approve", "block_id": "choice"}
    assert await post(session, f"{url}click", click) == (200, None)
    payload = json.loads(app.received[0].form["payload"])
    assert (payload["user"]["id"], payload["actions"][0]["value"]) == (personas.BEN, "value-approve")


async def test_click__explains_that_the_person_does_not_see_the_message(
    url: str, session: aiohttp.ClientSession, slack: FakeSlack, app: Receiver
) -> None:
    slack.conversations.post(personas.APPROVALS, "A card", card("approve"))
    click = {"user": personas.NADIA, "message": 0, "action_id": "approve", "block_id": "choice"}
    assert await post(session, f"{url}click", click) == (200, "Nadia Novak does not see that message.")
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


async def test_run_shortcut__sends_a_global_shortcut(
    url: str, session: aiohttp.ClientSession, sandbox: SandboxSession, app: Receiver
) -> None:
    offer_shortcuts(sandbox)
    body = {"user": personas.BEN, "callback_id": "revoke"}
    assert await post(session, f"{url}run-shortcut", body) == (200, None)
    payload = json.loads(app.received[0].form["payload"])
    assert (payload["type"], payload["callback_id"], payload["user"]["id"]) == ("shortcut", "revoke", personas.BEN)


async def test_run_shortcut__sends_a_message_shortcut(
    url: str, session: aiohttp.ClientSession, sandbox: SandboxSession, slack: FakeSlack, app: Receiver
) -> None:
    offer_shortcuts(sandbox)
    slack.say(personas.TOM, "hello", personas.OPS)
    body = {"user": personas.BEN, "callback_id": "revoke_author", "message": 0}
    assert await post(session, f"{url}run-shortcut", body) == (200, None)
    payload = json.loads(app.received[0].form["payload"])
    assert (payload["type"], payload["callback_id"]) == ("message_action", "revoke_author")
    assert payload["message"]["user"] == personas.TOM


@pytest.mark.parametrize(
    "body",
    [
        {"user": personas.BEN, "callback_id": "unknown"},
        {"user": "U0UNKNOWN1", "callback_id": "revoke"},
        {"user": personas.BEN, "callback_id": "revoke_author", "message": 0},
        {"user": personas.BEN, "callback_id": "revoke_author", "message": "0"},
    ],
)
async def test_run_shortcut__refuses_invalid_bodies(
    url: str, session: aiohttp.ClientSession, sandbox: SandboxSession, app: Receiver, body: object
) -> None:
    offer_shortcuts(sandbox)
    assert await post(session, f"{url}run-shortcut", body) == (400, None)
    assert app.received == []


async def test_views__are_opened_clicked_submitted_and_closed(
    url: str, session: aiohttp.ClientSession, slack: FakeSlack, app: Receiver
) -> None:
    assert await post(session, f"{url}open-home", {"user": personas.BEN}) == (200, None)
    assert json.loads(app.received[0].raw)["event"]["user"] == personas.BEN
    body = {"type": "modal", "title": {"type": "plain_text", "text": "Many"}, "blocks": card("more")}
    view = slack.views.push(personas.BEN, body)
    click = {"view": view.id, "action_id": "more", "block_id": "choice"}
    assert await post(session, f"{url}click-in-view", click) == (200, None)
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
    click = {"user": personas.BEN, "message": 0, "action_id": "who", "block_id": "choice"}
    assert await post(session, f"{url}click", click | {"selected": {"selected_user": personas.TOM}}) == (200, None)
    assert json.loads(app.received[0].form["payload"])["actions"][0]["selected_user"] == personas.TOM


async def test_faults__are_set_and_cleared(
    url: str, session: aiohttp.ClientSession, slack: FakeSlack, genesys: FakeGenesys, sandbox: SandboxSession
) -> None:
    seen: list[str | None] = []
    sandbox.listeners.append(lambda: seen.append(sandbox.run.faults.genesys if sandbox.run else None))
    async with session.get(f"{url}events") as stream:
        assert (await read_snapshot(stream))["faults"]["genesys"] is None
        assert await post(session, f"{url}genesys-fault", {"name": "503"}) == (200, None)
        assert (await read_snapshot(stream))["faults"]["genesys"] == "503"
        assert await post(session, f"{url}slack-down", {"down": True}) == (200, None)
        assert (await read_snapshot(stream))["faults"]["slack_down"] is True
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
    assert genesys.users[TOM_ID].last_token_issued


@pytest.mark.parametrize(("action", "name"), [("single-sign-on", "single_sign_on"), ("fast-clock", "fast_clock")])
async def test_switch__is_switched_on_and_off(url: str, session: aiohttp.ClientSession, action: str, name: str) -> None:
    async with session.get(f"{url}events") as stream:
        assert (await read_snapshot(stream))[name] is False
        for on in (True, False):
            assert await post(session, f"{url}{action}", {"on": on}) == (200, None)
            assert (await read_snapshot(stream))[name] is on


async def test_advance_clock__moves_the_expiry_closer(
    url: str, session: aiohttp.ClientSession, store: RequestStore
) -> None:
    request, _ = await database.create_request(store)
    assert await post(session, f"{url}advance-clock", {"seconds": 60}) == (200, None)
    assert (await database.stored(store)).expires_at == request.expires_at - 60


async def test_reset__starts_another_run(url: str, session: aiohttp.ClientSession, sandbox: SandboxSession) -> None:
    async with session.get(f"{url}events") as stream:
        first = (await read_snapshot(stream))["run"]
        assert await post(session, f"{url}reset", {}) == (200, None)
        assert (await read_snapshot(stream))["run"] != first


async def test_post__during_a_reset_is_unavailable(
    url: str, session: aiohttp.ClientSession, sandbox: SandboxSession
) -> None:
    await sandbox.stop()
    assert await post(session, f"{url}send-message", {"user": personas.BEN}) == (503, None)


async def test_verify_audit_log__names_the_row_that_was_changed(
    url: str, session: aiohttp.ClientSession, sandbox: SandboxSession, store: RequestStore
) -> None:
    for name in ("first", "second", "third"):
        await database.create_request(store, name)
    assert await post(session, f"{url}verify-audit-log", {}) == (200, None)
    assert sandbox.run
    assert sandbox.run.verification
    assert sandbox.run.verification.line.startswith("ok: 3 rows")
    assert sandbox.run.verification.broken is None
    assert await post(session, f"{url}change-audit-row", {"row": 2}) == (200, None)
    await post(session, f"{url}verify-audit-log", {})
    assert sandbox.run.verification.line.startswith("row 2 does not fit")
    assert sandbox.run.verification.broken == 2
    assert await post(session, f"{url}change-audit-row", {"row": "2"}) == (400, None)
