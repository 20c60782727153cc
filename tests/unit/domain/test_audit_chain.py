"""The audit chain: an unchanged log is valid; a changed, missing, moved or inserted row is found."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from bot.domain.audit import AuditEvent, EventType, audit_event
from bot.domain.audit_chain import (
    EARLIER,
    ERASED,
    GENESIS,
    AuditChain,
    ChainVerifier,
    Checkpoint,
    Defect,
    checkpoint_of,
    earlier_hash,
    erased_digest,
    first_invalid,
    parse_checkpoint,
    scheme_of,
)
from tests.support.examples import BEN, NOON, TOM_IN_GENESYS, request

Rows = list[tuple[AuditEvent, str]]

PLAIN, KEYED, OTHER_KEY = AuditChain(), AuditChain("the first key of the tests"), AuditChain("another key")
CHAINS = [PLAIN, KEYED]
ROW = AuditEvent(
    NOON, EventType.REVOKED, "bot", "7K3M9QX", "request-id", TOM_IN_GENESYS.id, {"status": 200, "name": "Zoë"}
)


def events() -> list[AuditEvent]:
    asked = request()
    return [
        audit_event(asked, EventType.REQUESTED, at=NOON, actor=asked.requester, reason="laptop stolen"),
        audit_event(asked, EventType.APPROVED, at=NOON + 1, actor=BEN),
        audit_event(asked, EventType.REVOKED, at=NOON + 2, status=200, attempts=1),
    ]


def chained(written: list[AuditEvent], *chains: AuditChain | None) -> Rows:
    """Return events with their hashes.

    The n-th chain writes the n-th row, the last chain the rest. None stands for an earlier version.
    """
    rows: Rows = []
    for number, event in enumerate(written, start=1):
        chain = chains[min(number, len(chains)) - 1]
        last = rows[-1][1] if rows else GENESIS
        rows.append((event, earlier_hash(event, last) if chain is None else chain.hash(event, last, number)))
    return rows


def defects(rows: Rows, *chains: AuditChain) -> list[Defect | None]:
    verifier = ChainVerifier(chains)
    return [verifier.add(event, found) for event, found in rows]


@pytest.mark.parametrize("chain", [None, *CHAINS])
def test_unchanged_log__is_valid(chain: AuditChain | None) -> None:
    assert first_invalid(chained(events(), chain), KEYED) is None
    assert first_invalid([], KEYED) is None


@pytest.mark.parametrize("chain", [None, *CHAINS])
@pytest.mark.parametrize(
    "change",
    [
        {"at": NOON + 1.000002},
        {"tag": EventType.CANCELLED},
        {"actor": "U0SOMEBODY"},
        {"reference": None},
        {"request_id": "another"},
        {"target": None},
        {"detail": {"needed": 2}},
    ],
)
def test_changed_row__is_found(change: dict[str, Any], chain: AuditChain | None) -> None:
    rows = chained(events(), chain)
    rows[1] = (replace(rows[1][0], **change), rows[1][1])
    assert first_invalid(rows, KEYED) == 1


@pytest.mark.parametrize("chain", [None, *CHAINS])
def test_missing_swapped_and_inserted_rows__are_found(chain: AuditChain | None) -> None:
    rows = chained(events(), chain)
    assert first_invalid(rows[1:], KEYED) == 0
    assert first_invalid([rows[0], rows[2]], KEYED) == 1
    assert first_invalid([rows[0], rows[2], rows[1]], KEYED) == 1
    assert first_invalid([rows[0], rows[0], rows[1]], KEYED) == 1


def test_rewritten_tail__is_found_without_the_key() -> None:
    rows = chained(events(), KEYED)
    forged = replace(rows[1][0], actor="U0SOMEBODY")
    for forger, defect in ((PLAIN, Defect.UNPROTECTED), (OTHER_KEY, Defect.UNKNOWN_KEY), (None, Defect.UNPROTECTED)):
        rewritten = [rows[0], *chained([rows[0][0], forged, rows[2][0]], KEYED, forger)[1:]]
        assert defects(rewritten, KEYED)[1] is defect
    stolen = rows[0][1].replace(rows[0][1][-4:], "0000")
    assert defects([(rows[0][0], stolen)], KEYED) == [Defect.CHANGED]


def test_rewritten_tail__is_valid_without_a_key_so_that_only_a_checkpoint_finds_it() -> None:
    rows = chained(events(), PLAIN)
    rewritten = chained([replace(rows[0][0], actor="U0SOMEBODY"), *(event for event, _ in rows[1:])], PLAIN)
    assert first_invalid(rewritten) is None
    assert checkpoint_of(3, rewritten[-1][1]) != checkpoint_of(3, rows[-1][1])


def test_rows_of_an_earlier_version__may_precede_others_and_not_follow_them() -> None:
    assert defects(chained(events(), None, PLAIN, KEYED), KEYED) == [None, None, None]
    assert defects(chained(events(), PLAIN, None), KEYED) == [None, Defect.UNPROTECTED, Defect.UNPROTECTED]


def test_other_key__is_accepted_if_it_is_at_hand() -> None:
    rows = chained(events(), OTHER_KEY, KEYED)
    assert defects(rows, KEYED, OTHER_KEY) == [None, None, None]
    assert defects(rows, KEYED) == [Defect.UNKNOWN_KEY, None, None]
    assert defects(rows) == [Defect.UNKNOWN_KEY] * 3


@pytest.mark.parametrize("found", ["", ":", "sha512:00", "hmac-:00", GENESIS, f"sha256:{'0' * 64}", "sha256"])
def test_unreadable_hash__is_a_defect(found: str) -> None:
    assert defects([(ROW, found)], KEYED)[0] is not None


def test_number__must_be_the_place_in_the_log() -> None:
    verifier = ChainVerifier()
    (event, found), second, _ = chained(events(), PLAIN)
    assert verifier.add(event, found, 1) is None
    assert verifier.add(*second, 3) is Defect.NUMBER


@pytest.mark.parametrize("chain", CHAINS)
def test_random_manipulations__are_all_found(chain: AuditChain) -> None:
    """Each manipulation without the key; the head is compared as a checkpoint would be."""
    dice = random.Random(7)  # noqa: S311 - the same manipulations in every run
    written = [replace(ROW, at=NOON + number, actor=f"U{number}") for number in range(40)]
    rows = chained(written, chain)
    head = checkpoint_of(len(rows), rows[-1][1])
    for _ in range(300):
        forged = list(rows)
        place, other = dice.sample(range(len(rows)), 2)
        match dice.choice(["edit", "delete", "insert", "swap", "truncate", "rewrite"]):
            case "edit":
                forged[place] = (replace(forged[place][0], actor="U0SOMEBODY"), forged[place][1])
            case "delete":
                del forged[place]
            case "insert":
                forged.insert(place, forged[other])
            case "swap":
                forged[place], forged[other] = forged[other], forged[place]
            case "truncate":
                del forged[place:]
            case "rewrite":
                tail = [replace(rows[place][0], actor="U0SOMEBODY"), *(event for event, _ in rows[place + 1 :])]
                forged = [*rows[:place], *chained([event for event, _ in rows[:place]] + tail, PLAIN)[place:]]
        verifier = ChainVerifier([chain])
        found = [verifier.add(*row) for row in forged]
        assert any(found) or verifier.checkpoint != head


def test_hash__ignores_the_order_of_details_and_separates_fields() -> None:
    row = AuditEvent(NOON, EventType.REQUESTED, "a", detail={"one": 1, "two": 2})
    same = replace(row, detail={"two": 2, "one": 1})
    assert PLAIN.hash(row, GENESIS, 1) == PLAIN.hash(same, GENESIS, 1)
    others = [
        PLAIN.hash(replace(row, reference="x"), GENESIS, 1),
        PLAIN.hash(replace(row, request_id="x"), GENESIS, 1),
        PLAIN.hash(row, "1" * 64, 1),
        PLAIN.hash(row, GENESIS, 2),
        KEYED.hash(row, GENESIS, 1),
    ]
    assert len({PLAIN.hash(row, GENESIS, 1), *others}) == 6


def test_hash__is_stable_so_that_existing_logs_stay_valid() -> None:
    assert earlier_hash(ROW, GENESIS) == "73ac8199d830aa32994275c7d5ad0c5fb2ffb7a14a6e150bd689060136bf1c47"
    assert PLAIN.hash(ROW, GENESIS, 1) == "sha256:febc02261b87fca39231aa757158a8d2393baa9531524d5257103b5bf6183706"
    assert (
        KEYED.hash(ROW, GENESIS, 1) == "hmac-8313b070:5a5f84fc607676976f709c573e2d1cd4427ef9428bc7641bc19cfbee812da8b7"
    )


def test_scheme__names_the_key_and_not_its_value() -> None:
    assert [scheme_of(chain.hash(ROW, GENESIS, 1)) for chain in CHAINS] == ["sha256", KEYED.scheme]
    assert scheme_of(GENESIS) == EARLIER
    assert KEYED.scheme.startswith("hmac-")
    assert KEYED.scheme not in (OTHER_KEY.scheme, PLAIN.scheme)
    assert (KEYED.is_keyed, PLAIN.is_keyed, AuditChain("").is_keyed) == (True, False, False)


@pytest.mark.parametrize("text", ["12:0123456789abcdef", " audit 12:0123456789ABCDEF\n"])
def test_checkpoint__is_read_as_people_copy_it(text: str) -> None:
    assert parse_checkpoint(text) == Checkpoint(12, "0123456789abcdef")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12",
        "0:0123456789abcdef",
        "12:0123",
        "x:0123456789abcdef",
        "1:0123456789abcdeg",
        "1:0123456789abcdef0",
        "1:0123456789abcdef x",
        "x1:0123456789abcdef",
    ],
)
def test_checkpoint__that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^'.*' is not a checkpoint; write NUMBER:HASH with 16 hexadecimal digits$"):
        parse_checkpoint(text)


def test_checkpoint__of_a_row_can_be_read_again() -> None:
    for chain in CHAINS:
        checkpoint = checkpoint_of(7, chain.hash(ROW, GENESIS, 7))
        assert parse_checkpoint(str(checkpoint)) == checkpoint


SALTED = replace(ROW, salt="0123456789abcdef0123456789abcdef")


def erased(rows: Rows, *places: int) -> Rows:
    """Return rows with the reason of some erased, as an erasure leaves them: each keeps its hash."""
    changed = list(rows)
    for place in places:
        event, found = rows[place]
        changed[place] = (replace(event, actor="erased:1", detail={}, salt=ERASED), found)
    return changed


def with_erasure(rows: Rows, listed: object, *, tag: str = EventType.ERASED) -> Rows:
    """Return rows and one more, which lists erased rows."""
    event = AuditEvent(NOON + 9, tag, "admin", detail={"person": "erased:1", "rows": listed})
    return [*rows, (event, PLAIN.hash(event, rows[-1][1], len(rows) + 1))]


def verified(rows: Rows) -> ChainVerifier:
    """Return the verifier of rows that have no defect by themselves."""
    verifier = ChainVerifier()
    assert [verifier.add(event, found) for event, found in rows] == [None] * len(rows)
    return verifier


def test_hash__covers_the_salt_and_is_stable_with_it() -> None:
    assert PLAIN.hash(SALTED, GENESIS, 1) == ("sha256:a55c1f6df60636078013f1d5718e529a11a82de3edc42aed5c9f774c8551f02f")
    assert PLAIN.hash(SALTED, GENESIS, 1) != PLAIN.hash(ROW, GENESIS, 1)
    assert PLAIN.hash(SALTED, GENESIS, 1) != PLAIN.hash(replace(SALTED, actor="U0OTHER"), GENESIS, 1)


def test_erased_digest__covers_the_number_and_what_is_left_and_is_stable() -> None:
    row = replace(ROW, salt=ERASED)
    assert erased_digest(row, 7) == "585e89a2522238d1d099e98d528c1156"
    others = [
        erased_digest(row, 8),
        erased_digest(replace(row, actor="x"), 7),
        erased_digest(replace(row, salt=None), 7),
    ]
    assert len({erased_digest(row, 7), *others}) == 4


def test_erased_rows__that_an_erasure_lists_are_valid() -> None:
    rows = erased(chained(events(), PLAIN), 0, 2)
    listed = [[1, erased_digest(rows[0][0], 1)], [3, erased_digest(rows[2][0], 3)]]
    verifier = verified(with_erasure(rows, listed))
    assert (verifier.erased, verifier.first_unlisted(), verifier.number) == (2, None, 4)
    assert first_invalid(with_erasure(rows, listed)) is None


def test_erased_rows__of_two_erasures_are_all_listed() -> None:
    rows = erased(chained(events(), PLAIN), 0, 1)
    first = with_erasure(rows, [[1, erased_digest(rows[0][0], 1)]])
    both = with_erasure(first, [[2, erased_digest(rows[1][0], 2)]])
    assert verified(both).first_unlisted() is None
    assert verified(first).first_unlisted() == 2
    assert first_invalid(first) == 1


@pytest.mark.parametrize("listed", [[], [[2, "0" * 32]], [[1, None]], [[1]], None, 7, [["x", "y"]], [[1, "0" * 32]]])
def test_erased_row__that_no_erasure_lists_as_it_is_is_found(listed: object) -> None:
    rows = erased(chained(events(), PLAIN), 0)
    verifier = verified(with_erasure(rows, listed))
    assert (verifier.erased, verifier.first_unlisted()) == (1, 1)
    assert first_invalid(with_erasure(rows, listed)) == 0


def test_erased_row__is_listed_by_an_erasure_only() -> None:
    rows = erased(chained(events(), PLAIN), 0)
    other = with_erasure(rows, [[1, erased_digest(rows[0][0], 1)]], tag=EventType.REQUESTED)
    assert verified(other).first_unlisted() == 1


def test_erased_row__that_was_changed_afterwards_is_found() -> None:
    rows = erased(chained(events(), PLAIN), 0)
    log = with_erasure(rows, [[1, erased_digest(rows[0][0], 1)]])
    log[0] = (replace(log[0][0], tag=EventType.CANCELLED), log[0][1])
    assert first_invalid(log) == 0


def test_row_after_an_erased_one__is_still_chained_to_its_hash() -> None:
    rows = erased(chained(events(), PLAIN), 0)
    rows[0] = (rows[0][0], "sha256:" + "0" * 64)
    assert defects(rows) == [None, Defect.CHANGED, None]


def test_erased_row__has_the_protection_of_its_hash() -> None:
    rows = erased(chained(events(), KEYED, PLAIN), 1)
    assert defects(rows, KEYED)[1] is Defect.UNPROTECTED


def test_unerased_log__has_no_unlisted_row() -> None:
    verifier = verified(chained(events(), PLAIN))
    assert (verifier.erased, verifier.first_unlisted()) == (0, None)
    assert verifier.checkpoint == checkpoint_of(3, verifier.head)


def test_defect__has_the_codes_that_programs_read() -> None:
    assert [one.value for one in Defect] == ["changed", "number", "unknown_key", "unprotected", "not_erased"]
    assert (ERASED, EARLIER) == ("erased", "earlier")


def test_changed_row_of_an_earlier_version__is_changed() -> None:
    (event, found), *_ = chained(events(), None)
    assert ChainVerifier().add(replace(event, actor="x"), found) is Defect.CHANGED


def test_hash_of_an_unknown_scheme__is_changed() -> None:
    event, found = chained(events(), PLAIN)[0]
    assert ChainVerifier().add(event, found.replace("sha256", "sha512")) is Defect.CHANGED


def test_number__is_a_lesser_defect_than_a_changed_row() -> None:
    event, found = chained(events(), PLAIN)[0]
    assert ChainVerifier().add(replace(event, actor="x"), found, number=5) is Defect.CHANGED
    assert ChainVerifier().add(event, found, number=5) is Defect.NUMBER
    assert ChainVerifier().add(event, found, number=1) is None
