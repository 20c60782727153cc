"""Settings that change while a request is pending only make it stricter, on one replica or on several.

The first replica has the settings of before, the second those of after. Each decides the clicks that it gets.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.sandbox import personas
from tests.support.postgres import Server
from tests.support.replicas import Replicas, start_replicas
from tests.support.schema import put_database

BEFORE, AFTER = 0, 1
DONE = "Revoked: all sessions of Tom Target"
RULES_CHANGED = "not under the rules that applied when this request was made"


@asynccontextmanager
async def start(folder: Path, before: Mapping[str, str], after: Mapping[str, str]) -> AsyncIterator[Replicas]:
    """Start two replicas with different settings on one SQLite file."""
    put_database(folder / "bot.db")
    url = f"sqlite:///{folder / 'bot.db'}"
    async with start_replicas(folder, url, url, each=(before, after)) as started:
        yield started


@dataclass(frozen=True)
class Change:
    """A change of a setting, and the clicks after it, each with a part of the reply; the last one counts."""

    before: Mapping[str, str]
    after: Mapping[str, str]
    denied: Mapping[str, str]
    approver: str = personas.BEN
    requester: str = personas.RAVI


BEN_ONLY = {"APPROVERS": personas.BEN}
BEN_AND_NADIA = {"APPROVERS": f"{personas.BEN},{personas.NADIA}"}
ASK, SELF = {"SELF_APPROVAL": "false"}, {"SELF_APPROVAL": "true"}

CHANGES = {
    "approver added": Change(BEN_ONLY, BEN_AND_NADIA, {personas.NADIA: RULES_CHANGED}),
    "approver removed": Change(BEN_AND_NADIA, BEN_ONLY, {personas.NADIA: "You can't approve this request."}),
    "self-approval allowed": Change(ASK, SELF, {personas.OLIVIA: RULES_CHANGED}, requester=personas.OLIVIA),
    "self-approval forbidden": Change(
        SELF, ASK, {personas.OLIVIA: "You requested this yourself"}, requester=personas.OLIVIA
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_click__counts_under_the_rules_of_both_times_only(tmp_path: Path, change: Change) -> None:
    async with start(tmp_path, change.before, change.after) as bot:
        card = await bot.request_card(change.requester, "revoke @tom", BEFORE)
        for who, reply in change.denied.items():
            assert (await bot.click(who, card, AFTER)).status == 200
            message = await bot.wait_for_message(reply)
            assert "*Nothing was changed.*" in bot.slack.text_of(message)
        await bot.wait_until_idle()
        assert bot.deletes == []

        await bot.click(change.approver, card, AFTER)
        await bot.wait_for_message(DONE, personas.AUDIT)
        await bot.wait_until_idle()
        assert len(bot.deletes) == 1
        assert await bot.audit_tags() == ["request:asked", "click:refused", "request:approved", "token:revoked"]


TOM_PROTECTED = {"PROTECTED": personas.TOM}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param({"PROTECTED": ""}, TOM_PROTECTED, id="added"),
        pytest.param(TOM_PROTECTED, {"PROTECTED": ""}, id="removed"),
    ],
)
async def test_protection__at_either_time_needs_two_approvals(
    tmp_path: Path, before: Mapping[str, str], after: Mapping[str, str]
) -> None:
    async with start(tmp_path, before, after) as bot:
        card = await bot.request_card(personas.RAVI, "revoke @tom", BEFORE)
        await bot.click(personas.BEN, card, AFTER)
        await bot.wait_for_message(f"1 of 2 approvals (<@{personas.BEN}>)")
        await bot.wait_until_idle()
        assert bot.deletes == []

        await bot.click(personas.OLIVIA, card, AFTER)
        await bot.wait_for_message(DONE, personas.AUDIT)
        assert len(bot.deletes) == 1


ONE, TWO = {"APPROVALS_REQUIRED": "1"}, {"APPROVALS_REQUIRED": "2"}


@pytest.mark.parametrize(
    ("before", "after"), [pytest.param(ONE, TWO, id="raised"), pytest.param(TWO, ONE, id="lowered")]
)
@pytest.mark.parametrize("requester", [personas.RAVI, personas.OLIVIA])
async def test_number_of_approvals__that_changes_is_the_higher_one(
    tmp_path: Path, before: dict[str, str], after: dict[str, str], requester: str
) -> None:
    """The requester does not count either, although one of the rules lets Olivia approve alone."""
    three = {"APPROVERS": f"{personas.BEN},{personas.NADIA},{personas.OLIVIA}"}
    async with start(tmp_path, three | before, three | after) as bot:
        card = await bot.request_card(requester, "revoke @tom", BEFORE)
        if requester == personas.OLIVIA:
            await bot.click(personas.OLIVIA, card, AFTER)
            await bot.wait_for_message("You requested this yourself. It needs the approval of two other approvers.")
        await bot.click(personas.BEN, card, AFTER)
        await bot.wait_for_message(f"1 of 2 approvals (<@{personas.BEN}>)")
        await bot.click(personas.BEN, card, AFTER)
        await bot.wait_for_message("You have already approved this request")
        await bot.wait_until_idle()
        assert bot.deletes == []

        await bot.click(personas.NADIA, card, AFTER)
        await bot.wait_for_message(DONE, personas.AUDIT)
        assert len(bot.deletes) == 1


async def test_first_approval__of_a_person_who_is_removed_before_the_second_is_dropped(tmp_path: Path) -> None:
    three = {"APPROVERS": f"{personas.BEN},{personas.NADIA},{personas.OLIVIA}"} | TOM_PROTECTED
    two = {"APPROVERS": f"{personas.BEN},{personas.OLIVIA}"} | TOM_PROTECTED
    async with start(tmp_path, three, two) as bot:
        card = await bot.request_card(personas.RAVI, "revoke @tom", BEFORE)
        await bot.click(personas.NADIA, card, BEFORE)
        await bot.wait_for_message(f"1 of 2 approvals (<@{personas.NADIA}>)")
        await bot.click(personas.BEN, card, AFTER)
        await bot.wait_for_message(f"1 of 2 approvals (<@{personas.BEN}>)")
        await bot.wait_until_idle()
        assert f"The approval of <@{personas.NADIA}> no longer counts" in bot.slack.text_of(card)
        assert bot.deletes == []


async def other_rules(bot: Replicas, replica: int) -> str:
    """Return the metric of a replica."""
    async with bot.session.get(f"{bot.url(replica)}/metrics") as response:
        lines = (await response.text()).splitlines()
    return next(line for line in lines if line.startswith("purecloud_bot_requests_under_other_rules_total"))


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.heavy)])
async def test_replicas__with_different_approvers_apply_neither_list_alone(
    request: pytest.FixtureRequest, tmp_path: Path, database: str
) -> None:
    """Whichever replica makes the request, and whichever gets the click: only Ben is an approver on both."""
    nadia = {"APPROVERS": f"{personas.BEN},{personas.NADIA}"}
    olivia = {"APPROVERS": f"{personas.OLIVIA},{personas.BEN}"}
    if database == "postgresql":
        server: Server = request.getfixturevalue("postgres")
        async with server.database() as url, start_replicas(tmp_path, url, url, each=(nadia, olivia)) as bot:
            await never_laxer(bot)
        return
    async with start(tmp_path, nadia, olivia) as bot:
        await never_laxer(bot)


def denied_by_the_other_rules(bot: Replicas) -> list[str | None]:
    """Return the people who got the reply that the rules have changed."""
    return [one.only_for for one in bot.slack.messages if RULES_CHANGED in bot.slack.text_of(one)]


async def never_laxer(bot: Replicas) -> None:
    """Let everyone click on the card of each replica through the other one, and Ben last."""
    for replica in (0, 1):
        card = await bot.request_card(personas.RAVI, f"revoke @tom made by {replica}", replica)
        for who in (personas.NADIA, personas.OLIVIA):
            await bot.click(who, card, 1 - replica)
        await bot.wait_until_idle()
        assert denied_by_the_other_rules(bot) == [personas.OLIVIA, personas.NADIA][: replica + 1]
        assert len(bot.deletes) == replica

        await bot.click(personas.BEN, card, 1 - replica)
        await bot.wait_until_idle()
        assert len(bot.deletes) == replica + 1
        assert (await other_rules(bot, 1 - replica)).endswith(" 1.0")


async def test_replicas__with_equal_settings_see_no_other_rules(tmp_path: Path) -> None:
    one = {"APPROVERS": f"{personas.BEN},{personas.OLIVIA}"}
    two = {"APPROVERS": f"{personas.OLIVIA}, {personas.BEN},"}
    async with start(tmp_path, one, two) as bot:
        card = await bot.request_card(personas.RAVI, "revoke @tom", 0)
        await bot.click(personas.BEN, card, 1)
        await bot.wait_for_message(DONE, personas.AUDIT)
        assert (await other_rules(bot, 1)).endswith(" 0.0")
