"""Calls with all their tries: renewal, waits, the whole time, and the doubt about a DELETE."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from bot.purecloud import GenesysError, Limits, LoginCause, errors
from bot.sandbox.genesys.server import CLIENT, LOGIN_RATE_LIMITED, GenesysFault
from tests.unit.purecloud.conftest import JANE, OMAR

if TYPE_CHECKING:
    from tests.unit.purecloud.conftest import AppHarness


def attempts(world: AppHarness, operation: str) -> list[tuple[int, str]]:
    return [(call.attempt, call.outcome) for call in world.calls if call.operation == operation]


async def test_refused_token__is_renewed_once_for_fifty_calls_in_flight(world: AppHarness) -> None:
    await world.purecloud.tokens.head_tokens_me()
    world.genesys.state.revoke_all_tokens()

    await asyncio.gather(*(world.purecloud.tokens.get_tokens_me() for _ in range(50)))

    assert world.asked("login") == [200, 200]
    assert sorted(entry.generation or 0 for entry in world.genesys.received("get_tokens_me")) == [0] * 50 + [2] * 50
    assert world.clock.slept == []


async def test_refused_token__twice_is_unauthenticated_and_no_storm(world: AppHarness) -> None:
    world.genesys.fault("delete_token", GenesysFault(status=401, times=None))

    with pytest.raises(errors.GenesysUnauthenticated):
        await world.purecloud.tokens.delete_token(JANE)

    assert world.asked("delete_token") == [401, 401]
    assert world.asked("login") == [200, 200]
    assert world.sessions(JANE) == 1


async def test_refused_token__counts_as_no_try(world: AppHarness) -> None:
    world.genesys.fault("delete_token", GenesysFault(status=503, times=2))
    world.genesys.fault("delete_token", GenesysFault(status=401))

    await world.purecloud.tokens.delete_token(JANE)

    assert attempts(world, "delete_token") == [(1, "503"), (2, "503"), (3, "401"), (3, "200")]


async def test_no_token__nothing_is_asked_of_the_api(world: AppHarness) -> None:
    purecloud = world.client(client_secret="wrong")

    with pytest.raises(errors.GenesysLoginFailed) as failed:
        await purecloud.tokens.delete_token(JANE)

    assert failed.value.cause is LoginCause.WRONG_SECRET
    assert world.asked("delete_token") == []
    assert world.sessions(JANE) == 1


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
async def test_passing_failure__is_tried_again_until_it_has_passed(
    world: AppHarness, operation: str, call: Any, status: int
) -> None:
    world.genesys.fault(operation, GenesysFault(status=status, body="", times=2, headers={"Retry-After": "0"}))

    await call(world.purecloud)

    assert world.asked(operation) == [status, status, 200]
    assert world.clock.slept == [0.25, 0.5]


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
async def test_lasting_failure__is_not_tried_again(world: AppHarness, status: int, kind: type[GenesysError]) -> None:
    world.genesys.fault("delete_token", GenesysFault(status=status, times=None))

    with pytest.raises(kind) as failed:
        await world.purecloud.tokens.delete_token(JANE)

    assert type(failed.value) is kind
    assert failed.value.correlation_id
    assert world.asked("delete_token") == [status]
    assert world.sessions(JANE) == 1


async def test_tries__are_three(world: AppHarness) -> None:
    world.genesys.fault("delete_token", GenesysFault(status=503, times=None))

    with pytest.raises(errors.GenesysServerError):
        await world.purecloud.tokens.delete_token(JANE)

    assert world.asked("delete_token") == [503] * 3
    assert world.clock.slept == [0.25, 0.5]


async def test_retry_after__of_an_hour_ends_the_call_at_once(world: AppHarness) -> None:
    world.genesys.fault("delete_token", GenesysFault(status=429, headers={"Retry-After": "3600"}, times=None))

    with pytest.raises(errors.GenesysRateLimited) as limited:
        await world.purecloud.tokens.delete_token(JANE)

    assert limited.value.retry_after == 3600
    assert world.asked("delete_token") == [429]
    assert world.clock.slept == []


async def test_retry_after__of_some_seconds_is_waited_for(world: AppHarness) -> None:
    world.genesys.fault("delete_token", GenesysFault(status=429, headers={"Retry-After": "4"}))

    assert (await world.purecloud.tokens.delete_token(JANE)).status == 200
    assert world.clock.slept == [4]


async def test_whole_time__is_not_overslept(world: AppHarness) -> None:
    world.genesys.fault("delete_token", GenesysFault(status=429, headers={"Retry-After": "9"}, times=None))

    with pytest.raises(errors.GenesysRateLimited):
        await world.purecloud.tokens.delete_token(JANE)

    assert world.clock.slept == [9]
    assert world.asked("delete_token") == [429, 429]


async def test_whole_time__bounds_the_login_too(world: AppHarness) -> None:
    world.genesys.fault("login", GenesysFault(until=asyncio.Event()))
    purecloud = world.client(limits=Limits(total_timeout=0.5))

    with pytest.raises(errors.GenesysLoginFailed) as failed:
        await purecloud.tokens.delete_token(JANE)

    assert (failed.value.cause, failed.value.problem) == (LoginCause.NO_RESPONSE, "login_timeout")
    assert world.asked("delete_token") == []


async def test_whole_time__bounds_an_attempt(world: AppHarness) -> None:
    purecloud = world.client(limits=Limits(total_timeout=1.0, backoff=2.0))
    await purecloud.auth.token()
    world.genesys.fault("delete_token", GenesysFault(until=asyncio.Event(), times=None))

    with pytest.raises(errors.GenesysNoResponse):
        await purecloud.tokens.delete_token(JANE)

    assert world.asked("delete_token") == [None]
    assert world.clock.slept == []


async def test_silence__is_no_answer_after_three_tries(world: AppHarness) -> None:
    world.genesys.fault("delete_token", GenesysFault(until=asyncio.Event(), times=None))
    purecloud = world.client(limits=Limits(attempt_timeout=0.5))

    with pytest.raises(errors.GenesysNoResponse) as failed:
        await purecloud.tokens.delete_token(JANE)

    assert failed.value.status is None
    assert world.asked("delete_token") == [None] * 3


async def test_cut_off__is_no_answer_and_three_requests_for_three_tries(world: AppHarness) -> None:
    world.genesys.fault("delete_token", GenesysFault(drop="after", times=None))

    with pytest.raises(errors.GenesysNoResponse):
        await world.purecloud.tokens.delete_token(JANE)

    assert attempts(world, "delete_token") == [(n, "GenesysNoResponse") for n in (1, 2, 3)]
    assert world.asked("delete_token") == [None] * 3
    assert world.sessions(JANE) == 0


async def test_cut_off__and_then_done_is_done(world: AppHarness) -> None:
    world.genesys.fault("delete_token", GenesysFault(drop="after"))

    assert (await world.purecloud.tokens.delete_token(JANE)).status == 200


@pytest.mark.parametrize(
    "certainly",
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
async def test_doubt__a_certain_no_to_the_repetition_does_not_undo_it(
    world: AppHarness, certainly: GenesysFault
) -> None:
    world.genesys.fault("delete_token", GenesysFault(status=504, executes=True))
    world.genesys.fault("delete_token", certainly)

    with pytest.raises(errors.GenesysNoResponse) as failed:
        await world.purecloud.tokens.delete_token(JANE)

    assert (failed.value.status, failed.value.problem) == (certainly.status, "maybe_executed")
    assert failed.value.correlation_id
    assert isinstance(failed.value.__cause__, GenesysError)
    assert world.sessions(JANE) == 0


async def test_doubt__a_refused_connection_does_not_undo_it(world: AppHarness) -> None:
    async def die(seconds: float) -> None:
        await world.clock.sleep(seconds)
        await world.genesys.stop()

    world.genesys.fault("delete_token", GenesysFault(drop="after"))

    with pytest.raises(errors.GenesysNoResponse) as failed:
        await world.client(sleep=die).tokens.delete_token(JANE)

    assert isinstance(failed.value.__cause__, errors.GenesysUnreachable)
    assert world.sessions(JANE) == 0


async def test_doubt__a_failed_login_for_the_repetition_does_not_undo_it(world: AppHarness) -> None:
    async def end_tokens(seconds: float) -> None:
        await world.clock.sleep(seconds)
        world.genesys.state.revoke_all_tokens()
        world.genesys.fault("login", GenesysFault(status=500, times=None))

    world.genesys.fault("delete_token", GenesysFault(drop="after"))

    with pytest.raises(errors.GenesysNoResponse) as failed:
        await world.client(sleep=end_tokens).tokens.delete_token(JANE)

    assert isinstance(failed.value.__cause__, errors.GenesysLoginFailed)


async def test_doubt__is_none_where_nothing_was_to_be_changed(world: AppHarness) -> None:
    world.genesys.fault("get_tokens_me", GenesysFault(drop="after"))
    world.genesys.fault("get_tokens_me", GenesysFault(status=500))

    with pytest.raises(errors.GenesysServerError):
        await world.purecloud.tokens.get_tokens_me()


async def test_doubt__is_none_where_the_first_try_did_not_leave(world: AppHarness) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        purecloud = world.client(api_url=f"http://127.0.0.1:{closed.getsockname()[1]}")
        with pytest.raises(errors.GenesysUnreachable):
            await purecloud.tokens.delete_token(JANE)

    assert attempts(world, "delete_token") == [(n, "GenesysUnreachable") for n in (1, 2, 3)]
    assert world.asked("delete_token") == []


async def test_login_rate_limit__is_waited_out_inside_a_call(world: AppHarness) -> None:
    world.genesys.fault("login", LOGIN_RATE_LIMITED)

    await world.purecloud.tokens.delete_token(JANE)

    assert world.clock.slept == [1]


async def test_observer__hears_of_every_attempt_and_of_no_secret(world: AppHarness) -> None:
    world.genesys.fault("delete_token", GenesysFault(status=502, body="<html>"))

    await world.purecloud.tokens.delete_token(JANE)

    assert [(call.operation, call.outcome, call.attempt) for call in world.calls] == [
        ("login", "200", 1),
        ("delete_token", "502", 1),
        ("delete_token", "200", 2),
    ]
    assert JANE not in repr(world.calls)


async def test_cancellation__of_a_call_is_seen_and_leaves_the_client_well(world: AppHarness) -> None:
    world.genesys.fault("delete_token", GenesysFault(until=asyncio.Event()))
    deleting = asyncio.create_task(world.purecloud.tokens.delete_token(OMAR))
    await world.genesys.wait_for_request("delete_token")

    deleting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await deleting

    assert attempts(world, "delete_token") == [(1, "cancelled")]
    assert (await world.purecloud.tokens.delete_token(JANE)).status == 200


async def test_session__with_defaults_of_its_own_changes_nothing(world: AppHarness) -> None:
    world.genesys.fault("delete_token", GenesysFault(status=404))
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        world.session = session
        with pytest.raises(errors.GenesysNotFound):
            await world.client().tokens.delete_token(JANE)


async def test_bot_without_the_permission__is_told_which(world: AppHarness) -> None:
    world.genesys.state.clients[CLIENT.id].permissions = frozenset({"directory:user:view"})

    with pytest.raises(errors.GenesysForbidden) as forbidden:
        await world.purecloud.tokens.delete_token(JANE)

    assert forbidden.value.permissions == ("oauth:token:delete",)
    assert forbidden.value.error_code == "missing.any.permissions"
    assert world.sessions(JANE) == 1
