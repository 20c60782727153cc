"""The CSV files of bulk requests: a row for each entry, and no cell that starts a formula."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.bulk import BulkEntry, EntryFinding
from bot.domain.bulk_files import HEADERS, BulkFile, StoredEntry, header, rows
from bot.domain.people import Person
from tests.support.examples import NOON, TOM_IN_GENESYS

FOUND = BulkEntry("tom@example.com", EntryFinding.FOUND, TOM_IN_GENESYS, protected=True)


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def test_preview__has_each_entry_with_what_was_found() -> None:
    (found, unknown) = read(
        rows(BulkFile.PREVIEW, [StoredEntry(FOUND), StoredEntry(BulkEntry("x", EntryFinding.UNKNOWN))])
    )
    tom = TOM_IN_GENESYS
    assert found == ["tom@example.com", "found", tom.name, tom.email, tom.id, tom.division, tom.state, "yes", ""]
    assert unknown == ["x", "unknown", "", "", "", "", "", "", ""]


@pytest.mark.parametrize(("known", "shown"), [(None, ""), (0, "0"), (3, "3")])
def test_preview__has_conversations_for_those_who_may_see_them(known: int | None, shown: str) -> None:
    entry = StoredEntry(replace(FOUND, conversations=known))
    assert read(rows(BulkFile.PREVIEW, [entry], conversations=True))[0][-1] == shown
    assert read(rows(BulkFile.PREVIEW, [entry]))[0][-1] == ""


def test_outcomes__have_each_person_with_an_outcome() -> None:
    detail = {"code": "executed", "status": 200, "correlation_id": "c0ffee"}
    done = StoredEntry(FOUND, "revoked", detail, NOON)
    (row,) = read(
        rows(BulkFile.OUTCOMES, [done, StoredEntry(BulkEntry("x", EntryFinding.UNKNOWN)), StoredEntry(FOUND)])
    )
    assert dict(zip(HEADERS[BulkFile.OUTCOMES], row, strict=True)) == {
        "name": TOM_IN_GENESYS.name, "email": TOM_IN_GENESYS.email, "genesys_id": TOM_IN_GENESYS.id,
        "outcome": "revoked", "code": "executed", "http_status": "200", "finished_at": "2026-06-21T12:00:00+00:00",
        "correlation_id": "c0ffee", "entry": "tom@example.com",
    }  # fmt: skip


@pytest.mark.parametrize("file", BulkFile)
def test_header__fits_the_rows(file: BulkFile) -> None:
    done = StoredEntry(FOUND, "revoked")
    assert len(read(header(file))[0]) == len(read(rows(file, [done]))[0])


@given(text=st.text(max_size=30) | st.sampled_from(["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\u200b=1", '"=1']))
def test_cell__never_starts_a_formula(text: str) -> None:
    person = Person("id", text, text, text, text)
    for file in BulkFile:
        stored = StoredEntry(BulkEntry(text or "-", EntryFinding.FOUND, person), "revoked", {"code": text}, NOON)
        (row,) = read(rows(file, [stored]))
        assert len(row) == len(HEADERS[file])
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for cell in row)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_cell__that_starts_like_a_formula_begins_with_an_apostrophe(start: str) -> None:
    (row,) = read(rows(BulkFile.PREVIEW, [StoredEntry(BulkEntry(f"{start}x", EntryFinding.UNKNOWN))]))
    assert row[0] == f"'{start.strip()}x"
    (row,) = read(rows(BulkFile.PREVIEW, [StoredEntry(BulkEntry(f"x{start}", EntryFinding.UNKNOWN))]))
    assert row[0] == f"x{start.strip()}"


def test_header__names_the_columns_that_programs_read() -> None:
    assert read(header(BulkFile.PREVIEW)) == [
        ["entry", "finding", "name", "email", "genesys_id", "division", "state", "protected", "conversations"]
    ]
    assert read(header(BulkFile.OUTCOMES)) == [
        ["name", "email", "genesys_id", "outcome", "code", "http_status", "finished_at", "correlation_id", "entry"]
    ]


def test_rows__have_empty_cells_for_what_is_not_known() -> None:
    bare = Person("id", "Tom")
    (found,) = read(rows(BulkFile.PREVIEW, [StoredEntry(BulkEntry("x", EntryFinding.FOUND, bare))]))
    assert found == ["x", "found", "Tom", "", "id", "", "", "", ""]
    (ended,) = read(rows(BulkFile.OUTCOMES, [StoredEntry(BulkEntry("x", EntryFinding.FOUND, bare), "unknown")]))
    assert ended == ["Tom", "", "id", "unknown", "", "", "", "", "x"]
    (unknown,) = read(
        rows(BulkFile.OUTCOMES, [StoredEntry(BulkEntry("x", EntryFinding.UNKNOWN), "failed", {"code": None})])
    )
    assert unknown == ["", "", "", "failed", "", "", "", "", "x"]


def test_outcomes__have_whole_seconds() -> None:
    (row,) = read(rows(BulkFile.OUTCOMES, [StoredEntry(FOUND, "revoked", {}, NOON + 0.7)]))
    assert row[6] == "2026-06-21T12:00:00+00:00"
