"""The internals of Bolt that the server relies on; an upgrade of Bolt that changes one of them fails here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context
from typing import Any, TypeVarTuple

from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.kwargs_injection.async_args import AsyncArgs
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot.app import dispatcher

Said = TypeVarTuple("Said")
Log = list[str]

BODY = {
    "command": "/purecloud",
    "text": "revoke <@U0TOMTARG1|tom> leaked the payload",
    "team_id": "T0HOME0001",
    "user_id": "U0OLIVIA01",
    "channel_id": "C0OPS00001",
}


class TimedLoop(asyncio.SelectorEventLoop):
    """An event loop that counts the timers set on it."""

    timers = 0

    def call_at(
        self, when: float, callback: Callable[[*Said], object], *args: *Said, context: Context | None = None
    ) -> asyncio.TimerHandle:
        self.timers += 1
        return super().call_at(when, callback, *args, context=context)


class Doorkeeper(AsyncMiddleware):
    """Answers commands with a status of its own, and lets all else pass."""

    async def async_process(
        self,
        *,
        req: AsyncBoltRequest,
        resp: BoltResponse,  # noqa: ARG002 - Bolt hands it in by name
        next: Callable[[], Awaitable[BoltResponse]],  # noqa: A002 - Bolt's name for it
    ) -> BoltResponse:
        return BoltResponse(status=202) if "command" in req.body else await next()


def app(
    *,
    before_response: bool = True,
    verifying: bool = False,
    door: AsyncMiddleware | None = None,
    log: Log | None = None,
) -> AsyncApp:
    async def authorize(**_: Any) -> AuthorizeResult:
        if log is not None:
            log.append("authorized")
        return AuthorizeResult(enterprise_id=None, team_id="T0HOME0001", bot_token="xoxb-made-up")

    return AsyncApp(
        authorize=authorize,
        before_authorize=door,
        signing_secret="made-up",
        process_before_response=before_response,
        request_verification_enabled=verifying,
    )


async def test_before_authorize__answers_without_a_listener_and_without_asking_who_it_is_for() -> None:
    log: Log = []
    bolt = app(door=Doorkeeper(), log=log)

    @bolt.command("/purecloud")
    async def listen(args: AsyncArgs) -> None:
        log.append("heard")

    response = await dispatcher(bolt)(BODY)

    assert response.status == 202
    assert log == []


async def test_before_authorize__what_it_lets_pass_comes_to_the_listeners() -> None:
    log: Log = []
    bolt = app(door=Doorkeeper(), log=log)

    @bolt.action("approve")
    async def listen(args: AsyncArgs) -> None:
        await args.ack()
        log.append("heard")

    body = {"type": "block_actions", "actions": [{"action_id": "approve"}], "user": {"id": "U0OLIVIA01"}}
    response = await dispatcher(bolt)(body)

    assert response.status == 200
    assert log == ["authorized", "heard"]


async def test_socket_mode__takes_the_body_as_it_is() -> None:
    bolt = app()
    bodies: list[dict[str, Any]] = []

    @bolt.command("/purecloud")
    async def listen(args: AsyncArgs) -> None:
        await args.ack()
        bodies.append(args.body)

    response = await dispatcher(bolt)(BODY)

    assert response.status == 200
    assert bodies == [BODY]


async def test_socket_mode__asks_for_no_signature() -> None:
    bolt = app(verifying=True)

    @bolt.command("/purecloud")
    async def listen(args: AsyncArgs) -> None:
        await args.ack()

    trusted = await dispatcher(bolt)(BODY)
    untrusted = await bolt.async_dispatch(AsyncBoltRequest(body="command=%2Fpurecloud", mode="http"))

    assert trusted.status == 200
    assert untrusted.status == 401


async def test_process_before_response__answers_when_the_listener_is_done_and_not_before() -> None:
    bolt, written = app(), asyncio.Event()

    @bolt.command("/purecloud")
    async def listen(args: AsyncArgs) -> None:
        await args.ack()
        await written.wait()

    answering = asyncio.create_task(dispatcher(bolt)(BODY))
    for _ in range(100):
        await asyncio.sleep(0)
    early = answering.done()
    written.set()

    assert not early
    assert (await answering).status == 200


async def test_process_before_response__hands_on_what_the_listener_answers() -> None:
    bolt = app()

    @bolt.command("/purecloud")
    async def listen(args: AsyncArgs) -> BoltResponse:
        return BoltResponse(status=503, body="The click could not be written down.")

    response = await dispatcher(bolt)(BODY)

    assert (response.status, response.body) == (503, "The click could not be written down.")


async def test_process_before_response__a_listener_that_raises_is_no_acknowledgement() -> None:
    bolt = app()

    @bolt.command("/purecloud")
    async def listen(args: AsyncArgs) -> None:
        message = "The disk is full."
        raise OSError(message)

    assert (await dispatcher(bolt)(BODY)).status >= 400


def test_process_before_response__waits_for_no_timer() -> None:
    assert timers_of(app(before_response=True)) == 0


def test_process_before_response__without_it_bolt_polls() -> None:
    assert timers_of(app(before_response=False)) > 0


def timers_of(bolt: AsyncApp) -> int:
    """How many timers one acknowledged command sets."""
    loops: list[TimedLoop] = []

    def made() -> TimedLoop:
        loops.append(TimedLoop())
        return loops[0]

    @bolt.command("/purecloud")
    async def listen(args: AsyncArgs) -> None:
        await asyncio.sleep(0)
        await args.ack()

    async def once() -> int:
        before = loops[0].timers
        assert (await dispatcher(bolt)(BODY)).status == 200
        return loops[0].timers - before

    with asyncio.Runner(loop_factory=made) as runner:
        return runner.run(once())
