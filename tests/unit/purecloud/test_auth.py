"""One token for everybody: asked for before use, renewed in one flight, harmed by nobody's failure."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from bot.purecloud import GenesysLoginFailed, Limits, LoginCause
from bot.sandbox.genesys.server import CLIENT, LOGIN_RATE_LIMITED, GenesysFault

if TYPE_CHECKING:
    from tests.unit.purecloud.conftest import AppHarness


def token_body(expires_in: object) -> dict[str, object]:
    return {"access_token": "opaque", "token_type": "bearer", "expires_in": expires_in}


async def test_token__is_taken_once_and_kept(world: AppHarness) -> None:
    auth = world.purecloud.auth

    assert await auth.token() is await auth.token()
    assert world.asked("login") == [200]


async def test_token__fifty_at_once_make_one_login(world: AppHarness) -> None:
    tokens = await asyncio.gather(*(world.purecloud.auth.token() for _ in range(50)))

    assert {token.generation for token in tokens} == {1}
    assert world.asked("login") == [200]


@pytest.mark.parametrize(("lifetime", "margin"), [(86400, 60), (300, 30)])
async def test_token__is_renewed_shortly_before_its_end(world: AppHarness, lifetime: int, margin: int) -> None:
    world.genesys.state.clients[CLIENT.id].token_lifetime = lifetime
    first = await world.purecloud.auth.token()
    assert first.expires_at == world.clock.now + lifetime

    world.clock.now += lifetime - margin - 1
    assert await world.purecloud.auth.token() is first
    world.clock.now += 1
    assert (await world.purecloud.auth.token()).generation == 2
    assert world.asked("login") == [200, 200]


@pytest.mark.parametrize("expires_in", [None, 0, -5])
async def test_token__of_unknown_lifetime_is_trusted_for_the_shortest(world: AppHarness, expires_in: object) -> None:
    world.genesys.fault("login", GenesysFault(status=200, body=token_body(expires_in)))

    assert (await world.purecloud.auth.token()).expires_at == world.clock.now + 300


async def test_renewed__takes_a_new_one_only_for_the_generation_in_use(world: AppHarness) -> None:
    auth = world.purecloud.auth
    first = await auth.token()

    second = await auth.renewed(first.generation)
    assert second.generation == 2
    assert second.value != first.value
    assert await auth.renewed(first.generation) is second
    assert world.asked("login") == [200, 200]


async def test_renewed__fifty_at_once_make_one_login(world: AppHarness) -> None:
    first = await world.purecloud.auth.token()

    renewed = await asyncio.gather(*(world.purecloud.auth.renewed(first.generation) for _ in range(50)))

    assert {token.generation for token in renewed} == {2}
    assert world.asked("login") == [200, 200]


async def test_forget__drops_the_token_in_use_and_no_later_one(world: AppHarness) -> None:
    auth = world.purecloud.auth
    first = await auth.token()
    second = await auth.renewed(first.generation)

    auth.forget(first.generation)
    assert await auth.token() is second
    auth.forget(second.generation)
    assert (await auth.token()).generation == 3


async def test_failure__is_everybodys_who_waited_and_nobodys_who_comes_later(world: AppHarness) -> None:
    world.genesys.fault(
        "login", GenesysFault(status=400, body={"error": "invalid_client", "description": "client not found"})
    )

    outcomes = await asyncio.gather(*(world.purecloud.auth.token() for _ in range(50)), return_exceptions=True)

    assert {type(outcome) for outcome in outcomes} == {GenesysLoginFailed}
    assert len({id(outcome) for outcome in outcomes}) == 50
    assert {outcome.cause for outcome in outcomes if isinstance(outcome, GenesysLoginFailed)} == {
        LoginCause.CLIENT_NOT_FOUND
    }
    assert world.asked("login") == [400]

    assert (await world.purecloud.auth.token()).generation == 1
    assert world.asked("login") == [400, 200]


async def test_failure__of_an_early_renewal_uses_up_the_old_token(world: AppHarness) -> None:
    auth = world.purecloud.auth
    first = await auth.token()
    world.clock.now = first.expires_at - 50
    world.genesys.fault("login", GenesysFault(status=500))

    assert [*await asyncio.gather(auth.token(), auth.token())] == [first, first]
    assert world.asked("login") == [200, 500]

    world.clock.now = first.expires_at
    assert (await auth.token()).generation == 2


async def test_failure__of_a_demanded_renewal_gives_the_old_token_to_nobody(world: AppHarness) -> None:
    first = await world.purecloud.auth.token()
    world.genesys.fault("login", GenesysFault(status=500))

    with pytest.raises(GenesysLoginFailed):
        await world.purecloud.auth.renewed(first.generation)
    assert await world.purecloud.auth.token() is first


async def test_cancellation__of_the_one_who_flies_leaves_the_flight_to_the_next(world: AppHarness) -> None:
    world.genesys.fault("login", GenesysFault(until=asyncio.Event()))
    flying = asyncio.create_task(world.purecloud.auth.token())
    waiting = [asyncio.create_task(world.purecloud.auth.token()) for _ in range(3)]
    await world.genesys.wait_for_request("login")

    flying.cancel()
    tokens = await asyncio.gather(*waiting)

    assert flying.cancelled() or flying.cancelling()
    assert {token.generation for token in tokens} == {1}
    assert world.asked("login") == [None, 200]


async def test_cancellation__of_one_who_waits_hurts_nobody(world: AppHarness) -> None:
    answer = asyncio.Event()
    world.genesys.fault("login", GenesysFault(until=answer))
    tasks = [asyncio.create_task(world.purecloud.auth.token()) for _ in range(3)]
    await world.genesys.wait_for_request("login")

    tasks[1].cancel()
    answer.set()
    first, cancelled, third = await asyncio.gather(*tasks, return_exceptions=True)

    assert isinstance(cancelled, asyncio.CancelledError)
    assert first is third
    assert world.asked("login") == [200]


async def test_rate_limit__of_the_login_host_is_waited_out(world: AppHarness) -> None:
    for _ in range(2):
        world.genesys.fault("login", LOGIN_RATE_LIMITED)

    assert (await world.purecloud.auth.token()).generation == 1
    assert world.clock.slept == [1, 2]


async def test_rate_limit__that_stays_ends_within_ten_seconds(world: AppHarness) -> None:
    for _ in range(9):
        world.genesys.fault("login", LOGIN_RATE_LIMITED)

    with pytest.raises(GenesysLoginFailed) as failed:
        await world.purecloud.auth.token()

    assert failed.value.cause is LoginCause.RATE_LIMITED
    assert world.clock.slept == [1, 2, 4]
    assert world.asked("login") == [400] * 4


async def test_rate_limit__pauses_fit_into_the_time_for_a_login(world: AppHarness) -> None:
    for _ in range(9):
        world.genesys.fault("login", LOGIN_RATE_LIMITED)

    with pytest.raises(GenesysLoginFailed):
        await world.client(limits=Limits(login_timeout=3.0)).auth.token()

    assert world.clock.slept == [1]


async def test_no_connection__is_tried_once_more_and_named(world: AppHarness) -> None:
    await world.genesys.stop()

    with pytest.raises(GenesysLoginFailed) as failed:
        await world.purecloud.auth.token()

    assert failed.value.cause is LoginCause.UNREACHABLE
    assert [call.outcome for call in world.calls] == ["GenesysUnreachable"] * 2


async def test_no_answer__is_tried_once_more_and_named(world: AppHarness) -> None:
    world.genesys.fault("login", GenesysFault(drop="after", times=2))

    with pytest.raises(GenesysLoginFailed) as failed:
        await world.purecloud.auth.token()

    assert failed.value.cause is LoginCause.NO_RESPONSE
    assert [(call.operation, call.outcome, call.attempt) for call in world.calls] == [
        ("login", "GenesysNoResponse", 1),
        ("login", "GenesysNoResponse", 2),
    ]
    assert (await world.purecloud.auth.token()).generation == 1


@pytest.mark.parametrize("field", ["client_id", "client_secret"])
async def test_wrong_credentials__are_tried_once(world: AppHarness, field: str) -> None:
    with pytest.raises(GenesysLoginFailed):
        await world.client(**{field: "wrong"}).auth.token()

    assert len(world.asked("login")) == 1
    assert world.clock.slept == []


async def test_secrets__never_show(world: AppHarness) -> None:
    auth = world.purecloud.auth
    token = await auth.token()
    shown = f"{token!r} {token} {auth!r} {vars(auth)!r} {world.purecloud!r} {world.calls!r} {world.purecloud.region!r}"

    assert token.value not in shown
    assert CLIENT.secret not in shown
