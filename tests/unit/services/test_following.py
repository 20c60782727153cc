"""Following: commands for one target that are processed at once make one request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.db.jobs import JobKind
from bot.domain.commands import Invoker, TargetRef
from bot.domain.principals import parse_principals
from bot.sandbox import personas
from tests.support.components import Components, open_components
from tests.support.database import tags

TOM = TargetRef(slack_user_id=personas.TOM)


@pytest.fixture
async def components(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        yield opened


def invoker(user_id: str) -> Invoker:
    return Invoker(user_id, "T0HOME0001", personas.OPS, f"trigger of {user_id}")


async def test_process__commands_at_once_make_one_request_and_followers(components: Components) -> None:
    jobs = [await components.command(invoker(one), TOM) for one in (personas.RAVI, personas.OLIVIA, personas.BEN)]
    service = components.requests()

    results = await asyncio.gather(*(service.process(job) for job in jobs))

    kinds = sorted(one.kind for result in results for one in result.follow_up)
    assert kinds == [JobKind.CARD, JobKind.REPLY, JobKind.REPLY]
    assert await tags(components.store) == ["request:asked", "request:followed", "request:followed"]


@pytest.mark.parametrize("reason", ["", "laptop stolen"])
async def test_process__follower_learns_whether_the_request_has_their_reason(
    components: Components, reason: str
) -> None:
    await components.requests().process(await components.command(invoker(personas.RAVI), TOM))

    result = await components.requests().process(await components.command(invoker(personas.OLIVIA), TOM, reason=reason))

    params = result.follow_up[0].payload["params"]
    assert (params["own"], params["reasoned"]) == (False, bool(reason))


@pytest.mark.parametrize(
    ("by", "reason", "keeps"),
    [
        (personas.RAVI, "phished", True),
        (personas.RAVI, "laptop stolen", False),
        (personas.RAVI, "", False),
        (personas.OLIVIA, "phished", False),
    ],
)
async def test_process__requester_with_another_reason_learns_that_the_request_keeps_the_first(
    components: Components, by: str, reason: str, keeps: bool
) -> None:
    first = Invoker(personas.RAVI, "T0HOME0001", personas.OPS, "the first trigger")
    await components.requests().process(await components.command(first, TOM, reason="laptop stolen"))

    result = await components.requests().process(await components.command(invoker(by), TOM, reason=reason))

    assert result.follow_up[0].payload["params"]["keeps_reason"] is keeps


async def test_process__request_that_a_new_approver_could_not_approve_is_not_followed(components: Components) -> None:
    await components.requests().process(await components.command(invoker(personas.RAVI), TOM))
    others = parse_principals(f"{personas.TOKEN_APPROVERS},{personas.NADIA}")

    job = await components.command(invoker(personas.BEN), TOM)
    await components.requests(approvers=others).process(job)

    assert await tags(components.store) == ["request:asked", "request:asked"]
