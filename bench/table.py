"""The table of results: the bot's figure, the baseline's, their ratio and the goal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

HEADINGS = ("measured", "compared with", "bot", "baseline", "bot / baseline", "goal", "met")
NOT_INSTALLED = "not installed"


@dataclass(frozen=True, slots=True)
class Goal:
    """A limit for the ratio or for the bot's own figure; a maximum unless `at_least`."""

    limit: float
    of: Literal["ratio", "subject"] = "ratio"
    at_least: bool = False
    unit: str = ""

    def is_met(self, value: float) -> bool:
        """Return whether a value is within the limit."""
        return value >= self.limit if self.at_least else value <= self.limit

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.limit:g}{' ' + self.unit if self.unit else ''}"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table. A figure can be a text that says why there is no number."""

    measured: str
    compared_with: str
    subject: float | str
    baseline: float | str | None = None
    unit: str = ""
    ratio: float | None = None
    goal: Goal | None = None
    notes: tuple[str, str] = ("", "")
    """Text after the subject's and the baseline's figure."""

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None without a goal or a number."""
        value = self.ratio if self.goal and self.goal.of == "ratio" else self.subject
        return self.goal.is_met(value) if self.goal and isinstance(value, int | float) else None

    def cells(self) -> tuple[str, ...]:
        """Return the text of each cell."""
        return (
            self.measured,
            self.compared_with,
            format_figure(self.subject, self.unit) + self.notes[0],
            "" if self.baseline is None else format_figure(self.baseline, self.unit) + self.notes[1],
            "" if self.ratio is None else format_ratio(self.ratio),
            str(self.goal) if self.goal else "",
            {True: "yes", False: "no", None: ""}[self.met],
        )

    def to_json(self) -> dict[str, Any]:
        """Return the row as it is saved."""
        return asdict(self) | {"met": self.met}


def from_json(saved: Mapping[str, Any]) -> Row:
    """Return a saved row."""
    fields = {name: value for name, value in saved.items() if name != "met"}
    goal = Goal(**saved["goal"]) if saved["goal"] else None
    return Row(**fields | {"goal": goal, "notes": tuple(saved["notes"])})


def format_figure(value: float | str, unit: str) -> str:
    """Format a figure with three significant digits."""
    if isinstance(value, str):
        return value
    text = f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"  # noqa: PLR2004 - three digits
    return f"{text} {unit}".strip()


def format_ratio(value: float) -> str:
    """Format a ratio with enough digits to compare it with a goal."""
    return f"{value:.3f}" if value < 0.1 else f"{value:.2f}" if value < 10 else f"{value:.0f}"  # noqa: PLR2004 - digits


def to_text(rows: Sequence[Row]) -> str:
    """Format the table for a terminal."""
    lines = [HEADINGS, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def to_markdown(rows: Sequence[Row]) -> str:
    """Format the table as Markdown."""
    lines = [HEADINGS, ("---", "---", "--:", "--:", "--:", "--:", "---"), *(row.cells() for row in rows)]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)
