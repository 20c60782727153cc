"""Blocks stay within Slack's limits whatever text they contain."""

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
def test_truncate__keeps_to_the_limit_and_is_never_empty(text: str, shown: str) -> None:
    assert blocks.truncate(text, 5) == shown


@given(text=TEXTS)
def test_blocks__are_accepted_by_slack_with_any_text(text: str) -> None:
    message = blocks.message(
        text,
        blocks.header(text),
        blocks.section(text),
        blocks.plain_section(text),
        blocks.context(text, None, text),
        blocks.actions("id", blocks.button(text, "go", "id", confirm=blocks.confirm(text, text, text, text))),
        None,
    )

    assert [problem for problem in problems(message) if not problem.startswith("text: ")] == []


@given(text=st.text())
@example(text="&lt;!channel&gt; & <!here>")
def test_escape__removes_markup_and_keeps_the_text(text: str) -> None:
    escaped = blocks.escape(text)

    assert not {"<", ">"} & set(escaped)
    assert escaped.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == text


def test_text__has_no_hidden_character_and_slack_adds_no_mention_or_link() -> None:
    hostile = "Tom\u202e <!channel> @here\x1b"
    for text in (blocks.plain(hostile), blocks.mrkdwn(blocks.escape(hostile))):
        assert "\u202e" not in text["text"]
        assert "\x1b" not in text["text"]
    assert blocks.mrkdwn("@here https://evil.example")["verbatim"] is True
    assert blocks.message(hostile)["text"].startswith("Tom <")
    assert blocks.user_mention("U1> <!channel") == "<@U1&gt; &lt;!channel>"
    assert blocks.channel_mention("C1> <!channel") == "<#C1&gt; &lt;!channel>"


def test_foreign_value__is_short_and_cannot_leave_its_backticks() -> None:
    assert blocks.foreign_value("It\nfailed\u200b.") == "It failed"
    assert blocks.foreign_mrkdwn("a` *b* <!here>") == "a' *b* &lt;!here&gt;"
    assert len(blocks.foreign_value("x" * 5000)) == blocks.MAX_VALUE_LENGTH
    assert blocks.foreign_mrkdwn("&" * 5000) == "&amp;" * 49 + "…"


def test_shorten__cuts_an_emoji_before_its_invisible_part() -> None:
    assert blocks.shorten("👩\u200d🚒🚒", 3) == "👩…"


def test_local_time__falls_back_to_utc() -> None:
    assert (
        blocks.local_time(NOON + 0.9)
        == f"<!date^{int(NOON)}^{{date_short_pretty}} {{time_secs}}|2026-06-21 12:00:00 UTC>"
    )
