"""People who request and click at random while roles and rules change and replicas die."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Coroutine, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.domain.actions import ACTIONS, Actions
from bot.sandbox import personas
from bot.sandbox.genesys.server import GenesysFault
from bot.sandbox.slack.faults import SlackFault
from bot.sandbox.slack.messages import PostedMessage
from tests.support.history_entries import Entry, RulesInForce
from tests.support.history_recorder import CARA, GROUP, ROLE, TARGETS, HistoryReplica, Recorder, open_recorder

FIRST_REQUESTS = 3

REQUEST_TTLS = ("1s", "2s", "10s")

CARD_TIMEOUT = 5.0
"""Maximum time until the first card is posted, in seconds. The random steps begin then."""

WAIT_TIMEOUT = 60.0
"""Maximum time until every request has ended and every job is done, in seconds."""

MAX_PAUSE = 0.04
"""Longest time between two steps, in seconds."""

WITHOUT_GROUPS = ((ROLE,), (personas.OLIVIA, CARA), (personas.OLIVIA, ROLE))
"""Choices of approvers. The bot reads a user group five times at once, and then every four seconds."""

APPROVERS = ((GROUP,), (GROUP, ROLE), *WITHOUT_GROUPS)

BREAK_GLASS = ((personas.SAM,), (personas.SAM, personas.OLIVIA), (ROLE,), ())

HELD = ((personas.OLIVIA, GROUP), (personas.OLIVIA, ROLE), (personas.BEN, GROUP), (personas.BEN, ROLE), (CARA, ROLE))
"""What the approvers hold at first."""

OPENING = (personas.RAVI, personas.OLIVIA, personas.BEN)
"""The people who press the button of each of the first cards, one after another. The first of them may not approve."""

SENTRIES = (personas.SAM, personas.SAM, personas.OLIVIA, personas.BEN)
"""The people who break glass. Some of them may not."""

CLICKERS = {
    personas.OLIVIA: 5, personas.BEN: 5, CARA: 5, personas.RAVI: 3, personas.SAM: 2, personas.NADIA: 1, personas.GUS: 1,
    "target": 2,
}  # fmt: skip
"""The people who press buttons, with weights. Three of them may approve; `target` is the request's own."""

BUTTONS = {"approve": 14, "cancel": 1, "decline": 1}
"""The buttons of a card, with weights."""

STEPS = {"ask": 5, "click": 22, "double click": 4, "role": 3, "fault": 3, "kill": 1, "rules": 1}
"""What happens in a step, with weights."""

SLACK_METHODS = ("users.info", "usergroups.users.list", "chat.postMessage", "chat.update", "response_url")
SLACK_FAULTS: tuple[dict[str, Any], ...] = (
    {"retry_after": 1}, {"status": 503, "html": "unavailable"}, {"drop": True}, {"drop": True, "after": True},
    {"delay": 0.3},
)  # fmt: skip
GENESYS_OPERATIONS = ("delete_token", "delete_token", "search_by_email", "get_user_roles")
GENESYS_FAULTS = (
    GenesysFault(status=429, headers={"Retry-After": "1"}), GenesysFault(status=503), GenesysFault(drop="before"),
    GenesysFault(drop="after"), GenesysFault(delay=0.3),
)  # fmt: skip


