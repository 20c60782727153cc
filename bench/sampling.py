"""Rounds: whoever is compared takes turns, so that a slow moment of the machine meets everybody; then medians."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from statistics import median

Sample = Mapping[str, float]
AdvisoryLock = Callable[[], Awaitable[Sample]]


class Samples:
    """What was measured: by whom, which figure, one number a round."""

    def __init__(self, taken: Mapping[str, list[Sample]]) -> None:
        self._taken = taken

    def has(self, who: str) -> bool:
        """Whether somebody took part."""
        return bool(self._taken.get(who))

    def of(self, who: str, figure: str) -> float:
        """The median of a figure."""
        return median(one[figure] for one in self._taken[who])

    def ratio(self, who: str, other: str, figure: str) -> float:
        """The median of the rounds' ratios: the two of a round were measured in the same minute."""
        pairs = zip(self._taken[who], self._taken[other], strict=True)
        return median(one[figure] / two[figure] for one, two in pairs)


async def interleave(turns: Mapping[str, AdvisoryLock], rounds: int) -> Samples:
    """Let everybody take a turn a round, each round beginning with another."""
    names = list(turns)
    taken: dict[str, list[Sample]] = {name: [] for name in names}
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            taken[name].append(await turns[name]())
    return Samples(taken)
