"""Slack and Genesys Cloud in memory, as one simulated process sees them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeVar, cast

from bot.domain.people import Workspace
from bot.domain.requests import MessageRef, Request, State
from bot.errors import SlackUnavailable
from bot.purecloud import Done, GenesysNoResponse, GenesysServerError, User
from bot.purecloud.allowance import Allowance
from bot.purecloud.caller import write_guard, write_sent
from bot.slack.api import SlackApi, SlackCallError
from bot.slack.channels import Channels
from bot.slack.messages import Message, SlackMessenger
from bot.slack.workspace import WorkspaceIdentity
from handlers.messages import Catalog
from handlers.messages.en import SENTENCES
from handlers.ui.renderer import MessageRenderer
from tests.support.examples import BEN, OLIVIA, RAVI, TOM, TOM_IN_GENESYS, WORKSPACE
from tests.support.simulation import Call, SimulatedProcess

T = TypeVar("T")

NADIA, CARA, PIA, GROUP, AUDIT = "U0NADIA001", "U0CARA0001", "U0PIA00001", "S0APPROVE1", "C0AUDIT001"

SENTRIES = "S0SENTRY01"
"""A user group for BREAK_GLASS."""

OTHERS = tuple(f"U0TARGET{number:02}" for number in range(1, 7))
"""People whose revocation is requested, besides Tom, Pia and Ben."""

IDS = {TOM: TOM_IN_GENESYS.id} | {
    person: f"6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e{number}" for number, person in enumerate((PIA, BEN, *OTHERS), 10)
}
"""The users of Genesys Cloud, by their Slack users."""

EMAILS = {one: f"{one.lower()}@example.com" for one in (OLIVIA, RAVI, NADIA, CARA, *IDS)} | {TOM: TOM_IN_GENESYS.email}

PEOPLE = {EMAILS[person]: user_id for person, user_id in IDS.items()}
"""The users of Genesys Cloud, by email address."""

CATALOG = Catalog(SENTENCES)


@dataclass
class SimulatedMessage:
    """A message with every version of it and the time of each."""

    channel: str
    ts: str
    versions: list[tuple[float, Message]]


@dataclass
class Outside:
    """What Slack and Genesys Cloud have received."""

    now: Callable[[], float]
    groups: dict[str, list[str]] = field(default_factory=lambda: {GROUP: [], SENTRIES: []})
    messages: list[SimulatedMessage] = field(default_factory=list)
    deletes: list[tuple[float, str, int]] = field(default_factory=list)
    """Time, target and status of each DELETE; the status is 0 for a lost answer."""
    _numbers: count[int] = field(default_factory=lambda: count(1))

    def post(self, channel: str, message: Message) -> MessageRef:
        ts = f"{next(self._numbers)}.0"
        place = f"D{channel[1:]}" if channel.startswith("U") else channel
        self.messages.append(SimulatedMessage(place, ts, [(self.now(), message)]))
        return MessageRef(place, ts)

    def edit(self, ts: str | None, message: Message) -> None:
        found = next(one for one in self.messages if one.ts == ts)
        found.versions.append((self.now(), message))


class StateRenderer(MessageRenderer):
    """A renderer whose cards and notices consist of the state of their request."""

    def card(self, request: Request, *, with_live_state: bool = False) -> dict[str, Any]:  # noqa: ARG002 - overrides
        target = request.target.id if request.target else "me"
        return {"card": request.id, "target": target, "text": request.state.value, "blocks": []}

    def outcome(self, request: Request, link: str | None = None) -> dict[str, Any]:  # noqa: ARG002 - overrides
        return {"outcomes": [request.id], "text": request.state.value, "blocks": []}

    def announcement(self, request: Request) -> dict[str, Any]:
        return {"announced": request.id, "text": "break glass", "blocks": []}

    def with_checkpoint(self, message: Mapping[str, Any], checkpoint: str) -> Mapping[str, Any]:  # noqa: ARG002 - overrides
        return message

    def expirations(self, requests: Sequence[Request]) -> dict[str, Any]:
        return {"outcomes": [one.id for one in requests], "text": State.EXPIRED.value, "blocks": []}


class SimulatedApi(SlackApi):
    """The reads of Slack's Web API."""

    def __init__(self, process: SimulatedProcess, outside: Outside, clock: Callable[[], float]) -> None:
        super().__init__(cast("Any", None), lambda _method, _status: None, clock=clock)
        self._process = process
        self._outside = outside

    async def read(self, method: str, **arguments: str) -> Mapping[str, Any]:
        def effect() -> Mapping[str, Any]:
            if method == "usergroups.users.list":
                return {"users": list(self._outside.groups[arguments["usergroup"]])}
            if method == "conversations.info":
                return {"channel": {"id": arguments["channel"], "is_ext_shared": False}}
            if method == "chat.getPermalink":
                return {"permalink": "https://home.slack.com/archives/card"}
            user = arguments.get("user") or next(k for k, v in EMAILS.items() if v == arguments["email"])
            return {
                "user": {"id": user, "team_id": WORKSPACE.team_id, "name": user, "profile": {"email": EMAILS[user]}}
            }

        def error() -> Exception:
            return SlackUnavailable(method, "timeout", retryable=True)

        return await self._process.call(Call(method, changes=False), effect, error)


