"""Lists and files: every usual form is read, every wrong entry is named, and nothing else is raised."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.bulk_list import MAX_CELL_LENGTH, MAX_LINE_LENGTH, MAX_TEXT_LENGTH, Written, read_csv, read_list
from bot.domain.commands import TargetRef
from bot.domain.denials import DenialCode, Denied
from bot.purecloud import requests
from tests.support.hostile_files import PIECES, hostile_files

TOM = "6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09"


def named(entries: list[Written]) -> list[str | None]:
    """Return whom entries name."""
    return [(one.ref.email or one.ref.genesys_user_id or one.ref.slack_user_id) if one.ref else None for one in entries]


@pytest.mark.parametrize(
    "text",
    [
        "tom@example.com\nann@example.com",
        "tom@example.com, ann@example.com",
        "tom@example.com;ann@example.com;",
        "tom@example.com\tann@example.com",
        "tom@example.com ann@example.com",
        "\r\ntom@example.com\r\n\r\n  ANN@example.com  \r\n",
        "Tom Target <tom@example.com>\nAnn <ann@example.com>",
        "mailto:tom@example.com\n'ann@example.com'",
        "mailto://tom%40example.com#x\n<mailto:?to=ann@example.com|Ann>",
        "\u200btom@example.com\n\ufeffann@example.com",
    ],
)
def test_read_list__in_any_usual_form(text: str) -> None:
    assert named(read_list(text)) == ["tom@example.com", "ann@example.com"]


def test_read_list__keeps_what_it_cannot_read() -> None:
    entries = read_list(f"tom\nann@\n{TOM.upper()}\n<@U0TOM00001|tom>\na@example.com b@example.org c")
    assert named(entries) == [None, None, TOM, "U0TOM00001", None]
    assert [one.text for one in entries][:2] == ["tom", "ann@"]


@pytest.mark.parametrize(
    ("text", "people"),
    [
        ("tom@example.com ann@example ann@example.com", ["tom@example.com", None, "ann@example.com"]),
        (f"@tom tom@example.com {TOM} <@U0TOM00001>", [None, "tom@example.com", TOM, "U0TOM00001"]),
        ("tom@example ann@", [None]),
        ("tom@home <tom@example.com>", ["tom@example.com"]),
        ("tom@example.com manager boss@example.com", [None]),
    ],
)
def test_read_list__misspelt_address_does_not_hide_the_others(text: str, people: list[str | None]) -> None:
    assert named(read_list(text)) == people


@pytest.mark.parametrize(
    "text", ["mailto:", "mailto:?cc=tom@example.com", "mailto:%ff@example.com", "mailto:a@example.com?to=b@example.com"]
)
def test_read_list__refuses_a_link_that_does_not_name_one_person(text: str) -> None:
    assert named(read_list(text)) == [None]


def test_read_list__of_nothing_is_empty() -> None:
    assert read_list(" \n,;\t\r\n") == []


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("header", ["", "Name{0}Email{0}Team\r\n", "#{0}E-Mail-Adresse{0}Team\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_read_csv__finds_the_column_by_its_content(separator: str, header: str, encoding: str) -> None:
    rows = [("Müller, Tom", "tom@example.com", "A"), ('Ann "Annie" Arbor', "ann@example.com", "B")]
    quoted = [[f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row] for row in rows]
    text = header.format(separator) + "\r\n".join(separator.join(row) for row in quoted)
    assert named(read_csv(text.encode(encoding))) == ["tom@example.com", "ann@example.com"]


@pytest.mark.parametrize(
    "text",
    [
        "tom@example.com2", "tom@example.com@evil.org", 'o"brien@example.com', "jane:doe@example.com",
        "corp\\tom@example.com", f"x{TOM}", f"{TOM}-1", f"{'y' * 65}@example.com", "tom@example.com and ann",
    ],
)  # fmt: skip
def test_read_list__takes_no_part_of_an_entry_for_another_person(text: str) -> None:
    assert named(read_list(text)) == [None]


def test_read_csv__refuses_several_columns_of_addresses() -> None:
    """One of them may name the managers."""
    rows = "".join(f"P{one},p{one}@example.com,boss@example.com\n" for one in range(3)) + "P4,,boss@example.com\n"
    with pytest.raises(Denied) as denied:
        read_csv(f"name,email,manager\n{rows}".encode())
    assert denied.value.reason is DenialCode.FILE_COLUMN_UNCLEAR


def test_read_csv__prefers_addresses_to_ids_and_reads_no_other_cell() -> None:
    text = f"id,mail\n{TOM},tom@example.com\n{TOM},\n"
    assert named(read_csv(text.encode())) == ["tom@example.com", None]


def test_read_csv__of_one_column_needs_no_separator() -> None:
    assert named(read_csv(b"tom@example.com\nann@example.com\n")) == ["tom@example.com", "ann@example.com"]


def test_read_csv__keeps_rows_without_a_person() -> None:
    entries = read_csv(b"id,mail\n1,tom@example.com\n2,\n3,tom at example\n")
    assert named(entries) == ["tom@example.com", None, None]
    assert [one.text for one in entries] == ["tom@example.com", "2", "tom at example"]


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r", "\n\n"])
def test_read_csv__reads_line_breaks_in_quotes(line_break: str) -> None:
    note = f'"out,{line_break}""sick"" {line_break}today"'
    text = f'note,mail\n{note},tom@example.com\n,ann@example.com\nx,"{line_break}lea@example.com"\n'
    entries = read_csv(text.encode())
    assert named(entries) == ["tom@example.com", "ann@example.com", "lea@example.com"]


@pytest.mark.parametrize(
    "text",
    [
        'mail,screen\ntom@example.com,5" wide\nann@example.com,6" wide\nlea@example.com,5\n',
        'mail,screen\ntom@example.com,"wide\nann@example.com,6\nlea@example.com,5\n',
        'mail,screen\n"tom@example.com,6\nann@example.com",6"\nlea@example.com,5\n',
        'mail,screen\ntom@example.com,"wide\nann@example.com,6\nlea@example.com,"5"x\n',
    ],
)
def test_read_csv__of_broken_quotes_hides_no_one_below(text: str) -> None:
    assert named(read_csv(text.encode())) == ["tom@example.com", "ann@example.com", "lea@example.com"]


def test_read_csv__of_a_quote_that_is_closed_too_late_hides_no_one_below() -> None:
    rows = "".join(f"p{one}@example.com,1\n" for one in range(200))
    entries = read_csv(f'mail,note\ntom@example.com,"a\n{rows}lea@example.com,"\n'.encode())
    assert len(entries) == 202
    assert all(one.ref for one in entries)


def test_read_csv__takes_no_cell_of_several_lines_for_one_person() -> None:
    entries = read_csv(b'tom@example.com\n"ann@exam\nple.com"\n"a@example.com\nb@example.com"\n')
    assert named(entries) == ["tom@example.com", None, None]


def test_read_csv__does_not_count_the_header() -> None:
    assert len(read_csv(b"mail\n" + b"a@example.com\n" * 20, max_rows=20)) == 20
    for rows in (21, 22):
        with pytest.raises(Denied) as denied:
            read_csv(b"mail\n" + b"a@example.com\n" * rows, max_rows=20)
        assert denied.value.reason is DenialCode.LIST_TOO_LONG
        assert denied.value.params["limit"] == "20"


def test_read_csv__counts_rows_and_not_lines() -> None:
    assert len(read_csv(b"mail,note\n" + b'a@example.com,"1\n2"\n' * 19, max_rows=20)) == 19


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", DenialCode.FILE_WITHOUT_PEOPLE),
        (b"\r\n \n", DenialCode.FILE_WITHOUT_PEOPLE),
        (b"name\ntom\nann", DenialCode.FILE_WITHOUT_PEOPLE),
        (b"PK\x03\x04\x00\x00tom@example.com", DenialCode.FILE_IS_NOT_TEXT),
        (b"\x89PNG\r\n\x1a\n\x00\x00", DenialCode.FILE_IS_NOT_TEXT),
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", DenialCode.FILE_WITHOUT_PEOPLE),
        (b"a@example.com\n" * 21, DenialCode.LIST_TOO_LONG),
    ],
)
def test_read_csv__refuses(data: bytes, code: DenialCode) -> None:
    with pytest.raises(Denied) as denied:
        read_csv(data, max_rows=20)
    assert denied.value.reason is code


def test_read_csv__of_a_name_that_is_long_or_hides_keeps_it_short_and_visible() -> None:
    (entry,) = [one for one in read_csv(f"x@example.com\n{'y' * 5000}\u202e\n".encode()) if not one.ref]
    assert len(entry.text) == MAX_TEXT_LENGTH
    assert "\u202e" not in entry.text


def assert_calls_can_be_built(ref: TargetRef | None) -> None:
    if ref and ref.email:
        requests.search_by_email(ref.email)
    if ref and ref.genesys_user_id:
        requests.get_user(ref.genesys_user_id)


@given(text=st.text(max_size=80) | st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_read_list__takes_any_text(text: str) -> None:
    for one in read_list(text):
        assert one.text
        assert_calls_can_be_built(one.ref)


@pytest.mark.parametrize("seed", range(10))
def test_read_csv__takes_hostile_files(seed: int) -> None:
    """500 files for each seed: random bytes, and random pieces of files."""
    for data in hostile_files(seed, 500):
        try:
            entries = read_csv(data)
        except Denied:
            continue
        for one in entries:
            assert_calls_can_be_built(one.ref)


def texts(entries: list[Written]) -> list[str]:
    return [one.text for one in entries]


def test_read_list__keeps_entries_without_the_space_around_them() -> None:
    entries = read_list(" tom \t;  ann@  \n")
    assert texts(entries) == ["tom", "ann@"]


def test_read_list__splits_only_entries_in_which_each_word_names_a_person() -> None:
    assert texts(read_list("tom@example.com <@U0TOM00001> ann@example.com")) == [
        "tom@example.com", "<@U0TOM00001>", "ann@example.com",
    ]  # fmt: skip
    assert texts(read_list("tom@example.com ann")) == ["tom@example.com ann"]
    assert texts(read_list("tom")) == ["tom"]


def test_read_csv__keeps_a_row_without_any_text_as_a_dash() -> None:
    entries = read_csv(b"mail,note\ntom@example.com,\n\xe2\x80\xae,\n,\xe2\x80\xae\n")
    assert texts(entries)[1:] == ["-", "-"]


@pytest.mark.parametrize("edge", [" ", "\t", '"', "'", "`", "“", "”", "„"])
def test_read_list__ignores_quotes_around_an_address_and_a_name(edge: str) -> None:
    address = f"{edge}tom@example.com{edge}"
    for text in (address, f"Tom <{address}>", f"{edge}Tom <tom@example.com>{edge}"):
        assert named(read_csv(text.encode(), max_rows=1)) == ["tom@example.com"], text


def test_read_list__reads_the_scheme_of_a_link_in_any_case() -> None:
    assert named(read_list("MAILTO:tom@example.com")) == ["tom@example.com"]


def test_read_list__reads_a_mention_only_if_it_is_the_whole_entry() -> None:
    assert named(read_csv(b"<@U0TOM00001>\n <@U0ANN00001> \n<@U0LEA00001> x\n")) == ["U0TOM00001", "U0ANN00001", None]


def test_read_list__reads_a_long_entry_up_to_its_limit() -> None:
    long_names = ["x" * 199, "x" * 200]
    assert [named(read_list(f"{one} <tom@example.com>")) for one in long_names] == [["tom@example.com"], [None]]
    padded = "tom@example.com".rjust(MAX_CELL_LENGTH, "“")
    assert named(read_csv(padded.encode())) == ["tom@example.com"]
    assert named(read_csv(f"ann@example.com\n“{padded}".encode())) == ["ann@example.com", None]
    assert (MAX_CELL_LENGTH, MAX_LINE_LENGTH, MAX_TEXT_LENGTH) == (320, 2000, 200)


@pytest.mark.parametrize("header", ["Email", "E-Mail", "mail address"])
def test_read_csv__drops_a_header(header: str) -> None:
    assert texts(read_csv(f"{header},id\ntom@example.com,1\n".encode())) == ["tom@example.com"]


@pytest.mark.parametrize("row", ["tom@example,Tom", "agent 7,Tom", "tom,7", "7x,x", ",tom@"])
def test_read_csv__keeps_a_first_row_that_is_no_header(row: str) -> None:
    """It names a person whom the bot cannot read."""
    entries = read_csv(f"{row}\ntom@example.com,1\n".encode())
    assert len(entries) == 2
    assert entries[0].ref is None


def test_read_csv__keeps_a_first_row_of_words_that_names_a_person() -> None:
    assert named(read_csv(b"<@UTOMTOMTOM>\n<@UANNANNANN>\n")) == ["UTOMTOMTOM", "UANNANNANN"]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_read_csv__reads_both_byte_orders(encoding: str) -> None:
    assert named(read_csv("\ufefftom@example.com\n".encode(encoding))) == ["tom@example.com"]


@pytest.mark.parametrize(("rows", "limit", "count"), [(21, 20, "21"), (30, 20, "30")])
def test_read_csv__says_how_long_a_list_is(rows: int, limit: int, count: str) -> None:
    with pytest.raises(Denied) as denied:
        read_csv(b"a@example.com\n" * rows, max_rows=limit)
    assert denied.value.params == {"count": count, "limit": str(limit)}


def test_read_csv__reads_as_many_rows_as_slack_accepts_by_default() -> None:
    assert len(read_csv(b"a@b.example\n" * 20_000)) == 20_000
    with pytest.raises(Denied):
        read_csv(b"a@b.example\n" * 20_001)


def test_read_csv__reads_ids_if_no_column_has_addresses() -> None:
    assert named(read_csv(f"id;name\n{TOM};Tom\n".encode())) == [TOM]


def test_read_csv__ignores_lines_of_spaces() -> None:
    assert texts(read_csv(b"tom@example.com\n   \n\t\nann@example.com\n")) == ["tom@example.com", "ann@example.com"]
