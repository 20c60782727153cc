"""The checker of histories finds a planted violation of each promise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.support.history import violations
from tests.support.history_entries import Entry, Kind, RulesInForce, read_lines, write_lines

GROUP = "S0APPROVE1"
LAX = RulesInForce((GROUP,))
STRICT = RulesInForce((GROUP,), protected=("tom",))
OTHERS = RulesInForce(("ann",))
NOT_ALONE = RulesInForce((GROUP,), self_approval=False)
TWO = RulesInForce((GROUP,), approvals_required=2)
ALONE = RulesInForce((GROUP,), break_glass=("sam",))

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


def click(person: str = "ben", at: float = 2, status: int = 200, action: str = "approve") -> Entry:
    return Entry(at, Kind.CLICK, "r1", person, status, action)


def command(status: int) -> Entry:
    return Entry(0.5, Kind.COMMAND, "r1", "ravi", status)


def decided(tag: str, person: str = "ben", at: float = 3) -> Entry:
    return Entry(at, Kind.AUDIT, "r1", person, text=tag)


def sent(status: int) -> Entry:
    return Entry(4, Kind.DELETE, "r1", status=status)


def stored(rules: RulesInForce, required: int = 1) -> Entry:
    return Entry(1, Kind.STORED, "r1", status=required, text=rules.to_text())


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
BOTH_HOLD = [role(), role("ann")]
ANNS_ASK = Entry(1, Kind.ASK, "r1", "ann", text="tom")
THREE = RulesInForce((GROUP,), approvals_required=3)
BREAK_GLASS = Entry(1, Kind.ASK, "r1", "sam", 1, "tom")
ANNOUNCED = Entry(3, Kind.ANNOUNCEMENT, "r1", text="audit")
CONFIRMED = [click("sam"), decided("request:break_glass_approved", "sam")]
DECLINED = ended("request:declined", "declined")[1:]
CANCELLED = ended("request:cancelled", "cancelled")[1:]
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
        pytest.param([runs(TWO), role(), ASK, *APPROVED, SENT, *REVOKED], LACKED, id="one of two"),
        pytest.param(
            [runs(LAX), stopped(2), runs(TWO, 2.1), role(), ASK, *APPROVED, SENT, *REVOKED], LACKED, id="two since"
        ),
        pytest.param(
            [runs(TWO), stopped(2), runs(LAX, 2.1), role(), ASK, *APPROVED, SENT, *REVOKED], LACKED,
            id="two at the request",
        ),
        pytest.param(
            [runs(LAX), stopped(1.3), runs(THREE, 1.4), stopped(1.7), runs(TWO, 1.8),
             *BOTH_HOLD, ASK, *BOTH, SENT, *REVOKED],
            LACKED, id="three at the first approval",
        ),
        pytest.param(
            [runs(TWO), role(), ASK, click(at=1.5), decided("request:signed", at=1.6), *APPROVED, SENT, *REVOKED],
            LACKED, id="twice the same",
        ),
        pytest.param([runs(TWO), *BOTH_HOLD, ANNS_ASK, *BOTH, SENT, *REVOKED], LACKED, id="requester as one of two"),
        pytest.param(
            [runs(TWO), *BOTH_HOLD, ASK, stored(TWO, 1), *BOTH, SENT, *REVOKED], LACKED, id="fewer approvals stored"
        ),
        pytest.param(
            [runs(STRICT), runs(LAX, replica="two"), role(), ASK, stored(STRICT, 2), *APPROVED, SENT, *REVOKED], LACKED,
            id="laxer replica than stored",
        ),
        pytest.param(
            [*USUAL, stored(TWO), *APPROVED, SENT, *REVOKED], "the request stores rules that were not in force",
            id="other rules stored",
        ),
        pytest.param(
            [runs(ALONE), BREAK_GLASS, click(), decided("request:break_glass_approved"), SENT, ANNOUNCED, *REVOKED],
            LACKED, id="break glass of another",
        ),
        pytest.param(
            [runs(LAX), role("sam"), BREAK_GLASS, *CONFIRMED, SENT, ANNOUNCED, *REVOKED],
            "a DELETE lacked approvals when sam decided", id="break glass without the right",
        ),
        pytest.param(
            [runs(ALONE), stopped(1.5), runs(LAX, 1.6), BREAK_GLASS, *CONFIRMED, SENT, ANNOUNCED, *REVOKED],
            "a DELETE lacked approvals when sam decided", id="break glass no more",
        ),
        pytest.param(
            [runs(ALONE), ASK, *CONFIRMED, SENT, ANNOUNCED, *REVOKED], "a DELETE was sent without a decision",
            id="break glass of another request",
        ),
        pytest.param(
            [runs(ALONE), BREAK_GLASS, *CONFIRMED, SENT, *REVOKED], "a DELETE under break glass was not announced",
            id="not announced",
        ),
        pytest.param(
            [*USUAL, click("gus", action="decline"), decided("request:declined", "gus"), *DECLINED],
            "gus was not entitled to decline", id="declined by a stranger",
        ),
        pytest.param(
            [runs(LAX), role("ravi"), ASK,
             click("ravi", action="decline"), decided("request:declined", "ravi"), *DECLINED],
            "ravi was not entitled to decline", id="declined by the requester",
        ),
        pytest.param(
            [*USUAL, click(action="cancel"), decided("request:cancelled"), *CANCELLED],
            "ben was not entitled to cancel", id="cancelled by another",
        ),
        pytest.param(
            [*USUAL, click("tom"), click("ravi"), decided("click:refused", "ravi"), decided("request:cancelled", "tom"),
             *CANCELLED],
            "tom was not entitled to cancel", id="cancelled without a click",
        ),
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
        pytest.param([runs(TWO), *BOTH_HOLD, ASK, stored(TWO, 2), *BOTH, SENT, *REVOKED], id="two approvals"),
        pytest.param(
            [runs(LAX), stopped(1.2), runs(TWO, 1.3), *BOTH_HOLD, ASK, stored(LAX, 2), *BOTH, SENT, *REVOKED],
            id="two since, two approvals",
        ),
        pytest.param([runs(ALONE), BREAK_GLASS, *CONFIRMED, SENT, ANNOUNCED, *REVOKED], id="break glass"),
        pytest.param(
            [*USUAL, click(action="decline"), decided("request:declined"), *DECLINED], id="declined by an approver"
        ),
        pytest.param(
            [*USUAL, click("ravi", action="cancel"), decided("request:cancelled", "ravi"), *CANCELLED],
            id="cancelled by the requester",
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


def other_request(history: Sequence[Entry], later: float) -> list[Entry]:
    """Return the same for another request, some time later."""
    return [replace(one, request="r2", at=one.at + later) for one in history if one.request]


@pytest.mark.parametrize(
    ("first_ends", "later", "found"),
    [
        (REVOKED, 599, ["sam broke glass twice in 599 s"]),
        (ended("token:unknown", "unknown"), 1, ["sam broke glass twice in 1 s"]),
        (REVOKED, 600, []),
        (ended("token:refused", "refused"), 599, []),
    ],
)
def test_violations__allows_break_glass_once_in_ten_minutes(
    first_ends: Sequence[Entry], later: float, found: list[str]
) -> None:
    request = [BREAK_GLASS, *CONFIRMED, ANNOUNCED]
    first = [*request, sent(403 if "refused" in first_ends[0].text else 200), *first_ends]
    history = [runs(ALONE), *first, *other_request([*request, SENT, *REVOKED], later)]
    assert violations(history) == found


def test_lines__keep_a_history() -> None:
    history = [*USUAL, *APPROVED, SENT, *REVOKED]
    assert read_lines(write_lines(history)) == history
