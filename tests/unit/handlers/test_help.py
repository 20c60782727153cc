"""Help tells a person what they themselves can do, and no more."""

from __future__ import annotations

import pytest
from syrupy.assertion import SnapshotAssertion

from bot.domain.people import Principal, PrincipalKind
from bot.domain.policy import DenialCode
from bot.sandbox.slack.block_kit import problems
from bot.services.requesting import Permissions
from handlers import help as helping
from handlers.commands import COMMANDS
from tests.support.render_text import buttons, readable, texts
from tests.support.sample_outcomes import HOSTILE
from tests.support.stub_service import INVOKER, StubService

RULE = Principal(PrincipalKind.GROUP, "S0TOKENAPP")
PEOPLE = {
    "nobody": Permissions(),
    "guest": Permissions(against=DenialCode.GUEST),
    "requester": Permissions(ask=RULE),
    "requester, not all could be read": Permissions(ask=RULE, unread=("user group S0X (ratelimited)",)),
    "approver": Permissions(ask=RULE, confirm=RULE),
    "approver of others": Permissions(ask=RULE, confirm=RULE, self_approval=False),
    "confirms alone": Permissions(confirm=RULE),
    "admin": Permissions(ask=RULE, confirm=RULE, administer=RULE),
}


@pytest.mark.parametrize("who", PEOPLE)
async def test_help__tells_each_what_they_can_do(who: str, snapshot: SnapshotAssertion) -> None:
    message = await helping.answer(INVOKER, "", StubService(PEOPLE[who]))

    assert readable(message) == snapshot
    assert problems(message) == []
    assert buttons(message) == []


@pytest.mark.parametrize("who", PEOPLE)
async def test_help__offers_no_command_to_who_may_not_use_it(who: str) -> None:
    can = PEOPLE[who]
    offered = "\n".join(helping.commands_for(can))

    assert ("/purecloud revoke" in offered) == bool(can.ask)
    assert ("/purecloud rotate" in offered) == bool(can.administer)


def test_help__shows_every_command_to_who_may_do_everything() -> None:
    offered = "\n".join(helping.commands_for(PEOPLE["admin"]))

    assert all(f"`/purecloud {verb}" in offered for verb in COMMANDS)


async def test_help__names_the_unknown_word_first_and_the_nearest_one(snapshot: SnapshotAssertion) -> None:
    message = await helping.answer(INVOKER, "", StubService(), unknown="revok", nearest="revoke")

    assert readable(message) == snapshot


async def test_help__shows_hostile_words_and_failed_checks_harmless() -> None:
    for words in HOSTILE:
        can = Permissions(unread=(words,))
        message = await helping.answer(INVOKER, "", StubService(can), unknown=words, nearest=None)

        assert problems(message) == []
        assert not any(call in "".join(texts(message, "mrkdwn")) for call in ("<!", "<@", "<http"))