@dataclass
class Workload:
    """The random choices of one history."""

    recorder: Recorder
    rng: random.Random
    approvers: Sequence[tuple[str, ...]] = APPROVERS
    number: int = len(TARGETS) + 1
    """The number of people whose revocation is requested."""
    rules: RulesInForce = field(init=False)
    targets: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.rules = self.random_rules()
        self.targets = [*TARGETS, personas.BEN]
        self.rng.shuffle(self.targets)
        del self.targets[self.number :]

    def random_rules(self) -> RulesInForce:
        needed = self.rng.choice((1, 1, 1, 2))
        return RulesInForce(
            self.rng.choice(self.approvers),
            tuple(sorted(self.rng.sample(TARGETS, 2))),
            self_approval=self.rng.random() < 2 / 3,
            approvals_required=needed,
            protected_approvals=self.rng.choice((needed, 2, 2, 3)),
            break_glass=self.rng.choice(BREAK_GLASS),
        )

    async def run(self, steps: int) -> None:
        """Take random steps, each without waiting for the ones before."""
        for person, principal in HELD:
            self.recorder.set_role(person, principal, held=True)
        for replica in self.recorder.replicas:
            await self.recorder.start(replica, self.rules)
        running = [asyncio.create_task(self.open()) for _ in range(FIRST_REQUESTS)]
        await self.wait_for_card(0)
        for _ in range(steps):
            await asyncio.sleep(self.rng.uniform(0, MAX_PAUSE))
            (name,) = self.rng.choices(list(STEPS), list(STEPS.values()))
            running.append(asyncio.create_task(self.step(name)))
        await asyncio.gather(*running)
        self.recorder.slack.clear_faults()
        self.recorder.genesys.faults.clear()
        deadline = time.monotonic() + WAIT_TIMEOUT
        while not await self.recorder.is_idle() and time.monotonic() < deadline:
            await asyncio.gather(*map(self.cancel, self.recorder.cards), asyncio.sleep(0.5))

    def step(self, name: str) -> Coroutine[Any, Any, None]:
        """Return a step. What is random in it is drawn now, so that a seed gives the same choices again."""
        match name:
            case "ask":
                return self.ask()
            case "click" | "double click":
                return self.click(2 if name == "double click" else 1)
            case "role":
                return self.change_role()
            case "fault":
                return self.break_something()
            case "kill":
                return self.restart([self.rng.choice(self.recorder.replicas)], self.rules, kill=True)
            case _:
                rolling = self.rng.random() < 1 / 2
                self.rules = self.random_rules()
                return self.change_rules(self.rules, rolling=rolling)

    async def open(self) -> None:
        """Request a revocation and let several people press the button of a card, one after another."""
        number = len(self.recorder.commands)
        await self.ask()
        await self.wait_for_card(number)
        for person in OPENING:
            for card in self.recorder.cards[number : number + 1]:
                await self.recorder.click(person, card, "approve", self.rng.choice(self.recorder.replicas))

    async def wait_for_card(self, number: int) -> None:
        """Wait until more cards than this are posted, but not for ever, because commands can be denied."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CARD_TIMEOUT):
                while len(self.recorder.cards) <= number:  # noqa: ASYNC110 - the fake signals changed messages only
                    await asyncio.sleep(0.01)

    async def cancel(self, card: PostedMessage) -> None:
        """Let the requester cancel a request that is still open, so that it ends before it expires."""
        requesters = [one.person for one in self.recorder.commands if one.text == self.target_of(card)]
        if self.recorder.slack.buttons(card):
            await self.recorder.click(requesters[0], card, "cancel", self.recorder.replicas[0])

    async def ask(self) -> None:
        """Request the revocation of a person of whom no request exists yet."""
        if self.targets:
            target, alone = self.targets.pop(), self.rng.random() < 1 / 5
            people = [one for one in (SENTRIES if alone else personas.REQUESTERS) if one != target]
            replica = self.rng.choice(self.recorder.replicas)
            await self.recorder.ask(self.rng.choice(people), target, replica, alone=alone)

    async def click(self, times: int) -> None:
        """Press a button of a card, several times at once, through any replica."""
        cards = self.recorder.cards
        if not cards:
            return
        still_open = [one for one in cards if self.recorder.slack.buttons(one)]
        card = self.rng.choice(still_open if still_open and self.rng.random() < 3 / 4 else cards)
        (person,) = self.rng.choices(list(CLICKERS), list(CLICKERS.values()))
        person = self.target_of(card) if person == "target" else person
        (action,) = self.rng.choices(list(BUTTONS), list(BUTTONS.values()))
        replicas = [self.rng.choice(self.recorder.replicas) for _ in range(times)]
        await asyncio.gather(*(self.recorder.click(person, card, action, one) for one in replicas))

    def target_of(self, card: PostedMessage) -> str:
        text = self.recorder.slack.text_of(card)
        return next((one for one in TARGETS if one in text), personas.BEN)

    async def change_role(self) -> None:
        """Give one of the approvers their role, or take it away."""
        person, principal = self.rng.choice(HELD)
        self.recorder.set_role(person, principal, held=self.rng.random() < 1 / 2)

    async def break_something(self) -> None:
        """Make the next call of something fail."""
        if self.rng.random() < 1 / 2:
            fault = SlackFault(**self.rng.choice(SLACK_FAULTS))
            self.recorder.slack.fault(self.rng.choice(SLACK_METHODS), fault)
        else:
            self.recorder.genesys.fault(self.rng.choice(GENESYS_OPERATIONS), self.rng.choice(GENESYS_FAULTS))

    async def change_rules(self, rules: RulesInForce, *, rolling: bool) -> None:
        """Restart both replicas with other rules: one after the other, or both at once."""
        if rolling:
            await self.restart(self.recorder.replicas, rules)
        else:
            await asyncio.gather(*(self.restart([one], rules) for one in self.recorder.replicas))

    async def restart(self, replicas: Iterable[HistoryReplica], rules: RulesInForce, *, kill: bool = False) -> None:
        """Stop replicas, or kill them, and start them again. A replica that does not run now is left out."""
        for replica in replicas:
            if replica.app is None:
                continue
            await (self.recorder.kill if kill else self.recorder.stop)(replica)
            await self.recorder.start(replica, rules)


async def record_history(
    seed: int, database_url: str, folder: Path, *, steps: int = 40, ttl: str = "", actions: Actions = ACTIONS,
    approvers: Sequence[tuple[str, ...]] = APPROVERS, targets: int = len(TARGETS) + 1,
) -> list[Entry]:  # fmt: skip
    """Run a random workload on an empty database and return its history.

    Without a `ttl` that is random too.
    """
    rng = random.Random(seed)  # noqa: S311 - no secret
    async with open_recorder(database_url, folder, ttl or rng.choice(REQUEST_TTLS), actions) as recorder:
        await Workload(recorder, rng, approvers, targets).run(steps)
        return await recorder.finish()
