"""The checker of histories finds a planted violation of each promise."""

from __future__ import annotations

import pytest

from tests.support.history import Entry, Kind, read_lines, violations, write_lines

ROLE = Entry(0, Kind.ROLE, person="ben", status=1)
LOST_ROLE = Entry(1, Kind.ROLE, person="ben", status=0)
CLICK = Entry(2, Kind.CLICK, "r1", "ben", 200)
SENT = Entry(3, Kind.DELETE, "r1", status=200)
REPEATED = Entry(5, Kind.DELETE, "r1", status=200)
REVOKED = Entry(6, Kind.CARD, "r1", text="revoked")
OPEN = Entry(6, Kind.CARD, "r1", text="open")
EXPIRED = Entry(6, Kind.CARD, "r1", text="expired")
KILL = Entry(4, Kind.DISRUPTION)


def requires(count: int) -> Entry:
    return Entry(1, Kind.REQUIRED, "r1", status=count)


def failing(status: int) -> Entry:
    return Entry(3, Kind.DELETE, "r1", status=status)


@pytest.mark.parametrize(
    ("history", "found"),
    [
        pytest.param([ROLE, SENT, REVOKED], "a DELETE had 0 of 1 approvals", id="no click"),
        pytest.param([CLICK, SENT, REVOKED], "a DELETE had 0 of 1 approvals", id="never an approver"),
        pytest.param([ROLE, LOST_ROLE, CLICK, SENT, REVOKED], "a DELETE had 0 of 1 approvals", id="role lost before"),
        pytest.param([ROLE, requires(2), CLICK, SENT, REVOKED], "a DELETE had 1 of 2 approvals", id="too few"),
        pytest.param(
            [ROLE, requires(2), CLICK, CLICK, SENT, REVOKED], "a DELETE had 1 of 2 approvals", id="one person twice"
        ),
        pytest.param([ROLE, CLICK, SENT, REPEATED, REVOKED], "a second DELETE has no explanation", id="repeated"),
        pytest.param(
            [ROLE, CLICK, failing(503), REVOKED], "the card says revoked without a DELETE answered 2xx", id="failed"
        ),
        pytest.param([ROLE, CLICK, OPEN], "an acknowledged approval led to no outcome", id="approval lost"),
        pytest.param([CLICK, OPEN], "the request did not end", id="open for ever"),
        pytest.param([requires(1)], "the request did not end", id="no card"),
    ],
)
def test_violations__finds_a_broken_promise(history: list[Entry], found: str) -> None:
    assert violations(history) == [f"r1: {found}"]


@pytest.mark.parametrize(
    "history",
    [
        pytest.param([ROLE, CLICK, SENT, REVOKED], id="revoked"),
        pytest.param([ROLE, CLICK, SENT, KILL, REPEATED, REVOKED], id="repeated after a kill"),
        pytest.param([ROLE, CLICK, failing(0), REPEATED, REVOKED], id="repeated after a lost response"),
        pytest.param([ROLE, CLICK, failing(503), REPEATED, REVOKED], id="repeated after a 503"),
        pytest.param([CLICK, EXPIRED], id="expired"),
    ],
)
def test_violations__accepts_what_keeps_the_promises(history: list[Entry]) -> None:
    assert violations(history) == []


def test_violations__checks_each_request_alone() -> None:
    other = [Entry(2, Kind.DELETE, "r2", status=200), Entry(6, Kind.CARD, "r2", text="revoked")]
    assert violations([ROLE, CLICK, SENT, REVOKED, *other]) == ["r2: a DELETE had 0 of 1 approvals"]


def test_lines__keep_a_history() -> None:
    history = [ROLE, CLICK, SENT, REVOKED]
    assert read_lines(write_lines(history)) == history
