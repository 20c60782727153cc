"""Who can write to the database, and has no key, can deny a revocation but cannot cause one."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import pytest

from bot.sandbox import personas
from bot.sandbox.slack.messages import PostedMessage
from tests.support.app_harness import AppHarness

PIA_ID = "6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e10"

EXECUTION = {"place": 0, "clicked_at": 0.0}


async def run(app: AppHarness, statement: str, **values: Any) -> None:
    """Execute a statement, as a person with access to the database can."""
    await app.server.services.store.database.write(lambda tx: tx.execute(statement, **values))


async def add_execution(app: AppHarness, request_id: str, key: str = "forged") -> None:
    """Add the job that executes a request."""
    await run(
        app,
        "INSERT INTO jobs (kind, key, request_id, payload, prio, created_at, due_at, attempts, lease_until) "
        "VALUES ('target', :key, :id, :payload, 1, :now, :now, 0, 0)",
        key=key,
        id=request_id,
        payload=json.dumps(EXECUTION),
        now=time.time(),
    )


async def card_and_id(app: AppHarness, target: str = "@tom") -> tuple[PostedMessage, str]:
    """Return Ravi's card, and the id of its request."""
    card = await app.request_card(personas.RAVI, f"revoke {target}")
    return card, str(app.slack.buttons(card)[0]["value"])


async def test_execution__of_a_pending_request_is_not_sent(app: AppHarness) -> None:
    card, request_id = await card_and_id(app)

    await add_execution(app, request_id)
    await app.wait_until_idle()

    assert not app.deletes
    assert await app.audit_tags() == ["request:asked"]
    await app.slack.click(personas.BEN, card, "approve")  # the request is still alive
    await app.wait_for_message("Revoked: all sessions of Tom Target")
    assert len(app.deletes) == 1


async def test_execution__of_a_request_with_forged_approvals_is_not_sent(app: AppHarness) -> None:
    _, request_id = await card_and_id(app)
    await run(
        app,
        "UPDATE requests SET state = 'approved', approved_at = :now, approvals = :approvals, decided_by = :by "
        "WHERE id = :id",
        now=time.time(),
        approvals=json.dumps([personas.BEN]),
        by=personas.BEN,
        id=request_id,
    )

    await add_execution(app, request_id)

    await app.wait_for_message("The stored approvals can't be verified")
    await app.wait_until_idle()
    assert not app.deletes
    assert (await app.audit_tags())[-1] == "token:refused"


async def test_click__on_a_request_whose_target_was_swapped_is_denied(app: AppHarness) -> None:
    card, request_id = await card_and_id(app)
    await run(app, "UPDATE items SET target_id = :target WHERE request_id = :id", target=PIA_ID, id=request_id)

    await app.slack.click(personas.BEN, card, "approve")

    await app.wait_for_private_message(personas.BEN, "altered outside the bot")
    await app.wait_until_idle()
    assert not app.deletes
    assert (await app.audit_tags())[-1] == "click:refused"


@pytest.mark.parametrize("column", ["name", "email", "division", "state", "member_name"])
async def test_click__on_a_request_whose_card_would_show_another_text_is_denied(app: AppHarness, column: str) -> None:
    card, request_id = await card_and_id(app)
    statement = "UPDATE items SET {} = 'Anna Admin' WHERE request_id = :id"
    await run(app, statement.format(column), id=request_id)

    await app.slack.click(personas.BEN, card, "approve")

    await app.wait_for_private_message(personas.BEN, "altered outside the bot")
    assert not app.deletes


async def test_click__on_a_protected_request_that_was_made_to_need_one_approval_is_denied(app: AppHarness) -> None:
    card, request_id = await card_and_id(app, "@pia")
    await run(app, "UPDATE requests SET needed = 1 WHERE id = :id", id=request_id)

    await app.slack.click(personas.BEN, card, "approve")

    await app.wait_for_private_message(personas.BEN, "altered outside the bot")
    assert not app.deletes


EVERYONE = json.dumps({"approvers": [personas.BEN, personas.NADIA], "self_approval": True})


@pytest.mark.parametrize("rules", [None, EVERYONE], ids=["removed", "changed"])
async def test_click__on_a_request_whose_rules_were_changed_is_denied(app: AppHarness, rules: str | None) -> None:
    card, request_id = await card_and_id(app)
    await run(app, "UPDATE requests SET rules = :rules WHERE id = :id", rules=rules, id=request_id)

    await app.slack.click(personas.BEN, card, "approve")

    await app.wait_for_private_message(personas.BEN, "altered outside the bot")
    await app.wait_until_idle()
    assert not app.deletes
    assert await app.audit_tags() == ["request:asked", "click:refused"]


async def test_click__on_a_request_whose_rules_were_damaged_is_answered_privately(app: AppHarness) -> None:
    card, request_id = await card_and_id(app)
    await app.wait_until_idle()
    await run(app, "UPDATE requests SET rules = '{' WHERE id = :id", id=request_id)

    await app.slack.click(personas.BEN, card, "approve")

    await app.wait_for_private_message(personas.BEN, "I can't read this request")
    await app.wait_until_idle()
    assert not app.deletes


