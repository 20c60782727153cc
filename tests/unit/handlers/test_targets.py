"""Targets: every way to write one person; two people in one line are never one.

`tests/data/commands.tsv` has many more lines.
"""

from __future__ import annotations

import html

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.domain.commands import TargetRef
from bot.domain.denials import DenialCode, Denied
from handlers.targets import read_line
from handlers.words import normalize

TOM = TargetRef(slack_user_id="U0TOM00001")
TOM_BY_EMAIL = TargetRef(email="tom.target@example.com")
TOM_IN_GENESYS = TargetRef(genesys_user_id="6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09")

ONE = {
    "<@U0TOM00001>": TOM,
    "<@U0TOM00001|tom>": TOM,
    "<@W0TOM00001|>": TargetRef(slack_user_id="W0TOM00001"),
    "U0TOM00001": TOM,
    "tom.target@example.com": TOM_BY_EMAIL,
    "Tom.Target@Example.COM": TOM_BY_EMAIL,
    "<mailto:tom.target@example.com|tom.target@example.com>": TOM_BY_EMAIL,
    "<mailto:tom.target@example.com>": TOM_BY_EMAIL,
    "tom+slack@sub.example.co.uk": TargetRef(email="tom+slack@sub.example.co.uk"),
    "<mailto:o'tom@example.com|o'tom@example.com>": TargetRef(email="o'tom@example.com"),
    "zoë@bücher.example": TargetRef(email="zoë@bücher.example"),
    "6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09": TOM_IN_GENESYS,
    "6F1C0B1E-52D0-4D0C-9D0E-0A1B2C3D4E09": TOM_IN_GENESYS,
}
"""The ways to write one person."""


@pytest.mark.parametrize(("text", "target"), list(ONE.items()))
@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{}", ""),
        ("{} laptop stolen", "laptop stolen"),
        ("{}, laptop stolen", "laptop stolen"),
        ("{}: laptop - stolen", "laptop - stolen"),
        ("{} - laptop stolen", "laptop stolen"),
        ('"{}" "laptop stolen"', "laptop stolen"),
        ("“{}” “laptop stolen”", "laptop stolen"),
        ("‘{}’ laptop stolen", "laptop stolen"),  # noqa: RUF001 - Slack on a phone types curly ones
        ("{} r&amp;d laptop &lt;stolen&gt;", "r&d laptop <stolen>"),
        ("{} in <#C0OPS00001|ops>, 100% sure 🚨", "in #ops, 100% sure 🚨"),
        ("{} twice: {}", "twice:"),
    ],
)
def test_read_line__one_person_with_or_without_a_reason(text: str, target: TargetRef, line: str, reason: str) -> None:
    assert read_line(line.replace("{}", text)) == (target, reason)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", DenialCode.TARGET_MISSING),
        ("   ", DenialCode.TARGET_MISSING),
        ("@tom", DenialCode.TARGET_IS_A_PLAIN_NAME),
        ("@tom laptop stolen", DenialCode.TARGET_IS_A_PLAIN_NAME),
        ('"@tom" laptop stolen', DenialCode.TARGET_IS_A_PLAIN_NAME),
        ("<!here>", DenialCode.TARGET_IS_A_GROUP),
        ("<!channel|channel> all of them", DenialCode.TARGET_IS_A_GROUP),
        ("<!everyone>", DenialCode.TARGET_IS_A_GROUP),
        ("<!subteam^S0AGENTS01|@agents>", DenialCode.TARGET_IS_A_GROUP),
        ("<@U0TOM00001> and <!subteam^S0AGENTS01>", DenialCode.TARGET_IS_A_GROUP),
        ("<#C0OPS00001|ops>", DenialCode.TARGET_IS_A_CHANNEL),
        ("tom", DenialCode.TARGET_UNREADABLE),
        ("laptop of <@U0TOM00001> stolen", DenialCode.TARGET_UNREADABLE),
        ("tom@localhost", DenialCode.TARGET_IS_NO_ADDRESS),
        ("U0TOM", DenialCode.TARGET_UNREADABLE),
        ("UNAUTHORIZED", DenialCode.TARGET_UNREADABLE),
        ("u0tom00001", DenialCode.TARGET_UNREADABLE),
        ("xU0TOM00001", DenialCode.TARGET_UNREADABLE),
        ("@tom.target@example.com", DenialCode.TARGET_IS_NO_ADDRESS),
        ("S0AGENTS01", DenialCode.TARGET_UNREADABLE),
        ("6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e0", DenialCode.TARGET_UNREADABLE),
        ("6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09-00", DenialCode.TARGET_UNREADABLE),
        ("00-6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09", DenialCode.TARGET_UNREADABLE),
        ("<https://example.com/U0TOM00001|U0TOM00001>", DenialCode.TARGET_UNREADABLE),
        ("&lt;@U0TOM00001&gt;", DenialCode.TARGET_IS_A_PLAIN_NAME),
    ],
)
def test_read_line__without_a_person_is_denied_with_the_reason(line: str, reason: DenialCode) -> None:
    with pytest.raises(Denied) as denied:
        read_line(line)

    assert denied.value.reason is reason


