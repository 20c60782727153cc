"""The cards of bulk requests in each state, and their buttons."""

from __future__ import annotations

from dataclasses import replace

import pytest
from syrupy.assertion import SnapshotAssertion

from bot.domain.bulk import BulkProgress, BulkSource, BulkSummary, RunState
from bot.domain.requests import Request, State
from bot.sandbox.slack.block_kit import problems
from handlers.ui.renderer import MessageRenderer
from tests.support.examples import BEN, NOON, OLIVIA, request
from tests.support.render_text import buttons, readable, words
from tests.support.stub_services import ENGLISH

RENDERER = MessageRenderer(ENGLISH)

COUNTS = {
    "found": 212, "unknown": 3, "ambiguous": 2, "duplicate": 1, "unreadable": 4, "requester": 1, "inactive": 5,
    "protected": 12,
}  # fmt: skip


def bulk_request(**changes: object) -> Request:
    """Return Olivia's request to revoke the sessions of 212 people."""
    summary = BulkSummary(BulkSource.FILE, COUNTS, "digest", "phished <agents>.csv", {"seconds": 2600})
    usual = {
        "action": "revoke-many", "requester": OLIVIA, "target": None, "target_slack_id": None, "bulk": summary,
        "approvals_required": 2, "target_protected": True, "reason": "phished",
    }  # fmt: skip
    return request(**(usual | changes))


def running(run: RunState = RunState.RUNNING, **changes: object) -> Request:
    """Return the request while it is being executed."""
    progress = BulkProgress({"revoked": 100, "failed": 2}, 110, run, BEN, 291.0, 22.6)
    usual = {"state": State.APPROVED, "approvals": (BEN, OLIVIA), "approved_at": NOON, "progress": progress}
    return bulk_request(**(usual | changes))


def ended(state: State, counts: dict[str, int], **more: str) -> Request:
    """Return the request once no one is left."""
    outcome = {"code": "bulk", "counts": counts, **more}
    return running(state=state, progress=None, outcome=outcome, finished_at=NOON + 60)


CARDS = {
    "pending": bulk_request(),
    "pending, few people": bulk_request(
        bulk=BulkSummary(BulkSource.MENTIONS, {"found": 2}, "digest"), approvals_required=1, target_protected=False
    ),
    "running": running(),
    "paused": running(RunState.PAUSED),
    "stopping": running(RunState.STOPPED),
    "revoked": ended(State.REVOKED, {"revoked": 212}),
    "failed": ended(State.FAILED, {"revoked": 200, "failed": 12}),
    "unknown": ended(State.UNKNOWN, {"revoked": 200, "failed": 8, "unknown": 4}),
    "refused": ended(State.REFUSED, {"revoked": 200, "refused": 12}),
    "stopped": ended(State.FAILED, {"revoked": 102, "failed": 110}, stopped_by=BEN),
    "cancelled": bulk_request(state=State.CANCELLED, decided_by=OLIVIA, finished_at=NOON + 60),
    "declined": bulk_request(state=State.DECLINED, decided_by=BEN, finished_at=NOON + 60, outcome={"reason": "no"}),
    "expired": bulk_request(state=State.EXPIRED, finished_at=NOON + 60),
}


@pytest.mark.parametrize("name", CARDS)
def test_card__in_every_state(name: str, snapshot: SnapshotAssertion) -> None:
    card = RENDERER.card(CARDS[name])
    assert problems(card) == []
    assert readable(card) == snapshot


@pytest.mark.parametrize("name", CARDS)
def test_notice__is_accepted_and_never_says_that_everyone_was_revoked_unless_so(name: str) -> None:
    notice = RENDERER.outcome(CARDS[name])
    assert problems(notice) == []
    assert ("Revoked: all sessions" in words(notice)) == (name == "revoked")


@pytest.mark.parametrize(
    ("name", "actions"),
    [
        ("pending", ["approve", "decline", "cancel"]),
        ("running", ["bulk_pause", "bulk_stop"]),
        ("paused", ["bulk_resume", "bulk_stop"]),
        ("stopping", []),
        ("revoked", []),
        ("failed", ["bulk_again"]),
        ("unknown", ["bulk_again"]),
        ("refused", []),
        ("stopped", ["bulk_again"]),
        ("cancelled", []),
        ("declined", []),
        ("expired", []),
    ],
)
def test_card__has_the_buttons_that_work(name: str, actions: list[str]) -> None:
    assert [one["action_id"] for one in buttons(RENDERER.card(CARDS[name]))] == actions


def test_card__names_each_kind_of_entry() -> None:
    said = words(RENDERER.card(bulk_request()))
    for part in (
        "212 people", "12 protected", "5 inactive", "3 unknown", "2 that fit several", "1 named twice",
        "4 that I can't read", "own account", "44 min", "phished <agents>.csv",
    ):  # fmt: skip
        assert part in said, part