async def test_execution__of_an_approved_request_whose_rules_were_changed_is_not_sent(app: AppHarness) -> None:
    _, request_id = await card_and_id(app)
    store = app.server.services.store
    request = await store.get(request_id)
    assert request
    approved = store.seals.add_approval(replace(request, approvals=(personas.BEN,)), personas.BEN, time.time())
    await run(
        app,
        "UPDATE requests SET state = 'approved', approved_at = :now, approvals = :approvals, approval_seals = :seals, "
        "rules = :rules WHERE id = :id",
        now=time.time(),
        approvals=json.dumps(approved.approvals),
        seals=json.dumps(approved.approval_seals),
        rules=EVERYONE,
        id=request_id,
    )

    await add_execution(app, request_id)

    await app.wait_for_message("The stored approvals can't be verified")
    await app.wait_until_idle()
    assert not app.deletes


async def test_forged_first_approval__does_not_count(app: AppHarness) -> None:
    card, request_id = await card_and_id(app, "@pia")
    await run(
        app,
        "UPDATE requests SET approvals = :approvals WHERE id = :id",
        approvals=json.dumps([personas.OLIVIA]),
        id=request_id,
    )

    await app.slack.click(personas.BEN, card, "approve")

    await app.wait_for_message(f"1 of 2 approvals (<@{personas.BEN}>)")
    await app.wait_until_idle()
    assert not app.deletes


async def test_finished_request__that_is_set_back_is_not_executed_again(app: AppHarness) -> None:
    card, request_id = await card_and_id(app)
    await app.slack.click(personas.BEN, card, "approve")
    await app.wait_for_message("Revoked: all sessions of Tom Target")
    await app.wait_until_idle()
    hour_ago = time.time() - 3600
    store = app.server.services.store
    sealed = await store.get(request_id)
    assert sealed
    old = store.seals.add_approval(sealed, personas.BEN, hour_ago)
    await run(
        app,
        "UPDATE requests SET state = 'approved', approved_at = :now, approval_seals = :seals WHERE id = :id",
        now=time.time(),
        seals=json.dumps([old.approval_seals[-1]]),
        id=request_id,
    )

    await add_execution(app, request_id, key="again")
    await app.wait_until_idle()

    assert len(app.deletes) == 1


async def add_input(app: AppHarness, kind: str, request_id: str, payload: dict[str, Any]) -> None:
    """Add the job of a click or command that Slack has not sent."""
    await run(
        app,
        "INSERT INTO jobs (kind, key, request_id, payload, prio, created_at, due_at, attempts, lease_until) "
        "VALUES (:kind, :key, :id, :payload, 0, :now, :now, 0, 0)",
        kind=kind,
        key=f"{kind}:forged",
        id=request_id,
        payload=json.dumps(payload),
        now=time.time(),
    )


@pytest.mark.parametrize("action", ["approve", "cancel"])
@pytest.mark.parametrize("seal", [{}, {"seal": None}, {"seal": "0" * 64}], ids=["none", "null", "wrong"])
async def test_click__that_was_added_does_not_count(app: AppHarness, action: str, seal: dict[str, Any]) -> None:
    card, request_id = await card_and_id(app)
    forged = {"action": action, "user_id": personas.BEN, "team_id": app.slack.team_id} | seal

    await add_input(app, "click", request_id, forged)

    await app.wait_for_private_message(personas.BEN, "A click in your name was added or altered outside the bot")
    await app.wait_until_idle()
    assert not app.deletes
    assert await app.audit_tags() == ["request:asked", "click:refused"]
    await app.slack.click(personas.BEN, card, "approve")  # the request is still alive
    await app.wait_for_message("Revoked: all sessions of Tom Target")


CHANGED_CLICK = {
    "person": {"payload": f"replace(payload, '{personas.NADIA}', '{personas.BEN}')"},
    "action": {"payload": "replace(payload, 'cancel', 'approve')"},
    "request": {"request_id": "'another'"},
    "time": {"created_at": "created_at - 1"},
}


@pytest.mark.parametrize("change", CHANGED_CLICK.values(), ids=CHANGED_CLICK)
async def test_click__that_was_changed_does_not_count(app: AppHarness, change: dict[str, str]) -> None:
    card, _ = await card_and_id(app)
    await app.slack.click(personas.NADIA, card, "cancel", force=True)
    await app.wait_until_idle()
    columns = {name: name for name in ("kind", "request_id", "payload", "prio", "created_at")} | change

    await run(
        app,
        f"INSERT INTO jobs ({', '.join(columns)}, key, due_at, attempts, lease_until) "  # noqa: S608
        f"SELECT {', '.join(columns.values())}, 'changed', 0, 0, 0 FROM jobs WHERE kind = 'click'",
    )
    await app.wait_for_message("was added or altered outside the bot")

    await app.wait_until_idle()
    assert not app.deletes
    assert await app.audit_tags() == ["request:asked", "click:refused", "click:refused"]


async def test_command__that_was_added_creates_no_request(app: AppHarness) -> None:
    invoker = {"user_id": personas.RAVI, "team_id": app.slack.team_id, "channel": personas.OPS, "key": "forged"}
    target = {"email": "tom.target@example.com"}

    await add_input(app, "command", "forged", {"action": "revoke", "invoker": invoker, "target": target})

    await app.wait_for_private_message(personas.RAVI, "A command in your name was added or altered outside the bot")
    await app.wait_until_idle()
    assert await app.audit_tags() == ["request:ask_refused"]
