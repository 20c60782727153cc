"""Calls with token renewal, retries, the total timeout, and DELETEs that may have been executed."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from bot.purecloud import GenesysError, Limits, LoginCause, errors
from bot.purecloud.caller import write_guard, write_sent
from bot.sandbox.genesys.server import CLIENT, LOGIN_RATE_LIMITED, GenesysFault
from tests.unit.purecloud.conftest import JANE, OMAR

if TYPE_CHECKING:
    from tests.unit.purecloud.conftest import ClientHarness


def attempts(harness: ClientHarness, operation: str) -> list[tuple[int, str]]:
    return [(one.attempt, one.outcome) for one in harness.attempts if one.operation == operation]


async def test_rejected_token__is_renewed_once_for_fifty_concurrent_calls(harness: ClientHarness) -> None:
    await harness.purecloud.tokens.head_tokens_me()
    harness.genesys.state.revoke_all_tokens()

    await asyncio.gather(*(harness.purecloud.tokens.get_tokens_me() for _ in range(50)))

    assert harness.statuses("login") == [200, 200]
    assert sorted(entry.generation or 0 for entry in harness.genesys.received("get_tokens_me")) == [0] * 50 + [2] * 50
    assert harness.clock.slept == []


async def test_rejected_token__rejected_again_after_renewal_raises_unauthenticated(harness: ClientHarness) -> None:
    harness.genesys.fault("delete_token", GenesysFault(status=401, times=None))

    with pytest.raises(errors.GenesysUnauthenticated):
        await harness.purecloud.tokens.delete_token(JANE)

    assert harness.statuses("delete_token") == [401, 401]
    assert harness.statuses("login") == [200, 200]
    assert harness.sessions(JANE) == 1


async def test_rejected_token__renewal_does_not_count_as_an_attempt(harness: ClientHarness) -> None:
    harness.genesys.fault("delete_token", GenesysFault(status=503, times=2))
    harness.genesys.fault("delete_token", GenesysFault(status=401))

    await harness.purecloud.tokens.delete_token(JANE)

    assert attempts(harness, "delete_token") == [(1, "503"), (2, "503"), (3, "401"), (3, "200")]


async def test_login_failure__sends_no_request_to_the_api(harness: ClientHarness) -> None:
    purecloud = harness.client(client_secret="wrong")

    with pytest.raises(errors.GenesysLoginFailed) as failed:
        await purecloud.tokens.delete_token(JANE)

    assert failed.value.cause is LoginCause.WRONG_SECRET
    assert harness.statuses("delete_token") == []
    assert harness.sessions(JANE) == 1


@pytest.mark.parametrize("status", [429, 502, 503, 504])
@pytest.mark.parametrize(
    ("operation", "call"),
    [
        ("get_tokens_me", lambda purecloud: purecloud.tokens.get_tokens_me()),
        ("head_tokens_me", lambda purecloud: purecloud.tokens.head_tokens_me()),
        ("delete_token", lambda purecloud: purecloud.tokens.delete_token(JANE)),
        ("search_by_email", lambda purecloud: purecloud.users.search_by_email("jane.doe@acme.example")),
    ],
)
async def test_retry__repeats_a_recommended_status_until_success(
    harness: ClientHarness, operation: str, call: Any, status: int
) -> None:
    harness.genesys.fault(operation, GenesysFault(status=status, body="", times=2, headers={"Retry-After": "0"}))

    await call(harness.purecloud)

    assert harness.statuses(operation) == [status, status, 200]
    assert harness.clock.slept == [0.25, 0.5]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.GenesysRejected),
        (403, errors.GenesysForbidden),
        (404, errors.GenesysNotFound),
        (408, errors.GenesysNoResponse),
        (409, errors.GenesysRejected),
        (500, errors.GenesysServerError),
        (501, errors.GenesysServerError),
    ],
)
async def test_retry__does_not_repeat_other_statuses(
    harness: ClientHarness, status: int, kind: type[GenesysError]
) -> None:
    harness.genesys.fault("delete_token", GenesysFault(status=status, times=None))

    with pytest.raises(kind) as failed:
        await harness.purecloud.tokens.delete_token(JANE)

    assert type(failed.value) is kind
    assert failed.value.correlation_id
    assert harness.statuses("delete_token") == [status]
    assert harness.sessions(JANE) == 1


async def test_retry__stops_after_three_attempts(harness: ClientHarness) -> None:
    harness.genesys.fault("delete_token", GenesysFault(status=503, times=None))

    with pytest.raises(errors.GenesysServerError):
        await harness.purecloud.tokens.delete_token(JANE)

    assert harness.statuses("delete_token") == [503] * 3
    assert harness.clock.slept == [0.25, 0.5]


async def test_retry_after__of_an_hour_fails_the_call_at_once(harness: ClientHarness) -> None:
    harness.genesys.fault("delete_token", GenesysFault(status=429, headers={"Retry-After": "3600"}, times=None))

    with pytest.raises(errors.GenesysRateLimited) as limited:
        await harness.purecloud.tokens.delete_token(JANE)

    assert limited.value.retry_after == 3600
    assert harness.statuses("delete_token") == [429]
    assert harness.clock.slept == []


async def test_retry_after__of_some_seconds_delays_the_retry(harness: ClientHarness) -> None:
    harness.genesys.fault("delete_token", GenesysFault(status=429, headers={"Retry-After": "4"}))

    assert (await harness.purecloud.tokens.delete_token(JANE)).status == 200
    assert harness.clock.slept == [4]


async def test_retry__stops_at_total_timeout(harness: ClientHarness) -> None:
    harness.genesys.fault("delete_token", GenesysFault(status=429, headers={"Retry-After": "9"}, times=None))

    with pytest.raises(errors.GenesysRateLimited):
        await harness.purecloud.tokens.delete_token(JANE)

    assert harness.clock.slept == [9]
    assert harness.statuses("delete_token") == [429, 429]


async def test_total_timeout__limits_the_login(harness: ClientHarness) -> None:
    harness.genesys.fault("login", GenesysFault(until=asyncio.Event()))
    purecloud = harness.client(limits=Limits(total_timeout=0.5))

    with pytest.raises(errors.GenesysLoginFailed) as failed:
        await purecloud.tokens.delete_token(JANE)

    assert (failed.value.cause, failed.value.problem) == (LoginCause.NO_RESPONSE, "login_timeout")
    assert harness.statuses("delete_token") == []


async def test_total_timeout__limits_an_attempt(harness: ClientHarness) -> None:
    purecloud = harness.client(limits=Limits(total_timeout=1.0, backoff=2.0))
    await purecloud.auth.token()
    harness.genesys.fault("delete_token", GenesysFault(until=asyncio.Event(), times=None))

    with pytest.raises(errors.GenesysNoResponse):
        await purecloud.tokens.delete_token(JANE)

    assert harness.statuses("delete_token") == [None]
    assert harness.clock.slept == []


async def test_no_response__three_timeouts_raise_no_response(harness: ClientHarness) -> None:
    harness.genesys.fault("delete_token", GenesysFault(until=asyncio.Event(), times=None))
    purecloud = harness.client(limits=Limits(attempt_timeout=0.5))

    with pytest.raises(errors.GenesysNoResponse) as failed:
        await purecloud.tokens.delete_token(JANE)

    assert failed.value.status is None
    assert harness.statuses("delete_token") == [None] * 3


async def test_no_response__three_broken_connections_send_three_requests(harness: ClientHarness) -> None:
    harness.genesys.fault("delete_token", GenesysFault(drop="after", times=None))

    with pytest.raises(errors.GenesysNoResponse):
        await harness.purecloud.tokens.delete_token(JANE)

    assert attempts(harness, "delete_token") == [(n, "connection_lost") for n in (1, 2, 3)]
    assert harness.statuses("delete_token") == [None] * 3
    assert harness.sessions(JANE) == 0


async def test_no_response__then_success_is_a_success(harness: ClientHarness) -> None:
    harness.genesys.fault("delete_token", GenesysFault(drop="after"))

    assert (await harness.purecloud.tokens.delete_token(JANE)).status == 200


@pytest.mark.parametrize(
    "definite",
    [
        GenesysFault(status=503, times=2),
        GenesysFault(status=500),
        GenesysFault(status=404),
        GenesysFault(status=403),
        GenesysFault(status=409),
        GenesysFault(status=401, times=2),
        GenesysFault(status=429, headers={"Retry-After": "3600"}),
    ],
)
async def test_maybe_executed__definite_error_of_the_retry_still_raises_no_response(
    harness: ClientHarness, definite: GenesysFault
) -> None:
    harness.genesys.fault("delete_token", GenesysFault(status=504, executes=True))
    harness.genesys.fault("delete_token", definite)

    with pytest.raises(errors.GenesysNoResponse) as failed:
        await harness.purecloud.tokens.delete_token(JANE)

    assert (failed.value.status, failed.value.problem) == (definite.status, "maybe_executed")
    assert failed.value.correlation_id
    assert isinstance(failed.value.__cause__, GenesysError)
    assert harness.sessions(JANE) == 0


async def test_maybe_executed__refused_connection_of_the_retry_still_raises_no_response(harness: ClientHarness) -> None:
    async def die(seconds: float) -> None:
        await harness.clock.sleep(seconds)
        await harness.genesys.stop()

    harness.genesys.fault("delete_token", GenesysFault(drop="after"))

    with pytest.raises(errors.GenesysNoResponse) as failed:
        await harness.client(sleep=die).tokens.delete_token(JANE)

    assert isinstance(failed.value.__cause__, errors.GenesysUnreachable)
    assert harness.sessions(JANE) == 0


async def test_maybe_executed__failed_login_for_the_retry_still_raises_no_response(harness: ClientHarness) -> None:
    async def end_tokens(seconds: float) -> None:
        await harness.clock.sleep(seconds)
        harness.genesys.state.revoke_all_tokens()
        harness.genesys.fault("login", GenesysFault(status=500, times=None))

    harness.genesys.fault("delete_token", GenesysFault(drop="after"))

    with pytest.raises(errors.GenesysNoResponse) as failed:
        await harness.client(sleep=end_tokens).tokens.delete_token(JANE)

    assert isinstance(failed.value.__cause__, errors.GenesysLoginFailed)


async def test_maybe_executed__does_not_apply_to_a_read(harness: ClientHarness) -> None:
    harness.genesys.fault("get_tokens_me", GenesysFault(drop="after"))
    harness.genesys.fault("get_tokens_me", GenesysFault(status=500))

    with pytest.raises(errors.GenesysServerError):
        await harness.purecloud.tokens.get_tokens_me()


async def test_maybe_executed__does_not_apply_to_a_request_that_was_not_sent(harness: ClientHarness) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        purecloud = harness.client(api_url=f"http://127.0.0.1:{closed.getsockname()[1]}")
        with pytest.raises(errors.GenesysUnreachable):
            await purecloud.tokens.delete_token(JANE)

    assert attempts(harness, "delete_token") == [(n, "connect_error") for n in (1, 2, 3)]
    assert harness.statuses("delete_token") == []


async def test_login_rate_limit__is_retried_within_a_call(harness: ClientHarness) -> None:
    harness.genesys.fault("login", LOGIN_RATE_LIMITED)

    await harness.purecloud.tokens.delete_token(JANE)

    assert harness.clock.slept == [1]


async def test_observe__gets_every_attempt_without_user_ids(harness: ClientHarness) -> None:
    harness.genesys.fault("delete_token", GenesysFault(status=502, body="<html>"))

    await harness.purecloud.tokens.delete_token(JANE)

    assert [(one.operation, one.outcome, one.attempt) for one in harness.attempts] == [
        ("login", "200", 1),
        ("delete_token", "502", 1),
        ("delete_token", "200", 2),
    ]
    assert JANE not in repr(harness.attempts)


async def test_cancellation__of_a_call_is_observed_and_leaves_the_client_usable(harness: ClientHarness) -> None:
    harness.genesys.fault("delete_token", GenesysFault(until=asyncio.Event()))
    deleting = asyncio.create_task(harness.purecloud.tokens.delete_token(OMAR))
    await harness.genesys.wait_for_request("delete_token")

    deleting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await deleting

    assert attempts(harness, "delete_token") == [(1, "cancelled")]
    assert (await harness.purecloud.tokens.delete_token(JANE)).status == 200


async def test_session__own_raise_for_status_has_no_effect(harness: ClientHarness) -> None:
    harness.genesys.fault("delete_token", GenesysFault(status=404))
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        harness.session = session
        with pytest.raises(errors.GenesysNotFound):
            await harness.client().tokens.delete_token(JANE)


async def test_missing_permission__is_named_in_the_error(harness: ClientHarness) -> None:
    harness.genesys.state.clients[CLIENT.id].permissions = frozenset({"directory:user:view"})

    with pytest.raises(errors.GenesysForbidden) as forbidden:
        await harness.purecloud.tokens.delete_token(JANE)

    assert forbidden.value.permissions == ("oauth:token:delete",)
    assert forbidden.value.error_code == "missing.any.permissions"
    assert harness.sessions(JANE) == 1


class RecordedGuard:
    """A guard that allows the first `allowed` attempts."""

    def __init__(self, allowed: int) -> None:
        self.allowed = allowed
        self.calls = 0

    async def __call__(self) -> None:
        self.calls += 1
        if self.calls > self.allowed:
            raise errors.GenesysNotSent(problem="too_late")


async def test_write_guard__is_asked_before_each_attempt_of_a_delete(harness: ClientHarness) -> None:
    guard = RecordedGuard(allowed=1)
    write_guard.set(guard)
    harness.genesys.fault("delete_token", GenesysFault(status=503))

    with pytest.raises(errors.GenesysNotSent):
        await harness.purecloud.tokens.delete_token(JANE)

    assert guard.calls == 2
    assert len(harness.genesys.received("delete_token")) == 1
    assert harness.sessions(JANE) > 0


async def test_write_guard__does_not_hide_an_attempt_without_response(harness: ClientHarness) -> None:
    write_guard.set(RecordedGuard(allowed=1))
    harness.genesys.fault("delete_token", GenesysFault(drop="after"))

    with pytest.raises(errors.GenesysNoResponse) as failed:
        await harness.purecloud.tokens.delete_token(JANE)

    assert failed.value.problem == "maybe_executed"
    assert len(harness.genesys.received("delete_token")) == 1


async def test_write_guard__is_asked_before_the_bots_own_token_is_deleted(harness: ClientHarness) -> None:
    write_guard.set(RecordedGuard(allowed=0))

    with pytest.raises(errors.GenesysNotSent):
        await harness.purecloud.tokens.rotate()

    assert harness.genesys.received("delete_tokens_me") == []


async def test_write_guard__is_not_asked_before_a_read(harness: ClientHarness) -> None:
    guard = RecordedGuard(allowed=0)
    write_guard.set(guard)

    await harness.purecloud.tokens.get_tokens_me()

    assert guard.calls == 0


@pytest.mark.parametrize(
    ("faults", "sent"),
    [
        ([], 1),
        ([GenesysFault(status=503), GenesysFault(status=503)], 3),
        ([GenesysFault(drop="before"), GenesysFault(drop="after")], 3),
        ([GenesysFault(status=401)], 2),
    ],
)
async def test_write_sent__counts_every_delete_that_genesys_cloud_received(
    harness: ClientHarness, faults: list[GenesysFault], sent: int
) -> None:
    counted: list[int] = []
    write_sent.set(lambda: counted.append(1))
    for fault in faults:
        harness.genesys.fault("delete_token", fault)

    await harness.purecloud.tokens.delete_token(JANE)

    assert len(counted) == len(harness.genesys.received("delete_token")) == sent