MENTIONS = ["<@U0ANN00001>", "ann@example.com", "<mailto:ann@example.com|ann>"]
IDS = ["U0ANN00001", "6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e10"]
SECOND = [*MENTIONS, "@ann", *IDS]
LISTED = [" ", ", ", " and ", " &amp; ", " - ", '" "', " (", " /"]


def assert_two_people(line: str) -> None:
    with pytest.raises(Denied) as denied:
        read_line(line)

    assert denied.value.reason is DenialCode.SEVERAL_TARGETS
    assert denied.value.params["count"] == "2"


@pytest.mark.parametrize("second", MENTIONS)
@pytest.mark.parametrize("between", [*LISTED, " laptop stolen, seen by ", " (reported by:", " 3fa85f64 "])
def test_read_line__mention_or_address_of_a_second_person_is_denied(second: str, between: str) -> None:
    for first in ONE:
        assert_two_people(first + between + second)


@pytest.mark.parametrize("between", LISTED)
def test_read_line__list_of_plain_names_or_ids_is_denied(between: str) -> None:
    for first, target in ONE.items():
        assert_two_people(first + between + "@ann")
        if not (first.startswith("<") or target.email):
            for second in IDS:
                assert_two_people(first + between + second)


@pytest.mark.parametrize("word", [*IDS, "@ann", "WS0012345678", "UPS1Z999AA10", "https://medium.com/@evil/post"])
def test_read_line__id_link_or_plain_name_in_the_reason_is_a_word(word: str) -> None:
    for first, target in ONE.items():
        assert read_line(f"{first} stolen {word} at noon") == (target, f"stolen {word} at noon")


@pytest.mark.parametrize("word", [*IDS, "WS0012345678", "UPS1Z999AA10", "https://medium.com/@evil/post"])
def test_read_line__id_or_link_after_a_mention_or_address_is_a_word(word: str) -> None:
    for first in ("<@U0TOM00001>", "tom.target@example.com"):
        assert read_line(f"{first} {word}") == (ONE[first], word)


def test_read_line__me_is_the_person_who_typed() -> None:
    me = TargetRef(slack_user_id="U0RAVI0001")
    assert read_line("me laptop stolen", me="U0RAVI0001") == (me, "laptop stolen")
    with pytest.raises(Denied) as denied:
        read_line("me laptop stolen")
    assert denied.value.reason is DenialCode.TARGET_UNREADABLE


def test_read_line__denial_names_what_a_mailto_link_contains() -> None:
    with pytest.raises(Denied) as denied:
        read_line("<mailto:a@b@example.com|Tom>")

    assert (denied.value.reason, denied.value.params) == (DenialCode.TARGET_IS_NO_ADDRESS, {"word": "a@b@example.com"})


@pytest.mark.parametrize("second", SECOND)
@pytest.mark.parametrize("glue", [",", ";", "/", "|", "+", "&amp;", "-", ":", ".", "=", ""])
def test_read_line__two_people_without_a_space_are_never_one_of_them(second: str, glue: str) -> None:
    ann = [
        TargetRef(slack_user_id="U0ANN00001"),
        TargetRef(email="ann@example.com"),
        TargetRef(genesys_user_id=SECOND[-1]),
    ]
    for first, tom in ONE.items():
        try:
            target, _ = read_line(first + glue + second)
        except Denied:
            continue
        assert target not in [tom, *ann]


def test_read_line__denial_names_the_people_as_they_were_written() -> None:
    with pytest.raises(Denied) as denied:
        read_line("<@U0TOM00001|tom> <mailto:ann@example.com|ann@example.com> @ben u@x.org v@x.org w@x.org")

    assert denied.value.params == {"count": "6", "names": "@tom, ann@example.com, @ben, u@x.org, v@x.org …"}


def test_read_line__denial_quotes_a_word_truncated_and_without_backticks() -> None:
    with pytest.raises(Denied) as denied:
        read_line("`" + "x" * 900 + " more")

    assert denied.value.params["word"] == "'" + "x" * 79


FRAGMENTS = [*ONE, *SECOND, "<!here>", "<#C0OPS00001|ops>", "&amp;", "&lt;", "<", ">", "@", "|", '"', "“", "’", "`"]  # noqa: RUF001
LINES = st.lists(
    st.sampled_from([*FRAGMENTS, " ", "\u00a0", "-", ",", "stolen", "🚨"]) | st.text(max_size=4), max_size=8
)


@given(parts=LINES)
@example(parts=["<@U0TOM00001>", "<@U0ANN00001>"])
def test_read_line__any_line_is_denied_or_names_one_person_in_it(parts: list[str]) -> None:
    line = "".join(parts)
    try:
        target, reason = read_line(line)
    except Denied:
        return

    names = [name for name in (target.slack_user_id, target.email, target.genesys_user_id) if name]
    assert len(names) == 1
    assert names[0].lower() in normalize(html.unescape(line)).lower()
    assert reason == reason.strip()
