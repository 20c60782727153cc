"""People who do anything in a simulation, at random, while roles and rules change and processes die."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.domain.principals import Principal, parse_principals
from bot.domain.requests import APPROVE, BREAK_GLASS, CANCEL, DECLINE
from bot.domain.rules import Rules
from tests.support.examples import BEN, OLIVIA, RAVI, TOM, users
from tests.support.history_entries import Kind
from tests.support.simulated_ports import CARA, GROUP, IDS, NADIA, OTHERS, PIA, SENTRIES
from tests.support.simulated_world import HELD, World

STEPS = {"ask": 5, "approve": 20, "end": 2, "role": 3, "rules": 2, "death": 1}
"""What happens in a step, with weights."""

APPROVERS: Sequence[tuple[Principal, ...]] = (
    *[parse_principals(GROUP)] * 3, parse_principals(f"{GROUP},{NADIA}"), users(OLIVIA, CARA), users(BEN, CARA, OLIVIA),
)  # fmt: skip

BREAKERS: Sequence[tuple[Principal, ...]] = (*[parse_principals(SENTRIES)] * 3, users(BEN, OLIVIA), ())

PROTECTED = ((PIA,), (PIA, BEN), (PIA, TOM, *OTHERS[:3]), ())

CLICKERS = {OLIVIA: 6, BEN: 6, CARA: 6, RAVI: 1, NADIA: 1, "target": 1}
"""Who presses buttons, with weights; `target` is the request's own."""

MAX_STEPS = 30

MAX_PAUSE = 4.0
"""Longest time between two steps, in virtual seconds."""

TTLS = (20.0, 60.0, 120.0)


def random_rules(rng: random.Random) -> Rules:
    """Return rules under which most requests can be approved."""
    needed = rng.choice((1, 1, 2, 2, 3))
    return Rules(
        approvers=rng.choice(APPROVERS), requesters=users(RAVI, OLIVIA, BEN), admins=users(OLIVIA),
        protected=users(*rng.choice(PROTECTED)), self_approval=rng.random() < 2 / 3, approvals_required=needed,
        protected_approvals=rng.choice([one for one in (1, 2, 2, 3) if one >= needed]),
        break_glass=rng.choice(BREAKERS),
    )  # fmt: skip


@dataclass
class RandomPeople:
    """People who take random steps, most of them before the step before has ended."""

    rng: random.Random
    targets: list[str] = field(default_factory=lambda: [*IDS])

    async def act(self, world: World) -> None:
        """Take the steps."""
        self.rng.shuffle(self.targets)
        running = [asyncio.create_task(self.ask(world)) for _ in range(2)]
        names = self.rng.choices(list(STEPS), list(STEPS.values()), k=self.rng.randint(MAX_STEPS // 2, MAX_STEPS))
        for name in names:
            await asyncio.sleep(self.rng.choice((0.0, self.rng.uniform(0, MAX_PAUSE))))
            running.append(asyncio.create_task(self.step(world, name)))
        await asyncio.gather(*running)

    async def step(self, world: World, name: str) -> None:
        match name:
            case "ask":
                await self.ask(world)
            case "approve":
                await self.click(world, APPROVE)
            case "end":
                await self.click(world, self.rng.choice((CANCEL, DECLINE)))
            case "role":
                self.change_role(world)
            case "rules":
                world.change_rules(random_rules(self.rng))
            case _:
                world.kill()

    def change_role(self, world: World) -> None:
        """Give people back what they held at first, or take it from one, often one who has approved."""
        if self.rng.random() < 1 / 2:
            for person, group in HELD:
                world.set_role(person, group, held=True)
            return
        clicked = [(one.person, GROUP) for one in world.entries if one.kind is Kind.CLICK and one.text == APPROVE]
        person, group = self.rng.choice((*HELD, *clicked[-3:]))
        world.set_role(person, group, held=False)

    async def ask(self, world: World) -> None:
        """Type a command about a person of whom none was typed yet, again until a process has stored it."""
        if not self.targets:
            return
        target, alone = self.targets.pop(), self.rng.random() < 1 / 3
        person = self.rng.choice((BEN, BEN, CARA, OLIVIA) if alone else (RAVI, OLIVIA, BEN))
        while not await world.type(person, target, BREAK_GLASS if alone else "revoke"):  # noqa: ASYNC110 - typed again
            await asyncio.sleep(1)

    async def click(self, world: World, action: str) -> None:
        """Press a button of a card, most often of one that is open."""
        cards = world.cards()
        still_open = [one for one in cards if one.versions[-1][1]["text"] == "pending"]
        if not still_open:
            return
        card = self.rng.choice(still_open)
        (person,) = self.rng.choices(list(CLICKERS), list(CLICKERS.values()))
        requester, target = world.people_of(card)
        if self.rng.random() < (3 / 4 if action == CANCEL else 1 / 4):
            person = requester
        await world.click(card, target if person == "target" else person, action)
