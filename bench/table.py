"""The table: what was measured, beside whom, both figures, their ratio, the goal, met or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

HEAD = ("measured", "beside", "ours", "theirs", "ours / theirs", "goal", "met")
NOT_HERE = "not here"


@dataclass(frozen=True, slots=True)
class Goal:
    """What a line should come to: its ratio, or our figure, at most (or at least) so much."""

    limit: float
    of: Literal["ratio", "ours"] = "ratio"
    least: bool = False
    unit: str = ""

    def met(self, value: float) -> bool:
        """Whether a value is as good as it should be."""
        return value >= self.limit if self.least else value <= self.limit

    def __str__(self) -> str:
        return f"{'≥' if self.least else '≤'} {self.limit:g}{' ' + self.unit if self.unit else ''}"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table. A figure that is a text says why there is no number."""

    measured: str
    beside: str
    ours: float | str
    theirs: float | str | None = None
    unit: str = ""
    ratio: float | None = None
    goal: Goal | None = None
    aside: tuple[str, str] = ("", "")
    """What stands in brackets beside the two figures."""

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None where there is none, or no number."""
        value = self.ratio if self.goal and self.goal.of == "ratio" else self.ours
        return self.goal.met(value) if self.goal and isinstance(value, int | float) else None

    def cells(self) -> tuple[str, ...]:
        """The line as texts."""
        return (
            self.measured,
            self.beside,
            figure(self.ours, self.unit) + self.aside[0],
            "" if self.theirs is None else figure(self.theirs, self.unit) + self.aside[1],
            "" if self.ratio is None else ratio(self.ratio),
            str(self.goal) if self.goal else "",
            {True: "yes", False: "no", None: ""}[self.met],
        )

    def as_json(self) -> dict[str, Any]:
        """The line as it is kept."""
        return asdict(self) | {"met": self.met}


def line_of(kept: Mapping[str, Any]) -> Line:
    """Read a line that was kept."""
    fields = {name: value for name, value in kept.items() if name != "met"}
    goal = Goal(**kept["goal"]) if kept["goal"] else None
    return Line(**fields | {"goal": goal, "aside": tuple(kept["aside"])})


def figure(value: float | str, unit: str) -> str:
    """Write a figure with three digits that count."""
    if isinstance(value, str):
        return value
    text = f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"  # noqa: PLR2004 - three digits
    return f"{text} {unit}".strip()


def ratio(value: float) -> str:
    """Write a ratio so that it can be held against a goal."""
    return f"{value:.3f}" if value < 0.1 else f"{value:.2f}" if value < 10 else f"{value:.0f}"  # noqa: PLR2004 - digits


def plain(lines: Sequence[Line]) -> str:
    """Write the table for a terminal."""
    rows = [HEAD, *(line.cells() for line in lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def markdown(lines: Sequence[Line]) -> str:
    """Write the table for the documents."""
    rows = [HEAD, ("---", "---", "--:", "--:", "--:", "--:", "---"), *(line.cells() for line in lines)]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows)
