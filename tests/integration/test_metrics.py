"""`/metrics` after scenarios with a known number of calls."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from aiohttp import ClientSession
from prometheus_client.parser import text_string_to_metric_families

from bot.sandbox import personas
from bot.sandbox.genesys.server import GenesysFault
from bot.sandbox.slack.faults import SlackFault
from handlers.ui.modals import REASON
from tests.conftest import StartApp
from tests.support.app_harness import AppHarness


async def scrape(app: AppHarness) -> dict[str, float]:
    """Scrape `/metrics` and return each sample by its name and label values."""
    async with ClientSession() as session, session.get(f"{app.url}/metrics") as response:
        assert response.status == 200
        assert response.content_type == "text/plain"
        text = await response.text()
    for secret in (app.slack.bot_token, app.slack.signing_secret, app.environ["PURECLOUD_SECRET"]):
        assert secret not in text
    return {
        " ".join([sample.name.removeprefix("purecloud_bot_"), *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def outcome_counts(samples: dict[str, float]) -> dict[str, float]:
    return {
        name.removeprefix("outcomes_total "): value
        for name, value in samples.items()
        if name.startswith("outcomes_total ") and value
    }


async def test_metrics__count_requests_calls_and_outcomes(app: AppHarness) -> None:
    await app.slack.send_raw(b"text=forged", {})
    card = await app.request_card(personas.RAVI, "revoke @tom")
    await app.slack.click(personas.BEN, card, "approve")
    await app.wait_for_message("Revoked: all sessions of Tom Target")
    await app.slack.click(personas.BEN, card, "approve", force=True)
    await app.wait_for_private_message(personas.BEN, "already approved")
    await app.send_command(personas.NADIA, "revoke @tom")
    await app.wait_for_private_message(personas.NADIA, "You can't request this")
    await app.wait_until_idle()

    samples = await scrape(app)
    expected = {
        "ack_seconds_count rejected 401": 1,
        "ack_seconds_count command 200": 2,
        "ack_seconds_count block_actions 200": 2,
        "click_to_delete_seconds_count": 1,
        "outcomes_total revoke revoked": 1,
        "refusals_total stale": 1,
        "refusals_total not_a_requester": 1,
        "genesys_calls_total login 200": 1,
        "genesys_calls_total search_by_email 200": 1,
        "genesys_calls_total delete_token 200": 1,
        "genesys_call_seconds_count delete_token": 1,
        "slack_calls_total auth.test ok": 1,
        "ready": 1,
        "requests_pending": 0,
        "queue_oldest_seconds": 0,
        "socket_connections": 0,
        "leases_lost_total": 0,
        "queue_depth click": 0,
        "queue_depth target": 0,
        "queue_depth card": 0,
        "queue_depth notice": 0,
    }
    assert {name: samples.get(name) for name in expected} == expected
    assert samples["last_success_timestamp_seconds"] > 0
    assert not any("created" in name for name in samples)
    for method in ("users.info", "usergroups.users.list", "chat.postMessage", "chat.update"):
        assert samples[f"slack_calls_total {method} ok"] == len(app.slack.calls_of(method))
    assert samples["slack_calls_total response_url 200"] == len(app.slack.calls_of("response_url"))


async def test_metrics__count_each_outcome_once(app: AppHarness) -> None:
    cancelled = await app.request_card(personas.OLIVIA, "revoke @tom")
    await app.slack.click(personas.OLIVIA, cancelled, "cancel")
    await app.wait_for_message("Cancelled: sessions of")
    app.genesys.fault("delete_token", GenesysFault(status=404))
    refused = await app.request_card(personas.OLIVIA, "revoke @tom")
    await app.slack.click(personas.OLIVIA, refused, "approve")
    await app.wait_for_message("Refused by Genesys Cloud: sessions of")
    rotated = await app.request_card(personas.OLIVIA, "rotate")
    await app.slack.click(personas.OLIVIA, rotated, "approve")
    await app.wait_for_message("Rotated: the bot's own token")
    await app.wait_until_idle()

    samples = await scrape(app)
    assert samples["last_success_timestamp_seconds"] > 0
    assert outcome_counts(samples) == {"revoke cancelled": 1, "revoke refused": 1, "rotate revoked": 1}
    assert samples["genesys_calls_total delete_token 404"] == 1
    assert samples["click_to_delete_seconds_count"] == 2


async def test_metrics__count_a_declined_request(app: AppHarness) -> None:
    card = await app.request_card(personas.RAVI, "revoke @tom")
    await app.slack.click(personas.BEN, card, "decline")
    await app.slack.submit_view(personas.BEN, {REASON: "on a call"})
    await app.wait_for_message("Declined: sessions of")
    await app.wait_until_idle()

    assert outcome_counts(await scrape(app)) == {"revoke declined": 1}


async def test_metrics__count_an_expired_request(start_app_with: StartApp) -> None:
    app = await start_app_with(REQUEST_TTL="1s")

    await app.request_card(personas.OLIVIA, "revoke @tom")
    await app.wait_for_message("Expired: sessions of")
    await app.wait_until_idle()

    assert outcome_counts(await scrape(app)) == {"revoke expired": 1}


async def test_metrics__show_a_card_update_that_waits_as_queue_depth(app: AppHarness) -> None:
    card = await app.request_card(personas.OLIVIA, "revoke @tom")
    await app.wait_until_idle()
    app.slack.fault("chat.update", SlackFault(retry_after=600, times=None))

    await app.slack.click(personas.OLIVIA, card, "cancel")
    await app.wait_for_message("Cancelled: sessions of")

    samples = await scrape(app)
    assert samples["queue_depth card"] == 1
    assert samples["queue_depth click"] == 0
    assert samples["outcomes_total revoke cancelled"] == 1


async def test_metrics__forget_an_unknown_kind_of_job_that_is_done(app: AppHarness) -> None:
    database = Path(app.environ["DATABASE_URL"].removeprefix("sqlite:///"))
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute(
            "INSERT INTO jobs (kind, key, request_id, payload, prio, created_at, due_at, attempts, lease_until)"
            " VALUES ('escalation', 'escalation:1', 'r', '{}', 9, 0, 0, 0, 0)"
        )
        before = await scrape(app)
        connection.execute("UPDATE jobs SET done_at = 1 WHERE kind = 'escalation'")
        after = before
        while "queue_depth escalation" in after:  # the text is used again for a second
            await asyncio.sleep(0.05)
            after = await scrape(app)

    assert before["queue_depth escalation"] == 1
    assert after["queue_depth click"] == 0


async def test_metrics__count_requests_that_wait_for_an_approval_and_no_success_before_a_delete(
    app: AppHarness,
) -> None:
    await app.request_card(personas.RAVI, "revoke @tom")
    await app.wait_until_idle()

    samples = await scrape(app)
    assert (samples["requests_pending"], samples["last_success_timestamp_seconds"]) == (1, 0)


async def test_metrics__show_a_bot_that_is_not_ready(app: AppHarness) -> None:
    app.server.readiness.stopping = True

    assert (await scrape(app))["ready"] == 0
