"""Checkpoints of the audit log, compared with `audit verify` beside a running bot."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from typing import Any

from structlog.testing import capture_logs

from bot.domain.audit import EventType
from bot.sandbox import personas
from tests.conftest import StartApp
from tests.support.app_harness import MESSAGE_TIMEOUT, AppHarness
from tests.support.process import fork

CHECKPOINT = re.compile(r"audit ([0-9]+:[0-9a-f]{16})$")


async def audit(app: AppHarness, *arguments: str) -> tuple[int, str]:
    """Run a verb of `audit` in a process of its own; return its exit code and what it prints."""
    ended = await (await fork(["audit", *arguments], dict(app.environ))).wait()
    return ended.code, ended.stdout


def checkpoints(app: AppHarness) -> list[str]:
    """Return the checkpoints at the end of the messages in the audit channel."""
    found = [CHECKPOINT.search(one.text) for one in app.slack.messages if one.channel_id == personas.AUDIT]
    return [one[1] for one in found if one]


async def test_checkpoints__in_the_audit_channel_fit_the_log(app: AppHarness) -> None:
    for name in ("tom", "una"):
        card = await app.request_card(
            personas.OLIVIA, f"revoke {name}.target@example.com" if name == "tom" else "rotate"
        )
        await app.slack.click(personas.OLIVIA, card, "approve")
        await app.wait_until_idle()
    found = checkpoints(app)
    assert len(found) == 2

    code, printed = await audit(app, "verify", *(part for one in found for part in ("--checkpoint", one)))

    assert code == 0
    assert printed.startswith("ok: 7 rows, head 7:")
    assert printed.split()[-1] == found[-1]
    code, printed = await audit(app, "export")
    assert [json.loads(line)["number"] for line in printed.splitlines()] == list(range(1, 8))


async def test_checkpoint__of_a_log_that_was_cut_off_is_missing(app: AppHarness) -> None:
    card = await app.request_card(personas.OLIVIA, "revoke @tom")
    await app.slack.click(personas.OLIVIA, card, "cancel")
    await app.wait_until_idle()
    (checkpoint,) = checkpoints(app)
    database = app.server.services.store.database
    await database.write(lambda tx: tx.execute("DELETE FROM audit WHERE number = 3"))

    code, printed = await audit(app, "verify", "--checkpoint", checkpoint)

    assert (code, printed) == (1, f"checkpoint {checkpoint} is missing: the log ends at row 2\n")


async def test_checkpoint__is_logged_once_for_each_state_of_the_log(app: AppHarness) -> None:
    expiry = app.server.services.expiry
    with capture_logs() as logs:
        await expiry.log_checkpoint()
        await app.request_card(personas.OLIVIA, "revoke @tom")
        await app.wait_until_idle()
        await expiry.log_checkpoint()
        await expiry.log_checkpoint()
    lines = [one["checkpoint"] for one in logs if one["event"] == "audit.checkpoint"]
    assert lines[-1] == str(await app.server.services.store.audit_checkpoint())
    assert [one.partition(":")[0] for one in lines][-1:] == ["2"]
    assert len(lines) == len(set(lines))


async def test_direct_message__about_an_outcome_has_no_checkpoint(app: AppHarness) -> None:
    card = await app.request_card(personas.RAVI, "revoke @tom")
    await app.slack.click(personas.BEN, card, "approve")
    await app.wait_until_idle()
    notice = await app.wait_for_private_message(personas.RAVI, "Revoked")
    assert not CHECKPOINT.search(notice.text)


async def test_settings__are_recorded_when_they_differ_from_the_last(start_app_with: StartApp) -> None:
    async def settings(app: AppHarness) -> list[Mapping[str, Any]]:
        events = await app.server.services.store.audit_events()
        return [event.detail for event, _ in events if event.tag == EventType.SETTINGS]

    first = await start_app_with(AUDIT_CHANNEL="")
    async with asyncio.timeout(MESSAGE_TIMEOUT):
        while not await settings(first):  # noqa: ASYNC110 - the app sends no event
            await asyncio.sleep(0.01)
    (recorded,) = await settings(first)
    assert recorded["rules"]["approvers"] == [personas.TOKEN_APPROVERS]
    assert recorded["audit_channel"] is None
    store = first.server.services.store
    assert not await store.record_settings(recorded)
    assert await store.record_settings({**recorded, "request_ttl": 60.0})
    assert await store.record_settings(recorded)
    assert len(await settings(first)) == 3
    secrets = [value for name, value in first.environ.items() if "SECRET" in name or "TOKEN" in name]
    assert secrets
    assert not any(secret in json.dumps(recorded) for secret in secrets)
