"""The checker of histories finds a planted violation of each promise."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.support.history import Entry, Kind, RulesInForce, read_lines, violations, write_lines

GROUP = "S0APPROVE1"
LAX = RulesInForce((GROUP,))
STRICT = RulesInForce((GROUP,), protected=("tom",))
OTHERS = RulesInForce(("ann",))
NOT_ALONE = RulesInForce((GROUP,), self_approval=False)

ASK = Entry(1, Kind.ASK, "r1", "ravi", text="tom")
OWN_ASK = Entry(1, Kind.ASK, "r1", "ben", text="tom")
SENT = Entry(4, Kind.DELETE, "r1", status=200)
REPEATED = Entry(6, Kind.DELETE, "r1", status=200)
KILL = Entry(5, Kind.DISRUPTION, person="one", status=1)
KILLED = Entry(3.5, Kind.DISRUPTION, person="one")


def runs(rules: RulesInForce, at: float = 0, replica: str = "one") -> Entry:
    return Entry(at, Kind.RULES, person=replica, status=1, text=rules.to_text())


def stopped(at: float, replica: str = "one") -> Entry:
    return Entry(at, Kind.RULES, person=replica)


def role(person: str = "ben", at: float = 0, status: int = 1) -> Entry:
    return Entry(at, Kind.ROLE, person=person, status=status, text=GROUP)


def click(person: str = "ben", at: float = 2, status: int = 200) -> Entry:
    return Entry(at, Kind.CLICK, "r1", person, status, "approve")


def command(status: int) -> Entry:
    return Entry(0.5, Kind.COMMAND, "r1", "ravi", status)


def decided(tag: str, person: str = "ben", at: float = 3) -> Entry:
    return Entry(at, Kind.AUDIT, "r1", person, text=tag)


def sent(status: int) -> Entry:
    return Entry(4, Kind.DELETE, "r1", status=status)


def ended(tag: str, shown: str) -> list[Entry]:
    """Return an outcome that the card and the audit channel show."""
    return [
        Entry(7, Kind.AUDIT, "r1", "bot", text=tag),
        Entry(8, Kind.CARD, "r1", text=shown),
        Entry(8, Kind.NOTICE, "r1", text=shown),
    ]


APPROVED = [click(), decided("request:approved")]
REVOKED = ended("token:revoked", "revoked")
EXPIRED = ended("request:expired", "expired")
USUAL = [runs(LAX), role(), ASK]
BOTH = [click("ann", 1.5), decided("request:signed", "ann", 1.6), *APPROVED]
LACKED = "a DELETE lacked approvals when ben decided"


@pytest.mark.parametrize(
    ("history", "found"),
    [
        pytest.param([*USUAL, SENT, *REVOKED], "a DELETE was sent without a decision", id="no decision"),
        pytest.param([runs(LAX), ASK, *APPROVED, SENT, *REVOKED], LACKED, id="never an approver"),
        pytest.param([*USUAL, role(at=1.5, status=0), *APPROVED, SENT, *REVOKED], LACKED, id="role lost before"),
        pytest.param([runs(STRICT), role(), ASK, *APPROVED, SENT, *REVOKED], LACKED, id="protected"),
        pytest.param(
            [runs(STRICT), stopped(2), runs(LAX, 2.1), role(), ASK, *APPROVED, SENT, *REVOKED], LACKED,
            id="protected at the request",
        ),
        pytest.param(
            [runs(LAX), stopped(2), runs(STRICT, 2.1), role(), ASK, *APPROVED, SENT, *REVOKED], LACKED,
            id="protected since",
        ),
        pytest.param(
            [runs(OTHERS), stopped(1.5), runs(LAX, 1.6), role(), ASK, *APPROVED, SENT, *REVOKED], LACKED,
            id="approver since",
        ),
        pytest.param(
            [runs(NOT_ALONE), stopped(1.5), runs(LAX, 1.6), role(), OWN_ASK, *APPROVED, SENT, *REVOKED], LACKED,
            id="self-approval since",
        ),
        pytest.param(
            [runs(STRICT), role(), role("ann"), role("ann", 1.8, 0), ASK, *BOTH, SENT, *REVOKED], LACKED,
            id="earlier approval lost",
        ),
        pytest.param([runs(NOT_ALONE), role(), OWN_ASK, *APPROVED, SENT, *REVOKED], LACKED, id="own request"),
        pytest.param(
            [*USUAL, role("tom"), click("tom"), decided("request:approved", "tom"), SENT, *REVOKED],
            "a DELETE lacked approvals when tom decided", id="target",
        ),
        pytest.param(
            [*USUAL, *APPROVED, SENT, REPEATED, *REVOKED], "a second DELETE has no explanation", id="repeated"
        ),
        pytest.param(
            [Entry(3, Kind.DISRUPTION, person="one", status=1), KILLED, *USUAL, *APPROVED, SENT, REPEATED, *REVOKED],
            "a second DELETE has no explanation", id="repeated long after a kill",
        ),
        pytest.param(
            [*USUAL, *APPROVED, *[sent(503)] * 12, SENT, *REVOKED], "13 DELETEs were sent", id="repeated for ever"
        ),
        pytest.param(
            [*USUAL, click(), *EXPIRED],
            "a click of ben was lost or decided twice: 1 clicks, 1 acknowledged, 0 decided", id="click lost",
        ),
        pytest.param(
            [*USUAL, *APPROVED, decided("click:stale"), SENT, *REVOKED],
            "a click of ben was lost or decided twice: 1 clicks, 1 acknowledged, 2 decided", id="click twice",
        ),
        pytest.param([command(200)], "an acknowledged command led to no request and no reply", id="command lost"),
        pytest.param([*USUAL], "the request has 0 outcomes", id="open for ever"),
        pytest.param([*USUAL, *EXPIRED, *EXPIRED], "the request has 2 outcomes", id="two outcomes"),
        pytest.param(
            [*USUAL, *APPROVED, SENT, *ended("token:failed", "failed")],
            "a DELETE was answered 2xx, but the outcome is failed", id="denied success",
        ),
        pytest.param(
            [*USUAL, *APPROVED, sent(503), *EXPIRED], "a DELETE was sent, but the outcome is expired", id="hidden"
        ),
        pytest.param(
            [*USUAL, *EXPIRED, Entry(9, Kind.CARD, "r1", text="open")],
            "the card shows open, but the outcome is expired", id="live card",
        ),
        pytest.param(
            [*USUAL, *EXPIRED[:2]], "the audit channel does not show the outcome expired", id="no notice"
        ),
        pytest.param(
            [*USUAL, *APPROVED, Entry(3.5, Kind.CARD, "r1", text="revoked"), SENT, *REVOKED],
            "a card said revoked before a DELETE was answered 2xx", id="too early",
        ),
    ],
)  # fmt: skip
def test_violations__finds_a_broken_promise(history: Sequence[Entry], found: str) -> None:
    assert violations(history) == [f"r1: {found}"]


def test_violations__finds_a_false_success() -> None:
    assert violations([*USUAL, *APPROVED, sent(503), *REVOKED]) == [
        "r1: the outcome is revoked without a DELETE answered 2xx",
        "r1: a card said revoked before a DELETE was answered 2xx",
    ]


@pytest.mark.parametrize(
    "history",
    [
        pytest.param([*USUAL, *APPROVED, SENT, *REVOKED], id="revoked"),
        pytest.param([*USUAL, *APPROVED, SENT, KILL, REPEATED, *REVOKED], id="repeated after a kill"),
        pytest.param(
            [Entry(3, Kind.DISRUPTION, person="one", status=1), *USUAL, *APPROVED, SENT, REPEATED, *REVOKED],
            id="repeated during a kill",
        ),
        pytest.param([*USUAL, *APPROVED, sent(0), REPEATED, *REVOKED], id="repeated after a lost response"),
        pytest.param([*USUAL, *APPROVED, *[sent(429)] * 20, SENT, *REVOKED], id="repeated after 429s"),
        pytest.param([*USUAL, *APPROVED, sent(503), REPEATED, *REVOKED], id="repeated after a 503"),
        pytest.param([*USUAL, role(at=2.5, status=0), *APPROVED, SENT, *REVOKED], id="role lost after the click"),
        pytest.param([runs(STRICT), role(), role("ann"), ASK, *BOTH, SENT, *REVOKED], id="protected, two approvals"),
        pytest.param([runs(LAX), role(), OWN_ASK, *APPROVED, SENT, *REVOKED], id="own request"),
        pytest.param(
            [runs(STRICT), runs(LAX, replica="two"), role(), ASK, *APPROVED, SENT, *REVOKED], id="laxer replica"
        ),
        pytest.param([command(200), Entry(1, Kind.REPLY, "r1", "ravi")], id="command denied"),
        pytest.param([command(503)], id="command not stored"),
        pytest.param([*USUAL, click(status=0), *EXPIRED], id="expired, click not acknowledged"),
    ],
)
def test_violations__accepts_what_keeps_the_promises(history: list[Entry]) -> None:
    assert violations(history) == []


def test_violations__checks_each_request_alone() -> None:
    other = [Entry(4, Kind.DELETE, "r2", status=200), *(Entry(e.at, e.kind, "r2", text=e.text) for e in REVOKED)]
    found = violations([*USUAL, *APPROVED, SENT, *REVOKED, *other])
    assert found == ["r2: a DELETE was sent without a decision"]


def test_lines__keep_a_history() -> None:
    history = [*USUAL, *APPROVED, SENT, *REVOKED]
    assert read_lines(write_lines(history)) == history
