"""Rounds in which the contestants take turns, and the medians of their samples.

A slow moment of the machine affects all contestants.
"""

from __future__ import annotations

import statistics
from collections.abc import Awaitable, Callable, Mapping

Sample = Mapping[str, float]
"""The figures of one turn, by name."""
Turn = Callable[[], Awaitable[Sample]]


class Samples:
    """The samples of each contestant, one per round."""

    def __init__(self, samples: Mapping[str, list[Sample]]) -> None:
        self._samples = samples

    def has(self, name: str) -> bool:
        """Return whether a contestant has samples."""
        return bool(self._samples.get(name))

    def median(self, name: str, figure: str) -> float:
        """Return the median of a figure over all rounds."""
        return statistics.median(sample[figure] for sample in self._samples[name])

    def ratio(self, name: str, other: str, figure: str) -> float:
        """Return the median of the ratios within each round."""
        pairs = zip(self._samples[name], self._samples[other], strict=True)
        return statistics.median(one[figure] / two[figure] for one, two in pairs)


async def interleave(turns: Mapping[str, Turn], rounds: int) -> Samples:
    """Let every contestant take one turn per round; each round starts with another contestant."""
    names = list(turns)
    samples: dict[str, list[Sample]] = {name: [] for name in names}
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            samples[name].append(await turns[name]())
    return Samples(samples)
