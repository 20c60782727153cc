from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.bulk import (
    BULK_PAUSE,
    BULK_RESUME,
    BULK_STOP,
    CALLS_UNKNOWN,
    CONTROLS,
    IN_CALL,
    SETS,
    BulkEntry,
    BulkProgress,
    BulkSource,
    BulkSummary,
    EntryFinding,
    RunState,
    digest_of,
    read_summary,
    summarize,
    to_json,
)
from bot.domain.people import Person
from bot.domain.rules import Rules

TOM = Person("11111111-1111-4111-8111-111111111111", "Tom", "tom@example.com", "Home", "active")
EVA = replace(TOM, id="22222222-2222-4222-8222-222222222222", name="Eva", state="inactive")


def test_summarize__counts_findings_and_found_people_only() -> None:
    entries = [
        BulkEntry("tom@example.com", EntryFinding.FOUND, TOM, protected=True),
        BulkEntry("eva@example.com", EntryFinding.FOUND, EVA),
        BulkEntry("me@example.com", EntryFinding.REQUESTER, EVA, protected=True),
        BulkEntry("?", EntryFinding.UNREADABLE),
    ]
    summary = summarize(BulkSource.FILE, entries, name="list.csv")
    assert summary.counts == {"found": 2, "requester": 1, "unreadable": 1, "inactive": 1, "protected": 1}
    assert (summary.people, summary.protected, summary.name) == (2, 1, "list.csv")
    assert summary.digest == digest_of([TOM.id, EVA.id])


def test_digest__depends_on_the_order() -> None:
    assert digest_of([TOM.id, EVA.id]) != digest_of([EVA.id, TOM.id])


def test_summary__survives_storage() -> None:
    summary = summarize(BulkSource.LIST, [BulkEntry("tom@example.com", EntryFinding.FOUND, TOM)])
    assert read_summary(to_json(summary)) == summary


@pytest.mark.parametrize("text", ["[]", "{}", '{"source": "moon"}', "null"])
def test_read_summary__rejects_damaged_text(text: str) -> None:
    with pytest.raises((ValueError, TypeError, KeyError)):
        read_summary(text)


@pytest.mark.parametrize(
    ("people", "protected", "required"), [(10, False, 1), (11, False, 2), (10, True, 3), (11, True, 3)]
)
def test_required_for_bulk__more_for_many_and_for_protected_people(people: int, protected: bool, required: int) -> None:
    rules = Rules((), protected_approvals=3, bulk_approvals=2)
    assert rules.required_for_bulk(people, protected=protected) == required


def test_entry__knows_nothing_more_by_default() -> None:
    entry = BulkEntry("tom", EntryFinding.UNKNOWN)
    assert (entry.person, entry.slack_id, entry.protected, entry.conversations) == (None, None, False, None)


@pytest.mark.parametrize(
    ("state", "inactive"), [("active", False), (None, False), ("inactive", True), ("deleted", True), ("", True)]
)
def test_entry__is_inactive_if_that_is_known(state: str | None, inactive: bool) -> None:
    assert BulkEntry("tom", EntryFinding.FOUND, replace(TOM, state=state)).inactive is inactive
    assert not BulkEntry("tom", EntryFinding.UNKNOWN).inactive


def test_summarize__counts_who_is_in_a_call_and_of_whom_it_is_not_known() -> None:
    entries = [
        BulkEntry("a", EntryFinding.FOUND, TOM, conversations=3),
        BulkEntry("b", EntryFinding.FOUND, EVA, conversations=0),
        BulkEntry("c", EntryFinding.FOUND, EVA),
        BulkEntry("d", EntryFinding.FOUND, EVA),
        BulkEntry("me", EntryFinding.REQUESTER, EVA, conversations=1),
        BulkEntry("e", EntryFinding.UNKNOWN),
    ]
    assert summarize(BulkSource.LIST, entries).details == {IN_CALL: 1, CALLS_UNKNOWN: 2}
    assert summarize(BulkSource.LIST, entries[:1]).details == {IN_CALL: 1}
    assert summarize(BulkSource.LIST, entries[1:2]).details == {IN_CALL: 0}
    assert summarize(BulkSource.LIST, entries[2:]).details == {CALLS_UNKNOWN: 2}
    assert summarize(BulkSource.LIST, entries[4:]).details == {}


def test_summary__is_empty_by_default() -> None:
    summary = BulkSummary(BulkSource.LIST, {}, "digest")
    assert (summary.people, summary.protected, summary.name, summary.details) == (0, 0, "", {})
    assert summarize(BulkSource.LIST, []).name == ""


def test_summarize__leaves_out_a_found_entry_without_a_person() -> None:
    entries = [BulkEntry("a", EntryFinding.FOUND), BulkEntry("b", EntryFinding.FOUND, TOM)]
    assert summarize(BulkSource.LIST, entries).digest == digest_of([TOM.id])


def test_digest__is_stable_and_keeps_ids_apart() -> None:
    assert digest_of(["a", "b"]) == "7e18f737311b2dc3b2f269dd78396b0351f14fb66efa879f768cb23181883c78"
    assert digest_of(["ab", "c"]) != digest_of(["a", "bc"])


def test_stored_summary__keeps_its_form() -> None:
    summary = BulkSummary(BulkSource.QUEUE, {"found": 2, "unknown": 1}, "digest", "Billing", {"in_call": 1})
    assert to_json(summary) == (
        '{"counts":{"found":2,"unknown":1},"details":{"in_call":1},"digest":"digest","name":"Billing","source":"queue"}'
    )
    assert read_summary(to_json(summary)) == summary
    assert read_summary(to_json(summary).replace('"found":2', '"found":"2"')) == summary


def test_progress__is_running_and_nothing_more_is_known_by_default() -> None:
    progress = BulkProgress({"revoked": 3, "failed": 1}, 6)
    assert progress.done == 4
    assert progress.state is RunState.RUNNING
    assert (progress.changed_by, progress.per_minute, progress.seconds_left) == (None, None, None)


def test_sets__are_kept_by_genesys_cloud() -> None:
    assert {BulkSource.DIVISION, BulkSource.GROUP, BulkSource.QUEUE} == SETS


RUNS = {
    BULK_PAUSE: {RunState.RUNNING: RunState.PAUSED},
    BULK_RESUME: {RunState.PAUSED: RunState.RUNNING},
    BULK_STOP: {RunState.RUNNING: RunState.STOPPED, RunState.PAUSED: RunState.STOPPED},
}
"""By button, the states in which it is possible, and where each leads."""


def test_controls__lead_from_each_possible_state_to_another() -> None:
    assert {
        button: dict.fromkeys(control.possible_in, control.leads_to) for button, control in CONTROLS.items()
    } == RUNS
