"""The pieces of Block Kit keep to Slack's limits whatever is put into them."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.sandbox.slack.block_kit import problems
from handlers.ui import blocks
from tests.support.examples import NOON

TEXTS = st.text(max_size=40) | st.integers(0, 5).map(lambda power: "<&" * 10**power)


@pytest.mark.parametrize(
    ("text", "shown"), [("", "-"), ("abcd", "abcd"), ("abcde", "abcde"), ("abcdef", "abcd…"), ("🚨" * 6, "🚨🚨🚨🚨…")]
)
def test_cut__keeps_to_the_limit_and_is_never_empty(text: str, shown: str) -> None:
    assert blocks.cut(text, 5) == shown


@given(text=TEXTS)
def test_blocks__whatever_they_are_given_slack_takes_them(text: str) -> None:
    message = blocks.message(
        text,
        blocks.header(text),
        blocks.section(text),
        blocks.quote(text),
        blocks.facts([(text, text), ("Label", text), ("Empty", None)]),
        blocks.facts([("Nothing", None)]),
        blocks.context(text, None, text),
        blocks.actions("id", blocks.button(text, "go", "id", confirm=blocks.confirm(text, text, text, text))),
        None,
    )

    assert [problem for problem in problems(message) if not problem.startswith("text: a top-level")] == []


@given(text=st.text())
@example(text="&lt;!channel&gt; & <!here>")
def test_escape__leaves_no_markup_and_loses_nothing(text: str) -> None:
    escaped = blocks.escape(text)

    assert not {"<", ">"} & set(escaped)
    assert escaped.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == text


def test_facts__shows_five_rows_and_leaves_out_what_is_not_known() -> None:
    found = blocks.facts([("a", "1"), ("b", None), ("c", ""), *((str(number), "x") for number in range(9))])

    assert [cell["text"] for cell in found["fields"]] == ["*a*", "1", "*0*", "x", "*1*", "x", "*2*", "x", "*3*", "x"]


def test_moment__shows_the_readers_own_time_and_where_it_cannot_universal_time() -> None:
    assert (
        blocks.moment(NOON + 0.9) == f"<!date^{int(NOON)}^{{date_short_pretty}} {{time_secs}}|2026-06-21 12:00:00 UTC>"
    )


def test_bullets__one_line_each() -> None:
    assert blocks.bullets(["one", "two"]) == "•  one\n•  two"
