"""Behaviour of Bolt that the bot relies on; an upgrade of Bolt that changes it fails here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context
from typing import Any, TypeVarTuple

from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.error import BoltUnhandledRequestError
from slack_bolt.kwargs_injection.async_args import AsyncArgs
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

Arguments = TypeVarTuple("Arguments")
Log = list[str]

CLICK = {"type": "block_actions", "actions": [{"action_id": "approve"}], "user": {"id": "U0OLIVIA01"}}
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
        self, when: float, callback: Callable[[*Arguments], object], *args: *Arguments, context: Context | None = None
    ) -> asyncio.TimerHandle:
        self.timers += 1
        return super().call_at(when, callback, *args, context=context)


class AnswersCommands(AsyncMiddleware):
    """Answers commands itself, and passes everything else on."""

    async def async_process(
        self,
        *,
        req: AsyncBoltRequest,
        resp: BoltResponse,  # noqa: ARG002 - Bolt passes it by name
        next: Callable[[], Awaitable[BoltResponse]],  # noqa: A002 - Bolt's name
    ) -> BoltResponse:
        if "command" in req.body:
            return BoltResponse(status=202)
        req.context["injected"] = "a service"
        return await next()


def app(
    *,
    before_response: bool = True,
    verifying: bool = False,
    gate: AsyncMiddleware | None = None,
    log: Log | None = None,
) -> AsyncApp:
    async def authorize(**_: Any) -> AuthorizeResult:
        if log is not None:
            log.append("authorized")
        return AuthorizeResult(enterprise_id=None, team_id="T0HOME0001", bot_token="xoxb-made-up")

    return AsyncApp(
        authorize=authorize,
        before_authorize=gate,
        signing_secret="made-up",
        process_before_response=before_response,
        request_verification_enabled=verifying,
        raise_error_for_unhandled_request=True,
    )


async def dispatch(bolt: AsyncApp, body: dict[str, Any]) -> BoltResponse:
    """Dispatch a body as the bot does."""
    return await bolt.async_dispatch(AsyncBoltRequest(body=body, mode="socket_mode"))


async def test_before_authorize__answers_without_a_listener_and_before_authorization() -> None:
    log: Log = []
    bolt = app(gate=AnswersCommands(), log=log)

    @bolt.command("/purecloud")
    async def listen(args: AsyncArgs) -> None:
        log.append("called")

    assert (await dispatch(bolt, BODY)).status == 202
    assert log == []


async def test_before_authorize__injects_what_it_puts_into_the_context() -> None:
    log: Log = []
    bolt = app(gate=AnswersCommands(), log=log)

    @bolt.action("approve")
    async def listen(ack: AsyncAck, injected: str) -> None:
        await ack()
        log.append(injected)

    assert (await dispatch(bolt, CLICK)).status == 200
    assert log == ["authorized", "a service"]


async def test_error_handler__response_replaces_the_one_to_an_unhandled_or_failed_request() -> None:
    bolt = app()

    @bolt.action("approve")
    async def listen(ack: AsyncAck) -> None:
        await ack()
        raise OSError("the disk is full")

    @bolt.error
    async def on_error(error: Exception) -> BoltResponse:
        return BoltResponse(status=404 if isinstance(error, BoltUnhandledRequestError) else 503)

    assert (await dispatch(bolt, CLICK)).status == 503
    assert (await dispatch(bolt, BODY)).status == 404


async def test_socket_mode__uses_the_body_as_it_is() -> None:
    bolt = app()
    bodies: list[dict[str, Any]] = []

    @bolt.command("/purecloud")
    async def listen(args: AsyncArgs) -> None:
        await args.ack()
        bodies.append(args.body)

    response = await dispatch(bolt, BODY)

    assert response.status == 200
    assert bodies == [BODY]


async def test_socket_mode__needs_no_signature() -> None:
    bolt = app(verifying=True)

    @bolt.command("/purecloud")
    async def listen(args: AsyncArgs) -> None:
        await args.ack()

    trusted = await dispatch(bolt, BODY)
    untrusted = await bolt.async_dispatch(AsyncBoltRequest(body="command=%2Fpurecloud", mode="http"))

    assert trusted.status == 200
    assert untrusted.status == 401


async def test_process_before_response__responds_after_the_listener_returns() -> None:
    bolt, written = app(), asyncio.Event()

    @bolt.command("/purecloud")
    async def listen(args: AsyncArgs) -> None:
        await args.ack()
        await written.wait()

    answering = asyncio.create_task(dispatch(bolt, BODY))
    for _ in range(100):
        await asyncio.sleep(0)
    early = answering.done()
    written.set()

    assert not early
    assert (await answering).status == 200


async def test_process_before_response__uses_the_listeners_response() -> None:
    bolt = app()

    @bolt.command("/purecloud")
    async def listen(args: AsyncArgs) -> BoltResponse:
        return BoltResponse(status=503, body="The click could not be written down.")

    response = await dispatch(bolt, BODY)

    assert (response.status, response.body) == (503, "The click could not be written down.")


async def test_process_before_response__failed_listener_is_not_acknowledged() -> None:
    bolt = app()

    @bolt.command("/purecloud")
    async def listen(args: AsyncArgs) -> None:
        message = "The disk is full."
        raise OSError(message)

    assert (await dispatch(bolt, BODY)).status >= 400


def test_process_before_response__sets_no_timer() -> None:
    assert timers_of(app(before_response=True)) == 0


def test_process_before_response__without_it_bolt_polls() -> None:
    assert timers_of(app(before_response=False)) > 0


def timers_of(bolt: AsyncApp) -> int:
    """Return the number of timers that one acknowledged command sets."""
    loops: list[TimedLoop] = []

    def new_loop() -> TimedLoop:
        loops.append(TimedLoop())
        return loops[0]

    @bolt.command("/purecloud")
    async def listen(args: AsyncArgs) -> None:
        await asyncio.sleep(0)
        await args.ack()

    async def once() -> int:
        before = loops[0].timers
        assert (await dispatch(bolt, BODY)).status == 200
        return loops[0].timers - before

    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(once())