UNREAD = "- 3 whose calls and chats I couldn't read"


@pytest.mark.parametrize(
    ("details", "lines"),
    [
        ({"in_call": 7}, ["- 7 in a call or chat now"]),
        ({"in_call": 0}, ["- 0 in a call or chat now"]),
        (
            {"in_call": 0, "calls_unknown": 3},
            ["- 0 in a call or chat now", "- 3 whose calls and chats I couldn't read"],
        ),
        ({"calls_unknown": 212}, ["- not known who is in a call or chat"]),
        ({}, []),
    ],
)
def test_card__distinguishes_no_one_in_a_call_from_not_known(details: dict[str, int], lines: list[str]) -> None:
    summary = BulkSummary(BulkSource.LIST, {"found": 212}, "digest", details=details)
    for shown in (True, False):
        said = words(RENDERER.card(bulk_request(bulk=summary), with_live_state=shown))
        assert [one for one in said.splitlines() if "a call or chat" in one or "whose calls" in one] == (
            lines if shown else []
        )


ONE = BulkSummary(BulkSource.LIST, {"found": 1}, "digest")

OF_ONE_PERSON = {
    "pending": (bulk_request(bulk=ONE), "Revoke all sessions of one person?"),
    "running": (running(bulk=ONE, progress=BulkProgress({}, 1)), "Approved: revoking the sessions of one person"),
    "paused": (
        running(bulk=ONE, progress=BulkProgress({}, 1, RunState.PAUSED, BEN)),
        "Paused: sessions of one person not ended yet",
    ),
    "revoked": (replace(ended(State.REVOKED, {"revoked": 1}), bulk=ONE), "Revoked: all sessions of one person"),
    "refused": (
        replace(ended(State.REFUSED, {"refused": 1}), bulk=ONE),
        "Refused: sessions of one person not ended",
    ),
    "failed": (
        replace(ended(State.FAILED, {"failed": 1}), bulk=ONE),
        "Failed: sessions of one person not known to have ended",
    ),
    "unknown": (replace(ended(State.UNKNOWN, {"unknown": 1}), bulk=ONE), "Unknown: one person may still be logged in"),
    "stopped": (
        replace(ended(State.FAILED, {"failed": 1}, stopped_by=BEN), bulk=ONE),
        "Stopped: 0 of one person revoked",
    ),
}
"""A list with one person in each state, and the headline of its card."""


@pytest.mark.parametrize("name", OF_ONE_PERSON)
def test_card__of_one_person_speaks_of_one(name: str) -> None:
    asked, headline = OF_ONE_PERSON[name]
    card = RENDERER.card(asked)
    said = words(card) + str([one.get("confirm") for one in buttons(card)])
    assert problems(card) == []
    assert headline in said
    for plural in ("people", "others", "1 person"):
        assert plural not in said


def test_again__names_how_many_people() -> None:
    labels = [buttons(RENDERER.card(one))[0]["text"]["text"] for one in (CARDS["failed"], OF_ONE_PERSON["failed"][0])]
    assert labels == ["Request again: 12 people", "Request again: one person"]


def test_card__hides_the_rate_while_it_is_paused() -> None:
    assert "291 a minute" in words(RENDERER.card(running()))
    assert "a minute" not in words(RENDERER.card(running(RunState.PAUSED)))


def test_progress__of_no_one_yet_has_an_empty_bar() -> None:
    start = running(progress=BulkProgress({}, 212))
    assert "▰" not in words(RENDERER.card(start))
    assert "▱" not in words(RENDERER.card(replace(start, progress=BulkProgress({"revoked": 212}, 0))))


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (RunState.PAUSED, f"already approved, and <@{BEN}> has paused it."),
        (RunState.STOPPED, f"already approved, and <@{BEN}> has stopped it."),
        (RunState.RUNNING, "already approved and in progress."),
    ],
)
def test_late_click__names_who_paused_or_stopped_the_request(run: RunState, said: str) -> None:
    reply = RENDERER.reply("stale_request", {}, running(run))
    assert f"Your click changed nothing: this request is {said}" in words(reply)
    assert problems(reply) == []


def test_card__without_a_known_rate_says_where_the_names_are() -> None:
    summary = BulkSummary(BulkSource.LIST, {"found": 2}, "digest")
    said = words(RENDERER.card(bulk_request(bulk=summary)))
    assert "The thread lists every name." in said
    assert "Takes about" not in said


def test_card__of_a_stopped_request_does_not_say_that_the_others_failed() -> None:
    for name in ("stopping", "stopped"):
        said = words(RENDERER.card(CARDS[name]))
        assert "not revoked" in said
        assert " failed" not in said
