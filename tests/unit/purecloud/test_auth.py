"""The shared access token is requested on demand and renewed by one login for all callers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from bot.purecloud import GenesysLoginFailed, GenesysUnauthenticated, Limits, LoginCause
from bot.sandbox.genesys.server import CLIENT, LOGIN_RATE_LIMITED, GenesysFault

if TYPE_CHECKING:
    from tests.unit.purecloud.conftest import ClientHarness


def token_body(expires_in: object) -> dict[str, object]:
    return {"access_token": "opaque", "token_type": "bearer", "expires_in": expires_in}


async def test_token__is_requested_once_and_cached(harness: ClientHarness) -> None:
    auth = harness.purecloud.auth

    assert await auth.token() is await auth.token()
    assert harness.statuses("login") == [200]


async def test_token__fifty_concurrent_callers_share_one_login(harness: ClientHarness) -> None:
    tokens = await asyncio.gather(*(harness.purecloud.auth.token() for _ in range(50)))

    assert {token.generation for token in tokens} == {1}
    assert harness.statuses("login") == [200]


@pytest.mark.parametrize(("lifetime", "margin"), [(86400, 60), (300, 30)])
async def test_token__is_renewed_shortly_before_its_end(harness: ClientHarness, lifetime: int, margin: int) -> None:
    harness.genesys.state.clients[CLIENT.id].token_lifetime = lifetime
    first = await harness.purecloud.auth.token()
    assert first.expires_at == harness.clock.now + lifetime

    harness.clock.now += lifetime - margin - 1
    assert await harness.purecloud.auth.token() is first
    harness.clock.now += 1
    assert (await harness.purecloud.auth.token()).generation == 2
    assert harness.statuses("login") == [200, 200]


@pytest.mark.parametrize("expires_in", [None, 0, -5])
async def test_token__without_expires_in_lives_for_the_default_lifetime(
    harness: ClientHarness, expires_in: object
) -> None:
    harness.genesys.fault("login", GenesysFault(status=200, body=token_body(expires_in)))

    assert (await harness.purecloud.auth.token()).expires_at == harness.clock.now + 300


async def test_renew__logs_in_only_for_the_current_generation(harness: ClientHarness) -> None:
    auth = harness.purecloud.auth
    first = await auth.token()

    second = await auth.renew(first.generation)
    assert second.generation == 2
    assert second.value != first.value
    assert await auth.renew(first.generation) is second
    assert harness.statuses("login") == [200, 200]


async def test_renew__fifty_concurrent_callers_share_one_login(harness: ClientHarness) -> None:
    first = await harness.purecloud.auth.token()

    renewed = await asyncio.gather(*(harness.purecloud.auth.renew(first.generation) for _ in range(50)))

    assert {token.generation for token in renewed} == {2}
    assert harness.statuses("login") == [200, 200]


async def test_discard__drops_the_current_token_but_no_later_one(harness: ClientHarness) -> None:
    auth = harness.purecloud.auth
    first = await auth.token()
    second = await auth.renew(first.generation)

    auth.discard(first.generation)
    assert await auth.token() is second
    auth.discard(second.generation)
    assert (await auth.token()).generation == 3


async def test_login_failure__is_raised_to_waiting_callers_but_not_to_later_ones(harness: ClientHarness) -> None:
    harness.genesys.fault(
        "login", GenesysFault(status=400, body={"error": "invalid_client", "description": "client not found"})
    )

    outcomes = await asyncio.gather(*(harness.purecloud.auth.token() for _ in range(50)), return_exceptions=True)

    assert {type(outcome) for outcome in outcomes} == {GenesysLoginFailed}
    assert len({id(outcome) for outcome in outcomes}) == 50
    assert {outcome.cause for outcome in outcomes if isinstance(outcome, GenesysLoginFailed)} == {
        LoginCause.CLIENT_NOT_FOUND
    }
    assert harness.statuses("login") == [400]

    assert (await harness.purecloud.auth.token()).generation == 1
    assert harness.statuses("login") == [400, 200]


async def test_login_failure__before_expiry_keeps_the_old_token_in_use(harness: ClientHarness) -> None:
    auth = harness.purecloud.auth
    first = await auth.token()
    harness.clock.now = first.expires_at - 50
    harness.genesys.fault("login", GenesysFault(status=500))

    assert [*await asyncio.gather(auth.token(), auth.token())] == [first, first]
    assert harness.statuses("login") == [200, 500]

    harness.clock.now = first.expires_at
    assert (await auth.token()).generation == 2


async def test_rejected_token__without_a_new_one_is_forgotten(harness: ClientHarness) -> None:
    auth = harness.purecloud.auth
    await auth.token()
    harness.genesys.state.revoke_all_tokens()
    harness.genesys.fault("login", GenesysFault(status=401, times=2))

    with pytest.raises(GenesysLoginFailed):
        await harness.purecloud.tokens.get_tokens_me()

    assert auth.cached is None
    with pytest.raises(GenesysLoginFailed):
        await auth.token()
    assert (await auth.token()).generation == 2
    assert harness.statuses("get_tokens_me") == [401]


async def test_rejected_token__while_the_login_hangs_is_forgotten(harness: ClientHarness) -> None:
    auth = harness.purecloud.auth
    await auth.token()
    harness.genesys.state.revoke_all_tokens()
    harness.genesys.fault("login", GenesysFault(until=asyncio.Event()))

    call = asyncio.create_task(harness.purecloud.tokens.get_tokens_me())
    await harness.genesys.wait_for_request("login", 2)
    call.cancel()

    assert auth.cached is None


async def test_rejected__is_set_by_a_401_for_a_new_token_until_a_call_passes(harness: ClientHarness) -> None:
    harness.genesys.fault("get_tokens_me", GenesysFault(status=401, times=2))

    with pytest.raises(GenesysUnauthenticated):
        await harness.purecloud.tokens.get_tokens_me()
    assert harness.purecloud.auth.rejected
    await harness.purecloud.tokens.head_tokens_me()

    assert not harness.purecloud.auth.rejected


async def test_login_failure__in_renew_does_not_return_the_rejected_token(harness: ClientHarness) -> None:
    first = await harness.purecloud.auth.token()
    harness.genesys.fault("login", GenesysFault(status=500))

    with pytest.raises(GenesysLoginFailed):
        await harness.purecloud.auth.renew(first.generation)
    assert await harness.purecloud.auth.token() is first


async def test_cancellation__of_the_refreshing_caller_lets_the_next_one_refresh(harness: ClientHarness) -> None:
    harness.genesys.fault("login", GenesysFault(until=asyncio.Event()))
    refreshing = asyncio.create_task(harness.purecloud.auth.token())
    waiting = [asyncio.create_task(harness.purecloud.auth.token()) for _ in range(3)]
    await harness.genesys.wait_for_request("login")

    refreshing.cancel()
    tokens = await asyncio.gather(*waiting)

    assert refreshing.cancelled() or refreshing.cancelling()
    assert {token.generation for token in tokens} == {1}
    assert harness.statuses("login") == [None, 200]


async def test_cancellation__of_a_waiting_caller_does_not_affect_others(harness: ClientHarness) -> None:
    released = asyncio.Event()
    harness.genesys.fault("login", GenesysFault(until=released))
    tasks = [asyncio.create_task(harness.purecloud.auth.token()) for _ in range(3)]
    await harness.genesys.wait_for_request("login")

    tasks[1].cancel()
    released.set()
    first, cancelled, third = await asyncio.gather(*tasks, return_exceptions=True)

    assert isinstance(cancelled, asyncio.CancelledError)
    assert first is third
    assert harness.statuses("login") == [200]


async def test_login_rate_limit__is_retried_until_it_passes(harness: ClientHarness) -> None:
    for _ in range(2):
        harness.genesys.fault("login", LOGIN_RATE_LIMITED)

    assert (await harness.purecloud.auth.token()).generation == 1
    assert harness.clock.slept == [1, 2]


async def test_login_rate_limit__that_persists_fails_after_four_attempts(harness: ClientHarness) -> None:
    for _ in range(9):
        harness.genesys.fault("login", LOGIN_RATE_LIMITED)

    with pytest.raises(GenesysLoginFailed) as failed:
        await harness.purecloud.auth.token()

    assert failed.value.cause is LoginCause.RATE_LIMITED
    assert harness.clock.slept == [1, 2, 4]
    assert harness.statuses("login") == [400] * 4


async def test_login_rate_limit__delays_stay_within_the_login_timeout(harness: ClientHarness) -> None:
    for _ in range(9):
        harness.genesys.fault("login", LOGIN_RATE_LIMITED)

    with pytest.raises(GenesysLoginFailed):
        await harness.client(limits=Limits(login_timeout=3.0)).auth.token()

    assert harness.clock.slept == [1]


async def test_login__without_a_connection_is_retried_once_and_reports_the_cause(harness: ClientHarness) -> None:
    await harness.genesys.stop()

    with pytest.raises(GenesysLoginFailed) as failed:
        await harness.purecloud.auth.token()

    assert failed.value.cause is LoginCause.UNREACHABLE
    assert [one.outcome for one in harness.attempts] == ["connect_error"] * 2


async def test_login__without_a_response_is_retried_once_and_reports_the_cause(harness: ClientHarness) -> None:
    harness.genesys.fault("login", GenesysFault(drop="after", times=2))

    with pytest.raises(GenesysLoginFailed) as failed:
        await harness.purecloud.auth.token()

    assert failed.value.cause is LoginCause.NO_RESPONSE
    assert [(one.operation, one.outcome, one.attempt) for one in harness.attempts] == [
        ("login", "connection_lost", 1),
        ("login", "connection_lost", 2),
    ]
    assert (await harness.purecloud.auth.token()).generation == 1


@pytest.mark.parametrize("field", ["client_id", "client_secret"])
async def test_login__with_wrong_credentials_is_not_retried(harness: ClientHarness, field: str) -> None:
    with pytest.raises(GenesysLoginFailed):
        await harness.client(**{field: "wrong"}).auth.token()

    assert len(harness.statuses("login")) == 1
    assert harness.clock.slept == []


async def test_repr__shows_no_secret(harness: ClientHarness) -> None:
    auth = harness.purecloud.auth
    token = await auth.token()
    purecloud = harness.purecloud
    shown = f"{token!r} {token} {auth!r} {vars(auth)!r} {purecloud!r} {harness.attempts!r} {purecloud.region!r}"

    assert token.value not in shown
    assert CLIENT.secret not in shown