class SimulatedMessenger(SlackMessenger):
    """The messages of Slack. A `response_url` is the key of a command or the `ts` of the clicked message."""

    def __init__(self, process: SimulatedProcess, outside: Outside, channels: Channels) -> None:
        self._process = process
        self._outside = outside
        self._channels = channels

    async def post(self, channel: str, message: Message, *, thread_ts: str | None = None) -> MessageRef:  # noqa: ARG002 - overrides
        await self._channels.require(channel)
        return await self._call("post", lambda: self._outside.post(channel, message))

    async def update(self, ref: MessageRef, message: Message) -> None:
        await self._call("update", lambda: self._outside.edit(ref.ts, message))

    async def respond(self, url: str, message: Message, *, in_channel: bool = False) -> None:  # noqa: ARG002 - overrides
        await self._call("respond", lambda: self._outside.post(url, message))

    async def replace_original(self, url: str, message: Message) -> None:
        await self._call("replace", lambda: self._outside.edit(url, message))

    async def _call(self, name: str, effect: Callable[[], T]) -> T:
        def error() -> Exception:
            return SlackCallError("timeout", retryable=True)

        return await self._process.call(Call(name, changes=True), effect, error)


class KnownWorkspace(WorkspaceIdentity):
    """A workspace for which no call is needed."""

    @property
    def current(self) -> Workspace:
        return WORKSPACE


class SimulatedGenesys:
    """Genesys Cloud: the Tokens API, the Users API and an Authorization API without roles."""

    def __init__(self, process: SimulatedProcess, outside: Outside) -> None:
        self._process = process
        self._outside = outside

    @property
    def tokens(self) -> SimulatedGenesys:
        return self

    async def delete_token(self, user_id: str) -> Done:
        return await self._write(user_id)

    async def rotate(self) -> Done:
        return await self._write("me")

    async def _write(self, target: str) -> Done:
        guard = write_guard.get()
        if guard:
            await guard()
        count = write_sent.get()
        if count:
            count()

        def effect() -> Done:
            self._outside.deletes.append((self._outside.now(), target, 200))
            return Done(200, "correlation-1")

        def refused() -> Exception:
            self._outside.deletes.append((self._outside.now(), target, 503))
            return GenesysServerError(status=503)

        def lost() -> Exception:
            at, _, _ = self._outside.deletes.pop()
            self._outside.deletes.append((at, target, 0))
            return GenesysNoResponse()

        return await self._process.call(Call("delete", changes=True), effect, refused, lost)

    async def search_by_email(self, email: str) -> list[User]:
        return await self._read("search", lambda: [self._user(PEOPLE[email])])

    async def get_user(self, user_id: str) -> User:
        return await self._read("get_user", lambda: self._user(user_id))

    async def get_user_now(self, user_id: str, expand: Sequence[str], *, login: bool = True) -> User:  # noqa: ARG002 - as a client with a token
        return await self._read("get_user_now", lambda: self._user(user_id))

    async def get_user_roles(self, user_id: str) -> Any:
        raise AssertionError(f"no principal needs the roles of {user_id}")

    def _user(self, user_id: str) -> User:
        email = next(email for email, known in PEOPLE.items() if known == user_id)
        return User(id=user_id, name=user_id, email=email, state="active")

    async def _read(self, name: str, effect: Callable[[], T]) -> T:
        return await self._process.call(Call(name, changes=False), effect, lambda: GenesysServerError(status=503))


class SimulatedLane(SimulatedGenesys):
    """A client for bulk requests. Genesys Cloud answers each DELETE, and reports an allowance."""

    def __init__(self, process: SimulatedProcess, outside: Outside, clock: Callable[[], float]) -> None:
        super().__init__(process, outside)
        self.allowance = Allowance(clock)

    @property
    def auth(self) -> SimulatedLane:
        return self

    async def token(self) -> object:
        return self

    async def _write(self, target: str) -> Done:
        try:
            return await super()._write(target)
        finally:
            self.allowance.note(
                {"inin-ratelimit-count": "1", "inin-ratelimit-allowed": "300", "inin-ratelimit-reset": "60"}
            )
