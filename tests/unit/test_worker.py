"""What is written down gets done: at once, again after a fault, by another process after a crash; and told truly."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.db.jobs import LEASE_DURATION
from bot.domain.requests import EXECUTION_WINDOW, Kind, MessageRef, State
from bot.sandbox import personas
from bot.sandbox.genesys.server import GenesysFault
from bot.sandbox.slack.faults import SlackFault
from bot.services.execution import PAUSE
from tests.support.components import PATIENCE, TOM, Components, deletes, ended, open_components, running, until
from tests.support.database import TTL, approve, stored, tags


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        yield opened


def card(office: Components) -> str:
    return office.said_to(personas.OPS)[0]


async def test_a_click__becomes_one_delete_and_a_true_card(office: Components) -> None:
    _, posted = await office.ask()
    async with running(office.worker()) as worker:
        worker.take(posted)
        worker.take(await office.click(by=personas.OLIVIA))
        await ended(office, State.REVOKED)
    assert [one.path for one in deletes(office)] == [f"/api/v2/tokens/{TOM.id}"]
    assert office.genesys.users[TOM.id].sessions == 0
    assert "Revoked: every session of Tom Target" in card(office)
    assert "Revoked: every session of Tom Target" in office.said_to(personas.AUDIT)[0]
    assert (
        office.metrics.registry.get_sample_value(
            "purecloud_bot_outcomes_total", {"kind": "revoke", "outcome": "revoked"}
        )
        == 1
    )


async def test_a_click__is_timed_by_the_databases_clock(office: Components) -> None:
    _, posted = await office.ask()
    pressed = await office.click(by=personas.OLIVIA)
    office.ledger.clock.now += 3
    async with running(office.worker()) as worker:
        worker.take(posted)
        worker.take(pressed)
        await ended(office, State.REVOKED)
    assert office.metrics.registry.get_sample_value("purecloud_bot_click_to_delete_seconds_sum") == 3


async def test_a_refused_click__sends_nothing_and_tells_who_clicked(office: Components) -> None:
    _, posted = await office.ask()
    async with running(office.worker()) as worker:
        worker.take(posted)
        worker.take(await office.click(by=personas.NADIA, response_url=office.response_url(personas.NADIA)))
        told = await office.slack.wait_for_message(lambda one: one.only_for == personas.NADIA, PATIENCE)
    assert "nothing in APPROVERS names you" in office.slack.text_of(told)
    assert deletes(office) == []
    assert (await stored(office.store)).state is State.PENDING
    assert office.metrics.registry.get_sample_value("purecloud_bot_refusals_total", {"reason": "not_an_approver"}) == 1


@pytest.mark.parametrize(
    ("fault", "state", "said", "count"),
    [
        (GenesysFault(status=403), State.REFUSED, "Refused by Genesys Cloud", 1),
        (GenesysFault(status=404), State.REFUSED, "knows no such person any more (404)", 1),
        (GenesysFault(status=400), State.REFUSED, "Refused by Genesys Cloud", 1),
        (
            GenesysFault(status=429, headers={"Retry-After": "3600"}),
            State.FAILED,
            "takes no more requests for now (429)",
            1,
        ),
    ],
)
async def test_a_certain_no__ends_the_request_at_once(
    office: Components, fault: GenesysFault, state: State, said: str, count: int
) -> None:
    _, posted = await office.ask()
    office.genesys.fault("delete_token", fault)
    async with running(office.worker()) as worker:
        worker.take(posted)
        worker.take(await office.click(by=personas.OLIVIA))
        await ended(office, state)
    assert said in card(office)
    assert "Revoked" not in card(office)
    assert len(deletes(office)) == count


async def tried_twice(office: Components, fault: GenesysFault, state: State) -> None:
    """The first round meets the fault, the card tells, the second round meets it again or not."""
    _, posted = await office.ask()
    office.genesys.fault("delete_token", fault)
    async with running(office.worker()) as worker:
        worker.take(posted)
        worker.take(await office.click(by=personas.OLIVIA))
        await office.slack.wait_for_message(lambda one: "trying again" in office.slack.text_of(one), PATIENCE)
        assert (await stored(office.store)).state is State.APPROVED
        assert office.said_to(personas.AUDIT) == []
        office.ledger.clock.now += PAUSE
        worker.ring()
        await ended(office, state)


async def test_a_broken_genesys_cloud__is_tried_again_and_succeeds(office: Components) -> None:
    await tried_twice(office, GenesysFault(status=500), State.REVOKED)
    assert len(deletes(office)) == 2
    assert await tags(office.store) == [
        "request:asked", "request:approved", "token:attempt_failed", "token:revoked",
    ]  # fmt: skip


async def test_a_broken_genesys_cloud__that_stays_so_means_failed(office: Components) -> None:
    await tried_twice(office, GenesysFault(status=500, times=None), State.FAILED)
    assert "Treat the sessions as alive" in card(office)
    assert office.genesys.users[TOM.id].sessions == 2


async def test_no_answer__is_never_shown_as_success(office: Components) -> None:
    await tried_twice(office, GenesysFault(drop="after", times=None), State.UNKNOWN)
    assert "Whether the sessions ended is unknown: it was tried 2 times" in card(office)
    assert "Unknown" in office.said_to(personas.AUDIT)[0]


async def test_no_answer__stays_uncertain_when_the_next_try_fails_for_certain(office: Components) -> None:
    for _ in range(3):  # the client's own tries of the first round
        office.genesys.fault("delete_token", GenesysFault(drop="after"))
    await tried_twice(office, GenesysFault(status=500, times=None), State.UNKNOWN)
    assert (await stored(office.store)).outcome["uncertain"] is True


async def test_a_crash_after_the_delete__another_process_finishes_it(office: Components) -> None:
    """The first process sends and dies; the second repeats it, which explains both."""
    await office.ask(card=MessageRef(personas.OPS, "1.2"))
    await approve(office.store, by=personas.OLIVIA)
    office.ledger.clock.now += LEASE_DURATION
    async with running(office.worker(office.ledger.store("two#1"))):
        found = await ended(office, State.REVOKED)
    assert (found.outcome["attempts"], found.outcome["uncertain"]) == (2, True)
    assert len(deletes(office)) == 1
    assert (await tags(office.store)).count("token:revoked") == 1


async def test_a_crash__a_takeover_that_fails_does_not_say_that_nothing_ended(office: Components) -> None:
    await office.ask(card=MessageRef(personas.OPS, "1.2"))
    await approve(office.store, by=personas.OLIVIA)
    office.ledger.clock.now += LEASE_DURATION
    office.genesys.fault("delete_token", GenesysFault(status=500, times=None))
    async with running(office.worker(office.ledger.store("two#1"))):
        await ended(office, State.UNKNOWN)


async def test_ten_minutes_after_the_approval__nothing_is_sent_any_more(office: Components) -> None:
    await office.ask(card=MessageRef(personas.OPS, "1.2"))
    await approve(office.store, by=personas.OLIVIA)
    office.ledger.clock.now += EXECUTION_WINDOW + 1
    async with running(office.worker(office.ledger.store("two#1"))):
        found = await ended(office, State.UNKNOWN)
    assert deletes(office) == []
    assert "10 minutes" in found.outcome["message"]


async def test_a_rotation__is_done_once(office: Components) -> None:
    _, posted = await office.ask(kind=Kind.ROTATE, target=None, target_slack_id=None, requester=personas.OLIVIA)
    await office.purecloud.auth.token()
    async with running(office.worker()) as worker:
        worker.take(posted)
        worker.take(await office.click(by=personas.OLIVIA))
        await ended(office, State.REVOKED)
    assert office.genesys.state.live_generations == [2]
    assert "Exchanged: the bot's own token." in card(office)


async def test_a_rotation__is_never_repeated_by_another_process(office: Components) -> None:
    """The other has a token of its own: deleting that would help nobody."""
    await office.ask(
        kind=Kind.ROTATE,
        target=None,
        target_slack_id=None,
        requester=personas.OLIVIA,
        card=MessageRef(personas.OPS, "1.2"),
    )
    await approve(office.store, by=personas.OLIVIA)
    office.ledger.clock.now += LEASE_DURATION
    async with running(office.worker(office.ledger.store("two#1"))):
        await ended(office, State.UNKNOWN)
    assert office.genesys.received("delete_tokens_me") == []


async def test_a_rotation__that_fails_is_not_tried_again(office: Components) -> None:
    _, posted = await office.ask(kind=Kind.ROTATE, target=None, target_slack_id=None, requester=personas.OLIVIA)
    office.genesys.fault("login", GenesysFault(status=500, times=None))
    async with running(office.worker()) as worker:
        worker.take(posted)
        worker.take(await office.click(by=personas.OLIVIA))
        await ended(office, State.FAILED)
    assert office.genesys.received("delete_tokens_me") == []


async def test_expiry__nobody_clicked_and_the_card_says_so(office: Components) -> None:
    _, posted = await office.ask()
    async with running(office.worker()) as worker:
        worker.take(posted)
        await office.slack.wait_for_message(lambda one: bool(office.slack.buttons(one)), PATIENCE)
        office.ledger.clock.now += TTL
        worker.ring()
        await ended(office, State.EXPIRED)
    assert "Nobody confirmed it in time. Nothing was changed." in card(office)
    assert deletes(office) == []


async def test_slack_that_is_silent__is_asked_again_and_the_click_counts(office: Components) -> None:
    _, posted = await office.ask()
    office.slack.fault("users.info", SlackFault(error="internal_error", times=2))
    job = await office.click(by=personas.OLIVIA)
    async with running(office.worker()) as worker:
        worker.take(posted)
        worker.take(job)

        async def given_back() -> bool:
            return not await office.store.jobs.still_leased(job)

        await until(given_back)
        assert deletes(office) == []
        office.ledger.clock.now += 1
        worker.ring()
        await ended(office, State.REVOKED)
    assert len(deletes(office)) == 1
