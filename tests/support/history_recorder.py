"""Two replicas in this process, and the recorder of what people do and what follows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bot.app import RunningApp, running
from bot.db.requests import RequestStore
from bot.domain.actions import ACTIONS, Actions
from bot.domain.audit import AuditEvent
from bot.domain.requests import BREAK_GLASS, DECLINE
from bot.sandbox import personas
from bot.sandbox.genesys.server import EntityRef, FakeGenesys, GenesysUser
from bot.sandbox.server import environment, genesys_users
from bot.sandbox.slack.messages import PostedMessage, interactive
from bot.sandbox.slack.server import FakeSlack
from bot.sandbox.slack.views import View
from bot.sandbox.slack.workspace import SlackUser
from bot.settings import read_settings
from handlers.ui.modals import REASON, decline_modal
from tests.support.history_entries import OUTCOMES, Entry, Kind, RulesInForce, in_force
from tests.support.stub_services import ENGLISH

SETTINGS = {
    "MAX_COMMANDS_PER_MINUTE": "100000", "MAX_CLICKS_PER_MINUTE": "100000", "MAX_OPEN_REQUESTS": "100",
    "LOG_LEVEL": "error",
}  # fmt: skip

GROUP, ROLE = personas.TOKEN_APPROVERS, "role:Token approver"
TOKEN_APPROVER = EntityRef("role-token-approver", "Token approver")

CARA = "U0CARAAPP1"
"""An approver by a role in Genesys Cloud."""

TARGETS = tuple(f"U0TARGET{number:02}" for number in range(1, 9))

HEADLINES = {
    "Revoked:": "revoked",
    "Refused by Genesys Cloud:": "refused",
    "Failed:": "failed",
    "Unknown:": "unknown",
    "Cancelled:": "cancelled",
    "Declined:": "declined",
    "Expired:": "expired",
}
"""How the message about each outcome begins."""

BREAK_GLASS_PREFIX = "Break glass, "
"""What precedes the headline of a request under break glass, whose next word is not capitalised."""

ANNOUNCED = "Break glass: revocation of"

ASKED = ("request:asked", "request:break_glass_requested")


@dataclass
class HistoryReplica:
    """A bot in this process. `app` is None while it does not run."""

    name: str
    app: RunningApp | None = None
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """The address of its payloads; a port on which no server listens while it does not run."""
        return f"http://127.0.0.1:{self.app.port if self.app else 9}/slack/events"


class Recorder:
    """What people do with the bot, and what an observer sees."""

    def __init__(
        self, slack: FakeSlack, genesys: FakeGenesys, environ: Mapping[str, str], actions: Actions = ACTIONS
    ) -> None:
        self.slack = slack
        self.genesys = genesys
        self.entries: list[Entry] = []
        self.commands: list[Entry] = []
        """The commands; `text` is the target, of whom there is one request at most."""
        self.asked_alone: set[str] = set()
        """The targets whose revocation was requested under break glass."""
        self.replicas = [HistoryReplica("one"), HistoryReplica("two")]
        self._environ = environ
        self._actions = actions

    def note(self, kind: Kind, request: str = "", person: str = "", status: int = 0, text: str = "") -> None:
        """Add an entry with the current time."""
        self.entries.append(Entry(time.time(), kind, request, person, status, text))

    async def start(self, replica: HistoryReplica, rules: RulesInForce) -> None:
        """Start a replica with rules."""
        environ = {
            **self._environ, "APPROVERS": ",".join(rules.approvers), "PROTECTED": ",".join(rules.protected),
            "SELF_APPROVAL": str(rules.self_approval).lower(), "APPROVALS_REQUIRED": str(rules.approvals_required),
            "PROTECTED_APPROVALS": str(rules.protected_approvals), "BREAK_GLASS": ",".join(rules.break_glass),
        }  # fmt: skip
        started: asyncio.Future[RunningApp] = asyncio.get_running_loop().create_future()

        async def run() -> None:
            async with running(read_settings(environ), actions=self._actions) as app:
                started.set_result(app)
                await replica.stopping.wait()

        self.note(Kind.RULES, person=replica.name, status=1, text=rules.to_text())
        replica.stopping.clear()
        replica.task = asyncio.create_task(run())
        either: set[asyncio.Future[Any]] = {started, replica.task}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if replica.task.done():
            replica.task.result()
        replica.app = started.result()
        await replica.app.services.workspace.known.wait()

    async def stop(self, replica: HistoryReplica) -> None:
        """Stop a replica as SIGTERM does."""
        replica.app = None
        replica.stopping.set()
        if replica.task:
            await replica.task
        self.note(Kind.RULES, person=replica.name)

    async def kill(self, replica: HistoryReplica) -> None:
        """End the jobs of a replica and cut it off from the database, so that it leaves its leases behind."""
        if replica.app is None:
            return
        services, replica.app = replica.app.services, None  # no other step stops or starts it meanwhile
        self.note(Kind.DISRUPTION, person=replica.name, status=1)
        await services.worker.drain(0)
        await services.store.database.close()
        await self.stop(replica)
        self.note(Kind.DISRUPTION, person=replica.name)

    def set_role(self, person: str, principal: str, *, held: bool) -> None:
        """Give a person what a principal demands, or take it away."""
        if principal == GROUP:
            members = self.slack.groups[GROUP].members
            members[:] = [one for one in members if one != person] + [person] * held
        else:
            user = next(one for one in self.genesys.users.values() if one.email == self.slack.members[person].email)
            user.roles = (TOKEN_APPROVER,) if held else ()
        self.note(Kind.ROLE, person=person, status=int(held), text=principal)

    async def ask(self, person: str, target: str, replica: HistoryReplica, *, alone: bool = False) -> None:
        """Request the revocation of a target, perhaps under break glass."""
        at, line = time.time(), f"{BREAK_GLASS if alone else 'revoke'} <@{target}> stolen"
        if alone:
            self.asked_alone.add(target)
        delivery = await self.slack.command(person, line, personas.OPS, to=replica.url)
        self.commands.append(Entry(at, Kind.COMMAND, person=person, status=delivery.status or 0, text=target))

    async def click(self, person: str, card: PostedMessage, action: str, replica: HistoryReplica) -> None:
        """Press a button of a card; to decline, submit the modal that the button opens."""
        at, request = time.time(), request_of(card)
        if action == DECLINE:
            modal = View(user_id=person, body=decline_modal(ENGLISH, DECLINE, request))
            delivery = await self.slack.submit_view(person, {REASON: "no"}, view=modal, to=replica.url)
        else:
            delivery = await self.slack.click(person, card, action, force=True, to=replica.url)
        self.entries.append(Entry(at, Kind.CLICK, request, person, delivery.status or 0, action))

    @property
    def cards(self) -> list[PostedMessage]:
        """The cards so far, ended ones included."""
        return [one for one in self.slack.messages if request_of(one)]

    @property
    def store(self) -> RequestStore:
        """The store of a replica that runs."""
        return next(one.app.services.store for one in self.replicas if one.app)

    async def is_idle(self) -> bool:
        """Return whether every request has ended and every job is done."""
        events = await _events(self.store)
        asked = {event.request_id for event in events if event.tag in ASKED}
        ended = {event.request_id for event in events if event.tag in OUTCOMES}
        return asked <= ended and not any((await self.store.jobs.depth()).values())

    async def finish(self) -> list[Entry]:
        """Return the whole history, with what the database, Genesys Cloud and Slack know now."""
        store = self.store
        asked = {event.reference: event for event in await _events(store) if event.tag in ASKED}
        for event in await _events(store):
            if event.request_id:
                self.entries.append(Entry(event.at, Kind.AUDIT, event.request_id, event.actor, text=event.tag))
        for event in asked.values():
            self.entries += [*self._request(event), *await self._messages(store, event)]
        return self.entries + self._commands()

    def _commands(self) -> list[Entry]:
        """Return each command with its request, or with the replies that nothing was changed."""
        requests = {entry.text: entry.request for entry in self.entries if entry.kind is Kind.ASK}
        names = {one.text: requests.get(one.text, f"command for {one.text}") for one in self.commands}
        replies = [
            Entry(message.versions[0].at, Kind.REPLY, names[one.text], one.person)
            for one in self.commands
            for message in self.slack.messages
            if message.only_for == one.person and "Nothing was changed" in self.slack.text_of(message)
        ]
        return [replace(one, request=names[one.text]) for one in self.commands] + replies

    def _request(self, event: AuditEvent) -> Iterator[Entry]:
        """Yield the entries of a request, and of its DELETEs. Each request has a target of its own."""
        request, target = str(event.request_id), str(event.target)
        person = slack_id_of(self.slack, self.genesys, target)
        yield Entry(event.at, Kind.ASK, request, event.actor, int(person in self.asked_alone), person)
        for sent in self.genesys.received("delete_token"):
            if sent.path.endswith(target):
                yield Entry(sent.at, Kind.DELETE, request, status=sent.status or 0)

    async def _messages(self, store: RequestStore, event: AuditEvent) -> list[Entry]:
        """Return what the card and the audit channel show of a request. Copies of the card do not count."""
        request = await store.get(str(event.request_id))
        place = request.card if request else None
        entries = []
        if request and request.rules:
            rules = in_force(request.rules).to_text()
            entries.append(Entry(event.at, Kind.STORED, request.id, status=request.approvals_required, text=rules))
        for message in self.slack.messages:
            if place and (message.channel_id, message.ts) == (place.channel, place.ts):
                for version in message.versions:
                    seen = shown(replace(message, versions=[version]))
                    entries.append(Entry(version.at, Kind.CARD, str(event.request_id), text=seen))
            elif str(event.reference) in self.slack.text_of(message):
                at, text = message.versions[0].at, self.slack.text_of(message)
                if ANNOUNCED in text:
                    entries.append(Entry(at, Kind.ANNOUNCEMENT, str(event.request_id), text=message.channel_id))
                elif message.channel_id == personas.AUDIT:
                    entries.append(Entry(at, Kind.NOTICE, str(event.request_id), text=shown(message)))
        return entries


async def _events(store: RequestStore) -> list[AuditEvent]:
    return [event for event, _ in await store.audit_events()]


def request_of(message: PostedMessage) -> str:
    """Return the id of the request of a card; an empty string for any other message."""
    values = [str(element.get("value", "")) for one in message.versions for _, element in interactive(one.blocks)]
    return values[0] if values else ""


def shown(message: PostedMessage) -> str:
    """Return the outcome that a message shows; `open` while it shows none."""
    if FakeSlack.buttons(message):
        return "open"
    lines = [_without_prefix(line) for line in FakeSlack.text_of(message).splitlines()]
    if any("requests expired*" in line for line in lines):  # one message for several of them
        return "expired"
    return next((word for line in lines for start, word in HEADLINES.items() if line.startswith(start)), "open")


def _without_prefix(line: str) -> str:
    headline = line.removeprefix(BREAK_GLASS_PREFIX)
    return line if headline == line else headline[:1].upper() + headline[1:]


def slack_id_of(slack: FakeSlack, genesys: FakeGenesys, user_id: str) -> str:
    """Return the Slack user with the email address of a Genesys Cloud user."""
    email = genesys.users[user_id].email
    return next(one.id for one in slack.members.values() if one.email == email)


@asynccontextmanager
async def open_recorder(database_url: str, folder: Path, ttl: str, actions: Actions) -> AsyncIterator[Recorder]:
    """Start the fakes; at the end stop what runs."""
    new = [SlackUser(id=one, name=one.lower(), real_name=one, email=f"{one}@example.com") for one in (CARA, *TARGETS)]
    people = [
        GenesysUser(id=f"6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d5e{number:02}", name=one.real_name, email=str(one.email))
        for number, one in enumerate(new)
    ]
    slack = FakeSlack(
        members=[*personas.members(), *new], groups=personas.groups(), channels=personas.channels()
    )  # fmt: skip
    genesys = FakeGenesys(users=[*genesys_users(), *people])
    await slack.start()
    environ = environment(slack, await genesys.start(), folder) | SETTINGS
    recorder = Recorder(slack, genesys, environ | {"DATABASE_URL": database_url, "REQUEST_TTL": ttl}, actions)
    try:
        yield recorder
    finally:
        for replica in recorder.replicas:
            if replica.app:
                await recorder.stop(replica)
        await genesys.stop()
        await slack.stop()
