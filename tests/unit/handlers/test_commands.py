"""The first word chooses the use case, in any case and spacing; any other word is answered with the nearest."""

from __future__ import annotations

import pytest

from bot.domain.policy import DenialCode, Denied
from bot.sandbox.slack.block_kit import problems
from bot.services.requesting import TargetRef
from handlers import commands
from handlers.commands import COMMANDS, nearest
from tests.support.examples import RAVI
from tests.support.render_text import texts, words
from tests.support.sample_outcomes import HOSTILE
from tests.support.stub_service import INVOKER, StubService

TOM = TargetRef(member="U0TOM00001")


@pytest.mark.parametrize(
    ("typed", "wanted", "reason"),
    [
        ("revoke <@U0TOM00001> laptop stolen", TOM, "laptop stolen"),
        ("REVOKE <@U0TOM00001>", TOM, ""),
        ("  Revoke\u00a0<@U0TOM00001|tom>\u00a0 laptop\n\tstolen  ", TOM, "laptop stolen"),
        ("revoke U0TOM00001 revoke rotate help", TOM, "revoke rotate help"),
    ],
)
async def test_commands__revoke_asks_for_one_person_with_a_reason(typed: str, wanted: TargetRef, reason: str) -> None:
    service = StubService()

    assert await commands.run(INVOKER, typed, service) is None
    assert service.asked == [("revoke", RAVI, wanted, reason)]


@pytest.mark.parametrize("typed", ["rotate", " ROTATE ", "rotate now please"])
async def test_commands__rotate_asks_for_a_new_token_whatever_follows(typed: str) -> None:
    service = StubService()

    assert await commands.run(INVOKER, typed, service) is None
    assert service.asked == [("rotate", RAVI)]


async def test_commands__revoke_without_a_person_asks_nothing() -> None:
    service = StubService()

    with pytest.raises(Denied) as refused:
        await commands.run(INVOKER, "revoke", service)

    assert refused.value.reason is DenialCode.TARGET_MISSING
    assert service.asked == []


@pytest.mark.parametrize("typed", ["", "   ", "\u00a0", "help", "HELP me"])
async def test_commands__nothing_typed_is_help(typed: str) -> None:
    service = StubService()

    message = await commands.run(INVOKER, typed, service)

    assert message
    assert "I do not know" not in words(message)
    assert service.asked == [("abilities", RAVI)]


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        *((name, name) for name in COMMANDS),
        ("revok", "revoke"),
        ("REVOKEE", "revoke"),
        ("rotat", "rotate"),
        ("who", "whoami"),
        ("hlep", "help"),
        ("xyzzy", None),
        ("", None),
        ("<@U0TOM00001>", None),
    ],
)
def test_nearest__finds_the_word_that_was_probably_meant(word: str, meant: str | None) -> None:
    assert nearest(word) == meant


@pytest.mark.parametrize(
    ("typed", "hint"), [("revok <@U0TOM00001>", "Did you mean `/purecloud revoke`?"), ("xyzzy", "")]
)
async def test_commands__an_unknown_word_does_nothing_and_is_answered_with_the_nearest(typed: str, hint: str) -> None:
    service = StubService()

    message = await commands.run(INVOKER, typed, service)

    assert message
    said = words(message)
    assert f"I do not know `{typed.split(maxsplit=1)[0].replace('<', '&lt;').replace('>', '&gt;')}`" in said
    assert "Nothing was changed." in said
    assert hint in said
    assert ("Did you mean" in said) == bool(hint)
    assert service.asked == [("abilities", RAVI)]


@pytest.mark.parametrize("typed", [one for one in HOSTILE if one.strip()], ids=range(8))
async def test_commands__an_unknown_word_is_repeated_harmless_and_short(typed: str) -> None:
    message = await commands.run(INVOKER, typed, StubService())

    assert message
    assert problems(message) == []
    assert not any(call in "".join(texts(message, "mrkdwn")) for call in ("<!", "<@", "<http"))
